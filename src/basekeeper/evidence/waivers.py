"""Waivers of a repository, as its chain has them: one for each decision, whatever it covers."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from basekeeper.config.table import parse_day
from basekeeper.recording.looks import read
from basekeeper.values.event import EventKind
from basekeeper.values.evidence import WaiverEvidence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from basekeeper.deadlines.identity import Scope
    from basekeeper.evidence.question import Known, Question
    from basekeeper.values.event import Event

_ENDS = {EventKind.EXPIRED: "expired", EventKind.WAIVER_ENDED: "ended"}


def waivers(known: Known, question: Question, repository: str) -> tuple[WaiverEvidence, ...]:
    """Return the waivers that held within the period, in the order in which they began."""
    events = [one for one in known.of(repository) if one.at <= question.now]
    over = {(one.subject, one.key): one for one in events if one.kind in _ENDS}
    decisions: defaultdict[tuple[str, datetime], list[Event]] = defaultdict(list)
    for event in events:
        if event.kind is EventKind.WAIVED:
            decisions[event.key, event.at].append(event)
    made = (
        _waiver(repository, same, over, question.now)
        for same in decisions.values()
        if any(_is_wanted(one, question) for one in same)
    )
    held = [one for one in made if question.period.meets(one.begin, one.end)]
    return tuple(sorted(held, key=lambda one: (one.begin, one.name)))


def scope_words(scope: Scope | None) -> str:
    """Say what a scope covers."""
    if scope is None:
        return "unreadable"
    parts = (
        scope.vulnerability,
        scope.package and f"in {scope.package}",
        scope.lineage and f"of {scope.lineage}",
        scope.platform and f"for {scope.platform}",
        scope.product and f"in product {scope.product}",
    )
    return " ".join(part for part in parts if part) or "everything"


def _is_wanted(event: Event, question: Question) -> bool:
    """Tell whether a waiver may cover a product that is asked for."""
    scope = read(event.subject)
    return scope is None or scope.product is None or question.wants(scope.product)


def _waiver(
    repository: str,
    same: Sequence[Event],
    over: Mapping[tuple[str, str], Event],
    now: datetime,
) -> WaiverEvidence:
    first = same[0]
    said = first.evidence
    until = parse_day(said.get("until", ""))
    ends = [over.get((event.subject, event.key)) for event in same]
    end, ended = _end([one for one in ends if one is not None] if None not in ends else [])
    if end is None and until is not None and until < now.date():
        end, ended = _day_after(until), _ENDS[EventKind.EXPIRED]
    return WaiverEvidence(
        repository=repository,
        name=_name(first),
        scopes=tuple(sorted({scope_words(read(event.subject)) for event in same})),
        owner=said.get("owner", ""),
        approver=said.get("approver", ""),
        reason=said.get("reason", ""),
        control=said.get("control", ""),
        granted=parse_day(said.get("granted", "")),
        until=until,
        begin=first.at,
        end=end,
        ended=ended,
        file=said.get("file", first.source),
        file_digest=said.get("file_digest", ""),
    )


def _name(event: Event) -> str:
    return event.evidence.get("id") or event.key.partition("@")[0]


def _end(ends: Sequence[Event]) -> tuple[datetime | None, str]:
    """Return when the last part of a waiver ended, and how."""
    if not ends:
        return None, ""
    last = max(ends, key=lambda one: one.at)
    why = last.evidence.get("reason", "")
    words = _ENDS[last.kind]
    return last.at, f"{words}: {why}" if why else words


def _day_after(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC) + timedelta(days=1)
