"""Laws of reports: what was recorded later changes nothing, and measures add up."""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta
from functools import cache
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basekeeper.evidence.measures import Outcome, measures, outcome, spans
from basekeeper.ledger.location import read_location
from basekeeper.ledger.opening import open_ledger
from basekeeper.lifecycle.catalogue import Catalogue
from basekeeper.pipeline.reporting import Asked, Basis, evidence
from basekeeper.policy.load import load_config, load_policy
from basekeeper.policy.windows import Urgency
from basekeeper.values.evidence import Period
from tests.fakes.history import BEGIN, SHOP, record
from tests.unit.evidence.made import BEGIN as DAY_ZERO
from tests.unit.evidence.made import LINE, PERIOD, at, finding

if TYPE_CHECKING:
    from basekeeper.ports import Ledger
    from basekeeper.values.event import Record
    from basekeeper.values.evidence import Evidence, FindingEvidence

WEEKS = timedelta(days=24)
WINDOWS = load_policy().deadlines


@cache
def history() -> tuple[Record, ...]:
    with TemporaryDirectory() as place:
        record(f"sqlite:{place}/ledger.sqlite", until=BEGIN + WEEKS)
        location = read_location(f"sqlite:{place}/ledger.sqlite")
        with contextlib.closing(open_ledger(location, clock=None)) as ledger:
            return tuple(ledger.records())


@cache
def config() -> Basis:
    with TemporaryDirectory() as place:
        loaded = load_config(place)
    return Basis(config=loaded, catalogue=Catalogue.bundled(), now=BEGIN, max_age=timedelta(days=1))


def told(ledger: Ledger, now: datetime, *, as_of: datetime | None) -> Evidence:
    base = config()
    basis = Basis(config=base.config, catalogue=base.catalogue, now=now, max_age=base.max_age)
    asked = Asked(repositories=(SHOP,), period=Period(now - timedelta(days=14), now), as_of=as_of)
    return evidence(ledger, basis, asked, place="here")


def written(records: tuple[Record, ...], now: datetime, *, as_of: datetime | None) -> Evidence:
    """The report of a ledger into which events were recorded, each at its instant."""
    with TemporaryDirectory() as place:
        clock = [BEGIN]
        location = read_location(f"sqlite:{place}/ledger.sqlite")
        with contextlib.closing(open_ledger(location, clock=lambda: clock[0])) as ledger:
            for instant in sorted({one.recorded for one in records}):
                clock[0] = instant
                ledger.append(one.event for one in records if one.recorded == instant)
            return told(ledger, now, as_of=as_of)


@pytest.mark.slow
@settings(max_examples=12)
@given(st.floats(0.5, WEEKS / timedelta(days=1)))
def test_a_report_as_of_an_instant_is_the_report_that_was_made_then(days: float) -> None:
    now = BEGIN + timedelta(days=round(days, 2))
    then = tuple(one for one in history() if one.recorded <= now)
    assert written(history(), now, as_of=now) == written(then, now, as_of=None)


@st.composite
def findings(draw: st.DrawFn) -> FindingEvidence:
    opened = draw(st.integers(-5, 35))
    start = draw(st.none() | st.integers(opened, 36))
    end = draw(st.none() | st.integers(opened, 37))
    last = 37 if end is None else end
    breached = None
    if start is not None and start <= last:
        breached = draw(st.none() | st.integers(start, last))
    return finding(
        opened,
        start=start,
        end=end,
        breached=breached,
        urgency=draw(st.sampled_from(Urgency)),
        mapped=draw(st.booleans()),
        name=f"CVE-{draw(st.integers(1, 9))}",
        upstream=(start, end),
    )


@given(st.lists(findings(), max_size=30))
def test_every_episode_of_the_period_is_counted_once(found: list[FindingEvidence]) -> None:
    made = measures(found, PERIOD, WINDOWS, {LINE: True})
    within = [one for one in found if outcome(one, PERIOD) is not None]
    assert sum(one.total for one in made.urgencies) == len(within)
    assert made.share.part <= made.share.whole <= len(within)


@given(st.lists(findings(), max_size=30))
def test_what_is_open_is_what_was_open_and_came_without_what_went(
    found: list[FindingEvidence],
) -> None:
    points = measures(found, PERIOD, WINDOWS, {}).trend
    before = sum(
        one.opened < PERIOD.begin
        and (one.deadline.action.end is None or one.deadline.action.end >= PERIOD.begin)
        for one in found
    )
    for point in points:
        assert point.open == before + point.opened - point.closed
        assert 0 <= point.overdue <= point.open
        before = point.open


@given(st.lists(findings(), max_size=20))
def test_the_order_of_findings_changes_no_measure(found: list[FindingEvidence]) -> None:
    assert measures(found, PERIOD, WINDOWS, {LINE: True}) == measures(
        found[::-1], PERIOD, WINDOWS, {LINE: True}
    )


@given(findings(), st.integers(1, 29))
def test_a_later_end_of_the_period_undoes_no_breach(one: FindingEvidence, days: int) -> None:
    early = outcome(one, Period(DAY_ZERO, at(days)))
    late = outcome(one, PERIOD)
    if early in (Outcome.LATE, Outcome.OVERDUE):
        assert late in (Outcome.LATE, Outcome.OVERDUE)


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2080, 1, 1)),  # noqa: DTZ001  # made aware below
    st.integers(0, 3_000),
    st.sampled_from(["week", "month"]),
)
def test_parts_of_a_period_touch_each_other(begin: datetime, hours: int, unit: str) -> None:
    first = begin.replace(tzinfo=DAY_ZERO.tzinfo)
    period = Period(first, first + timedelta(hours=hours))
    parts = list(spans(period, unit))
    edges = [period.begin, *(end for _, _, end in parts)]
    assert [start for _, start, _ in parts] == edges[:-1]
    assert edges[-1] == period.end
    assert len({label for label, _, _ in parts}) == len(parts)
