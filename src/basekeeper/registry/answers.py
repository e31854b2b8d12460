"""What the answers of registries mean: statuses, error bodies, warnings."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Final, Protocol

from basekeeper.errors import Failure, RegistryError
from basekeeper.registry.documents import read_object, text_at
from basekeeper.transport.redaction import shown_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from basekeeper.registry.hosts import Host
    from basekeeper.registry.tokens import Scope
    from basekeeper.transport.client import Response

MAX_WARNING: Final = 4096
"""Bytes of all warnings of one answer that are looked at, as the specification has it."""
MAX_WARNINGS: Final = 100
"""Warnings kept of one run."""

OK: Final = 200
NOT_MODIFIED: Final = 304
BAD_REQUEST: Final = 400
FORBIDDEN: Final = 403
NOT_FOUND: Final = 404
NOT_ALLOWED: Final = 405
NOT_ACCEPTABLE: Final = 406
TOO_MANY: Final = 429
NOT_IMPLEMENTED: Final = 501
_SERVER_ERRORS: Final = 500
_PASSING: Final = frozenset({408, 425})
"""Refusals of this one request, in whose place another may be answered."""

_WARNING: Final = re.compile(r'299 [^ "]{1,255} "((?:[^"\\]|\\.)*)"')
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class Get(Protocol):
    """Fetches a path of a registry, as `Session.get` does."""

    def __call__(  # noqa: PLR0913  # two that say what is asked, four that say how
        self,
        host: Host,
        path: str,
        *,
        scope: Scope | None,
        accept: str = "*/*",
        headers: Mapping[str, str] | None = None,
        max_bytes: int,
    ) -> Response:
        """Return the last answer, with any status but 401."""
        ...


def failed(answer: Response, what: str) -> RegistryError:
    """Build the error for an answer that is not the one hoped for."""
    status = answer.status
    if status == NOT_FOUND:
        return RegistryError(
            f"{what}: not found, or no access to it",
            Failure.NOT_FOUND,
            hint="check the name; log in to the registry if it is private",
        )
    told = _told(answer)
    if status == FORBIDDEN:
        return RegistryError(
            f"{what}: access denied{told}",
            Failure.DENIED,
            hint="log in to the registry with an account that may read it",
        )
    if status == TOO_MANY:
        return RegistryError(
            f"{what}: rate limited{told}", Failure.LIMITED, hint="log in, or run again later"
        )
    is_passing = status >= _SERVER_ERRORS or status in _PASSING
    failure = Failure.UNREACHABLE if is_passing else Failure.UNSUPPORTED
    return RegistryError(f"{what}: the registry answered with status {status}{told}", failure)


class Warnings:
    """What registries warn of (`Warning: 299`), each text once; safe to share between threads."""

    def __init__(self) -> None:
        """Start with none."""
        self._lock = threading.Lock()
        self._texts: dict[str, None] = {}

    def note(self, host: Host, header: str) -> None:
        """Keep what a header says; it is shown to the user and never acted upon."""
        found = read_warnings(header)
        with self._lock:
            for text in found:
                if len(self._texts) < MAX_WARNINGS:
                    self._texts[f"{host.name}: {text}"] = None

    def texts(self) -> tuple[str, ...]:
        """Return all, in the order in which they came."""
        with self._lock:
            return tuple(self._texts)


def read_warnings(header: str) -> tuple[str, ...]:
    """Read the texts of a Warning header with code 299, without control characters."""
    found = _WARNING.findall(header.encode()[:MAX_WARNING].decode(errors="ignore"))
    texts = (_CONTROL.sub("", _ESCAPED.sub(r"\1", text)).strip() for text in found)
    return tuple(text for text in texts if text)


def _told(answer: Response) -> str:
    """Give what the body of a failure says, in the form of the distribution specification."""
    try:
        errors = read_object(answer.body, "error").get("errors")
    except RegistryError:
        return ""
    first = errors[0] if isinstance(errors, list) and errors else None
    if not isinstance(first, dict):
        return ""
    words = (text_at(first, "code"), text_at(first, "message"))
    told = shown_text(": ".join(word for word in words if word))
    return f" ({told})" if told else ""
