"""Laws of lineages, over everything that is on the official list."""

from __future__ import annotations

import json
from collections import defaultdict
from functools import lru_cache
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

import basekeeper
from basekeeper.tags.lineage import lineage
from basekeeper.tags.slots import Frame, frame_of_tag

OFFICIAL = Path(basekeeper.__file__).parent / "lifecycle" / "data" / "official-images.json"


@lru_cache(maxsize=1)
def listed() -> dict[str, list[str]]:
    """Return the tags of each official repository."""
    content = json.loads(OFFICIAL.read_text(encoding="utf-8"))["repositories"]
    return {
        f"library/{name}": sorted({tag for line in lines for tag in line.split(" ")})
        for name, lines in content.items()
    }


def shape(frame: Frame) -> tuple[object, ...]:
    """Return what a tag has beside its versions."""
    return (frame.fixed, *((one.axis, one.product, one.form) for one in frame.slots))


def test_whatever_moves_but_the_variant_stays() -> None:
    """Tags that differ in versions alone are one variant, and one lineage."""
    for path, tags in listed().items():
        variants = defaultdict(set)
        for tag in tags:
            frame = frame_of_tag(path, tag)
            if frame.slots:
                variants[shape(frame)].add(lineage(f"docker.io/{path}", tag))
        assert [found for found in variants.values() if len(found) > 1] == [], path


def test_a_lineage_holds_no_number_of_a_version() -> None:
    for path, tags in listed().items():
        for tag in tags:
            words = lineage(f"docker.io/{path}", tag).removeprefix(f"docker.io/{path}")
            assert not any(letter.isdigit() for letter in words), (path, tag)


def test_small_images_are_lineages_of_their_own() -> None:
    for path, tags in listed().items():
        if path == "library/alpine":
            continue
        for tag in tags:
            words = lineage(f"docker.io/{path}", tag).rpartition(":")[2].split("-")
            for word in ("slim", "alpine"):
                is_named = any(part.startswith(word) for part in tag.split("-"))
                assert is_named == (word in words), (path, tag)


@given(st.text(max_size=60), st.text(max_size=60))
def test_nothing_that_a_tag_may_be_fails(name: str, tag: str) -> None:
    assert lineage(name, tag).startswith(name)
