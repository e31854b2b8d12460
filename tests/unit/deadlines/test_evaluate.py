from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from basekeeper.deadlines.evaluate import evaluate, order
from basekeeper.deadlines.identity import Scope
from basekeeper.deadlines.model import Progress, State
from basekeeper.policy.load import load_config
from basekeeper.policy.windows import Urgency
from tests.unit.deadlines.making import (
    NEW,
    OF_ALL,
    OLD,
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
    told,
    verified,
    waived,
)

if TYPE_CHECKING:
    from basekeeper.deadlines.model import Deadline, Moment

DAY = 24


@pytest.mark.parametrize(
    ("severity", "hours", "clause"),
    [
        (Urgency.CRITICAL, 48, "policy.deadlines.critical = '48 hours' (shipped default)"),
        (Urgency.HIGH, 7 * DAY, "policy.deadlines.high = '7 days' (shipped default)"),
        (Urgency.MEDIUM, 30 * DAY, "policy.deadlines.medium = '30 days' (shipped default)"),
        (None, 30 * DAY, "policy.deadlines.medium = '30 days' (shipped default)"),
    ],
)
def test_a_severity_is_due_after_its_window(
    severity: Urgency | None, hours: float, clause: str
) -> None:
    deadline = told([detected(0, severity), fix(0), base(1)], 1)
    assert deadline.due == at(hours)
    assert str(deadline.clause) == clause
    assert (deadline.state, deadline.severity) == (State.OPEN, severity)
    assert not deadline.at_next_release


@pytest.mark.parametrize("severity", [None, *list(Urgency)[:-1]])
def test_what_is_exploited_is_due_within_a_day_whatever_its_severity(
    severity: Urgency | None,
) -> None:
    exploited = happened("exploited", -500, scope=OF_ALL)
    deadline = told([detected(0, severity), fix(0), exploited], 1)
    assert deadline.due == at(24)
    assert deadline.urgency is Urgency.EXPLOITED
    assert deadline.severity is severity
    assert deadline.clause.name == "policy.deadlines.exploited"


def test_a_low_is_carried_until_a_release_holds_it() -> None:
    low = [detected(0, Urgency.LOW), fix(0), base(0)]
    carried = told(low, 9000)
    assert (carried.due, carried.at_next_release) == (None, True)
    assert (carried.state, carried.overdue_by, carried.steps) == (State.OPEN, None, ())
    assert str(carried.clause) == "policy.deadlines.low = 'next release' (shipped default)"
    broken = told([*low, released(9001, OLD)], 9003)
    assert (broken.due, broken.at_next_release) == (at(9001), False)
    assert (broken.state, broken.overdue_by) == (State.BREACHED, timedelta(hours=2))
    assert [(one.percent, one.is_reached) for one in broken.steps] == [(100, True)]


def test_a_low_is_closed_in_time_by_the_next_release() -> None:
    low = [detected(0, Urgency.LOW), fix(0), released(900), verified(901)]
    assert told(low, 1000).state is State.CLOSED_IN_TIME


def test_a_release_before_a_low_could_be_fixed_breaks_nothing() -> None:
    low = [detected(0, Urgency.LOW), released(5, OLD), fix(6), base(6)]
    assert told(low, 100).state is State.OPEN


def test_a_release_that_nobody_scanned_leaves_a_low_unknown() -> None:
    low = [detected(0, Urgency.LOW), fix(0), base(0), released(5, "sha256:unseen")]
    deadline = told(low, 6)
    assert deadline.state is State.UNKNOWN
    assert "a release was not scanned, so that it may still hold the finding" in deadline.notes


@pytest.mark.parametrize(
    ("found", "fixed", "start"),
    [(0, 0, 0), (0, 30, 30), (30, 0, 30)],
)
def test_the_action_clock_starts_when_it_is_known_and_fixable(
    found: float, fixed: float, start: float
) -> None:
    deadline = told([detected(found), fix(fixed)], 31)
    assert deadline.action.start == at(start)
    assert deadline.due == at(start + 7 * DAY)
    assert deadline.action.is_running


STARTS = '[policy.deadlines.start]\nhigh = "{}"\n'


@pytest.mark.parametrize(
    ("word", "start"),
    [
        ("actionable", 20),
        ("detected", 10),
        ("published", 5),
        ("fix-available", 20),
        ("base-available", 30),
    ],
)
def test_the_policy_chooses_what_starts_the_action_clock(word: str, start: float) -> None:
    read = {"basekeeper.toml": STARTS.format(word).encode()}.get
    windows = load_config(read).policy.deadlines
    published = happened("published", 5, scope=OF_ALL)
    deadline = told([published, detected(10), fix(20), base(30)], 31, windows=windows)
    assert deadline.due == at(start + 7 * DAY)


def test_no_clock_runs_without_what_starts_it() -> None:
    text = '[policy.deadlines.start]\nmedium = "base-available"\nhigh = "base-available"\n'
    read = {"basekeeper.toml": text.encode()}.get
    windows = load_config(read).policy.deadlines
    medium = told([detected(0, Urgency.MEDIUM), fix(0)], 20, windows=windows)
    assert (medium.state, medium.due) == (State.WAITING_FOR_BASE, None)
    assert told([detected(0, Urgency.MEDIUM)], 20, windows=windows).state is State.WAITING_FOR_FIX


def test_what_is_more_urgent_is_due_no_later_than_what_is_less() -> None:
    read = {"basekeeper.toml": STARTS.format("base-available").encode()}.get
    windows = load_config(read).policy.deadlines
    deadline = told([detected(0), fix(0)], 20, windows=windows)
    assert (deadline.due, deadline.clause.name) == (at(30 * DAY), "policy.deadlines.medium")


def test_without_a_fix_it_waits_for_one() -> None:
    deadline = told([detected(0, Urgency.CRITICAL)], 9000)
    assert deadline.state is State.WAITING_FOR_FIX
    assert (deadline.due, deadline.overdue_by, deadline.steps) == (None, None, ())
    assert (deadline.action.start, deadline.action.is_running) == (None, False)
    assert (deadline.upstream.start, deadline.propose_bridge) == (None, False)
    assert deadline.exposure.is_running


def test_what_waits_for_a_fix_is_unknown_where_nobody_looked_lately() -> None:
    deadline = told([detected(0)], 50, stale={PRODUCT: "database of 2026-03-01"})
    assert deadline.state is State.UNKNOWN
    assert "not looked at lately: database of 2026-03-01" in deadline.notes


def test_a_running_clock_runs_on_where_nobody_looked_lately() -> None:
    stale = {PRODUCT: "old"}
    assert told([detected(0), fix(0)], 169, stale=stale).state is State.BREACHED
    assert told([detected(0), fix(0)], 5, stale=stale).state is State.WAITING_FOR_BASE


@pytest.mark.parametrize(
    ("witnesses", "start"),
    [
        ({"advisory": 9, "grype": 1, "changelog": 2, "observed": 3}, 9),
        ({"grype": 9, "changelog": 2, "observed": 3}, 9),
        ({"changelog": 9, "observed": 3}, 9),
        ({"observed": 9, "somebody": 1}, 9),
        ({"somebody": 9}, 9),
    ],
)
def test_the_best_witness_tells_since_when_there_is_a_fix(
    witnesses: dict[str, float], start: float
) -> None:
    fixes = [fix(hours, witness) for witness, hours in witnesses.items()]
    assert told([detected(0), *fixes], 10).action.start == at(start)


@pytest.mark.parametrize(
    ("before", "after", "when", "due"),
    [
        (Urgency.MEDIUM, Urgency.CRITICAL, 100, 148),
        (Urgency.HIGH, Urgency.CRITICAL, 150, 168),
        (Urgency.HIGH, Urgency.CRITICAL, -10, 48),
        (Urgency.LOW, Urgency.HIGH, 10, 178),
        (Urgency.CRITICAL, Urgency.HIGH, 10, 168),
        (Urgency.CRITICAL, Urgency.HIGH, 47, 168),
        (Urgency.CRITICAL, Urgency.HIGH, 49, 48),
        (Urgency.HIGH, None, 10, 30 * DAY),
        (None, Urgency.HIGH, 10, 178),
    ],
)
def test_a_change_of_severity_moves_what_is_due(
    before: Urgency | None, after: Urgency | None, when: float, due: float
) -> None:
    history = [rated(-100, before), detected(0, None, witness=""), fix(0), rated(when, after)]
    assert told(history, 200).due == at(due)


def test_a_breach_stays_though_the_severity_falls() -> None:
    history = [detected(0, Urgency.CRITICAL), fix(0), rated(60, Urgency.MEDIUM)]
    deadline = told(history, 70)
    assert (deadline.state, deadline.due, deadline.breached_at) == (
        State.BREACHED,
        at(48),
        at(48),
    )
    assert deadline.urgency is Urgency.MEDIUM
    assert deadline.clause.name == "policy.deadlines.critical"


def test_a_recorded_breach_stays_though_history_is_told_anew() -> None:
    history = [detected(0, Urgency.CRITICAL), fix(0), rated(1, Urgency.MEDIUM)]
    breach = happened("breached", 48)
    assert told([*history, breach], 70).due == at(48)
    assert told([*history, breach], 70).state is State.BREACHED
    assert told(history, 70).due == at(30 * DAY)


def test_a_fall_and_a_rise_count_from_the_last_rise() -> None:
    history = [
        detected(0, Urgency.CRITICAL),
        fix(0),
        rated(10, Urgency.MEDIUM),
        rated(20, Urgency.CRITICAL),
    ]
    assert told(history, 30).due == at(68)


def test_a_low_that_was_carried_must_not_miss_the_next_release_when_it_rises() -> None:
    history = [detected(0, Urgency.LOW), fix(0), rated(10, Urgency.HIGH)]
    assert told(history, 20).at_next_release
    broken = told([*history, released(30, OLD)], 40)
    assert (broken.due, broken.clause.value) == (at(30), "next release")


def test_a_release_breaks_no_window_of_days() -> None:
    assert told([detected(0), fix(0), released(10, OLD)], 20).due == at(168)


def test_the_pinned_source_counts_and_the_others_are_shown() -> None:
    history = [
        detected(0, Urgency.LOW, witness="debian"),
        rated(0, Urgency.CRITICAL, "nvd"),
        rated(0, Urgency.HIGH, "ghsa"),
        fix(0),
    ]
    pinned = told(history, 1, severity_source="ghsa")
    assert (pinned.severity, pinned.due) == (Urgency.HIGH, at(168))
    assert pinned.severities == (
        ("debian", Urgency.LOW),
        ("ghsa", Urgency.HIGH),
        ("nvd", Urgency.CRITICAL),
    )
    assert told(history, 1, severity_source="silent").due == at(48)
    assert told(history, 1).due == at(48)


def test_the_exposure_clock_counts_from_public_and_present_and_never_pauses() -> None:
    history = [
        happened("published", -50, scope=OF_ALL),
        happened("introduced", -20),
        detected(0),
        waived(1, 30),
    ]
    deadline = told(history, 10)
    assert deadline.exposure.start == at(-20)
    assert deadline.exposure.elapsed == timedelta(hours=30)
    assert deadline.exposure.is_running
    assert not any("exposure" in note for note in deadline.notes)
    assert told([detected(0)], 10).exposure.start == at(0)


def test_upstream_has_a_clock_of_its_own() -> None:
    waiting = told([detected(0), fix(-10)], 20)
    assert (waiting.upstream.start, waiting.upstream.elapsed) == (at(-10), timedelta(hours=30))
    assert (waiting.upstream.is_running, waiting.state) == (True, State.WAITING_FOR_BASE)
    done = told([detected(0), fix(-10), base(15)], 20)
    assert (done.upstream.end, done.upstream.elapsed) == (at(15), timedelta(hours=25))
    assert (done.upstream.is_running, done.state) == (False, State.OPEN)


@pytest.mark.parametrize(
    ("hours", "answer"), [(84, "wait"), (85, "bridge")], ids=["half", "more than half"]
)
def test_a_bridge_is_proposed_beyond_half_of_the_window(hours: float, answer: str) -> None:
    assert told([detected(0), fix(0)], hours).propose_bridge is (answer == "bridge")
    assert not told([detected(0), fix(0), base(1)], hours).propose_bridge
    assert not told([detected(0), fix(0), happened("bridged", 1)], hours).propose_bridge


def test_a_bridge_is_told_until_the_release_is_proven() -> None:
    bridged = [detected(0), fix(0), happened("bridged", 50)]
    assert told(bridged, 60).state is State.BRIDGED
    closed = told([*bridged, released(60), verified(61)], 90)
    assert (closed.state, closed.upstream.is_running) == (State.CLOSED_IN_TIME, True)


@pytest.mark.parametrize(
    ("kinds", "progress", "state"),
    [
        ([], Progress.NOTHING, State.OPEN),
        (["pull-request-opened"], Progress.PROPOSED, State.OPEN),
        (["pull-request-opened", "merged"], Progress.MERGED, State.FIXED_UNRELEASED),
        (["rebuilt"], Progress.NOTHING, State.OPEN),
        (["merged", "rebuilt"], Progress.REBUILT, State.FIXED_UNRELEASED),
        (["merged", "rebuilt", "verified"], Progress.VERIFIED, State.FIXED_UNRELEASED),
    ],
)
def test_a_fix_goes_its_way(kinds: list[str], progress: Progress, state: State) -> None:
    way = [happened(kind, 10 + index, digest=NEW) for index, kind in enumerate(kinds)]
    deadline = told([detected(0), fix(0), base(0), *way], 20)
    assert (deadline.progress, deadline.state) == (progress, state)
    assert deadline.action.is_running


def test_a_pull_request_that_was_closed_is_no_progress() -> None:
    opened = happened("pull-request-opened", 5, key="7")
    history = [detected(0), fix(0), opened]
    closed = happened("pull-request-closed", 6, key="7")
    assert told([*history, closed], 10).progress is Progress.NOTHING
    assert told([*history, replace(closed, key="8")], 10).progress is Progress.PROPOSED


def test_merged_is_not_fixed() -> None:
    deadline = told([detected(0), fix(0), happened("merged", 10)], 169)
    assert (deadline.state, deadline.progress) == (State.BREACHED, Progress.MERGED)


def test_an_image_that_was_published_before_it_was_found_took_no_fix() -> None:
    history = [released(-5, OLD), detected(0, digest=NEW), fix(0), base(0), verified(1, OLD)]
    deadline = told(history, 20)
    assert (deadline.progress, deadline.state) == (Progress.NOTHING, State.OPEN)


def test_an_image_built_with_the_fix_that_still_has_it_undoes_the_progress() -> None:
    history = [
        detected(0),
        fix(0),
        base(0),
        happened("merged", 10),
        happened("rebuilt", 11, digest=NEW),
        detected(12, digest=NEW),
    ]
    deadline = told(history, 20)
    assert (deadline.progress, deadline.state) == (Progress.NOTHING, State.OPEN)
    assert deadline.due == at(168)


@pytest.mark.parametrize(
    ("release", "proof", "end", "state"),
    [
        (100, 110, 110, State.CLOSED_IN_TIME),
        (110, 100, 110, State.CLOSED_IN_TIME),
        (100, 168, 168, State.CLOSED_IN_TIME),
        (100, 169, 169, State.CLOSED_LATE),
    ],
)
def test_the_clock_ends_when_the_published_image_is_proven(
    release: float, proof: float, end: float, state: State
) -> None:
    deadline = told([detected(0), fix(0), released(release), verified(proof)], 500)
    assert (deadline.action.end, deadline.state) == (at(end), state)
    assert (deadline.overdue_by, deadline.progress) == (None, Progress.RELEASED)
    assert deadline.is_closed
    assert deadline.breached_at == (at(168) if state is State.CLOSED_LATE else None)


def test_a_proof_of_an_image_that_is_not_the_published_one_ends_nothing() -> None:
    history = [detected(0), fix(0), released(5, OLD), verified(6, NEW)]
    assert told(history, 20).state is State.FIXED_UNRELEASED
    assert told([*history, released(7, "sha256:other")], 20).state is State.FIXED_UNRELEASED


def test_an_unmapped_product_ends_when_merged_and_proven_and_says_so() -> None:
    history = [detected(0), fix(0), base(0), verified(5)]
    before = told(history, 20, products=())
    assert (before.is_mapped, before.is_closed) == (False, False)
    deadline = told([*history, happened("merged", 10)], 20, products=())
    assert (deadline.state, deadline.action.end) == (State.FIXED_UNRELEASED, at(10))
    assert (
        "no [[product]] says what is published, so that a release cannot be proven"
        in deadline.notes
    )
    assert told([detected(0), fix(0)], 169, products=()).state is State.BREACHED


def test_an_unmapped_product_is_not_proven_by_what_was_scanned_before_it_came_back() -> None:
    history = [detected(0), fix(0), verified(5), detected(8, digest="sha256:x")]
    merged = [*history, happened("merged", 10)]
    assert not told(merged, 20, products=()).is_closed
    assert told([*merged, verified(15, "sha256:y")], 20, products=()).action.end == at(15)


def test_a_rebuild_resets_no_clock() -> None:
    history = [detected(0), fix(0), released(50, NEW), detected(60, digest=NEW)]
    deadline = told(history, 70)
    assert (deadline.episode, deadline.due) == (1, at(168))


def test_what_comes_back_is_a_new_episode_and_keeps_its_exposure() -> None:
    history = [
        detected(0),
        fix(0),
        released(20),
        verified(30),
        detected(100, digest="sha256:later"),
    ]
    first, second = evaluate(history, terms(110))
    assert (first.episode, first.is_latest, first.state) == (1, False, State.CLOSED_IN_TIME)
    assert (second.episode, second.is_latest) == (2, True)
    assert (second.due, second.exposure.start) == (at(268), at(100))
    assert second.total_exposure == timedelta(hours=40)
    assert "came back after it had been fixed" in second.notes


def test_an_image_of_the_past_scanned_again_is_no_regression() -> None:
    history = [detected(0), fix(0), released(20), verified(30), detected(100, digest=OLD)]
    assert told(history, 110).state is State.CLOSED_IN_TIME


def test_publishing_an_image_of_the_past_again_is_one() -> None:
    history = [detected(0), fix(0), released(20), verified(30), released(100, OLD)]
    deadline = told(history, 110)
    assert (deadline.episode, deadline.due) == (2, at(268))


def test_a_proof_of_the_instant_of_a_detection_proves_nothing() -> None:
    assert not told([detected(5, digest=NEW), fix(0), verified(5), released(5)], 9).is_closed


def test_what_comes_back_before_it_is_published_stays_open() -> None:
    history = [detected(0), fix(0), released(20), verified(30)]
    again = [*history, detected(100, digest="sha256:next"), verified(105)]
    assert not told(again, 110).is_closed
    assert told(
        [*again, released(120, "sha256:fixed"), verified(121, "sha256:fixed")], 130
    ).is_closed


def test_a_published_image_of_the_past_that_is_scanned_late_opens_nothing_for_long() -> None:
    history = [released(-90, OLD), released(-50), verified(-40), detected(0), fix(0)]
    assert told(history, 900).state is State.CLOSED_IN_TIME
    again = [*history, released(910, "sha256:x"), verified(911, "sha256:x"), detected(912)]
    assert told(again, 1000).episode == 1


def left(hours: float, digest: str | None) -> Moment:
    return happened("left", hours, digest=digest)


def test_an_image_that_was_left_keeps_nothing_open() -> None:
    history = [released(-5, OLD), detected(0, digest=NEW), verified(0, OLD)]
    assert not told(history, 10).is_closed
    assert told([*history, left(9, NEW)], 10).action.end == at(9)
    still = [*history, left(9, NEW), detected(9, digest="sha256:other")]
    assert not told(still, 10).is_closed


def test_standing_again_on_an_image_that_was_left_is_a_regression() -> None:
    history = [detected(0), released(5), verified(6), left(6, OLD), detected(50)]
    assert told(history, 60).episode == 2
    assert told(history[:3] + history[4:], 60).episode == 1


def test_where_nothing_is_built_any_more_nothing_is_open_that_is_not_published() -> None:
    history = [detected(0), left(9, OLD), left(9, None)]
    assert told(history, 10, products=()).action.end == at(9)
    assert not told(history, 10).is_closed


def test_a_build_that_takes_away_what_its_base_has_is_proven_by_its_image() -> None:
    history = [released(-5), detected(0, is_base=True), verified(0)]
    assert not told(history, 10).is_closed
    proof = happened("verified", 0, digest=NEW, built_on=OLD)
    proven = [*history[:2], proof]
    assert told(proven, 10).action.end == at(0)
    next_base = detected(20, digest="sha256:other", is_base=True)
    assert told([*proven, next_base], 30).episode == 1
    other_build = [*proven, released(15, "sha256:p2"), next_base]
    assert (told(other_build, 30).episode, told(other_build, 30).is_closed) == (2, False)


@pytest.mark.parametrize("products", [(), (PRODUCT,)])
def test_what_is_gone_without_a_fix_closes_and_says_so(products: tuple[str, ...]) -> None:
    history = [detected(5), released(4, OLD), happened("gone", 9, digest=OLD)]
    deadline = told(history, 10, products=products)
    assert deadline.is_closed
    assert "not found any more, though nobody fixed it" in deadline.notes
    other = [detected(5), released(4, OLD), happened("gone", 9, digest=NEW)]
    assert not told(other, 10, products=products).is_closed


def test_an_advisory_that_was_withdrawn_closes() -> None:
    assert told([detected(5), released(4, OLD), verified(9, OLD)], 10).is_closed


@pytest.mark.parametrize(
    ("hours", "state"),
    [(134, State.OPEN), (135, State.DUE_SOON), (168, State.DUE_SOON), (169, State.BREACHED)],
)
def test_what_is_due_soon_and_what_is_breached(hours: float, state: State) -> None:
    deadline = told([detected(0), fix(0), base(0)], hours)
    assert deadline.state is state
    late = timedelta(hours=hours - 168)
    assert deadline.overdue_by == (late if state is State.BREACHED else None)


@pytest.mark.parametrize(
    ("hours", "step"), [(23, 0), (24, 50), (38, 50), (39, 80), (48, 100), (71, 100), (72, 150)]
)
def test_escalation_goes_by_parts_of_the_window(hours: float, step: int) -> None:
    assert told([detected(0, Urgency.CRITICAL), fix(0)], hours).escalation == step


def test_escalation_counts_from_the_rise_that_set_the_due_time() -> None:
    history = [detected(0, Urgency.MEDIUM), fix(0), rated(100, Urgency.CRITICAL)]
    assert [one.at for one in told(history, 101).steps] == [at(124), at(138.4), at(148), at(172)]


def test_what_is_yet_to_come_counts_nowhere() -> None:
    assert told([detected(0), fix(50)], 10).state is State.WAITING_FOR_FIX
    assert evaluate([detected(20)], terms(10)) == ()


def test_one_finding_of_two_products_has_two_deadlines() -> None:
    shop = replace(SCOPE, product="shop")
    history = [detected(0), detected(5, scope=shop), fix(0), released(6), verified(7)]
    api, other = evaluate(history, terms(10, products=("api", "shop")))
    assert (api.product, api.state) == ("api", State.CLOSED_IN_TIME)
    assert (other.product, other.due) == ("shop", at(173))


def test_a_detection_without_a_product_concerns_that_place_alone() -> None:
    history = [detected(0), detected(5, scope=replace(SCOPE, product=None)), fix(0)]
    assert [one.product for one in evaluate(history, terms(10))] == [None, "api"]


def test_now_needs_a_time_zone() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        evaluate([], replace(terms(0), now=datetime(2026, 1, 1)))  # noqa: DTZ001


def test_orders_by_due_then_urgency_then_probability() -> None:
    def of(number: int, severity: Urgency, hours: float) -> list[Moment]:
        scope = replace(SCOPE, vulnerability=f"CVE-2026-{number}")
        name = Scope(vulnerability=scope.vulnerability)
        return [
            detected(hours, severity, scope=scope),
            happened("fix-available", 0, scope=name),
        ]

    history = [
        *of(1, Urgency.HIGH, 0),
        *of(2, Urgency.HIGH, 0),
        *of(3, Urgency.CRITICAL, 120),
        *of(4, Urgency.LOW, 0),
        *of(5, Urgency.CRITICAL, 0),
    ]
    found = evaluate(history, terms(121))
    names = [one.finding.vulnerability[-1] for one in order(found, {"CVE-2026-2": 0.9})]
    assert names == ["5", "3", "2", "1", "4"]
    assert sorted(order(found, {}), key=str) == sorted(found, key=str)


def test_replays_cve_2023_4911() -> None:
    """The dates are those of glibc in Debian 12, and of `postgres:16` built on it."""

    def day(month: int, number: int) -> datetime:
        return datetime(2023, month, number, tzinfo=UTC)

    def moment(kind: str, when: datetime, **said: Any) -> Moment:
        return replace(happened(kind, 0, scope=OF_ALL), at=when, **said)

    history = [
        moment("fix-available", day(9, 30), witness="changelog"),
        moment("published", day(10, 3)),
        moment("introduced", day(6, 10)),
        moment(
            "detected", day(10, 3), scope=SCOPE, severity=Urgency.HIGH, witness="nvd", digest=OLD
        ),
        moment("base-available", day(10, 11)),
        moment("exploited", day(11, 21)),
    ]

    def seen(when: datetime, *more: Moment) -> Deadline:
        (deadline,) = evaluate([*history, *more], replace(terms(0), now=when))
        return deadline

    fifth = seen(day(10, 5))
    assert fifth.due == day(10, 10)
    assert (fifth.propose_bridge, fifth.state) == (True, State.WAITING_FOR_BASE)
    eighth = seen(day(10, 11))
    assert (eighth.state, eighth.overdue_by) == (State.BREACHED, timedelta(days=1))
    assert eighth.upstream.elapsed == timedelta(days=11)
    rebuilt = [
        moment("released", day(10, 11), scope=Scope(product=PRODUCT), digest=NEW),
        moment("verified", day(10, 11), scope=SCOPE, digest=NEW),
    ]
    closed = seen(day(12, 1), *rebuilt)
    assert (closed.state, closed.exposure.elapsed) == (State.CLOSED_LATE, timedelta(days=8))
    assert seen(day(12, 1)).due == day(10, 10)


def test_a_high_found_the_day_before_it_is_exploited_is_due_a_day_after() -> None:
    history = [detected(0), fix(-900), happened("exploited", 20, scope=OF_ALL)]
    assert told(history, 21).due == at(44)
