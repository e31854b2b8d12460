"""Laws of choosing updates, on made-up tags, hostile tags, and the lists of official images."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basekeeper.lifecycle.datafile import BUNDLED
from basekeeper.tags import likeness
from basekeeper.tags.choose import choose_updates
from basekeeper.tags.frozen import FrozenWatch
from basekeeper.tags.likeness import Likeness
from basekeeper.tags.slots import Axis, frame_of_tag
from basekeeper.tags.updates import TagFacts, UpdateRules
from basekeeper.values.finding import Truth

if TYPE_CHECKING:
    from basekeeper.tags.slots import Frame
    from basekeeper.tags.updates import Choice, Updates

NOW = datetime(2026, 11, 23, tzinfo=UTC)
LISTS: dict[str, list[str]] = json.loads((BUNDLED / "official-images.json").read_bytes())[
    "repositories"
]
_LONG = 250
"""Lists of more lines take seconds, for each of their tags is the one in use once."""
OFFICIAL = [
    pytest.param(name, marks=[pytest.mark.slow] if " ".join(lines).count(" ") > _LONG else [])
    for name, lines in sorted(LISTS.items())
]
REPOSITORIES = st.sampled_from(
    ["python", "node", "debian", "ubuntu", "eclipse-temurin", "mysql", "nginx", "x/y"]
)
NUMBERS = st.integers(0, 30).map(str)
VERSIONS = st.builds(
    lambda numbers, tail: ".".join(numbers) + tail,
    st.lists(NUMBERS, min_size=1, max_size=3),
    st.sampled_from(["", "", "", "rc1", "rc10", "a2", "-beta1", "_8", "-1194", "-r3"]),
)
WORDS = st.sampled_from(
    [
        *("bookworm", "trixie", "bullseye", "jammy", "noble", "alpine", "alpine3.20", "alpine3.24"),
        *("slim", "jdk", "jre", "fpm", "php8.3", "php8.5", "eclipse-temurin-21", "amd64"),
        *("20260803", "20240701.1", "ltsc2022", "windowsservercore-1809", "KB5034129", "gd53f37"),
    ]
)
KNOWN_TAGS = st.builds(
    lambda version, words: "-".join([version, *words]), VERSIONS, st.lists(WORDS, max_size=2)
)
ANY_TAGS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", fullmatch=True)
TAGS = KNOWN_TAGS | WORDS | st.sampled_from(["latest", "9" * 128, "1." * 64, "1-" * 63 + "1"])
AGES = st.none() | st.integers(0, 30).map(lambda days: NOW - timedelta(days=days))
DIGESTS = st.none() | st.sampled_from("abcdef").map(lambda letter: f"sha256:{letter * 64}")
SYSTEMS = st.sampled_from([None, "debian 12", "debian 13", "alpine 3.20.1", "?"])
SIGHTS = st.builds(TagFacts, TAGS, DIGESTS, AGES, AGES, SYSTEMS)


def found(updates: Updates) -> list[Choice]:
    """Everything that can be moved to by another tag of the repository."""
    return [one for one in (*updates.choices[1:], *updates.moves) if one and one.kind != "name"]


def differing(own: Frame, new: Frame) -> list[int]:
    return [
        at
        for at, (old, moved) in enumerate(zip(own.slots, new.slots, strict=True))
        if old.text != moved.text
    ]


def assert_one_axis_moves_up(path: str, current: str, choice: Choice) -> None:
    assert choice.tag is not None
    own, new = frame_of_tag(path, current), frame_of_tag(path, choice.tag)
    assert own.fixed == new.fixed
    places = differing(own, new)
    moved = [at for at in places if own.slots[at].axis is not Axis.BUILD]
    assert len(moved) <= 1
    assert places
    assert new.dates >= own.dates
    assert moved or new.builds > own.builds
    for at in moved:
        old, slot = own.slots[at], new.slots[at]
        assert slot.key > old.key
        assert slot.is_of_form(old)
        assert not slot.is_prerelease or (old.is_prerelease and slot.numbers == old.numbers)


def assert_nothing_more(updates: Updates, again: Updates, choice: Choice) -> None:
    """Choosing again from what was chosen gives nothing of the same kind on the same axis."""
    same = [
        one
        for one in found(again)
        if one.kind == choice.kind and one.tag != choice.tag and one.os_change is None
    ]
    assert same == [], (updates.current.tag, choice.tag, same)


@pytest.mark.parametrize("name", OFFICIAL)
def test_laws_hold_for_every_tag_of_an_official_image(name: str) -> None:
    tags = [tag for line in LISTS[name] for tag in line.split(" ")]
    distinct: dict[str, Updates] = {}
    for tag in tags:
        distinct[tag] = choose_updates(name, tag, tags, NOW)
    for tag, updates in distinct.items():
        assert updates.digest.value is Truth.NO
        assert not {"vanished", "incomplete"} & set(updates.flags)
        assert all(choice.reason for choice in (*updates.choices, *updates.moves))
        for choice in found(updates):
            assert choice.tag in tags
            assert_one_axis_moves_up(f"library/{name}", tag, choice)
            again = distinct[choice.tag or ""]
            assert_nothing_more(updates, again, choice)


@given(REPOSITORIES, TAGS, st.lists(TAGS, max_size=12), st.booleans())
@settings(max_examples=150, deadline=None)
def test_one_axis_moves_and_never_downwards(
    repository: str,
    current: str,
    available: list[str],
    complete: bool,  # noqa: FBT001
) -> None:
    updates = choose_updates(repository, current, available, NOW, complete=complete)
    path = repository if "/" in repository else f"library/{repository}"
    for choice in found(updates):
        assert choice.tag in available
        assert_one_axis_moves_up(path, current, choice)
        again = choose_updates(repository, choice.tag or "", available, NOW)
        assert_nothing_more(updates, again, choice)
    if not complete or not available:
        assert all(one.value is not Truth.NO for one in updates.choices[1:])


@given(st.data(), REPOSITORIES, TAGS, st.lists(SIGHTS, max_size=8))
@settings(max_examples=100, deadline=None)
def test_order_of_the_list_does_not_matter(
    data: st.DataObject, repository: str, current: str, available: list[TagFacts]
) -> None:
    other = data.draw(st.permutations(available))
    rules = UpdateRules(minimum_age=timedelta(days=data.draw(st.integers(0, 9))))
    one = choose_updates(repository, current, available, NOW, rules=rules)
    assert one == choose_updates(repository, current, other, NOW, rules=rules)


@given(st.lists(SIGHTS.map(lambda one: TagFacts("3.12", *_rest(one))), max_size=8), st.data())
@settings(max_examples=100, deadline=None)
def test_digests_settle_and_drift_is_never_a_refresh(
    available: list[TagFacts], data: st.DataObject
) -> None:
    digest = f"sha256:{data.draw(st.sampled_from('abcdef')) * 64}"
    rules = UpdateRules(minimum_age=timedelta(days=data.draw(st.integers(0, 9))))
    current = TagFacts("3.12", digest)
    updates = choose_updates("python", current, available, NOW, rules=rules)
    if not updates.digest:
        return
    assert updates.digest.os_change is None
    assert updates.digest.digest != digest
    if rules.minimum_age:
        assert updates.digest.age is not None
        assert updates.digest.age >= rules.minimum_age


@given(ANY_TAGS, st.lists(st.text(max_size=140) | ANY_TAGS, max_size=8))
@settings(max_examples=150, deadline=None)
def test_hostile_tags_do_no_harm(current: str, available: list[str]) -> None:
    updates = choose_updates("x/y", current, available, NOW)
    for choice in found(updates):
        assert_one_axis_moves_up("x/y", current, choice)


def test_each_tag_of_a_long_list_is_taken_apart_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, int] = {}

    def counted(path: str, tag: str) -> Frame:
        seen[tag] = seen.get(tag, 0) + 1
        return frame_of_tag(path, tag)

    monkeypatch.setattr(likeness, "frame_of_tag", counted)
    plain = [f"{number % 40}.{number % 97}.{number}-slim" for number in range(20_000)]
    others = [f"{tag[:-5]}-alpine" for tag in plain]
    early = [f"{number % 40}.0.{number}rc1-slim" for number in range(2_000)]
    updates = choose_updates("x/y", plain[0], [*plain, *others, *early], NOW)
    assert updates.major.tag == "39.96.19399-slim"
    assert seen == dict.fromkeys(early, 1)


COMPARED = st.sampled_from(["library/python", "library/node", "library/debian", "x/y", "x/ubuntu"])
MORE_TAGS = TAGS | st.sampled_from(
    [
        *("1809", "ltsc2022", "windowsservercore-1809", "nanoserver-ltsc2025", "iron", "jod-slim"),
        *("2024-01-05", "2024-12-31-7", "1-3.12-bookworm", "8u452-b09-jdk", "21.0.5_11-jdk"),
        *("11.2.2-security-01", "1.0.0-SNAPSHOT", "1.0.0-RC.2", "1.0.Final", "v1.2", "V1.3"),
        *("386", "1.386", "alpine-1.38.0", "alpine-3.20", "ubuntu22.04", "1-ubi9", "Bookworm"),
        *("2022-CU14-ubuntu-22.04", "4.0.9.2244-ls255", "python3.12", "python-312", "r123"),
    ]
)


@given(COMPARED, MORE_TAGS, st.lists(MORE_TAGS, min_size=1, max_size=20))
@settings(max_examples=400, deadline=None)
def test_quick_look_leaves_out_nothing_that_can_be_compared(
    path: str, current: str, tags: list[str]
) -> None:
    own = frame_of_tag(path, current)
    quick = Likeness(own, path)
    for tag in tags:
        frame = frame_of_tag(path, tag)
        found = quick.frame(tag)
        if found is not None:
            assert found == frame
            continue
        moved = frame.moved_from(own)
        pairs = zip(frame.slots, own.slots, strict=False)
        assert moved is None or not all(new.is_of_form(old) for new, old in pairs)
        watch = FrozenWatch(own, None)
        watch.see(frame, tag)
        assert not watch.newest


@pytest.mark.parametrize("name", OFFICIAL)
def test_quick_look_agrees_on_every_pair_of_official_tags(name: str) -> None:
    path = f"library/{name}"
    tags = [tag for line in LISTS[name] for tag in line.split(" ")]
    frames = {tag: frame_of_tag(path, tag) for tag in tags}
    for tag in tags[:: max(1, len(tags) // 60)]:
        own = frames[tag]
        quick = Likeness(own, path)
        for other, frame in frames.items():
            found = quick.frame(other)
            assert found in (None, frame)
            if found is None and frame.moved_from(own) is not None:
                pairs = zip(frame.slots, own.slots, strict=True)
                assert not all(new.is_of_form(old) for new, old in pairs), (tag, other)


def _rest(facts: TagFacts) -> tuple[str | None, datetime | None, datetime | None, str | None]:
    return facts.digest, facts.pushed, facts.first_seen, facts.os_release
