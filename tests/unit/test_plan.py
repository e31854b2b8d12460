from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest

from basekeeper.plan import candidates, changes, left_out, standings
from basekeeper.plan.unread import unread_tags
from basekeeper.policy.load import load_config
from basekeeper.policy.patterns import parse_pattern
from basekeeper.tags.updates import TagFacts, TagList
from basekeeper.values.change import NoteKind
from basekeeper.values.event import Sight
from basekeeper.values.finding import Truth
from basekeeper.values.image import Image, ImageConfig, Pointer, Publisher, Unknown
from basekeeper.values.reference import parse_reference
from basekeeper.values.resolution import Inside, Resolution, Resolutions
from basekeeper.values.use import Kind, Role, Survey, Use, Via

if TYPE_CHECKING:
    from basekeeper.policy.updates import UpdatePolicy
    from basekeeper.values.change import ChangePlan, Standing

NOW = datetime(2026, 11, 23, 21, tzinfo=UTC)
OLD, MIDDLE, NEW, OTHER = (f"sha256:{letter * 64}" for letter in "abcd")
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
AMD, ARM = "linux/amd64", "linux/arm64"
AT_ONCE = '[updates]\nminimum_age = "0 days"\nsettle = "0 days"\n'


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def policy(text: str = "") -> UpdatePolicy:
    return load_config({"basekeeper.toml": text.encode()}.get).updates


def use(text: str, line: int = 1, path: str = "Dockerfile", platform: str | None = None) -> Use:
    return Use(
        path=path,
        line=line,
        end_line=line,
        column=6,
        span=None,
        via=Via.FROM,
        raw=text,
        text=text,
        kind=Kind.CONCRETE,
        reference=parse_reference(text),
        problem=None,
        role=Role.FINAL,
        platform=platform,
    )


def inside(digest: str, release: str | None = None, **platforms: str) -> Inside:
    """An index with a manifest for each platform, `arm64="x"` and so on."""
    found = {
        f"linux/{name}": f"sha256:{it * 64}" for name, it in (platforms or {"amd64": "1"}).items()
    }
    image = Image(digest=digest, media_type=INDEX, platforms=found)
    return Inside(digest=digest, image=image, os_release=release)


def told(
    text: str, pointer: str | None = None, tags: str | TagList | Unknown | None = "", **more: object
) -> Resolution:
    if isinstance(tags, str):
        tags = TagList(tuple(TagFacts(tag) for tag in tags.split()))
    return Resolution(
        reference=parse_reference(text),
        pointer=None if pointer is None else Pointer(pointer),
        tags=tags,
        **more,  # type: ignore[arg-type]
    )


def stand(
    *resolutions: Resolution, rules: str = AT_ONCE, sights: tuple[Sight, ...] = (), of: int = 1
) -> Standing:
    """How the first image stands."""
    survey = Survey("/", (), tuple(use(str(one.reference)) for one in resolutions[:of]))
    found = standings(
        survey,
        Resolutions({str(one.reference): one for one in resolutions}),
        policy(rules),
        NOW,
        sights={resolutions[0].reference.name: sights},
    )
    return found[0]


def kinds_of(standing: Standing) -> dict[str, str]:
    assert not isinstance(standing.updates, Unknown)
    return {one.kind: one.tag or "" for one in standing.updates.choices if one}


def notes_of(standing: Standing) -> dict[NoteKind, str]:
    return {note.kind: str(note) for note in standing.notes}


def taken(plan: ChangePlan) -> list[tuple[str, str]]:
    return [(one.choice.kind, one.to.familiar) for one in plan.changes]


# ── Standings ────────────────────────────────────────────────────────────────────────────────


def test_one_standing_for_each_distinct_image_with_all_its_uses() -> None:
    first, second = use("python:3.12", 3), use("docker.io/library/python:3.12", 9)
    third = use("alpine:3.22", path="a/Dockerfile")
    found = standings(Survey("/", (), (first, second, third)), Resolutions({}), policy(), NOW)
    assert [(str(one.reference), one.uses) for one in found] == [
        ("docker.io/library/alpine:3.22", (third,)),
        ("docker.io/library/python:3.12", (first, second)),
    ]
    assert found[0].updates == Unknown("was not looked up")


def test_what_names_no_image_is_told() -> None:
    scratch = replace(use("scratch"), kind=Kind.SCRATCH, reference=None)
    opaque = replace(use("x"), kind=Kind.OPAQUE, reference=None, problem="ARG X is unset")
    found = left_out(Survey("/", (), (scratch, use("python"), opaque)))
    assert [(one.use, one.reason) for one in found] == [
        (scratch, "the empty base has no versions"),
        (opaque, "ARG X is unset"),
    ]


def test_what_could_not_be_asked_is_unknown_with_its_reason() -> None:
    down = Unknown("docker.io is not reachable")
    standing = stand(Resolution(reference=parse_reference("python:3.12"), pointer=down, tags=down))
    assert standing.updates == down
    assert notes_of(standing)[NoteKind.UNRESOLVED] == "tags: docker.io is not reachable"


def test_without_a_list_the_digest_is_still_answered_and_the_rest_unknown() -> None:
    standing = stand(told(f"python:3.12@{OLD}", NEW, Unknown("denied"), current=inside(OLD)))
    assert not isinstance(standing.updates, Unknown)
    assert standing.updates.digest.digest == NEW
    assert standing.updates.minor.value is Truth.UNKNOWN
    assert "vanished" not in standing.updates.flags


def test_incomplete_list_is_told() -> None:
    tags = TagList((TagFacts("3.12"),), problem="it has more than 100 pages")
    standing = stand(told("python:3.12", OLD, tags))
    assert notes_of(standing) == {
        NoteKind.INCOMPLETE: "the list of tags may lack some: it has more than 100 pages"
    }


def test_ghost_tag_can_be_pulled_but_is_not_listed() -> None:
    standing = stand(told("python:3.12.1", OLD, "3.12.7 3.12.9"))
    assert NoteKind.GHOST_TAG in notes_of(standing)
    assert not isinstance(standing.updates, Unknown)
    assert standing.updates.flags["vanished"] == "3.12.1 is missing from the complete list of tags"
    gone = Resolution(
        reference=parse_reference("python:3.12.1"),
        pointer=Unknown("not found or no access"),
        tags=TagList((TagFacts("3.12.7"),)),
    )
    assert NoteKind.GHOST_TAG not in notes_of(stand(gone))
    cut = TagList((TagFacts("3.12.7"),), problem="cut")
    assert NoteKind.GHOST_TAG not in notes_of(stand(told("python:3.12.1", OLD, cut)))


@pytest.mark.parametrize(
    ("image", "env", "release", "note"),
    [
        ("python:3.12", {"PYTHON_VERSION": "3.11.9"}, None, "holds version 3.11.9"),
        ("python:3.12", {"PYTHON_VERSION": "3.12.9"}, None, None),
        ("python:3.12-bookworm", {}, "debian 11", "stands on debian 11"),
        ("python:3.12-bookworm", {}, "debian 12", None),
        ("python:3.12-slim", {}, "debian 11", None),
        ("alpine:3.22", {}, "alpine 3.22.1", None),
    ],
)
def test_lying_pin(image: str, env: dict[str, str], release: str | None, note: str | None) -> None:
    config = ImageConfig(digest=OTHER, manifest=OTHER, platform=AMD, env=MappingProxyType(env))
    image_ = Image(digest=OLD, media_type=INDEX, platforms={AMD: OTHER})
    within = Inside(digest=OLD, image=image_, configs={AMD: config}, os_release=release)
    found = notes_of(stand(told(f"{image}@{OLD}", NEW, image, current=within)))
    said = found.get(NoteKind.LYING_PIN)
    assert said == (f"the digest beside {image.partition(':')[2]} {note}" if note else None)


def test_lying_pin_by_the_list() -> None:
    tags = TagList((TagFacts("3.12", NEW), TagFacts("3.11", OLD), TagFacts("3.11.9", OLD)))
    said = notes_of(stand(told(f"python:3.12@{OLD}", NEW, tags)))[NoteKind.LYING_PIN]
    assert said == "the digest beside 3.12 is that of 3.11.9"
    tags = TagList((TagFacts("3.12", NEW), TagFacts("3.12.1", OLD), TagFacts("slim", OLD)))
    assert NoteKind.LYING_PIN not in notes_of(stand(told(f"python:3.12@{OLD}", NEW, tags)))


def test_tag_behind_a_digest_alone_is_named() -> None:
    tags = TagList((TagFacts("3.12-slim", OLD), TagFacts("3.12.4-slim", OLD), TagFacts("3", NEW)))
    standing = stand(told(f"python@{OLD}", None, tags))
    assert notes_of(standing) == {
        NoteKind.TAG_OF_DIGEST: "this digest is, or was, tagged 3.12.4-slim, 3.12-slim"
    }
    assert taken(changes([standing])) == []


@pytest.mark.parametrize(
    ("told_of_it", "notes"),
    [
        (None, {}),
        (
            date(2026, 5, 14),
            {
                NoteKind.REPLACED: "this digest is replaced as of 2026-05-14, which is not the end"
                " of its product"
            },
        ),
        (
            Unknown("no answer"),
            {NoteKind.REPLACED_UNKNOWN: "whether this digest is replaced is not known: no answer"},
        ),
    ],
)
def test_a_replaced_digest_is_told(
    told_of_it: date | Unknown | None, notes: dict[NoteKind, str]
) -> None:
    assert notes_of(stand(told("acme/tool:1", OLD, "1", replaced_on=told_of_it))) == notes


def test_archived_repository_is_told() -> None:
    standing = stand(told("acme/tool:1", OLD, "1", publisher=Publisher(archived=True)))
    assert notes_of(standing) == {NoteKind.ENDED: "docker.io/acme/tool is archived by its owner"}


def test_tag_moved_back_is_told_and_what_was_withdrawn_is_not_proposed() -> None:
    sights = (Sight("3.12", OLD, ago(30)), Sight("3.12", NEW, ago(5)))
    standing = stand(told(f"python:3.12@{OLD}", OLD, "3.12"), sights=sights)
    assert kinds_of(standing) == {}
    assert notes_of(standing) == {
        NoteKind.MOVED_BACK: f"3.12 was moved back to older content; on 2026-11-18 it was {NEW}"
    }
    pinned = stand(told(f"python:3.12@{NEW}", OLD, "3.12"), sights=sights)
    assert kinds_of(pinned) == {}
    assert notes_of(pinned)[NoteKind.MOVED_BACK].endswith(", which is pinned here")


def test_tags_that_only_the_ledger_knows_are_not_proposed() -> None:
    sights = (Sight("3.13", NEW, ago(30)),)
    assert kinds_of(stand(told("python:3.12", OLD, "3.12"), sights=sights)) == {}


# ── Ages ─────────────────────────────────────────────────────────────────────────────────────


def test_unknown_age_is_shown_and_not_taken() -> None:
    standing = stand(told("python:3.12.1", OLD, "3.12.1 3.12.9"), rules="")
    assert not isinstance(standing.updates, Unknown)
    patch = standing.updates.patch
    assert (patch.value, patch.waiting, patch.waiting_until) == (Truth.UNKNOWN, "3.12.9", None)
    plan = changes([standing])
    assert plan.changes == ()
    assert ["age is not known" in one.reason for one in plan.withheld] == [True]


def test_first_sight_lets_an_unknown_age_pass_in_time() -> None:
    tags = "3.12.1 3.12.9"
    for days, expected in ((2, []), (3, [("patch", "python:3.12.9")])):
        sights = (Sight("3.12.9", NEW, ago(days)),)
        standing = stand(told("python:3.12.1", OLD, tags), rules="", sights=sights)
        assert taken(changes([standing])) == expected


def test_by_hand_any_age_is_taken() -> None:
    survey = Survey("/", (), (use("python:3.12.1"),))
    found = Resolutions({"docker.io/library/python:3.12.1": told("python:3.12.1", OLD, "3.12.9")})
    (standing,) = standings(survey, found, policy().at_any_age(), NOW)
    assert taken(changes([standing])) == [("patch", "python:3.12.9")]


def test_matured_digest_is_proposed_where_the_newest_is_too_young() -> None:
    sights = (
        Sight("3.12", OLD, ago(30)),
        Sight("3.12", MIDDLE, ago(4)),
        Sight("3.12", NEW, ago(1)),
    )
    standing = stand(told(f"python:3.12@{OLD}", NEW, "3.12"), rules="", sights=sights)
    assert taken(changes([standing])) == [("digest", f"python:3.12@{MIDDLE}")]


def test_rebuild_of_several_moves_is_one_update() -> None:
    sights = (
        Sight("3.12", OLD, ago(30)),
        Sight("3.12", MIDDLE, NOW - timedelta(days=3, hours=2)),
        Sight("3.12", NEW, NOW - timedelta(days=3, hours=-1)),
    )
    resolution = told(f"python:3.12@{OLD}", NEW, "3.12")
    assert taken(changes([stand(resolution, rules="", sights=sights)])) == []
    later = tuple(Sight(one.tag, one.digest, one.at - timedelta(hours=2)) for one in sights)
    assert taken(changes([stand(resolution, rules="", sights=later)])) == [
        ("digest", f"python:3.12@{NEW}")
    ]


# ── Platforms ────────────────────────────────────────────────────────────────────────────────


OTHERS = "images of platforms that are not built here"


@pytest.mark.parametrize(
    ("new", "note"),
    [
        (inside(NEW, amd64="2", arm64="3"), None),
        (inside(NEW, amd64="1", arm64="4"), "images of platforms that are not built here"),
        (
            inside(NEW, amd64="1", arm64="3", s390x="5"),
            "images of platforms that are not built here",
        ),
        (inside(NEW, amd64="1", arm64="3"), "attestations or annotations, but no image"),
    ],
)
def test_platforms_that_nobody_builds_do_not_count(new: Inside, note: str | None) -> None:
    old = inside(OLD, amd64="1", arm64="3")
    resolution = told(f"python:3.12@{OLD}", NEW, "3.12", current=old, newest=new)
    standing = stand(resolution)
    expected = [] if note else [("digest", f"python:3.12@{NEW}")]
    assert taken(changes([standing])) == expected
    assert notes_of(standing).get(NoteKind.NO_RELEVANT_CHANGE) == (
        f"the new digest of 3.12 brings {note}: no update" if note else None
    )
    always = stand(resolution, rules=AT_ONCE + 'digest_change = "any"\n')
    assert taken(changes([always])) == [("digest", f"python:3.12@{NEW}")]


def test_platform_of_the_instruction_decides_what_counts() -> None:
    old, new = inside(OLD, amd64="1", arm64="3"), inside(NEW, amd64="1", arm64="4")
    resolution = told(f"python:3.12@{OLD}", NEW, "3.12", current=old, newest=new)
    found = Resolutions({str(resolution.reference): resolution})
    survey = Survey("/", (), (use(str(resolution.reference), platform="linux/arm64/v8"),))
    (standing,) = standings(survey, found, policy(AT_ONCE), NOW)
    assert standing.platforms == (ARM,)
    assert taken(changes([standing])) == [("digest", f"python:3.12@{NEW}")]


def test_digest_that_lost_a_platform_is_told_and_not_taken() -> None:
    old, new = inside(OLD, amd64="1", arm64="3"), inside(NEW, arm64="4")
    standing = stand(told(f"python:3.12@{OLD}", NEW, "3.12", current=old, newest=new))
    assert taken(changes([standing])) == []
    assert (
        notes_of(standing)[NoteKind.PLATFORM_LOST] == "what 3.12 stands for now lacks linux/amd64"
    )


def test_platforms_of_a_list_hold_before_anything_is_looked_into() -> None:
    tags = {"3.12": (AMD, ARM), "3.13": (AMD,), "3.14": (ARM,)}
    listed = TagList(tuple(TagFacts(tag, platforms=has) for tag, has in tags.items()))
    assert kinds_of(stand(told("python:3.12", OLD, listed))) == {"minor": "3.13"}


def test_image_of_another_system_is_not_held_to_the_default_platform() -> None:
    old = inside(OLD, arm64="1")
    new = told("acme/tool:2", NEW, None, current=inside(NEW, arm64="2"))
    standing = stand(told("acme/tool:1", OLD, "1 2", current=old), new)
    assert kinds_of(standing) == {"major": "2"}


# ── Changes ──────────────────────────────────────────────────────────────────────────────────


TAGS = "3.12.4-slim 3.12.9-slim 3.13.1-slim 4.0.0-slim"


@pytest.mark.parametrize(
    ("kinds", "rules", "expected"),
    [
        (None, "", ("minor", "python:3.13.1-slim")),
        ({"patch"}, "", ("patch", "python:3.12.9-slim")),
        ({"patch", "major"}, "", ("major", "python:4.0.0-slim")),
        (None, 'kinds = ["major"]', ("major", "python:4.0.0-slim")),
        ({"minor"}, 'kinds = ["patch"]', None),
        ({"digest"}, "", None),
        (None, 'allowed = "<3.13"', ("patch", "python:3.12.9-slim")),
    ],
)
def test_largest_wanted_step_is_taken(
    kinds: set[str] | None, rules: str, expected: tuple[str, str] | None
) -> None:
    standing = stand(told("python:3.12.4-slim", OLD, TAGS), rules=AT_ONCE + rules)
    assert taken(changes([standing], kinds=kinds)) == ([expected] if expected else [])


def test_other_axes_move_only_where_asked_for() -> None:
    resolution = told("python:3.12-bookworm", OLD, "3.12-bookworm 3.12-trixie")
    assert taken(changes([stand(resolution)])) == []
    asked = changes([stand(resolution)], kinds={"os"})
    assert taken(asked) == [("os", "python:3.12-trixie")]
    by_rule = stand(resolution, rules=AT_ONCE + 'kinds = ["patch", "os"]\n')
    assert taken(changes([by_rule])) == [("os", "python:3.12-trixie")]


def test_patterns_select_images() -> None:
    survey = Survey("/", (), (use("python:3.12"), use("node:22")))
    found = [told("python:3.12", OLD, "3.12 3.13"), told("node:22", OLD, "22 24")]
    all_ = standings(
        survey, Resolutions({str(one.reference): one for one in found}), policy(AT_ONCE), NOW
    )
    kinds = {"minor", "major"}
    only = changes(all_, kinds=kinds, images=[parse_pattern("node")])
    assert taken(only) == [("major", "node:24")]
    assert len(changes(all_, kinds=kinds).changes) == 2


def test_tag_and_digest_move_together() -> None:
    tags = TagList((TagFacts("3.12", OLD), TagFacts("3.13", NEW)))
    standing = stand(told(f"python:3.12@{OLD}", OLD, tags))
    assert taken(changes([standing])) == [("minor", f"python:3.13@{NEW}")]


def test_unknown_digest_is_looked_up_or_the_change_is_withheld() -> None:
    resolution = told(f"python:3.12@{OLD}", OLD, "3.12 3.13")
    standing = stand(resolution)
    plan = changes([standing])
    assert plan.changes == ()
    assert plan.withheld[0].reason == (
        "the digest of 3.13 is not known, and tag and digest move together"
    )
    asked = candidates([standing], Resolutions({str(resolution.reference): resolution}))
    assert [one.familiar for one in asked] == ["python:3.13", f"python@{OLD}"]
    answers = (
        told("python:3.13", NEW, None, current=inside(NEW)),
        told(f"python@{OLD}", None, None, current=inside(OLD)),
    )
    again = stand(resolution, *answers)
    assert taken(changes([again])) == [("minor", f"python:3.13@{NEW}")]
    everything = {str(one.reference): one for one in (resolution, *answers)}
    assert candidates([again], Resolutions(everything)) == ()


def test_image_in_use_is_looked_into_so_that_a_change_of_the_system_shows() -> None:
    resolution = told("python:3.12.4", OLD, "3.12.4 3.12.9")
    standing = stand(resolution)
    assert taken(changes([standing])) == [("patch", "python:3.12.9")]
    asked = candidates([standing], Resolutions({str(resolution.reference): resolution}))
    assert [one.familiar for one in asked] == ["python:3.12.9", f"python@{OLD}"]
    again = stand(
        resolution,
        told("python:3.12.9", NEW, None, current=inside(NEW, "debian 13")),
        told(f"python@{OLD}", None, None, current=inside(OLD, "debian 12")),
    )
    assert changes([again]).changes == ()
    assert not isinstance(again.updates, Unknown)
    assert again.updates.patch.os_change == "debian 12 → debian 13"


def test_tag_that_another_file_uses_already_is_looked_into_all_the_same() -> None:
    resolution = told("python:3.12.4", OLD, "3.12.4 3.12.9")
    used = told("python:3.12.9", NEW, "3.12.4 3.12.9")
    standing = stand(resolution, used)
    everything = {str(one.reference): one for one in (resolution, used)}
    asked = candidates([standing], Resolutions(everything))
    assert [one.familiar for one in asked] == [f"python@{OLD}", f"python@{NEW}"]
    answers = (
        told(f"python@{OLD}", None, None, current=inside(OLD, "debian 12")),
        told(f"python@{NEW}", None, None, current=inside(NEW, "debian 13")),
    )
    again = stand(resolution, used, *answers)
    assert changes([again]).changes == ()
    everything |= {str(one.reference): one for one in answers}
    assert candidates([again], Resolutions(everything)) == ()


GONE = Unknown("not found, or no access to it")


@pytest.mark.parametrize(
    "answer",
    [
        replace(told("python:3.13", None, None), pointer=GONE),
        told("python:3.13", NEW, None, current=Inside(digest=NEW, image=GONE)),
    ],
)
@pytest.mark.parametrize("image", ["python:3.12", f"python:3.12@{OLD}"])
def test_what_is_listed_but_cannot_be_read_is_not_moved_to(image: str, answer: Resolution) -> None:
    listed = TagList((TagFacts("3.12", OLD), TagFacts("3.13", NEW)))
    resolution = told(image, OLD, listed)
    assert [kind for kind, _ in taken(changes([stand(resolution)]))] == ["minor"]
    standing = stand(resolution, answer)
    assert changes([standing]).changes == ()
    assert not isinstance(standing.updates, Unknown)
    minor = standing.updates.minor
    assert minor.value is Truth.UNKNOWN
    assert minor.reason == "3.13 is listed, but could not be read: not found, or no access to it"


LOST = replace(GONE, lasting=True)


@pytest.mark.parametrize(
    "answer",
    [
        replace(told("python:3.14", None, None), pointer=LOST),
        told("python:3.14", NEW, None, current=Inside(digest=NEW, image=LOST)),
        told(f"python@{NEW}", None, None, current=Inside(digest=NEW, image=LOST)),
    ],
)
def test_the_next_lower_tag_is_offered_where_the_best_is_gone_for_good(answer: Resolution) -> None:
    tags = (TagFacts("3.12", OLD), TagFacts("3.13", MIDDLE), TagFacts("3.14", NEW))
    resolution = told("python:3.12", OLD, TagList(tags))
    assert taken(changes([stand(resolution)])) == [("minor", "python:3.14")]
    standing = stand(resolution, answer)
    assert taken(changes([standing])) == [("minor", "python:3.13")]
    assert not isinstance(standing.updates, Unknown)
    said = f"3.14 is left out, as it could not be read: {LOST.reason}"
    assert said in standing.updates.minor.reason
    assert said in (standing.updates.minor.remark or "")
    alone = stand(replace(resolution, tags=TagList((tags[0], tags[2]))), answer)
    assert not isinstance(alone.updates, Unknown)
    assert alone.updates.minor.value is Truth.UNKNOWN
    assert alone.updates.minor.reason == f"no newer minor than 3.12; {said}"


def test_a_tag_that_waits_names_the_better_one_that_is_gone() -> None:
    tags = (TagFacts("3.12", OLD), TagFacts("3.13", MIDDLE), TagFacts("3.14", NEW))
    gone = replace(told("python:3.14", None, None), pointer=LOST)
    standing = stand(told("python:3.12", OLD, TagList(tags)), gone, rules="")
    assert not isinstance(standing.updates, Unknown)
    assert standing.updates.minor.waiting == "3.13"
    assert "3.14 is left out, as it could not be read" in standing.updates.minor.reason


def test_what_a_tag_stands_for_now_counts_and_not_what_its_list_says() -> None:
    broken = {NEW: Inside(digest=NEW, image=LOST), OLD: Inside(digest=OLD, image=GONE)}
    listed = (TagFacts("1", NEW), TagFacts("2", NEW), TagFacts("3", OLD), TagFacts("4"))
    moved = told("acme/tool:1", MIDDLE, None)
    assert unread_tags([moved], listed, broken) == {"2": LOST.reason}


def test_a_digest_that_cannot_be_read_is_not_moved_to() -> None:
    resolution = told(f"python:3.12@{OLD}", NEW, "3.12", current=inside(OLD))
    assert taken(changes([stand(resolution)])) == [("digest", f"python:3.12@{NEW}")]
    broken = replace(resolution, newest=Inside(digest=NEW, image=GONE))
    standing = stand(broken)
    assert changes([standing]).changes == ()
    assert not isinstance(standing.updates, Unknown)
    assert standing.updates.digest.value is Truth.UNKNOWN


def test_a_step_says_that_its_system_was_looked_for_in_vain_and_why() -> None:
    unread = Unknown("the layers are too large")
    answer = told("python:3.12.9", NEW, None, current=replace(inside(NEW), os_unread=unread))
    own = told(f"python@{OLD}", None, None, current=inside(OLD, "debian 12"))
    standing = stand(told("python:3.12.4", OLD, "3.12.4 3.12.9"), answer, own)
    assert not isinstance(standing.updates, Unknown)
    words = "whether the operating system behind it changes is not known: the layers are too large"
    assert standing.updates.patch.reason.endswith(f"; {words}")
    assert words in (standing.updates.patch.remark or "")
    assert words not in standing.updates.minor.reason


def test_a_refresh_says_why_the_system_in_use_is_not_known() -> None:
    current = replace(inside(OLD), os_unread=Unknown("the layers are too large"))
    resolution = told(
        f"python:3.12@{OLD}",
        NEW,
        "3.12",
        current=current,
        newest=inside(NEW, "debian 13", amd64="2"),
    )
    standing = stand(resolution)
    assert not isinstance(standing.updates, Unknown)
    reason = standing.updates.digest.reason
    assert reason.count("the operating system") == 1
    assert reason.endswith("is not known; the layers are too large")


def test_matured_digest_is_looked_into_before_it_is_taken() -> None:
    days = {OLD: 30, MIDDLE: 4, NEW: 1}
    sights = tuple(Sight("3.12", digest, ago(age)) for digest, age in days.items())
    resolution = told(f"python:3.12@{OLD}", NEW, "3.12", current=inside(OLD, "debian 12"))
    standing = stand(resolution, rules="", sights=sights)
    asked = candidates([standing], Resolutions({str(resolution.reference): resolution}))
    assert [one.familiar for one in asked] == [f"python@{MIDDLE}"]
    answer = told(f"python@{MIDDLE}", None, None, current=inside(MIDDLE, "debian 13"))
    again = stand(resolution, answer, rules="", sights=sights)
    assert changes([again]).changes == ()
    assert not isinstance(again.updates, Unknown)
    assert "os_drift" in again.updates.flags


def test_tag_of_unknown_age_is_a_candidate_so_that_its_clock_starts() -> None:
    resolution = told("python:3.12.1", OLD, "3.12.1 3.12.9")
    standing = stand(resolution, rules="")
    asked = candidates([standing], Resolutions({str(resolution.reference): resolution}))
    assert [one.familiar for one in asked] == ["python:3.12.9"]


def test_pinning_writes_what_the_tag_stands_for_at_any_age() -> None:
    resolution = told("python:3.12", NEW, "3.12")
    standing = stand(resolution, rules="")
    assert taken(changes([standing])) == []
    assert taken(changes([standing], pin_digests=True)) == [("digest", f"python:3.12@{NEW}")]
    ruled = stand(resolution, rules='[updates]\npinning = "tag@digest"\n')
    assert taken(changes([ruled])) == [("digest", f"python:3.12@{NEW}")]
    assert taken(changes([ruled], kinds={"minor"})) == []
    bare = stand(told("python", NEW, "latest"), rules="")
    assert taken(changes([bare], pin_digests=True)) == [("digest", f"python:latest@{NEW}")]


def test_pinning_pins_the_new_tag_where_one_is_taken() -> None:
    tags = TagList((TagFacts("3.12", OLD), TagFacts("3.13", NEW)))
    plan = changes([stand(told("python:3.12", OLD, tags))], pin_digests=True)
    assert taken(plan) == [("minor", f"python:3.13@{NEW}")]


def test_other_system_behind_the_same_tag_is_never_taken() -> None:
    resolution = told(
        f"python:3.12@{OLD}",
        NEW,
        "3.12",
        current=inside(OLD, "debian 12"),
        newest=inside(NEW, "debian 13", amd64="2"),
    )
    standing = stand(resolution)
    assert not isinstance(standing.updates, Unknown)
    assert "os_drift" in standing.updates.flags
    for kinds in (None, {"digest"}, {"os"}, {"digest", "os"}):
        assert changes([standing], kinds=kinds).changes == ()
    (held,) = changes([standing], kinds={"os"}).withheld
    assert held.reason == "the operating system behind the same tag changes: debian 12 → debian 13"


def test_other_system_behind_a_new_version_is_asked_for_by_both_names() -> None:
    resolution = told("python:3.12.4", OLD, "3.12.4 3.12.9", current=inside(OLD, "debian 12"))
    newer = told("python:3.12.9", NEW, None, current=inside(NEW, "debian 13"))
    standing = stand(resolution, newer)
    plan = changes([standing])
    assert plan.changes == ()
    assert plan.withheld[0].hint == (
        "ask for it with --kind patch --kind os, after looking at what changes"
    )
    both = changes([standing], kinds={"patch", "os"})
    assert taken(both) == [("patch", "python:3.12.9")]


def test_move_of_the_name_keeps_what_names_no_version() -> None:
    standing = stand(told("gcr.io/distroless/nodejs22-debian12:nonroot", OLD, "nonroot latest"))
    assert [str(one.to) for one in changes([standing], kinds={"name"}).changes] == [
        "gcr.io/distroless/nodejs22-debian13:nonroot"
    ]
    bare = stand(told("gcr.io/distroless/nodejs22-debian12", OLD, "nonroot latest"))
    assert [str(one.to) for one in changes([bare], kinds={"name"}).changes] == [
        "gcr.io/distroless/nodejs22-debian13"
    ]
    ubi = stand(told("registry.access.redhat.com/ubi9/ubi-minimal:9.4", OLD, "9.4"))
    (held,) = changes([ubi], kinds={"name"}).withheld
    assert held.reason == "the tag is to be chosen at registry.access.redhat.com/ubi10/ubi-minimal"


MIRRORS = (
    AT_ONCE
    + '[policy.mirrors]\n"proxy.example/hub" = "docker.io"\n"proxy.example/gcr" = "gcr.io"\n'
)


def test_calendars_hold_behind_a_mirror_and_names_stay_on_it() -> None:
    node = stand(told("proxy.example/hub/library/node:22", OLD, "22 24 25"), rules=MIRRORS)
    assert kinds_of(node) == {"major": "24"}
    pages = stand(
        told("proxy.example/gcr/distroless/nodejs22-debian12:nonroot", OLD, "nonroot"),
        rules=MIRRORS,
    )
    assert [str(one.to) for one in changes([pages], kinds={"name"}).changes] == [
        "proxy.example/gcr/distroless/nodejs22-debian13:nonroot"
    ]


def test_change_carries_its_group_and_all_uses() -> None:
    uses = (use("python:3.12", path="a"), use("python:3.12", path="b"))
    resolution = told("python:3.12", OLD, "3.13")
    (standing,) = standings(
        Survey("/", (), uses),
        Resolutions({str(resolution.reference): resolution}),
        policy(AT_ONCE + 'group = "bases"\n'),
        NOW,
    )
    (change,) = changes([standing]).changes
    assert (change.group, change.standing.uses) == ("bases", uses)
