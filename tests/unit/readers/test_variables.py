"""Interpolation and `.env` files, as Compose has them."""

from __future__ import annotations

import pytest

from basekeeper.readers.variables import Unresolved, interpolate, read_env_file

KNOWN = {"A": "1", "EMPTY": "", "B": "$A", "LONG": "x" * 3000}

GOOD = [
    ("plain", "plain"),
    ("$A", "1"),
    ("${A}", "1"),
    ("x$A.y", "x1.y"),
    ("$$A", "$A"),
    ("$${A}", "${A}"),
    ("a } b", "a } b"),
    ("${B}", "$A"),
    ("${A:-d}", "1"),
    ("${NO:-d}", "d"),
    ("${NO-d}", "d"),
    ("${EMPTY:-d}", "d"),
    ("${EMPTY-d}", ""),
    ("${EMPTY:+d}", ""),
    ("${EMPTY+d}", "d"),
    ("${A:+d}", "d"),
    ("${NO:+d}", ""),
    ("${NO+${OTHER}}", ""),
    ("${A:-${OTHER}}", "1"),
    ("${NO:-${A}}", "1"),
    ("${NO:-${OTHER:-deep}}end", "deepend"),
    ("${NO:-a$A}", "a1"),
    ("${A:?message}", "1"),
    ("${A?message}", "1"),
    ("${NO-}", ""),
]

BAD = [
    ("$NO", "variable 'NO' is not set"),
    ("${NO}", "variable 'NO' is not set"),
    ("${NO:?needed}", "variable 'NO' is required"),
    ("${EMPTY:?needed}", "variable 'EMPTY' is required"),
    ("${NO?needed}", "variable 'NO' is required"),
    ("${", "no valid variable"),
    ("$ x", "no valid variable"),
    ("${A", "no valid operator or closing brace"),
    ("${A/x}", "no valid operator or closing brace"),
    ("${A:-x", "no closing brace"),
    ("${NO:-x", "no closing brace"),
    ("${NO:-" * 20 + "x" + "}" * 20, "nested too deeply"),
    ("$LONG$LONG", "too long"),
]


@pytest.mark.parametrize(("text", "expected"), GOOD)
def test_interpolate(text: str, expected: str) -> None:
    assert interpolate(text, KNOWN) == expected


@pytest.mark.parametrize(("text", "message"), BAD)
def test_interpolate_refuses(text: str, message: str) -> None:
    with pytest.raises(Unresolved, match=message):
        interpolate(text, KNOWN)


def test_the_environment_is_never_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "value")
    with pytest.raises(Unresolved, match="SECRET"):
        interpolate("$SECRET", {})


ENV_LINES = [
    ("A=1", "1"),
    ("export A=1", "1"),
    ("  A = 1  ", "1"),
    ("A: 1", "1"),
    ("A=1 # comment", "1"),
    ("A=1#no", "1#no"),
    ("A=# comment", ""),
    ("A=", ""),
    ("A='$B # x'", "$B # x"),
    ("A='open", "open"),
    ('A="a b"', "a b"),
    ('A="a\\nb\\"c"', 'a\nb"c'),
    ('A="open', "open"),
    ("B=2\nA=x$B", "x2"),
    ('B=2\nA="${B}y"', "2y"),
    ("A=1\nA=$UNKNOWN", None),
    ("# A=1", None),
    ("nonsense", None),
    ("\ufeffA=1", "1"),
]


@pytest.mark.parametrize(("text", "expected"), ENV_LINES)
def test_env_file(text: str, expected: str | None) -> None:
    assert read_env_file(text.encode()).get("A") == expected


def test_an_env_file_in_another_encoding_is_read_as_far_as_possible() -> None:
    assert read_env_file(b"A=caf\xe9\nB=1") == {"A": "caf\ufffd", "B": "1"}
