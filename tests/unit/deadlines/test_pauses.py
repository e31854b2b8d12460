from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from basekeeper.deadlines.evaluate import evaluate
from basekeeper.deadlines.identity import Scope
from basekeeper.deadlines.model import MomentKind, State
from basekeeper.deadlines.pauses import waiver_warning
from basekeeper.policy.load import load_config
from basekeeper.policy.windows import Urgency
from tests.unit.deadlines.making import (
    LINEAGE,
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
    from basekeeper.deadlines.model import Moment

HIGH = [detected(0), fix(0), base(0)]
"""Due after 168 hours."""


def test_a_waiver_pauses_and_moves_nothing() -> None:
    deadline = told([*HIGH, waived(1, 10)], 200)
    assert (deadline.state, deadline.due) == (State.EXCEPTED, at(168))
    assert (deadline.overdue_by, deadline.breached_at, deadline.escalation) == (None, None, 0)
    assert not deadline.action.is_running
    assert deadline.pause is not None
    assert (deadline.pause.name, deadline.pause.owner) == ("w1", "anna")
    assert deadline.exposure.is_running


def test_when_a_waiver_ends_the_original_clock_counts_at_once() -> None:
    # Until the end of the tenth day after 2026-03-02.
    last = 10 * 24 + 12
    assert told([*HIGH, waived(1, 10)], last - 0.01).state is State.EXCEPTED
    deadline = told([*HIGH, waived(1, 10)], last)
    assert (deadline.state, deadline.overdue_by) == (State.BREACHED, timedelta(hours=last - 168))
    assert told([*HIGH, waived(1, 10)], last + 1).breached_at == at(last)


def test_a_waiver_that_is_taken_back_ends_there() -> None:
    end = happened("waiver-ended", 180, key="w1")
    assert told([*HIGH, waived(1, 10), end], 179).state is State.EXCEPTED
    assert told([*HIGH, waived(1, 10), end], 181).state is State.BREACHED
    other = happened("waiver-ended", 180, key="w2")
    assert told([*HIGH, waived(1, 10), other], 181).state is State.EXCEPTED


def test_renewal_is_a_decision_of_its_own() -> None:
    gap = [waived(1, 8), waived(230, 9, key="w2")]
    deadline = told([*HIGH, *gap], 240)
    assert (deadline.state, deadline.breached_at) == (State.EXCEPTED, at(8 * 24 + 12))
    assert told([*HIGH, waived(1, 10), waived(20, 20, key="w2")], 400).breached_at is None


def test_what_was_fixed_while_waived_is_in_time() -> None:
    history = [*HIGH, waived(1, 30), released(300), verified(301)]
    assert told(history, 2000).state is State.CLOSED_IN_TIME


def test_what_was_breached_before_the_waiver_is_late() -> None:
    history = [*HIGH, waived(200, 30), released(300), verified(301)]
    assert told(history, 250).state is State.EXCEPTED
    assert told(history, 2000).state is State.CLOSED_LATE


def test_no_breach_is_recorded_while_a_waiver_holds() -> None:
    history = [detected(0, Urgency.CRITICAL), fix(0), base(0), waived(1, 10)]
    fallen = told([*history, rated(100, Urgency.MEDIUM)], 400)
    assert (fallen.due, fallen.state) == (at(720), State.OPEN)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"owner": ""}, "it does not say who"),
        ({"reason": ""}, "it does not say why"),
        ({"control": ""}, "it does not say what protects meanwhile"),
        ({"until": None}, "it has no last day"),
        ({"until": at(181 * 24).date()}, "it holds for more than 180 days"),
    ],
)
def test_a_waiver_that_lacks_something_pauses_nothing_and_says_so(
    said: dict[str, Any], problem: str
) -> None:
    deadline = told([*HIGH, waived(1, 10, **said)], 200)
    assert deadline.state is State.BREACHED
    assert f"waiver 'w1' does not count: {problem}" in deadline.notes


def test_the_policy_bounds_how_long_a_waiver_holds() -> None:
    assert told([*HIGH, waived(1, 180)], 200).state is State.EXCEPTED
    assert told([*HIGH, waived(1, 11)], 200, max_waiver_days=10).state is State.BREACHED


@pytest.mark.parametrize(
    ("scope", "covers"),
    [
        (SCOPE, True),
        (Scope(vulnerability="CVE-2026-1"), True),
        (Scope(product=PRODUCT), True),
        (Scope(lineage=LINEAGE, package=SCOPE.package), True),
        (Scope(vulnerability="CVE-2026-11"), False),
        (Scope(product="shop"), False),
        (replace(SCOPE, platform="linux/arm64"), False),
        (replace(SCOPE, package="pkg:deb/debian/glib"), False),
        (replace(SCOPE, lineage="docker.io/library/debian"), False),
    ],
)
def test_a_waiver_pauses_only_what_it_covers(scope: Scope, covers: bool) -> None:  # noqa: FBT001
    deadline = told([*HIGH, waived(1, 30, scope=scope)], 200)
    assert (deadline.state is State.EXCEPTED) is covers


def vex(kind: str, hours: float, **said: Any) -> Moment:
    return happened(kind, hours, source="vendor", **said)


NOT_AFFECTED = vex("not-affected", 5, justification="vulnerable_code_not_present")


def test_a_justified_statement_pauses_until_it_is_taken_back() -> None:
    deadline = told([*HIGH, NOT_AFFECTED], 9000)
    assert deadline.state is State.EXCEPTED
    assert deadline.pause is not None
    assert deadline.pause.kind is MomentKind.NOT_AFFECTED
    assert deadline.pause.reason == "vulnerable_code_not_present"
    back = [*HIGH, NOT_AFFECTED, vex("affected", 300)]
    assert told(back, 301).state is State.BREACHED
    other = [*HIGH, NOT_AFFECTED, happened("affected", 300, source="somebody else")]
    assert told(other, 301).state is State.EXCEPTED


def test_a_statement_without_justification_pauses_nothing() -> None:
    deadline = told([*HIGH, vex("not-affected", 5)], 9000)
    assert deadline.state is State.BREACHED
    note = "vendor says not affected without a justification, which pauses nothing"
    assert note in deadline.notes


def test_under_investigation_pauses_only_where_the_policy_says_so() -> None:
    history = [*HIGH, vex("under-investigation", 5)]
    assert told(history, 200).state is State.BREACHED
    text = b"[policy.deadlines]\nunder_investigation_pauses = true\n"
    windows = load_config({"basekeeper.toml": text}.get).policy.deadlines
    deadline = told(history, 200, windows=windows)
    assert deadline.state is State.EXCEPTED


@pytest.mark.parametrize(
    ("days", "warning"), [(20, None), (14, 14), (10, 14), (7, 7), (3, 7), (1, 1), (0.5, 1)]
)
def test_warns_before_a_waiver_ends(days: float, warning: int | None) -> None:
    history = [*HIGH, waived(0, 30)]
    now = 30 * 24 + 12 - days * 24
    deadline = told(history, now)
    assert deadline.pause is not None
    assert waiver_warning(deadline.pause, at(now)) == warning


def test_no_warning_of_what_has_no_end() -> None:
    (deadline,) = evaluate([*HIGH, NOT_AFFECTED], terms(6))
    assert deadline.pause is not None
    assert waiver_warning(deadline.pause, at(6)) is None
