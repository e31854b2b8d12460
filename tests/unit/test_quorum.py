"""What two scanners say of one image: together, alone, and differently."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from basekeeper.quorum import Agreement, Aspect, weigh_scans
from basekeeper.values.image import Unknown
from basekeeper.values.vulnerability import (
    Database,
    FixStatus,
    Match,
    Package,
    PackageKind,
    Scan,
    ScannerIdentity,
    Severity,
    Subject,
    SubjectKind,
    Suppression,
)

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
DIGEST = "sha256:" + 64 * "a"


def package(name: str, version: str = "1", **changes: Any) -> Package:
    made = Package(
        name=name,
        version=version,
        kind=PackageKind.OS,
        ecosystem="debian",
        purl=f"pkg:deb/debian/{name}@{version}?arch=amd64",
    )
    return replace(made, **changes)


def match(name: str, of: Package, severity: Severity = Severity.HIGH, **changes: Any) -> Match:
    made = Match(
        vulnerability=name,
        package=of,
        status=FixStatus.AFFECTED,
        severity=severity,
        severity_source="nvd",
        data_source="debian",
    )
    return replace(made, **changes)


def scan(who: str, *matches: Match, **changes: Any) -> Scan:
    made = Scan(
        subject=Subject(kind=SubjectKind.LAYOUT, name="x", digest=DIGEST, platform="linux/amd64"),
        now=NOW,
        scanner=ScannerIdentity(name=who, version="1.2.3", digest="sha256:x"),
        database=Database(schema=1, updated=NOW - timedelta(hours=1)),
        severity_order=("nvd",),
        packages=tuple({one.package: None for one in matches}),
        matches=matches,
    )
    return replace(made, **changes)


def test_what_both_say_is_agreed() -> None:
    theirs = package("a", ecosystem="deb", purl="pkg:deb/debian/a@1?arch=amd64&upstream=b")
    found = weigh_scans(scan("t", match("CVE-1", package("a"))), scan("g", match("CVE-1", theirs)))
    (one,) = found.findings
    assert one.agreement is Agreement.AGREED
    assert (one.vulnerability, one.package, one.name) == ("CVE-1", "pkg:deb/debian/a", "a")
    assert (one.reasons, found.disputed, found.problems) == ((), (), ())


def test_names_of_one_vulnerability_are_one_finding() -> None:
    first = scan("t", match("CVE-1", package("a")))
    second = scan("g", match("GHSA-1", package("a"), aliases=("CVE-1",)))
    (one,) = weigh_scans(first, second).findings
    assert (one.vulnerability, one.agreement) == ("CVE-1", Agreement.AGREED)


def test_the_worst_of_several_matches_counts() -> None:
    first = scan(
        "t",
        match("CVE-1", package("a", "1"), Severity.LOW, fixed_versions=("3",)),
        match("CVE-1", package("a", "2"), Severity.HIGH, fixed_versions=("2.1", "3")),
    )
    (one,) = weigh_scans(first, scan("g")).findings
    assert one.first is not None
    assert one.first.severity is one.severity is Severity.HIGH
    assert one.first.versions == ("1", "2")
    assert one.first.fixed_versions == ("2.1", "3")


@pytest.mark.parametrize(
    ("changes", "aspects", "reasons"),
    [
        (
            {"severity": Severity.LOW, "severity_source": "debian"},
            (Aspect.SEVERITY,),
            ("t took the severity of nvd, g that of debian",),
        ),
        ({"severity": Severity.LOW}, (Aspect.SEVERITY,), ()),
        (
            {"fixed_versions": ("2",), "data_source": None},
            (Aspect.FIX,),
            ("t matched an advisory of debian, g one of nobody named",),
        ),
        ({"package": package("a", "2")}, (Aspect.VERSION,), ()),
        (
            {"package": package("a", "2"), "severity": Severity.LOW, "fixed_versions": ("2",)},
            (Aspect.SEVERITY, Aspect.FIX, Aspect.VERSION),
            (),
        ),
    ],
)
def test_what_both_have_and_see_differently_is_told_by_aspect(
    changes: dict[str, Any], aspects: tuple[Aspect, ...], reasons: tuple[str, ...]
) -> None:
    ours = match("CVE-1", package("a"))
    found = weigh_scans(scan("t", ours), scan("g", replace(ours, **changes)))
    (one,) = found.findings
    assert one.agreement is Agreement.DIFFERING
    assert (one.differing, one.reasons) == (aspects, reasons)
    assert found.disputed == (one,)


ELSEWHERE = "t matched an advisory of debian"


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({"packages": (package("a"),)}, (ELSEWHERE,)),
        ({"packages": (package("b"),)}, ("g did not list the package", ELSEWHERE)),
        ({"packages": ()}, ("g listed no os packages", ELSEWHERE)),
        (
            {"packages": (package("a", "2"), package("a", "3"))},
            ("g listed it in version 2, 3", ELSEWHERE),
        ),
        (
            {"packages": (package("a"),), "problems": (Unknown("x"),)},
            ("the answer of g is not complete", ELSEWHERE),
        ),
        (
            {
                "packages": (package("a"),),
                "database": Database(schema=1, updated=NOW - timedelta(hours=20)),
            },
            ("the database of g is 19 h older", ELSEWHERE),
        ),
        (
            {
                "packages": (package("a"),),
                "suppressed": (
                    match("CVE-1", package("a"), suppressed=Suppression("not_affected", "", "vex")),
                ),
            },
            ("g was told that it does not count: not_affected",),
        ),
    ],
)
def test_why_only_one_may_have_it_is_told(
    changes: dict[str, Any], reasons: tuple[str, ...]
) -> None:
    first, second = scan("t", match("CVE-1", package("a"))), scan("g", **changes)
    (one,) = weigh_scans(first, second).findings
    assert (one.agreement, one.reasons) == (Agreement.FIRST_ONLY, reasons)
    (other,) = weigh_scans(second, first).findings
    assert (other.agreement, other.reasons) == (Agreement.SECOND_ONLY, reasons)


def test_a_difference_may_be_a_matter_of_age() -> None:
    old = Database(schema=1, updated=NOW - timedelta(hours=3))
    first = scan("t", match("CVE-1", package("a")), database=old)
    second = scan("g", match("CVE-1", package("a"), fixed_versions=("2",)))
    (one,) = weigh_scans(first, second).findings
    assert one.reasons == ("the database of t is 2 h older",)


def test_without_purls_packages_are_the_same_by_name() -> None:
    first = scan("t", match("CVE-1", package("A", purl=None, ecosystem="gobinary")))
    second = scan("g", match("CVE-1", package("a", purl=None, ecosystem="go-module")))
    (one,) = weigh_scans(first, second).findings
    assert one.agreement is Agreement.AGREED


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"subject": Subject(kind=SubjectKind.SBOM, name="y")}, "different images"),
        (
            {"subject": Subject(kind=SubjectKind.LAYOUT, name="x", digest=DIGEST)},
            "different platforms",
        ),
        (
            {"scanner": ScannerIdentity(name="t", version="1", digest="sha256:y")},
            "both scans are by t",
        ),
        ({"severity_order": ("debian",)}, "different orders"),
        ({"problems": (Unknown("too old"),)}, "g: too old"),
    ],
)
def test_what_makes_the_comparison_doubtful_is_told(changes: dict[str, Any], word: str) -> None:
    found = weigh_scans(scan("t"), scan("g", **changes))
    assert word in found.problems[0].reason


MATCHES = st.lists(
    st.builds(
        match,
        st.sampled_from(["CVE-1", "CVE-2", "GHSA-1"]),
        st.builds(package, st.sampled_from("ab"), st.sampled_from("12")),
        st.sampled_from(Severity),
        fixed_versions=st.sampled_from([(), ("3",), ("3", "4")]),
        aliases=st.sampled_from([(), ("CVE-3",)]),
    ),
    max_size=6,
)


@given(MATCHES, MATCHES)
def test_both_sides_are_treated_alike_and_nothing_is_lost(
    ours: list[Match], theirs: list[Match]
) -> None:
    there, back = (
        weigh_scans(scan("t", *ours), scan("g", *theirs)),
        weigh_scans(scan("g", *theirs), scan("t", *ours)),
    )
    mirrored = {
        Agreement.AGREED: Agreement.AGREED,
        Agreement.DIFFERING: Agreement.DIFFERING,
        Agreement.FIRST_ONLY: Agreement.SECOND_ONLY,
        Agreement.SECOND_ONLY: Agreement.FIRST_ONLY,
    }
    assert [mirrored[one.agreement] for one in there.findings] == [
        one.agreement for one in back.findings
    ]
    assert [(one.first, one.second) for one in there.findings] == [
        (one.second, one.first) for one in back.findings
    ]
    assert sum(there.count(one) for one in Agreement) == len(there.findings)
    assert {one.package.identity for one in (*ours, *theirs)} == {
        one.package for one in there.findings
    }


@given(MATCHES)
def test_a_scanner_agrees_with_itself(matches: list[Match]) -> None:
    assert weigh_scans(scan("t", *matches), scan("g", *matches)).disputed == ()
