"""Reports of Grype are read into the words that every scanner's are."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from basekeeper.scanners.grype_listing import read_listing
from basekeeper.scanners.grype_report import MAX_CATALOGUE_AGE, read_head, read_report
from basekeeper.scanners.nottold import NotTold
from basekeeper.values.vulnerability import FixStatus, Match, PackageKind, Severity
from tests.unit.scanners.grype_reports import (
    BUILT,
    IMAGE_ID,
    LAYER,
    ORDER,
    descriptor,
    encoded_config,
    listing,
    match,
    related,
    report,
    vulnerability,
)

if TYPE_CHECKING:
    from basekeeper.scanners.report import Report

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
CAPTURED = datetime.fromisoformat(BUILT)


def read(document: dict[str, Any], now: datetime = NOW) -> Report:
    return read_report(document, read_listing(listing(), (LAYER,)), ORDER, now)


def matched(one: dict[str, Any]) -> tuple[Match, ...]:
    return read(report(matches=[one])).matches


def test_a_report_is_told_in_our_words() -> None:
    found = read(report())
    assert (found.version, found.artifact_type, found.image_id) == ("0.121.3", "image", IMAGE_ID)
    assert (found.diff_ids, found.platform) == ((LAYER,), "linux/amd64")
    assert found.system is not None
    assert (found.system.family, found.system.name, found.system.end_of_life) == (
        "debian", "11.11", False,
    )  # fmt: skip
    (one,) = found.matches
    assert (one.vulnerability, one.aliases, one.announcements) == ("CVE-2026-1", (), ("DSA-1-1",))
    assert (one.status, one.fixed_versions) == (FixStatus.FIXED, ("1.1.1w-0+deb11u2",))
    assert dict(one.severities) == {"debian": Severity.CRITICAL, "nvd": Severity.HIGH}
    assert (one.severity, one.severity_source) == (Severity.CRITICAL, "debian")
    assert one.fixed_at == datetime(2026, 11, 20, tzinfo=UTC)
    assert (one.exploited, one.epss, one.published) == (False, None, None)
    assert one.package is found.packages[0]
    assert (one.package.source, one.package.kind, one.package.layer) == (
        "openssl", PackageKind.OS, LAYER,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fix", "status", "versions"),
    [
        ({"state": "fixed", "versions": ["2", "2", ""]}, FixStatus.FIXED, ("2",)),
        ({"state": "not-fixed", "versions": []}, FixStatus.AFFECTED, ()),
        ({"state": "wont-fix", "versions": ["2"]}, FixStatus.WILL_NOT_FIX, ()),
        ({"state": "unknown"}, FixStatus.UNKNOWN, ()),
        ({"state": "new word"}, FixStatus.UNKNOWN, ()),
        ({}, FixStatus.UNKNOWN, ()),
    ],
)
def test_the_state_of_the_fix_is_told(
    fix: dict[str, Any], status: FixStatus, versions: tuple[str, ...]
) -> None:
    (one,) = matched(match(vulnerability(fix=fix)))
    assert (one.status, one.fixed_versions, one.fixed_at) == (status, versions, None)


def test_the_first_day_of_a_fix_counts_and_days_of_other_versions_do_not() -> None:
    available = [
        {"version": "3", "date": "2026-11-22"},
        {"version": "2", "date": "2026-11-21"},
        {"version": "1", "date": "2026-11-01"},
        {"version": "2", "date": ""},
    ]
    fix = {"state": "fixed", "versions": ["2", "3"], "available": available}
    (one,) = matched(match(vulnerability(fix=fix)))
    assert one.fixed_at == datetime(2026, 11, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    ("about", "others", "expected"),
    [
        ("CVE-1", ["CVE-1"], [("CVE-1", (), ("DSA-1-1",))]),
        ("CVE-1", [], [("CVE-1", (), ("DSA-1-1",))]),
        ("GHSA-x", ["CVE-1"], [("CVE-1", ("GHSA-x",), ("DSA-1-1",))]),
        ("GHSA-x", ["CVE-2", "CVE-1"], [("CVE-1", ("CVE-2", "GHSA-x"), ("DSA-1-1",))]),
        ("GHSA-x", [], [("GHSA-x", (), ("DSA-1-1",))]),
        ("ALAS-1", ["CVE-1"], [("CVE-1", (), ("ALAS-1", "DSA-1-1"))]),
        (
            "ALAS-1",
            ["CVE-2", "CVE-1"],
            [("CVE-1", (), ("ALAS-1", "DSA-1-1")), ("CVE-2", (), ("ALAS-1", "DSA-1-1"))],
        ),
        ("TEMP-1", [], [("TEMP-1", (), ("DSA-1-1",))]),
    ],
)
def test_an_announcement_is_taken_apart_and_aliases_are_kept(
    about: str, others: list[str], expected: list[tuple[object, ...]]
) -> None:
    found = matched(match(vulnerability(id=about), [related(name) for name in others]))
    assert [(one.vulnerability, one.aliases, one.announcements) for one in found] == expected


def test_what_others_say_of_one_vulnerability_is_not_said_of_another() -> None:
    kev = [{"cve": "CVE-2"}]
    epss = [{"cve": "CVE-1", "epss": 0.1}, {"cve": "CVE-2", "epss": 0.7}]
    about = vulnerability(id="ALAS-1", severity="unknown", knownExploited=kev, epss=epss)
    first, second = sorted(
        matched(match(about, [related("CVE-1", "Low"), related("CVE-2", "Critical")])),
        key=lambda one: one.vulnerability,
    )
    assert (first.severity, first.exploited, first.epss) == (Severity.LOW, False, 0.1)
    assert (second.severity, second.exploited, second.epss) == (Severity.CRITICAL, True, 0.7)


@pytest.mark.parametrize(
    ("captured", "entries", "exploited"),
    [
        (CAPTURED, [{"cve": "CVE-2026-1"}], True),
        (CAPTURED, [], False),
        (NOW - MAX_CATALOGUE_AGE, [], False),
        (NOW - MAX_CATALOGUE_AGE - timedelta(seconds=1), [], None),
        (NOW - MAX_CATALOGUE_AGE - timedelta(days=9), [{"cve": "CVE-2026-1"}], True),
        (None, [], None),
        (None, [{"cve": "CVE-2026-1"}], True),
    ],
)
def test_what_an_old_or_missing_catalogue_does_not_list_is_unknown(
    captured: datetime | None,
    entries: list[dict[str, str]],
    exploited: bool | None,  # noqa: FBT001  # of the table
) -> None:
    told = descriptor()
    told["db"]["providers"] = (
        {} if captured is None else {"kev": {"captured": captured.isoformat()}}
    )
    found = read(report(matches=[match(vulnerability(knownExploited=entries))], descriptor=told))
    assert found.matches[0].exploited is exploited


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        ("Negligible", Severity.LOW), ("Low", Severity.LOW), ("Medium", Severity.MEDIUM),
        ("High", Severity.HIGH), ("Critical", Severity.CRITICAL), ("Unknown", Severity.UNKNOWN),
        ("", Severity.UNKNOWN),
    ],
)  # fmt: skip
def test_words_of_severity_are_read(word: str, severity: Severity) -> None:
    (one,) = matched(match(vulnerability(severity=word), []))
    assert one.severity is severity
    assert ("debian" in one.severities) is (severity is not Severity.UNKNOWN)


def test_publishers_are_called_as_trivy_calls_them() -> None:
    about = vulnerability(id="GHSA-x", namespace="github:language:python")
    (one,) = matched(match(about, [related("CVE-1")]))
    assert (one.data_source, one.severity_source) == ("ghsa", "ghsa")


def test_of_equal_matches_the_one_nearer_to_the_package_counts() -> None:
    far = match(vulnerability(namespace="nvd:cpe", severity="Low"), [])
    for matches in ([far, match()], [match(), far]):
        (one,) = read(report(matches=matches)).matches
        assert one.data_source == "debian"


@pytest.mark.parametrize(
    ("rules", "status", "statement", "source"),
    [
        ([{"vex-status": "not_affected", "vex-justification": "x"}], "not_affected", "x", "vex"),
        ([{"reason": "kernel headers"}], "ignored", "kernel headers", "grype"),
        ([{"reason": "y"}, {"vex-status": "fixed"}], "fixed", "", "vex"),
    ],
)
def test_what_was_ignored_is_told_with_the_reason(
    rules: list[dict[str, str]], status: str, statement: str, source: str
) -> None:
    found = read(report(matches=[], ignoredMatches=[match(appliedIgnoreRules=rules)]))
    (one,) = found.suppressed
    assert found.matches == ()
    assert one.suppressed is not None
    assert (one.suppressed.status, one.suppressed.statement) == (status, statement)
    assert one.suppressed.source == source


def test_a_system_past_its_end_is_told() -> None:
    alerts = [{"package": {}, "alerts": [{"type": "other"}, {"type": "distro-eol"}]}]
    found = read(report(alertsByPackage=alerts))
    assert found.system is not None
    assert found.system.end_of_life


def test_a_package_that_was_not_listed_is_told_as_the_match_has_it() -> None:
    artifact = {"id": "?", "name": "x", "version": "1", "type": "python", "purl": "pkg:pypi/x@1"}
    (one,) = matched(match(artifact=artifact))
    assert (one.package.kind, one.package.ecosystem) == (PackageKind.LANGUAGE, "python")


def test_an_image_of_a_variant_says_so() -> None:
    document = report()
    document["source"]["target"]["config"] = encoded_config(architecture="arm", variant="v7")
    assert read_head(document).platform == "linux/arm/v7"


@pytest.mark.parametrize(
    "changes",
    [
        {"descriptor": None},
        {"descriptor": descriptor(name="syft")},
        {"descriptor": descriptor(db={})},
        {"descriptor": descriptor(db={"status": {"schemaVersion": "v7.0.0"}})},
        {"descriptor": descriptor(db={"status": {"schemaVersion": 6}})},
        {"descriptor": descriptor(version="")},
        {"matches": None},
        {"matches": {}},
        {"matches": ["x"]},
        {"matches": [{}]},
        {"matches": [match(vulnerability(id=""))]},
        {"matches": [match(vulnerability(severity="Awful"))]},
        {"matches": [match(vulnerability(fix=[]))]},
        {"matches": [match(vulnerability(epss=[{"epss": 2}]))]},
        {"matches": [match(vulnerability(epss=[{"epss": "0.1"}]))]},
        {"matches": [match(vulnerability(epss=[{"epss": True}]))]},
        {"matches": [match(artifact={"name": "x"})]},
        {"source": {"type": "image", "target": {"config": "%"}}},
        {"source": {"type": "image", "target": {"config": "aGk="}}},
        {"source": {"type": "image", "target": {"layers": [{}]}}},
        {"distro": []},
    ],
)
def test_what_is_no_report_of_grype_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(NotTold):
        read({**report(), **changes})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["id", "fix", "state", "versions", "available", "epss", "cve", "severity", "type"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@given(JSON, st.sampled_from(["vulnerability", "relatedVulnerabilities", "artifact"]))
def test_whatever_stands_in_a_match_is_read_or_refused(value: object, key: str) -> None:
    with suppress(NotTold):
        read(report(matches=[{**match(), key: value}]))
