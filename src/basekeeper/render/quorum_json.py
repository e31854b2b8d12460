"""What two scanners say of one image as JSON, for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from basekeeper.quorum import Agreement
from basekeeper.render.json import instant

if TYPE_CHECKING:
    from basekeeper.quorum import Opinion, Party, Quorum, SharedFinding


def quorum_object(found: Quorum) -> dict[str, Any]:
    """Write every finding of either scanner, and how far both agree on it."""
    return {
        "first": _party(found.first),
        "second": _party(found.second),
        "summary": {_key(one): found.count(one) for one in Agreement},
        "findings": [_finding(one) for one in found.findings],
        "unknown": [{"reason": one.reason, "hint": one.hint} for one in found.problems],
    }


def _party(party: Party) -> dict[str, Any]:
    scanner, database = party
    return {
        "name": scanner.name,
        "version": scanner.version,
        "digest": scanner.digest,
        "verified": scanner.verified,
        "database_updated": None if database is None else instant(database.updated),
    }


def _finding(finding: SharedFinding) -> dict[str, Any]:
    return {
        "vulnerability": finding.vulnerability,
        "package": finding.package,
        "name": finding.name,
        "kind": finding.kind.value,
        "severity": finding.severity.word,
        "agreement": _key(finding.agreement),
        "differing": [one.value for one in finding.differing],
        "reasons": list(finding.reasons),
        "first": _opinion(finding.first),
        "second": _opinion(finding.second),
    }


def _opinion(opinion: Opinion | None) -> dict[str, Any] | None:
    if opinion is None:
        return None
    return {
        "severity": opinion.severity.word,
        "severity_source": opinion.severity_source,
        "status": opinion.status.value,
        "fixed_versions": list(opinion.fixed_versions),
        "versions": list(opinion.versions),
        "data_source": opinion.data_source,
    }


def _key(agreement: Agreement) -> str:
    return agreement.value.replace(" ", "_")
