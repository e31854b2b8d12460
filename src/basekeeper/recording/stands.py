"""On which images the products of a repository stood, and when.

An event `based-on` says the whole set of images of one lineage that a product stands on for one
platform, until the next one of the same subject. A product that begins at the instant and the place
at which another one ended is that one under a new name.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from basekeeper.recording import words
from basekeeper.recording.looks import read
from basekeeper.values.event import EventKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from basekeeper.values.event import Event


class Line(NamedTuple):
    """What one product stands on for one platform, in one lineage."""

    product: str
    lineage: str
    platform: str


class Stood(NamedTuple):
    """From when until when a product stood on an image; no end: it does now."""

    line: Line
    digest: str
    begin: datetime
    end: datetime | None


class Basis(NamedTuple):
    """One event `based-on`, read."""

    at: datetime
    digests: frozenset[str]
    line: Line
    event: Event


class Stands:
    """Everything that the products of a repository stood on."""

    def __init__(self, events: Iterable[Event]) -> None:
        """Read the events of one repository, in the order of recording; other kinds say nothing."""
        told = [one for one in map(_basis, events) if one is not None]
        told.sort(key=lambda one: one.at)
        self._renamed = _renames(told)
        self.last: dict[Line, Event] = {one.line: one.event for one in told}
        """The last event of each line, by the name of the product that it was told of."""
        said = ((one.line.lineage, one.event.evidence.get("image")) for one in told)
        self.images: dict[str, str] = {line: image for line, image in said if image}
        """Lineage → name of the chain of its images."""
        self._turns = self._by_line(told)

    def names(self, product: str, at: datetime) -> tuple[str, ...]:
        """Return what a product that was called so at an instant is called now."""
        later = [one for one in self._renamed.get(product, ()) if one[0] >= at]
        if not later:
            return (product,)
        moment = later[0][0]
        heirs = sorted({heir for when, heir in later if when == moment})
        return tuple(name for heir in heirs for name in self._names_after(heir, moment))

    def stood(self) -> Iterator[Stood]:
        """Yield every time that a product stood on an image, by its present name."""
        for line, turns in self._turns.items():
            begun: dict[str, datetime] = {}
            for at, digests in turns:
                for digest in sorted(begun.keys() - digests):
                    yield Stood(line, digest, begun.pop(digest), at)
                for digest in digests - begun.keys():
                    begun[digest] = at
            for digest in sorted(begun):
                yield Stood(line, digest, begun[digest], None)

    def withdrawn(self) -> Iterator[tuple[str, str, datetime]]:
        """Yield product, platform and instant from which on it stood on nothing any more."""
        by_platform: defaultdict[tuple[str, str], list[tuple[datetime, Line, bool]]]
        by_platform = defaultdict(list)
        for line, turns in self._turns.items():
            for at, digests in turns:
                by_platform[line.product, line.platform].append((at, line, bool(digests)))
        for (product, platform), changes in by_platform.items():
            standing: set[Line] = set()
            for at, same in groupby(sorted(changes), key=lambda one: one[0]):
                was_standing = bool(standing)
                for _, line, stands in same:
                    (standing.add if stands else standing.discard)(line)
                if was_standing and not standing:
                    yield product, platform, at

    def _names_after(self, product: str, moment: datetime) -> tuple[str, ...]:
        later = [one for one in self._renamed.get(product, ()) if one[0] > moment]
        return self.names(product, later[0][0]) if later else (product,)

    def _by_line(
        self, told: Iterable[Basis]
    ) -> Mapping[Line, list[tuple[datetime, frozenset[str]]]]:
        """Return what each line stood on from which instant on."""
        found: defaultdict[Line, list[tuple[datetime, frozenset[str]]]] = defaultdict(list)
        for one in told:
            for name in self.names(one.line.product, one.at):
                found[one.line._replace(product=name)].append((one.at, one.digests))
        return {line: _settled(turns) for line, turns in found.items()}


def words_ahead(events: Iterable[Event], latest: datetime) -> Mapping[Line, Event]:
    """Return the last word on each line where it is later than it can be: a clock was ahead.

    Args:
        events: Of one repository, in the order of recording.
        latest: The latest instant that a word may be of.
    """
    last = {one.line: one.event for one in map(_basis, events) if one is not None}
    return {line: event for line, event in last.items() if event.at > latest}


def _settled(
    turns: Iterable[tuple[datetime, frozenset[str]]],
) -> list[tuple[datetime, frozenset[str]]]:
    """Keep what holds after each instant: of several words of one, an end comes first."""
    ordered = sorted(turns, key=lambda one: (one[0], bool(one[1])))
    return [list(same)[-1] for _, same in groupby(ordered, key=lambda one: one[0])]


def _renames(told: Iterable[Basis]) -> Mapping[str, list[tuple[datetime, str]]]:
    """Return of each old name when it was replaced, and by which, the earliest first."""
    found: defaultdict[str, list[tuple[datetime, str]]] = defaultdict(list)
    standing: defaultdict[str, set[Line]] = defaultdict(set)
    places: dict[str, str] = {}
    for at, same in groupby(told, key=lambda one: one.at):
        before = {product for product, lines in standing.items() if lines}
        old_places = dict(places)
        for one in same:
            product = one.line.product
            if one.digests:
                standing[product].add(one.line)
                places[product] = one.event.evidence.get("place", product)
            else:
                standing[product].discard(one.line)
        after = {product for product, lines in standing.items() if lines}
        for old in sorted(before - after):
            heirs = (one for one in sorted(after - before) if places[one] == old_places[old])
            found[old] += [(at, heir) for heir in heirs]
    return found


def _basis(event: Event) -> Basis | None:
    """Read an event; None where it is of another kind, or cannot be read."""
    scope = read(event.subject) if event.kind is EventKind.BASED_ON else None
    if scope is None or None in (scope.product, scope.lineage, scope.platform):
        return None
    line = Line(scope.product or "", scope.lineage or "", scope.platform or "")
    return Basis(event.at, frozenset(words.digests(event.evidence)), line, event)
