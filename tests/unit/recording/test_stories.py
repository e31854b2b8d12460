"""Whole stories: from a detection to the proof that the published image holds the fix."""

from __future__ import annotations

import pytest

from basekeeper.deadlines.model import Progress, State
from basekeeper.values.event import EventKind
from tests.unit.recording.world import (
    AMD,
    APP_LAYER,
    BAD,
    BASE_LAYERS,
    CLEAN,
    OTHER_LAYERS,
    OWN,
    SLIM,
    World,
    at,
    base_layers,
    candidate,
    digest,
    looked,
    match,
    of_kind,
    package,
    published,
    scan,
    stand,
)


def found_without_a_fix() -> World:
    world = World()
    unfixed = scan(match(fixed=()))
    world.see(0, base=("d1", unfixed), published=(published("p1", unfixed, since=at(-200)),))
    return world


def test_a_finding_is_detected_fixable_available_merged_released_and_closed_in_time() -> None:
    world = found_without_a_fix()
    assert world.deadline(1).state is State.WAITING_FOR_FIX
    world.see(10, base=("d1", BAD), published=(published("p1", BAD, since=at(-200)),))
    waiting = world.deadline(11)
    assert (waiting.state, waiting.due) == (State.WAITING_FOR_BASE, at(10 + 168))
    looks = (
        looked(SLIM, "d1", BAD),
        candidate("debian:12.1-slim", "d2", CLEAN, since=at(18), replaces=(digest("d1"),)),
    )
    world.see(20, looked_at=looks, stands=(stand("api", SLIM, "d1"),))
    open_ = world.deadline(21)
    assert (open_.state, open_.upstream.end) == (State.OPEN, at(18))
    world.see(30, base=("d2", CLEAN), published=(published("p1", BAD, since=at(-200)),))
    merged = world.deadline(31)
    assert (merged.state, merged.progress) == (State.FIXED_UNRELEASED, Progress.VERIFIED)
    world.see(50, base=("d2", CLEAN), published=(published("p2", CLEAN, since=at(48)),))
    closed = world.deadline(51)
    assert (closed.state, closed.action.end) == (State.CLOSED_IN_TIME, at(50))
    (merge,) = of_kind(world.events, EventKind.MERGED)
    assert merge.evidence == {"digest": digest("d2"), "how": "the tag moved"}
    assert {one.evidence["of"] for one in of_kind(world.events, EventKind.VERIFIED)} == {
        "base",
        "published image",
    }


def test_a_finding_that_is_not_fixed_in_time_is_breached_for_ever_and_closed_late() -> None:
    world = World()
    world.see(0, base=("d1", BAD), published=(published("p1", BAD),))
    assert world.judge(168) == []
    (breach,) = world.judge(170)
    assert (breach.kind, breach.at, breach.key) == (EventKind.BREACHED, at(168), "episode 1")
    assert breach.evidence["clause"].startswith("policy.deadlines.high")
    assert world.judge(171) == []
    world.see(200, base=("d2", CLEAN), published=(published("p2", CLEAN, since=at(190)),))
    assert world.deadline(201).state is State.CLOSED_LATE


def test_what_comes_back_with_a_new_image_is_a_new_episode() -> None:
    world = World()
    world.see(0, base=("d1", BAD), published=(published("p1", BAD),))
    world.see(10, base=("d2", CLEAN), published=(published("p2", CLEAN, since=at(9)),))
    world.see(100, base=("d3", BAD), published=(published("p3", BAD, since=at(99)),))
    first, second = world.deadlines(101)
    assert (first.state, second.episode) == (State.CLOSED_IN_TIME, 2)
    assert second.due == at(100 + 168)
    world.see(110, base=("d2", CLEAN), published=(published("p4", CLEAN, since=at(109)),))
    assert world.deadline(111).state is State.CLOSED_IN_TIME
    merges = [one.key for one in of_kind(world.events, EventKind.MERGED)]
    assert merges == [digest("d2"), digest("d2") + "#2"]


def test_going_back_to_the_old_base_and_release_is_a_new_episode() -> None:
    world = World()
    old = published("p1", BAD, since=at(-5))
    world.see(0, base=("d1", BAD), published=(old,))
    world.see(10, base=("d2", CLEAN), published=(published("p2", CLEAN, since=at(9)),))
    assert world.deadline(11).is_closed
    world.see(50, base=("d1", BAD), published=(old,))
    back = world.deadline(51)
    assert (back.episode, back.due) == (2, at(50 + 168))
    assert [one.at for one in of_kind(world.events, EventKind.RELEASED)] == [at(-5), at(9), at(50)]


def test_a_rollback_of_the_tree_alone_is_one_too_and_ends_when_it_is_undone() -> None:
    world = World()
    clean = published("p2", CLEAN, since=at(9), bases=(base_layers(SLIM, "d2"),))
    world.see(0, base=("d1", BAD), published=(published("p1", BAD),))
    world.see(10, base=("d2", CLEAN), published=(clean,))
    world.see(50, base=("d1", BAD), published=(clean,))
    assert (world.deadline(51).episode, world.deadline(51).is_closed) == (2, False)
    world.see(60, base=("d2", CLEAN), published=(clean,))
    assert (world.deadline(61).episode, world.deadline(61).action.end) == (2, at(60))


def test_a_new_base_that_has_it_too_changes_no_clock() -> None:
    world = World()
    world.see(0, base=("d1", BAD), published=(published("p1", BAD),))
    world.see(50, base=("d2", BAD), published=(published("p1", BAD),))
    world.see(60, base=("d2", BAD), published=(published("p2", BAD, since=at(59)),))
    deadline = world.deadline(61)
    assert (deadline.episode, deadline.due) == (1, at(168))


def test_a_base_that_was_never_published_keeps_nothing_open_once_it_is_left() -> None:
    world = World()
    other = scan(match("CVE-2026-9"))
    clean = published("p1", CLEAN, since=at(-5))
    world.see(0, base=("d1", CLEAN), published=(clean,))
    world.see(10, base=("d2", other), published=(clean,))
    assert world.deadline(11).state is State.WAITING_FOR_BASE
    world.see(20, base=("d3", CLEAN), published=(clean,))
    assert world.deadline(21).action.end == at(20)


def test_a_build_that_takes_away_what_its_base_has_is_fixed_and_stays_so() -> None:
    world = World()
    for hours, name in ((0, "d1"), (100, "d2"), (200, "d3")):
        built = published("p1", CLEAN, since=at(-5))
        world.see(hours, base=(name, BAD), published=(built,))
        assert world.deadline(hours + 1).is_closed
        assert world.deadline(hours + 1).episode == 1


def test_a_published_image_of_which_the_base_is_not_proven_does_not_excuse_the_base() -> None:
    world = World()
    world.see(0, base=("d1", BAD), published=(published("p1", CLEAN, since=at(-5), bases=()),))
    assert not world.deadline(1).is_closed


def test_a_place_that_nothing_is_published_of_ends_when_the_tree_stands_on_the_fix() -> None:
    world = World()
    for hours, name, what in ((0, "d1", BAD), (10, "d2", CLEAN)):
        unmapped = stand("Dockerfile", SLIM, name, is_mapped=False)
        world.see(hours, looked_at=(looked(SLIM, name, what),), stands=(unmapped,))
    deadline = world.deadline(11, ())
    assert (deadline.state, deadline.action.end) == (State.FIXED_UNRELEASED, at(10))


@pytest.mark.parametrize("mapped", [True, False])
def test_another_base_altogether_ends_what_the_old_one_had_once_it_is_proven(
    mapped: bool,  # noqa: FBT001
) -> None:
    world = World()
    images = (published("p1", BAD),) if mapped else ()
    old = stand("api", SLIM, "d1", is_mapped=mapped)
    world.see(0, looked_at=(looked(SLIM, "d1", BAD),), stands=(old,), published=images)
    new = stand("api", "alpine:3.22", "a1", is_mapped=mapped)
    products = ("api",) if mapped else ()
    world.see(10, stands=(new,), published=images)
    assert not world.deadline(11, products).is_closed  # nobody looked into the new base
    musl = scan(packages=(package("musl"),), diff_ids=OTHER_LAYERS)
    later = (published("p2", musl, since=at(19)),) if mapped else ()
    seen = (looked("alpine:3.22", "a1", musl),)
    world.see(20, looked_at=seen, stands=(new,), published=later)
    assert world.deadline(21, products).is_closed


def test_two_bases_at_one_place_must_both_be_free_of_it() -> None:
    world = World()
    places = [
        stand("Dockerfile", image, name, is_mapped=False)
        for image, name in ((SLIM, "d1"), ("debian:11-slim", "e1"))
    ]
    looks = (looked(SLIM, "d1", BAD), looked("debian:11-slim", "e1", BAD))
    world.see(0, looked_at=looks, stands=tuple(places))
    moved = (stand("Dockerfile", SLIM, "d2", is_mapped=False), places[1])
    looks = (looked(SLIM, "d2", CLEAN), looks[1])
    world.see(10, looked_at=looks, stands=moved)
    assert not world.deadline(11, ()).is_closed
    moved = (moved[0], stand("Dockerfile", "debian:11-slim", "e2", is_mapped=False))
    world.see(20, looked_at=(looks[0], looked("debian:11-slim", "e2", CLEAN)), stands=moved)
    assert world.deadline(21, ()).action.end == at(20)


def test_an_advisory_that_was_withdrawn_ends_it() -> None:
    world = World()
    world.see(0, base=("d1", BAD), published=(published("p1", BAD),))
    world.see(10, base=("d1", CLEAN), published=(published("p1", CLEAN),))
    deadline = world.deadline(11)
    assert deadline.is_closed
    assert "not found any more, though nobody fixed it" in deadline.notes
    assert of_kind(world.events, EventKind.MERGED) == []


def test_a_platform_that_is_no_longer_published_ends_its_findings() -> None:
    world = World()
    arm = "linux/arm64"
    both = (looked(SLIM, "d1", BAD), looked(SLIM, "d1", BAD, platform=arm))
    stands = (stand("api", SLIM, "d1"), stand("api", SLIM, "d1", platform=arm))
    world.see(0, looked_at=both, stands=stands)
    assert len(world.deadlines(1)) == 2
    image = published("p1", BAD, since=at(9), platforms=(AMD,))
    world.see(10, looked_at=both[:1], stands=stands[:1], published=(image,))
    told = {one.finding.platform: one.is_closed for one in world.deadlines(11)}
    assert told == {AMD: False, arm: True}
    world.see(20, looked_at=both, stands=stands, published=(image,))
    assert [one.episode for one in world.deadlines(21)] == [1, 1, 2]


def test_a_place_that_is_built_no_longer_keeps_nothing_open() -> None:
    world = World()
    unmapped = stand("old/Dockerfile", SLIM, "d1", is_mapped=False, place="old/Dockerfile")
    world.see(0, looked_at=(looked(SLIM, "d1", BAD),), stands=(unmapped,))
    world.see(10, is_whole=False)
    assert not world.deadline(11, ()).is_closed
    world.see(20)
    assert world.deadline(21, ()).action.end == at(20)
    world.see(30, looked_at=(looked(SLIM, "d1", BAD),), stands=(unmapped,))
    assert world.deadline(31, ()).episode == 2


def test_a_product_whose_dockerfile_is_gone_stays_open_while_its_image_is_published() -> None:
    world = World()
    world.see(0, base=("d1", BAD), published=(published("p1", BAD),))
    world.see(10, published=(published("p1", BAD),))
    assert not world.deadline(11).is_closed


@pytest.mark.parametrize(
    ("name", "mapped"), [("backend", True), ("Dockerfile", False)], ids=["renamed", "unmapped"]
)
def test_a_new_name_for_the_same_place_starts_no_clock_anew(
    name: str,
    mapped: bool,  # noqa: FBT001
) -> None:
    world = World()
    world.see(0, base=("d1", BAD), published=(published("p1", BAD),))
    images = (published("p1", BAD, product=name),) if mapped else ()
    new = stand(name, SLIM, "d1", is_mapped=mapped)
    world.see(100, looked_at=(looked(SLIM, "d1", BAD),), stands=(new,), published=images)
    (deadline,) = world.deadlines(101, (name,) if mapped else ())
    assert (deadline.product, deadline.due, deadline.episode) == (name, at(168), 1)


def test_a_name_that_returns_keeps_its_clock() -> None:
    world = World()
    for hours, name in ((0, "api"), (50, "backend"), (100, "api")):
        look, image = looked(SLIM, "d1", BAD), published("p1", BAD, product=name)
        stands = (stand(name, SLIM, "d1"),)
        world.see(hours, looked_at=(look,), stands=stands, published=(image,))
    (deadline,) = world.deadlines(101)
    assert (deadline.product, deadline.due) == ("api", at(168))


def test_what_the_own_layers_bring_is_of_the_own_lineage() -> None:
    world = World()
    own = match("CVE-2026-7", package("left-pad", layer=APP_LAYER))
    image = published("p1", scan(match(), own))
    world.see(0, base=("d1", BAD), published=(image,))
    told = {one.finding.vulnerability: one.finding.lineage for one in world.deadlines(1)}
    assert told == {"CVE-2026-1": "docker.io/library/debian:slim", "CVE-2026-7": OWN}


def test_a_finding_keeps_its_name_when_it_can_no_longer_be_told_where_it_comes_from() -> None:
    world = World()
    what = scan(match(of=package(layer=APP_LAYER)))
    unknown = published("p1", what, bases=(base_layers(SLIM, "d1", OTHER_LAYERS),))
    world.see(0, base=("d1", CLEAN), published=(unknown,))
    known = published("p2", what, since=at(9), bases=(base_layers(SLIM, "d1", BASE_LAYERS),))
    world.see(10, base=("d1", CLEAN), published=(known,))
    (deadline,) = world.deadlines(11)
    assert (deadline.due, deadline.is_closed) == (at(168), False)


def test_another_repository_that_stands_on_our_image_adds_nothing_to_ours() -> None:
    world = World()
    world.see(0, base=("d1", BAD), published=(published("p1", BAD),))
    theirs = stand("app", f"{OWN}:stable", "p1", place="app/Dockerfile")
    seen = (looked(f"{OWN}:stable", "p1", BAD),)
    world.see(1, repository="github.com/other/app", looked_at=seen, stands=(theirs,))
    assert [one.finding.lineage for one in world.deadlines(2)] == ["docker.io/library/debian:slim"]
