"""Numbers over findings: each with how many it is made of, and none of too few."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.deadlines.model import State
from basekeeper.policy.windows import Urgency
from basekeeper.values.evidence import (
    LagMeasure,
    Measures,
    Share,
    Spread,
    TrendPoint,
    UrgencyMeasure,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from basekeeper.deadlines.model import Deadline
    from basekeeper.policy.windows import Windows
    from basekeeper.values.evidence import FindingEvidence, Period

SHARE_AT_LEAST: Final = 5
"""Fewest of which a percentage is given: of four, one more or less is a quarter."""

MEDIAN_AT_LEAST: Final = 5
SLOW_AT_LEAST: Final = 10
"""Fewest of which a median, and a ninetieth percentile, is given."""

SLOW_PERCENT: Final = 90

WEEKS_AT_MOST: Final = timedelta(weeks=27)
"""Longest period that is shown by weeks; a longer one is shown by months."""

LIMITS: Final = (timedelta(hours=48), timedelta(days=7))
"""Within which a base is told to have come, or not: the windows of CRITICAL and HIGH as shipped."""


class Outcome(StrEnum):
    """What became of an episode by the end of the period; each has one."""

    IN_TIME = "in_time"
    LATE = "late"
    OVERDUE = "overdue"
    RUNNING = "running"
    WAITING = "waiting"
    EXCEPTED = "excepted"
    UNPROVEN = "unproven"
    UNCLOCKED = "unclocked"
    UNKNOWN = "unknown"


def measures(
    found: Sequence[FindingEvidence],
    period: Period,
    windows: Windows,
    watched: Mapping[str, bool],
) -> Measures:
    """Measure a period.

    Args:
        found: Every episode that is known, whenever it was.
        period: What is measured.
        windows: Of the policy.
        watched: Lines of base images → whether a product stands on it at the end of the period;
            upstream is measured of these alone.
    """
    by_urgency: defaultdict[Urgency, list[FindingEvidence]] = defaultdict(list)
    for one in found:
        by_urgency[one.deadline.urgency].append(one)
    rows = tuple(
        _urgency(level, by_urgency[level], period, windows.windows.get(level))
        for level in sorted(Urgency, reverse=True)
    )
    unit = "week" if period.end - period.begin <= WEEKS_AT_MOST else "month"
    return Measures(
        urgencies=rows,
        share=share(
            sum(one.in_time for one in rows),
            sum(one.in_time + one.late + one.overdue for one in rows),
        ),
        trend=tuple(_point(found, *one) for one in spans(period, unit)),
        trend_unit=unit,
        lags=tuple(_lags((one.deadline for one in found), period, watched)),
    )


def outcome(one: FindingEvidence, period: Period) -> Outcome | None:
    """Tell what became of an episode by the end of a period; None: it was not within it."""
    deadline = one.deadline
    end = deadline.action.end
    if not period.meets(one.opened, end):
        return None
    horizon = period.end if end is None else min(end, period.end)
    is_over = end is not None and end < period.end
    is_late = deadline.breached_at is not None and deadline.breached_at <= horizon
    if is_late:
        return Outcome.LATE if is_over else Outcome.OVERDUE
    return _ended(deadline) if is_over else _open(deadline, period)


def _ended(deadline: Deadline) -> Outcome:
    if deadline.action.start is None:
        return Outcome.UNCLOCKED
    return Outcome.IN_TIME if deadline.is_mapped else Outcome.UNPROVEN


def _open(deadline: Deadline, period: Period) -> Outcome:
    if deadline.pause is not None and deadline.pause.start < period.end:
        return Outcome.EXCEPTED
    if deadline.state is State.UNKNOWN:
        return Outcome.UNKNOWN
    start = deadline.action.start
    return Outcome.WAITING if start is None or start >= period.end else Outcome.RUNNING


def share(part: int, whole: int) -> Share:
    """Make a share; too small a whole has no ratio."""
    return Share(part, whole, part / whole if whole >= SHARE_AT_LEAST else None)


def spread(spans: Iterable[timedelta]) -> Spread:
    """Tell how long things took.

    The median of an even number is the mean of the two in the middle; the ninetieth percentile is
    the shortest that nine tenths do not exceed (nearest rank).
    """
    ordered = sorted(spans)
    count = len(ordered)
    middle = None
    if count >= MEDIAN_AT_LEAST:
        middle = (ordered[(count - 1) // 2] + ordered[count // 2]) / 2
    slow = ordered[-(-count * SLOW_PERCENT // 100) - 1] if count >= SLOW_AT_LEAST else None
    return Spread(count=count, median=middle, slow=slow, longest=ordered[-1] if ordered else None)


def spans(period: Period, unit: str) -> Iterator[tuple[str, datetime, datetime]]:
    """Part a period into ISO weeks or months of UTC, the first and last cut at its ends."""
    begin = period.begin
    while begin < period.end:
        label, following = _week(begin) if unit == "week" else _month(begin)
        end = min(following, period.end)
        yield label, begin, end
        begin = end


def _week(at: datetime) -> tuple[str, datetime]:
    year, week, weekday = at.isocalendar()
    midnight = datetime(at.year, at.month, at.day, tzinfo=UTC)
    return f"{year}-W{week:02}", midnight + timedelta(days=8 - weekday)


def _month(at: datetime) -> tuple[str, datetime]:
    following = datetime(at.year + at.month // 12, at.month % 12 + 1, 1, tzinfo=UTC)
    return f"{at.year}-{at.month:02}", following


def _urgency(
    level: Urgency, found: Iterable[FindingEvidence], period: Period, window: timedelta | None
) -> UrgencyMeasure:
    told = [(one.deadline, what) for one in found if (what := outcome(one, period)) is not None]
    counts = Counter(what for _, what in told)
    decided = counts[Outcome.IN_TIME] + counts[Outcome.LATE] + counts[Outcome.OVERDUE]
    return UrgencyMeasure(
        urgency=level,
        window=window,
        **{one.value: counts[one] for one in Outcome},
        share=share(counts[Outcome.IN_TIME], decided),
        patch=spread(
            deadline.action.end - deadline.action.start
            for deadline, what in told
            if what in (Outcome.IN_TIME, Outcome.LATE)
            and deadline.is_mapped
            and deadline.action.start is not None
            and deadline.action.end is not None
        ),
    )


def _point(
    found: Iterable[FindingEvidence], label: str, begin: datetime, end: datetime
) -> TrendPoint:
    opened = closed = open_ = overdue = 0
    for one in found:
        ended, breached = one.deadline.action.end, one.deadline.breached_at
        opened += begin <= one.opened < end
        closed += ended is not None and begin <= ended < end
        if one.opened < end and (ended is None or ended >= end):
            open_ += 1
            overdue += breached is not None and breached <= end
    return TrendPoint(
        label=label, begin=begin, end=end, opened=opened, closed=closed, open=open_, overdue=overdue
    )


class _Wait(NamedTuple):
    """Since when there is a fix, and when the last base with it came; None: it has not."""

    begin: datetime
    end: datetime | None


def _lags(
    deadlines: Iterable[Deadline], period: Period, watched: Mapping[str, bool]
) -> Iterator[LagMeasure]:
    waits: defaultdict[str, dict[str, _Wait]] = defaultdict(dict)
    for one in deadlines:
        line, name, start = one.finding.lineage, one.finding.vulnerability, one.upstream.start
        if start is not None and line in watched:
            waits[line][name] = _joined(waits[line].get(name), _Wait(start, one.upstream.end))
    for line in sorted(waits):
        measure = _lag(line, waits[line].values(), period, is_watched=watched[line])
        if measure.arrived.count or measure.waiting or measure.unwatched:
            yield measure


def _joined(first: _Wait | None, second: _Wait) -> _Wait:
    """Join the packages and platforms of one vulnerability: from the first fix to the last base."""
    if first is None:
        return second
    ends = (first.end, second.end)
    end = None if None in ends else max(one for one in ends if one is not None)
    return _Wait(min(first.begin, second.begin), end)


def _lag(line: str, waits: Collection[_Wait], period: Period, *, is_watched: bool) -> LagMeasure:
    arrived = [one.end - one.begin for one in waits if one.end and period.holds(one.end)]
    open_ = [
        period.end - one.begin
        for one in waits
        if one.begin < period.end and (one.end is None or one.end >= period.end)
    ]
    waiting = open_ if is_watched else []
    return LagMeasure(
        lineage=line,
        arrived=spread(arrived),
        waiting=len(waiting),
        unwatched=len(open_) - len(waiting),
        longest_wait=max(waiting, default=None),
        within=tuple((limit, _within(arrived, waiting, limit)) for limit in LIMITS),
    )


def _within(
    arrived: Collection[timedelta], waiting: Iterable[timedelta], limit: timedelta
) -> Share:
    """Tell how many came within a limit; who waits for longer has missed it already."""
    missed = sum(one > limit for one in waiting)
    return share(sum(one <= limit for one in arrived), len(arrived) + missed)
