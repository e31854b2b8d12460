"""Reports are read whole or refused; nothing in them is taken for something else."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from basekeeper.scanners.nottold import NotTold
from basekeeper.scanners.report import Report
from basekeeper.scanners.trivy_report import read_report
from basekeeper.values.vulnerability import FixStatus, Match, PackageKind, Severity, Suppression
from tests.unit.scanners.reports import (
    IMAGE_ID,
    LAYER,
    ORDER,
    encoded,
    package,
    report,
    result,
    vulnerability,
)


def only_match(*, order: tuple[str, ...] = ORDER, **changes: Any) -> Match:
    found = read_report(
        encoded(report(Results=[result(Vulnerabilities=[vulnerability(**changes)])])), order
    )
    (match,) = found.matches
    return match


def test_a_report_is_read_whole() -> None:
    found = read_report(encoded(report()), ORDER)
    assert found.version == "0.69.3"
    assert found.system is not None
    assert (found.system.family, found.system.name, found.system.end_of_life) == (
        "debian",
        "11.11",
        True,
    )
    assert (found.image_id, found.diff_ids, found.platform) == (IMAGE_ID, (LAYER,), "linux/amd64")
    (match,) = found.matches
    assert match.package == found.packages[0]
    assert match.package.version == "1.1.1w-0+deb11u1"
    assert match.package.source == "openssl"
    assert match.published == datetime(2026, 11, 1, 2, 3, 4, 123456, tzinfo=UTC)
    assert match.severity is Severity.CRITICAL


@pytest.mark.parametrize("schema", [1, 3, "2", 2.5, None, True, [2]])
def test_other_schemas_are_refused_by_name(schema: object) -> None:
    with pytest.raises(NotTold, match="schema") as failed:
        read_report(encoded(report(SchemaVersion=schema)), ORDER)
    assert failed.value.unknown.hint is not None


def test_a_report_that_was_cut_off_anywhere_is_refused() -> None:
    data = encoded(report())
    for end in range(len(data)):
        with pytest.raises(NotTold):
            read_report(data[:end], ORDER)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"null", b"[]", b"2", b"\xff\xfe", b"[" * 100_000, b'{"SchemaVersion":2}',
        b'{"SchemaVersion":' + b"2" * 5000 + b"}",
    ],
)  # fmt: skip
def test_what_is_no_report_is_refused(data: bytes) -> None:
    with pytest.raises(NotTold):
        read_report(data, ORDER)


@pytest.mark.parametrize(
    "broken",
    [
        report(Results={}),
        report(Results=[1]),
        report(Metadata=[]),
        report(ArtifactType=None),
        report(Results=[result(Packages="x")]),
        report(Results=[result(Packages=[package(Epoch="1")])]),
        report(Results=[result(Packages=[package(Name=["x"])])]),
        report(Results=[result(Vulnerabilities=[vulnerability(VulnerabilityID="")])]),
        report(Results=[result(Vulnerabilities=[vulnerability(InstalledVersion=None)])]),
        report(Results=[result(Vulnerabilities=[vulnerability(VendorSeverity={"nvd": 9})])]),
        report(Results=[result(Vulnerabilities=[vulnerability(VendorSeverity={"nvd": "4"})])]),
        report(Results=[result(Vulnerabilities=[vulnerability(VendorSeverity={"nvd": True})])]),
        report(Results=[result(Vulnerabilities=[vulnerability(PublishedDate="soon")])]),
        report(Results=[result(Vulnerabilities=[vulnerability(VendorIDs=[1])])]),
        report(Results=[result(Vulnerabilities=[vulnerability(PkgName="x" * 100_000)])]),
    ],
)
def test_a_report_with_a_field_of_the_wrong_kind_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(NotTold):
        read_report(encoded(broken), ORDER)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


def places(value: object, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value."""
    if isinstance(value, dict):
        inner = [one for key, item in value.items() for one in places(item, (*at, key))]
    elif isinstance(value, list):
        inner = [one for key, item in enumerate(value) for one in places(item, (*at, key))]
    else:
        inner = []
    return [at, *inner]


@given(st.sampled_from(places(report())), json_values)
def test_any_value_in_any_place_is_read_or_refused(place: tuple[Any, ...], value: object) -> None:
    whole: Any = {"report": json.loads(encoded(report()))}
    *way, last = ("report", *place)
    inner = whole
    for key in way:
        inner = inner[key]
    inner[last] = value
    try:
        found = read_report(encoded(whole["report"]), ORDER)
    except NotTold:
        return
    assert isinstance(found, Report)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("fixed", FixStatus.FIXED),
        ("will_not_fix", FixStatus.WILL_NOT_FIX),
        ("fix_deferred", FixStatus.FIX_DEFERRED),
        ("end_of_life", FixStatus.END_OF_LIFE),
        ("under_investigation", FixStatus.UNDER_INVESTIGATION),
        ("a word of the future", FixStatus.UNKNOWN),
        (None, FixStatus.UNKNOWN),
    ],
)
def test_the_words_of_trivy_for_a_fix(word: str | None, expected: FixStatus) -> None:
    assert only_match(Status=word).status is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.2", ("1.2",)),
        ("1.2.3, 1.3.1,2.0", ("1.2.3", "1.3.1", "2.0")),
        (" 1.2 , , 1.2", ("1.2",)),
        ("", ()),
        (None, ()),
    ],
)
def test_several_fixed_versions_are_told_apart(text: str | None, expected: tuple[str, ...]) -> None:
    match = only_match(FixedVersion=text)
    assert match.fixed_versions == expected
    assert match.fixable == bool(expected)


def test_names_of_announcements_are_no_aliases() -> None:
    ids = ["DSA-1-1", "GHSA-aaaa", "CVE-2026-2", "RHSA-2026:1", "CVE-2026-1"]
    match = only_match(VendorIDs=ids)
    assert match.aliases == ("CVE-2026-2", "GHSA-aaaa")
    assert match.announcements == ("DSA-1-1", "RHSA-2026:1")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"VendorSeverity": {"debian": 1, "nvd": 4}}, ("low", "debian")),
        ({"VendorSeverity": {"debian": 0, "nvd": 4}}, ("critical", "nvd")),
        ({"VendorSeverity": {"ubuntu": 2, "amazon": 3}}, ("high", "amazon")),
        ({"VendorSeverity": None}, ("critical", "nvd")),
        ({"VendorSeverity": None, "SeveritySource": None}, ("critical", "trivy")),
        ({"VendorSeverity": None, "Severity": "UNKNOWN"}, ("unknown", None)),
        ({"VendorSeverity": {}, "Severity": None}, ("unknown", None)),
    ],
)
def test_the_severity_is_chosen_here(fields: dict[str, Any], expected: tuple[str, str]) -> None:
    match = only_match(**fields)
    assert (match.severity.word, match.severity_source) == expected


@pytest.mark.parametrize("published", [None, "", "0001-01-01T00:00:00Z"])
def test_a_date_that_is_not_told_stays_unknown(published: str | None) -> None:
    assert only_match(PublishedDate=published).published is None


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"Version": "1", "Release": "2", "Epoch": 3}, "3:1-2"),
        ({"Version": "1", "Release": None, "Epoch": 0}, "1"),
        ({"Version": "1", "Release": "", "Epoch": 1}, "1:1"),
    ],
)
def test_a_version_is_shown_whole(fields: dict[str, Any], expected: str) -> None:
    found = read_report(
        encoded(report(Results=[result(Packages=[package(**fields)], Vulnerabilities=[])])), ORDER
    )
    assert [one.version for one in found.packages] == [expected]


def test_what_was_suppressed_is_kept_with_its_reason() -> None:
    modified = {
        "Type": "vulnerability", "Status": "not_affected", "Statement": "not in the path",
        "Source": "us.vex.json", "Finding": vulnerability(),
    }  # fmt: skip
    other = {"Type": "secret", "Status": "ignored", "Finding": {}}
    broken = report(
        Results=[result(Vulnerabilities=None, ExperimentalModifiedFindings=[modified, other])]
    )
    found = read_report(encoded(broken), ORDER)
    assert found.matches == ()
    (one,) = found.suppressed
    assert one.suppressed == Suppression("not_affected", "not in the path", "us.vex.json")


def test_a_language_package_says_where_it_is() -> None:
    one = package("requests", FilePath="app/requests.dist-info/METADATA", SrcName=None)
    inner = result(Class="lang-pkgs", Type="python-pkg", Target="Python")
    inner["Packages"], inner["Vulnerabilities"] = [one], [vulnerability("requests")]
    (found,) = read_report(encoded(report(Results=[inner])), ORDER).packages
    assert (found.kind, found.ecosystem) == (PackageKind.LANGUAGE, "python-pkg")
    assert found.path == "app/requests.dist-info/METADATA"


def test_a_match_without_its_package_in_the_list_is_kept() -> None:
    found = read_report(encoded(report(Results=[result(Packages=[])])), ORDER)
    assert [one.package.name for one in found.matches] == ["libssl1.1"]


def test_the_order_in_a_report_does_not_matter() -> None:
    two = [vulnerability(), vulnerability(VulnerabilityID="CVE-2026-0", VendorSeverity={"nvd": 1})]
    one_way = read_report(encoded(report(Results=[result(Vulnerabilities=two)])), ORDER)
    other = read_report(encoded(report(Results=[result(Vulnerabilities=two[::-1])])), ORDER)
    assert one_way == other
    assert [one.severity for one in one_way.matches] == [Severity.CRITICAL, Severity.LOW]
