"""One suite for the ledger on every database: what `ports.Ledger` promises, and more."""

from __future__ import annotations

import contextlib
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from basekeeper.errors import LedgerError
from basekeeper.ledger.engines import open_engine
from basekeeper.ledger.location import Kind, Location, read_location
from basekeeper.ledger.sql import SqlLedger, open_ledger
from basekeeper.values.event import Event, EventKind, Sight

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = datetime(2026, 11, 23, 8, 0, 0, 123456, tzinfo=UTC)
LATER = NOW + timedelta(days=3)
NODE = "docker.io/library/node"
DATABASES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.component("database"))]


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


def sight(number: int = 1, *, subject: str = NODE, tag: str = "24", **more: Any) -> Event:
    return Event(
        **{
            "kind": EventKind.FIRST_SEEN,
            "subject": subject,
            "key": f"{tag}@{digest(number)}",
            "at": NOW,
            "source": "docker.io",
            "evidence": {"media_type": "application/json"},
            **more,
        }
    )


@pytest.fixture(params=DATABASES)
def text(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """How a user writes a ledger that is not there yet."""
    if request.param == "sqlite":
        return f"sqlite:{tmp_path / 'a dir?' / 'ledger #1.sqlite'}"
    made: str = request.getfixturevalue("postgres").create()
    return made


@pytest.fixture
def location(text: str) -> Location:
    return read_location(text)


@pytest.fixture
def ledger(location: Location) -> Iterator[SqlLedger]:
    with contextlib.closing(open_ledger(location, clock=lambda: LATER)) as opened:
        yield opened


@pytest.fixture
def rows(ledger: SqlLedger, location: Location) -> Iterator[sa.Connection]:
    """A connection of somebody who does not use our program."""
    engine = open_engine(location, read_only=False)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_new_ledger_is_empty(ledger: SqlLedger) -> None:
    assert list(ledger.events()) == []
    assert ledger.first_seen([NODE]) == {NODE: ()}
    assert ledger.first_seen([]) == {}


def test_events_come_back_as_they_were_in_the_order_of_recording(ledger: SqlLedger) -> None:
    events = [sight(3), sight(1), sight(2, at=NOW - timedelta(days=900))]
    assert ledger.append(events) == 3
    assert list(ledger.events()) == events


def test_event_is_as_exact_as_its_instant(ledger: SqlLedger) -> None:
    east = timezone(timedelta(hours=5, minutes=30))
    ledger.append([sight(at=NOW.astimezone(east)), sight(2, at=datetime(1969, 1, 1, tzinfo=UTC))])
    first, second = ledger.events()
    assert (first.at, first.at.tzinfo) == (NOW, UTC)
    assert second.at == datetime(1969, 1, 1, tzinfo=UTC)


def test_evidence_may_hold_any_text(ledger: SqlLedger) -> None:
    evidence = {"": "", "nul": "a\0b", "quote": "'\";--", "sign": "ü€😀", "lone": "\udcff"}
    ledger.append([sight(evidence=evidence)])
    assert [event.evidence for event in ledger.events()] == [evidence]


def test_same_fact_is_recorded_once_and_the_first_record_stays(ledger: SqlLedger) -> None:
    again = sight(at=LATER, source="mirror", evidence={})
    assert ledger.append([sight(), again]) == 1
    assert ledger.append([again]) == 0
    assert ledger.append([again, sight(2)]) == 1
    assert list(ledger.events()) == [sight(), sight(2)]


def test_nothing_of_a_batch_that_fails_is_recorded(ledger: SqlLedger) -> None:
    def events() -> Iterator[Event]:
        yield from (sight(number) for number in range(1000))
        raise RuntimeError

    with pytest.raises(RuntimeError):
        ledger.append(events())
    assert list(ledger.events()) == []
    assert ledger.append([sight()]) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"subject": ""},
        {"subject": "a\0b"},
        {"subject": "\udcff"},
        {"key": "x" * 1001},
        {"source": ""},
        {"at": datetime(2026, 1, 1)},  # noqa: DTZ001  # that is what is refused
        {"evidence": {"x": "y" * 65_536}},
    ],
)
def test_event_that_no_database_can_hold_is_refused(
    ledger: SqlLedger, change: dict[str, Any]
) -> None:
    with pytest.raises(LedgerError):
        ledger.append([sight(2), sight(**change)])
    assert list(ledger.events()) == []


def test_events_are_found_by_subject_and_kind(ledger: SqlLedger) -> None:
    ledger.append([sight(), sight(2, subject="ghcr.io/acme/base"), sight(3)])
    assert list(ledger.events(subject=NODE)) == [sight(), sight(3)]
    assert list(ledger.events(subject="ghcr.io/acme")) == []
    assert len(list(ledger.events(kinds=[EventKind.FIRST_SEEN]))) == 3


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


def test_first_sights_of_each_repository_come_earliest_first(ledger: SqlLedger) -> None:
    ledger.append(
        [
            sight(2, at=LATER),
            sight(1, at=NOW),
            sight(1, tag="24-slim", at=NOW),
            sight(1, subject="ghcr.io/acme/base"),
        ]
    )
    assert ledger.first_seen([NODE, NODE, "quay.io/none/none"]) == {
        NODE: (
            Sight("24", digest(1), NOW),
            Sight("24-slim", digest(1), NOW),
            Sight("24", digest(2), LATER),
        ),
        "quay.io/none/none": (),
    }


def test_any_number_of_repositories_is_asked_for_at_once(ledger: SqlLedger) -> None:
    names = [f"registry.example/team/image-{number}" for number in range(70_000)]
    ledger.append(sight(subject=name) for name in names[::100])
    found = ledger.first_seen(names)
    assert len(found) == 70_000
    assert sum(map(len, found.values())) == 700


def test_hostile_repository_is_only_a_name(ledger: SqlLedger) -> None:
    ledger.append([sight()])
    names = ["' OR 1=1 --", "%", "docker.io/library/nod_", "\U0001f600", "", "a\0b", "\udcff"]
    assert set(ledger.first_seen(names).values()) == {()}
    assert [list(ledger.events(subject=name)) for name in names] == [[]] * len(names)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE basekeeper_event SET at = 0",
        "DELETE FROM basekeeper_event",
        "DELETE FROM basekeeper_event WHERE seq = 1",
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


def test_postgresql_refuses_to_truncate(
    ledger: SqlLedger, location: Location, rows: sa.Connection
) -> None:
    if location.kind is not Kind.POSTGRESQL:
        pytest.skip("SQLite has no such statement")
    with pytest.raises(sa.exc.DBAPIError, match="append-only"):
        rows.exec_driver_sql("TRUNCATE basekeeper_event")


def test_sqlite_replaces_nothing(
    ledger: SqlLedger, location: Location, rows: sa.Connection
) -> None:
    if location.kind is not Kind.SQLITE:
        pytest.skip("PostgreSQL has no such statement")
    ledger.append([sight()])
    rows.exec_driver_sql(
        "INSERT OR REPLACE INTO basekeeper_event"
        " SELECT seq, id, kind, subject, key, 0, 0, source, evidence FROM basekeeper_event"
    )
    rows.exec_driver_sql(
        "INSERT OR REPLACE INTO basekeeper_event"
        " SELECT seq, zeroblob(32), kind, subject, key, 0, 0, source, '' FROM basekeeper_event"
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
        f"{explain} SELECT subject, key, at FROM basekeeper_event"  # noqa: S608  # no outside text
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
    rows.execute(sa.text(f"INSERT INTO basekeeper_event ({names}) VALUES ({marks})"), row)  # noqa: S608
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


def test_threads_append_the_same_facts_once(ledger: SqlLedger) -> None:
    def work(worker: int) -> int:
        numbers = list(range(200))
        random.Random(worker).shuffle(numbers)  # noqa: S311  # an order, no secret
        return sum(ledger.append([sight(number)]) for number in numbers[:50]) + ledger.append(
            sight(number) for number in numbers
        )

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(work, range(4))) == 200
    assert len(list(ledger.events())) == 200


def test_reader_reads_what_is_there_and_never_writes(ledger: SqlLedger, location: Location) -> None:
    ledger.append([sight()])
    with contextlib.closing(open_ledger(location, clock=None)) as reader:
        assert list(reader.events()) == [sight()]
        ledger.append([sight(2)])
        assert len(reader.first_seen([NODE])[NODE]) == 2
        with pytest.raises(LedgerError, match="for reading alone"):
            reader.append([sight(3)])


def test_reading_a_ledger_that_is_not_there_creates_nothing(
    location: Location, tmp_path: Path
) -> None:
    with pytest.raises(LedgerError) as caught:
        open_ledger(location, clock=None)
    assert "record something first" in (caught.value.hint or "")
    assert list(tmp_path.iterdir()) == []


def test_messages_name_the_ledger_without_its_password(location: Location) -> None:
    with pytest.raises(LedgerError) as caught:
        open_ledger(location, clock=None)
    assert str(location.kind) in caught.value.message
    assert "s3cr3t" not in f"{caught.value} {caught.value.hint} {location!r} {location}"


WRITER = """
import sys
from datetime import UTC, datetime
from basekeeper.ledger.location import read_location
from basekeeper.ledger.sql import open_ledger
from tests.contract.test_ledger import sight
print("ready", flush=True)
first, count, size = map(int, sys.argv[1:4])
ledger = open_ledger(read_location(sys.stdin.readline()), clock=lambda: datetime.now(UTC))
added = 0
for start in range(first, first + count, size):
    added += ledger.append(sight(number) for number in range(start, start + size))
    print("wrote", start, flush=True)
ledger.close()
print("added", added, flush=True)
"""


def writer(text: str, first: int, count: int, size: int) -> subprocess.Popen[str]:
    """Another process that appends batches; the location is no argument, as it has a password."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(first), str(count), str(size)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.stdin.write(text + "\n")
    process.stdin.flush()
    return process


def test_processes_create_and_fill_a_ledger_together(text: str, location: Location) -> None:
    writers = [writer(text, 0, 300, 20) for _ in range(4)]
    outputs = [process.communicate(timeout=120)[0] for process in writers]
    added = [int(output.rpartition("added ")[2]) for output in outputs]
    assert sum(added) == 300
    with contextlib.closing(open_ledger(location, clock=lambda: NOW)) as ledger:
        events = list(ledger.events())
    assert len({event.id for event in events}) == len(events) == 300


@pytest.mark.slow
def test_writer_killed_at_any_moment_loses_nothing_that_it_reported(
    text: str, location: Location
) -> None:
    batch, reported = 25, 0
    for turn in range(12):
        process = writer(text, turn * 1_000_000, 1_000_000, batch)
        time.sleep(0.02 + turn * 0.03)
        process.send_signal(signal.SIGKILL)
        output = process.communicate(timeout=30)[0]
        reported += output.count("wrote")
        with contextlib.closing(open_ledger(location, clock=lambda: NOW)) as ledger:
            events = list(ledger.events())
        assert len(events) % batch == 0
        assert len(events) >= reported * batch
        assert len(events) <= (reported + turn + 1) * batch  # committed, and not yet told
        assert len({event.id for event in events}) == len(events)
    assert reported > 0
