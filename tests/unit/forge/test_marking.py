from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from basekeeper.forge.marking import MAX_KEY_CHARS, Mark, mark_of, marked

KEYS = st.text(min_size=1, max_size=MAX_KEY_CHARS).filter(
    lambda text: not any("\ud800" <= letter <= "\udfff" for letter in text)
)


@given(st.text(max_size=300), KEYS, st.text("0123456789abcdef", max_size=64))
def test_what_is_marked_is_read_again(text: str, key: str, digest: str) -> None:
    mark = Mark(key, digest)
    found = marked(text, "proposal", mark, 60_000)
    assert mark_of(found, "proposal") == mark
    assert mark_of(found, "comment") is None
    assert found.startswith(text)


def test_the_last_mark_counts() -> None:
    foreign = marked("theirs", "proposal", Mark("evil", "0"), 1000)
    assert mark_of(marked(foreign, "proposal", Mark("ours", "1"), 5000), "proposal") == Mark(
        "ours", "1"
    )


@pytest.mark.parametrize("most", [400, 1000])
def test_a_text_that_is_too_long_is_cut_before_its_mark(most: int) -> None:
    found = marked("x" * 5000, "comment", Mark("k", ""), most)
    assert len(found) == most
    assert "left out" in found
    assert mark_of(found, "comment") == Mark("k", "")


@pytest.mark.parametrize("key", ["", "x" * (MAX_KEY_CHARS + 1)])
def test_a_key_that_is_none_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="a key has 1 to 500 characters"):
        marked("", "proposal", Mark(key, ""), 1000)


@pytest.mark.parametrize(
    "packed", ["AA==", "bm8=", "W10=", "eyJrZXkiOiAxfQ==", "eyJrZXkiOiAiIiwgImRpZ2VzdCI6ICIifQ=="]
)
def test_a_mark_that_cannot_be_read_is_none(packed: str) -> None:
    assert mark_of(f"<!-- basekeeper-proposal:1:{packed} -->", "proposal") is None
