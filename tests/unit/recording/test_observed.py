"""Each kind of event: when it is told, of what, and when not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from basekeeper import parse_reference
from basekeeper.advisories.exploited import ExploitedCatalogue, ExploitedEntry
from basekeeper.advisories.openvex import (
    Justification,
    VexDocument,
    VexProduct,
    VexStatement,
    VexStatus,
)
from basekeeper.deadlines.model import State
from basekeeper.recording.observed import events_of
from basekeeper.values.event import Event, EventKind
from basekeeper.values.finding import Truth
from basekeeper.values.image import Pointer
from basekeeper.values.resolution import Resolution, Resolutions
from basekeeper.values.sights import sights
from basekeeper.values.vulnerability import Severity, Suppression
from tests.unit.recording.world import (
    AMD,
    BAD,
    CHAIN,
    CLEAN,
    CVE,
    OTHER_LAYERS,
    OWN,
    REPOSITORY,
    SLIM,
    World,
    at,
    base_layers,
    candidate,
    digest,
    looked,
    match,
    observation,
    of_kind,
    package,
    published,
    scan,
    sight,
    stand,
)

if TYPE_CHECKING:
    from basekeeper.values.vulnerability import Scan

K = EventKind
FINDING = (
    f"lineage=docker.io/library/debian:slim&vulnerability={CVE}"
    f"&package=pkg:deb/debian/glibc&platform={AMD}"
)


def image_only(what: Scan, name: str = "d1", **more: Any) -> dict[str, Any]:
    return {"repository": None, "looked_at": (looked(SLIM, name, what, **more),)}


def only(events: list[Event], kind: EventKind) -> Event:
    (event,) = of_kind(events, kind)
    return event


def test_sights_are_passed_on_where_they_are_new() -> None:
    reference = parse_reference(SLIM)
    resolution = Resolution(reference=reference, pointer=Pointer(digest("d1")))
    told = tuple(sights(Resolutions({SLIM: resolution}), at(0)))
    world = World()
    assert world.see(0, repository=None, sights=told) == list(told)
    later = tuple(sights(Resolutions({SLIM: resolution}), at(5)))
    assert events_of(observation(5, repository=None, sights=later), world.facts) == ()


def test_a_scan_says_what_it_rests_on() -> None:
    suppressed = scan(match(), match("CVE-2026-2", severity=Severity.LOW, fixed=()))
    event = only(World().see(0, **image_only(suppressed)), K.SCANNED)
    assert (event.subject, event.source) == (f"{CHAIN}#platform={AMD}", "trivy")
    assert event.tool == "sha256:trivy"
    assert dict(event.evidence) == {
        "digest": digest("d1"),
        "reference": "docker.io/library/debian:12-slim",
        "repository": CHAIN,
        "tag": "12-slim",
        "platform": AMD,
        "scanner": "trivy",
        "scanner_version": "1.0",
        "database": "2026-03-02T11:00:00+00:00",
        "severity_order": "advisory",
        "packages": "2",
        "complete": "yes",
        "critical": "0+0",
        "high": "1+0",
        "medium": "0+0",
        "low": "0+1",
        "unknown": "0+0",
    }


def test_a_scan_is_told_again_only_where_something_of_it_is_new() -> None:
    world = World()
    world.see(0, **image_only(CLEAN))
    same = replace(observation(0, **image_only(CLEAN)), now=at(1))
    assert events_of(same, world.facts) == ()
    other_tag = {"repository": None, "looked_at": (looked("debian:slim", "d1", CLEAN),)}
    assert events_of(replace(observation(0, **other_tag), now=at(1)), world.facts) == ()
    assert len(world.see(24, **image_only(CLEAN))) == 1
    assert len(world.see(24, **image_only(scan(problem="layer 3 could not be read")))) == 1
    assert world.see(24, **image_only(scan(problem="layer 4 could not be read"))) == []
    assert len(world.see(24, **image_only(CLEAN))) == 1


def test_a_finding_says_what_was_found() -> None:
    found = match(
        aliases=("GHSA-1",),
        announcements=("DSA-1",),
        severities={"debian": Severity.HIGH, "nvd": Severity.CRITICAL},
        published=at(-500),
    )
    events = World().see(0, **image_only(scan(found)))
    detected = only(events, K.DETECTED)
    assert (detected.subject, detected.at) == (f"{CHAIN}#{FINDING}", at(0))
    assert detected.key == f"{digest('d1')}/trivy"
    assert dict(detected.evidence) == {
        "digest": digest("d1"),
        "from": "trivy",
        "name": "glibc",
        "installed": "1",
        "fixed": "2",
        "status": "fixed",
        "severity": "high",
        "severity_source": "debian",
        "aliases": "GHSA-1",
        "announcements": "DSA-1",
        "layer": "sha256:l1",
        "tag": "12-slim",
    }
    assert only(events, K.PUBLISHED).at == at(-500)
    assert (only(events, K.DATABASE_KNOWN).key, only(events, K.DATABASE_KNOWN).at) == (
        "trivy",
        at(-1),
    )
    severities = {
        one.evidence["from"]: one.evidence["severity"]
        for one in of_kind(events, K.SEVERITY_CHANGED)
    }
    assert severities == {"debian": "high", "nvd": "critical", "pinned": "high"}


def test_versions_and_places_of_one_package_are_one_finding() -> None:
    twice = scan(
        match(of=package(version="1"), fixed=("2",)),
        match(of=package(version="0.9"), fixed=(), severity=Severity.LOW),
    )
    detected = only(World().see(0, **image_only(twice)), K.DETECTED)
    assert detected.evidence["installed"] == "1, 0.9"
    assert (detected.evidence["fixed"], detected.evidence["severity"]) == ("2", "high")


def test_another_name_of_the_same_vulnerability_is_the_same_finding() -> None:
    world = World()
    world.see(0, **image_only(scan(match("GHSA-1"))))
    again = world.see(5, **image_only(scan(match(CVE, aliases=("GHSA-1",)))))
    assert of_kind(again, K.DETECTED, K.GONE) == []
    back = world.see(9, **image_only(scan(match("GHSA-1"))))
    assert of_kind(back, K.DETECTED, K.GONE) == []


def test_what_another_digest_has_is_told_of_it_too() -> None:
    world = World()
    world.see(0, **image_only(BAD))
    events = world.see(5, **image_only(BAD, "d2"))
    assert [one.kind for one in events] == [K.SCANNED, K.DETECTED]


def test_it_is_gone_where_the_same_scanner_finds_it_no_more_in_the_same_image() -> None:
    world = World()
    world.see(0, **image_only(BAD))
    events = world.see(5, **image_only(CLEAN))
    gone = only(events, K.GONE)
    assert (gone.subject, gone.evidence["digest"]) == (f"{CHAIN}#{FINDING}", digest("d1"))
    back = only(world.see(6, **image_only(BAD)), K.DETECTED)
    assert back.key == f"{digest('d1')}/trivy#2"
    assert only(world.see(7, **image_only(CLEAN)), K.GONE).key.endswith("#2")


EXCUSED = replace(
    CLEAN, suppressed=(match(suppressed=Suppression("not_affected", "no reason", "vex")),)
)


@pytest.mark.parametrize(
    "later",
    [
        image_only(scan(problem="the database is stale")),
        image_only(scan(scanner="grype")),
        image_only(EXCUSED),
        image_only(CLEAN, "d2"),
        image_only(CLEAN, platform="linux/arm64"),
    ],
    ids=["incomplete", "another scanner", "suppressed", "another digest", "another platform"],
)
def test_silence_proves_nothing_where_it_could_have_another_reason(later: dict[str, Any]) -> None:
    world = World()
    world.see(0, **image_only(BAD))
    assert of_kind(world.see(5, **later), K.GONE, K.VERIFIED) == []


def test_an_incomplete_scan_still_finds() -> None:
    found = scan(match(), problem="the database is stale")
    assert len(of_kind(World().see(0, **image_only(found)), K.DETECTED)) == 1


def test_each_scanner_has_a_word_of_its_own() -> None:
    world = World()
    both = (looked(SLIM, "d1", BAD), looked(SLIM, "d1", scan(match(), scanner="grype")))
    events = world.see(0, repository=None, looked_at=both)
    assert {one.key.rpartition("/")[2] for one in of_kind(events, K.DETECTED)} == {"trivy", "grype"}
    world.see(1, base=("d1", BAD))
    world.see(5, base=("d1", CLEAN))
    assert not world.deadline(6, ()).is_closed  # Grype still sees it
    one_by_one = (looked(SLIM, "d1", scan(scanner="grype")),)
    world.see(7, looked_at=one_by_one, stands=(stand("api", SLIM, "d1"),))
    assert world.deadline(8, ()).is_closed


def test_a_fix_is_observed_when_it_is_first_seen_and_known_before_where_a_scanner_tells() -> None:
    world = World()
    assert of_kind(world.see(0, **image_only(scan(match(fixed=())))), K.FIX_AVAILABLE) == []
    events = world.see(5, **image_only(BAD))
    fix = only(events, K.FIX_AVAILABLE)
    assert (fix.key, fix.at, fix.evidence["fixed"]) == ("observed", at(5), "2")
    assert only(events, K.DETECTED).evidence["fixed"] == "2"
    dates = {(CVE, "pkg:deb/debian/glibc"): at(2)}
    grype = {"repository": None, "looked_at": (looked(SLIM, "d1", scan(match(), scanner="grype")),)}
    told = of_kind(world.see(6, **grype, fix_dates=dates), K.FIX_AVAILABLE)
    assert [(one.key, one.at) for one in told] == [("grype", at(2))]


def test_a_fix_for_another_release_starts_no_clock_of_an_image_that_has_none() -> None:
    world = World()
    unfixed = scan(match(fixed=()))
    looks = (looked("debian:11-slim", "e1", unfixed), looked(SLIM, "d1", BAD))
    world.see(0, looked_at=looks, stands=(stand("api", "debian:11-slim", "e1"),))
    assert world.deadline(500).state is State.WAITING_FOR_FIX


def test_a_severity_is_told_again_where_somebody_changes_their_mind() -> None:
    world = World()
    world.see(0, **image_only(BAD))
    worse = scan(match(severity=Severity.CRITICAL))
    told = of_kind(world.see(5, **image_only(worse)), K.SEVERITY_CHANGED)
    assert [one.key for one in told] == ["debian:critical", "pinned:critical"]
    back = of_kind(world.see(9, **image_only(BAD)), K.SEVERITY_CHANGED)
    assert [one.key for one in back] == ["debian:high#2", "pinned:high#2"]
    assert back[1].evidence["of"] == "debian"


def test_images_that_are_judged_differently_do_not_take_turns() -> None:
    world = World()
    worse = scan(match(severity=Severity.CRITICAL))
    for hours in range(0, 40, 10):
        world.see(hours, **image_only(BAD, "d1"))
        world.see(hours + 1, **image_only(worse, "d2"))
    told = of_kind(world.events, K.SEVERITY_CHANGED)
    assert [one.at for one in told] == [at(0), at(0), at(1), at(1)]


@pytest.mark.parametrize("part", [looked, candidate])
def test_a_base_is_available_when_it_is_proven_to_lack_what_another_one_has(part: Any) -> None:
    world = World()
    world.see(0, **image_only(BAD))
    new = part("debian:12.9-slim", "d2", CLEAN, since=at(3), replaces=(digest("d1"),))
    event = only(world.see(5, repository=None, looked_at=(new,)), K.BASE_AVAILABLE)
    key = f"{digest('d1')}/{digest('d2')}"
    assert (event.subject, event.key, event.at) == (f"{CHAIN}#{FINDING}", key, at(3))
    said = {"digest": digest("d2"), "tag": "12.9-slim", "replaces": digest("d1")}
    assert event.evidence == said
    newer = replace(new, digest=digest("d3"))
    assert of_kind(world.see(6, repository=None, looked_at=(newer,)), K.BASE_AVAILABLE) == []


def test_what_a_tag_stands_for_now_replaces_what_it_stood_for_before() -> None:
    world = World()
    world.see(0, **image_only(BAD), sights=(sight(SLIM, "d1", 0),))
    moved = looked(SLIM, "d2", CLEAN)
    events = world.see(5, repository=None, looked_at=(moved,), sights=(sight(SLIM, "d2", 5),))
    assert only(events, K.BASE_AVAILABLE).evidence["replaces"] == digest("d1")
    back = looked(SLIM, "d0", CLEAN)
    earlier = (sight(SLIM, "d0", 0),)
    told = world.see(6, repository=None, looked_at=(back,), sights=earlier)
    assert of_kind(told, K.BASE_AVAILABLE) == [], "what was there before is nothing newer"


def test_another_release_is_no_base_for_who_may_not_move_to_it() -> None:
    world = World()
    world.see(0, **image_only(BAD))
    other = looked("debian:13-slim", "d9", CLEAN)
    told = world.see(5, repository=None, looked_at=(other,), sights=(sight(SLIM, "d1", 0),))
    assert of_kind(told, K.BASE_AVAILABLE) == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (BAD, looked(SLIM, "d2", scan(problem="stale"))),
        (BAD, looked(SLIM, "d2", scan(scanner="grype", packages=(package(),)))),
        (BAD, looked("debian:12", "d2", CLEAN)),
        (BAD, looked(SLIM, "d2", CLEAN, platform="linux/arm64")),
        (scan(match(fixed=())), looked(SLIM, "d2", CLEAN)),
    ],
    ids=["incomplete", "another scanner", "another lineage", "another platform", "no fix"],
)
def test_no_base_is_available_where_that_is_not_proven(first: Scan, second: Any) -> None:
    world = World()
    second = replace(second, replaces=(digest("d1"),))
    world.see(0, **image_only(first))
    assert of_kind(world.see(5, repository=None, looked_at=(second,)), K.BASE_AVAILABLE) == []


def catalogue(*names: str) -> ExploitedCatalogue:
    entries = {
        name: ExploitedEntry(name, date(2026, 3, 1), date(2026, 3, 22), Truth.UNKNOWN)
        for name in names
    }
    return ExploitedCatalogue(source="KEV", version="1", released=at(0), entries=entries)


def test_what_a_catalogue_lists_is_exploited_if_any_image_has_it() -> None:
    world = World()
    world.see(0, **image_only(scan(match("GHSA-1", aliases=(CVE,)))))
    listed = catalogue(CVE, "CVE-2020-1")
    event = only(world.see(5, repository=None, exploited=listed), K.EXPLOITED)
    assert event.subject == f"advisories#vulnerability={CVE}"
    assert (event.key, event.evidence["due"]) == ("kev", "2026-03-22")
    assert event.at.isoformat() == "2026-03-01T00:00:00+00:00"
    assert world.see(6, repository=None, exploited=listed) == []


def test_what_is_gone_from_every_image_is_not_looked_up() -> None:
    world = World()
    world.see(0, **image_only(BAD))
    world.see(1, **image_only(CLEAN))
    assert world.see(2, repository=None, exploited=catalogue(CVE)) == []


def statement(name: str, status: VexStatus, hours: float = 0) -> VexStatement:
    excused = status is VexStatus.NOT_AFFECTED
    return VexStatement(
        author="acme",
        document="https://acme.test/vex",
        vulnerability=CVE,
        aliases=(),
        products=(VexProduct(frozenset({name})),),
        status=status,
        at=at(hours),
        justification=Justification.COMPONENT_NOT_PRESENT if excused else None,
    )


def document(*statements: VexStatement) -> VexDocument:
    return VexDocument(id="https://acme.test/vex", author="acme", at=at(0), statements=statements)


EXCUSE = statement(f"debian@{digest('d1')}", VexStatus.NOT_AFFECTED)


def test_a_document_excuses_what_it_names_until_it_is_taken_back() -> None:
    world = World()
    events = world.see(1, base=("d1", BAD), vex=(document(EXCUSE),))
    told = only(events, K.NOT_AFFECTED)
    assert told.subject == f"{REPOSITORY}#{FINDING}&product=api"
    assert (told.source, told.at) == ("acme", at(0))
    assert world.deadline(2).state is State.EXCEPTED
    same = observation(1, base=("d1", BAD), vex=(document(EXCUSE),))
    assert events_of(same, world.facts) == ()
    assert of_kind(world.see(3, base=("d1", BAD)), K.AFFECTED) == []
    assert only(world.see(5, base=("d1", BAD), vex=()), K.AFFECTED).at == at(5)
    assert world.deadline(6).state is not State.EXCEPTED
    again = only(world.see(9, base=("d1", BAD), vex=(document(EXCUSE),)), K.NOT_AFFECTED)
    assert again.at == at(9)
    assert world.deadline(10).state is State.EXCEPTED


def test_a_document_about_one_image_says_nothing_of_another() -> None:
    world = World()
    world.see(1, base=("d2", BAD), vex=(document(EXCUSE),))
    assert of_kind(world.events, K.NOT_AFFECTED) == []
    images = (published("p1", BAD),)
    world.see(2, base=("d1", BAD), published=images, vex=(document(EXCUSE),))
    assert of_kind(world.events, K.NOT_AFFECTED) == []  # it does not name what is published


def test_a_document_may_name_an_image_as_the_product_does_whatever_others_call_it() -> None:
    world = World()
    excuse = statement("pkg:docker/debian@12-slim", VexStatus.NOT_AFFECTED)
    other = "debian:bookworm-slim"
    events = world.see(
        1,
        looked_at=(looked(SLIM, "d1", BAD), looked(other, "d1", BAD)),
        stands=(stand("api", SLIM, "d1"), stand("web", other, "d1", place="web/Dockerfile")),
        vex=(document(excuse),),
    )
    assert only(events, K.NOT_AFFECTED).subject == f"{REPOSITORY}#{FINDING}&product=api"


@pytest.mark.parametrize("status", [VexStatus.AFFECTED, VexStatus.FIXED])
def test_what_excuses_nothing_is_told_only_where_it_ends_an_excuse(status: VexStatus) -> None:
    world = World()
    other = document(statement(f"debian@{digest('d1')}", status, 3))
    assert of_kind(world.see(1, base=("d1", BAD), vex=(other,)), K.AFFECTED) == []
    world.see(2, base=("d1", BAD), vex=(document(EXCUSE),))
    assert only(world.see(4, base=("d1", BAD), vex=(other,)), K.AFFECTED).source == "acme"


def test_a_tree_says_what_it_stands_on_when_that_changes() -> None:
    world = World()
    event = only(world.see(0, base=("d1", CLEAN)), K.BASED_ON)
    assert event.subject == (
        f"{REPOSITORY}#lineage=docker.io/library/debian:slim&platform={AMD}&product=api"
    )
    assert dict(event.evidence) == {
        "digest": digest("d1"),
        "reference": "docker.io/library/debian:12-slim",
        "image": CHAIN,
        "path": "Dockerfile",
        "line": "1",
        "tag": "12-slim",
        "role": "final",
        "mapped": "yes",
        "place": "Dockerfile",
    }
    keys = [
        [one.key for one in of_kind(world.see(hours, base=(name, CLEAN)), K.BASED_ON)]
        for hours, name in ((1, "d1"), (2, "d2"), (3, "d1"))
    ]
    assert keys == [[], [digest("d2")], [f"{digest('d1')}#2"]]


@pytest.mark.parametrize(
    ("seen", "keys"),
    [
        ({"stands": ()}, ["none"]),
        ({"stands": (), "is_whole": False}, []),
        ({"stands": (stand("api", SLIM, None),)}, []),
        ({"stands": (stand("api", "alpine:3", "a1"),)}, [digest("a1"), "none"]),
        ({"stands": (stand("api", "alpine:3", None),)}, []),
        (
            {"stands": (stand("api", SLIM, "d1"), stand("api", "debian:11-slim", "e1"))},
            [f"{digest('d1')}/{digest('e1')}"],
        ),
    ],
    ids=["nothing", "unread tree", "unknown digest", "another", "another unknown", "one more"],
)
def test_what_is_not_known_ends_nothing(seen: dict[str, Any], keys: list[str]) -> None:
    world = World()
    world.see(0, base=("d1", CLEAN))
    assert [one.key for one in of_kind(world.see(5, **seen), K.BASED_ON)] == keys


@pytest.mark.parametrize(
    ("since", "instant"), [(-50, -50), (None, 0), (5, 0)], ids=["pushed", "unknown", "future"]
)
def test_a_release_happened_when_it_was_pushed(since: int | None, instant: int) -> None:
    world = World()
    image = published("p1", CLEAN, since=None if since is None else at(since), created=at(-60))
    event = only(world.see(0, published=(image,)), K.RELEASED)
    assert (event.subject, event.key) == (f"{REPOSITORY}#product=api", digest("p1"))
    assert (event.at, event.evidence["image"]) == (at(instant), OWN)
    assert of_kind(world.see(1, published=(image,)), K.RELEASED) == []


def test_a_package_is_introduced_by_the_first_published_image_with_it() -> None:
    world = World()
    first = published("p1", BAD, created=at(-100))
    event = only(world.see(0, base=("d1", BAD), published=(first,)), K.INTRODUCED)
    assert event.at == at(-100)
    assert "vulnerability" not in event.subject
    assert "glibc" in event.subject
    second = published("p2", BAD, created=at(5))
    later = world.see(6, base=("d1", BAD), published=(second,))
    assert of_kind(later, K.INTRODUCED) == []


def test_a_published_image_without_a_date_introduces_nothing() -> None:
    events = World().see(0, base=("d1", BAD), published=(published("p1", BAD),))
    assert of_kind(events, K.INTRODUCED) == []


@pytest.mark.parametrize(
    ("image", "origin", "lineage"),
    [
        (published("p1", BAD), "base", "docker.io/library/debian:slim"),
        (
            published("p1", scan(match(of=package(layer="sha256:app")))),
            "application",
            OWN,
        ),
        (
            published("p1", BAD, bases=(base_layers(SLIM, "d1", OTHER_LAYERS),)),
            "unknown",
            "docker.io/library/debian:slim",
        ),
        (published("p1", BAD, bases=()), "unknown", OWN),
        (
            published(
                "p1",
                BAD,
                bases=(base_layers("alpine:3", "a1", OTHER_LAYERS), base_layers(SLIM, "d0")),
            ),
            "base",
            "docker.io/library/debian:slim",
        ),
    ],
    ids=["base", "application", "another build", "no base", "an earlier base"],
)
def test_layers_tell_where_something_comes_from(image: Any, origin: str, lineage: str) -> None:
    detected = only(World().see(0, published=(image,)), K.DETECTED)
    assert detected.subject.startswith(f"{OWN}#lineage={lineage}&")
    assert detected.evidence["origin"] == origin


@pytest.mark.parametrize(
    ("before", "after", "how"),
    [
        (SLIM, SLIM, "the tag moved"),
        (SLIM, "debian:13-slim", "the reference changed"),
        (
            f"debian:12-slim@{digest('d1')}",
            f"debian:12-slim@{digest('d2')}",
            "the reference changed",
        ),
    ],
)
def test_a_merge_says_how_it_came(before: str, after: str, how: str) -> None:
    world = World()
    world.see(0, looked_at=(looked(before, "d1", BAD),), stands=(stand("api", before, "d1"),))
    seen = world.see(
        5, looked_at=(looked(after, "d2", CLEAN),), stands=(stand("api", after, "d2"),)
    )
    merged = only(seen, K.MERGED)
    assert merged.subject == f"{REPOSITORY}#{FINDING}&product=api"
    assert merged.evidence == {"digest": digest("d2"), "how": how}
    verified = only(seen, K.VERIFIED)
    assert dict(verified.evidence) == {
        "digest": digest("d2"),
        "of": "base",
        "scanner": "trivy 1.0",
        "database": "2026-03-02T16:00:00+00:00",
    }


GRYPE = scan(scanner="grype", packages=(package(version="1.5"),))


@pytest.mark.parametrize(
    ("looks", "is_proven"),
    [
        ((CLEAN,), True),
        ((scan(problem="stale"),), False),
        ((), False),
        ((GRYPE,), False),
        ((scan(scanner="grype", packages=(package(version="2"),)),), True),
        ((scan(scanner="grype"),), True),
        ((CLEAN, GRYPE), True),
        ((CLEAN, scan(match(), scanner="grype")), False),
        ((EXCUSED,), False),
    ],
    ids=[
        "complete",
        "incomplete",
        "not scanned",
        "another scanner",
        "another scanner, fixed version",
        "another scanner, no such package",
        "both silent",
        "one still sees it",
        "suppressed",
    ],
)
def test_only_a_proof_verifies(looks: tuple[Scan, ...], is_proven: bool) -> None:  # noqa: FBT001
    world = World()
    world.see(0, base=("d1", BAD), published=(published("p1", BAD),))
    seen = tuple(looked(SLIM, "d2", one) for one in looks)
    image = published("p2", *looks, since=at(4))
    events = world.see(5, looked_at=seen, stands=(stand("api", SLIM, "d2"),), published=(image,))
    assert (len(of_kind(events, K.VERIFIED)), len(of_kind(events, K.MERGED))) == (
        (2, 1) if is_proven else (0, 0)
    )
    assert world.deadline(6).is_closed is is_proven


def test_every_scanner_of_the_run_that_ever_saw_it_must_have_looked() -> None:
    world = World()
    both = tuple(looked(SLIM, "d1", scan(match(), scanner=one)) for one in ("trivy", "grype"))
    world.see(0, looked_at=both, stands=(stand("api", SLIM, "d1"),))
    looks = (looked(SLIM, "d2", CLEAN), looked(SLIM, "d9", scan(scanner="grype")))
    seen = world.see(5, looked_at=looks, stands=(stand("api", SLIM, "d2"),))
    assert of_kind(seen, K.VERIFIED, K.MERGED) == []
    seen = world.see(6, looked_at=looks[:1], stands=(stand("api", SLIM, "d2"),))
    assert len(of_kind(seen, K.VERIFIED)) == 1


@pytest.mark.parametrize(
    ("built", "offered", "proofs"),
    [
        ("linux/arm/v7", ("linux/arm/v6", "linux/amd64"), 0),
        ("windows/amd64", ("windows/amd64:10.0.20348.2700",), 0),
        ("linux/arm64/v8", ("linux/arm64",), 0),
        ("linux/arm64", None, 0),
        ("linux/arm64", (AMD,), 1),
        ("linux/arm64", (), 0),
    ],
)
def test_a_platform_is_published_where_an_older_one_serves_for_it(
    built: str, offered: tuple[str, ...] | None, proofs: int
) -> None:
    world = World()
    seen = (looked(SLIM, "d1", BAD, platform=built),)
    stands = (stand("api", SLIM, "d1", platform=built),)
    image = published("p1", platforms=offered)
    events = world.see(0, looked_at=seen, stands=stands, published=(image,))
    assert len(of_kind(events, K.VERIFIED)) == proofs


def test_one_platform_with_two_names_is_one() -> None:
    world = World()
    for hours, name in ((0, "linux/arm64"), (1, "linux/arm64/v8")):
        look, place = (
            looked(SLIM, "d1", BAD, platform=name),
            stand("api", SLIM, "d1", platform=name),
        )
        world.see(hours, looked_at=(look,), stands=(place,))
    assert [one.episode for one in world.deadlines(2, ())] == [1]
    assert len(of_kind(world.events, K.DETECTED)) == 1


def test_events_of_others_are_passed_on_once() -> None:
    waived = Event(
        kind=K.WAIVED,
        subject=f"{REPOSITORY}#vulnerability={CVE}",
        key="w1",
        at=at(0),
        source="basekeeper-waivers.toml",
        evidence={"until": "2026-05-01", "owner": "a", "reason": "b", "control": "c"},
    )
    world = World()
    assert waived in world.see(0, base=("d1", BAD), told=(waived,))
    assert world.deadline(1).state is State.EXCEPTED
    assert events_of(observation(0, base=("d1", BAD), told=(waived,)), world.facts) == ()
