"""The evidence of a period or a release as JSON; published as `schemas/evidence.schema.json`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from basekeeper.render.encode import pieces
from basekeeper.render.json import answer_object, heading, instant
from basekeeper.render.json_values import (
    clause_object,
    clock_objects,
    doubt_objects,
    head_objects,
    optional_day,
    optional_instant,
    optional_seconds,
    pause_object,
    severities_object,
)
from basekeeper.render.report_view import STATEMENT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.deadlines.model import Deadline
    from basekeeper.values.evidence import (
        BaseEvidence,
        Deed,
        Evidence,
        FindingEvidence,
        ImageState,
        LagMeasure,
        Measures,
        PublishedEvidence,
        Release,
        RepositoryEvidence,
        Share,
        Spread,
        TrendPoint,
        UrgencyMeasure,
        WaiverEvidence,
    )
    from basekeeper.values.finding import Judgement
    from basekeeper.values.stored import StoredScan

_DEPTH = 6
"""Down to the single finding: one a line."""


def report_pieces(found: Evidence) -> Iterator[str]:
    """Write the whole report, piece by piece."""
    document = {
        **heading(found.now),
        "statement": STATEMENT,
        "period": {"begin": instant(found.period.begin), "end": instant(found.period.end)},
        "release": None if found.release is None else _release(found.release),
        "ledger": found.ledger,
        "policy": {"name": found.policy_name, "digest": found.policy_digest},
        "data": {name: day.isoformat() for name, day in sorted(found.data.items())},
        "products": list(found.products),
        "complete": not found.doubts and not found.unread,
        "measures": _measures(found.measures),
        "unknown": doubt_objects(found.doubts),
        "unread": list(found.unread),
        "repositories": map(_repository, found.repositories),
        "heads": head_objects(found.heads),
        "notices": list(found.notices),
        "marks": list(found.marks),
    }
    return pieces(document, depth=_DEPTH)


def _release(one: Release) -> dict[str, Any]:
    return {
        "repository": one.repository,
        "product": one.product,
        "digest": one.digest,
        "tag": one.tag,
        "at": instant(one.at),
        "recorded": instant(one.recorded),
    }


def _repository(one: RepositoryEvidence) -> dict[str, Any]:
    return {
        "name": one.name,
        "products": iter(
            [
                {
                    "name": product.name,
                    "is_mapped": product.is_mapped,
                    "bases": map(_base, product.bases),
                    "published": map(_published, product.published),
                    "findings": map(_finding, product.findings),
                }
                for product in one.products
            ]
        ),
        "waivers": map(_waiver, one.waivers),
        "deeds": map(_deed, one.deeds),
        "deeds_left_out": one.deeds_left_out,
    }


def _base(one: BaseEvidence) -> dict[str, Any]:
    return {
        "reference": one.reference,
        "digest": one.digest,
        "platform": one.platform,
        "lineage": one.lineage,
        "path": one.path,
        "line": one.line or None,
        "identified": one.identified,
        "begin": instant(one.begin),
        "end": optional_instant(one.end),
        "judgement": None if one.judgement is None else _judgement(one.judgement),
        **_state(one.state),
    }


def _judgement(one: Judgement) -> dict[str, Any]:
    return {
        "category": one.category.value,
        "category_known": one.category_known,
        "reason": one.reason,
        "clause": one.clause,
        "origin": one.clause_origin,
        "quality": {name: answer_object(answer) for name, answer in sorted(one.quality.items())},
    }


def _published(one: PublishedEvidence) -> dict[str, Any]:
    return {
        "reference": one.reference,
        "digest": one.digest,
        "tag": one.tag,
        "at": instant(one.at),
        "recorded": instant(one.recorded),
        "end": optional_instant(one.end),
        "base": one.base,
        "base_proven": one.proven,
        **_state(one.state),
    }


def _state(one: ImageState) -> dict[str, Any]:
    return {
        "scans": [_scan(scan) for scan in one.scans],
        "scans_in_period": one.looks,
        "counts": {
            count.severity: {"fixable": count.fixable, "no_fix": count.others}
            for count in one.counts
        },
        "unknown": None if one.unknown is None else one.unknown.reason,
    }


def _scan(one: StoredScan) -> dict[str, Any]:
    return {
        "platform": one.platform,
        "at": instant(one.at),
        "scanner": one.scanner,
        "database": optional_instant(one.database),
        "severity_order": list(one.severity_order),
        "packages": one.packages,
        "problems": list(one.problems),
    }


def _finding(told: FindingEvidence) -> dict[str, Any]:
    one = told.deadline
    return {
        "vulnerability": one.finding.vulnerability,
        "package": one.finding.package,
        "name": told.name,
        "lineage": one.finding.lineage,
        "platform": one.finding.platform,
        "installed": told.installed,
        "fixed": list(told.fixed),
        "episode": one.episode,
        "is_latest": one.is_latest,
        "in_published_image": told.is_shipped,
        "severity": None if one.severity is None else one.severity.word,
        "severities": severities_object(one),
        "urgency": one.urgency.word,
        "state": one.state.value,
        "progress": one.progress.word,
        "clause": clause_object(one),
        **_instants(told),
        **clock_objects(one),
        "pause": pause_object(one.pause),
        "notes": list(one.notes),
    }


def _instants(told: FindingEvidence) -> dict[str, Any]:
    one: Deadline = told.deadline
    return {
        "opened": instant(told.opened),
        "proposed": optional_instant(told.proposed),
        "merged": optional_instant(told.merged),
        "verified": optional_instant(told.verified),
        "due": optional_instant(one.due),
        "at_next_release": one.at_next_release,
        "breached": optional_instant(one.breached_at),
        "overdue_seconds": optional_seconds(one.overdue_by),
    }


def _waiver(one: WaiverEvidence) -> dict[str, Any]:
    return {
        "name": one.name,
        "scopes": list(one.scopes),
        "owner": one.owner,
        "approver": one.approver or None,
        "reason": one.reason,
        "control": one.control,
        "granted": optional_day(one.granted),
        "until": optional_day(one.until),
        "begin": instant(one.begin),
        "end": optional_instant(one.end),
        "ended": one.ended or None,
        "file": one.file,
        "file_digest": one.file_digest or None,
    }


def _deed(one: Deed) -> dict[str, Any]:
    return {
        "at": instant(one.at),
        "recorded": instant(one.recorded),
        "product": one.product,
        "kind": one.kind,
        "text": one.text,
        "count": one.count,
        "source": one.source,
    }


def _measures(one: Measures) -> dict[str, Any]:
    return {
        "in_time": _share(one.share),
        "by_urgency": [_urgency(level) for level in one.urgencies],
        "trend": {"unit": one.trend_unit, "points": [_point(point) for point in one.trend]},
        "upstream": [_lag(lag) for lag in one.lags],
    }


def _urgency(one: UrgencyMeasure) -> dict[str, Any]:
    return {
        "urgency": one.urgency.word,
        "window_seconds": optional_seconds(one.window),
        "in_time": one.in_time,
        "late": one.late,
        "overdue": one.overdue,
        "running": one.running,
        "waiting_for_fix": one.waiting,
        "excepted": one.excepted,
        "release_not_proven": one.unproven,
        "no_clock": one.unclocked,
        "unknown": one.unknown,
        "share_in_time": _share(one.share),
        "time_to_patch": _spread(one.patch),
    }


def _point(one: TrendPoint) -> dict[str, Any]:
    return {
        "label": one.label,
        "begin": instant(one.begin),
        "end": instant(one.end),
        "opened": one.opened,
        "closed": one.closed,
        "open": one.open,
        "overdue": one.overdue,
    }


def _lag(one: LagMeasure) -> dict[str, Any]:
    return {
        "lineage": one.lineage,
        "arrived": _spread(one.arrived),
        "waiting": one.waiting,
        "not_watched": one.unwatched,
        "longest_wait_seconds": optional_seconds(one.longest_wait),
        "within": [
            {"limit_seconds": optional_seconds(limit), **_share(share)}
            for limit, share in one.within
        ],
    }


def _share(one: Share) -> dict[str, Any]:
    return {"part": one.part, "whole": one.whole, "ratio": one.ratio}


def _spread(one: Spread) -> dict[str, Any]:
    return {
        "count": one.count,
        "median_seconds": optional_seconds(one.median),
        "p90_seconds": optional_seconds(one.slow),
        "longest_seconds": optional_seconds(one.longest),
    }
