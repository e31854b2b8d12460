from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from basekeeper.config.document import read_document
from basekeeper.config.table import MAX_HINTS, MAX_PROBLEMS, Table, did_you_mean
from basekeeper.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable


def _table(text: str) -> Table:
    document = read_document(text.encode(), "x.toml")
    return Table(document, document.data)


def _messages(table: Table) -> list[str]:
    return [str(problem) for problem in table.problems]


def test_reads_values_of_every_kind() -> None:
    table = _table('t = "x"\nf = false\nn = 3\nl = ["a", "b"]\nm = {k = "", j = "v"}\nc = "one"\n')
    assert table.text("t") == "x"
    assert table.flag("f") is False
    assert table.number("n", least=0, most=3) == 3
    assert table.texts("l") == ("a", "b")
    assert table.text_map("m") == {"k": "", "j": "v"}
    assert table.choice("c", ("one", "two")) == "one"
    table.finish()
    table.raise_problems()
    assert _messages(table) == []


def test_an_absent_key_is_no_problem() -> None:
    table = _table("")
    assert (table.text("a"), table.flag("b"), table.texts("c")) == (None, None, None)
    assert table.number("d", least=0, most=1) is None
    assert table.choice("e", ("x",)) is None
    assert table.text_map("f") == {}
    assert list(table.tables("g")) == []
    assert table.parsed("h", int) is None
    assert _messages(table) == []


@pytest.mark.parametrize(
    ("text", "read", "message"),
    [
        ("k = 1", lambda t: t.text("k"), "x.toml:1: k: expected text in quotes, got a number"),
        ("k = ' '", lambda t: t.text("k"), "x.toml:1: k: must not be empty"),
        ("k = 1", lambda t: t.flag("k"), "x.toml:1: k: expected true or false, got a number"),
        (
            "k = true",
            lambda t: t.number("k", least=0, most=9),
            "x.toml:1: k: expected a whole number, got true or false",
        ),
        (
            "k = 10",
            lambda t: t.number("k", least=0, most=9),
            "x.toml:1: k: expected a number from 0 to 9, got 10",
        ),
        ("k = 'a'", lambda t: t.texts("k"), "x.toml:1: k: expected a list of texts, got text"),
        (
            "k = ['a',\n2]",
            lambda t: t.texts("k"),
            "x.toml:2: k[1]: expected text in quotes, got a number",
        ),
        ("k = ['']", lambda t: t.texts("k"), "x.toml:1: k[0]: must not be empty"),
        (
            "k = ['ann']",
            lambda t: t.texts("k", ("anna", "bob")),
            "x.toml:1: k[0]: expected one of anna, bob; got 'ann'",
        ),
        (
            "k = 'ann'",
            lambda t: t.choice("k", ("anna", "bob")),
            "x.toml:1: k: expected one of anna, bob; got 'ann'",
        ),
        ("k = 1", lambda t: t.choice("k", ("a",)), "x.toml:1: k: expected text in quotes, got a"),
        ("k = []", lambda t: t.table("k"), "x.toml:1: k: expected a table, got a list"),
        (
            "k = {a = 1}",
            lambda t: list(t.tables("k")),
            "x.toml:1: k: expected tables written as [[k]], got a table",
        ),
        (
            "k = [\n1]",
            lambda t: list(t.tables("k")),
            "x.toml:2: k[0]: expected a table, got a number",
        ),
        (
            "k = {a = 1979-05-27}",
            lambda t: t.text_map("k"),
            "x.toml:1: k.a: expected text in quotes, got a date",
        ),
        ("k = 'x'", lambda t: t.parsed("k", int), "x.toml:1: k: invalid literal"),
        ("[k]", lambda t: t.table("k").require("image"), "x.toml:1: k: lacks 'image'"),
    ],
)
def test_notes_a_wrong_value_with_its_line_and_reads_it_as_absent(
    text: str, read: Callable[[Table], object], message: str
) -> None:
    table = _table(text)
    read(table)
    (found,) = _messages(table)
    assert found.startswith(message)


def test_a_key_that_nobody_asked_for_is_unknown() -> None:
    table = _table("severity = 1\nsevertiy = 2\nfoo = 3\n")
    table.raw("severity")
    table.finish()
    assert [problem.hint for problem in table.problems] == [
        "did you mean 'severity'?",
        "the keys here are severity",
    ]
    assert "severity" in table


def test_problems_come_all_at_once_in_the_order_of_their_lines() -> None:
    table = _table("a = 1\nb = 2\nc = 3\n")
    table.wrong("c", "third")
    table.wrong("a", "first")
    table.wrong(None, "nowhere")
    with pytest.raises(ConfigError, match=r"3 problems in x\.toml\n") as caught:
        table.raise_problems()
    assert [problem.message for problem in caught.value.problems] == ["nowhere", "first", "third"]


def test_suggests_only_what_is_close() -> None:
    assert did_you_mean("promited", ("permitted", "mirrors")) == "did you mean 'permitted'?"
    assert did_you_mean("zzz", ("permitted",)) is None


def test_a_file_full_of_mistakes_costs_little() -> None:
    table = _table("k = [\n" + "'ann',\n" * 20_000 + "]\n")
    table.texts("k", ("anna", "bob"))
    with pytest.raises(ConfigError, match="has more problems than are shown") as caught:
        table.raise_problems()
    problems = caught.value.problems
    assert len(problems) == MAX_PROBLEMS + 1
    assert sum(problem.hint is not None for problem in problems) == MAX_HINTS


def test_each_text_of_a_list_is_parsed_and_its_error_is_of_that_element() -> None:
    table = _table('l = ["1",\n"x",\n"-3", 4]\n')

    def parse(text: str) -> int:
        if text.isalpha():
            raise ValueError("is no number", "write digits")
        return int(text)

    assert table.parsed_texts("l", parse) == (1, -3)
    assert table.parsed_texts("absent", parse) == ()
    assert [(str(one), one.hint) for one in table.problems] == [
        ("x.toml:2: l[1]: is no number", "write digits"),
        ("x.toml:3: l[3]: expected text in quotes, got a number", None),
    ]


@pytest.mark.parametrize("text", ["2026-11-23", '"2026-11-23"'])
def test_reads_a_day(text: str) -> None:
    table = _table(f"d = {text}")
    assert (table.day("d"), table.day("absent")) == (date(2026, 11, 23), None)
    assert _messages(table) == []


@pytest.mark.parametrize("text", ["2026-11-23T10:00:00Z", '"2026-W48-1"', "12", '"soon"', "[]"])
def test_refuses_what_is_no_day(text: str) -> None:
    table = _table(f"d = {text}")
    assert table.day("d") is None
    assert _messages(table) == ["x.toml:1: d: expected a day: YYYY-MM-DD"]
