"""The evidence of a period or a release as JSON; published as `schemas/evidence.schema.json`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from basekeeper.render.encode import pieces
from basekeeper.render.json import heading, instant
from basekeeper.render.report_view import STATEMENT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime, timedelta

    from basekeeper.deadlines.model import Clock, Deadline, Pause
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
    from basekeeper.values.finding import Answer, Judgement
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
        "unknown": [
            {
                "repository": one.repository,
                "product": one.product,
                "image": one.image,
                "reason": one.reason,
                "hint": one.hint,
            }
            for one in found.doubts
        ],
        "unread": list(found.unread),
        "repositories": map(_repository, found.repositories),
        "heads": [
            {"chain": one.chain, "position": one.position, "hash": one.hash} for one in found.heads
        ],
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
        "end": _instant(one.end),
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
        "quality": {name: _answer(answer) for name, answer in sorted(one.quality.items())},
    }


def _answer(one: Answer) -> dict[str, Any]:
    return {
        "value": one.value.value,
        "reason": one.reason,
        "source": one.source,
        "as_of": _day(one.as_of),
    }


def _published(one: PublishedEvidence) -> dict[str, Any]:
    return {
        "reference": one.reference,
        "digest": one.digest,
        "tag": one.tag,
        "at": instant(one.at),
        "recorded": instant(one.recorded),
        "end": _instant(one.end),
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
        "database": _instant(one.database),
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
        "severities": {
            source: None if level is None else level.word for source, level in one.severities
        },
        "urgency": one.urgency.word,
        "state": one.state.value,
        "progress": one.progress.word,
        "clause": {
            "name": one.clause.name,
            "value": one.clause.value,
            "origin": one.clause.origin,
        },
        **_instants(told),
        "exposure": _clock(one.exposure),
        "total_exposure_seconds": _seconds(one.total_exposure),
        "action": _clock(one.action),
        "upstream": _clock(one.upstream),
        "pause": None if one.pause is None else _pause(one.pause),
        "notes": list(one.notes),
    }


def _instants(told: FindingEvidence) -> dict[str, Any]:
    one: Deadline = told.deadline
    return {
        "opened": instant(told.opened),
        "proposed": _instant(told.proposed),
        "merged": _instant(told.merged),
        "verified": _instant(told.verified),
        "due": _instant(one.due),
        "at_next_release": one.at_next_release,
        "breached": _instant(one.breached_at),
        "overdue_seconds": _seconds(one.overdue_by),
    }


def _clock(clock: Clock) -> dict[str, Any]:
    return {
        "start": _instant(clock.start),
        "end": _instant(clock.end),
        "elapsed_seconds": _seconds(clock.elapsed),
        "is_running": clock.is_running,
    }


def _pause(pause: Pause) -> dict[str, Any]:
    return {
        "kind": pause.kind.value,
        "name": pause.name,
        "owner": pause.owner,
        "start": instant(pause.start),
        "end": _instant(pause.end),
        "reason": pause.reason,
    }


def _waiver(one: WaiverEvidence) -> dict[str, Any]:
    return {
        "name": one.name,
        "scopes": list(one.scopes),
        "owner": one.owner,
        "approver": one.approver or None,
        "reason": one.reason,
        "control": one.control,
        "granted": _day(one.granted),
        "until": _day(one.until),
        "begin": instant(one.begin),
        "end": _instant(one.end),
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
        "window_seconds": _seconds(one.window),
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
        "longest_wait_seconds": _seconds(one.longest_wait),
        "within": [
            {"limit_seconds": _seconds(limit), **_share(share)} for limit, share in one.within
        ],
    }


def _share(one: Share) -> dict[str, Any]:
    return {"part": one.part, "whole": one.whole, "ratio": one.ratio}


def _spread(one: Spread) -> dict[str, Any]:
    return {
        "count": one.count,
        "median_seconds": _seconds(one.median),
        "p90_seconds": _seconds(one.slow),
        "longest_seconds": _seconds(one.longest),
    }


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else instant(moment)


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _seconds(span: timedelta | None) -> int | None:
    return None if span is None else int(span.total_seconds())
