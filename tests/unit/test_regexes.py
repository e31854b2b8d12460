"""Every possessive repetition of a group ends its group with the alternative `(?!)`.

CPython 3.11.0 to 3.11.4, which some distributions ship, repeat a group possessively in a wrong way:
when a pass over the group fails, the match goes on from where that pass had got to, not from where
it began (gh-100061 and gh-106052, fixed in 3.11.5). Before each alternative the engine goes back to
where the pass began, so a last one that never matches, `(?!)`, puts the position right. It costs
nothing, while the same loop in an atomic group, `(?>(?:…)*)`, keeps some hundred bytes for every
pass. Repetitions of one set or character, `[…]++`, are right in every version.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import basekeeper

SOURCES = sorted(Path(basekeeper.__file__).parent.rglob("*.py"))
POSSESSIVE_GROUP = re.compile(r"\)(?:[*+?]|\{[0-9,]+\})\+")
UNGUARDED = re.compile(r"(?<!\|\(\?!\))\)(?:[*+?]|\{[0-9,]+\})\+")


def literals(source: str) -> list[str]:
    """Return the text of every literal; of an interpolated one, each piece between the fields."""
    nodes = ast.walk(ast.parse(source))
    return [
        node.value
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_every_possessive_group_ends_with_an_alternative_that_never_matches(path: Path) -> None:
    found = [text for text in literals(path.read_text("utf-8")) if UNGUARDED.search(text)]
    assert found == []


def test_the_scan_sees_possessive_groups_at_all() -> None:
    texts = [text for path in SOURCES for text in literals(path.read_text("utf-8"))]
    assert any(POSSESSIVE_GROUP.search(text) for text in texts)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('X = r"(?:ab|[^c])*+"', True),
        ('X = r"(?:ab|[^c]|(?!)){2,3}+"', False),
        ('X = r"(?:ab|[^c]){2,3}+"', True),
        ('X = r"(?:a(?!))?+"', True),
        ('X = rf"(?:{A}|[^c])" r"++"', True),
        ('X = rf"(?:{A}|{B})++"', True),
        ('X = rf"(?:{A}|(?!))++"', False),
        ('X = r"[^c]++(?:ab)*"', False),
    ],
)
def test_the_scan_tells_groups_with_the_alternative_from_those_without(
    source: str,
    expected: bool,  # noqa: FBT001
) -> None:
    assert any(UNGUARDED.search(text) for text in literals(source)) is expected


@pytest.mark.parametrize(
    ("group", "rest", "text", "end"),
    [
        (r"[^*]|\*(?!/)", r"\*/", "a*b*/", 5),
        (r".(?!d)", "", "abcde", 2),
        (r"ab?c", "", "aca", 2),
        (r"abx|acy", "", "abxacz", 3),
        (r"[a-c]++d", "", "abdab", 3),
        (r"(?:a[bc]*+d|(?!))++e", "", "abdabdeabd", 7),
    ],
)
def test_with_that_alternative_a_pass_that_fails_leaves_the_position_alone(
    group: str, rest: str, text: str, end: int
) -> None:
    found = re.match(f"(?:{group}|(?!))*+{rest}", text)
    assert found is not None
    assert found.end() == end
