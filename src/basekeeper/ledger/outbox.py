"""The outbox in a database: what is to be told, recorded before it is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select

from basekeeper.errors import LedgerError
from basekeeper.ledger.notices import MAX_PUT_OFF, Wanted, queued
from basekeeper.ledger.rows import microseconds, row_of
from basekeeper.ledger.schema import OUTBOX
from basekeeper.values.event import Claim, Notice

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta

    from sqlalchemy import Connection


def queue(connection: Connection, dialect: Any, notices: Iterable[Notice], now: datetime) -> None:
    """Add notices; one whose id is there already is left out."""
    insert = dialect.insert(OUTBOX).on_conflict_do_nothing(index_elements=["id"])
    at = microseconds(now)
    for notice in notices:
        row_of(queued(notice, now), at)  # what a branch cannot keep, no database keeps
        row = {"id": notice.id, "subject": notice.subject, "channel": notice.channel}
        times = {"queued": at, "due": at, "attempts": 0}
        connection.execute(insert, {**row, "body": notice.body, **times})


def claim(
    connection: Connection, now: datetime, limit: int, lease: timedelta, wanted: Wanted
) -> tuple[Claim, ...]:
    """Take the oldest notices that are due and wanted, for as long as the lease."""
    at = microseconds(now)
    later = microseconds(now + MAX_PUT_OFF)
    due = select(OUTBOX).where(
        OUTBOX.c.settled.is_(None), or_(OUTBOX.c.due <= at, OUTBOX.c.due > later)
    )
    if wanted.subject is not None:
        due = due.where(OUTBOX.c.subject == wanted.subject)
    if wanted.channels:
        due = due.where(OUTBOX.c.channel.in_(sorted(wanted.channels)))
    rows = connection.execute(due.order_by(OUTBOX.c.seq).limit(limit)).all()
    taken = OUTBOX.update().where(OUTBOX.c.seq.in_([row.seq for row in rows]))
    if rows:
        until = microseconds(now + lease)
        connection.execute(taken.values(attempts=OUTBOX.c.attempts + 1, due=until))
    return tuple(
        Claim(
            Notice(id=row.id, subject=row.subject, channel=row.channel, body=row.body),
            row.attempts + 1,
        )
        for row in rows
    )


def settle(
    connection: Connection,
    claimed: Claim,
    now: datetime,
    problem: str | None,
    retry_at: datetime | None,
) -> None:
    """Close a notice, or make it due again."""
    mine = OUTBOX.update().where(OUTBOX.c.id == claimed.notice.id, OUTBOX.c.settled.is_(None))
    if retry_at is not None:
        latest = mine.where(OUTBOX.c.attempts == claimed.attempt)  # else another has it now
        connection.execute(latest.values(due=microseconds(retry_at), problem=problem))
        return
    connection.execute(mine.values(settled=microseconds(now), problem=problem))
    if connection.scalar(select(OUTBOX.c.seq).where(OUTBOX.c.id == claimed.notice.id)) is None:
        raise LedgerError(f"notice {claimed.notice.id!r:.80} was never queued")
