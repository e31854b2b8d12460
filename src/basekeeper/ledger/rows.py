"""Events as rows, and rows as events."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from basekeeper.errors import LedgerError
from basekeeper.ledger.chain import chain_of
from basekeeper.values.event import Event, EventKind, Record, Sight, standing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAX_TEXT_BYTES: Final = 1_000
"""Longest subject, key or source, as UTF-8: what an index entry of PostgreSQL surely holds."""

MAX_EVIDENCE_BYTES: Final = 65_536
"""Longest evidence, as JSON: 64 KiB."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def microseconds(moment: datetime) -> int:
    """Count microseconds since 1970 in UTC; the instant must have a zone."""
    return (moment - _EPOCH) // _MICROSECOND


def row_of(event: Event, recorded: int) -> dict[str, Any]:
    """Write an event as a row.

    Raises:
        LedgerError: It holds what no row can.
    """
    for part in (event.subject, event.key, event.source):
        _check_text(part)
    for part in (event.policy, event.tool, event.data, event.corrects):
        if part:
            _check_text(part)
    if not chain_of(event.subject):
        raise LedgerError(f"an event about {event.subject!r:.80} names no repository")
    if event.at.tzinfo is None:
        raise LedgerError(f"an event about {event.subject!r} has an instant without a zone")
    evidence = json.dumps(dict(event.evidence), sort_keys=True, separators=(",", ":"))
    if len(evidence) > MAX_EVIDENCE_BYTES:
        raise LedgerError(
            f"the evidence of an event about {event.subject!r} has more than"
            f" {MAX_EVIDENCE_BYTES} bytes"
        )
    return {
        "id": bytes.fromhex(event.id),
        "kind": event.kind.value,
        "subject": event.subject,
        "key": event.key,
        "at": microseconds(event.at),
        "recorded": recorded,
        "source": event.source,
        "evidence": evidence,
        "policy": event.policy,
        "tool": event.tool,
        "data": event.data,
        "corrects": event.corrects,
    }


def event_of(row: Mapping[Any, Any]) -> Event:
    """Read an event from a row.

    Raises:
        LedgerError: The row is none that this program wrote.
    """
    try:
        kind = EventKind(row["kind"])
    except ValueError as error:
        raise LedgerError(
            f"the ledger holds events of a kind unknown here, {row['kind']!r:.80}",
            hint="use the newest version of basekeeper that writes to this ledger",
        ) from error
    try:
        evidence = json.loads(row["evidence"])
        return Event(
            kind=kind,
            subject=row["subject"],
            key=row["key"],
            at=_instant(row["at"]),
            source=row["source"],
            evidence={str(name): str(value) for name, value in evidence.items()},
            policy=row["policy"],
            tool=row["tool"],
            data=row["data"],
            corrects=row["corrects"],
        )
    except (ValueError, TypeError, OverflowError, AttributeError, RecursionError) as error:
        raise _damaged(row["seq"]) from error


def record_of(row: Mapping[Any, Any]) -> Record:
    """Read an event with its place from a row that has both.

    Raises:
        LedgerError: The row is none that this program wrote.
    """
    event = event_of(row)
    try:
        return Record(
            event=event,
            recorded=_instant(row["recorded"]),
            position=int(row["position"]),
            hash=row["hash"].hex(),
        )
    except (ValueError, TypeError, OverflowError, AttributeError) as error:
        raise _damaged(row["seq"]) from error


def sights_of(rows: Iterable[Mapping[Any, Any]]) -> dict[str, tuple[Sight, ...]]:
    """Read what was seen of each repository, earliest first, with corrections in their place.

    Args:
        rows: Of `FIRST_SEEN` and `RETRACTED`, in the order of recording.

    Raises:
        LedgerError: One is none that this program wrote.
    """
    retraction = EventKind.RETRACTED.value
    told = ((row["id"].hex(), row["corrects"], row["kind"] == retraction, row) for row in rows)
    found: dict[str, list[Sight]] = {}
    for row in standing(told):
        found.setdefault(row["subject"], []).append(_sight_of(row))
    return {name: tuple(sorted(sights, key=_order)) for name, sights in found.items()}


def _sight_of(row: Mapping[Any, Any]) -> Sight:
    tag, sign, digest = row["key"].partition("@")
    try:
        moment = _instant(row["at"])
    except (TypeError, OverflowError) as error:
        raise _damaged(row["seq"]) from error
    if not sign:
        raise _damaged(row["seq"])
    return Sight(tag, digest, moment)


def _order(sight: Sight) -> tuple[datetime, str, str]:
    return (sight.at, sight.tag, sight.digest)


def _instant(at: int) -> datetime:
    return _EPOCH + timedelta(microseconds=at)


def is_recordable(text: str) -> bool:
    """Tell whether every database can keep a text: no NUL, no lone surrogate, not too long."""
    try:
        return 0 < len(text.encode()) <= MAX_TEXT_BYTES and "\0" not in text
    except UnicodeEncodeError:
        return False


def _check_text(text: str) -> None:
    """Refuse what one of the databases cannot keep, in all of them alike."""
    if not is_recordable(text):
        raise LedgerError(
            f"an event with {text!r:.80} cannot be recorded:"
            f" texts have 1 to {MAX_TEXT_BYTES} bytes of UTF-8 without NUL"
        )


def _damaged(seq: object) -> LedgerError:
    return LedgerError(
        f"event {seq!r:.40} of the ledger cannot be read",
        hint="restore the ledger from a backup; nobody but basekeeper may write to it",
    )
