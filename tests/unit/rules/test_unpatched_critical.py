from __future__ import annotations

from typing import Any

import pytest

from basekeeper.deadlines.identity import FindingKey
from basekeeper.deadlines.model import State
from basekeeper.policy.windows import Urgency
from basekeeper.rules.unpatched_critical import RULE
from basekeeper.values.finding import Severity
from basekeeper.values.use import Role
from basekeeper.values.vulnerability import Severity as Level
from tests.unit.rules.making import found, subject
from tests.unit.rules.storing import DIGEST, deadline, finding, standing

OTHER = FindingKey("docker.io/library/debian:slim", "CVE-2026-9", "pkg:deb/debian/zlib", "x/y")


def test_an_existing_one_is_a_warning_with_its_due_time() -> None:
    (one,) = found(RULE, standing(finding()))
    assert one.severity is Severity.WARNING
    assert one.message == (
        "debian:12.1-slim has 1 critical vulnerability with a fix: CVE-2026-1001 in openssl"
        " 3.0.14-1, fixed in 3.0.15-1, due 2026-11-25 11:00 UTC"
    )
    assert one.remedy == (
        "build and release anew, on what the tag stands for today, then scan again"
    )
    scan, told = one.evidence
    assert scan == (
        "scanned for linux/amd64 2026-11-23 11:00 UTC by trivy 0.69.3,"
        f" database of 2026-11-23 06:00 UTC: {DIGEST}"
    )
    assert told == (
        "critical (nvd), CVE-2026-1001 in openssl 3.0.14-1, fixed in 3.0.15-1,"
        " found 2026-11-23 11:00 UTC, due 2026-11-25 11:00 UTC,"
        " by policy.deadlines.critical = '48 hours' (shipped default)"
    )


@pytest.mark.parametrize(
    ("made", "severity", "words"),
    [
        pytest.param({}, Severity.WARNING, "due 2026-11-25 11:00 UTC", id="has time"),
        pytest.param({"compared": True}, Severity.WARNING, "due 2026", id="was there before"),
        pytest.param({"compared": False}, Severity.ERROR, "brings 1 critical", id="is new"),
        pytest.param(
            {"role": Role.BUILD, "compared": False}, Severity.WARNING, "brings", id="build, new"
        ),
        pytest.param({"role": Role.BUILD}, Severity.NOTE, "due 2026-11-25", id="build, has time"),
        pytest.param(
            {"deadlines": (deadline(hours=5),)},
            Severity.WARNING,
            "due 2026-11-23 17:00 UTC",
            id="deadline counts before the first look",
        ),
        pytest.param(
            {"deadlines": (deadline(State.BREACHED, -3),)},
            Severity.ERROR,
            "overdue since 2026-11-23 09:00 UTC",
            id="overdue",
        ),
        pytest.param(
            {"deadlines": (deadline(State.BREACHED, -3),), "role": Role.BUILD},
            Severity.WARNING,
            "overdue since",
            id="build, overdue",
        ),
        pytest.param(
            {"deadlines": (deadline(State.EXCEPTED, -3),)},
            Severity.NOTE,
            "excepted: vulnerable_code_not_present, https://vex.example/acme",
            id="excepted",
        ),
        pytest.param(
            {"deadlines": (deadline(State.EXCEPTED, -3), deadline(product="Dockerfile"))},
            Severity.WARNING,
            "due 2026-11-24 12:00 UTC",
            id="excepted for one product of two",
        ),
        pytest.param(
            {"deadlines": (deadline(), deadline(State.BREACHED, -3, product="Dockerfile:prod"))},
            Severity.ERROR,
            "overdue since",
            id="the worst of two products",
        ),
        pytest.param(
            {"deadlines": (deadline(State.CLOSED_IN_TIME), deadline(product="Dockerfile"))},
            Severity.WARNING,
            "due 2026",
            id="taken by one product of two",
        ),
        pytest.param(
            {"deadlines": (deadline(State.BREACHED, -3, product="web"),)},
            Severity.WARNING,
            "due 2026-11-25 11:00 UTC",
            id="another file's product does not count",
        ),
        pytest.param(
            {"deadlines": (deadline(State.BREACHED, -3, is_latest=False),)},
            Severity.WARNING,
            "due 2026-11-25 11:00 UTC",
            id="an earlier episode does not count",
        ),
        pytest.param(
            {"deadlines": (deadline(State.BREACHED, -3, finding=OTHER),)},
            Severity.WARNING,
            "due 2026-11-25 11:00 UTC",
            id="another finding's does not count",
        ),
        pytest.param(
            {"deadlines": (deadline(due=None, at_next_release=True),)},
            Severity.WARNING,
            "due with the next release",
            id="due is an event",
        ),
    ],
)
def test_severity_and_time(made: dict[str, Any], severity: Severity, words: str) -> None:
    (one,) = found(RULE, standing(finding(), **made))
    assert one.severity is severity
    assert words in one.message


@pytest.mark.parametrize(
    ("hours", "severity"),
    [(47, Severity.WARNING), (48, Severity.WARNING), (48.01, Severity.ERROR)],
)
def test_without_a_deadline_the_window_begins_at_the_first_look(
    hours: float, severity: Severity
) -> None:
    (one,) = found(RULE, standing(finding(hours=hours)))
    assert one.severity is severity


def test_what_has_no_fix_is_shown_as_a_note() -> None:
    (one,) = found(RULE, standing(finding(fixed=(), hours=999)))
    assert (one.severity, one.remedy) == (Severity.NOTE, "")
    assert one.message == (
        "debian:12.1-slim has 1 critical vulnerability: CVE-2026-1001 in openssl 3.0.14-1,"
        " no fix yet"
    )


def test_exploited_ones_count_whatever_their_severity() -> None:
    (one,) = found(RULE, standing(finding(severity=Level.LOW, exploited=True, hours=25)))
    assert one.severity is Severity.ERROR
    assert "has 1 exploited vulnerability with a fix" in one.message
    assert "low (nvd), exploited, CVE-2026-1001" in one.evidence[1]
    assert "policy.deadlines.exploited = '24 hours'" in one.evidence[1]


def test_what_a_deadline_says_of_the_urgency_counts() -> None:
    exploited = deadline(State.OPEN, 3, urgency=Urgency.EXPLOITED)
    (one,) = found(RULE, standing(finding(severity=Level.MEDIUM), deadlines=(exploited,)))
    assert "1 exploited vulnerability" in one.message


def test_one_finding_names_the_worst_three_and_counts_the_rest() -> None:
    many = [finding(f"CVE-2026-{number}", hours=number) for number in range(46, 51)]
    binary = finding("CVE-2026-50", 50, name="libssl3", package="pkg:deb/debian/libssl3")
    (one,) = found(RULE, standing(*many, binary))
    assert one.severity is Severity.ERROR
    assert "has 5 critical vulnerabilities with a fix: CVE-2026-50 in libssl3, op" in one.message
    assert one.message.endswith("; and 2 more")
    assert len(one.evidence) == 1 + 5


def test_the_fingerprint_outlives_a_rebuild_another_vulnerability_and_the_due_time() -> None:
    first = standing(finding(), text="debian:12.1-slim")
    second = standing(finding("CVE-2026-2", 99), finding(), text="debian:12.2-slim")
    assert found(RULE, first)[0].fingerprint == found(RULE, second)[0].fingerprint


def test_a_pinned_image_needs_an_edit() -> None:
    (one,) = found(RULE, standing(finding(), text=f"debian@{DIGEST}"))
    assert one.remedy == "take a base that holds the fixes (basekeeper update), build and release"


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(subject("debian:12.1-slim"), id="nobody asked"),
        pytest.param(standing(), id="nothing found"),
        pytest.param(standing(finding(severity=Level.HIGH)), id="less severe"),
        pytest.param(standing(finding(severity=Level.UNKNOWN)), id="unknown severity"),
        pytest.param(standing(finding(), deadlines=(deadline(State.CLOSED_LATE),)), id="taken"),
        pytest.param(standing(finding(), role=Role.UNUSED), id="no build needs it"),
        pytest.param(standing(finding(), role=Role.FRONTEND), id="runs as the builder"),
    ],
)
def test_does_not_catch(made: Any) -> None:
    assert found(RULE, made) == []


def test_nothing_is_said_before_the_time_is_up_where_the_policy_wants_it_so() -> None:
    assert found(RULE, standing(finding(), compared=False), overdue_only=1) == []
    late = finding("CVE-2026-2", 49)
    (one,) = found(RULE, standing(finding(), late), overdue_only=1)
    assert "has 1 critical vulnerability with a fix: CVE-2026-2" in one.message


def test_off_is_off() -> None:
    assert found(RULE, standing(finding(hours=99)), severity=None) == []


def test_policy_may_make_it_a_warning() -> None:
    (late,) = found(RULE, standing(finding(hours=99)), severity=Severity.WARNING)
    (open_,) = found(RULE, standing(finding()), severity=Severity.WARNING)
    assert (late.severity, open_.severity) == (Severity.WARNING, Severity.NOTE)
