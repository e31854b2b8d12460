"""What Grype tells beyond what every scanner must, and what it makes of Trivy's lists."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from basekeeper.quorum import Aspect, weigh_scans
from basekeeper.scanners.cyclonedx import bring_sbom
from basekeeper.values.image import Unknown
from basekeeper.values.vulnerability import Database, Sbom, Scan, Severity
from tests.fakes.grypedb import FIX_AVAILABLE, PROBABILITY, publish_database
from tests.fakes.loopback import Answer, Loopback, serve
from tests.fakes.trivydb import CRITICAL, HIGH, LATER, LOW, MEDIUM, NOW, UPDATED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.contract.scanner_kinds import Bench

pytestmark = pytest.mark.component("grype")

LATER_UPDATED = UPDATED + timedelta(hours=6)


def told(answer: Scan | Unknown) -> Scan:
    assert isinstance(answer, Scan), answer
    return answer


def listed(answer: Sbom | Unknown) -> Sbom:
    assert isinstance(answer, Sbom), answer
    return answer


def test_since_when_there_is_a_fix_and_whether_it_is_exploited_are_told(
    grype_bench: Bench,
) -> None:
    scan = told(grype_bench.scanner().scan(grype_bench.image("debian-11-old"), now=NOW))
    critical, high = scan.matches[0], scan.matches[2]
    assert (critical.fixed_at, critical.exploited) == (FIX_AVAILABLE, True)
    assert critical.epss == PROBABILITY
    assert (high.fixed_at, high.exploited, high.epss) == (None, False, None)


def test_a_severity_that_nobody_gives_is_unknown(grype_bench: Bench) -> None:
    scan = told(grype_bench.scanner().scan(grype_bench.image("debian-12"), now=NOW))
    medium = next(one for one in scan.matches if one.vulnerability == MEDIUM)
    assert (medium.severity, medium.severity_source) == (Severity.UNKNOWN, None)
    assert dict(medium.severities) == {}


@pytest.mark.component("scanner")
@pytest.mark.parametrize("name", ["debian-11-old", "debian-12", "app-on-12", "app-on-13"])
def test_what_trivy_listed_is_matched_as_the_image_itself(
    grype_bench: Bench, trivy_bench: Bench, name: str
) -> None:
    sbom = listed(trivy_bench.scanner().sbom(trivy_bench.image(name), now=NOW))
    scan = told(grype_bench.scanner().rematch(sbom, now=NOW))
    same = told(grype_bench.scanner().scan(grype_bench.image(name), now=NOW))
    assert scan.complete
    assert scan.rematched
    assert [(one.vulnerability, one.package.name, one.fixed_versions) for one in scan.matches] == [
        (one.vulnerability, one.package.name, one.fixed_versions) for one in same.matches
    ]
    assert [one.package.layer for one in scan.matches] == [
        one.package.layer for one in same.matches
    ]
    assert (scan.diff_ids, scan.image_id) == (same.diff_ids, same.image_id)


@pytest.mark.component("scanner")
def test_the_packages_of_trivys_list_are_told_as_trivy_tells_them(
    grype_bench: Bench, trivy_bench: Bench
) -> None:
    sbom = listed(trivy_bench.scanner().sbom(trivy_bench.image("app-on-12"), now=NOW))
    ours = told(grype_bench.scanner().rematch(sbom, now=NOW))
    theirs = told(trivy_bench.scanner().rematch(sbom, now=NOW))
    assert ours.packages == theirs.packages
    assert ours.subject == theirs.subject


@pytest.mark.component("scanner")
@pytest.mark.parametrize(
    ("name", "agreed", "disputed"),
    [("debian-11-old", [CRITICAL, CRITICAL, HIGH, LOW], []), ("debian-12", [HIGH, LOW], [MEDIUM])],
)
def test_both_scanners_agree_but_on_what_only_one_of_them_knows(
    grype_bench: Bench, trivy_bench: Bench, name: str, agreed: list[str], disputed: list[str]
) -> None:
    sbom = listed(trivy_bench.scanner().sbom(trivy_bench.image(name), now=NOW))
    first = told(trivy_bench.scanner().rematch(sbom, now=NOW))
    second = told(grype_bench.scanner().rematch(sbom, now=NOW))
    found = weigh_scans(first, second)
    assert found.problems == ()
    assert [one.vulnerability for one in found.findings if one not in found.disputed] == agreed
    assert [one.vulnerability for one in found.disputed] == disputed
    assert [one.differing for one in found.disputed] == [(Aspect.SEVERITY,)] * len(disputed)


@pytest.mark.component("scanner")
def test_what_grype_listed_is_matched_by_trivy(grype_bench: Bench, trivy_bench: Bench) -> None:
    sbom = listed(grype_bench.scanner().sbom(grype_bench.image("debian-11-old"), now=NOW))
    brought = listed(bring_sbom(sbom.data, "grype.cdx.json"))
    scan = told(trivy_bench.scanner().rematch(brought, now=NOW))
    assert {one.vulnerability for one in scan.matches} == {CRITICAL, HIGH, LOW}


def test_a_list_holds_no_findings_of_the_day(grype_bench: Bench) -> None:
    sbom = listed(grype_bench.scanner().sbom(grype_bench.image("debian-11-old"), now=NOW))
    document = json.loads(sbom.data)
    assert "vulnerabilities" not in document
    assert CRITICAL.encode() not in sbom.data


@pytest.mark.parametrize("version", ["14", "99.1"])
def test_a_release_that_no_advisory_is_for_is_a_problem(grype_bench: Bench, version: str) -> None:
    sbom = listed(grype_bench.scanner().sbom(grype_bench.image("debian-11-old"), now=NOW))
    text = sbom.data.decode().replace("debian-11.11", f"debian-{version}")
    text = text.replace('"11.11"', f'"{version}"').replace('"bullseye"', '"forky"')
    scan = told(grype_bench.scanner().rematch(replace(sbom, data=text.encode()), now=NOW))
    assert scan.matches == ()
    assert [one.reason for one in scan.problems] == [
        f"the scanner knows no advisories for debian {version}"
    ]


@contextmanager
def serving(site: Path) -> Iterator[Loopback]:
    """Serve the files of a folder, as they are when they are asked for."""

    def read(path: str, _: dict[str, str]) -> Answer | None:
        file = site / path.partition("?")[0].lstrip("/")
        return Answer(file.read_bytes()) if file.is_file() else None

    with serve() as server:
        server.decide = read
        yield server


def update(bench: Bench, place: Path, hours: float, url: str) -> Database | Unknown:
    scanner = bench.scanner(cache_dir=place, rest={"database_url": url})
    return scanner.update_database(now=UPDATED + timedelta(hours=hours))


def test_a_newer_database_is_fetched_from_its_publisher(grype_bench: Bench, tmp_path: Path) -> None:
    site, place = tmp_path / "site", tmp_path / "cache"
    publish_database(grype_bench.cache_dir, site, UPDATED)
    with serving(site) as server:
        url = server.url
        fetched = update(grype_bench, place, 1, url)
        assert isinstance(fetched, Database), fetched
        assert fetched.updated == UPDATED
        asked = len(server.paths)
        assert update(grype_bench, place, 5, url) == fetched  # there is no newer one
        assert set(server.paths[asked:]) == {"/v6/latest.json"}
        publish_database(grype_bench.databases.get(later=True), site, LATER_UPDATED)
        future = update(grype_bench, place, 1, url)
        assert isinstance(future, Unknown)
        assert "from the future" in future.reason
        newer = update(grype_bench, place, 7, url)
        assert isinstance(newer, Database), newer
        assert newer.updated == LATER_UPDATED
    gone = update(grype_bench, place, 8, url)
    assert isinstance(gone, Unknown)
    now = LATER_UPDATED + timedelta(hours=1)
    scan = told(grype_bench.scanner(cache_dir=place).scan(grype_bench.image("debian-11"), now=now))
    assert LATER in {one.vulnerability for one in scan.matches}
    assert sorted(one.name for one in place.iterdir()) == ["6", "basekeeper.lock"]


@pytest.mark.parametrize("damage", [b"", b"no archive", None])
def test_an_archive_that_was_changed_on_the_way_is_refused(
    grype_bench: Bench, tmp_path: Path, damage: bytes | None
) -> None:
    site, place = tmp_path / "site", tmp_path / "cache"
    latest = publish_database(grype_bench.cache_dir, site, UPDATED)
    listing: dict[str, Any] = json.loads(latest.read_text())
    archive = latest.with_name(listing["path"])
    archive.write_bytes(archive.read_bytes() + b"more" if damage is None else damage)
    with serving(site) as server:
        answer = update(grype_bench, place, 1, server.url)
    assert isinstance(answer, Unknown)
    assert sorted(one.name for one in place.iterdir()) == []


def test_a_database_is_taken_from_a_file(grype_bench: Bench, tmp_path: Path) -> None:
    site, place = tmp_path / "site", tmp_path / "cache"
    publish_database(grype_bench.databases.get(later=True), site, LATER_UPDATED)
    (archive,) = site.glob("v6/*.tar.gz")
    newer = update(grype_bench, place, 7, str(archive))
    assert isinstance(newer, Database), newer
    assert newer.updated == LATER_UPDATED
    publish_database(grype_bench.cache_dir, tmp_path / "old", UPDATED)
    (older,) = (tmp_path / "old").glob("v6/*.tar.gz")
    answer = update(grype_bench, place, 8, str(older))
    assert isinstance(answer, Unknown)
    assert "older" in answer.reason
