from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from basekeeper.tags.choose import choose_updates
from basekeeper.tags.updates import TagFacts, UpdateRules
from basekeeper.values.finding import Truth

NOW = datetime(2026, 11, 23, 21, tzinfo=UTC)
OLD, MIDDLE, NEW = (f"sha256:{letter * 64}" for letter in "abc")
WEEK = UpdateRules(minimum_age=timedelta(days=7))


def seen(digest: str, days: float | None, system: str | None = None) -> TagFacts:
    """A sight of `3.12-slim` some days ago."""
    when = None if days is None else NOW - timedelta(days=days)
    return TagFacts("3.12-slim", digest, pushed=when, os_release=system)


def test_newer_digest_of_the_same_tag() -> None:
    updates = choose_updates("python", f"3.12-slim@{OLD}", [seen(NEW, 1), seen(OLD, 30)], NOW)
    found = updates.digest
    assert (found.value, found.tag, found.digest, found.age) == (
        Truth.YES,
        "3.12-slim",
        NEW,
        timedelta(days=1),
    )
    assert found.reason.endswith("whether the operating system behind it changes is not known")


@pytest.mark.parametrize(
    ("current", "value", "reason"),
    [
        ("3.12-slim", Truth.NO, "no digest is pinned"),
        (f"3.12-slim@{NEW}", Truth.NO, "no newer digest of 3.12-slim was seen"),
        (f"3.13-slim@{OLD}", Truth.UNKNOWN, "the digest behind 3.13-slim is not known"),
        (f"@{OLD}", Truth.UNKNOWN, "a digest alone names no tag to follow"),
        (OLD, Truth.UNKNOWN, "a digest alone names no tag to follow"),
    ],
)
def test_why_there_is_no_newer_digest(current: str, value: Truth, reason: str) -> None:
    found = choose_updates("python", current, [seen(OLD, 9), seen(NEW, 1)], NOW).digest
    assert (found.value, found.reason) == (value, reason)


def test_pinning_style_proposes_a_first_digest() -> None:
    rules = UpdateRules(pinning="tag@digest")
    found = choose_updates("python", "3.12-slim", [seen(NEW, 1)], NOW, rules=rules).digest
    assert (found.digest, found.reason.startswith("pins what 3.12-slim")) == (NEW, True)


def test_matured_digest_is_proposed_instead_of_waiting_anew() -> None:
    history = [seen(NEW, 1), seen(MIDDLE, 8), seen(OLD, 30)]
    found = choose_updates("python", f"3.12-slim@{OLD}", history, NOW, rules=WEEK).digest
    assert (found.digest, found.waiting) == (MIDDLE, "3.12-slim")
    again = choose_updates("python", f"3.12-slim@{MIDDLE}", history, NOW, rules=WEEK).digest
    assert (again.value, again.waiting_until) == (Truth.NO, NOW + timedelta(days=6))


def test_daily_pushes_do_not_hold_a_version_back_for_ever() -> None:
    tags: list[str | TagFacts] = [
        "3.12.4",
        *(
            TagFacts("3.12.5", f"sha256:{day:064x}", pushed=NOW - timedelta(days=day))
            for day in range(1, 12)
        ),
    ]
    found = choose_updates("python", "3.12.4", tags, NOW, rules=WEEK).patch
    assert (found.tag, found.digest) == ("3.12.5", f"sha256:{7:064x}")


def test_older_version_that_is_old_enough_beats_a_young_one() -> None:
    tags = [
        TagFacts("3.12.4"),
        TagFacts("3.12.5", pushed=NOW - timedelta(days=9)),
        TagFacts("3.12.6", pushed=NOW - timedelta(days=2)),
    ]
    found = choose_updates("python", "3.12.4", tags, NOW, rules=WEEK).patch
    assert (found.tag, found.waiting, found.waiting_until) == (
        "3.12.5",
        "3.12.6",
        NOW + timedelta(days=5),
    )


def test_unknown_age_neither_passes_nor_holds_for_ever() -> None:
    unseen = choose_updates("python", "3.12.4", ["3.12.5"], NOW, rules=WEEK).patch
    assert (unseen.value, unseen.waiting, unseen.waiting_until) == (Truth.UNKNOWN, "3.12.5", None)
    assert "counts from the day it is first seen" in unseen.reason
    tags = [TagFacts("3.12.5", first_seen=NOW - timedelta(days=7))]
    assert choose_updates("python", "3.12.4", tags, NOW, rules=WEEK).patch.tag == "3.12.5"
    tags = [TagFacts("3.12.5", first_seen=NOW - timedelta(days=6))]
    young = choose_updates("python", "3.12.4", tags, NOW, rules=WEEK).patch
    assert (young.value, young.waiting_until) == (Truth.NO, NOW + timedelta(days=1))


def test_push_in_the_future_tells_no_age() -> None:
    tomorrow = NOW + timedelta(days=1)
    tags = [TagFacts("3.12.5", pushed=tomorrow, first_seen=NOW - timedelta(days=8))]
    assert choose_updates("python", "3.12.4", tags, NOW, rules=WEEK).patch.tag == "3.12.5"
    tags = [TagFacts("3.12.5", pushed=tomorrow)]
    found = choose_updates("python", "3.12.4", tags, NOW, rules=WEEK).patch
    assert found.value is Truth.UNKNOWN


def test_digest_of_unknown_age_waits_with_its_reason() -> None:
    history = [seen(NEW, None)]
    found = choose_updates("python", f"3.12-slim@{OLD}", history, NOW, rules=WEEK).digest
    assert (found.value, found.waiting) == (Truth.UNKNOWN, "3.12-slim")
    assert "not known" in found.reason


def test_other_system_under_the_same_tag_is_drift_and_no_digest_update() -> None:
    history = [seen(NEW, 1, "debian 13"), seen(OLD, 30, "debian 12")]
    updates = choose_updates("python", f"3.12-slim@{OLD}", history, NOW)
    assert updates.digest.value is Truth.NO
    assert "another operating system" in updates.digest.reason
    assert updates.flags["os_drift"] == (
        "3.12-slim moved to another operating system: debian 12 → debian 13"
    )
    assert [(one.axis, one.tag, one.digest, one.os_change) for one in updates.moves] == [
        ("os", "3.12-slim", NEW, "debian 12 → debian 13")
    ]


def test_digest_before_the_drift_is_still_a_refresh() -> None:
    history = [seen(NEW, 1, "debian 13"), seen(MIDDLE, 8, "debian 12"), seen(OLD, 30, "debian 12")]
    updates = choose_updates("python", f"3.12-slim@{OLD}", history, NOW)
    assert updates.digest.digest == MIDDLE
    assert "os_drift" in updates.flags


def test_point_releases_are_no_drift() -> None:
    history = [seen(NEW, 1, "alpine 3.20.5"), seen(OLD, 30, "alpine 3.20.1")]
    updates = choose_updates("python", f"3.12-slim@{OLD}", history, NOW)
    assert (updates.digest.digest, "os_drift" in updates.flags) == (NEW, False)


def test_drift_is_told_where_no_digest_is_pinned() -> None:
    current = TagFacts("3.12-slim", os_release='ID=debian\nVERSION_ID="12"\n')
    updates = choose_updates("python", current, [seen(NEW, 1, "debian 13")], NOW)
    assert ("os_drift" in updates.flags, updates.moves) == (True, ())


def test_version_that_brings_another_system_says_so() -> None:
    current = TagFacts("3.12.11-slim", os_release="debian 12")
    tags = [TagFacts("3.12.12-slim", os_release="debian 13")]
    found = choose_updates("python", current, tags, NOW).patch
    assert found.os_change == "debian 12 → debian 13"
    assert "the operating system behind it changes" in found.reason


@pytest.mark.parametrize(
    ("image", "kind", "new", "releases"),
    [
        ("alpine:3.22", "minor", "3.24", ("alpine 3.22", "alpine 3.24")),
        ("debian:bookworm-slim", "major", "trixie-slim", ("debian 12", "debian 13")),
        ("python:3.12-alpine3.22", "os", "3.12-alpine3.24", ("alpine 3.22", "alpine 3.24")),
        ("python:3.12-slim-bookworm", "os", "3.12-slim-trixie", ("debian 12", "debian 13")),
    ],
)
def test_system_that_the_moved_part_of_the_tag_names_is_no_change_unseen(
    image: str, kind: str, new: str, releases: tuple[str, str]
) -> None:
    repository, _, old = image.partition(":")
    current, newer = (TagFacts(t, os_release=o) for t, o in zip((old, new), releases, strict=True))
    updates = choose_updates(repository, current, [newer], NOW)
    found = next(one for one in (*updates.choices, *updates.moves) if one.kind == kind)
    assert (found.tag, found.os_change) == (new, None)


def test_unreadable_release_is_unknown() -> None:
    history = [seen(NEW, 1, "???"), seen(OLD, 30, "debian 12")]
    updates = choose_updates("python", f"3.12-slim@{OLD}", history, NOW)
    assert (updates.digest.digest, "os_drift" in updates.flags) == (NEW, False)


def test_older_content_behind_a_tag_is_no_update() -> None:
    current = TagFacts("3.12-slim", NEW, pushed=NOW - timedelta(days=3))
    updates = choose_updates("python", current, [seen(OLD, 30)], NOW)
    assert updates.digest.value is Truth.NO


def test_digest_that_lacks_a_needed_platform_is_left_out() -> None:
    rules = UpdateRules(platforms=frozenset({"linux/arm64"}))
    tags = [TagFacts("3.12-slim", NEW, platforms=("linux/amd64",))]
    found = choose_updates("python", f"3.12-slim@{OLD}", tags, NOW, rules=rules).digest
    assert found.value is Truth.NO


def test_signatures_and_broken_digests_are_left_out() -> None:
    tags: list[str | TagFacts] = [
        f"sha256-{'a' * 64}.sig",
        TagFacts("1.1", "sha256:nonsense"),
        "1.2 x",
        "-1.3",
        "",
    ]
    found = choose_updates("x/y", "1.0", tags, NOW).minor
    assert (found.tag, found.digest) == ("1.1", None)


def test_age_counts_from_the_earliest_proven_instant() -> None:
    pushed_again = TagFacts(
        "3.12.5", NEW, pushed=NOW - timedelta(days=1), first_seen=NOW - timedelta(days=9)
    )
    found = choose_updates("python", "3.12.4", [pushed_again], NOW, rules=WEEK).patch
    assert (found.tag, found.age) == ("3.12.5", timedelta(days=9))


def test_what_several_tell_of_one_digest_is_brought_together() -> None:
    tags = [
        TagFacts("3.12.5"),
        TagFacts("3.12.5", NEW, os_release="debian 13"),
        TagFacts("3.12.5", NEW, pushed=NOW - timedelta(days=1)),
        TagFacts("3.12.5", NEW, first_seen=NOW - timedelta(days=9)),
    ]
    current = TagFacts("3.12.4", os_release="debian 12")
    found = choose_updates("python", current, tags, NOW, rules=WEEK).patch
    assert (found.digest, found.age) == (NEW, timedelta(days=9))
    assert found.os_change == "debian 12 → debian 13"


def test_digest_of_unknown_system_is_no_refresh_where_the_system_changed() -> None:
    history = [seen(NEW, 1, "debian 13"), seen(MIDDLE, 8), seen(OLD, 30, "debian 12")]
    updates = choose_updates("python", f"3.12-slim@{OLD}", history, NOW)
    assert updates.digest.value is Truth.NO
    assert "os_drift" in updates.flags


def test_part_of_a_longer_rebuild_is_never_proposed() -> None:
    rules = UpdateRules(settle=timedelta(hours=6))
    history = [seen(NEW, 0.1), seen(MIDDLE, 0.3), seen(OLD, 30)]
    moving = choose_updates("python", f"3.12-slim@{OLD}", history, NOW, rules=rules).digest
    assert (moving.value, moving.waiting_until) == (Truth.NO, NOW + timedelta(days=0.15))
    history = [seen(NEW, 1), seen(MIDDLE, 1.2), seen(OLD, 30)]
    settled = choose_updates("python", f"3.12-slim@{OLD}", history, NOW, rules=rules).digest
    assert settled.digest == NEW
    history = [seen(NEW, 0.1), seen(MIDDLE, 1.2), seen(OLD, 30)]
    earlier = choose_updates("python", f"3.12-slim@{OLD}", history, NOW, rules=rules).digest
    assert (earlier.digest, earlier.waiting) == (MIDDLE, "3.12-slim")


@pytest.mark.parametrize("platform", ["windows/amd64", "linux/arm64/v8", "linux/arm"])
def test_platforms_are_compared_as_builders_do(platform: str) -> None:
    present = ("windows/amd64:10.0.20348.2700", "linux/arm64", "linux/arm/v7")
    rules = UpdateRules(platforms=frozenset({platform}))
    tags = [TagFacts("1.1", platforms=present)]
    assert choose_updates("x/y", "1.0", tags, NOW, rules=rules).minor.tag == "1.1"


def test_digest_that_lacks_a_platform_is_named() -> None:
    rules = UpdateRules(platforms=frozenset({"linux/arm64"}))
    tags = [TagFacts("3.12-slim", NEW, platforms=("linux/amd64",))]
    found = choose_updates("python", f"3.12-slim@{OLD}", tags, NOW, rules=rules).digest
    assert found.reason == "the newer digest of 3.12-slim lacks linux/arm64"


def test_many_sights_of_one_tag_cost_no_more_than_many_tags() -> None:
    sights = [
        TagFacts("1.1", f"sha256:{number:064x}", first_seen=NOW - timedelta(minutes=number))
        for number in range(30_000)
    ]
    found = choose_updates("x/y", "1.0", sights, NOW, rules=WEEK).minor
    assert found.age == timedelta(days=7)


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        (UpdateRules(minimum_age=timedelta(days=3), settle=timedelta(hours=6)), "3 days"),
        (UpdateRules(minimum_age=timedelta(hours=1), settle=timedelta(minutes=90)), "90 minutes"),
        (UpdateRules(minimum_age=timedelta(days=1)), "1 day"),
        (UpdateRules(minimum_age=timedelta(seconds=90)), "0:01:30"),
    ],
)
def test_what_is_too_young_says_how_old_it_must_be(rules: UpdateRules, words: str) -> None:
    tags = [TagFacts("1.1", pushed=NOW)]
    young = choose_updates("x/y", "1.0", tags, NOW, rules=rules).minor
    assert f"is younger than {words}," in young.reason
    history = [TagFacts("3.12-slim", NEW, pushed=NOW)]
    digest = choose_updates("python", f"3.12-slim@{OLD}", history, NOW, rules=rules).digest
    assert digest.reason == f"the newer digest is younger than {words}"
