"""What has to be patched by when as JSON; published as `schemas/deadlines.schema.json`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from basekeeper.deadlines.model import State
from basekeeper.render.encode import pieces
from basekeeper.render.json import heading, instant
from basekeeper.render.json_values import (
    clause_object,
    clock_objects,
    doubt_objects,
    head_objects,
    optional_instant,
    optional_seconds,
    pause_object,
    severities_object,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.values.agenda import Agenda, Due


def deadlines_pieces(found: Agenda) -> Iterator[str]:
    """Write everything that is due, piece by piece."""
    states = [one.deadline.state for one in found.due]
    document = {
        **heading(found.now),
        "as_of": optional_instant(found.as_of),
        "ledger": found.ledger,
        "policy": {"name": found.policy_name, "digest": found.policy_digest},
        "epss": None if found.scored is None else found.scored.isoformat(),
        "repositories": list(found.repositories),
        "heads": head_objects(found.heads),
        "complete": not found.doubts and State.UNKNOWN not in states,
        "summary": {
            "deadlines": len(found.due),
            "overdue": found.overdue,
            "ended_not_listed": found.ended,
            **{one.value: states.count(one) for one in State},
        },
        "deadlines": map(_due, found.due),
        "unknown": doubt_objects(found.doubts),
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
        "severities": severities_object(one),
        "urgency": one.urgency.word,
        "probability": due.probability,
        "state": one.state.value,
        "progress": one.progress.word,
        "due": optional_instant(one.due),
        "at_next_release": one.at_next_release,
        "overdue_seconds": optional_seconds(one.overdue_by),
        "breached": optional_instant(one.breached_at),
        "clause": clause_object(one),
        **clock_objects(one),
        "escalation": one.escalation,
        "steps": [
            {"percent": step.percent, "at": instant(step.at), "reached": step.is_reached}
            for step in one.steps
        ],
        "pause": pause_object(one.pause),
        "propose_bridge": one.propose_bridge,
        "notes": list(one.notes),
    }
