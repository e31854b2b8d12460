"""The pages of the rules, held to the program: what they show as wrong and right is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from basekeeper.policy.load import load_policy
from basekeeper.rules.registry import RULES_BY_ID, STORED_RULES
from tests.integration.histories import HOUR, NOW, SHOP, Image, Past
from tests.integration.program import git, run

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
    ledger = {"BASEKEEPER_LEDGER": recorded(root)} if rule in STORED_RULES else {}
    outcome = run(root, "check", "--format", "json", **ledger)
    return {finding["rule"] for finding in outcome.json["findings"]}


def recorded(root: Path) -> str:
    """Record what the pages of vulnerabilities suppose: the older image has one of each severity.

    All were found long ago, and the product was released since with all of them.
    """
    old, new = Image("debian:12.1-slim", "a"), Image("debian:12.14-slim", "b")
    past = Past().scanned(old, NOW - HOUR).scanned(new, NOW - HOUR)
    shipped = Image("ghcr.io/acme/api:1", "c", base=old)
    for severity in ("critical", "high", "medium", "low"):
        past.found(old, f"CVE-2026-{severity}", NOW - 9_999 * HOUR, severity=severity)
        past.found(shipped, f"CVE-2026-{severity}", NOW - 9_000 * HOUR, severity=severity)
    git(root, "init", "-q")
    git(root, "remote", "add", "origin", f"https://{SHOP}")
    mapped = '[[product]]\nname = "api"\ndockerfile = "Dockerfile"\nimage = "ghcr.io/acme/api:1"\n'
    (root / "basekeeper.toml").write_text(mapped, encoding="utf-8")
    past.stands("api", old, NOW - 9_000 * HOUR)
    past.published("api", shipped, NOW - 8_000 * HOUR)
    location = f"sqlite:{root.parent}/ledger.sqlite"
    past.record(location)
    return location


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
