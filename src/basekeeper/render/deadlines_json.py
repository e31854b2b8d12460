"""What has to be patched by when as JSON; published as `schemas/deadlines.schema.json`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from basekeeper.deadlines.model import State
from basekeeper.render.encode import pieces
from basekeeper.render.json import heading, instant

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime, timedelta

    from basekeeper.deadlines.model import Clock, Deadline, Pause
    from basekeeper.values.agenda import Agenda, Due


def deadlines_pieces(found: Agenda) -> Iterator[str]:
    """Write everything that is due, piece by piece."""
    states = [one.deadline.state for one in found.due]
    document = {
        **heading(found.now),
        "as_of": _instant(found.as_of),
        "ledger": found.ledger,
        "policy": {"name": found.policy_name, "digest": found.policy_digest},
        "epss": None if found.scored is None else found.scored.isoformat(),
        "repositories": list(found.repositories),
        "heads": [
            {"chain": one.chain, "position": one.position, "hash": one.hash} for one in found.heads
        ],
        "complete": not found.doubts and State.UNKNOWN not in states,
        "summary": {
            "deadlines": len(found.due),
            "overdue": found.overdue,
            "ended_not_listed": found.ended,
            **{one.value: states.count(one) for one in State},
        },
        "deadlines": map(_due, found.due),
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
        "notices": list(found.notices),
    }
    return pieces(document, depth=2)


def _due(due: Due) -> dict[str, Any]:
    """Write one deadline."""
    one = due.deadline
    return {
        "repository": due.repository,
        "product": one.product,
        "is_mapped": one.is_mapped,
        "vulnerability": one.finding.vulnerability,
        "package": one.finding.package,
        "lineage": one.finding.lineage,
        "platform": one.finding.platform,
        "episode": one.episode,
        "is_latest": one.is_latest,
        "severity": None if one.severity is None else one.severity.word,
        "severities": {
            source: None if level is None else level.word for source, level in one.severities
        },
        "urgency": one.urgency.word,
        "probability": due.probability,
        "state": one.state.value,
        "progress": one.progress.word,
        "due": _instant(one.due),
        "at_next_release": one.at_next_release,
        "overdue_seconds": _seconds(one.overdue_by),
        "breached": _instant(one.breached_at),
        "clause": {
            "name": one.clause.name,
            "value": one.clause.value,
            "origin": one.clause.origin,
        },
        **_clocks(one),
        "escalation": one.escalation,
        "steps": [
            {"percent": step.percent, "at": instant(step.at), "reached": step.is_reached}
            for step in one.steps
        ],
        "pause": None if one.pause is None else _pause(one.pause),
        "propose_bridge": one.propose_bridge,
        "notes": list(one.notes),
    }


def _clocks(one: Deadline) -> dict[str, Any]:
    """Write the three clocks."""
    return {
        "exposure": _clock(one.exposure),
        "total_exposure_seconds": _seconds(one.total_exposure),
        "action": _clock(one.action),
        "upstream": _clock(one.upstream),
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


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else instant(moment)


def _seconds(span: timedelta | None) -> int | None:
    return None if span is None else int(span.total_seconds())
