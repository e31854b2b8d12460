"""How images stand as JSON, for programs; published as `schemas/outdated.schema.json`."""

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
from basekeeper.render.json_values import optional_seconds, trouble_object, unknown_object
from basekeeper.render.outdated_view import age_of, counts, notes, pointed, rows
from basekeeper.values.image import Unknown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

    from basekeeper.render.outdated_view import Row
    from basekeeper.tags.updates import Choice
    from basekeeper.values.resolution import Resolution, Standings


def outdated_pieces(found: Standings, *, kinds: Collection[str] = ()) -> Iterator[str]:
    """Write how every image stands, piece by piece.

    Args:
        found: What was found and told.
        kinds: Kinds and axes to count for the status; all answers are written in any case.
    """
    shown = rows(found, kinds)
    sums = {status.value: count for status, count in counts(shown).items()}
    document = {
        **heading(found.now),
        "summary": {
            "images": len(shown),
            **sums,
            "uses": sum(len(row.standing.uses) for row in shown),
            "asked": found.asked,
        },
        "images": (_image(row, found.now) for row in shown),
        "troubles": [trouble_object(one) for one in found.troubles],
        "skipped": map(skipped_object, found.survey.skipped),
        "notices": list(found.notices),
    }
    return pieces(document, depth=4)


def _image(row: Row, now: datetime) -> dict[str, Any]:
    """Write one image."""
    updates, standing = row.updates, row.standing
    return {
        "image": row.name,
        "reference": reference_object(standing.reference),
        "status": row.status.value,
        "steps": [choice.kind for choice in row.steps],
        "current": {
            "tag": standing.reference.tag,
            "digest": standing.reference.digest,
            "age_seconds": optional_seconds(age_of(row, now)),
            "os_release": _os_release(standing.resolution),
            "replaced_on": _replaced_on(standing.resolution),
        },
        "points_to": pointed(row),
        "support": {
            "value": row.support.value.value,
            "reason": row.support.reason,
            "until": None if row.support.until is None else row.support.until.isoformat(),
        },
        "choices": None
        if updates is None
        else {choice.kind: _choice(choice) for choice in updates.choices},
        "moves": [] if updates is None else [_choice(choice) for choice in updates.moves],
        "replacement": None if updates is None else updates.replacement,
        "complete": updates is not None and updates.complete,
        "platforms": list(standing.platforms),
        "notes": [{"kind": kind, "text": text} for kind, text in notes(row)],
        "unknown": [unknown_object(gap) for gap in row.gaps],
        "uses": (use_object(use, None) for use in standing.uses),
    }


def _choice(choice: Choice) -> dict[str, Any]:
    """Write one answer."""
    return {
        "kind": choice.kind,
        "value": choice.value.value,
        "reason": choice.reason,
        "axis": choice.axis,
        "repository": choice.repository,
        "tag": choice.tag,
        "digest": choice.digest,
        "age_seconds": optional_seconds(choice.age),
        "os_change": choice.os_change,
        "waiting": choice.waiting,
        "waiting_until": None if choice.waiting_until is None else instant(choice.waiting_until),
    }


def _os_release(resolution: Resolution) -> str | None:
    """The operating system behind the digest in use, where that was asked."""
    return None if resolution.current is None else resolution.current.os_release


def _replaced_on(resolution: Resolution) -> str | None:
    """The day of the publisher's notice, where there is one."""
    day = resolution.replaced_on
    return None if day is None or isinstance(day, Unknown) else day.isoformat()
