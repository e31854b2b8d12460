from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from basekeeper.deadlines.model import State
from basekeeper.evidence.measures import (
    MEDIAN_AT_LEAST,
    SHARE_AT_LEAST,
    SLOW_AT_LEAST,
    Outcome,
    measures,
    outcome,
    share,
    spans,
    spread,
)
from basekeeper.policy.load import load_policy
from basekeeper.policy.windows import Urgency
from basekeeper.values.evidence import Period
from tests.unit.evidence.made import BEGIN, DAY, END, HOUR, LINE, PERIOD, at, finding, paused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from basekeeper.values.evidence import FindingEvidence, LagMeasure, Measures, UrgencyMeasure

WINDOWS = load_policy().deadlines


def measured(found: Sequence[FindingEvidence], *, watched: bool = True) -> Measures:
    return measures(found, PERIOD, WINDOWS, {LINE: watched})


def critical(found: Sequence[FindingEvidence]) -> UrgencyMeasure:
    return next(one for one in measured(found).urgencies if one.urgency is Urgency.CRITICAL)


def lag(found: Sequence[FindingEvidence], *, watched: bool = True) -> LagMeasure:
    (one,) = measured(found, watched=watched).lags
    return one


OUTCOMES: list[tuple[str, dict[str, Any], Outcome | None]] = [
    ("ended in time", {"end": 1.5}, Outcome.IN_TIME),
    ("ended in the first instant", {"opened": -2, "start": -2, "end": 0}, Outcome.IN_TIME),
    ("ended late", {"end": 5, "breached": 2}, Outcome.LATE),
    ("not ended, overdue", {"breached": 2}, Outcome.OVERDUE),
    ("a waiver after the due time changes nothing", {"breached": 2, "pause": paused(3)},
     Outcome.OVERDUE),
    ("ended after the period, overdue within it", {"end": 31, "breached": 2}, Outcome.OVERDUE),
    ("overdue only after the period", {"start": 29, "breached": 31}, Outcome.RUNNING),
    ("ended after the period, in time then", {"start": 29, "end": 31}, Outcome.RUNNING),
    ("time is left", {"start": 29}, Outcome.RUNNING),
    ("no fix", {"start": None}, Outcome.WAITING),
    ("a fix only after the period", {"start": 31}, Outcome.WAITING),
    ("paused", {"pause": paused(1), "state": State.EXCEPTED}, Outcome.EXCEPTED),
    ("paused only after the period", {"pause": paused(31)}, Outcome.RUNNING),
    ("not looked at", {"start": None, "state": State.UNKNOWN}, Outcome.UNKNOWN),
    ("fixed where nothing says what is published", {"end": 1, "mapped": False}, Outcome.UNPROVEN),
    ("late even where nothing says so", {"end": 3, "breached": 2, "mapped": False}, Outcome.LATE),
    ("withdrawn before there was a fix", {"start": None, "end": 3}, Outcome.UNCLOCKED),
    ("ended before", {"opened": -9, "start": -9, "end": -1}, None),
    ("found after", {"opened": 31, "start": 31}, None),
    ("found at the end, which is no part", {"opened": 30, "start": 30}, None),
]  # fmt: skip


@pytest.mark.parametrize(("given", "wanted"), [one[1:] for one in OUTCOMES],
                         ids=[one[0] for one in OUTCOMES])  # fmt: skip
def test_every_episode_of_the_period_has_one_outcome(
    given: dict[str, Any], wanted: Outcome | None
) -> None:
    assert outcome(finding(**given), PERIOD) is wanted


def test_each_episode_is_counted_once() -> None:
    found = [finding(**given) for _, given, _ in OUTCOMES]
    assert critical(found).total == sum(wanted is not None for _, _, wanted in OUTCOMES)


def test_the_share_is_of_what_was_decided_overdue_ones_included() -> None:
    found = [
        *(finding(end=1) for _ in range(3)),
        finding(end=4, breached=2),
        finding(breached=2),
        finding(start=None),
        finding(pause=paused()),
    ]
    told = critical(found).share
    assert (told.part, told.whole, told.ratio) == (3, 5, 0.6)


def test_a_share_of_too_few_has_no_ratio() -> None:
    assert share(SHARE_AT_LEAST - 1, SHARE_AT_LEAST - 1).ratio is None
    assert share(SHARE_AT_LEAST, SHARE_AT_LEAST).ratio == 1
    assert share(0, 0).ratio is None


@pytest.mark.parametrize(
    ("hours", "median", "slow"),
    [
        ([], None, None),
        ([1] * (MEDIAN_AT_LEAST - 1), None, None),
        ([5, 1, 3, 2, 4], 3, None),
        ([1, 2, 3, 4, 5, 6], 3.5, None),
        (list(range(1, 11)), 5.5, 9),
        (list(range(1, 12)), 6, 10),
        (list(range(1, 21)), 10.5, 18),
    ],
)
def test_medians_and_the_slowest_tenth(
    hours: list[float], median: float | None, slow: float | None
) -> None:
    told = spread(one * HOUR for one in hours)
    assert told.count == len(hours)
    assert told.median == (None if median is None else median * HOUR)
    assert told.slow == (None if slow is None else slow * HOUR)
    assert (told.slow is not None) is (len(hours) >= SLOW_AT_LEAST)


def test_time_to_patch_is_of_what_ended_and_was_proven() -> None:
    found = [
        *(finding(start=1, end=1 + number) for number in range(1, 6)),
        finding(start=1),
        finding(start=1, end=20, mapped=False),
        finding(start=None, end=20),
    ]
    told = critical(found).patch
    assert (told.count, told.median, told.longest) == (5, 3 * DAY, 5 * DAY)


@pytest.mark.parametrize(
    ("begin", "end", "unit", "labels"),
    [
        ((2026, 7, 1), (2026, 7, 15), "week", ["2026-W27", "2026-W28", "2026-W29"]),
        ((2026, 12, 28), (2027, 1, 5), "week", ["2026-W53", "2027-W01"]),
        ((2026, 11, 30), (2027, 1, 2), "month", ["2026-11", "2026-12", "2027-01"]),
        ((2026, 7, 1), (2026, 7, 1), "week", []),
    ],
)
def test_a_period_is_parted_without_gaps(
    begin: tuple[int, int, int], end: tuple[int, int, int], unit: str, labels: list[str]
) -> None:
    period = Period(datetime(*begin, tzinfo=UTC), datetime(*end, tzinfo=UTC))
    told = list(spans(period, unit))
    assert [one[0] for one in told] == labels
    edges = [one[1] for one in told] + [period.end]
    assert edges[0] == period.begin
    assert edges[1:] == [one[2] for one in told]


def test_a_long_period_is_shown_by_months() -> None:
    long = Period(BEGIN, BEGIN + timedelta(weeks=30))
    assert measures([], long, WINDOWS, {}).trend_unit == "month"
    assert measures([], PERIOD, WINDOWS, {}).trend_unit == "week"


def test_the_trend_counts_at_the_end_of_each_week() -> None:
    found = [finding(0, end=6), finding(1, breached=8), finding(13)]
    told = [(one.opened, one.closed, one.open, one.overdue) for one in measured(found).trend]
    assert told == [
        (2, 0, 2, 0),  # to Sunday, July 5
        (0, 1, 1, 1),
        (1, 0, 2, 1),
        (0, 0, 2, 1),
        (0, 0, 2, 1),
    ]


def test_upstream_counts_a_vulnerability_once_from_the_first_fix_to_the_last_base() -> None:
    found = [
        finding(package="libc6", upstream=(1, 3)),
        finding(package="libc-bin", upstream=(2, 5)),
        finding(package="libc6", product="web", upstream=(1, 3)),
    ]
    told = lag(found)
    assert (told.arrived.count, told.arrived.longest, told.waiting) == (1, 4 * DAY, 0)


def test_who_waits_for_longer_than_a_limit_has_missed_it() -> None:
    found = [
        finding(name="CVE-1", upstream=(1, 2)),
        finding(name="CVE-2", upstream=(1, 6)),
        finding(name="CVE-3", upstream=(25, None)),
        finding(name="CVE-4", upstream=(29, None)),
    ]
    told = lag(found)
    (_, two_days), (_, week) = told.within
    assert (two_days.part, two_days.whole) == (1, 3)
    assert (week.part, week.whole) == (2, 2)
    assert (told.waiting, told.longest_wait) == (2, 5 * DAY)


def test_what_nobody_looks_at_any_more_does_not_wait() -> None:
    told = lag([finding(upstream=(1, None))], watched=False)
    assert (told.waiting, told.unwatched, told.longest_wait) == (0, 1, None)


def test_a_base_that_came_outside_of_the_period_is_not_counted() -> None:
    assert not measured([finding(upstream=(-9, -2))]).lags
    assert lag([finding(upstream=(1, 40))]).waiting == 1
    assert not measured([finding(line="ghcr.io/acme/api", upstream=(1, 2))]).lags


def test_nothing_is_measured_of_nothing() -> None:
    told = measured([])
    assert [one.urgency for one in told.urgencies] == sorted(Urgency, reverse=True)
    assert {one.total for one in told.urgencies} == {0}
    assert told.share.ratio is None
    assert (told.overdue, told.open, told.excepted, told.unknown) == (0, 0, 0, 0)
    assert told.trend[-1].end == END
    assert at(30) == END
