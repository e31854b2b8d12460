from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from basekeeper.config.positions import key_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.config.positions import KeyPath

EVERYTHING = '''\
# [comment]
plain = 1
dotted.key = "a # b"
[policy]   # trailing
extends = """
[not.a.table]
key = 1 ""\\"
""" # after
literal = \'\'\'
[[x]] ''
\'\'\'\'\'
when = 1979-05-27 07:32:00
[[policy.preferred]]
image = 'a]b'
variant = [
  "x, y", # ]
  [1,
   2],
  {deep = true},
]

[[policy.preferred]]
"im age" = {q = 1, "w.w" = [{z = {}}]}
[policy.preferred.below]
k = []
[[policy.preferred.list]]
n = 1
[[policy.preferred.list]]
n = 2
[policy . "rules" . 'x\\y']
"\\u0061b" = false
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("plain",), 2),
        (("dotted",), 3),
        (("dotted", "key"), 3),
        (("policy",), 4),
        (("policy", "extends"), 5),
        (("policy", "literal"), 9),
        (("policy", "when"), 12),
        (("policy", "preferred"), 13),
        (("policy", "preferred", 0), 13),
        (("policy", "preferred", 0, "image"), 14),
        (("policy", "preferred", 0, "variant", 0), 16),
        (("policy", "preferred", 0, "variant", 1), 17),
        (("policy", "preferred", 0, "variant", 1, 1), 18),
        (("policy", "preferred", 0, "variant", 2, "deep"), 19),
        (("policy", "preferred", 1), 22),
        (("policy", "preferred", 1, "im age", "w.w", 0, "z"), 23),
        (("policy", "preferred", 1, "below", "k"), 25),
        (("policy", "preferred", 1, "list", 0, "n"), 27),
        (("policy", "preferred", 1, "list", 1, "n"), 29),
        (("policy", "rules", "x\\y"), 30),
        (("policy", "rules", "x\\y", "ab"), 31),
    ],
)
def test_tells_the_line_of_every_kind_of_key(path: KeyPath, line: int) -> None:
    assert key_lines(EVERYTHING)[path] == line


def test_finds_exactly_the_paths_that_the_standard_parser_finds() -> None:
    expected = set(_paths(tomllib.loads(EVERYTHING)))
    assert set(key_lines(EVERYTHING)) == expected


def test_an_empty_text_has_no_keys() -> None:
    assert key_lines("\n# nothing\n") == {}


def test_reads_a_last_line_without_its_end() -> None:
    assert key_lines("a = 1\nb = [2]") == {("a",): 1, ("b",): 2, ("b", 0): 2}


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if path:
        yield path
    if isinstance(value, dict):
        for key, child in value.items():
            yield from _paths(child, (*path, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _paths(child, (*path, index))
