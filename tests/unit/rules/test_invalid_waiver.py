from __future__ import annotations

from basekeeper.rules.invalid_waiver import RULE, defect
from basekeeper.values.finding import Severity


def test_stands_at_the_comment_and_says_what_is_wrong() -> None:
    found = defect("Dockerfile", 4, message="lacks owner", hint="write owner=@team")
    one = RULE.finding(found, Severity.ERROR)
    assert (one.rule, one.path, one.line) == ("invalid-waiver", "Dockerfile", 4)
    assert one.message == "this waiver does not count: lacks owner"
    assert one.remedy == "write owner=@team"
