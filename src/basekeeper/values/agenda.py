"""What has to be patched by when, as the ledger tells it at one instant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from basekeeper.records import dataclass

if TYPE_CHECKING:
    from datetime import date, datetime

    from basekeeper.deadlines.model import Deadline
    from basekeeper.values.event import Head


@dataclass(frozen=True, slots=True)
class Due:
    """One deadline of one repository."""

    repository: str
    deadline: Deadline
    probability: float | None = None
    """Of exploitation within thirty days (EPSS), 0 to 1; None: not known."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why there may be more than is listed."""

    repository: str
    product: str | None
    """None: the whole repository."""
    reason: str
    hint: str | None = None
    image: str | None = None
    """The image of which too little is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agenda:
    """Everything that was asked for, what is to be done first at the beginning."""

    now: datetime
    as_of: datetime | None
    """What was recorded later is left out; None: nothing is."""
    ledger: str
    """Where it lies; without a password."""
    policy_name: str
    policy_digest: str
    repositories: tuple[str, ...]
    """Those that were asked for and of which something is recorded, sorted."""
    due: tuple[Due, ...]
    ended: int
    """How many of those that were asked for have ended and are not listed."""
    doubts: tuple[Doubt, ...]
    """Sorted by repository and product."""
    heads: tuple[Head, ...]
    """How far the chain of each of the repositories was read."""
    scored: date | None = None
    """The day of the probabilities by which equally due ones are ordered; None: there were none."""
    notices: tuple[str, ...] = ()

    @property
    def overdue(self) -> int:
        """How many of those listed are overdue."""
        return sum(one.deadline.overdue_by is not None for one in self.due)
