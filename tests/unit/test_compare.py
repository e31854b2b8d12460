"""What two scans differ in, and whose a match is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from basekeeper.compare import Difference, Origin, attribute, compare_scans
from basekeeper.values.image import ImageConfig, Unknown
from basekeeper.values.vulnerability import (
    Database,
    FixStatus,
    Match,
    OperatingSystem,
    Package,
    PackageKind,
    Scan,
    ScannerIdentity,
    Severity,
    Subject,
    SubjectKind,
)

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
KNOWN = Database(schema=2, updated=NOW - timedelta(hours=1))
TRIVY = ScannerIdentity(name="trivy", version="0.69.3", digest="sha256:x")
L1, L2, L3 = (f"sha256:{letter * 64}" for letter in "abc")


def package(name: str, version: str = "1", layer: str | None = L1) -> Package:
    return Package(
        name=name,
        version=version,
        kind=PackageKind.OS,
        ecosystem="debian",
        purl=f"pkg:deb/debian/{name}@{version}",
        layer=layer,
    )


def match(name: str, of: Package, severity: Severity = Severity.HIGH, **more: Any) -> Match:
    return Match(
        vulnerability=name,
        package=of,
        status=FixStatus.AFFECTED,
        severity=severity,
        severity_source="nvd",
        **more,
    )


def scan(*matches: Match, **changes: Any) -> Scan:
    packages = changes.pop("packages", tuple({one.package: None for one in matches}))
    return replace(
        Scan(
            subject=Subject(kind=SubjectKind.LAYOUT, name="x", platform="linux/amd64"),
            now=NOW,
            scanner=TRIVY,
            database=KNOWN,
            severity_order=("nvd",),
            system=OperatingSystem("debian", "11.11"),
            diff_ids=(L1, L2),
            packages=packages,
            matches=matches,
        ),
        **changes,
    )


def test_findings_are_fixed_introduced_or_unchanged() -> None:
    before = scan(match("CVE-1", package("a")), match("CVE-2", package("b")))
    after = scan(match("CVE-2", package("b", "2")), match("CVE-3", package("c")))
    change = compare_scans(before, after)
    assert [one.vulnerability for one in change.fixed] == ["CVE-1"]
    assert [one.vulnerability for one in change.introduced] == ["CVE-3"]
    assert [one.after.vulnerability for one in change.unchanged] == ["CVE-2"]
    assert [one.name for one in change.removed] == ["a"]
    assert [one.name for one in change.added] == ["c"]
    assert [(one.before, one.after) for one in change.changed] == [(("1",), ("2",))]
    assert change.count(Severity.HIGH) == (1, 1, 1)
    assert change.complete


def test_the_same_vulnerability_in_two_packages_is_two_findings() -> None:
    both = scan(match("CVE-1", package("a")), match("CVE-1", package("b")))
    change = compare_scans(both, scan(match("CVE-1", package("b"))))
    assert [one.package for one in change.fixed] == ["pkg:deb/debian/a"]


def test_a_package_in_two_versions_is_fixed_only_where_both_are() -> None:
    two = scan(match("CVE-1", package("a")), match("CVE-1", package("a", "2")))
    one = scan(match("CVE-1", package("a", "2")))
    assert compare_scans(two, one).fixed == ()
    assert len(compare_scans(two, scan()).fixed) == 1


def test_aliases_are_one_vulnerability() -> None:
    before = scan(match("GHSA-1", package("a")))
    after = scan(match("CVE-1", package("a"), aliases=("GHSA-1",)))
    for change in (compare_scans(before, after), compare_scans(after, before)):
        assert (change.fixed, change.introduced) == ((), ())
        assert change.unchanged[0].after.vulnerability == "CVE-1"


def test_aliases_that_a_third_name_joins_are_one() -> None:
    before = scan(match("CVE-1", package("a"), aliases=("GHSA-1",)))
    after = scan(
        match("PYSEC-1", package("a"), aliases=("OSV-1",)),
        match("OSV-1", package("b"), aliases=("GHSA-1",)),
    )
    assert compare_scans(before, after).fixed == ()


def test_a_shared_announcement_merges_nothing() -> None:
    before = scan(match("CVE-1", package("a"), announcements=("DSA-1",)))
    after = scan(match("CVE-2", package("a"), announcements=("DSA-1",)))
    assert len(compare_scans(before, after).fixed) == 1


def test_a_severity_that_moved_is_told() -> None:
    before = scan(match("CVE-1", package("a"), Severity.LOW))
    after = scan(match("CVE-1", package("a"), Severity.CRITICAL))
    (kept,) = compare_scans(before, after).unchanged
    assert kept.moved
    assert compare_scans(before, after).count(Severity.CRITICAL) == (0, 0, 1)
    assert not compare_scans(before, before).unchanged[0].moved


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"problems": (Unknown("stale"),)}, "stale"),
        ({"database": replace(KNOWN, updated=NOW)}, "different databases"),
        ({"scanner": replace(TRIVY, version="0.70.0")}, "different scanners"),
        ({"severity_order": ("debian",)}, "different orders"),
        (
            {"subject": Subject(kind=SubjectKind.LAYOUT, name="x", platform="linux/arm64")},
            "different platforms",
        ),
    ],
)
def test_what_cannot_be_set_against_each_other_proves_nothing(
    changes: dict[str, Any], word: str
) -> None:
    one, other = scan(match("CVE-1", package("a"))), scan(**changes)
    for change in (compare_scans(one, other), compare_scans(other, one)):
        assert not change.complete
        assert word in change.problems[0].reason


def test_what_else_differs_is_told() -> None:
    old = ImageConfig(digest="d", manifest="m", platform="linux/amd64", size=10, entrypoint=("a",))
    new = replace(old, size=None, user="app", entrypoint=(), command=("b", "c"))
    later = scan(system=OperatingSystem("debian", "12.1"))
    change = compare_scans(scan(), later, configs=(old, new))
    assert change.differences == (
        Difference("operating system", "debian 11.11", "debian 12.1"),
        Difference("size", "10", "not told"),
        Difference("user", "root", "app"),
        Difference("entrypoint", "a", "none"),
        Difference("command", "none", "b c"),
    )
    assert compare_scans(scan(), scan()).differences == ()


names = st.sampled_from(["CVE-1", "CVE-2", "GHSA-1", "GHSA-2"])
packages = st.builds(package, st.sampled_from("ab"), st.sampled_from("12"))
matches = st.builds(
    match,
    names,
    packages,
    st.sampled_from(Severity),
    aliases=st.lists(names, max_size=1).map(tuple),
)
scans = st.lists(matches, max_size=5).map(lambda found: scan(*found))


@given(scans)
def test_an_image_differs_not_from_itself(one: Scan) -> None:
    change = compare_scans(one, one)
    assert (change.fixed, change.introduced, change.changed) == ((), (), ())
    assert all(not kept.moved for kept in change.unchanged)


@given(scans, scans)
def test_the_way_back_is_the_way_there_reversed(one: Scan, other: Scan) -> None:
    there, back = compare_scans(one, other), compare_scans(other, one)
    assert (there.fixed, there.introduced) == (back.introduced, back.fixed)
    assert [item.identity for item in there.added] == [item.identity for item in back.removed]
    keys = [(kept.after.vulnerability, kept.after.package) for kept in there.unchanged]
    assert sorted(keys) == sorted(
        (kept.after.vulnerability, kept.after.package) for kept in back.unchanged
    )


@given(scans, scans)
def test_every_match_is_in_one_place(one: Scan, other: Scan) -> None:
    change = compare_scans(one, other)
    gone = [found for item in change.fixed for found in item.matches]
    stayed = [found for kept in change.unchanged for found in kept.before.matches]
    assert len(gone) + len(stayed) == len(one.matches)


def test_matches_belong_to_the_layer_that_brought_the_package() -> None:
    below, above = match("CVE-1", package("a")), match("CVE-2", package("b", layer=L2))
    lost = match("CVE-3", package("c", layer=None))
    strange = match("CVE-4", package("d", layer=L3))
    found = attribute(scan(below, above, lost, strange), [L1])
    assert found.problem is None
    assert found.of(Origin.BASE) == (below,)
    assert found.of(Origin.APPLICATION) == (above,)
    assert found.of(Origin.UNKNOWN) == (lost, strange)


@pytest.mark.parametrize("base", [(), (L2,), (L1, L3), (L1, L2, L3)])
def test_layers_that_are_not_the_first_prove_no_base(base: tuple[str, ...]) -> None:
    one = scan(match("CVE-1", package("a")))
    found = attribute(one, base)
    assert found.problem is not None
    assert (found.base, found.application, found.unknown) == ((), (), one.matches)


def test_without_layers_nothing_is_attributed() -> None:
    found = attribute(scan(match("CVE-1", package("a")), diff_ids=()), [L1])
    assert found.problem is not None
