from __future__ import annotations

from datetime import date

from basekeeper.rules.expired_waiver import RULE, defect
from basekeeper.values.finding import Severity
from basekeeper.values.waiver import Waiver

MESSAGE = "the waiver of end-of-life, floating-tag by @team ended on 2026-01-31"

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
    assert (one.rule, one.path, one.line) == ("expired-waiver", "w.toml", 7)
    assert one.message == MESSAGE
    assert one.remedy
    assert one.evidence == ("reason given: soon",)
