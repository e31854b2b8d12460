"""Where a ledger lies, as its user writes it: `sqlite:PATH` or `postgresql://…`."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from pathlib import Path
from typing import Final

from basekeeper.records import dataclass
from basekeeper.transport.redaction import shown_url

FORMS: Final = "sqlite:PATH or postgresql://user@host/database"
"""How a location is written."""


class Kind(StrEnum):
    """Which database keeps the events."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


@dataclass(frozen=True, slots=True)
class Location:
    """Where a ledger lies."""

    kind: Kind
    target: str = field(repr=False)
    """The path of the file, or the connection URI, which may hold a password."""

    def __str__(self) -> str:
        """Name it in messages: never a password."""
        if self.kind is Kind.SQLITE:
            return f"{self.kind}:{self.target}"
        return shown_url(self.target)

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
    if scheme == "branch" and sign:
        raise ValueError("a ledger on a branch is not supported yet")
    if scheme not in {kind.value for kind in Kind} or not sign:
        raise ValueError(f"is no ledger: write {FORMS}")
    if scheme == Kind.POSTGRESQL:
        if not rest.startswith("//"):
            raise ValueError("is no ledger: after postgresql: come two slashes")
        return Location(Kind.POSTGRESQL, f"{scheme}:{rest}")
    if not rest or rest.startswith("//") or rest == ":memory:" or "\0" in rest:
        raise ValueError("is no ledger: after sqlite: comes the path of a file, as sqlite:/var/x")
    path = Path(rest)
    return Location(Kind.SQLITE, str(path.expanduser() if rest.startswith("~/") else path))
