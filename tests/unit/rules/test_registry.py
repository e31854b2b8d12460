from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from basekeeper import rules
from basekeeper.policy.load import load_policy
from basekeeper.rules.registry import RULES_BY_ID

if TYPE_CHECKING:
    from basekeeper.rules.rule import Rule

PACKAGE = Path(rules.__file__).parent
ROOT = PACKAGE.parents[2]
SHARED = {
    *("__init__", "builds", "chain", "moves", "needs", "patching", "registry"),
    *("rule", "runtimes", "stage_names", "steps", "subjects", "unpatched"),
}
"""Modules that are no rules; everything else in the package must be one."""

FILES = sorted(path.stem for path in PACKAGE.glob("*.py") if path.stem not in SHARED)


def test_every_file_is_a_registered_rule() -> None:
    assert [name.replace("_", "-") for name in FILES] == sorted(RULES_BY_ID)


def test_the_shipped_policy_sets_every_rule_and_no_other() -> None:
    assert sorted(load_policy().rules) == sorted(RULES_BY_ID)


@pytest.mark.parametrize("rule", RULES_BY_ID.values(), ids=RULES_BY_ID)
def test_every_rule_has_a_page_that_says_what_the_shipped_policy_does(rule: Rule) -> None:
    page = (ROOT / rule.page).read_text(encoding="utf-8")
    assert page.startswith(f"# {rule.id}\n")
    setting = load_policy().rules[rule.id]
    row = next(line for line in page.splitlines() if re.match(r"\| (error|warning|note|off)", line))
    severity = setting.severity.word if setting.severity else "off"
    assert severity in row
    assert ("final chain" in row) == (setting.stages == "final")
    assert row.endswith("| yes |") == setting.non_production


@pytest.mark.parametrize("rule", sorted(RULES_BY_ID))
def test_every_rule_has_tests_and_a_line_in_the_index(rule: str) -> None:
    assert (Path(__file__).parent / f"test_{rule.replace('-', '_')}.py").is_file()
    index = (ROOT / "docs" / "rules" / "README.md").read_text(encoding="utf-8")
    assert f"[{rule}]({rule}.md)" in index


def test_rules_yield_only_to_rules_that_exist() -> None:
    for rule in RULES_BY_ID.values():
        assert set(rule.yields_to) <= set(RULES_BY_ID)
