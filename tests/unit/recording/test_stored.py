"""What is known of an image without asking anybody."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from basekeeper import parse_reference
from basekeeper.advisories.exploited import ExploitedCatalogue, ExploitedEntry
from basekeeper.recording.stored import StoredFacts
from basekeeper.values.event import Event, EventKind
from basekeeper.values.finding import Truth
from basekeeper.values.image import Unknown
from basekeeper.values.vulnerability import Severity
from tests.unit.recording.world import (
    AMD,
    BAD,
    CHAIN,
    CLEAN,
    CVE,
    SLIM,
    World,
    at,
    digest,
    looked,
    match,
    of_kind,
    package,
    scan,
)

if TYPE_CHECKING:
    from basekeeper.values.stored import StoredImage

DAY = timedelta(hours=24)
ARM = "linux/arm64"


def seen(*looks: Any, hours: float = 0) -> World:
    world = World()
    world.see(hours, repository=None, looked_at=looks)
    return world


def stored(
    world: World, hours: float = 1, *, name: str | None = "d1", platforms: tuple[str, ...] = (AMD,)
) -> StoredImage:
    whole = None if name is None else digest(name)
    return world.facts.image(parse_reference(SLIM), whole, platforms, now=at(hours), max_age=DAY)


def test_tells_what_the_last_look_found() -> None:
    found = stored(seen(looked(SLIM, "d1", scan(match(), match("CVE-2026-2", fixed=())))))
    (look,) = found.scans
    assert (look.scanner, look.at, look.packages) == ("trivy 1.0", at(0), 2)
    assert (look.database, look.severity_order) == (at(-1), ("advisory",))
    assert found.unknown is None
    first, second = found.findings
    assert (first.vulnerability, first.package, first.name) == (
        CVE,
        "pkg:deb/debian/glibc",
        "glibc",
    )
    assert (first.installed, first.fixed, first.severity) == ("1", ("2",), Severity.HIGH)
    assert (first.severity_source, first.since, first.exploited) == ("debian", at(0), None)
    assert (second.vulnerability, second.fixed) == ("CVE-2026-2", ())


@pytest.mark.parametrize(
    ("world", "question", "reason"),
    [
        (World(), {}, "it was never scanned for linux/amd64"),
        (World(), {"platforms": ()}, "it was never scanned"),
        (World(), {"name": None}, "it was never seen"),
        (seen(looked(SLIM, "d2", CLEAN)), {}, "it was never scanned for linux/amd64"),
        (
            seen(looked(SLIM, "d1", CLEAN)),
            {"platforms": (AMD, ARM)},
            "it was never scanned for linux/arm64",
        ),
        (
            seen(looked("ghcr.io/acme/debian:12-slim", "d1", CLEAN)),
            {},
            "it was never scanned for linux/amd64",
        ),
        (
            seen(looked(SLIM, "d1", scan(problem="layer 3 is broken"))),
            {},
            "its last scan for linux/amd64 is not whole: layer 3 is broken",
        ),
        (
            seen(looked(SLIM, "d1", CLEAN)),
            {"hours": 24},
            "its last scan for linux/amd64 knew advisories of 2026-03-02 11:00 UTC alone",
        ),
        (
            seen(looked(SLIM, "d1", CLEAN), hours=3),
            {"hours": 0},
            "its last scan for linux/amd64 knew advisories that are from the future",
        ),
    ],
)
def test_says_why_absence_proves_nothing(
    world: World, question: dict[str, Any], reason: str
) -> None:
    assert stored(world, **question).unknown == Unknown(reason, "run basekeeper scan")


def test_without_a_digest_it_is_the_one_that_the_tag_was_last_seen_to_stand_for() -> None:
    world = seen(looked(SLIM, "d1", BAD))
    sights = [
        Event(
            kind=EventKind.FIRST_SEEN,
            subject=CHAIN,
            key=f"{tag}@{digest(name)}",
            at=at(hours),
            source="docker.io",
            evidence={},
        )
        for tag, name, hours in (("12-slim", "d1", 5), ("12-slim", "d0", 1), ("13-slim", "d9", 9))
    ]
    world.append(sights, 9)
    assert stored(world, 9, name=None).digest == digest("d1")
    assert len(stored(world, 9, name=None).findings) == 1
    assert stored(world, 1, name=None).digest == digest("d0"), "a clock was ahead"


def test_what_is_gone_is_not_found_and_what_came_back_is() -> None:
    world = seen(looked(SLIM, "d1", BAD))
    world.see(5, repository=None, looked_at=(looked(SLIM, "d1", CLEAN),))
    assert stored(world, 6).findings == ()
    world.see(9, repository=None, looked_at=(looked(SLIM, "d1", BAD),))
    assert [one.since for one in stored(world, 10).findings] == [at(9)]


def test_a_finding_of_an_incomplete_scan_counts_and_the_rest_stays_unknown() -> None:
    world = seen(looked(SLIM, "d1", BAD))
    broken = looked(SLIM, "d1", scan(problem="stale"))
    world.see(5, repository=None, looked_at=(broken,))
    found = stored(world, 6)
    assert len(found.findings) == 1
    assert found.unknown is not None


def test_two_scanners_give_one_answer_of_which_the_whole_one_proves() -> None:
    grype = scan(match("CVE-2026-2"), scanner="grype", problem="stale")
    found = stored(seen(looked(SLIM, "d1", BAD), looked(SLIM, "d1", grype)))
    assert {one.vulnerability for one in found.findings} == {CVE, "CVE-2026-2"}
    assert [one.scanner for one in found.scans] == ["trivy 1.0"]
    assert found.unknown is None


def test_a_digest_with_two_names_has_its_findings_once() -> None:
    world = seen(looked(SLIM, "d1", BAD), looked("debian:12", "d1", BAD))
    assert len(of_kind(world.events, EventKind.DETECTED)) == 2
    assert len(stored(world).findings) == 1


def test_the_last_severity_counts_that_our_own_order_chose_for_that_image() -> None:
    world = seen(looked(SLIM, "d1", BAD))
    worse = scan(match(severity=Severity.CRITICAL, severity_source="nvd"))
    world.see(5, repository=None, looked_at=(looked(SLIM, "d2", worse),))
    assert stored(world, 6).findings[0].severity is Severity.HIGH
    world.see(7, repository=None, looked_at=(looked(SLIM, "d1", worse),))
    (finding,) = stored(world, 8).findings
    assert (finding.severity, finding.severity_source) == (Severity.CRITICAL, "nvd")


def test_a_fix_that_came_later_is_told_of_that_image() -> None:
    world = seen(looked(SLIM, "d1", scan(match(fixed=()))))
    world.see(5, repository=None, looked_at=(looked(SLIM, "d1", BAD),))
    assert [(one.fixed, one.since) for one in stored(world, 6).findings] == [(("2",), at(0))]


def test_what_a_catalogue_lists_is_exploited() -> None:
    world = seen(looked(SLIM, "d1", BAD))
    entry = ExploitedEntry(CVE, date(2026, 3, 1), None, Truth.UNKNOWN)
    listed = ExploitedCatalogue(source="KEV", version="1", released=at(0), entries={CVE: entry})
    world.see(5, repository=None, exploited=listed)
    assert [one.exploited for one in stored(world, 6).findings] == [True]


def test_the_worst_comes_first() -> None:
    found = scan(
        match("CVE-2026-3", severity=Severity.LOW),
        match("CVE-2026-2", severity=Severity.CRITICAL, fixed=()),
        match("CVE-2026-1", package("zlib"), severity=Severity.CRITICAL),
    )
    names = [one.vulnerability for one in stored(seen(looked(SLIM, "d1", found))).findings]
    assert names == ["CVE-2026-1", "CVE-2026-2", "CVE-2026-3"]


def test_corrections_count_and_what_was_retracted_does_not() -> None:
    world = seen(looked(SLIM, "d1", BAD))
    (told,) = of_kind(world.events, EventKind.DETECTED)
    evidence = {**told.evidence, "fixed": "3"}
    world.append([replace(told, corrects=told.id, evidence=evidence)], 1)
    assert [one.fixed for one in stored(world).findings] == [("3",)]
    retraction = replace(told, kind=EventKind.RETRACTED, corrects=told.id, evidence={"why": "x"})
    world.append([retraction], 2)
    assert stored(world).findings == ()
    again = world.see(5, repository=None, looked_at=(looked(SLIM, "d1", BAD),))
    assert [one.key[-2:] for one in of_kind(again, EventKind.DETECTED)] == ["#2"]


def test_events_of_others_that_cannot_be_read_are_passed_over() -> None:
    world = seen(looked(SLIM, "d1", BAD))
    odd = [
        Event(kind=kind, subject=subject, key="k", at=at(1), source="x", evidence=said)
        for kind in (EventKind.DETECTED, EventKind.SCANNED, EventKind.SEVERITY_CHANGED)
        for subject in (CHAIN, f"{CHAIN}#x", f"{CHAIN}#lineage=%ff", f"{CHAIN}#vulnerability=CVE-1")
        for said in ({}, {"digest": digest("d1"), "from": "pinned", "packages": "many"})
    ]
    world.append(odd, 1)
    assert len(stored(world).findings) == 1
    assert (
        StoredFacts.read([]).image(parse_reference(SLIM), None, (), now=at(0), max_age=DAY).unknown
    )
