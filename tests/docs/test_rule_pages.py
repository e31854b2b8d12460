"""The pages of the rules, held to the program: what they show as wrong and right is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from basekeeper.policy.load import load_policy
from basekeeper.rules.registry import RULES_BY_ID
from tests.integration.program import run

PAGES = Path(__file__).parents[2] / "docs" / "rules"

SECTION = re.compile(r"^## Example$(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```dockerfile\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SETTING = re.compile(
    r"^```toml\n(\[policy\.rules\.[^\n]*\]\nseverity.*?)^```$", re.MULTILINE | re.DOTALL
)


def page(rule: str) -> str:
    return (PAGES / f"{rule}.md").read_text(encoding="utf-8")


def examples(rule: str) -> list[str]:
    """Return the two Dockerfiles of a page: what the rule reports, and what is better."""
    section = SECTION.search(page(rule))
    assert section is not None
    before, mark, after = section[1].partition("\nBetter:\n")
    assert mark
    (bad,), (good,) = BLOCK.findall(before), BLOCK.findall(after)
    return [bad, good]


def found(rule: str, text: str, root: Path) -> set[str]:
    root = root / "repository"
    root.mkdir()
    (root / "Dockerfile").write_text(text.replace("<digest>", "0" * 64), encoding="utf-8")
    switched_on = SETTING.search(page(rule))
    if switched_on is not None:
        (root / "basekeeper.toml").write_text(switched_on[1], encoding="utf-8")
    outcome = run(root, "check", "--format", "json")
    return {finding["rule"] for finding in outcome.json["findings"]}


@pytest.mark.parametrize("rule", RULES_BY_ID)
def test_the_example_is_reported(rule: str, tmp_path: Path) -> None:
    assert rule in found(rule, examples(rule)[0], tmp_path)


@pytest.mark.parametrize("rule", RULES_BY_ID)
def test_the_better_way_is_not_reported(rule: str, tmp_path: Path) -> None:
    assert rule not in found(rule, examples(rule)[1], tmp_path)


@pytest.mark.parametrize("rule", RULES_BY_ID)
def test_the_better_way_has_no_error(rule: str, tmp_path: Path) -> None:
    errors = {name for name, one in load_policy().rules.items() if one.severity == 3}
    assert not errors & found(rule, examples(rule)[1], tmp_path)


@pytest.mark.parametrize("rule", RULES_BY_ID)
def test_the_table_says_whether_the_rule_looks_at_non_production_paths(rule: str) -> None:
    row = next(
        line for line in page(rule).splitlines() if re.match(r"\| (error|warning|note|off)", line)
    )
    assert row.endswith("| yes |" if load_policy().rules[rule].non_production else "| no |")
