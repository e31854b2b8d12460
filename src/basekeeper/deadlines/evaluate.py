"""From moments and `now` to deadlines. Pure: equal moments in any order make equal deadlines."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import product as product_of
from typing import TYPE_CHECKING, TypeAlias

from basekeeper.deadlines.episode import EpisodeCase
from basekeeper.deadlines.history import episodes
from basekeeper.deadlines.model import MomentKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from basekeeper.deadlines.identity import FindingKey, Scope
    from basekeeper.deadlines.model import Deadline, Moment, Terms

    _Key: TypeAlias = tuple[str | None, str | None, str | None, str | None]
    """Vulnerability, package, product and lineage."""


def evaluate(moments: Iterable[Moment], terms: Terms) -> tuple[Deadline, ...]:
    """Return the deadlines of every finding of every product, each episode one.

    Args:
        moments: In any order; of equal ones each counts once.
        terms: By what they are reckoned.

    Returns:
        Sorted by vulnerability, lineage, package, platform, product and episode.

    Raises:
        ValueError: `now` has no time zone.
    """
    if terms.now.tzinfo is None:
        raise ValueError("now has no time zone")
    found: list[Deadline] = []
    for finding, product, history in histories(one for one in moments if one.at <= terms.now):
        found += _deadlines(finding, product, history, terms)
    return tuple(found)


def histories(
    moments: Iterable[Moment],
) -> Iterator[tuple[FindingKey, str | None, list[Moment]]]:
    """Yield every finding of every product, with what concerns it; sorted like deadlines."""
    index = _Index(moments)
    for finding, product in index.subjects():
        yield finding, product, index.about(finding, product)


def order(deadlines: Iterable[Deadline], scores: Mapping[str, float]) -> tuple[Deadline, ...]:
    """Order deadlines by what is to be done first.

    Overdue ones come first, then those with a due time, then the rest; of equally due ones the
    more urgent, then the more probably exploited. Scores order work; they move no due time.

    Args:
        deadlines: In any order.
        scores: Vulnerability → probability of exploitation (EPSS), 0 to 1.
    """

    def rank(one: Deadline) -> tuple[object, ...]:
        due = datetime.max.replace(tzinfo=UTC) if one.due is None else one.due
        score = scores.get(one.finding.vulnerability, 0.0)
        place = (*one.finding.parts, one.product or "", one.episode)
        return (one.is_closed, one.overdue_by is None, due, -one.urgency, -score, place)

    return tuple(sorted(deadlines, key=rank))


class _Index:
    """Finds the moments that concern a finding without asking each of them."""

    def __init__(self, moments: Iterable[Moment]) -> None:
        self._named: defaultdict[_Key, list[Moment]] = defaultdict(list)
        self._detected: dict[Scope, None] = {}
        for moment in moments:
            scope = moment.scope
            key = scope.vulnerability, scope.package, scope.product, scope.lineage
            self._named[key].append(moment)
            if moment.kind is MomentKind.DETECTED:
                self._detected[scope] = None

    def subjects(self) -> list[tuple[FindingKey, str | None]]:
        """Return every finding with every product in which it was detected, sorted."""
        found = [
            (finding, scope.product)
            for scope in self._detected
            if (finding := scope.finding) is not None
        ]
        return sorted(found, key=lambda one: (*one[0].parts, one[1] or ""))

    def about(self, finding: FindingKey, product: str | None) -> list[Moment]:
        """Return what concerns a finding of a product."""
        names = product_of(
            (finding.vulnerability, None),
            (finding.package, None),
            {product, None},
            (finding.lineage, None),
        )
        near = [self._named.get(name, ()) for name in names]
        return [one for same in near for one in same if _concerns(one, finding, product)]


def _concerns(moment: Moment, finding: FindingKey, product: str | None) -> bool:
    """Tell whether a moment concerns a finding of a product.

    What was detected where no product is named concerns that place alone, not every product.
    """
    if moment.kind is MomentKind.DETECTED and moment.scope.product != product:
        return False
    return moment.scope.covers(finding, product)


def _deadlines(
    finding: FindingKey, product: str | None, moments: list[Moment], terms: Terms
) -> Iterator[Deadline]:
    """Yield the deadline of each episode, the oldest first."""
    found = episodes(moments, is_mapped=product is not None and product in terms.products)
    total = timedelta(0)
    for episode in found:
        case = EpisodeCase(finding, product, moments, (episode, terms))
        yield case.deadline(total, is_latest=episode is found[-1])
        total += case.exposure.elapsed
