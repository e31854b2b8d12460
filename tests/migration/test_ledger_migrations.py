"""Ledgers of every earlier revision become current ones, and lose nothing on the way."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from basekeeper.errors import LedgerError
from basekeeper.ledger import revisions
from basekeeper.ledger.engines import open_engine
from basekeeper.ledger.location import Kind, Location, read_location
from basekeeper.ledger.schema import HEAD, METADATA, READABLE, REVISIONS, VERSION_TABLE
from basekeeper.ledger.sql import open_ledger
from tests.contract.ledger_places import DATABASES, digest, sight

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine

    from basekeeper.values.event import Event

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


@pytest.fixture(params=DATABASES)
def location(request: pytest.FixtureRequest, tmp_path: Path) -> Location:
    if request.param == "sqlite":
        return read_location(f"sqlite:{tmp_path / 'ledger.sqlite'}")
    return read_location(request.getfixturevalue("postgres").create())


@pytest.fixture
def engine(location: Location) -> Iterator[Engine]:
    made = open_engine(location, read_only=False)
    yield made
    made.dispose()


def at_revision(engine: Engine, revision: str) -> None:
    """Bring an empty database to a revision."""
    with engine.execution_options(writes=True).begin() as connection:
        revisions.upgrade(connection, revision)


INSERT = (
    "INSERT INTO basekeeper_event (id, kind, subject, key, at, recorded, source, evidence)"
    " VALUES (:id, :kind, :subject, :key, :at, :recorded, :source, :evidence)"
)


def row_of_0001(event: Event, recorded: int) -> dict[str, Any]:
    """Write an event as the program of revision 0001 did."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return {
        "id": bytes.fromhex(event.id), "kind": event.kind.value, "subject": event.subject,
        "key": event.key, "at": (event.at - epoch) // timedelta(microseconds=1),
        "recorded": recorded, "source": event.source,
        "evidence": json.dumps(dict(event.evidence), sort_keys=True, separators=(",", ":")),
    }  # fmt: skip


def insert(connection: Connection) -> None:
    """Record an event as revision 0001 has it."""
    connection.execute(sa.text(INSERT), row_of_0001(sight(), 2))


def restamp(engine: Engine, revision: str) -> None:
    with engine.execution_options(writes=True).begin() as connection:
        connection.execute(
            sa.text(f"UPDATE {VERSION_TABLE} SET version_num = :to"),  # noqa: S608  # a constant
            {"to": revision},
        )


def test_known_revisions_are_those_of_the_migrations() -> None:
    config = Config()
    config.set_main_option("script_location", str(revisions.MIGRATIONS))
    script = ScriptDirectory.from_config(config)
    found = [step.revision for step in script.walk_revisions()][::-1]
    assert tuple(found) == REVISIONS
    assert script.get_heads() == [HEAD]
    assert set(REVISIONS) >= READABLE


def test_there_is_no_way_back() -> None:
    versions = revisions.MIGRATIONS / "versions"
    assert len(list(versions.glob("r*.py"))) == len(REVISIONS)
    assert all("def downgrade" not in path.read_text() for path in versions.glob("*.py"))


def test_migrations_lead_to_the_tables_that_the_program_uses(
    engine: Engine, location: Location
) -> None:
    revisions.migrate(engine, str(location))
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE, "compare_type": True}
        )
        assert compare_metadata(context, METADATA) == []


@pytest.mark.parametrize("revision", ["0001"])
def test_ledger_of_each_revision_is_brought_up_to_date_with_its_events(
    location: Location, engine: Engine, revision: str
) -> None:
    at_revision(engine, revision)
    with engine.execution_options(writes=True).begin() as connection:
        insert(connection)
    with contextlib.closing(open_ledger(location, clock=lambda: NOW)) as ledger:
        assert ledger.append([sight(), sight(2)]) == 1
        assert [event.key for event in ledger.events()] == [f"24@{digest(1)}", f"24@{digest(2)}"]
    with engine.connect() as connection:
        found = connection.scalar(sa.text(f"SELECT version_num FROM {VERSION_TABLE}"))  # noqa: S608
    assert found == HEAD


def test_events_of_the_first_revision_are_chained_in_their_order(
    location: Location, engine: Engine
) -> None:
    # More events, and more chains, than the migration reads and writes at once.
    events = [sight(number, subject=f"a.example/{number % 1050:04}") for number in range(2200)]
    at_revision(engine, "0001")
    with engine.execution_options(writes=True).begin() as connection:
        for number, event in enumerate(events):
            connection.execute(sa.text(INSERT), row_of_0001(event, 1_000 - number))
        # Numbers that were given and rolled back leave gaps.
        connection.execute(
            sa.text(INSERT.replace("(id", "(seq, id").replace("(:id", "(9000, :id")),
            row_of_0001(sight(99), 5),
        )
    with contextlib.closing(open_ledger(location, clock=lambda: NOW)) as ledger:
        assert list(ledger.events()) == [*events, sight(99)]
        verified = ledger.verify()
        assert (verified.is_sound, verified.events) == (True, 2201)
        assert [head.position for head in ledger.heads()] == [3] * 100 + [2] * 950 + [1]
        assert ledger.append([sight(9999, subject="a.example/0000"), *events]) == 1
        assert ledger.heads()[0].position == 4
        assert ledger.verify(verified.heads).is_sound


def test_ledger_of_the_first_revision_is_read_after_it_was_brought_up_to_date(
    location: Location, engine: Engine
) -> None:
    at_revision(engine, "0001")
    with pytest.raises(LedgerError, match="has the old schema 0001"):
        open_ledger(location, clock=None)


def test_opening_a_current_ledger_changes_nothing(location: Location) -> None:
    for _ in range(3):
        with contextlib.closing(open_ledger(location, clock=lambda: NOW)) as ledger:
            ledger.append([sight()])
            assert len(list(ledger.events())) == 1


@pytest.mark.parametrize("write", [False, True])
def test_newer_schema_than_the_programs_is_refused(
    location: Location, engine: Engine, *, write: bool
) -> None:
    at_revision(engine, HEAD)
    restamp(engine, "9999")
    with pytest.raises(LedgerError, match="newer than this program") as caught:
        open_ledger(location, clock=(lambda: NOW) if write else None)
    assert "'9999'" in caught.value.message


def test_older_schema_is_read_only_where_it_can_be(
    location: Location, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_revision(engine, HEAD)
    restamp(engine, "0000")
    monkeypatch.setattr(revisions, "REVISIONS", ("0000", *REVISIONS))
    with pytest.raises(LedgerError, match="has the old schema 0000") as caught:
        open_ledger(location, clock=None)
    assert "bring it up to date" in (caught.value.hint or "")
    monkeypatch.setattr(revisions, "READABLE", frozenset({"0000"}))
    with contextlib.closing(open_ledger(location, clock=None)) as ledger:
        assert list(ledger.events()) == []


def test_failed_migration_leaves_nothing_behind(
    location: Location, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(connection: Connection) -> None:
        original(connection)
        raise sa.exc.OperationalError("x", None, Exception("power failed"))

    original = revisions.upgrade
    monkeypatch.setattr(revisions, "upgrade", fail)
    with pytest.raises(LedgerError, match="power failed"):
        open_ledger(location, clock=lambda: NOW)
    with engine.connect() as connection:
        assert sa.inspect(connection).get_table_names() == []


def test_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "other.sqlite")) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")
    before = (tmp_path / "other.sqlite").read_bytes()
    with pytest.raises(LedgerError, match="database of another program"):
        open_ledger(read_location(f"sqlite:{tmp_path}/other.sqlite"), clock=lambda: NOW)
    assert (tmp_path / "other.sqlite").read_bytes() == before


@pytest.mark.component("database")
def test_database_of_a_server_may_be_shared(
    request: pytest.FixtureRequest,
) -> None:
    location = read_location(request.getfixturevalue("postgres").create())
    assert location.kind is Kind.POSTGRESQL
    engine = open_engine(location, read_only=False)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE alembic_version (version_num text)")
    with contextlib.closing(open_ledger(location, clock=lambda: NOW)) as ledger:
        assert ledger.append([sight()]) == 1
    engine.dispose()


def test_path_of_the_package_may_hold_a_percent_sign(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "100%(here)s"
    place.symlink_to(revisions.MIGRATIONS)
    monkeypatch.setattr(revisions, "MIGRATIONS", place)
    location = read_location(f"sqlite:{tmp_path}/ledger.sqlite")
    open_ledger(location, clock=lambda: NOW).close()
    assert Path(location.target).is_file()
