from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from basekeeper.render.safe import shorten, visible, visible_lines


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("node:20", "node:20"),
        ("größe/名前", "größe/名前"),
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("a\r\nb\tc", "a\\x0d\\x0ab\\x09c"),
        ("\x9b31m", "\\x9b31m"),
        ("\u202eevil", "\\u202eevil"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("byte\udcff", "byte\\udcff"),
        ("\U000e0041", "\\U000e0041"),
        ("a ##[error]b", "a ##\\x5berror]b"),
        ("a #[b] ## [c]", "a #[b] ## [c]"),
        ("a ::error::b", "a \\x3a:error\\x3a:b"),
        ("http://[::1]:80/a:b", "http://[::1]:80/a:b"),
    ],
)
def test_characters_that_act_or_hide_are_shown_as_escapes(text: str, expected: str) -> None:
    assert visible(text) == expected


@given(st.text())
def test_nothing_that_acts_is_left(text: str) -> None:
    shown = visible(text)
    assert not {"Cc", "Cs", "Zl", "Zp"} & {unicodedata.category(char) for char in shown}
    assert not any(unicodedata.bidirectional(char) in {"RLO", "LRO", "RLI"} for char in shown)
    assert visible(shown) == shown


def test_lines_of_our_own_stay_lines() -> None:
    assert visible_lines("a\nb\x07") == ["a", "b\\x07"]


@pytest.mark.parametrize(("text", "limit", "expected"), [("abc", 3, "abc"), ("abcd", 3, "ab…")])
def test_shortened_text_says_so(text: str, limit: int, expected: str) -> None:
    assert shorten(text, limit) == expected
