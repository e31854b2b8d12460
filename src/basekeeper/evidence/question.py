"""What a report is asked for, and what it is worked out from."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from basekeeper.recording.joined import Join
from basekeeper.recording.stands import Stands
from basekeeper.recording.stored import StoredFacts
from basekeeper.recording.words import product_name
from basekeeper.records import dataclass
from basekeeper.values.event import EventKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from basekeeper.deadlines.model import Terms
    from basekeeper.lifecycle.catalogue import Catalogue
    from basekeeper.policy.policy import Policy
    from basekeeper.values.event import Event, Record
    from basekeeper.values.evidence import Period


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked, and by what it is judged."""

    period: Period
    """Its end is not after the instant of the terms."""
    terms: Terms
    """By what deadlines are reckoned; its instant is that of the report."""
    policy: Policy
    catalogue: Catalogue
    max_age: timedelta
    """How old advisories may be for the absence of a finding to mean something."""
    products: tuple[str, ...] = ()
    """Those that are wanted; empty: all."""

    @property
    def now(self) -> datetime:
        """The instant of the report."""
        return self.terms.now

    def wants(self, product: str | None) -> bool:
        """Tell whether a product is asked for."""
        names = {*self.products, *map(product_name, self.products)}
        return not names or product in names


class Known:
    """What the ledger tells, and when it was told."""

    def __init__(self, records: Sequence[Record]) -> None:
        """Keep records, in the order of recording."""
        self._recorded = {id(record.event): record.recorded for record in records}
        self._kept = [record.event for record in records]  # ids stay theirs
        self.facts = StoredFacts(self._kept)
        self.join = Join(self.facts)

    def recorded(self, event: Event) -> datetime:
        """Tell when an event was written down."""
        return self._recorded[id(event)]

    @cached_property
    def chains(self) -> Mapping[str, list[Event]]:
        """Events that stand, by chain."""
        found: dict[str, list[Event]] = {}
        for event in self.facts.events:
            found.setdefault(event.chain, []).append(event)
        return found

    def of(self, chain: str) -> list[Event]:
        """Return the events of one chain."""
        return self.chains.get(chain, [])

    def stands(self, repository: str) -> Stands:
        """Return on what the products of a repository stood."""
        events = (one for one in self.of(repository) if one.kind is EventKind.BASED_ON)
        return Stands(events)
