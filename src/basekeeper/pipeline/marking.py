"""Which facts a hidden mark holds, so that a ledger that is lost can be rebuilt from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from basekeeper.deadlines.identity import read_scope
from basekeeper.markers import Mark, write_mark
from basekeeper.values.event import EventKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from basekeeper.deadlines.model import Deadline
    from basekeeper.values.event import Event, Head
    from basekeeper.values.stored import RepositoryDeadlines

_OF_REPOSITORY = frozenset({EventKind.BASED_ON, EventKind.INTRODUCED, EventKind.BREACHED})
"""What a mark tells of a repository itself."""


def mark_of(found: RepositoryDeadlines, events: Iterable[Event], head: Head | None) -> str:
    """Write what would have to be known if the ledger were lost; empty: nothing is open.

    Args:
        found: The deadlines of a repository.
        events: All that are known of it and its images.
        head: The end of its chain.
    """
    running = [one for one in found.deadlines if one.is_latest and not one.is_closed]
    if not running:
        return ""
    facts = tuple(_facts(running, events, found.repository))
    return write_mark(Mark(repository=found.repository, head=head, facts=facts))


def _facts(
    running: Sequence[Deadline], events: Iterable[Event], repository: str
) -> Iterable[Event]:
    """Return what started the clocks that run, the most urgent first."""
    ranks = {one.finding: -one.urgency for one in sorted(running, key=lambda one: one.urgency)}
    found: list[tuple[int, Event]] = []
    for event in events:
        try:
            finding = read_scope(event.subject.partition("#")[2]).finding
        except ValueError:
            finding = None
        if finding in ranks:
            found.append((ranks[finding], event))
        elif event.chain == repository and event.kind in _OF_REPOSITORY:
            found.append((min(ranks.values()), event))
    return (event for _, event in sorted(found, key=lambda one: one[0]))
