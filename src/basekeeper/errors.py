"""Everything that can go wrong, as one tree; the command line prints each in one place.

Error                      anything basekeeper reports; carries a remedy and an exit code
├── InputError             something that the user named cannot be used
│   └── InvalidReference   text that is no image reference
├── ConfigError            policy, settings or waivers are wrong; holds every problem of the file
├── TransportError         a request over the network failed
│   ├── NetworkError       the network or the server did, and may not the next time
│   ├── RegistryError      a registry did not tell what was asked of it
│   └── ForgeError         a forge did not tell, or did not do, what was asked of it
└── LedgerError            the ledger cannot be reached or refuses

What concerns one item of many (one file, one image) is not an exception but a `Skipped` value.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from basekeeper.records import dataclass

if TYPE_CHECKING:
    from datetime import datetime

EXIT_OK = 0
EXIT_FINDINGS = 1
EXIT_USAGE = 2
EXIT_UNKNOWN = 3
EXIT_BUG = 70
EXIT_INTERRUPTED = 130


class Error(Exception):
    """Base of all errors that basekeeper raises on purpose.

    Messages are lower case without a final stop, subject first, offending values by `repr`.
    """

    exit_code: ClassVar[int] = EXIT_USAGE
    """What the command line exits with; see the table in the reference documentation."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        """Keep the message and the remedy apart.

        Args:
            message: What is wrong.
            hint: What to do about it: an imperative sentence, or None where nothing is known.
        """
        super().__init__(message)
        self.message = message
        self.hint = hint


class InputError(Error):
    """Something that the user named cannot be used: a missing path, an unreadable file."""


class InvalidReference(InputError):  # noqa: N818 (the name that the library promises)
    """Text that is not an image reference.

    `position` is the index of the first character of `text` that does not fit.
    """

    def __init__(self, text: str, reason: str, *, position: int = 0) -> None:
        """Say which text is wrong, why, and where."""
        shown = text if len(text) <= 200 else text[:200] + "…"  # noqa: PLR2004
        super().__init__(
            f"invalid image reference {shown!r}: {reason} (at character {position + 1})",
            hint="write it as [registry[:port]/]repository[:tag][@sha256:digest]",
        )
        self.text = text
        self.reason = reason
        self.position = position


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a configuration, policy, waiver or baseline file."""

    path: str
    line: int | None
    """First line is 1; None where no line can be told."""
    key: str
    """Dotted key, for example `policy.preferred[2].image`; empty for the whole file."""
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        """Render as `path:line: key: message`."""
        place = self.path if self.line is None else f"{self.path}:{self.line}"
        return f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"


class ConfigError(Error):
    """A configuration, policy, waiver or baseline file is wrong; holds all its problems at once."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        """Keep all problems, in the order of their lines."""
        count = len(problems)
        head = "1 problem" if count == 1 else f"{count} problems"
        paths = {problem.path for problem in problems}
        lines = [f"{head} in {min(paths) if len(paths) == 1 else f'{len(paths)} files'}"]
        for problem in problems:
            lines.append(f"  {problem}")
            if problem.hint:
                lines.append(f"    {problem.hint}")
        super().__init__("\n".join(lines))
        self.problems = problems


class TransportError(Error):
    """A request over the network failed; the message names host and reason, never credentials."""

    exit_code: ClassVar[int] = EXIT_UNKNOWN


class NetworkError(TransportError):
    """The network or the server failed: the same request may succeed the next time.

    Every other TransportError of a request is a refusal by a rule, and stays one.
    """

    def __init__(self, message: str, *, hint: str | None = None, reason: str | None = None) -> None:
        """Keep what went wrong without what was asked; None: as the message says."""
        super().__init__(message, hint=hint)
        self.reason = reason


class Failure(StrEnum):
    """Why a registry did not tell what was asked of it."""

    NOT_FOUND = "not found or no access"
    """Registries answer alike for what is missing and for what is private."""
    DENIED = "access denied"
    LIMITED = "rate limited"
    """Also for everything that was not asked any more after the host's limit was reached."""
    UNREACHABLE = "not reachable"
    REFUSED = "refused answer"
    """The answer broke a rule of safety: size, digest, redirect, realm."""
    UNSUPPORTED = "not supported"


class RegistryError(TransportError):
    """A registry did not tell what was asked of it; names the image and the reason."""

    def __init__(self, message: str, failure: Failure, *, hint: str | None = None) -> None:
        """Keep the kind of failure beside the message."""
        super().__init__(message, hint=hint)
        self.failure = failure


class ForgeFailure(StrEnum):
    """Why a forge did not tell, or did not do, what was asked of it."""

    AUTH = "not logged in"
    """The token is missing, wrong or expired."""
    PERMISSION = "no permission"
    NOT_FOUND = "not found or no access"
    """Forges answer alike for what is missing and for what is private."""
    CONFLICT = "conflict"
    """What is there is not what was expected; to be looked at again before anything is done."""
    LIMITED = "rate limited"
    TRANSIENT = "not reachable"
    """It may succeed the next time; of a change it is not known whether it was done."""
    UNSUPPORTED = "not supported"
    REFUSED = "refused answer"
    """The answer broke a rule of safety: size, form, another host."""


class ForgeError(TransportError):
    """A forge did not tell, or did not do, what was asked of it; no message shows a token."""

    def __init__(
        self,
        message: str,
        failure: ForgeFailure,
        *,
        hint: str | None = None,
        until: datetime | None = None,
        needs: str | None = None,
    ) -> None:
        """Keep the kind of failure beside the message.

        Args:
            message: What is wrong.
            failure: What kind it is.
            hint: What to do about it.
            until: Of LIMITED, when it may be asked again, UTC; None: the forge does not say.
            needs: Of PERMISSION, which one is needed, in the forge's words; None: it does not say.
        """
        super().__init__(message, hint=hint)
        self.failure = failure
        self.until = until
        self.needs = needs


class LedgerError(Error):
    """The ledger cannot be reached, is broken, or refuses what was asked of it."""

    exit_code: ClassVar[int] = EXIT_UNKNOWN
