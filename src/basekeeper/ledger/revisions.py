"""Which schema a database holds, and bringing it up to the one that this program writes."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import inspect, select
from sqlalchemy.exc import OperationalError

from basekeeper.errors import LedgerError
from basekeeper.ledger.engines import WAIT_SECONDS, lock_for_writing
from basekeeper.ledger.schema import HEAD, READABLE, REVISIONS, VERSION, VERSION_TABLE

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

MIGRATIONS: Final = Path(__file__).with_name("migrations")
"""The Alembic environment inside the package."""

RETRY_SECONDS: Final = 0.05
"""Between two attempts to switch the write-ahead log on, which SQLite does not queue for."""


def check_readable(connection: Connection, name: str) -> None:
    """Check that this program can read a database as it is.

    Raises:
        LedgerError: It is no ledger, or its schema is too new or too old.
    """
    revision = _revision(connection)
    if revision is None:
        raise LedgerError(
            f"ledger {name} holds no events yet", hint="record something first: it is made then"
        )
    _check_known(revision, name)
    if revision not in READABLE:
        raise LedgerError(
            f"ledger {name} has the old schema {revision}",
            hint="let a run that records bring it up to date",
        )


def migrate(engine: Engine, name: str) -> None:
    """Bring a database up to date, or create its tables; all or nothing.

    Raises:
        LedgerError: It belongs to something else, or its schema is too new.
    """
    with engine.begin() as connection:
        revision = _revision(connection)
        if revision is None:
            _check_ours(connection, name)
    if revision is not None:
        _check_known(revision, name)
    if engine.dialect.name == "sqlite":
        _switch_log_on(engine)
    if revision == HEAD:
        return
    writing = engine.execution_options(writes=True)
    with writing.begin() as connection:
        lock_for_writing(connection)
        if _revision(connection) != HEAD:  # else another process was first
            upgrade(connection)


def upgrade(connection: Connection, to: str = "head") -> None:
    """Run the migrations that are missing, in the transaction of the caller."""
    from alembic import command  # noqa: PLC0415  # slow to load, needed once in a ledger's life
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, to)


def _revision(connection: Connection) -> str | None:
    """Read the revision of the schema; None where there is no ledger."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    revision: str | None = connection.scalar(select(VERSION.c.version_num))
    return revision


def _check_known(revision: str, name: str) -> None:
    """Refuse a schema that this program does not know."""
    if revision not in REVISIONS:
        raise LedgerError(
            f"ledger {name} has the schema {revision!r:.40}, which is newer than this program",
            hint="use the newest version of basekeeper that writes to this ledger",
        )


def _check_ours(connection: Connection, name: str) -> None:
    """Refuse a file that is another program's; a server's database may be shared."""
    if connection.dialect.name == "sqlite" and inspect(connection).get_table_names():
        raise LedgerError(
            f"ledger {name} is the database of another program", hint="name a new file"
        )


def _switch_log_on(engine: Engine) -> None:
    """Switch the write-ahead log on, which lasts; readers and a writer then do not wait."""
    end = time.monotonic() + WAIT_SECONDS
    while True:
        connection = engine.raw_connection()
        try:
            connection.cursor().execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if time.monotonic() > end:
                raise OperationalError("PRAGMA journal_mode", None, error) from error
            time.sleep(RETRY_SECONDS)
        else:
            return
        finally:
            connection.close()
