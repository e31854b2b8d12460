"""Expansion of words: quotes, escapes, variables and their operators."""

from __future__ import annotations

import pytest

from basekeeper.dockerfile.lexer import Budget, LexError, LimitError, MustBeSetError, expand

VALUES = {"A": "foo.bar.baz", "E": "", "V": "v1.2", "P": "a/b/c", "S": "x*y", "\u00e9": "acute"}


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("plain", "plain"),
        ("$V", "v1.2"),
        ("${V}x", "v1.2x"),
        ("$Vx", ""),
        ("$1x", "x"),
        ("$12x", "x"),
        ("$@$*$#$?$-$$$!$0", ""),
        ("$", "$"),
        ("$.", "$."),
        ("${\u00e9}$\u00e9", "acuteacute"),
        ("'$V'", "$V"),
        ('"$V"', "v1.2"),
        ('"\\$V\\"\\\\\\x"', '$V"\\\\x'),
        ("\\$V", "$V"),
        ("a\\", "a"),
        ("a<<b<c", "a<<b<c"),
        ("${U:-d}", "d"),
        ("${U-d}", "d"),
        ("${E:-d}", "d"),
        ("${E-d}", ""),
        ("${V:-d}", "v1.2"),
        ("${U:+d}", ""),
        ("${E:+d}", ""),
        ("${E+d}", "d"),
        ("${V:+$A}", "foo.bar.baz"),
        ("${V:?no}", "v1.2"),
        ("${E?no}", ""),
        ("${U:-${E:-$V}}", "v1.2"),
        ("${U:-'}'}", "}"),
        ("${A#*.}", "bar.baz"),
        ("${A##*.}", "baz"),
        ("${A%.*}", "foo.bar"),
        ("${A%%.*}", "foo"),
        ("${A#f??}", ".bar.baz"),
        ("${A#x}", "foo.bar.baz"),
        ("${A%ba?}", "foo.bar."),
        ("${S#x\\*}", "y"),
        ("${S%\\*y}", "x"),
        ("${U#x}", ""),
        ("${A/ba?/X}", "foo.X.baz"),
        ("${A//ba?/X}", "foo.X.X"),
        ("${A//./}", "foobarbaz"),
        ("${A/*/x}", "x"),
        ("${A//*/x}", "x"),
        ("${V///-}", "-v-1-.-2-"),
        ("${P//\\//.}", "a.b.c"),
        ("${A/b*z/q}", "foo.q"),
        ("${A/x*z/q}", "foo.bar.baz"),
        ("${V//1/[\\$0\\$\\$]}", "v[\\1\\$\\$].2"),
        ("${U/x/y}", ""),
        ('${U:-"a b"}', "a b"),
    ],
)
def test_expansion(word: str, expected: str) -> None:
    assert expand(word, "\\", VALUES.get).text == expected


@pytest.mark.parametrize(
    ("word", "problem"),
    [
        ("'a", "single quote"),
        ('"a', "double quote"),
        ('"a\\', "double quote"),
        ("${", "malformed"),
        ("${}", "malformed"),
        ("${:x}", "malformed"),
        ("${{x}}", "malformed"),
        ("${V", "operator ''"),
        ("${V:-x", "'}' is missing"),
        ("${V:-x\\", "'}' is missing"),
        ("${V:#x}", "operator ':#'"),
        ("${V:=x}", "operator ':='"),
        ("${V!}", "operator '!'"),
        ("${V/x}", "'/' is missing"),
        ("${V/x/y", "'}' is missing"),
        ("${V#\\x}", "escape without meaning"),
        ("${V/\\x/}", "escape without meaning"),
    ],
)
def test_malformed_words(word: str, problem: str) -> None:
    with pytest.raises(LexError, match=problem):
        expand(word, "\\", VALUES.get)


@pytest.mark.parametrize(("word", "problem"), [("${U:?no}", "U: no"), ("${E:?}", "E: must be set")])
def test_a_variable_that_must_be_set(word: str, problem: str) -> None:
    with pytest.raises(MustBeSetError, match=problem):
        expand(word, "\\", VALUES.get)


def test_the_escape_character_may_be_a_backtick() -> None:
    assert expand('`$V "`$V" \\$V', "`", VALUES.get).text == "$V $V \\v1.2"


def test_only_variables_that_the_text_is_made_of_are_used() -> None:
    found = expand("$V${A:+$E}${V:-$U}${U:-$W}${E:+$X}${A/o/x}${U/a/b}${U#a}", "\\", VALUES.get)
    assert found.used == ["V", "E", "V", "A"]
    assert found.unset == ["W", "U", "U"]


def test_words_are_split_where_no_quote_protects() -> None:
    assert expand("a 'b c' $P\\ d\t<< e\"\" ", "\\", {"P": "x y"}.get).words == [
        "a",
        "b c",
        "x",
        "y d",
        "<< e",
    ]


def test_limits_are_told_apart_from_errors() -> None:
    with pytest.raises(LimitError, match="too long to follow"):
        expand("$V$V", "\\", VALUES.get, budget=Budget(9))
    with pytest.raises(LimitError, match="pattern is longer than 1024"):
        expand("${V#" + "?" * 1025 + "}", "\\", VALUES.get)
    with pytest.raises(LimitError, match="pattern is longer than 1024"):
        expand("${V/" + "?" * 1025 + "/}", "\\", VALUES.get)
