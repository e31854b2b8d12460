"""Subjects, keys and evidence that every ledger can keep."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from basekeeper import parse_reference
from basekeeper.deadlines.identity import read_scope
from basekeeper.ledger.rows import MAX_EVIDENCE_BYTES, MAX_TEXT_BYTES, row_of
from basekeeper.recording import words
from basekeeper.values.event import Event, EventKind
from tests.unit.recording.world import (
    World,
    at,
    looked,
    match,
    observation,
    package,
    published,
    scan,
    stand,
)

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=40) | st.text(
    st.sampled_from("a\0\ud800é𝄞/#&=+% "), min_size=200, max_size=900
)


@given(st.tuples(*[ANY_TEXT] * 6))
def test_whatever_names_hold_the_ledger_can_keep_them(names: tuple[str, ...]) -> None:
    chain, lineage, vulnerability, package, platform, product = names
    scope = words.scope(
        lineage=lineage,
        vulnerability=vulnerability,
        package=package,
        platform=platform,
        product=product,
    )
    event = Event(
        kind=EventKind.DETECTED,
        subject=words.subject(words.chain_name(chain), scope),
        key=words.again(words.key(lineage, platform), 12),
        at=at(0),
        source=words.fitted(vulnerability, words.MAX_SOURCE_BYTES),
        evidence=words.evidence(**{f"name{index}": package for index in range(20)}),
    )
    row = row_of(event, 0)
    assert len(row["subject"].encode()) <= MAX_TEXT_BYTES
    assert len(row["evidence"]) <= MAX_EVIDENCE_BYTES
    assert event.chain == words.chain_name(chain)
    assert read_scope(event.subject.partition("#")[2]) == scope


def test_the_longest_parts_fit_together() -> None:
    scope = words.scope(
        lineage="l" * words.MAX_LINEAGE_BYTES,
        vulnerability="v" * words.MAX_VULNERABILITY_BYTES,
        package="p" * words.MAX_PACKAGE_BYTES,
        platform="f" * words.MAX_PLATFORM_BYTES,
        product="r" * words.MAX_PRODUCT_BYTES,
    )
    subject = words.subject(words.chain_name("c" * words.MAX_CHAIN_BYTES), scope)
    assert "~" not in subject
    assert len(subject) <= MAX_TEXT_BYTES


@given(ANY_TEXT, ANY_TEXT)
def test_two_names_stay_two(one: str, other: str) -> None:
    assert (words.fitted(one, 60) == words.fitted(other, 60)) == (one == other)
    assert words.fitted(words.fitted(one, 60), 60) == words.fitted(one, 60)


@pytest.mark.parametrize("name", ["pkg:deb/debian/libstdc++6", "services/api/Dockerfile:prod"])
def test_ordinary_names_stay_as_they_are(name: str) -> None:
    assert words.fitted(name, words.MAX_PRODUCT_BYTES) == name


@pytest.mark.parametrize(
    ("text", "kept"),
    [("a\nb\0c", "a b c"), ("x" * 9_000, "x" * 3_000), ("\ud800", "?"), ("é" * 900, "é" * 250)],
)
def test_evidence_keeps_what_a_ledger_can_keep(text: str, kept: str) -> None:
    assert words.evidence(said=text, from_="a", empty="", none=None) == {"said": kept, "from": "a"}


def test_instants_and_numbers_are_read_as_they_were_written() -> None:
    said = {"a": words.written(at(1)) or "", "b": "2026-03-02T12:00:00", "c": "x", "n": "12"}
    assert [words.read_instant(said, name) for name in "abcd"] == [at(1), None, None, None]
    said |= {"m": "-1", "o": "1" * 20}
    assert [words.read_number(said, name) for name in "nmoz"] == [12, 0, 0, 0]


def test_an_image_with_names_that_nobody_can_keep_is_recorded_and_found_again() -> None:
    name = "left\0pad\ud800" * 200
    hostile = match("CVE-2026-\0" + "9" * 500, package(name, version="\ud800"))
    reference = "registry.test/" + "/".join(["a" * 60] * 3)
    look = looked(reference, "d1", scan(hostile))
    place = stand("services/\0" * 100, reference, "d1", is_mapped=False)
    image = published("p1", scan(hostile), product="api")
    seen = {"looked_at": (look,), "stands": (place,), "published": (image,)}
    world = World()
    told = world.see(0, repository="github.com/#/" + "x" * 400, **seen)
    for event in told:
        assert json.loads(row_of(event, 0)["evidence"]) == dict(event.evidence)
    assert world.see(0, repository="github.com/#/" + "x" * 400, **seen) == []
    stored = world.facts.image(
        parse_reference(reference), look.digest, (look.platform,), now=at(1), max_age=at(9) - at(0)
    )
    assert len(stored.findings) == 1
    assert observation(0).repository is not None


@pytest.mark.parametrize("name", ["CVE-2026-{:04}", "ĆVE-2026-{:04}"])
def test_a_list_that_is_too_long_ends_with_a_whole_part(name: str) -> None:
    names = [name.format(number) for number in range(2_000)]
    kept = words.split(words.evidence(aliases=words.listed(names))["aliases"])
    assert 10 < len(kept) < len(names)
    assert list(kept) == names[: len(kept)]


def test_a_part_that_is_too_long_by_itself_is_cut() -> None:
    (kept,) = words.split(words.evidence(fixed=words.listed(["1" * 9_999]))["fixed"])
    assert kept == "1" * words.MAX_TEXT_CHARS
