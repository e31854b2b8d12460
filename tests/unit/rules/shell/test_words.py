from __future__ import annotations

import pytest

from basekeeper.rules.shell.words import DYNAMIC, MAX_EXPANSION_CHARS, commands, expand, fields


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("a b", [("a", "b")]),
        ("a && b || c; d | e & f", [("a",), ("b",), ("c",), ("d",), ("e",), ("f",)]),
        ("a\nb", [("a",), ("b",)]),
        ("a \\\n b", [("a", "b")]),
        ("a\\\nb", [("a\\\nb",)]),
        ("a\\\r\nb c", [("a\\\r\nb", "c")]),
        ("(a; b)", [("a",), ("b",)]),
        ("a # b; c\nd", [("a",), ("d",)]),
        ("a#b", [("a#b",)]),
        ("a > /dev/null 2>&1 b", [("a", "b")]),
        ("a >>log b", [("a", "b")]),
        ("a &> log", [("a",)]),
        ("a < in <<< word", [("a",)]),
        ("cat <<EOF", [("cat",)]),
        ("a 'b; c' \"d && e\"", [("a", "'b; c'", '"d && e"')]),
        ('a "$(b "c)" | d)" e', [("a", '"$(b "c)" | d)"', "e")]),
        ("a $(b; c) d", [("a", "$(b; c)", "d")]),
        ("a $(b (c) d) e", [("a", "$(b (c) d)", "e")]),
        ("a `b; c` d", [("a", "`b; c`", "d")]),
        ("a ${b:-c d} e", [("a", "${b:-c d}", "e")]),
        ("a $( 'b)' ) c", [("a", "$( 'b)' )", "c")]),
        ('a "it\'s" b', [("a", '"it\'s"', "b")]),
        ("a b\\ c", [("a", "b\\ c")]),
        ("a $ b", [("a", "$", "b")]),
        ("a $", [("a", "$")]),
        ("a \\", [("a", "\\")]),
        ("a 'open", [("a", "'open")]),
        ('a "open', [("a", '"open')]),
        ("a $(open 'x", [("a", "$(open 'x")]),
        ("", []),
        (" ; ; ", []),
    ],
)
def test_splits_scripts_into_commands(script: str, expected: list[tuple[str, ...]]) -> None:
    assert list(commands(script)) == expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("plain", "plain"),
        ("'$A'", "$A"),
        ('"$A"', "gcc make"),
        ("$A", "gcc make"),
        ("${A}", "gcc make"),
        ("x-${A}-y", "x-gcc make-y"),
        ("${A:-none}", "gcc make"),
        ("${B:-none}", "none"),
        ("${B-none}", "none"),
        ("$B", DYNAMIC),
        ("gcc-$B", "gcc-" + DYNAMIC),
        ("${A%% *}", DYNAMIC),
        ("${B:-$A}", DYNAMIC),
        ("$(which gcc)", DYNAMIC),
        ("`which gcc`", DYNAMIC),
        ("$1", DYNAMIC),
        ("$@", DYNAMIC),
        ("a$", "a$"),
        ("a\\ b", "a b"),
        ("a\\\nb", "ab"),
        ('"it\'s"', "it's"),
        ("'open", "open"),
        ("a;b", "a;b"),
        ("\\", ""),
    ],
)
def test_expands_words(word: str, expected: str) -> None:
    assert expand(word, {"A": "gcc make"}) == expected


def test_splits_variables_into_fields() -> None:
    assert fields(("-y", "$A", '"b"'), {"A": " gcc  make "}) == ("-y", "gcc", "make", "b")


def test_an_expansion_beyond_the_limit_is_not_known() -> None:
    assert expand("$A$A", {"A": "x" * MAX_EXPANSION_CHARS}) == DYNAMIC


@pytest.mark.parametrize("unit", ['"', "'", "$(", "${", "`", "\\", "(", "a;", "#", "<<", "$"])
def test_reads_hostile_repetitions_to_the_end(unit: str) -> None:
    script = "apt-get install " + unit * 20_000
    command = next(commands(script))
    assert command[:2] == ("apt-get", "install")
    for word in command:
        expand(word, {})
