"""Connections to the databases, each set up so that a committed event is never lost.

SQLite: write-ahead log, every commit on the disk, writers wait for each other. PostgreSQL:
writers queue for one lock of ours, so that sequence numbers are given in the order of commits.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from sqlalchemy import create_engine, event
from sqlalchemy.pool import QueuePool

from basekeeper.errors import LedgerError
from basekeeper.ledger.location import Kind

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from basekeeper.ledger.location import Location

WAIT_SECONDS: Final = 30
"""Longest wait for other writers."""

CONNECT_SECONDS: Final = 10
"""Longest wait for a server to take a connection, where the location does not say."""

WRITERS_LOCK: Final = int.from_bytes(b"bkledger", "big", signed=True)
"""Advisory lock of PostgreSQL that writers of a database queue for."""

DRIVER_HINT: Final = "install basekeeper with its extra: pip install 'basekeeper[postgresql]'"


def open_engine(location: Location, *, read_only: bool) -> Engine:
    """Make an engine; PostgreSQL is connected to when it is first used.

    Raises:
        LedgerError: There is no such file, it cannot be made, or the driver is missing.
    """
    if location.kind is Kind.POSTGRESQL:
        return _postgresql(location, read_only=read_only)
    return _sqlite(location, read_only=read_only)


def lock_for_writing(connection: Connection) -> None:
    """Wait until this transaction is the only one that writes; SQLite's already is."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{WAIT_SECONDS}s'")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITERS_LOCK})")


def _sqlite(location: Location, *, read_only: bool) -> Engine:
    """Make an engine for a file."""
    path = Path(os.path.abspath(location.target))  # noqa: PTH100  # `resolve` may fail on loops
    try:
        if read_only:
            mode = _reading_mode(path)
        else:
            _create(path)
            mode = "mode=rw"
    except OSError as error:
        raise _unopened(location, error.strerror or str(error), read_only=read_only) from error
    uri = f"file:{quote(str(path))}?{mode}"

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            uri, uri=True, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            connection.executescript("PRAGMA trusted_schema = OFF; PRAGMA synchronous = FULL;")
        except BaseException:
            connection.close()
            raise
        return connection

    engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool, hide_parameters=True)
    event.listen(engine, "begin", _begin)
    return engine


def _begin(connection: Connection) -> None:
    """Begin a transaction.

    One that will write takes the lock at once: it never fails half-way as another one wrote.
    """
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _create(path: Path) -> None:
    """Create an empty file for its owner alone, where there is none."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _reading_mode(path: Path) -> str:
    """Tell how SQLite can read a file without changing anything.

    With a write-ahead log it needs files beside it. Where the directory does not let it make
    them, and no writer left a log, the file is complete by itself.
    """
    path.stat()
    log = path.with_name(path.name + "-wal")
    has_log = log.exists() and log.stat().st_size > 0
    if has_log or os.access(path.parent, os.W_OK):
        return "mode=ro"
    return "mode=ro&immutable=1"


def _unopened(location: Location, reason: str, *, read_only: bool) -> LedgerError:
    hint = "record something first, or name the right file" if read_only else "name another file"
    return LedgerError(f"ledger {location} cannot be opened: {reason}", hint=hint)


def _postgresql(location: Location, *, read_only: bool) -> Engine:
    """Make an engine for a server."""
    try:
        import psycopg  # noqa: PLC0415  # an optional extra
        from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415
    except ImportError as error:
        raise LedgerError(
            f"ledger {location} cannot be opened: psycopg is not installed", hint=DRIVER_HINT
        ) from error
    try:
        given: dict[str, Any] = dict(conninfo_to_dict(location.target))
    except psycopg.Error:
        # The driver's message would repeat parts of the text, the password among them.
        raise LedgerError(
            f"ledger {location} cannot be opened: this is no connection URI of PostgreSQL",
            hint="write postgresql://user@host/database; special characters as %XX",
        ) from None
    defaults: dict[str, Any] = {
        "connect_timeout": CONNECT_SECONDS,
        "application_name": "basekeeper",
    }
    # No prepared statements: a pooler between may give each transaction another server.
    settings = defaults | given | {"client_encoding": "utf8", "prepare_threshold": None}

    def connect() -> psycopg.Connection[Any]:
        connection = psycopg.connect(**settings)
        connection.read_only = read_only
        return connection

    return create_engine(
        "postgresql+psycopg://", creator=connect, pool_pre_ping=True, hide_parameters=True
    )
