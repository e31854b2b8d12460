from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from basekeeper.config.document import MAX_NESTING, MAX_TOML_BYTES, dotted, read_document
from basekeeper.errors import ConfigError, Problem

if TYPE_CHECKING:
    from basekeeper.config.positions import KeyPath


@pytest.mark.parametrize(
    ("data", "line", "message"),
    [
        (b"a = 1\nb = = 2\n", 2, "not valid TOML: invalid value"),
        (b"a = 1\n\nwhat is this\n", 3, "not valid TOML: expected '='"),
        (b"a = [\n1,\n", 2, "at the end of the file"),
        (b"a = 1\na = 2\nb = 3\n", 2, "cannot overwrite a value"),
        (b"a = 1\nb = '\xe9'\n", 2, "not UTF-8"),
        (b"day = 2026-02-30\n", 1, "not valid TOML"),
        (b"n = " + b"1" * 5000, None, "not valid TOML"),
        (b"a = " + b"[" * 20_000, None, "nested more than"),
        (b"a = " + b"[" * 40 + b"]" * 40, None, f"nested more than {MAX_NESTING} levels"),
        (b"x = 1\n" + b"a." * 5000 + b"b = 1\n", 2, "dotted key of more than"),
        (b"x = {" + b'"a" . ' * 40 + b"b = 1}\n", 1, "dotted key of more than"),
        (b"#" * (MAX_TOML_BYTES + 1), None, "larger than 256 KiB"),
    ],
)
def test_says_what_is_wrong_with_an_unusable_file_and_where(
    data: bytes, line: int | None, message: str
) -> None:
    with pytest.raises(ConfigError, match=r"1 problem in x\.toml\n") as caught:
        read_document(data, "x.toml")
    (problem,) = caught.value.problems
    assert problem.path == "x.toml"
    assert problem.line == line
    assert message in problem.message


def test_says_how_toml_is_written() -> None:
    with pytest.raises(ConfigError) as caught:
        read_document(b"a = b", "x.toml")
    assert caught.value.problems[0].hint == (
        "write key = value, text in quotes, each key once: see https://toml.io"
    )


def test_counts_the_files_where_problems_are_in_several() -> None:
    error = ConfigError(
        (Problem("a", 1, "", "x"), Problem("b", 1, "", "y"), Problem("a", 2, "", "z"))
    )
    assert error.message.splitlines()[0] == "3 problems in 2 files"


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbfa = 1\r\nb = 2\r\n", b"# " + b"x" * 100_000])
def test_reads_a_usable_file(data: bytes) -> None:
    assert read_document(data, "x.toml").path == "x.toml"


def test_counts_lines_that_end_like_on_windows_once() -> None:
    document = read_document(b"a = 1\r\n\r\nb = 2\r\n", "x.toml")
    assert document.line(("b",)) == 3


def test_a_missing_key_is_on_the_line_of_the_table_around_it() -> None:
    document = read_document(b"\n[policy]\na = 1\n", "x.toml")
    assert document.line(("policy", "missing", 3)) == 2
    assert document.line(("elsewhere",)) is None


def test_keys_in_messages_are_short_and_harmless() -> None:
    assert dotted(("a" * 1000,)) == "a" * 80
    assert dotted(("policy", "\x1b[31m\n", 2)) == 'policy."\\u001b[31m\\n"[2]'


def test_a_table_given_twice_is_named_as_in_the_file() -> None:
    with pytest.raises(ConfigError, match=r"cannot declare tool\.basekeeper twice"):
        read_document(b"[tool.basekeeper]\n[tool.basekeeper]\n", "x.toml")


def test_a_problem_names_path_line_and_key() -> None:
    document = read_document(b"[a]\nb = [1, 2]\n", "x.toml")
    problem = document.problem(("a", "b", 1), "is odd", "make it even")
    assert str(problem) == "x.toml:2: a.b[1]: is odd"
    assert problem.hint == "make it even"


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ((), ""),
        (("policy", "preferred", 2, "image"), "policy.preferred[2].image"),
        (("mirrors", "a.b/c"), 'mirrors."a.b/c"'),
    ],
)
def test_writes_a_key_as_toml_does(key: KeyPath, text: str) -> None:
    assert dotted(key) == text
