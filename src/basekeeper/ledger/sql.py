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
from basekeeper.ledger.engines import lock_for_writing, open_engine
from basekeeper.ledger.location import Kind
from basekeeper.ledger.revisions import check_readable, migrate
from basekeeper.ledger.rows import event_of, is_recordable, microseconds, row_of, sight_of
from basekeeper.ledger.schema import EVENT
from basekeeper.transport.redaction import shown_text
from basekeeper.values.event import EventKind

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from datetime import datetime

    from sqlalchemy import Connection, Engine

    from basekeeper.ledger.location import Location
    from basekeeper.values.event import Event, Sight

ROWS_AT_ONCE: Final = 500
"""Rows of one statement, and values of one list in a query."""

PAGE_ROWS: Final = 2_000
"""Events read at once."""


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
        of_dialect = sqlite if location.kind is Kind.SQLITE else postgresql
        self._insert = of_dialect.insert(EVENT).on_conflict_do_nothing(index_elements=["id"])

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

    def append(self, events: Iterable[Event]) -> int:
        """Add events in one transaction, and return how many were new."""
        if self._clock is None:
            raise LedgerError(f"ledger {self._location} is open for reading alone")
        recorded, added, left = microseconds(self._clock()), 0, iter(events)
        with self._connected(writes=True) as connection:
            while batch := list(islice(left, ROWS_AT_ONCE)):
                added += self._add(connection, [row_of(event, recorded) for event in batch])
        return added

    def events(
        self, *, subject: str | None = None, kinds: Collection[EventKind] = ()
    ) -> Iterator[Event]:
        """Yield events in the order in which they were recorded, up to the newest at the start."""
        if subject is not None and not is_recordable(subject):
            return
        query = select(EVENT).order_by(EVENT.c.seq).limit(PAGE_ROWS)
        if subject is not None:
            query = query.where(EVENT.c.subject == subject)
        if kinds:
            query = query.where(EVENT.c.kind.in_(sorted(kind.value for kind in kinds)))
        with self._connected() as connection:
            end = connection.scalar(select(func.max(EVENT.c.seq))) or 0
        last = 0
        while last < end:
            page = query.where(EVENT.c.seq > last, EVENT.c.seq <= end)
            with self._connected() as connection:
                rows = connection.execute(page).mappings().all()
            yield from map(event_of, rows)
            last = rows[-1]["seq"] if len(rows) == PAGE_ROWS else end

    def first_seen(self, repositories: Collection[str]) -> Mapping[str, tuple[Sight, ...]]:
        """Return the first sights of each repository, earliest first; none: an empty tuple."""
        found: dict[str, list[Sight]] = {name: [] for name in sorted(set(repositories))}
        names = filter(is_recordable, found)
        with self._connected() as connection:
            while batch := list(islice(names, ROWS_AT_ONCE)):
                for subject, seq, key, at in connection.execute(_sights_query(batch)):
                    found[subject].append(sight_of(seq, key, at))
        return {name: tuple(sorted(rows, key=_order)) for name, rows in found.items()}

    def close(self) -> None:
        """End every connection."""
        self._engine.dispose()

    def _add(self, connection: Connection, rows: list[dict[str, Any]]) -> int:
        """Insert the rows that are not there yet; nobody else writes meanwhile."""
        by_id = {row["id"]: row for row in reversed(rows)}  # of equal ones the first stays
        known = set(connection.scalars(select(EVENT.c.id).where(EVENT.c.id.in_(list(by_id)))))
        new = [row for key, row in reversed(by_id.items()) if key not in known]
        if new:
            connection.execute(self._insert, new)
        return len(new)

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
            raise LedgerError(
                f"ledger {self._location}: {self._reason(error)}",
                hint="check that the database is there, sound, and open to you",
            ) from error

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


def _sights_query(names: list[str]) -> Any:
    return select(EVENT.c.subject, EVENT.c.seq, EVENT.c.key, EVENT.c.at).where(
        EVENT.c.subject.in_(names), EVENT.c.kind == EventKind.FIRST_SEEN.value
    )


def _order(sight: Sight) -> tuple[datetime, str, str]:
    return (sight.at, sight.tag, sight.digest)
