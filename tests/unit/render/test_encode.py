from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from basekeeper.render.encode import dump, pieces

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def written(value: Any, depth: int) -> str:
    return "".join(pieces(value, depth=depth))


def test_each_item_of_a_list_has_a_line() -> None:
    value = {"version": 1, "tool": {"name": "x"}, "files": [{"a": [1, 2]}, {"a": []}], "none": []}
    assert written(value, 2) == (
        "{\n"
        '  "version": 1,\n'
        '  "tool": {\n'
        '    "name": "x"\n'
        "  },\n"
        '  "files": [\n'
        '    {"a": [1, 2]},\n'
        '    {"a": []}\n'
        "  ],\n"
        '  "none": []\n'
        "}\n"
    )


@pytest.mark.parametrize(("value", "text"), [({}, "{}\n"), ([], "[]\n"), (None, "null\n")])
def test_nothing_takes_one_line(value: object, text: str) -> None:
    assert written(value, 2) == text


@given(VALUES, st.integers(0, 5))
def test_any_value_is_read_back(value: Any, depth: int) -> None:
    assert json.loads(written(value, depth)) == json.loads(dump(value)) == value


def test_items_are_asked_for_as_they_are_written() -> None:
    asked: list[int] = []

    def numbers() -> Any:
        for number in range(1_000):
            asked.append(number)
            yield number

    text = pieces({"numbers": numbers()}, depth=2)
    while "4" not in next(text):
        pass
    assert asked == [0, 1, 2, 3, 4]


def test_nothing_generated_is_an_empty_list() -> None:
    assert json.loads(written({"numbers": iter(())}, 2)) == {"numbers": []}


@pytest.mark.parametrize("write", [dump, lambda value: written(value, 2)])
def test_byte_that_is_no_text_is_written_as_text(write: Any) -> None:
    text = write({"a\udcff": ["b\udcfe", {"\udcfd": "🐳"}]})
    assert text.isascii()
    assert json.loads(text) == {"a\\udcff": ["b\\udcfe", {"\\udcfd": "🐳"}]}


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        written([float("nan")], 1)
