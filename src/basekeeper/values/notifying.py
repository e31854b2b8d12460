"""What is told to the outside, to whom, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from basekeeper.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

TOPICS: Final = ("found", "50%", "80%", "100%", "150%", "closed", "waiver", "unknown")
"""What a channel can be told; these words are those of settings and messages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """What a channel wants to hear."""

    name: str
    """Of the channel; letters, digits, `.`, `_`, `-`. What was told is remembered under it."""
    products: tuple[str, ...] = ()
    """Only of these; none: of all."""
    least: str = "low"
    """Lowest urgency: `low`, `medium`, `high`, `critical`, `exploited`."""
    topics: tuple[str, ...] = TOPICS

    def wants(self, product: str | None) -> bool:
        """Tell whether a product is of interest."""
        return not self.products or product in self.products


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message to one channel: everything of one kind about one product."""

    id: str
    """The same in every attempt; hexadecimal."""
    attempt: int
    """From 1. From the second on it may have arrived before."""
    at: datetime
    """When it was decided to tell it, UTC; the same in every attempt."""
    repository: str
    product: str | None
    """None: of the repository as a whole, or of a place without a product."""
    topic: str
    """One of `TOPICS`, or `raised`: more urgent than when it was found."""
    items: tuple[Mapping[str, str], ...]
    """What is told, the worst first; names and texts as in the events of kind `announced`. The
    texts come from outside."""

    @property
    def may_repeat(self) -> bool:
        """Whether it may have arrived before."""
        return self.attempt > 1


@dataclass(frozen=True, slots=True)
class Sent:
    """It arrived."""


@dataclass(frozen=True, slots=True)
class Later:
    """It may not have arrived, and another attempt may help."""

    reason: str
    """Without secrets."""
    after: float | None = None
    """Seconds that the receiver asks to wait; None: it does not say."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The receiver does not want it, and will not the next time."""

    reason: str
    """Without secrets."""


Delivery: TypeAlias = Sent | Later | Refused
