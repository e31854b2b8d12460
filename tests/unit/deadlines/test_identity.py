from __future__ import annotations

from itertools import permutations

import pytest

from basekeeper.deadlines.identity import Aliases, FindingKey, Scope, read_scope

WHOLE = Scope(
    lineage="docker.io/library/debian:slim",
    vulnerability="CVE-2026-1",
    package="pkg:deb/debian/libstdc++6?arch=a&b",
    platform="linux/arm64/v8",
    product="api & shop",
)


@pytest.mark.parametrize("scope", [WHOLE, Scope(product="x"), Scope(vulnerability="é=&%")])
def test_a_scope_is_read_as_it_was_written(scope: Scope) -> None:
    assert read_scope(str(scope)) == scope


def test_a_subject_is_readable() -> None:
    scope = Scope(lineage="docker.io/library/debian:slim", vulnerability="CVE-2026-1")
    assert str(scope) == "lineage=docker.io/library/debian:slim&vulnerability=CVE-2026-1"


@pytest.mark.parametrize(
    "subject",
    [
        "docker.io/library/debian",
        "vulnerability=",
        "vulnerability=a&vulnerability=b",
        "cve=CVE-2026-1",
        "self=1",
        "vulnerability=%ff",
        "vulnerability=" + "x" * 5000,
    ],
)
def test_refuses_what_is_no_scope(subject: str) -> None:
    with pytest.raises(ValueError, match="has a subject"):
        read_scope(subject)


def test_only_a_whole_scope_names_a_finding() -> None:
    assert WHOLE.finding == FindingKey(
        "docker.io/library/debian:slim",
        "CVE-2026-1",
        "pkg:deb/debian/libstdc++6?arch=a&b",
        "linux/arm64/v8",
    )
    assert Scope(vulnerability="CVE-2026-1").finding is None


@pytest.mark.parametrize(
    ("groups", "name", "first"),
    [
        ([], "cve-2026-1", "CVE-2026-1"),
        ([["GHSA-a", "CVE-2026-1"]], "GHSA-a", "CVE-2026-1"),
        ([["GHSA-a", "GO-1"], ["GO-1", "CVE-2026-1"]], "GHSA-A", "CVE-2026-1"),
        ([["GHSA-b", "GHSA-a"]], "GHSA-b", "GHSA-A"),
        ([["DSA-1", "CVE-2026-1"], ["DSA-1", "CVE-2026-2"]], "CVE-2026-2", "CVE-2026-2"),
        ([["DSA-1", "CVE-2026-1", "CVE-2026-2"]], "DSA-1", "DSA-1"),
        ([["CVE-2026-1"]], "CVE-2026-1", "CVE-2026-1"),
        ([[]], "x", "X"),
    ],
)
def test_aliases_are_one_vulnerability(groups: list[list[str]], name: str, first: str) -> None:
    for order in permutations(groups):
        assert Aliases(order).first(name) == first


@pytest.mark.parametrize(
    "groups",
    [
        [("CVE-2026-1", "GHSA-a"), ("CVE-2026-1", "GHSA-a", "GHSA-b")],
        [("CVE-2026-1", "cve-2026-1", "GHSA-b")],
        [("CVE-2026-1", "GHSA-b"), ("GHSA-b", "CVE-2026-1")],
        [("CVE-2026-1", "GHSA-a"), ("GHSA-a", "GHSA-b"), ("CVE-2026-1", "GHSA-b")],
    ],
)
def test_names_that_are_joined_twice_are_joined(groups: list[tuple[str, ...]]) -> None:
    assert Aliases(groups).first("GHSA-B") == "CVE-2026-1"
