"""What the ledger promises in a database beyond the contract: what others see, and may not do."""

# ruff: noqa: S608  # statements of tests hold no outside text

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from basekeeper.errors import LedgerError
from basekeeper.ledger.engines import open_engine
from basekeeper.ledger.location import Kind, Location
from basekeeper.values.event import EventKind
from tests.contract.ledger_places import (
    DATABASES,
    LATER,
    NODE,
    NOW,
    digest,
    notice,
    sight,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from basekeeper.ledger.sql import SqlLedger


@pytest.fixture(params=DATABASES)
def text(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return text_of(request.param, request, tmp_path)


@pytest.fixture
def rows(ledger: SqlLedger, location: Location) -> Iterator[sa.Connection]:
    """A connection of somebody who does not use our program."""
    engine = open_engine(location, read_only=False)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_many_events_are_read_in_pages_that_lose_none(
    ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("basekeeper.ledger.sql.PAGE_ROWS", 10)
    ledger.append(sight(number) for number in range(95))
    reading = ledger.events()
    found = [next(reading)]
    ledger.append([sight(1000)])  # after the reading began: not part of it
    assert [*found, *reading] == [sight(number) for number in range(95)]
    assert len(list(ledger.events())) == 96


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE basekeeper_event SET at = 0",
        "DELETE FROM basekeeper_event",
        "DELETE FROM basekeeper_event WHERE seq = 1",
        "UPDATE basekeeper_link SET position = 7",
        "DELETE FROM basekeeper_link",
        "UPDATE basekeeper_head SET position = 0",
        "UPDATE basekeeper_head SET chain = 'x', position = 9",
        "DELETE FROM basekeeper_head",
    ],
)
def test_database_itself_refuses_to_change_or_delete(
    ledger: SqlLedger, rows: sa.Connection, statement: str
) -> None:
    ledger.append([sight()])
    with pytest.raises(sa.exc.DBAPIError, match="append-only"):
        rows.exec_driver_sql(statement)
    rows.rollback()
    assert list(ledger.events()) == [sight()]


@pytest.mark.parametrize("text", DATABASES[1:], indirect=True)  # SQLite has no such statement
def test_postgresql_refuses_to_truncate(rows: sa.Connection) -> None:
    for table in ("event", "link", "head"):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"):
            rows.exec_driver_sql(f"TRUNCATE basekeeper_{table}")
        rows.rollback()


@pytest.mark.parametrize("text", DATABASES[:1], indirect=True)  # PostgreSQL has no such statement
def test_sqlite_replaces_nothing(ledger: SqlLedger, rows: sa.Connection) -> None:
    ledger.append([sight()])
    rows.exec_driver_sql(
        "INSERT OR REPLACE INTO basekeeper_event"
        " SELECT seq, id, kind, subject, key, 0, 0, source, evidence, '', '', '', ''"
        " FROM basekeeper_event"
    )
    rows.exec_driver_sql(
        "INSERT OR REPLACE INTO basekeeper_event"
        " SELECT seq, zeroblob(32), kind, subject, key, 0, 0, source, '', '', '', '', ''"
        " FROM basekeeper_event"
    )
    rows.commit()
    assert list(ledger.events()) == [sight()]


def test_instants_are_kept_as_microseconds_in_utc(ledger: SqlLedger, rows: sa.Connection) -> None:
    ledger.append([sight()])
    kept = rows.exec_driver_sql("SELECT seq, at, recorded FROM basekeeper_event").one()
    micro = timedelta(microseconds=1)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert tuple(kept) == (1, (NOW - epoch) // micro, (LATER - epoch) // micro)


def test_question_of_first_sights_uses_the_index(
    ledger: SqlLedger, location: Location, rows: sa.Connection
) -> None:
    explain = "EXPLAIN" if location.kind is Kind.POSTGRESQL else "EXPLAIN QUERY PLAN"
    if location.kind is Kind.POSTGRESQL:
        rows.exec_driver_sql("SET enable_seqscan = off")
    plan = rows.exec_driver_sql(
        f"{explain} SELECT subject, key, at FROM basekeeper_event"  # no outside text
        " WHERE subject IN ('a', 'b') AND kind = 'first-seen'"
    ).all()
    assert "basekeeper_event_subject" in str(plan)


@pytest.mark.parametrize(
    "values",
    [
        {"evidence": "[]"},
        {"evidence": "{"},
        {"evidence": "null"},
        {"at": 2**62},
        {"key": "no-digest", "evidence": "["},
    ],
)
def test_event_that_this_program_never_wrote_is_told_of(
    ledger: SqlLedger, rows: sa.Connection, values: dict[str, Any]
) -> None:
    row = {
        "id": b"x" * 32, "kind": "first-seen", "subject": NODE, "key": f"24@{digest(1)}", "at": 0,
        "recorded": 0, "source": "x", "evidence": "{}", **values,
    }  # fmt: skip
    names = ", ".join(row)
    marks = ", ".join(f":{name}" for name in row)
    rows.execute(sa.text(f"INSERT INTO basekeeper_event ({names}) VALUES ({marks})"), row)
    rows.commit()
    with pytest.raises(LedgerError, match="event 1 of the ledger cannot be read"):
        list(ledger.events())


def test_event_of_a_later_kind_is_not_passed_over(ledger: SqlLedger, rows: sa.Connection) -> None:
    rows.execute(
        sa.text(
            "INSERT INTO basekeeper_event (id, kind, subject, key, at, recorded, source, evidence)"
            " VALUES (:id, 'abducted', 's', 'k', 0, 0, 'x', '{}')"
        ),
        {"id": b"x" * 32},
    )
    rows.commit()
    with pytest.raises(LedgerError, match="unknown here, 'abducted'") as caught:
        list(ledger.events())
    assert "newest version" in (caught.value.hint or "")
    assert list(ledger.events(kinds=[EventKind.FIRST_SEEN])) == []


MINE = "chain = 'docker.io/library/node'"
LINK = f"basekeeper_link WHERE {MINE} AND position"
REMOVED = "DELETE FROM basekeeper_event WHERE seq = {0}; DELETE FROM {1} = {0}"
SWAPPED = f"""
    UPDATE basekeeper_link SET position = 99 WHERE {MINE} AND position = 2;
    UPDATE basekeeper_link SET position = 2 WHERE {MINE} AND position = 3;
    UPDATE basekeeper_link SET position = 3 WHERE {MINE} AND position = 99
"""
EMPTIED = f"""
    DELETE FROM basekeeper_link WHERE {MINE};
    DELETE FROM basekeeper_event WHERE subject = 'docker.io/library/node'
"""
INSERTED = """
    INSERT INTO basekeeper_event (id, kind, subject, key, at, recorded, source, evidence)
    SELECT {other}, kind, subject, 'x', at, recorded, source, evidence
    FROM basekeeper_event WHERE seq = 1
"""


@pytest.mark.parametrize(
    ("statements", "position", "reason"),
    [
        ("UPDATE basekeeper_event SET at = at - 1 WHERE seq = 2", 2, "was changed"),
        ("UPDATE basekeeper_event SET recorded = 5 WHERE seq = 1", 1, "was changed"),
        ("UPDATE basekeeper_event SET evidence = '{}' WHERE seq = 3", 3, "was changed"),
        ("UPDATE basekeeper_event SET policy = 'x' WHERE seq = 4", 4, "was changed"),
        ("UPDATE basekeeper_event SET subject = 'x' WHERE seq = 2", 2, "another chain"),
        ("DELETE FROM basekeeper_event WHERE seq = 2", 2, "is missing"),
        ("DELETE FROM basekeeper_event WHERE seq = 4", 4, "is missing"),
        (REMOVED.format(2, LINK), 2, "is missing"),
        (REMOVED.format(4, LINK), 4, "is missing"),
        (EMPTIED, 1, "is missing"),
        (SWAPPED, 2, "does not follow"),
        ("UPDATE basekeeper_event SET seq = 99 WHERE seq = 2", 3, "was moved"),
        (INSERTED, 0, "number 6 was inserted outside"),
        (f"DELETE FROM basekeeper_head WHERE {MINE}", 4, "knows no head"),
        (f"UPDATE basekeeper_head SET position = 3 WHERE {MINE}", 4, "inserted behind the end"),
        ("UPDATE basekeeper_head SET hash = {other} WHERE " + MINE, 4, "than the end"),
    ],
)
def test_owner_of_the_database_who_changes_the_past_is_found_out(
    ledger: SqlLedger, rows: sa.Connection, statements: str, position: int, reason: str
) -> None:
    ledger.append([sight(number) for number in range(4)])
    ledger.append([sight(subject="ghcr.io/acme/base")])
    drop_triggers(rows)
    is_sqlite = rows.dialect.name == "sqlite"
    other = "zeroblob(32)" if is_sqlite else "decode(repeat('00', 32), 'hex')"
    for statement in statements.replace("{other}", other).split(";"):
        rows.exec_driver_sql(statement)
    rows.commit()
    found = ledger.verify()
    assert not found.is_sound
    assert [one.position for one in found.breaks] == [position]
    assert reason in found.breaks[0].reason
    if position:
        assert found.breaks[0].chain == NODE
        assert [head.chain for head in found.heads] == ["ghcr.io/acme/base"]


def test_event_outside_of_the_chain_has_no_record(ledger: SqlLedger, rows: sa.Connection) -> None:
    ledger.append([sight()])
    other = "zeroblob(32)" if rows.dialect.name == "sqlite" else "decode(repeat('00', 32), 'hex')"
    rows.exec_driver_sql(INSERTED.replace("{other}", other))
    rows.commit()
    with pytest.raises(LedgerError, match="event 2 of the ledger cannot be read"):
        list(ledger.records())


@pytest.mark.parametrize("change", ["at = 4611686018427387904", "key = 'no-digest'"])
def test_sight_that_this_program_never_wrote_is_told_of(
    ledger: SqlLedger, rows: sa.Connection, change: str
) -> None:
    ledger.append([sight()])
    drop_triggers(rows)
    rows.exec_driver_sql(f"UPDATE basekeeper_event SET {change}")
    rows.commit()
    with pytest.raises(LedgerError, match="event 1 of the ledger cannot be read"):
        ledger.first_seen([NODE])


def drop_triggers(rows: sa.Connection) -> None:
    """Do what only the owner of the database can."""
    if rows.dialect.name == "sqlite":
        names = rows.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").all()
        for (name,) in names:
            rows.exec_driver_sql(f"DROP TRIGGER {name}")
    else:
        for table in ("event", "link", "head"):
            rows.exec_driver_sql(f"ALTER TABLE basekeeper_{table} DISABLE TRIGGER USER")
    rows.commit()


def test_ledger_is_verified_while_others_write(ledger: SqlLedger) -> None:
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(lambda: [ledger.append([sight(number)]) for number in range(60)])
        while not writing.done():
            assert ledger.verify().is_sound
        assert sum(writing.result()) == 60


def test_state_of_a_notice_can_be_read_by_anybody(
    ledger: SqlLedger,
    rows: sa.Connection,
) -> None:
    ledger.append([], [notice()])
    (claim,) = ledger.claim(limit=1, lease=timedelta(minutes=1))
    ledger.settle(claim, problem="no answer")
    kept = rows.exec_driver_sql("SELECT attempts, problem FROM basekeeper_outbox").one()
    assert tuple(kept) == (1, "no answer")
