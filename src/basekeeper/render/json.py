"""The report as JSON, for programs: everything that the report holds.

The shape is published as `schemas/report.schema.json`. Within one `SCHEMA_VERSION` keys are only
added, never removed or changed in meaning. No key depends on the machine: paths are relative to
the root of what was checked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from basekeeper import __version__
from basekeeper.render.encode import pieces
from basekeeper.render.view import Standing, entries, totals

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime

    from basekeeper.values.finding import (
        Answer,
        AxisState,
        Finding,
        Judgement,
        MissingFact,
        Report,
    )
    from basekeeper.values.reference import Reference
    from basekeeper.values.use import Skipped, SourceFile, Supplier, Use
    from basekeeper.values.waiver import Waiver

SCHEMA_VERSION: Final = 1
"""Version of the shape; grows when a key is removed or changes its meaning."""


def json_pieces(report: Report) -> Iterator[str]:
    """Write the whole report as JSON, piece by piece: a large one is not in memory twice."""
    return pieces(report_object(report), depth=2)


def report_object(report: Report) -> dict[str, Any]:
    """Turn a report into plain objects, in the order of the published schema.

    The long lists are iterators, to be read once and in this order.
    """
    listed = entries(report)
    by_standing = {
        standing: [entry for entry in listed if entry.standing is standing] for standing in Standing
    }
    return {
        **heading(report.now),
        "policy": {"name": report.policy_name, "digest": report.policy_digest},
        "data": {name: day.isoformat() for name, day in sorted(report.data_as_of.items())},
        "unconfigured": list(report.unconfigured),
        "missing": [_missing(fact) for fact in report.missing],
        "summary": _summary(report),
        "files": map(_file, report.survey.files),
        "uses": uses_objects(report),
        "findings": (finding_object(entry.finding) for entry in by_standing[Standing.NEW]),
        "known": (finding_object(entry.finding) for entry in by_standing[Standing.KNOWN]),
        "waived": (
            {"finding": finding_object(entry.finding), "waiver": _waiver(entry.waiver)}
            for entry in by_standing[Standing.WAIVED]
            if entry.waiver is not None
        ),
        "waivers": _waivers(report),
        "skipped": map(skipped_object, report.skipped),
        "notices": list(report.notices),
    }


def heading(now: datetime) -> dict[str, Any]:
    """Begin any JSON document of this program."""
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "basekeeper", "version": __version__},
        "now": instant(now),
    }


def uses_objects(report: Report) -> Iterator[dict[str, Any]]:
    """Write every use with its judgement, in the order of the survey."""
    judged = {id(use): judgement for use, judgement in report.judgements}
    return (use_object(use, judged.get(id(use))) for use in report.survey.uses)


def instant(moment: datetime) -> str:
    """Write an instant in UTC as RFC 3339 has it: `2026-11-23T08:00:00Z`."""
    from datetime import UTC  # noqa: PLC0415  # the module is loaded by then; no cost at start

    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def judgement_object(judgement: Judgement) -> dict[str, Any]:
    """Write what the policy says of one image."""
    return {
        "category": judgement.category.value,
        "category_known": judgement.category_known,
        "reason": judgement.reason,
        "clause": judgement.clause,
        "explicit": judgement.explicit,
        "quality": {
            name: answer_object(answer) for name, answer in sorted(judgement.quality.items())
        },
        "axes": [_axis(axis) for axis in judgement.axes],
        "minimal_alternative": judgement.minimal_alternative,
        "suggestion": judgement.suggestion,
        "next_reference": judgement.next_reference,
    }


def reference_object(reference: Reference | None) -> dict[str, Any] | None:
    """Write the parts of a reference; None where there is none."""
    if reference is None:
        return None
    return {
        "registry": reference.registry,
        "repository": reference.repository,
        "tag": reference.tag,
        "digest": reference.digest,
        "canonical": str(reference),
    }


def finding_object(finding: Finding) -> dict[str, Any]:
    """Write one finding."""
    return {
        "rule": finding.rule,
        "severity": finding.severity.word,
        "message": finding.message,
        "remedy": finding.remedy,
        "path": finding.path,
        "line": finding.line,
        "end_line": finding.end_line,
        "column": finding.column,
        "span": None if finding.span is None else list(finding.span),
        "image": finding.image,
        "stage": finding.stage,
        "category": None if finding.category is None else finding.category.value,
        "unknown": finding.unknown,
        "confidence": finding.confidence,
        "evidence": list(finding.evidence),
        "fingerprint": finding.fingerprint,
    }


def _summary(report: Report) -> dict[str, Any]:
    """Write the totals."""
    sums = totals(report)
    return {
        "errors": sums.errors,
        "warnings": sums.warnings,
        "notes": sums.notes,
        "waived": sums.waived,
        "known": sums.known,
        "unreadable": sums.unreadable,
        "left_out": sums.left_out,
        "files": sums.files,
        "uses": sums.uses,
        "images": sums.images,
        "categories": {category.value: count for category, count in sums.categories.items()},
    }


def _file(item: SourceFile) -> dict[str, Any]:
    """Write one file with the ways in which it is built."""
    return {
        "path": item.path,
        "kind": item.kind,
        "production": item.production,
        "template": item.template,
        "builds": [
            {"name": plan.name, "target": plan.target, "platform": plan.platform}
            for plan in item.plans
        ],
    }


def use_object(use: Use, judgement: Judgement | None) -> dict[str, Any]:
    """Write one use."""
    return {
        "path": use.path,
        "line": use.line,
        "end_line": use.end_line,
        "column": use.column,
        "span": None if use.span is None else list(use.span),
        "via": use.via.value,
        "raw": use.raw,
        "text": use.text,
        "kind": use.kind.value,
        "reference": reference_object(use.reference),
        "problem": use.problem,
        "role": use.role.value,
        "stage": use.stage,
        "platform": use.platform,
        "supplied_by": [_supplier(item) for item in use.supplied_by],
        "onbuild": use.onbuild,
        "builds": list(use.builds),
        "production": use.production,
        "judgement": None if judgement is None else judgement_object(judgement),
    }


def _supplier(item: Supplier) -> dict[str, Any]:
    """Write what supplied (part of) a reference."""
    return {
        "name": item.name,
        "path": item.path,
        "line": item.line,
        "span": None if item.span is None else list(item.span),
    }


def answer_object(answer: Answer) -> dict[str, Any]:
    """Write one answer with what it rests on."""
    return {
        "value": answer.value.value,
        "reason": answer.reason,
        "source": answer.source,
        "as_of": _day(answer.as_of),
    }


def _axis(axis: AxisState) -> dict[str, Any]:
    """Write where one version stands in its product's calendar."""
    return {
        "axis": axis.axis,
        "product": axis.product,
        "title": axis.title,
        "cycle": axis.cycle,
        "supported": answer_object(axis.supported),
        "current": answer_object(axis.current),
        "end_of_life": _day(axis.end_of_life),
        "newest": axis.newest,
        "newest_since": _day(axis.newest_since),
    }


def _waivers(report: Report) -> list[dict[str, Any]]:
    """Write every waiver once, with what became of it."""
    states = dict.fromkeys(report.waivers, "used")
    states |= {waiver: "standing" for waiver in report.waivers if waiver.vulnerabilities}
    states |= dict.fromkeys(report.unused_waivers, "unused")
    states |= dict.fromkeys(report.expired_waivers, "expired")
    return [_waiver(waiver) | {"state": state} for waiver, state in states.items()]


def _waiver(waiver: Waiver) -> dict[str, Any]:
    """Write one waiver."""
    return {
        "rules": list(waiver.rules),
        "vulnerabilities": list(waiver.vulnerabilities),
        "owner": waiver.owner,
        "reason": waiver.reason,
        "until": waiver.until.isoformat(),
        "paths": list(waiver.paths),
        "images": list(waiver.images),
        "source": waiver.source,
        "line": waiver.line,
        "inline": waiver.inline,
    }


def _missing(fact: MissingFact) -> dict[str, Any]:
    """Write a fact that was asked for in vain."""
    return {
        "image": fact.image,
        "fact": fact.fact,
        "reason": fact.reason,
        "hint": fact.hint,
        "gates": fact.gates,
    }


def skipped_object(item: Skipped) -> dict[str, Any]:
    """Write one item that could not be read or judged."""
    return {
        "path": item.path,
        "line": item.line,
        "reason": item.reason,
        "hint": item.hint,
        "fatal": item.fatal,
    }


def _day(day: date | None) -> str | None:
    """Write a day, or nothing."""
    return None if day is None else day.isoformat()
