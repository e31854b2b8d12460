from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from basekeeper.deadlines.identity import Aliases, Scope
from basekeeper.deadlines.model import Moment, MomentKind, Unread
from basekeeper.deadlines.reading import read_moments
from basekeeper.policy.windows import Urgency

WHEN = datetime(2026, 3, 2, tzinfo=UTC)
WHOLE = "lineage=d&vulnerability=GHSA-a&package=p&platform=linux/amd64&product=api"


@dataclass
class Told:
    kind: str
    subject: str = WHOLE
    evidence: dict[str, str] = field(default_factory=dict)
    at: datetime = WHEN
    key: str = "k"
    source: str = "trivy"
    id: str = ""
    corrects: str = ""


def test_reads_kind_subject_key_instant_and_evidence() -> None:
    event = Told("detected", evidence={"digest": "sha256:1", "severity": "HIGH", "from": "NVD"})
    moments, unread = read_moments([event], Aliases([["GHSA-a", "CVE-2026-1"]]))
    scope = Scope(
        lineage="d", vulnerability="CVE-2026-1", package="p", platform="linux/amd64", product="api"
    )
    assert unread == ()
    assert moments == (
        Moment(
            kind=MomentKind.DETECTED,
            scope=scope,
            at=WHEN,
            key="k",
            source="trivy",
            digest="sha256:1",
            severity=Urgency.HIGH,
            witness="nvd",
        ),
    )


def test_reads_a_waiver() -> None:
    said = {"owner": "anna", "reason": "r", "control": "c", "until": "2026-04-01"}
    ((waiver,), _) = read_moments([Told("waived", "product=api", said)])
    assert (waiver.owner, waiver.reason, waiver.control) == ("anna", "r", "c")
    assert waiver.until == date(2026, 4, 1)


@pytest.mark.parametrize(
    ("word", "severity"),
    [("Negligible", Urgency.LOW), ("UNKNOWN", None), ("", None), ("critical", Urgency.CRITICAL)],
)
def test_knows_the_words_of_scanners(word: str, severity: Urgency | None) -> None:
    ((moment,), _) = read_moments([Told("severity-changed", evidence={"severity": word})])
    assert moment.severity is severity


def test_instants_are_brought_to_utc() -> None:
    there = WHEN.astimezone(timezone(timedelta(hours=5)))
    ((moment,), _) = read_moments([Told("published", at=there)])
    assert moment.at.utcoffset() == timedelta(0)


def test_reads_the_scope_behind_the_repository() -> None:
    ((moment,), _) = read_moments([Told("published", "github.com/acme/api#vulnerability=x")])
    assert moment.scope == Scope(vulnerability="X")


def test_what_was_corrected_does_not_count() -> None:
    wrong = Told("severity-changed", evidence={"severity": "low"}, id="1")
    right = Told("severity-changed", evidence={"severity": "high"}, id="2", corrects="1")
    ((moment,), _) = read_moments([wrong, right])
    assert moment.severity is Urgency.HIGH
    assert read_moments([wrong, Told("retracted", id="3", corrects="1")]) == ((), ())


def test_other_kinds_are_passed_over() -> None:
    assert read_moments([Told("first-seen", "docker.io/library/debian")]) == ((), ())


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (Told("detected", "vulnerability=x"), "does not name lineage, vulnerability"),
        (Told("merged", "product=api"), "names no vulnerability"),
        (Told("released", "lineage=x", {"digest": "d"}), "names no product"),
        (Told("released", "product=api"), "names no digest"),
        (Told("verified"), "names no digest"),
        (Told("waived", "", {"until": "2026-04-01"}), "names nothing that it is about"),
        (Told("waived", "product=x", {"until": "soon"}), "has no last day: 'soon'"),
        (Told("waived", "product=x"), "has no last day: ''"),
        (
            Told("severity-changed", evidence={"severity": "bad"}),
            "has a severity that is none: 'bad'",
        ),
        (Told("published", at=datetime(2026, 1, 1)), "without a time zone"),  # noqa: DTZ001
        (Told("published", at=WHEN.replace(year=9999)), "nobody lives to see"),
        (Told("published", "x"), "has a subject that names no finding: 'x'"),
    ],
)
def test_what_cannot_be_read_is_told(event: Told, reason: str) -> None:
    moments, (unread,) = read_moments([event])
    assert moments == ()
    assert isinstance(unread, Unread)
    assert (unread.kind, unread.subject) == (event.kind, event.subject)
    assert reason in unread.reason
