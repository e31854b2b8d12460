"""Events of the ledger: what happened or was seen, when, and how we know."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

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


@dataclass(frozen=True, slots=True)
class Sight:
    """A tag that stood for a digest, and since when we know it."""

    tag: str
    digest: str
    at: datetime
