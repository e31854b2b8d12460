"""Events as rows, and rows as events."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from basekeeper.errors import LedgerError
from basekeeper.values.event import Event, EventKind, Sight

if TYPE_CHECKING:
    from sqlalchemy import RowMapping

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
    }


def event_of(row: RowMapping) -> Event:
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
        )
    except (ValueError, TypeError, OverflowError, AttributeError, RecursionError) as error:
        raise _damaged(row["seq"]) from error


def sight_of(seq: int, key: str, at: int) -> Sight:
    """Read a sight from the columns of a `FIRST_SEEN` row.

    Raises:
        LedgerError: They are none that this program wrote.
    """
    tag, sign, digest = key.partition("@")
    try:
        moment = _instant(at)
    except (TypeError, OverflowError) as error:
        raise _damaged(seq) from error
    if not sign:
        raise _damaged(seq)
    return Sight(tag, digest, moment)


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
