"""Where a ledger lies, as its user writes it.

`sqlite:PATH`, `postgresql://…`, `branch:NAME` or `branch:NAME@URL`.
"""

from __future__ import annotations

import re
from dataclasses import field
from enum import StrEnum
from pathlib import Path
from typing import Final

from basekeeper.records import dataclass
from basekeeper.transport.redaction import shown_url

FORMS: Final = "sqlite:PATH, postgresql://user@host/database, branch:NAME or branch:NAME@URL"
"""How a location is written."""

DEFAULT_BRANCH: Final = "basekeeper-ledger"
"""The branch that `branch:` stands for."""

_PART: Final = r"[A-Za-z0-9_][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*"
_BRANCH: Final = re.compile(rf"{_PART}(?:/{_PART})*")
_MAX_BRANCH: Final = 200
_URL: Final = re.compile(
    r"(?:(?:file|git|https?|ssh)://|[A-Za-z0-9_][\w.-]*@[A-Za-z0-9][A-Za-z0-9.-]*:)[!-~]+",
    re.ASCII,
)
"""What another remote is reached by; the second form is that of `scp`."""


class Kind(StrEnum):
    """What keeps the events."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"
    BRANCH = "branch"


@dataclass(frozen=True, slots=True)
class Location:
    """Where a ledger lies."""

    kind: Kind
    target: str = field(repr=False)
    """The path of the file, the name of the branch, or the connection URI, which may hold a
    password. Behind the branch may stand `@` and the address of another remote than the clone's."""

    def __str__(self) -> str:
        """Name it in messages: never a password."""
        if self.kind is Kind.POSTGRESQL:
            return shown_url(self.target)
        if self.kind is Kind.BRANCH and self.remote is not None:
            shown = shown_url(self.remote) if "://" in self.remote else self.remote
            return f"{self.kind}:{self.branch}@{shown}"
        return f"{self.kind}:{self.target}"

    @property
    def branch(self) -> str:
        """The name of the branch alone."""
        return self.target.partition("@")[0]

    @property
    def remote(self) -> str | None:
        """The remote that has the branch; None: that of the clone that the user stands in."""
        return self.target.partition("@")[2] or None

    @property
    def is_relative(self) -> bool:
        """Tell whether it depends on the current directory."""
        return self.kind is Kind.SQLITE and not Path(self.target).is_absolute()


def read_location(text: str) -> Location:
    """Read a location; `~/` begins a path in the user's home.

    Raises:
        ValueError: It is none. The message does not repeat the text, which may hold a password.
    """
    scheme, sign, rest = text.strip().partition(":")
    if scheme not in {kind.value for kind in Kind} or not sign:
        raise ValueError(f"is no ledger: write {FORMS}")
    if scheme == Kind.POSTGRESQL:
        if not rest.startswith("//"):
            raise ValueError("is no ledger: after postgresql: come two slashes")
        return Location(Kind.POSTGRESQL, f"{scheme}:{rest}")
    if scheme == Kind.BRANCH:
        name, sign, url = rest.partition("@")
        return Location(Kind.BRANCH, _branch(name or DEFAULT_BRANCH) + sign + _remote(url, sign))
    if not rest or rest.startswith("//") or rest == ":memory:" or "\0" in rest:
        raise ValueError("is no ledger: after sqlite: comes the path of a file, as sqlite:/var/x")
    path = Path(rest)
    return Location(Kind.SQLITE, str(path.expanduser() if rest.startswith("~/") else path))


def _remote(url: str, sign: str) -> str:
    """Check the address of a remote."""
    if sign and _URL.fullmatch(url) is None:
        raise ValueError(
            "is no ledger: after branch:NAME@ comes the address of a repository, as"
            " https://git.example/acme/ledger.git"
        )
    return url


def _branch(name: str) -> str:
    """Read the name of a branch: fewer than git allows, so that none has to be quoted anywhere."""
    if not _BRANCH.fullmatch(name) or len(name) > _MAX_BRANCH or ".lock" in name:
        raise ValueError(
            "is no ledger: after branch: comes the name of a branch, in letters, digits, '.', '_',"
            " '-' and '/'"
        )
    return name
