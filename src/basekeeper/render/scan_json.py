"""What scans found as JSON, for programs; published as `schemas/scan.schema.json`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from basekeeper.render.encode import pieces
from basekeeper.render.json import (
    heading,
    instant,
    reference_object,
    skipped_object,
    use_object,
)
from basekeeper.render.json_values import trouble_object, unknown_object
from basekeeper.render.scan_bases import base_object
from basekeeper.render.scan_view import SEVERITIES
from basekeeper.values.image import Unknown
from basekeeper.values.scanrun import How
from basekeeper.values.vulnerability import Scan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.values.scanrun import Recorded, ScannedImage, ScanRun, SecondScanner
    from basekeeper.values.vulnerability import Match, Package


def scan_pieces(found: ScanRun) -> Iterator[str]:
    """Write everything that a run of scans told, piece by piece."""
    document = {
        **heading(found.now),
        "scanner": {
            "name": found.scanner.name,
            "version": found.scanner.version,
            "digest": found.scanner.digest,
            "verified": found.scanner.verified,
        },
        "database": _database(found),
        "second": None if found.second is None else _second(found.second),
        "severity_order": list(found.severity_order),
        "complete": found.complete,
        "summary": {
            "images": len(found.images),
            **{how.value: sum(one.how is how for one in found.images) for how in How},
            "incomplete": sum(bool(one.problems) for one in found.images),
        },
        "images": (_image(one) for one in found.images),
        "further": (_image(one) for one in found.further),
        "troubles": [trouble_object(one) for one in found.troubles],
        "unmatched": list(found.unmatched),
        "skipped": map(skipped_object, found.skipped),
        "notices": list(found.notices),
        "recorded": None if found.recorded is None else _recorded(found.recorded),
    }
    return pieces(document, depth=4)


def _database(found: ScanRun) -> dict[str, Any]:
    database, problem = found.database, found.database_problem
    return {
        "updated": None if database is None else instant(database.updated),
        "age_seconds": None if database is None else int(database.age(found.now).total_seconds()),
        "problem": None if problem is None else unknown_object(problem),
    }


def _image(image: ScannedImage) -> dict[str, Any]:
    """Write one image; without an answer it has no counts, for none would be true."""
    answer = image.answer
    common = {
        "image": image.name,
        "reference": reference_object(image.reference),
        "digest": image.digest,
        "platform": image.platform,
        "role": None if image.role is None else image.role.value,
        "part": image.part.value,
        "how": image.how.value,
        "complete": not image.problems,
        "unknown": [unknown_object(one) for one in image.problems],
    }
    if isinstance(answer, Unknown):
        told: dict[str, Any] = dict.fromkeys(
            ("image_id", "os_release", "packages", "counts", "matches", "suppressed")
        )
    else:
        system = answer.system
        told = {
            "image_id": answer.image_id,
            "os_release": None if system is None else f"{system.family} {system.name}".strip(),
            "packages": len(answer.packages),
            "counts": {one.word: _counts(image.count(one)) for one in SEVERITIES},
            "matches": map(_match, answer.matches),
            "suppressed": map(_match, answer.suppressed),
        }
    return {
        **common,
        **told,
        "quorum": _quorum(image),
        "base": base_object(image.base),
        "uses": (use_object(use, None) for use in image.uses),
    }


def _quorum(image: ScannedImage) -> dict[str, Any] | None:
    """Write what two scanners say, where both say something."""
    if not isinstance(image.answer, Scan) or not isinstance(image.second, Scan):
        return None
    from basekeeper.quorum import weigh_scans  # noqa: PLC0415  # only with a second scanner
    from basekeeper.render.quorum_json import quorum_object  # noqa: PLC0415

    return quorum_object(weigh_scans(image.answer, image.second))


def _second(second: SecondScanner) -> dict[str, Any]:
    known, problem = second.database, second.problem
    return {
        "name": second.scanner.name,
        "version": second.scanner.version,
        "digest": second.scanner.digest,
        "verified": second.scanner.verified,
        "database_updated": None if known is None else instant(known.updated),
        "problem": None if problem is None else unknown_object(problem),
    }


def _recorded(recorded: Recorded) -> dict[str, Any]:
    return {
        "ledger": recorded.place,
        "repository": recorded.repository,
        "events": recorded.events,
        "head": None if recorded.head is None else str(recorded.head),
    }


def _counts(pair: tuple[int, int]) -> dict[str, int]:
    return {"fixable": pair[0], "unfixed": pair[1]}


def _match(match: Match) -> dict[str, Any]:
    """Write one advisory that fits one package."""
    why = match.suppressed
    return {
        "vulnerability": match.vulnerability,
        "aliases": list(match.aliases),
        "announcements": list(match.announcements),
        "severity": match.severity.word,
        "severity_source": match.severity_source,
        "severities": {source: one.word for source, one in match.severities.items()},
        "package": _package(match.package),
        "status": match.status.value,
        "fixable": match.fixable,
        "fixed_versions": list(match.fixed_versions),
        "published": None if match.published is None else instant(match.published),
        "fixed_at": None if match.fixed_at is None else instant(match.fixed_at),
        "exploited": match.exploited,
        "epss": match.epss,
        "data_source": match.data_source,
        "suppressed": None
        if why is None
        else {"status": why.status, "statement": why.statement, "source": why.source},
    }


def _package(package: Package) -> dict[str, Any]:
    return {
        "name": package.name,
        "version": package.version,
        "kind": package.kind.value,
        "ecosystem": package.ecosystem,
        "purl": package.purl,
        "source": package.source,
        "path": package.path,
        "layer": package.layer,
    }
