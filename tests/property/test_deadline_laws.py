"""Laws of deadlines, on histories that nobody would think of."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from operator import add
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from basekeeper import load_policy
from basekeeper.deadlines.evaluate import evaluate, order
from basekeeper.deadlines.identity import Scope
from basekeeper.deadlines.model import Moment, MomentKind, State, Terms
from basekeeper.policy.windows import Start, Urgency

if TYPE_CHECKING:
    from collections.abc import Sequence

    from basekeeper.deadlines.model import Deadline

ORIGIN = datetime(2026, 3, 2, tzinfo=UTC)
NOW = ORIGIN + timedelta(hours=1500)
WINDOWS = load_policy().deadlines
WHOLE = Scope(lineage="debian:slim", vulnerability="CVE-1", package="glibc", platform="linux/amd64")
FOCUSED = st.just(replace(WHOLE, product="api"))
SCOPES = FOCUSED | st.sampled_from(
    [
        replace(WHOLE, vulnerability=name, platform=platform, product=product)
        for name in ("CVE-1", "CVE-2")
        for platform in ("linux/amd64", "linux/arm64")
        for product in ("api", "shop", None)
    ]
)
PARTS = st.builds(
    Scope,
    vulnerability=st.sampled_from([None, "CVE-1", "CVE-2"]),
    product=st.sampled_from([None, "api", "shop"]),
    platform=st.sampled_from([None, "linux/amd64"]),
)
HOURS = st.integers(0, 1000).map(lambda hours: ORIGIN + timedelta(hours=hours))
TIMED = st.sampled_from([Urgency.MEDIUM, Urgency.HIGH, Urgency.CRITICAL])
SEVERITIES = st.none() | st.sampled_from(list(Urgency)[:-1])
DIGESTS = st.sampled_from(["a", "b", "c", "d"])
WITNESSES = st.sampled_from(["nvd", "debian"])
START = st.sampled_from(list(Start))

DETECTIONS = st.builds(
    Moment,
    kind=st.just(MomentKind.DETECTED),
    scope=SCOPES,
    at=HOURS,
    digest=st.none() | DIGESTS,
    severity=SEVERITIES,
    witness=WITNESSES,
)
WAIVERS = st.builds(
    Moment,
    kind=st.sampled_from([MomentKind.WAIVED, MomentKind.WAIVED, MomentKind.WAIVER_ENDED]),
    scope=PARTS.filter(lambda scope: not scope.is_empty),
    at=HOURS,
    key=st.sampled_from(["w1", "w2"]),
    until=HOURS.map(lambda at: at.date()),
    owner=st.just("anna"),
    reason=st.just("r"),
    control=st.sampled_from(["c", "c", "c", ""]),
)
RATINGS = st.builds(
    Moment,
    kind=st.just(MomentKind.SEVERITY_CHANGED),
    scope=PARTS.filter(lambda scope: scope.vulnerability is not None),
    at=HOURS,
    severity=SEVERITIES,
    witness=WITNESSES,
)
FOCUS = replace(WHOLE, product="api")


def looked_at(
    digest: str, times: tuple[datetime, datetime], found: MomentKind, severity: Urgency | None
) -> list[Moment]:
    """An image of the product, published and scanned."""
    whole = Moment(kind=found, scope=FOCUS, at=times[0], digest=digest, witness="nvd")
    return [
        replace(whole, severity=severity if found is MomentKind.DETECTED else None),
        replace(whole, kind=MomentKind.RELEASED, scope=Scope(product="api"), at=times[1]),
    ]


IMAGES = st.builds(
    looked_at,
    DIGESTS,
    st.tuples(HOURS, HOURS),
    st.sampled_from(
        [MomentKind.DETECTED, MomentKind.DETECTED, MomentKind.VERIFIED, MomentKind.GONE]
    ),
    SEVERITIES,
)
REST = st.builds(
    Moment,
    kind=st.sampled_from(
        sorted(
            set(MomentKind)
            - {
                MomentKind.DETECTED,
                MomentKind.SEVERITY_CHANGED,
                MomentKind.WAIVED,
                MomentKind.WAIVER_ENDED,
                MomentKind.BREACHED,
            }
        )
    ),
    scope=PARTS,
    at=HOURS,
    digest=DIGESTS,
    witness=st.sampled_from(["advisory", "observed", ""]),
    source=st.sampled_from(["a", "b"]),
    justification=st.sampled_from(["", "vulnerable_code_not_present"]),
)
FIXES = st.builds(Moment, kind=st.just(MomentKind.FIX_AVAILABLE), scope=st.just(Scope()), at=HOURS)
ANY = DETECTIONS | RATINGS | REST | FIXES
STORIES = st.lists(IMAGES, min_size=1, max_size=5).map(lambda images: list(chain(*images)))
"""Images of one product one after the other, so that findings come to an end and come back."""
PLAIN = st.builds(add, STORIES, st.lists(ANY, max_size=10))
HISTORIES = st.builds(add, STORIES, st.lists(ANY | WAIVERS, max_size=12))
MODES = st.dictionaries(st.sampled_from(list(Urgency)), START)


def terms(now: datetime = NOW, modes: dict[Urgency, Start] | None = None) -> Terms:
    starts = {one: frozenset({start}) for one, start in (modes or {}).items()}
    windows = replace(WINDOWS, starts={**WINDOWS.starts, **starts})
    return Terms(now=now, windows=windows, products=("api",), max_waiver_days=40)


def latest(moments: Sequence[Moment], modes: dict[Urgency, Start] | None = None) -> list[Deadline]:
    return [one for one in evaluate(moments, terms(modes=modes)) if one.is_latest]


def by_subject(deadlines: Sequence[Deadline]) -> dict[object, Deadline]:
    return {(one.finding, one.product): one for one in deadlines}


def is_never_later(new: Deadline, old: Deadline) -> bool:
    return old.due is None or (new.due is not None and new.due <= old.due)


@given(HISTORIES, st.randoms(use_true_random=False), MODES)
def test_the_order_of_events_changes_nothing(
    history: list[Moment], random: object, modes: dict[Urgency, Start]
) -> None:
    shuffled = list(history)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert evaluate(shuffled, terms(modes=modes)) == evaluate(history, terms(modes=modes))


@given(HISTORIES)
def test_what_is_told_twice_counts_once(history: list[Moment]) -> None:
    assert evaluate([*history, *history], terms()) == evaluate(history, terms())


def without_low(history: list[Moment]) -> list[Moment]:
    """A LOW is due at an event, which no window of days can be compared with."""
    return [
        replace(one, severity=Urgency.MEDIUM) if one.severity is Urgency.LOW else one
        for one in history
    ]


def says_a_severity(moment: Moment) -> bool:
    """A detection without one takes nobody's word back; one with would."""
    return moment.kind is MomentKind.SEVERITY_CHANGED or (
        moment.kind is MomentKind.DETECTED and moment.severity is not None
    )


@given(PLAIN, TIMED, HOURS, MODES)
def test_a_rise_makes_nothing_later(
    history: list[Moment],
    severity: Urgency,
    when: datetime,
    modes: dict[Urgency, Start],
) -> None:
    told = without_low(history)
    risen = [
        replace(one, severity=max(one.severity or Urgency.MEDIUM, severity))
        if says_a_severity(one) and one.at >= when
        else one
        for one in told
    ]
    before, after = by_subject(latest(told, modes)), by_subject(latest(risen, modes))
    assert before.keys() == after.keys()
    assert all(is_never_later(after[one], before[one]) for one in before)


@given(PLAIN, HOURS, MODES)
def test_being_exploited_makes_nothing_later(
    history: list[Moment], when: datetime, modes: dict[Urgency, Start]
) -> None:
    exploited = Moment(kind=MomentKind.EXPLOITED, scope=Scope(vulnerability="CVE-1"), at=when)
    told = without_low(history)
    before = by_subject(latest(told, modes))
    after = by_subject(latest([*told, exploited], modes))
    assert all(is_never_later(after[one], before[one]) for one in before)


@given(
    PLAIN,
    st.integers(0, 500),
    st.none() | DIGESTS,
    st.dictionaries(
        st.sampled_from(list(Urgency)), st.sampled_from([Start.ACTIONABLE, Start.DETECTED])
    ),
)
def test_an_earlier_detection_makes_nothing_later(
    history: list[Moment], hours: int, digest: str | None, modes: dict[Urgency, Start]
) -> None:
    before = by_subject(latest(history, modes))
    for subject, old in before.items():
        opened = min(
            one.at
            for one in history
            if one.kind is MomentKind.DETECTED and (one.scope.finding, one.scope.product) == subject
        )
        earlier = Moment(
            kind=MomentKind.DETECTED,
            scope=replace(
                WHOLE,
                vulnerability=old.finding.vulnerability,
                platform=old.finding.platform,
                product=old.product,
            ),
            at=opened - timedelta(hours=hours + 1),
            digest=digest,
        )
        new = by_subject(latest([*history, earlier], modes))[subject]
        assert is_never_later(new, old)


@given(HISTORIES, DIGESTS, HOURS)
def test_a_rebuild_restarts_no_clock(history: list[Moment], digest: str, when: datetime) -> None:
    rebuilt = Moment(
        kind=MomentKind.REBUILT, scope=Scope(product="api"), at=when, digest=f"new-{digest}"
    )
    before = by_subject(latest(history))
    found_again = [
        replace(rebuilt, kind=MomentKind.DETECTED, scope=one.scope, at=NOW)
        for one in history
        if one.kind is MomentKind.DETECTED
    ]
    after = by_subject(latest([*history, rebuilt, *found_again]))
    for subject, old in before.items():
        if not old.is_closed:
            assert after[subject].due == old.due
            assert after[subject].episode == old.episode
            assert after[subject].action.start == old.action.start


@given(PLAIN, WAIVERS)
def test_a_waiver_pauses_only_what_it_covers(history: list[Moment], waiver: Moment) -> None:
    before = evaluate(history, terms())
    after = evaluate([*history, waiver], terms())
    assert len(before) == len(after)
    for old, new in zip(before, after, strict=True):
        if not waiver.scope.covers(old.finding, old.product):
            assert new == old
        assert (new.exposure, new.upstream) == (old.exposure, old.upstream)
        assert (new.action.start, new.action.end) == (old.action.start, old.action.end)


@given(PLAIN, WAIVERS)
def test_where_no_waiver_holds_any_more_the_original_clock_counts(
    history: list[Moment], waiver: Moment
) -> None:
    steady = [one for one in history if one.kind is not MomentKind.SEVERITY_CHANGED]
    steady = [replace(one, severity=Urgency.HIGH) if one.severity else one for one in steady]
    for old, new in zip(
        evaluate(steady, terms()), evaluate([*steady, waiver], terms()), strict=True
    ):
        assert new.due == old.due
        if new.pause is None and not new.is_closed:
            assert (new.state, new.overdue_by) == (old.state, old.overdue_by)


@given(HISTORIES, st.dictionaries(st.sampled_from(["CVE-1", "CVE-2"]), st.floats(0, 1)))
def test_scores_order_and_move_nothing(history: list[Moment], scores: dict[str, float]) -> None:
    deadlines = evaluate(history, terms())
    ordered = order(deadlines, scores)
    assert set(map(id, ordered)) == set(map(id, deadlines))
    keys = [
        (one.is_closed, one.overdue_by is None, one.due or datetime.max.replace(tzinfo=UTC))
        for one in ordered
    ]
    assert keys == sorted(keys)


@given(HISTORIES, MODES)
def test_states_agree_with_the_clocks(history: list[Moment], modes: dict[Urgency, Start]) -> None:
    for one in evaluate(history, terms(modes=modes)):
        closed = one.state in (State.CLOSED_IN_TIME, State.CLOSED_LATE)
        assert closed == (one.is_closed and one.is_mapped)
        assert (one.state is State.BREACHED) == (one.overdue_by is not None)
        assert (one.state is State.EXCEPTED) == (one.pause is not None)
        assert one.is_latest or one.is_closed
        if one.overdue_by is not None:
            assert one.due is not None
            assert one.overdue_by == NOW - one.due


@given(HISTORIES, HOURS)
def test_what_is_closed_stays_closed_as_time_goes_by(history: list[Moment], then: datetime) -> None:
    past = [one for one in evaluate(history, terms(then)) if one.is_closed]
    present = {(one.finding, one.product, one.episode): one for one in evaluate(history, terms())}
    for one in past:
        later = present[one.finding, one.product, one.episode]
        assert (later.state, later.due, later.action.end) == (one.state, one.due, one.action.end)
