from __future__ import annotations

import pytest

from basekeeper.rules.unpatched_medium import RULE
from basekeeper.values.finding import Severity
from basekeeper.values.vulnerability import Severity as Level
from tests.unit.rules.making import found
from tests.unit.rules.storing import finding, standing

WINDOW_HOURS = 720


def test_is_reported_when_its_time_is_up() -> None:
    late = standing(finding(hours=WINDOW_HOURS + 1, severity=Level.MEDIUM))
    (one,) = found(RULE, late, overdue_only=1)
    assert one.severity is Severity.ERROR
    assert "has 1 medium vulnerability with a fix" in one.message


@pytest.mark.parametrize("level", [Level.CRITICAL, Level.LOW])
def test_others_are_not_its_concern(level: Level) -> None:
    assert found(RULE, standing(finding(hours=9_999, severity=level)), overdue_only=1) == []


def test_is_silent_before_as_shipped_and_a_warning_where_the_policy_wants_it() -> None:
    early = standing(finding(hours=WINDOW_HOURS - 1, severity=Level.MEDIUM))
    assert found(RULE, early, overdue_only=1) == []
    (one,) = found(RULE, early, overdue_only=0)
    assert one.severity is Severity.WARNING


def test_an_unknown_severity_counts_as_the_policy_says() -> None:
    late = standing(finding(hours=WINDOW_HOURS + 1, severity=Level.UNKNOWN, severity_source=""))
    (one,) = found(RULE, late, overdue_only=1)
    assert "unknown, CVE-2026-1001" in one.evidence[1]
