from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from basekeeper.registry.challenge import (
    MAX_CHALLENGES,
    MAX_HEADER,
    Basic,
    Bearer,
    Challenge,
    choose_challenge,
    parse_challenges,
)

REALM = "https://auth.example/token"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", []),
        (" , ,, ", []),
        ("Basic", [("basic", {})]),
        ('Basic realm="x"', [("basic", {"realm": "x"})]),
        ("Basic realm=x", [("basic", {"realm": "x"})]),
        ("Basic realm=", [("basic", {"realm": ""})]),
        ('Basic realm = "x" , charset="UTF-8"', [("basic", {"realm": "x", "charset": "UTF-8"})]),
        ('BASIC REALM="X"', [("basic", {"realm": "X"})]),
        ('Basic realm="a", realm="b"', [("basic", {"realm": "a"})]),
        ('Bearer a="1",Basic b="2"', [("bearer", {"a": "1"}), ("basic", {"b": "2"})]),
        ('Bearer a="1" b="2"', [("bearer", {"a": "1", "b": "2"})]),
        ('Bearer a="1" Basic b="2"', [("bearer", {"a": "1"}), ("basic", {"b": "2"})]),
        ("Bearer, Basic", [("bearer", {}), ("basic", {})]),
        ('Negotiate oRQw==, Basic a="1"', [("negotiate", {}), ("basic", {"a": "1"})]),
        ("Negotiate oRQw, Basic", [("negotiate", {}), ("basic", {})]),
        ('Bearer a="1, 2", b="3"', [("bearer", {"a": "1, 2", "b": "3"})]),
        (r'Bearer a="say \"x\", \\", b=3', [("bearer", {"a": 'say "x", \\', "b": "3"})]),
        ("Bearer realm=https://a/c?d=e,f=g", [("bearer", {"realm": "https://a/c?d=e", "f": "g"})]),
        ('Bearer a="never closed, b=1', [("bearer", {"a": "never closed, b=1"})]),
        ('Bearer a="ends in an escape\\', [("bearer", {"a": "ends in an escape"})]),
        ('"stray" =x Basic a="1"', [("basic", {"a": "1"})]),
        ('a="1"', []),
    ],
)  # fmt: skip
def test_splits_a_header_into_its_challenges(
    header: str, expected: list[tuple[str, dict[str, str]]]
) -> None:
    assert parse_challenges(header) == tuple(Challenge(*pair) for pair in expected)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (f'Bearer realm="{REALM}",service="s"', Bearer(REALM, "s")),
        (f'Bearer realm="{REALM}"', Bearer(REALM, "")),
        (f'bEARER rEALM="{REALM}",SERVICE="s"', Bearer(REALM, "s")),
        ('Bearer realm="http://plain.example/t"', Bearer("http://plain.example/t", "")),
        (f'Basic realm="words", Bearer realm="{REALM}"', Bearer(REALM, "")),
        (f'Bearer realm="{REALM}", Basic realm="words"', Bearer(REALM, "")),
        (f'Bearer realm="/token", Bearer realm="{REALM}"', Bearer(REALM, "")),
        ('Basic realm="Registry of ACME, Inc."', Basic()),
        ("Basic", Basic()),
        ('Bearer realm="ftp://x.example/y", Basic', Basic()),
        ('Bearer realm="https:///token"', None),
        ('Bearer realm="https://[x"', None),
        ('Bearer realm="https://x.example/a b"', None),
        ('Bearer realm="https://x.example/\N{LATIN SMALL LETTER E WITH ACUTE}"', None),
        ('Digest realm="x"', None),
        ("", None),
    ],
)
def test_prefers_bearer_with_a_url_then_basic(header: str, expected: Bearer | Basic | None) -> None:
    assert choose_challenge(header) == expected


def test_challenge_two_on_one_line() -> None:
    header = f'Bearer realm="{REALM}",service="s",scope="repository:a:pull",Basic realm="x"'
    assert [challenge.scheme for challenge in parse_challenges(header)] == ["bearer", "basic"]


def test_challenge_two_header_lines_joined_by_the_transport() -> None:
    lines = ['Basic realm="x"', f'Bearer realm="{REALM}"']
    assert choose_challenge(", ".join(lines)) == Bearer(REALM, "")


def test_challenge_lower_case_scheme() -> None:
    assert choose_challenge(f'bearer realm="{REALM}"') == Bearer(REALM, "")


def test_challenge_quoted_comma_and_escaped_quote() -> None:
    header = rf'Bearer service="a, \"b\"",realm="{REALM}"'
    assert choose_challenge(header) == Bearer(REALM, 'a, "b"')


@pytest.mark.parametrize("header", ['Bearer service="s"', "Bearer", 'Bearer realm=""'])
def test_challenge_missing_realm(header: str) -> None:
    assert choose_challenge(header) is None


@pytest.mark.parametrize("realm", ["/token", "token", "//evil.example/token", "?x"])
def test_challenge_relative_realm(realm: str) -> None:
    assert choose_challenge(f'Bearer realm="{realm}"') is None


def test_challenge_free_text_basic_realm() -> None:
    assert choose_challenge('Basic realm="Please log in, or ask \\"Bob\\""') == Basic()


_NAMES = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=8)
_VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=20)
_CHALLENGES = st.lists(
    st.tuples(_NAMES, st.dictionaries(_NAMES, _VALUES, max_size=3)), max_size=MAX_CHALLENGES
)


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


@given(_CHALLENGES)
def test_reads_back_what_was_written(challenges: list[tuple[str, dict[str, str]]]) -> None:
    header = ", ".join(
        f"{scheme} " + ", ".join(f"{name}={_quoted(value)}" for name, value in values.items())
        for scheme, values in challenges
    )
    assert parse_challenges(header) == tuple(Challenge(*pair) for pair in challenges)


@given(st.text())
def test_never_fails_on_any_text(header: str) -> None:
    assert len(parse_challenges(header)) <= MAX_CHALLENGES
    choose_challenge(header)


@given(st.text('Ba=", \\\t;', max_size=200))
def test_never_fails_on_broken_grammar(header: str) -> None:
    for challenge in parse_challenges(header):
        assert challenge.scheme


@pytest.mark.parametrize(
    "piece", ['"', "=", "a=", "\\", '"\\', " ", "a ", ",=,=", "a", 'a="', 'a="\\"', "a \t=", ", a"]
)
def test_looks_at_the_head_of_hostile_headers_alone(piece: str) -> None:
    header = piece * 1_000_000
    assert parse_challenges(header) == parse_challenges(header[:MAX_HEADER])


def test_looks_at_no_more_than_the_limit() -> None:
    padding = "x" * MAX_HEADER
    assert choose_challenge(f'Basic realm="{padding}", Bearer realm="{REALM}"') == Basic()
    assert len(parse_challenges("a, " * 100)) == MAX_CHALLENGES
