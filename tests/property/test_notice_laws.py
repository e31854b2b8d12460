"""Laws of notices: whatever happened, however often and at once anybody runs, and wherever a run
is killed, each step of each episode is told once on each channel.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from basekeeper.deadlines.evaluate import evaluate
from basekeeper.deadlines.notices import plan_notices, read_announced
from basekeeper.policy.windows import Urgency
from basekeeper.values.notifying import TOPICS, Audience
from tests.property.test_deadline_laws import HISTORIES, ORIGIN, terms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from basekeeper.deadlines.model import Deadline, Moment
    from basekeeper.deadlines.notices import Plan
    from basekeeper.values.event import Event, Notice

HERE = "github.com/acme/shop"
STALE: dict[str | None, str] = {"api": "the database is old"}


class Run(NamedTuple):
    """One run of many."""

    hours: int
    """After the one before."""
    behind: int
    """How many commits of others it does not see when it plans."""
    is_killed: bool
    """Before it appends."""
    is_stale: bool


RUNS = st.lists(
    st.builds(
        Run, st.integers(0, 150), st.sampled_from([0, 0, 0, 1, 2]), st.booleans(), st.booleans()
    ),
    min_size=1,
    max_size=12,
)
AUDIENCES = st.builds(
    Audience,
    name=st.sampled_from(["team", "hook"]),
    products=st.sampled_from([(), ("api",)]),
    least=st.sampled_from(["low", "high"]),
    topics=st.sampled_from([TOPICS, ("found", "100%", "closed"), ("50%", "unknown", "waiver")]),
)


class Ledger:
    """Takes each event and each notice once, in the order in which they come; whole or not."""

    def __init__(self) -> None:
        self.commits: list[dict[str, Event]] = []
        self.notices: dict[str, Notice] = {}

    def append(self, plan: Plan) -> None:
        there = {name for commit in self.commits for name in commit}
        self.commits.append({one.id: one for one in plan.events if one.id not in there})
        self.notices |= {one.id: one for one in plan.notices if one.id not in self.notices}

    def events(self, behind: int = 0) -> list[Event]:
        seen = self.commits[: len(self.commits) - behind]
        return [event for commit in seen for event in commit.values()]

    def told(self) -> dict[str, tuple[Mapping[str, str], ...]]:
        """What a sender tells now with each notice."""
        told = read_announced(self.events()).told
        return {name: told[name] for name in self.notices if name in told}


def deadlines(moments: Sequence[Moment], now: datetime, *, is_stale: bool) -> Sequence[Deadline]:
    return evaluate(moments, replace(terms(now), stale=STALE if is_stale else None))


def ran(moments: Sequence[Moment], runs: Sequence[Run], audience: Audience) -> Ledger:
    """Run one after the other; some see an older ledger, as another was faster than them."""
    ledger, now = Ledger(), ORIGIN
    for run in runs:
        now += timedelta(hours=run.hours)
        plan_one(ledger, moments, run, audience, now)
    return ledger


def plan_one(
    ledger: Ledger, moments: Sequence[Moment], run: Run, audience: Audience, now: datetime
) -> Plan:
    behind = min(run.behind, len(ledger.commits))
    heard = read_announced(ledger.events(behind)).heard.get(audience.name)
    given_ = deadlines(moments, now, is_stale=run.is_stale)
    plan = plan_notices(given_, heard, audience, repository=HERE, now=now)
    if not run.is_killed:
        ledger.append(plan)
    return plan


def step_of(said: Mapping[str, str]) -> tuple[str, ...]:
    """Which step of what is told, by what a reader sees."""
    if "waiver" in said:
        return ("waiver", said["waiver"], said["ends"], said["days"])
    names = ("vulnerability", "lineage", "package", "platform", "episode")
    finding = (said.get("product", ""), *(said[name] for name in names))
    if said["topic"] == "closed":
        return ("closed", *finding)
    return (said["clause"].split(" ")[0], said["percent"], *finding)


@given(HISTORIES, RUNS, AUDIENCES)
def test_each_step_is_told_once_at_most(
    moments: list[Moment], runs: list[Run], audience: Audience
) -> None:
    told = ran(moments, runs, audience).told()
    items = [one for items in told.values() for one in items if one["topic"] != "unknown"]
    assert max(Counter(map(step_of, items)).values(), default=1) == 1


@given(HISTORIES, RUNS, AUDIENCES)
def test_what_a_notice_tells_never_changes(
    moments: list[Moment], runs: list[Run], audience: Audience
) -> None:
    before: dict[str, tuple[Mapping[str, str], ...]] = {}
    ledger, now = Ledger(), ORIGIN
    for run in runs:
        now += timedelta(hours=run.hours)
        known = set(ledger.notices)
        plan_one(ledger, moments, run, audience, now)
        told = ledger.told()
        assert {name: told.get(name) for name in known} == {
            name: before.get(name) for name in known
        }
        before = told


@given(HISTORIES, RUNS, AUDIENCES)
def test_nothing_is_left_out(moments: list[Moment], runs: list[Run], audience: Audience) -> None:
    """After a run that sees everything, each finding was told of at its highest step."""
    now = ORIGIN + timedelta(hours=sum(run.hours for run in runs))
    ledger = ran(moments, runs, audience)
    plan_one(ledger, moments, Run(0, 0, is_killed=False, is_stale=False), audience, now)
    steps = {
        step_of(one)
        for items in ledger.told().values()
        for one in items
        if one["topic"] not in ("unknown", "waiver")
    }
    for one in deadlines(moments, now, is_stale=False):
        if one.is_closed or one.pause or one.due is None or not audience.wants(one.product):
            continue
        if one.urgency < Urgency[audience.least.upper()]:
            continue
        reached = [step.percent for step in one.steps if step.is_reached]
        wanted = [percent for percent in reached if f"{percent}%" in audience.topics]
        if wanted:
            place = (one.product or "", one.finding.vulnerability, one.finding.lineage)
            rest = (one.finding.package, one.finding.platform, str(one.episode))
            known = [
                int(step[1])
                for step in steps
                if step[0] == one.clause.name and step[2:] == (*place, *rest)
            ]
            assert max(known) >= max(wanted)


@given(HISTORIES, RUNS, AUDIENCES)
def test_a_second_run_at_the_same_instant_has_nothing_to_tell(
    moments: list[Moment], runs: list[Run], audience: Audience
) -> None:
    ledger = ran(moments, runs, audience)
    now = ORIGIN + timedelta(hours=sum(run.hours for run in runs))
    run = Run(0, 0, is_killed=False, is_stale=True)
    plan_one(ledger, moments, run, audience, now)
    again = plan_one(ledger, moments, run, audience, now)
    assert (again.events, again.notices) == ((), ())


@given(HISTORIES, st.integers(0, 1500), AUDIENCES)
def test_a_channel_that_is_new_is_told_of_nothing_that_ended(
    moments: list[Moment], hours: int, audience: Audience
) -> None:
    told = ran(moments, [Run(hours, 0, is_killed=False, is_stale=False)], audience).told()
    ends = {one["topic"] for items in told.values() for one in items}
    now = ORIGIN + timedelta(hours=hours)
    given_ = deadlines(moments, now, is_stale=False)
    if all(one.action.end != now for one in given_):
        assert "closed" not in ends


@given(HISTORIES, RUNS, AUDIENCES)
def test_of_each_window_ever_higher_steps_are_told(
    moments: list[Moment], runs: list[Run], audience: Audience
) -> None:
    rungs: dict[tuple[str, ...], int] = {}
    for items in ran(moments, runs, audience).told().values():
        for one in items:
            if "percent" in one:
                window, percent, *finding = step_of(one)
                assert int(percent) > rungs.get((window, *finding), -1)
                rungs[window, *finding] = int(percent)
