from __future__ import annotations

from typing import Any

import pytest

from basekeeper.deadlines.model import State
from basekeeper.policy.windows import Urgency
from basekeeper.rules.unpatched_low import RULE
from basekeeper.values.finding import Severity
from basekeeper.values.vulnerability import Severity as Level
from tests.unit.rules.making import found
from tests.unit.rules.storing import deadline, finding, standing

LOW = finding(hours=9_999, severity=Level.LOW)


def test_is_reported_once_a_release_still_holds_it() -> None:
    late = deadline(State.BREACHED, -5, urgency=Urgency.LOW, at_next_release=True)
    (one,) = found(RULE, standing(LOW, deadlines=(late,)), overdue_only=1)
    assert one.severity is Severity.ERROR
    assert "overdue since 2026-11-23 07:00 UTC" in one.message


@pytest.mark.parametrize(
    "made",
    [{}, {"deadlines": (deadline(urgency=Urgency.LOW, due=None, at_next_release=True),)}],
)
def test_carries_it_until_then(made: dict[str, Any]) -> None:
    assert found(RULE, standing(LOW, **made), overdue_only=1) == []
    (one,) = found(RULE, standing(LOW, **made), overdue_only=0)
    assert one.severity is Severity.WARNING
    assert one.message.endswith("due with the next release")
