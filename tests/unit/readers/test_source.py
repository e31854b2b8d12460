"""Positions in text lead back to bytes, whatever the encoding."""

from __future__ import annotations

import pytest

from basekeeper.readers.source import Source

CASES = [
    b"plain\ntext here\n",
    b"\xef\xbb\xbfmarked\ntext here\n",
    "caf\u00e9 \U0001f600\nn\u00e4chste text here".encode(),
    b"latin caf\xe9\r\nodd \xff\xfe text here",
    ("\u00e9" * 10_000 + "\ntext here").encode(),
]


@pytest.mark.parametrize("data", CASES)
def test_a_word_is_found_in_the_bytes(data: bytes) -> None:
    source = Source(data, "x")
    start = source.text.index("text here")
    span = source.span(start, start + len("text here"))
    assert data[span.start : span.end] == b"text here"
    assert source.line(start) == data[: span.start].count(b"\n") + 1


def test_lines_and_columns_count_from_one() -> None:
    source = Source(b"ab\ncd\n", "x")
    places = [(source.line(at), source.column(at)) for at in range(6)]
    assert places == [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3)]


def test_undecodable_bytes_stay_one_character_each() -> None:
    assert Source(b"a\xe9\xffb", "x").text == "a\ufffd\ufffdb"
