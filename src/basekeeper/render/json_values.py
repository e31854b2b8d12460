"""How values that several results hold are written as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from basekeeper.render.json import instant

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime, timedelta

    from basekeeper.deadlines.model import Clock, Deadline, Pause
    from basekeeper.values.agenda import Doubt
    from basekeeper.values.event import Head
    from basekeeper.values.image import Unknown
    from basekeeper.values.resolution import Trouble


def optional_instant(moment: datetime | None) -> str | None:
    """Write an instant in UTC, or nothing."""
    return None if moment is None else instant(moment)


def optional_day(day: date | None) -> str | None:
    """Write a day, or nothing."""
    return None if day is None else day.isoformat()


def optional_seconds(span: timedelta | None) -> int | None:
    """Write a length of time in whole seconds, or nothing."""
    return None if span is None else int(span.total_seconds())


def unknown_object(problem: Unknown) -> dict[str, Any]:
    """Write what was asked in vain."""
    return {"reason": problem.reason, "hint": problem.hint}


def trouble_object(trouble: Trouble) -> dict[str, Any]:
    """Write why a registry did not answer."""
    return {
        "registry": trouble.registry,
        "failure": trouble.failure.name.lower(),
        "reason": trouble.reason,
        "hint": trouble.hint,
        "images": trouble.images,
    }


def head_objects(heads: Iterable[Head]) -> list[dict[str, Any]]:
    """Write the ends of chains of the ledger."""
    return [{"chain": one.chain, "position": one.position, "hash": one.hash} for one in heads]


def doubt_objects(doubts: Iterable[Doubt]) -> list[dict[str, Any]]:
    """Write what could not be told of deadlines."""
    return [
        {
            "repository": one.repository,
            "product": one.product,
            "image": one.image,
            "reason": one.reason,
            "hint": one.hint,
        }
        for one in doubts
    ]


def severities_object(one: Deadline) -> dict[str, str | None]:
    """Write what each source says of a severity."""
    return {source: None if level is None else level.word for source, level in one.severities}


def clause_object(one: Deadline) -> dict[str, Any]:
    """Write by which line of the policy a deadline runs."""
    return {
        "name": one.clause.name,
        "value": one.clause.value,
        "origin": one.clause.origin,
    }


def clock_objects(one: Deadline) -> dict[str, Any]:
    """Write the three clocks."""
    return {
        "exposure": _clock(one.exposure),
        "total_exposure_seconds": optional_seconds(one.total_exposure),
        "action": _clock(one.action),
        "upstream": _clock(one.upstream),
    }


def _clock(clock: Clock) -> dict[str, Any]:
    return {
        "start": optional_instant(clock.start),
        "end": optional_instant(clock.end),
        "elapsed_seconds": optional_seconds(clock.elapsed),
        "is_running": clock.is_running,
    }


def pause_object(pause: Pause | None) -> dict[str, Any] | None:
    """Write what holds a clock, if anything does."""
    if pause is None:
        return None
    return {
        "kind": pause.kind.value,
        "name": pause.name,
        "owner": pause.owner,
        "start": instant(pause.start),
        "end": optional_instant(pause.end),
        "reason": pause.reason,
    }
