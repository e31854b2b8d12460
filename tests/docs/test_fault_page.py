"""The page of faults, held to the tests that it names."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "faults.md"
TESTS = tuple(
    ROOT / "tests" / "contract" / name
    for name in (
        "test_registry_faults.py",
        "test_registry_pull_faults.py",
        "test_forges_faults.py",
    )
)

NAME = re.compile(r"`(test_\w+)`")


def named() -> list[str]:
    rows = [row for row in PAGE.read_text(encoding="utf-8").splitlines() if row.startswith("|")]
    return [name for row in rows for name in NAME.findall(row)]


def written() -> list[str]:
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in TESTS]
    nodes = [node for tree in trees for node in tree.body]
    functions = [node.name for node in nodes if isinstance(node, ast.FunctionDef)]
    return [name for name in functions if name.startswith("test_")]


def test_every_fault_has_a_test_and_every_test_is_on_the_page() -> None:
    assert sorted(named()) == sorted(written())


def test_every_row_names_a_test() -> None:
    text = PAGE.read_text(encoding="utf-8")
    rows = [row for row in text.splitlines() if row.startswith("| ") and "| Test |" not in row]
    assert len(rows) > 50
    assert [row for row in rows if not NAME.search(row)] == []
