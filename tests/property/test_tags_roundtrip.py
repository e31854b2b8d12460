from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from basekeeper.tags.axes import split_name, split_tag
from basekeeper.tags.version import parse_version

TAG_TEXT = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", fullmatch=True)
WORDS = st.sampled_from(
    [
        *("3.12", "8u452", "b09", "21.0.5_11", "3.20", "17", "20240904", "1194", "v1.2", "2204"),
        *("alpine", "alpine3.20", "bookworm", "noble", "ltsc2022", "nanoserver", "1809", "ubuntu"),
        *("jdk", "jdk21", "eclipse", "temurin", "php8.2", "rc1", "M1", "ea"),
        *("slim", "amd64", "lts", "latest", ""),
    ]
)
REPOSITORIES = st.sampled_from(
    ["library/python", "library/debian", "library/alpine", "ubi9/ubi-minimal", "x/y"]
)


@given(REPOSITORIES, TAG_TEXT)
def test_a_split_tag_spells_the_tag(repository: str, tag: str) -> None:
    assert str(split_tag(repository, tag)) == tag


@given(REPOSITORIES, st.lists(WORDS, min_size=1, max_size=9).map("-".join))
def test_a_split_tag_of_known_words_spells_the_tag(repository: str, tag: str) -> None:
    assert str(split_tag(repository, tag)) == tag


@given(st.text(max_size=300))
def test_any_text_at_all_comes_back(text: str) -> None:
    assert str(split_tag("x/y", text)) == text
    assert str(split_name(text)) == text


@given(st.text(max_size=200))
def test_a_version_spells_its_text(text: str) -> None:
    version = parse_version(text)
    assert version is None or str(version) == text


@given(st.lists(TAG_TEXT, max_size=8))
def test_version_keys_are_totally_ordered(texts: list[str]) -> None:
    keys = [version.key for version in map(parse_version, texts) if version is not None]
    for one, other in pairwise(sorted(keys)):
        assert one <= other
