"""JSON with comments and trailing commas."""

from __future__ import annotations

import pytest

from basekeeper.readers.jsonc import JsonError, parse_json
from basekeeper.readers.source import Source
from basekeeper.readers.yamltree import fields_of, items_of


def test_comments_and_trailing_commas_are_read_over() -> None:
    text = (
        '// first\n{"a": "x//y", /* two\n lines */ "b": [1, true, {},],'
        ' "c": {"d": "\\u00e9\\n",},}\n'
    )
    found = fields_of(parse_json(Source(text.encode(), "f")))
    assert found["a"].scalar == "x//y"
    assert [item.scalar for item in items_of(found["b"])] == ["1", "true", None]
    assert fields_of(found["c"])["d"].scalar == "\u00e9\n"


@pytest.mark.parametrize("text", ["", " \n", "// only a comment"])
def test_nothing_is_nothing(text: str) -> None:
    assert parse_json(Source(text.encode(), "f")) is None


def test_a_byte_order_mark_is_no_text() -> None:
    assert parse_json(Source(b"\xef\xbb\xbf{}", "f")) is not None


BAD = [
    ("{", "a text in quotes was expected", 1),
    ('{"a": ', "it ends too early", 1),
    ('{"a": }', "a value was expected", 1),
    ('{"a" 1}', "a colon was expected", 1),
    ('{"a": 1\n "b": 2}', "a comma or '}' was expected", 2),
    ("[1 2]", "a comma or ']' was expected", 1),
    ('{"a": "x', "a text in quotes was expected", 1),
    ('["\\x"]', "invalid escape", 1),
    ("{} {}", "text after the end", 1),
    ("/* open", "a value was expected", 1),
    ("[" * 100_000, "nested more than 64 levels", 1),
    (" " * 1_100_000, "is larger than 1 MiB", None),
]


@pytest.mark.parametrize(("text", "reason", "line"), BAD, ids=[str(n) for n in range(len(BAD))])
def test_bad_json_says_why_and_where(text: str, reason: str, line: int | None) -> None:
    with pytest.raises(JsonError, match=reason) as caught:
        parse_json(Source(text.encode(), "f"))
    assert caught.value.line == line
