from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from basekeeper.render.layout import (
    Style,
    clamp_width,
    fit_end,
    fit_image,
    fit_middle,
    pad,
    table,
    width_of,
    wrap,
)

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "columns"), [("abc", 3), ("", 0), ("名前", 4), ("e\u0301", 1), ("→", 1)]
)
def test_width_counts_columns_not_characters(text: str, columns: int) -> None:
    assert width_of(text) == columns


@pytest.mark.parametrize(("columns", "width"), [(0, 40), (79, 79), (80, 80), (400, 120)])
def test_terminal_width_is_kept_within_the_layout(columns: int, width: int) -> None:
    assert clamp_width(columns) == width


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("", 10, [""]),
        ("one two three", 7, ["one two", "three"]),
        ("averylongword x", 6, ["averyl", "ongwor", "d x"]),
        ("名前名前", 5, ["名前", "名前"]),
        ("名", 1, ["名"]),
    ],
)
def test_text_is_broken_at_spaces_and_long_words_are_cut(
    text: str, width: int, lines: list[str]
) -> None:
    assert wrap(text, width) == lines


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"])), st.integers(4, 60))
def test_wrapping_loses_nothing_and_keeps_the_width(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert all(len(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_digest_is_shortened_before_the_name() -> None:
    assert fit_image(f"node:20@{DIGEST}", 40) == "node:20@sha256:0123456789ab…"


def test_supposed_registry_goes_before_the_name() -> None:
    name = f"docker.io/library/golang:1.26.6@{DIGEST}"
    assert fit_image(name, 42) == "golang:1.26.6@sha256:0123456789ab…"
    assert fit_image(name, 20) == "golang:1.26.6@…"


def test_end_of_a_text_is_cut() -> None:
    assert (fit_end("abcdef", 6), fit_end("abcdefg", 6)) == ("abcdef", "abcde…")


def test_end_of_a_long_name_stays() -> None:
    name = "registry.example.com/a/very/long/path/to/some/image:2026.11-slim"
    shown = fit_image(name, 40)
    assert len(shown) == 40
    assert shown.startswith("registry.exam…")
    assert shown.endswith("/image:2026.11-slim")


def test_name_that_fits_stays_whole() -> None:
    assert fit_image(f"node@{DIGEST}", 100) == f"node@{DIGEST}"


@given(st.text(max_size=200), st.integers(8, 100))
def test_fitted_name_has_at_most_the_width(text: str, width: int) -> None:
    assert width_of(fit_image(text, width)) <= width
    assert width_of(fit_middle(text, width, "..")) <= width


def test_columns_of_a_table_are_aligned() -> None:
    assert table([("a", "1"), ("名前", "2")], indent=1) == [" a     1", " 名前  2"]
    assert table([]) == []


def test_padding_counts_columns() -> None:
    assert pad("名", 4) == "名  "


def test_style_without_colour_and_unicode_is_plain() -> None:
    style = Style(unicode=False)
    assert (style.paint("x", "error"), style.ellipsis, style.dot) == ("x", "..", "-")


def test_style_with_colour_resets_after_each_text() -> None:
    assert Style(colour=True).paint("x", "note") == "\x1b[36mx\x1b[0m"
