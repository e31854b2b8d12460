"""Events of the ledger: what happened or was seen, when, and how we know."""

from __future__ import annotations

from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING

from basekeeper.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class EventKind(StrEnum):
    """What an event tells; the next kinds come with deadlines and proposals."""

    FIRST_SEEN = "first-seen"
    """A tag stood for a digest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One fact of the past; never changed, never deleted."""

    kind: EventKind
    subject: str
    """What it is about; of `FIRST_SEEN` the repository, as `registry/path`."""
    key: str
    """What makes it this event and no other of its kind and subject; of `FIRST_SEEN`
    `tag@digest`. Recording the same fact again adds nothing."""
    at: datetime
    """When it happened, UTC; of `FIRST_SEEN` the instant of the run that saw it."""
    source: str
    """Who says so, such as the host of the registry."""
    evidence: Mapping[str, str]
    """What it rests on, text only; never secrets."""

    @property
    def id(self) -> str:
        """What the fact is called: a hash of kind, subject and key, in hexadecimal.

        Who says so, when, and on what evidence is no part of it: the same fact told twice is one.
        """
        hashed = sha256()
        for part in (self.kind.value, self.subject, self.key):
            data = part.encode("utf-8", "surrogatepass")
            hashed.update(b"%d:%b," % (len(data), data))  # no two lists of parts look alike
        return hashed.hexdigest()


@dataclass(frozen=True, slots=True)
class Sight:
    """A tag that stood for a digest, and since when we know it."""

    tag: str
    digest: str
    at: datetime
