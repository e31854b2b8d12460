from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft4Validator

from basekeeper.render import sarif
from basekeeper.render.sarif import MAX_NOTIFICATIONS, render_sarif
from basekeeper.render.view import RuleText
from basekeeper.values.finding import Severity, WaivedFinding
from basekeeper.values.use import Skipped
from tests.unit.render.made import HOSTILE, finding, full_report, judgement, report, use, waiver
from tests.unit.render.strategies import reports

SCHEMA = Path(__file__).parents[2] / "data" / "schemas" / "sarif-2.1.0.json"
VALIDATOR = Draft4Validator(
    json.loads(SCHEMA.read_text(encoding="utf-8")), format_checker=Draft4Validator.FORMAT_CHECKER
)
RULES = {
    "end-of-life": RuleText(
        "end-of-life", "image without support", Severity.ERROR, "docs/rules/end-of-life.md", "# Why"
    ),
    "missing-digest": RuleText("missing-digest", "no digest", None, "docs/rules/missing-digest.md"),
}


def run_of(made: Any) -> Any:
    value = json.loads(render_sarif(made, RULES))
    VALIDATOR.validate(value)
    return value["runs"][0]


def test_full_report_is_valid() -> None:
    run = run_of(full_report())
    assert len(run["results"]) == 6
    assert run["automationDetails"] == {"id": "basekeeper/check/"}


@given(reports())
def test_any_report_is_valid(made: Any) -> None:
    run_of(made)


def test_result_points_at_the_reference() -> None:
    image = use("api/Dockerfile", 3, "node:20", raw='"node:20"')
    (result,) = run_of(report((image, judgement(image)), findings=(finding(image),)))["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "api/Dockerfile", "uriBaseId": "SRCROOT"}
    assert place["region"] == {"startLine": 3, "startColumn": 6, "endColumn": 15}


def test_instruction_of_several_lines_has_no_columns() -> None:
    (result,) = run_of(report(findings=(finding(end_line=5),)))["results"]
    region = result["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 3, "endLine": 5}


def test_rules_are_described_with_page_and_severity() -> None:
    rules = {rule["id"]: rule for rule in run_of(full_report())["tool"]["driver"]["rules"]}
    described = rules["end-of-life"]
    assert described["help"]["markdown"] == "# Why"
    assert described["properties"]["security-severity"] == "8.0"
    assert rules["missing-digest"]["defaultConfiguration"] == {"enabled": False, "level": "none"}
    assert list(rules) == sorted(rules)


def test_index_of_a_result_is_that_of_its_rule() -> None:
    run = run_of(full_report())
    rules = run["tool"]["driver"]["rules"]
    assert all(rules[item["ruleIndex"]]["id"] == item["ruleId"] for item in run["results"])


@pytest.mark.parametrize(("inline", "kind"), [(None, "external"), (7, "inSource")])
def test_waived_finding_is_suppressed_with_its_reason(inline: int | None, kind: str) -> None:
    accepted = waiver(target_line=inline)
    run = run_of(report(waived=(WaivedFinding(finding(), accepted),)))
    assert run["results"][0]["suppressions"] == [
        {
            "kind": kind,
            "status": "accepted",
            "justification": "moves with the next release (@team, until 2027-01-31)",
        }
    ]


def test_states_are_told_only_when_compared() -> None:
    both = run_of(report(findings=(finding(),), known=(finding(use(line=9)),)))["results"]
    assert [item["baselineState"] for item in both] == ["new", "unchanged"]
    (alone,) = run_of(report(findings=(finding(),)))["results"]
    assert "baselineState" not in alone


def test_fingerprint_is_the_findings_own() -> None:
    (result,) = run_of(report(findings=(finding(),)))["results"]
    assert result["partialFingerprints"] == {"basekeeper/v1": "f" * 64}
    (bare,) = run_of(report(findings=(finding(fingerprint=""),)))["results"]
    assert "partialFingerprints" not in bare


def test_paths_are_percent_encoded() -> None:
    image = use("a b/ü:#%?\udcff/Dockerfile")
    (result,) = run_of(report(findings=(finding(image),)))["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "a%20b/%C3%BC%3A%23%25%3F%FF/Dockerfile"


def test_messages_hold_no_links_and_no_placeholders() -> None:
    (result,) = run_of(report(findings=(finding(message="[a](http://x) {0} \\"),)))["results"]
    assert r"\[a\](http://x) {{0}} \\" in result["message"]["text"]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_is_bounded(hostile: str) -> None:
    image = use("Dockerfile", 1, hostile)
    text = render_sarif(report(findings=(finding(image, message=hostile),)), RULES)
    VALIDATOR.validate(json.loads(text))
    assert len(json.loads(text)["runs"][0]["results"][0]["message"]["text"]) < 4_000


def test_unreadable_items_are_notifications_and_the_run_no_success() -> None:
    (call,) = run_of(full_report())["invocations"]
    assert call["executionSuccessful"] is False
    first = call["toolExecutionNotifications"][0]
    assert first["level"] == "error"
    assert first["message"]["text"] == "is no text: save it as UTF-8"


def test_notifications_are_bounded() -> None:
    many = tuple(Skipped(f"f{n}", None, "bad") for n in range(MAX_NOTIFICATIONS + 3))
    (call,) = run_of(report(skipped=many))["invocations"]
    assert call["toolExecutionNotifications"][-1]["message"]["text"] == "3 more items skipped"


def test_worst_results_are_kept_and_the_rest_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sarif, "MAX_RESULTS", 2)
    made = report(
        findings=(
            finding(use(line=1), severity=Severity.NOTE),
            finding(use(line=2)),
            finding(use(line=3), severity=Severity.WARNING),
        ),
        known=(finding(use(line=4)),),
    )
    run = run_of(made)
    assert [item["level"] for item in run["results"]] == ["error", "warning"]
    note = run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]
    assert note == "2 results left out: a file may hold 2"
