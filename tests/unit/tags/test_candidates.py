from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from basekeeper.tags.candidates import gather
from basekeeper.tags.updates import TagFacts

NOW = datetime(2026, 11, 23, tzinfo=UTC)
OLD, NEW = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
SEEN = TagFacts("1.2", OLD, first_seen=NOW - timedelta(days=9))
PUSHED = TagFacts("1.2", OLD, pushed=NOW - timedelta(days=7))
LATER = TagFacts("1.2", NEW, pushed=NOW - timedelta(days=2))


@pytest.mark.parametrize("order", list(permutations(["1.2", TagFacts("1.2"), SEEN])))
def test_a_name_alone_adds_nothing_to_what_is_known(order: tuple[str | TagFacts, ...]) -> None:
    assert gather(order, NOW) == {"1.2": (SEEN,)}


def test_a_name_alone_is_a_tag_of_which_nothing_is_known() -> None:
    assert gather(["1.2", "1.2"], NOW) == {"1.2": (TagFacts("1.2"),)}


@pytest.mark.parametrize("order", list(permutations([SEEN, PUSHED, LATER, "1.2"])))
def test_sights_of_one_digest_are_one_and_the_newest_comes_first(
    order: tuple[str | TagFacts, ...],
) -> None:
    both = TagFacts("1.2", OLD, pushed=PUSHED.pushed, first_seen=SEEN.first_seen)
    assert gather(order, NOW) == {"1.2": (LATER, both)}


@pytest.mark.parametrize("text", ["", "-1", "1 2", "a" * 129, f"sha256-{'a' * 64}.sig"])
def test_what_is_no_tag_or_hangs_under_one_is_left_out(text: str) -> None:
    assert gather([text, TagFacts(text, OLD), "1.2"], NOW) == {"1.2": (TagFacts("1.2"),)}


def test_a_broken_digest_is_none() -> None:
    assert gather([TagFacts("1.2", "sha256:1")], NOW) == {"1.2": (TagFacts("1.2"),)}
