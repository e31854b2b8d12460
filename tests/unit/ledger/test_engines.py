from __future__ import annotations

import builtins
import contextlib
import os
import sqlite3
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from basekeeper.errors import LedgerError
from basekeeper.ledger import engines
from basekeeper.ledger.location import read_location
from basekeeper.ledger.sql import open_ledger
from tests.contract.ledger_places import notice, sight

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.postgres import Server

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


def test_new_file_is_its_owners_alone(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        open_ledger(read_location(f"sqlite:{tmp_path}/a/b/x"), clock=lambda: NOW).close()
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "a" / "b" / "x").stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["a?mode=memory", "a#b", "a%41", "ü\n x", "-x", "a&b=c"])
def test_any_name_of_a_file_is_taken_as_it_is(tmp_path: Path, name: str) -> None:
    with contextlib.closing(
        open_ledger(read_location(f"sqlite:{tmp_path}/{name}"), clock=lambda: NOW)
    ) as ledger:
        ledger.append([sight()])
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("content", [b"no database" * 1000, b"SQLite format 3\0" + b"\xff" * 5000])
@pytest.mark.parametrize("write", [False, True])
def test_file_that_is_no_database_is_refused_and_left_alone(
    tmp_path: Path, content: bytes, *, write: bool
) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(LedgerError, match="ledger sqlite:"):
        open_ledger(read_location(f"sqlite:{path}"), clock=(lambda: NOW) if write else None)
    assert path.read_bytes() == content


def test_place_where_no_file_can_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for place in (tmp_path / "file" / "x", tmp_path):
        with pytest.raises(LedgerError):
            open_ledger(read_location(f"sqlite:{place}"), clock=lambda: NOW)


def test_writer_waits_no_longer_than_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "WAIT_SECONDS", 0.05)
    location = read_location(f"sqlite:{tmp_path}/x")
    with (
        contextlib.closing(open_ledger(location, clock=lambda: NOW)) as ledger,
        contextlib.closing(sqlite3.connect(tmp_path / "x", isolation_level=None)) as other,
    ):
        ledger.append([sight()])
        other.execute("BEGIN IMMEDIATE")
        assert len(list(ledger.events())) == 1
        with pytest.raises(LedgerError, match="locked"):
            ledger.append([sight(2)])
        other.execute("COMMIT")
        assert ledger.append([sight(2)]) == 1


READER = """
import os, sys
from basekeeper.ledger.location import read_location
from basekeeper.ledger.sql import open_ledger
os.setuid(65534)
ledger = open_ledger(read_location("sqlite:" + sys.argv[1]), clock=None)
print(len(list(ledger.events())))
ledger.close()
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user, which only root can")
def test_ledger_is_read_where_nothing_may_be_written(tmp_path: Path) -> None:
    for place in (tmp_path, *tmp_path.parents):
        if place != place.parent and not place.stat().st_mode & 0o001:
            place.chmod(place.stat().st_mode | 0o011)
    path = tmp_path / "x"
    with contextlib.closing(open_ledger(read_location(f"sqlite:{path}"), clock=lambda: NOW)) as it:
        it.append([sight()])
    path.chmod(0o644)
    done = subprocess.run(
        [sys.executable, "-c", READER, str(path)], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("1\n", "")


def test_missing_driver_is_told_of_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    genuine = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("psycopg"):
            raise ImportError(name)
        return genuine(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(LedgerError, match="psycopg is not installed") as caught:
        open_ledger(read_location("postgresql://u:s3cr3t@h/d"), clock=None)
    assert "basekeeper[postgresql]" in (caught.value.hint or "")
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize(
    "uri",
    [
        "postgresql://u:s3cr3t@127.0.0.1:1/d",
        "postgresql://u:s3cr3t@127.0.0.1:x/d",
        "postgresql://u@127.0.0.1:1/d?password=s3cr3t&wrong=1",
        "postgresql://u:s3cr3t%@127.0.0.1:1/d",
        "postgresql://u:s3cr3t@[::1/d",
    ],
)
def test_server_out_of_reach_is_told_of_without_the_password(uri: str) -> None:
    with pytest.raises(LedgerError) as caught:
        open_ledger(read_location(uri), clock=None)
    assert "s3cr3t" not in f"{caught.value} {caught.value.hint}"
    assert "ledger" in caught.value.message


@pytest.mark.component("database")
def test_wrong_password_is_told_of_without_it(postgres: Server) -> None:
    uri = postgres.create().replace("s3cr3t", "other-s3cr3t")
    with pytest.raises(LedgerError, match="password authentication failed") as caught:
        open_ledger(read_location(uri), clock=None)
    assert "s3cr3t" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.component("database")
def test_lost_connection_is_an_error_once_and_then_made_anew(postgres: Server) -> None:
    uri = postgres.create()
    with contextlib.closing(open_ledger(read_location(uri), clock=lambda: NOW)) as ledger:
        ledger.append([sight()])

        def events() -> Any:
            yield sight(2)
            with psycopg.connect(postgres.uri(), autocommit=True) as other:
                other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name = 'basekeeper'"
                )
            yield from (sight(number) for number in range(3, 1000))

        with pytest.raises(LedgerError):
            ledger.append(events())
        assert len(list(ledger.events())) == 1
        assert ledger.append([sight(2)]) == 1


@pytest.mark.component("database")
def test_role_that_may_only_insert_and_select_records(postgres: Server) -> None:
    uri = postgres.create()
    open_ledger(read_location(uri), clock=lambda: NOW).close()
    role = f"scribe_{uri.rpartition('ledger-')[2].partition('?')[0]}"
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(
            f"CREATE ROLE {role} LOGIN PASSWORD 's3cr3t';"  # no outside text
            f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}".encode()
        )
        limited = read_location(uri.replace("//keeper:", f"//{role}:"))
        with contextlib.closing(open_ledger(limited, clock=None)) as ledger:
            assert list(ledger.events()) == []
        connection.execute(
            f"GRANT INSERT ON basekeeper_event, basekeeper_link TO {role};"
            f"GRANT INSERT, UPDATE ON basekeeper_head, basekeeper_outbox TO {role};"
            f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}".encode()
        )
    with contextlib.closing(open_ledger(limited, clock=lambda: NOW)) as ledger:
        assert ledger.append([sight()], [notice()]) == 1
        assert ledger.append([sight(2)]) == 1
        (claim,) = ledger.claim(limit=1, lease=timedelta(minutes=1))
        ledger.settle(claim)
        assert ledger.verify().is_sound
