"""Where two scanners disagree, as people and programs read it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from basekeeper.quorum import Quorum, weigh_scans
from basekeeper.render.layout import Style, width_of
from basekeeper.render.quorum_json import quorum_object
from basekeeper.render.quorum_text import MAX_DISPUTED, quorum_lines
from basekeeper.values.image import Unknown
from basekeeper.values.vulnerability import Database, FixStatus, Severity
from tests.unit.test_quorum import NOW, match, package, scan


def disputed() -> Quorum:
    first = scan(
        "trivy",
        match("CVE-1", package("libc6"), Severity.HIGH),
        match("CVE-2", package("bash"), Severity.LOW, severity_source="debian"),
        match("CVE-3", package("tar"), fixed_versions=("2", "3"), status=FixStatus.FIXED),
        match("CVE-4", package("same")),
    )
    second = scan(
        "grype",
        match("CVE-2", package("bash", "2"), Severity.CRITICAL, severity_source=None),
        match("CVE-3", package("tar"), status=FixStatus.WILL_NOT_FIX),
        match("CVE-4", package("same")),
        match("CVE-5", package("more"), Severity.UNKNOWN, fixed_versions=("9",)),
    )
    return weigh_scans(first, second)


def test_each_disputed_finding_is_told_with_what_each_says() -> None:
    assert list(quorum_lines(disputed(), Style(110))) == [
        (
            "trivy 1.2.3 and grype 1.2.3: 1 agreed, 2 seen differently, 1 by trivy alone,"
            " 1 by grype alone"
        ),
        "    critical  CVE-2 bash",
        "              severity: low by trivy (debian), critical by grype (nobody)",
        "              version: 1 by trivy, 2 by grype",
        "              trivy took the severity of debian, grype that of nobody",
        "    high      CVE-1 libc6",
        (
            "              only trivy: affected; grype did not list the package;"
            " trivy matched an advisory of debian"
        ),
        "    high      CVE-3 tar",
        "              fix: fixed in 2, 3 by trivy, will not fix by grype",
        "    unknown   CVE-5 more",
        (
            "              only grype: fixed in 9; trivy did not list the package;"
            " grype matched an advisory of debian"
        ),
    ]


def test_two_that_found_nothing_say_so_and_what_is_not_known() -> None:
    found = weigh_scans(scan("trivy"), scan("grype", problems=(Unknown("too old"),)))
    assert list(quorum_lines(found, Style(80))) == [
        "trivy 1.2.3 and grype 1.2.3: nothing found",
        "    unknown   grype: too old",
    ]


def test_many_are_cut_unless_all_are_wanted() -> None:
    many = [match(f"CVE-{number}", package("a")) for number in range(MAX_DISPUTED + 5)]
    found = weigh_scans(scan("trivy", *many), scan("grype"))
    assert "and 5 more (--verbose)" in list(quorum_lines(found, Style(80)))[-1]
    assert len(list(quorum_lines(found, Style(200), verbose=True))) == 1 + 2 * len(many)


@pytest.mark.parametrize("width", [60, 80, 200])
def test_lines_fit_and_hold_no_control_characters(width: int) -> None:
    odd = package("a\x1b[2J" + 80 * "b")
    found = weigh_scans(scan("trivy", match("CVE-\n1", odd)), scan("grype"))
    for line in quorum_lines(found, Style(width)):
        assert width_of(line) <= width
        assert line.isprintable()


def test_programs_are_told_everything() -> None:
    written = quorum_object(disputed())
    assert written["summary"] == {
        "agreed": 1, "differing": 2, "first_only": 1, "second_only": 1,
    }  # fmt: skip
    assert written["first"] == {
        "name": "trivy",
        "version": "1.2.3",
        "digest": "sha256:x",
        "verified": True,
        "database_updated": "2026-11-25T11:00:00Z",
    }
    first = written["findings"][0]
    assert (first["agreement"], first["differing"]) == ("differing", ["severity", "version"])
    assert first["first"]["severity"] == "low"
    alone = written["findings"][1]
    assert (alone["agreement"], alone["second"]) == ("first_only", None)
    assert written["unknown"] == []


def test_a_database_that_is_not_known_is_null() -> None:
    old = replace(scan("trivy"), database=None)
    new = scan("grype", database=Database(schema=1, updated=NOW - timedelta(days=1)))
    written = quorum_object(weigh_scans(old, new))
    assert written["first"]["database_updated"] is None
    assert written["second"]["database_updated"] == "2026-11-24T12:00:00Z"
