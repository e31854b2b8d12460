from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from basekeeper.deadlines.evaluate import evaluate
from basekeeper.deadlines.notices import plan_notices, read_announced, read_header
from basekeeper.policy.windows import Urgency
from basekeeper.values.event import EventKind
from basekeeper.values.notifying import Audience
from tests.unit.deadlines.making import (
    OF_ALL,
    PACKAGE,
    PRODUCT,
    SCOPE,
    at,
    base,
    detected,
    fix,
    happened,
    rated,
    released,
    terms,
    verified,
    waived,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from basekeeper.deadlines.model import Moment
    from basekeeper.values.event import Event, Notice

HERE = "github.com/acme/shop"
TEAM = Audience(name="team")
HIGH = [detected(0, Urgency.HIGH), fix(0), base(0)]
WINDOW = 7 * 24
"""Hours of HIGH."""


class Channel:
    """What a channel hears in one run after the other; the ledger is a list."""

    def __init__(self, audience: Audience = TEAM) -> None:
        self.audience = audience
        self.events: list[Event] = []
        self.notices: list[Notice] = []

    def hears(self, moments: Sequence[Moment], hours: float, **said: Any) -> list[str]:
        """Return the topics of what is told at some hour, each with how much of it."""
        given = evaluate(moments, terms(hours, **said))
        heard = read_announced(self.events).heard.get(self.audience.name)
        plan = plan_notices(given, heard, self.audience, repository=HERE, now=at(hours))
        self.events += plan.events
        self.notices += plan.notices
        told = read_announced(self.events).told
        return [
            f"{read_header(notice.body).topic} {len(told[notice.id])}" for notice in plan.notices
        ]

    @property
    def last(self) -> Mapping[str, str]:
        """The first thing that the last notice tells."""
        return read_announced(self.events).told[self.notices[-1].id][0]


def test_every_step_is_told_when_it_is_reached_and_never_again() -> None:
    channel = Channel()
    story = [
        (1, ["found 1"]), (2, []), (WINDOW * 0.5, ["50% 1"]), (WINDOW * 0.6, []),
        (WINDOW * 0.8, ["80% 1"]), (WINDOW, ["100% 1"]), (WINDOW + 1, []),
        (WINDOW * 1.5, ["150% 1"]), (WINDOW * 5, []),
    ]  # fmt: skip
    assert [(hours, channel.hears(HIGH, hours)) for hours, _ in story] == story


def test_of_steps_that_passed_unseen_the_highest_is_told() -> None:
    channel = Channel()
    assert channel.hears(HIGH, WINDOW * 1.1) == ["100% 1"]
    assert channel.hears(HIGH, WINDOW * 1.2) == []
    assert channel.last["state"] == "breached"


def test_what_is_told_says_all_that_a_reader_needs() -> None:
    channel = Channel()
    channel.hears(HIGH, 1)
    assert channel.last == {
        "channel": "team",
        "notice": channel.notices[0].id,
        "topic": "found",
        "percent": "0",
        "vulnerability": "CVE-2026-1",
        "package": PACKAGE,
        "lineage": SCOPE.lineage,
        "platform": SCOPE.platform,
        "product": PRODUCT,
        "clause": "policy.deadlines.high = '7 days' (shipped default)",
        "episode": "1",
        "severity": "high",
        "urgency": "high",
        "due": at(WINDOW).isoformat(),
        "state": "open",
        "progress": "nothing",
    }
    notice = channel.notices[0]
    assert (notice.subject, notice.channel) == (HERE, "team")
    assert json.loads(notice.body)["product"] == PRODUCT
    assert {one.kind for one in channel.events} == {EventKind.ANNOUNCED}


def test_nothing_is_told_while_no_time_runs() -> None:
    channel = Channel()
    assert channel.hears([detected(0)], 5) == []
    assert channel.hears([detected(0), fix(6), base(6)], 7) == ["found 1"]


def test_a_low_is_told_though_it_has_no_date() -> None:
    channel = Channel()
    assert channel.hears([detected(0, Urgency.LOW), fix(0), base(0)], 1) == ["found 1"]
    assert "due" not in channel.last


def test_what_gets_more_urgent_is_told_again_and_has_steps_of_its_own() -> None:
    channel, story = Channel(), list(HIGH)
    assert channel.hears(story, WINDOW * 0.5) == ["50% 1"]
    story.append(happened("exploited", WINDOW * 0.55, scope=OF_ALL))
    assert channel.hears(story, WINDOW * 0.55 + 1) == ["raised 1"]
    assert channel.last["urgency"] == "exploited"
    assert channel.hears(story, WINDOW * 0.55 + 13) == ["50% 1"]


def test_what_gets_less_urgent_is_no_news() -> None:
    channel = Channel()
    story = [detected(0, Urgency.CRITICAL), fix(0), base(0)]
    assert channel.hears(story, 1) == ["found 1"]
    story += [rated(2, Urgency.HIGH)]
    assert channel.hears(story, 3) == []
    story += [rated(4, Urgency.CRITICAL)]
    assert channel.hears(story, 5) == []
    assert channel.hears(story, 30) == ["50% 1"]


@pytest.mark.parametrize(("hours", "state"), [(10, "closed-in-time"), (WINDOW * 2, "closed-late")])
def test_an_end_is_told_once(hours: float, state: str) -> None:
    channel = Channel()
    channel.hears(HIGH, 1)
    story = [*HIGH, verified(hours - 1), released(hours)]
    assert channel.hears(story, hours + 1) == ["closed 1"]
    assert channel.last["state"] == state
    assert channel.hears(story, hours + 2) == []


def test_an_end_of_what_nobody_was_told_of_is_told_if_it_was_due() -> None:
    channel = Channel()
    assert channel.hears([], 0) == []
    story = [*HIGH, verified(9), released(10)]
    assert channel.hears(story, 11) == ["closed 1"]
    channel = Channel()
    assert channel.hears([], 0) == []
    assert channel.hears([detected(0), verified(9), released(10)], 11) == []  # no fix was known


def test_what_comes_back_is_told_anew() -> None:
    channel = Channel()
    story = [*HIGH, verified(9), released(10)]
    channel.hears(HIGH, 1)
    channel.hears(story, 11)
    story += [detected(20, digest="sha256:again"), released(21, "sha256:again")]
    assert channel.hears(story, 22) == ["found 1"]
    assert channel.last["episode"] == "2"


def test_a_new_channel_is_told_what_is_open_and_nothing_of_the_past() -> None:
    other = replace(SCOPE, vulnerability="CVE-2026-2")
    story = [
        *HIGH,
        verified(9),
        released(10),
        happened("detected", 20, scope=other, digest="sha256:new", severity=Urgency.HIGH),
        happened("fix-available", 20, scope=replace(OF_ALL, vulnerability="CVE-2026-2")),
    ]
    channel = Channel()
    assert channel.hears(story, 30) == ["found 1"]
    assert channel.last["vulnerability"] == "CVE-2026-2"
    assert channel.hears(story, 31) == []


def test_nothing_is_told_while_a_waiver_holds_and_afterwards_the_step_that_counts() -> None:
    channel = Channel()
    story = [*HIGH, waived(1, 30)]
    assert channel.hears(story, 2) == []
    assert channel.hears(story, WINDOW * 1.2) == []
    assert channel.hears(story, 24 * 40) == ["150% 1"]


def test_the_end_of_a_waiver_is_told_three_times_whatever_it_covers() -> None:
    channel = Channel()
    more = [replace(one, scope=replace(SCOPE, vulnerability="CVE-2026-2")) for one in HIGH[:1]]
    more += [fix(0), replace(fix(0), scope=replace(OF_ALL, vulnerability="CVE-2026-2"))]
    story = [*HIGH, *more, waived(1, 30, scope=replace(SCOPE, vulnerability=None))]
    end = 24 * 31 - 12  # of the day at noon
    told = [channel.hears(story, end - 24 * days + 1) for days in (20, 14, 10, 7, 5, 1, 0.5)]
    assert told == [[], ["waiver 1"], [], ["waiver 1"], [], ["waiver 1"], []]
    assert channel.last["findings"] == "2"
    assert (channel.last["waiver"], channel.last["owner"]) == ("w1", "anna")
    assert channel.last["days"] == "1"
    assert read_header(channel.notices[-1].body).product is None


def test_a_renewed_waiver_warns_anew() -> None:
    channel = Channel()
    story = [*HIGH, waived(1, 10)]
    assert channel.hears(story, 24 * 10) == ["waiver 1"]
    story.append(waived(24 * 10, 10, key="w2"))
    assert channel.hears(story, 24 * 11) == ["waiver 1"]
    assert channel.last["waiver"] == "w2"


def test_that_nothing_is_known_is_told_once_until_it_is_known_again() -> None:
    channel, story = Channel(), [detected(0)]
    stale = {PRODUCT: "the database is 9 days old"}
    told = [channel.hears(story, 1, stale=stale), channel.hears(story, 2, stale=stale)]
    assert channel.last["reason"] == "not looked at lately: the database is 9 days old"
    told += [channel.hears(story, 3), channel.hears(story, 4)]
    told += [channel.hears(story, 5, stale=stale)]
    assert told == [["unknown 1"], [], [], [], ["unknown 1"]]
    assert channel.last["findings"] == "1"


@pytest.mark.parametrize(
    ("audience", "told"),
    [
        (Audience(name="a", products=("web",)), []),
        (Audience(name="a", products=(PRODUCT,)), ["100% 1"]),
        (Audience(name="a", least="critical"), []),
        (Audience(name="a", least="high"), ["100% 1"]),
        (Audience(name="a", topics=("found",)), ["found 1"]),
        (Audience(name="a", topics=("closed", "80%")), ["80% 1"]),
        (Audience(name="a", topics=("150%",)), []),
    ],
)
def test_a_channel_is_told_what_it_wants_to_hear(audience: Audience, told: list[str]) -> None:
    assert Channel(audience).hears(HIGH, WINDOW * 1.1) == told


def test_many_findings_make_one_notice_the_worst_first() -> None:
    story = []
    for number, severity in enumerate([Urgency.MEDIUM, Urgency.CRITICAL, Urgency.HIGH] * 10):
        name = f"CVE-2026-{number}"
        story.append(detected(0, severity, scope=replace(SCOPE, vulnerability=name)))
        story.append(replace(fix(0), scope=replace(OF_ALL, vulnerability=name)))
    channel = Channel()
    assert channel.hears(story, 1) == ["found 30"]
    told = read_announced(channel.events).told[channel.notices[0].id]
    severities = [one["severity"] for one in told]
    assert severities == ["critical"] * 10 + ["high"] * 10 + ["medium"] * 10


def test_of_two_runs_at_once_each_tells_what_it_recorded_first() -> None:
    first = evaluate(HIGH, terms(1))
    other = detected(0, scope=replace(SCOPE, vulnerability="CVE-2026-2"))
    more = replace(fix(0), scope=replace(OF_ALL, vulnerability="CVE-2026-2"))
    both = evaluate([*HIGH, other, more], terms(1))
    plans = [plan_notices(given, None, TEAM, repository=HERE, now=at(1)) for given in (first, both)]
    recorded = {event.id: event for plan in reversed(plans) for event in plan.events}
    recorded |= {event.id: event for event in plans[0].events}  # the first run was faster
    order = [event.id for plan in plans for event in plan.events]
    told = read_announced([recorded[name] for name in dict.fromkeys(order)]).told
    (small,), (large,) = plans[0].notices, plans[1].notices
    assert [one["vulnerability"] for one in told[small.id]] == ["CVE-2026-1"]
    assert [one["vulnerability"] for one in told[large.id]] == ["CVE-2026-2"]


def test_a_run_that_comes_late_tells_no_step_below_one_that_was_told() -> None:
    slow, fast = [
        plan_notices(
            evaluate(HIGH, terms(WINDOW * part)), None, TEAM, repository=HERE, now=at(WINDOW * part)
        )
        for part in (0.5, 0.8)
    ]
    told = read_announced([*fast.events, *slow.events]).told
    assert fast.notices[0].id in told
    assert slow.notices[0].id not in told


def test_long_texts_are_cut() -> None:
    channel = Channel()
    story = [replace(one, scope=replace(one.scope, package="p" * 3000)) for one in HIGH[:1]]
    channel.hears([*story, fix(0)], 1)
    assert len(channel.last["package"]) == 500


@pytest.mark.parametrize(
    "body", ["", "{}", "[]", '{"schema":2}', '{"schema":1,"at":"x"}', "[" * 99999]
)
def test_a_body_of_somebody_else_is_refused(body: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_header(body)


def test_keys_of_another_form_are_passed_over() -> None:
    channel = Channel()
    channel.hears(HIGH, 1)
    odd = [
        replace(channel.events[-1], key=key) for key in ("team", "team/step/x", "team/step/x/y/z")
    ]
    before = read_announced(channel.events)
    assert read_announced([*channel.events, *odd]).told == before.told
