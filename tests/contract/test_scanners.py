"""What every scanner must tell of the same image, wherever it is, and when it can tell nothing."""

from __future__ import annotations

import json
import tarfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from basekeeper.cache.memory import MemoryCache
from basekeeper.compare import Origin, attribute, compare_scans
from basekeeper.scanners.cyclonedx import bring_sbom
from basekeeper.scanners.layouts import pick
from basekeeper.values.image import Unknown
from basekeeper.values.reference import parse_reference
from basekeeper.values.scanning import ArchiveImage, LayoutImage
from basekeeper.values.vulnerability import (
    FixStatus,
    PackageKind,
    Sbom,
    Scan,
    ScannerIdentity,
    Severity,
    SubjectKind,
)
from tests.contract.scanner_kinds import AMD64
from tests.fakes.trivydb import CRITICAL, HIGH, LATER, LOW, MEDIUM, NOW, UPDATED
from tools import images

if TYPE_CHECKING:
    from pathlib import Path

    from basekeeper.ports import Scanner
    from basekeeper.values.reference import Reference
    from basekeeper.values.scanning import ImageSource
    from tests.contract.scanner_kinds import Bench


def told(answer: Scan | Unknown) -> Scan:
    assert isinstance(answer, Scan), answer
    return answer


def listed(answer: Sbom | Unknown) -> Sbom:
    assert isinstance(answer, Sbom), answer
    return answer


def findings(scan: Scan) -> list[tuple[str, str, str]]:
    return [(one.vulnerability, one.package.name, one.severity.word) for one in scan.matches]


def saved(bench: Bench, name: str, target: Path) -> ArchiveImage:
    """Save an image as `docker save` does."""
    manifest = read_blob(bench, bench.digest(name))
    layers = [one["digest"] for one in manifest["layers"]]
    config, files = "config.json", [f"{one.partition(':')[2]}.tar.gz" for one in layers]
    described = [{"Config": config, "RepoTags": [f"{name}:latest"], "Layers": files}]
    index = target.with_suffix(".json")
    index.write_text(json.dumps(described), encoding="utf-8")
    with tarfile.open(target, "w") as tar:
        tar.add(index, arcname="manifest.json")
        tar.add(blob(bench, manifest["config"]["digest"]), arcname=config)
        for digest, file in zip(layers, files, strict=True):
            tar.add(blob(bench, digest), arcname=file)
    return ArchiveImage(path=target, platform=AMD64)


def blob(bench: Bench, digest: str) -> Path:
    return bench.layout.joinpath("blobs", *digest.split(":"))


def read_blob(bench: Bench, digest: str) -> Any:
    return json.loads(blob(bench, digest).read_bytes())


def test_the_advisories_that_match_are_told_worst_first(bench: Bench) -> None:
    scan = told(bench.scanner().scan(bench.image("debian-11-old"), now=NOW))
    assert findings(scan) == [
        (CRITICAL, "libssl1.1", "critical"),
        (CRITICAL, "openssl", "critical"),
        (HIGH, "libc6", "high"),
        (LOW, "bash", "low"),
    ]
    assert scan.complete
    assert scan.worst() is Severity.CRITICAL


def test_each_match_says_what_it_rests_on(bench: Bench) -> None:
    scan = told(bench.scanner().scan(bench.image("debian-11-old"), now=NOW))
    critical, high, low = scan.matches[0], scan.matches[2], scan.matches[3]
    assert critical.status is FixStatus.FIXED
    assert critical.fixable
    assert critical.fixed_versions == ("1.1.1w-0+deb11u2",)
    assert critical.package.version == "1.1.1w-0+deb11u1"
    assert critical.package.source == "openssl"
    assert critical.package.kind is PackageKind.OS
    assert critical.package.layer == scan.diff_ids[0]
    assert (critical.aliases, critical.announcements) == ((), ("DSA-9001-1",))
    assert critical.severities["nvd"] is Severity.CRITICAL
    assert critical.data_source == "debian"
    assert (high.status, high.fixable) == (FixStatus.AFFECTED, False)
    assert (low.status, low.fixable) == (FixStatus.WILL_NOT_FIX, False)
    assert (low.severity_source, low.severities["nvd"]) == ("debian", Severity.CRITICAL)


def test_a_scan_says_who_looked_with_what_at_what(bench: Bench) -> None:
    scan = told(bench.scanner().scan(bench.image("debian-11"), now=NOW))
    assert scan.scanner.name == bench.kind.name
    assert scan.scanner.verified
    assert scan.scanner.digest.startswith("sha256:")
    assert scan.database is not None
    assert scan.database.updated == UPDATED
    assert scan.database.downloaded is None
    assert scan.database.age(scan.now) == timedelta(hours=12)
    assert scan.subject.kind is SubjectKind.LAYOUT
    assert scan.subject.digest == bench.digest("debian-11")
    assert scan.system is not None
    assert (scan.system.family, scan.system.name[:2]) == ("debian", "11")
    assert {"libc6", "openssl", "bash"} <= {one.name for one in scan.packages}
    assert scan.severity_order == ("advisory", "nvd", "highest")


def test_the_severity_source_is_the_users_choice(bench: Bench) -> None:
    scanner = bench.scanner(severity_order=("nvd",))
    scan = told(scanner.scan(bench.image("debian-11"), now=NOW))
    assert findings(scan) == [(LOW, "bash", "critical"), (HIGH, "libc6", "high")]
    assert scan.severity_order == ("nvd",)


def test_a_severity_that_the_chosen_sources_do_not_give_is_unknown(bench: Bench) -> None:
    scanner = bench.scanner(severity_order=("nvd",))
    scan = told(scanner.scan(bench.image("debian-12"), now=NOW))
    medium = next(one for one in scan.matches if one.vulnerability == MEDIUM)
    assert (medium.severity, medium.severity_source) == (Severity.UNKNOWN, None)


def test_the_newer_image_is_shown_to_fix_what_the_database_says(bench: Bench) -> None:
    scanner = bench.scanner()
    old = told(scanner.scan(bench.image("debian-11-old"), now=NOW))
    new = told(scanner.scan(bench.image("debian-11"), now=NOW))
    change = compare_scans(old, new)
    assert change.complete
    assert {(one.vulnerability, one.package) for one in change.fixed} == {
        (CRITICAL, "pkg:deb/debian/libssl1.1"),
        (CRITICAL, "pkg:deb/debian/openssl"),
    }
    assert change.introduced == ()
    assert [one.after.vulnerability for one in change.unchanged] == [HIGH, LOW]
    assert "openssl" in {one.name for one in change.changed}
    assert change.count(Severity.CRITICAL) == (2, 0, 0)


def test_a_saved_archive_gives_the_findings_of_its_layout(bench: Bench, tmp_path: Path) -> None:
    scan = told(bench.scanner().scan(saved(bench, "debian-11-old", tmp_path / "a.tar"), now=NOW))
    same = told(bench.scanner().scan(bench.image("debian-11-old"), now=NOW))
    assert scan.subject.kind is SubjectKind.ARCHIVE
    assert scan.subject.digest == scan.image_id == same.image_id
    assert scan.matches == same.matches


@pytest.mark.parametrize("name", ["debian-11-old", "app-on-12", "app-on-13"])
def test_a_kept_sbom_gives_the_findings_of_its_image(bench: Bench, name: str) -> None:
    scanner, image = bench.scanner(), bench.image(name)
    scan = told(scanner.rematch(listed(scanner.sbom(image, now=NOW)), now=NOW))
    same = told(scanner.scan(image, now=NOW))
    assert scan.rematched
    assert scan.subject == same.subject
    assert scan.complete
    assert (scan.matches, scan.packages) == (same.matches, same.packages)
    assert (scan.diff_ids, scan.image_id) == (same.diff_ids, same.image_id)
    assert scan.system == same.system


def test_only_the_database_moved_and_packages_are_matched_again(bench: Bench) -> None:
    sbom = listed(bench.scanner().sbom(bench.image("app-on-13"), now=NOW))
    before = told(bench.scanner().rematch(sbom, now=NOW))
    after = told(bench.scanner(cache_dir=bench.databases.get(later=True)).rematch(sbom, now=NOW))
    assert LATER not in {one.vulnerability for one in before.matches}
    assert LATER in {one.vulnerability for one in after.matches}
    assert not compare_scans(before, after).complete


def of_registry(image: LayoutImage) -> tuple[LayoutImage, Reference]:
    """Take an image for one that was fetched from a registry."""
    reference = parse_reference(f"registry.test/app@{image.digest}")
    return replace(image, reference=reference), reference


def test_the_sbom_of_a_digest_is_made_once(bench: Bench, tmp_path: Path) -> None:
    image, _ = of_registry(bench.image("app-on-13"))
    cache = MemoryCache()
    first = listed(bench.scanner(cache=cache).sbom(image, now=NOW))
    gone = replace(image, path=tmp_path / "nowhere")
    assert bench.scanner(cache=cache).sbom(gone, now=NOW) == first


def test_what_was_listed_before_is_told_without_an_image(bench: Bench) -> None:
    scanner = bench.scanner(cache=MemoryCache())
    image, reference = of_registry(bench.image("debian-11-old"))
    assert scanner.kept_sbom(reference, AMD64, now=NOW) is None
    made = listed(scanner.sbom(image, now=NOW))
    assert (made.subject.kind, made.subject.digest) == (SubjectKind.REGISTRY, image.digest)
    assert scanner.kept_sbom(reference, AMD64, now=NOW) == made
    assert scanner.kept_sbom(reference, "linux/arm64", now=NOW) is None
    assert bench.scanner().kept_sbom(reference, AMD64, now=NOW) is None


def test_the_same_digest_for_another_platform_has_an_sbom_of_its_own(bench: Bench) -> None:
    scanner = bench.scanner(cache=MemoryCache())
    amd = listed(scanner.sbom(bench.image("debian-12"), now=NOW))
    arm = listed(scanner.sbom(bench.image("debian-12", "linux/arm64"), now=NOW))
    assert b"arch=arm64" in arm.data
    assert b"arch=arm64" not in amd.data


def test_an_sbom_that_somebody_brought_is_matched(bench: Bench) -> None:
    scanner = bench.scanner()
    made = listed(scanner.sbom(bench.image("debian-11-old"), now=NOW))
    brought = bring_sbom(made.data, "app.cdx.json", digest="sha256:" + 64 * "0")
    scan = told(scanner.rematch(listed(brought), now=NOW))
    assert scan.subject.kind is SubjectKind.SBOM
    assert len(scan.matches) == 4


def test_packages_of_an_sbom_that_were_passed_over_are_told(bench: Bench) -> None:
    scanner = bench.scanner()
    text = listed(scanner.sbom(bench.image("debian-11"), now=NOW)).data.decode()
    document = json.loads(text.replace("distro=debian-11.11", "x=y"))
    document["components"] = [
        one for one in document["components"] if one["type"] != "operating-system"
    ]
    brought = listed(bring_sbom(json.dumps(document).encode(), "app.cdx.json"))
    answer = scanner.rematch(brought, now=NOW)
    assert isinstance(answer, Unknown) or not answer.complete


@pytest.mark.parametrize("platform", [AMD64, "linux/arm64", "linux/arm64/v8"])
def test_the_platform_of_an_index_is_the_one_asked_for(bench: Bench, platform: str) -> None:
    scan = told(bench.scanner().scan(bench.image("debian-12", platform), now=NOW))
    architecture = platform.split("/")[1]
    assert any(f"arch={architecture}" in (one.purl or "") for one in scan.packages)


@pytest.mark.parametrize("name", ["debian-12", "debian-11"])
def test_a_platform_that_is_not_there_is_unknown(bench: Bench, name: str) -> None:
    answer = bench.scanner().scan(bench.image(name, "linux/s390x"), now=NOW)
    assert isinstance(answer, Unknown), answer


def test_matches_are_told_apart_by_the_layers_of_the_base(bench: Bench) -> None:
    scanner = bench.scanner()
    base = told(scanner.scan(bench.image("debian-12"), now=NOW))
    app = told(scanner.scan(bench.image("app-on-12"), now=NOW))
    found = attribute(app, base.diff_ids)
    assert found.problem is None
    assert found.of(Origin.BASE) == app.matches
    other = attribute(app, told(scanner.scan(bench.image("debian-13"), now=NOW)).diff_ids)
    assert other.problem is not None
    assert other.unknown == app.matches


def test_a_layout_whose_content_was_changed_is_refused(bench: Bench, tmp_path: Path) -> None:
    digest = bench.digest("debian-11")
    blobs = tmp_path / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    manifest = read_blob(bench, digest)
    for one in (digest, manifest["config"]["digest"], manifest["layers"][0]["digest"]):
        (blobs / one.partition(":")[2]).write_bytes(blob(bench, one).read_bytes())
    image = LayoutImage(path=tmp_path, digest=digest, platform=AMD64)
    told(bench.scanner().scan(image, now=NOW))
    config = blobs / manifest["config"]["digest"].partition(":")[2]
    config.write_bytes(config.read_bytes().replace(b"amd64", b"arm64"))
    answer = bench.scanner().scan(image, now=NOW)
    assert isinstance(answer, Unknown)
    assert "another digest" in answer.reason


def test_an_image_without_packages_is_not_clean(bench: Bench, tmp_path: Path) -> None:
    store = images.Store(tmp_path / "layout")
    layer = store.layer(b"\0" * 10240)
    config = {
        "architecture": "amd64", "os": "linux", "config": {},
        "rootfs": {"type": "layers", "diff_ids": [images._digest(b"\0" * 10240)]},
    }  # fmt: skip
    manifest = {
        "schemaVersion": 2, "mediaType": images.MANIFEST, "layers": [layer],
        "config": store.blob(json.dumps(config).encode(), images.CONFIG),
    }  # fmt: skip
    made = store.blob(json.dumps(manifest).encode(), images.MANIFEST)
    image = LayoutImage(path=tmp_path / "layout", digest=made["digest"], platform=AMD64)
    scan = told(bench.scanner().scan(image, now=NOW))
    assert scan.matches == ()
    assert not scan.complete
    assert "no packages" in scan.problems[0].reason


@pytest.mark.parametrize(
    ("age", "word"),
    [(timedelta(hours=25), "25 h old"), (timedelta(hours=-1), "from the future")],
)
def test_a_database_of_the_wrong_age_proves_nothing(
    bench: Bench, age: timedelta, word: str
) -> None:
    scanner, now = bench.scanner(), UPDATED + age
    answer = scanner.database(now=now)
    assert isinstance(answer, Unknown)
    assert word in answer.reason
    scan = told(scanner.scan(bench.image("debian-11"), now=now))
    assert not scan.complete
    assert scan.problems == (answer,)
    assert len(scan.matches) == 2  # what was found is real all the same


def test_without_a_database_nothing_is_told(bench: Bench, tmp_path: Path) -> None:
    scanner = bench.scanner(cache_dir=tmp_path)
    image = bench.image("debian-11")
    sbom = listed(bench.scanner().sbom(image, now=NOW))
    for answer in (
        scanner.database(now=NOW),
        scanner.scan(image, now=NOW),
        scanner.rematch(sbom, now=NOW),
    ):
        assert isinstance(answer, Unknown)
        assert "no vulnerability database" in answer.reason


@pytest.mark.parametrize("damage", ["metadata", "schema", "content", "empty"])
def test_a_damaged_database_tells_nothing(bench: Bench, tmp_path: Path, damage: str) -> None:
    bench.kind.damage(bench.cache_dir, tmp_path, damage)
    answer = bench.scanner(cache_dir=tmp_path).scan(bench.image("debian-11"), now=NOW)
    assert isinstance(answer, Unknown), answer


def test_files_of_the_tree_and_of_the_user_change_nothing(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").mkdir()
    bench.kind.mislead(tmp_path / "home")
    variables = bench.kind.mislead(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    pick(bench.image("debian-11-old"), tmp_path / "layout")
    plain = bench.kind.run_plainly(bench.program.path, bench.cache_dir, tmp_path / "layout")
    assert CRITICAL.encode() not in plain  # run plainly, it would read them
    scan = told(bench.scanner().scan(bench.image("debian-11-old"), now=NOW))
    assert len(scan.matches) == 4
    assert scan.suppressed == ()


def test_a_statement_that_something_does_not_affect_us_is_shown_with_its_reason(
    bench: Bench, tmp_path: Path
) -> None:
    purl = "pkg:deb/debian/libc6@2.31-13%2Bdeb11u11?arch=amd64&distro=debian-11.11"
    document = {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "https://example.com/vex/1",
        "author": "tests",
        "timestamp": "2026-11-20T00:00:00Z",
        "version": 1,
        "statements": [
            {
                "vulnerability": {"name": HIGH},
                "products": [{"@id": purl}],
                "status": "not_affected",
                "justification": "vulnerable_code_not_in_execute_path",
            }
        ],
    }
    path = tmp_path / "us.vex.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    scan = told(bench.scanner(vex=(path,)).scan(bench.image("debian-11-old"), now=NOW))
    assert HIGH not in {one.vulnerability for one in scan.matches}
    (one,) = scan.suppressed
    assert (one.vulnerability, one.severity) == (HIGH, Severity.HIGH)
    assert one.suppressed is not None
    assert one.suppressed.status == "not_affected"
    expected = "vulnerable_code_not_in_execute_path" if bench.kind.tells_justification else ""
    assert one.suppressed.statement == expected


def test_memory_that_does_not_suffice_is_unknown(bench: Bench) -> None:
    answer = bench.scanner(memory_bytes=64 * 1024**2).scan(bench.image("debian-11"), now=NOW)
    assert isinstance(answer, Unknown)


def test_a_scan_that_takes_too_long_is_unknown(bench: Bench) -> None:
    assert isinstance(bench.scanner().identity(), ScannerIdentity)
    answer = bench.scanner(timeout=0.01).scan(bench.image("debian-13"), now=NOW)
    assert isinstance(answer, Unknown)
    assert "within 0.01 seconds" in answer.reason


def test_output_over_the_limit_is_unknown(bench: Bench) -> None:
    answer = bench.scanner(max_output_bytes=5000).scan(bench.image("debian-13"), now=NOW)
    assert isinstance(answer, Unknown)
    assert "more than 5000 bytes" in answer.reason


def test_one_scanner_serves_several_threads(bench: Bench) -> None:
    scanner = bench.scanner()
    with ThreadPoolExecutor(3) as pool:
        answers = list(
            pool.map(lambda _: scanner.scan(bench.image("debian-11-old"), now=NOW), range(3))
        )
    assert answers[0] == answers[1] == answers[2]
    assert told(answers[0]).complete


def test_nothing_is_left_behind(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    bench.scanner().scan(bench.image("debian-11"), now=NOW)
    bench.scanner(timeout=0.3).scan(bench.image("debian-11"), now=NOW)
    assert list(tmp_path.iterdir()) == []


def test_an_adapter_is_what_the_port_says(bench: Bench) -> None:
    scanner: Scanner = bench.scanner()
    image: ImageSource = bench.image("debian-11")
    assert isinstance(scanner.scan(image, now=NOW), Scan)
