from __future__ import annotations

from datetime import date

from basekeeper.rules.unused_waiver import RULE, defect
from basekeeper.values.finding import Severity
from basekeeper.values.waiver import Waiver

MESSAGE = "the waiver of end-of-life, floating-tag by @team covers no finding"

WAIVER = Waiver(
    rules=("end-of-life", "floating-tag"),
    owner="@team",
    reason="soon",
    until=date(2026, 1, 31),
    paths=("**",),
    source="w.toml",
    line=7,
)


def test_stands_at_the_waiver_and_says_what_to_do() -> None:
    one = RULE.finding(defect(WAIVER), Severity.WARNING)
    assert (one.rule, one.path, one.line) == ("unused-waiver", "w.toml", 7)
    assert one.message == MESSAGE
    assert one.remedy
    assert one.evidence == ("reason given: soon",)
