"""The ledger in a database, SQLite or PostgreSQL."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from basekeeper.errors import LedgerError
from basekeeper.ledger import outbox
from basekeeper.ledger.chain import Checker, Link
from basekeeper.ledger.chains import ChainWriter, read_heads, verify_chains
from basekeeper.ledger.clock import read_clock
from basekeeper.ledger.engines import lock_for_writing, open_engine
from basekeeper.ledger.location import Kind
from basekeeper.ledger.notices import Wanted
from basekeeper.ledger.revisions import check_readable, migrate
from basekeeper.ledger.rows import (
    event_of,
    is_recordable,
    microseconds,
    record_of,
    row_of,
    sights_of,
)
from basekeeper.ledger.schema import EVENT, LINK
from basekeeper.transport.redaction import shown_text
from basekeeper.values.event import EventKind

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from datetime import datetime, timedelta

    from sqlalchemy import Connection, Engine, RowMapping, Select

    from basekeeper.ledger.location import Location
    from basekeeper.values.event import Claim, Event, Head, Notice, Record, Sight, Verification

ROWS_AT_ONCE: Final = 500
"""Rows of one statement, and values of one list in a query."""

PAGE_ROWS: Final = 2_000
"""Events read at once."""

_NO_ROOM: Final = "make room on the disk and run it again; what was recorded before is safe"
_BUSY: Final = "another program writes to it: run it again when that has ended"
_HINT: Final = "check that the database is there, sound, and open to you"
_HINTS: Final = (
    ("disk is full", _NO_ROOM),
    ("No space left", _NO_ROOM),
    ("disk I/O error", f"if its disk is full, {_NO_ROOM}"),
    ("is locked", _BUSY),
    ("lock timeout", _BUSY),
    ("authentication failed", "check user and password: PGPASSWORD, or a .pgpass file"),
    ("connection", "check that the server runs and can be reached, and run it again"),
)
"""What a database says, as a part of it → the remedy."""

_SIGHT: Final = ("seq", "id", "kind", "subject", "key", "at", "corrects")


def open_ledger(location: Location, *, clock: Callable[[], datetime] | None) -> SqlLedger:
    """Open a ledger; to write, it is created or migrated first.

    Args:
        location: Where it lies.
        clock: Tells when something is recorded. None: to read alone, which never creates or
            migrates, and refuses to append.

    Raises:
        LedgerError: It cannot be reached, is no ledger, is newer than this program, or, for
            reading, is not there.
    """
    ledger = SqlLedger(location, open_engine(location, read_only=clock is None), clock)
    try:
        ledger.prepare()
    except BaseException:
        ledger.close()
        raise
    return ledger


class SqlLedger:
    """Events in a table; see `ports.Ledger`. Safe to share between threads."""

    def __init__(
        self, location: Location, engine: Engine, clock: Callable[[], datetime] | None
    ) -> None:
        """Keep what `open_ledger` opened."""
        self._location = location
        self._engine = engine
        self._clock = clock
        self._dialect = sqlite if location.kind is Kind.SQLITE else postgresql
        self._insert = self._dialect.insert(EVENT).on_conflict_do_nothing(index_elements=["id"])

    def prepare(self) -> None:
        """Bring the schema up to date, or check that it can be read.

        Raises:
            LedgerError: It cannot.
        """
        if self._clock is None:
            with self._connected() as connection:
                check_readable(connection, str(self._location))
            return
        with self._translated():
            migrate(self._engine, str(self._location))

    def append(self, events: Iterable[Event], notices: Iterable[Notice] = ()) -> int:
        """Add events and queue notices in one transaction; return how many events were new."""
        now, added, left = self._now(), 0, iter(events)
        with self._connected(writes=True) as connection:
            writer = ChainWriter(connection, self._insert)
            while batch := list(islice(left, ROWS_AT_ONCE)):
                added += writer.add([row_of(event, microseconds(now)) for event in batch])
            writer.finish()
            outbox.queue(connection, self._dialect, notices, now)
        return added

    def events(
        self,
        *,
        subject: str | None = None,
        chains: Collection[str] = (),
        kinds: Collection[EventKind] = (),
        as_of: datetime | None = None,
    ) -> Iterator[Event]:
        """Yield events in the order in which they were recorded, up to the newest at the start."""
        query = select(EVENT)
        if chains:
            query = query.join_from(EVENT, LINK, EVENT.c.id == LINK.c.id)
        return map(event_of, self._rows(query, subject, chains, kinds, as_of))

    def records(
        self,
        *,
        subject: str | None = None,
        chains: Collection[str] = (),
        kinds: Collection[EventKind] = (),
        as_of: datetime | None = None,
    ) -> Iterator[Record]:
        """Yield the same events with their places."""
        query = select(EVENT, *(LINK.c[name] for name in Link._fields))
        query = query.select_from(EVENT.outerjoin(LINK, EVENT.c.id == LINK.c.id))
        rows = self._rows(query, subject, chains, kinds, as_of)
        is_whole = subject is None and not kinds and as_of is None
        return map(record_of, self._checked(rows) if is_whole else rows)

    def _checked(self, rows: Iterable[RowMapping]) -> Iterator[RowMapping]:
        """Yield the rows of whole chains up to the first that is not as it was recorded."""
        checker = Checker()
        for row in rows:
            if row["position"] is not None:
                checker.see(Link(*(row[name] for name in Link._fields)), row, row["seq"])
            found = checker.broken
            if found is not None:
                raise LedgerError(
                    f"ledger {self._location}: event {found.position} of {found.chain!r:.200}"
                    f" {found.reason}",
                    hint="restore it from a backup; basekeeper ledger verify tells more",
                )
            yield row

    def _rows(
        self,
        query: Select[Any],
        subject: str | None,
        chains: Collection[str],
        kinds: Collection[EventKind],
        as_of: datetime | None,
    ) -> Iterator[RowMapping]:
        """Yield rows of events, a page at a time."""
        if subject is not None and not is_recordable(subject):
            return
        if chains:
            query = query.where(LINK.c.chain.in_(sorted(filter(is_recordable, set(chains)))))
        query = query.order_by(EVENT.c.seq).limit(PAGE_ROWS)
        if subject is not None:
            query = query.where(EVENT.c.subject == subject)
        if kinds:
            query = query.where(EVENT.c.kind.in_(sorted(kind.value for kind in kinds)))
        if as_of is not None:
            query = query.where(EVENT.c.recorded <= microseconds(as_of))
        with self._connected() as connection:
            end = connection.scalar(select(func.max(EVENT.c.seq))) or 0
        last = 0
        while last < end:
            page = query.where(EVENT.c.seq > last, EVENT.c.seq <= end)
            with self._connected() as connection:
                rows = connection.execute(page).mappings().all()
            yield from rows
            last = rows[-1]["seq"] if len(rows) == PAGE_ROWS else end

    def first_seen(self, repositories: Collection[str]) -> Mapping[str, tuple[Sight, ...]]:
        """Return the first sights of each repository, earliest first; none: an empty tuple."""
        found: dict[str, tuple[Sight, ...]] = dict.fromkeys(sorted(set(repositories)), ())
        names = filter(is_recordable, list(found))
        with self._connected() as connection:
            while batch := list(islice(names, ROWS_AT_ONCE)):
                rows = connection.execute(_sights_query(batch))
                found |= sights_of(dict(zip(_SIGHT, row, strict=True)) for row in rows)
        return found

    def heads(self) -> tuple[Head, ...]:
        """Return the end of each chain, in the order of their names."""
        with self._connected() as connection:
            return read_heads(connection)

    def verify(self, noted: Collection[Head] = ()) -> Verification:
        """Look at every event; see `ports.Ledger`."""
        with self._connected() as connection:
            if self._location.kind is Kind.POSTGRESQL:  # one picture, while others write
                connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            return verify_chains(connection, noted)

    def claim(
        self,
        *,
        limit: int,
        lease: timedelta,
        subject: str | None = None,
        channels: Collection[str] = (),
    ) -> tuple[Claim, ...]:
        """Take notices that are due; see `ports.Ledger`."""
        now, wanted = self._now(), Wanted(subject, channels)
        with self._connected(writes=True) as connection:
            return outbox.claim(connection, now, limit, lease, wanted)

    def settle(
        self, claim: Claim, *, problem: str | None = None, retry_at: datetime | None = None
    ) -> None:
        """Say what became of a notice; see `ports.Ledger`."""
        now = self._now()
        with self._connected(writes=True) as connection:
            outbox.settle(connection, claim, now, problem, retry_at)

    def close(self) -> None:
        """End every connection."""
        self._engine.dispose()

    def _now(self) -> datetime:
        return read_clock(self._location, self._clock)

    @contextmanager
    def _connected(self, *, writes: bool = False) -> Iterator[Connection]:
        """Open a transaction."""
        engine = self._engine.execution_options(writes=writes)
        with self._translated(), engine.begin() as connection:
            if writes:
                lock_for_writing(connection)
            yield connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """One of our errors for one of the library's."""
        try:
            yield
        except SQLAlchemyError as error:
            reason = self._reason(error)
            hint = next((hint for words, hint in _HINTS if words in reason), _HINT)
            raise LedgerError(f"ledger {self._location}: {reason}", hint=hint) from error

    def _reason(self, error: SQLAlchemyError) -> str:
        """Tell what the database said, without any password."""
        said = str(error.orig if isinstance(error, DBAPIError) and error.orig else error)
        first = said.strip().partition("\n")[0]
        secret = self._password()
        return shown_text(first.replace(secret, "…") if secret else first)

    def _password(self) -> str:
        if self._location.kind is Kind.SQLITE:
            return ""
        return unquote(urlsplit(self._location.target).password or "")


def _sights_query(names: list[str]) -> Select[Any]:
    columns = (EVENT.c[name] for name in _SIGHT)
    kinds = (EventKind.FIRST_SEEN.value, EventKind.RETRACTED.value)
    found = select(*columns).where(EVENT.c.subject.in_(names), EVENT.c.kind.in_(kinds))
    return found.order_by(EVENT.c.seq)
