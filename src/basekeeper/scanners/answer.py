"""From a report to a scan: how far the answer can be relied on."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, NamedTuple

from basekeeper.scanners.databases import age_problem
from basekeeper.values.image import Unknown
from basekeeper.values.vulnerability import PackageKind, Scan

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from basekeeper.scanners.report import Report
    from basekeeper.values.scanning import ScannerSettings
    from basekeeper.values.vulnerability import Database, ScannerIdentity, Subject


class Basis(NamedTuple):
    """What an answer rests on."""

    scanner: ScannerIdentity
    database: Database
    settings: ScannerSettings
    now: datetime


def make_scan(report: Report, subject: Subject, basis: Basis, doubts: Sequence[str]) -> Scan:
    """Say what was found, and why there may be more.

    Args:
        report: What the scanner told.
        subject: What it was asked about.
        basis: What that rests on.
        doubts: What the scanner itself said against its answer.
    """
    old = age_problem(basis.database, basis.now, basis.settings.max_database_age)
    problems = [] if old is None else [old]
    problems += [Unknown(doubt) for doubt in doubts]
    return Scan(
        subject=subject,
        now=basis.now.astimezone(UTC),
        scanner=basis.scanner,
        database=basis.database,
        severity_order=basis.settings.severity_order,
        system=report.system,
        image_id=report.image_id,
        diff_ids=report.diff_ids,
        packages=report.packages,
        matches=report.matches,
        suppressed=report.suppressed,
        problems=(*problems, *_gaps(report, basis.scanner)),
        notices=tuple(_notices(report, basis.scanner)),
    )


def _gaps(report: Report, scanner: ScannerIdentity) -> Iterator[Unknown]:
    """Say why the silence of a report may mean nothing."""
    if report.version is not None and report.version.removeprefix("v") != scanner.version:
        yield Unknown(f"the report is by version {report.version!r}, not {scanner.version!r}")
    if not report.packages:
        yield Unknown(
            "the scanner found no packages",
            "look inside: the image is empty, or made in a way that the scanner does not know",
        )
    elif report.system is not None and not any(
        one.kind is PackageKind.OS for one in report.packages
    ):
        yield Unknown(f"the scanner found no packages of {report.system.family}")


def _notices(report: Report, scanner: ScannerIdentity) -> Iterator[str]:
    if not scanner.verified:
        yield (
            f"scanner version {scanner.version!r} names no release, so that it could not be checked"
            " against those known to be bad"
        )
    system = report.system
    if system is not None and system.end_of_life:
        yield (
            f"{system.family} {system.name} is past its end of life: few advisories are still"
            " published for it"
        )
