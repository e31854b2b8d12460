"""YAML with exact positions that no file can crash."""

from __future__ import annotations

import pytest

from basekeeper.readers.source import Source
from basekeeper.readers.yamltree import (
    MAX_NODES,
    YamlError,
    fields_of,
    items_of,
    parse_yaml,
    place_of,
    text_of,
    unusable,
)


def fields(text: str) -> dict[str, object]:
    return {
        key: node.scalar for key, node in fields_of(parse_yaml(Source(text.encode(), "f"))).items()
    }


def test_scalars_of_every_style_know_their_bytes() -> None:
    data = "caf\u00e9: plain\nb: 'single'\nc: \"double\"\nd: |\n  block\n".encode()
    source = Source(data, "f")
    found = fields_of(parse_yaml(source))
    spans = {key: place_of(source, node).span for key, node in found.items()}
    shown = {key: data[span.start : span.end] for key, span in spans.items() if span}
    assert shown == {"caf\u00e9": b"plain", "b": b"single", "c": b"double", "d": b"|\n  block\n"}
    assert place_of(source, found["d"]).line == 4


def test_merge_keys_and_aliases_are_followed_and_own_keys_win() -> None:
    text = "x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\nz:\n  <<: [*x, *y]\n  c: 5\n"
    found = fields_of(fields_of(parse_yaml(Source(text.encode(), "f")))["z"])
    assert {key: node.scalar for key, node in found.items()} == {"a": "1", "b": "2", "c": "5"}


def test_a_quoted_merge_key_is_a_plain_key() -> None:
    assert fields("'<<': x") == {"<<": "x"}


def test_the_last_of_two_equal_keys_counts() -> None:
    assert fields("a: 1\na: 2\n[x]: 3\n") == {"a": "2"}


def test_only_the_first_document_counts() -> None:
    assert fields("a: 1\n---\nb: 2\n") == {"a": "1"}


@pytest.mark.parametrize("text", ["", "# nothing\n", "just text", "[a, b]"])
def test_what_is_no_mapping_has_no_fields(text: str) -> None:
    assert fields(text) == {}


def test_lists_and_texts() -> None:
    source = Source(b"[a, ~, [b], '~']", "f")
    node = parse_yaml(source)
    texts = [text_of(source, item) for item in items_of(node)]
    assert [text.value if text else None for text in texts] == ["a", None, None, "~"]
    assert text_of(source, None) is None
    assert items_of(None) == []
    assert fields_of(None) == {}


def test_an_alias_bomb_costs_nothing() -> None:
    lines = ["a0: &a0 {k: v}"]
    lines += [
        f"a{n}: &a{n} {{" + ", ".join(f"k{i}: *a{n - 1}" for i in range(9)) + "}"
        for n in range(1, 30)
    ]
    assert len(fields("\n".join(lines))) == 30


def test_a_merge_bomb_is_bounded() -> None:
    lines = ["a0: &a0 {" + ", ".join(f"k{i}: 1" for i in range(500)) + "}"]
    lines += [f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}" for n in range(1, 60)]
    top = fields_of(parse_yaml(Source("\n".join(lines).encode(), "f")))
    assert len(fields_of(top["a59"])) == 500


def test_a_long_chain_of_merges_ends() -> None:
    lines = ["a0: &a0 {k: v}", *(f"a{n}: &a{n} {{<<: *a{n - 1}}}" for n in range(1, 10_000))]
    top = fields_of(parse_yaml(Source("\n".join(lines).encode(), "f")))
    assert fields_of(top["a9999"]) == {}


def test_merging_stops_at_its_limit() -> None:
    lines = [
        f"a{n}: &a{n} {{" + ", ".join(f"k{n}x{i}: 1" for i in range(3000)) + "}" for n in range(5)
    ]
    lines.append("z: {<<: [*a0, *a1, *a2, *a3, *a4]}")
    top = fields_of(parse_yaml(Source("\n".join(lines).encode(), "f")))
    assert len(fields_of(top["z"])) == 12_000


BAD = [
    ("a: [", "is not valid YAML", 1),
    ("a: 1\nb: \t- x\n  c", "is not valid YAML", 2),
    ("a: *nope", "alias 'nope' has no anchor", 1),
    ("a: &a\n  b: *a", "alias 'a' contains itself", 2),
    ("x\ny: \x01", "characters that are not allowed", 2),
    ("[" * 100, "nested more than 64 levels", 1),
    ("- " * 100_000, "nested more than 64 levels", 1),
    ("{a: " * 50_000, "nested more than 64 levels", 1),
    ("[" + "a," * (MAX_NODES + 1) + "]", f"more than {MAX_NODES} values", 1),
    ("#" * 1_100_000, "is larger than 1 MiB", None),
]


@pytest.mark.parametrize(("text", "reason", "line"), BAD, ids=[str(n) for n in range(len(BAD))])
def test_bad_yaml_says_why_and_where(text: str, reason: str, line: int | None) -> None:
    with pytest.raises(YamlError, match=reason) as caught:
        parse_yaml(Source(text.encode(), "f"))
    assert caught.value.line == line
    assert unusable(Source(b"", "f"), caught.value).hint is not None
