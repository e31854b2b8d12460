"""A real PostgreSQL for tests: a cluster of its own below a temporary directory.

It listens on a socket in that directory alone, so that no port can be taken. PostgreSQL refuses to
run as root; there it runs as the system's user for it.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.fakes.provisioned import provisioned

if TYPE_CHECKING:
    from collections.abc import Iterator

START_SECONDS = 60
USERS = ("postgres", "nobody")
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",  # of the machine's failures, not of the processes', which tests kill
    "full_page_writes": "off",
    "max_connections": "50",
}


@dataclass(frozen=True)
class Server:
    """A running server."""

    directory: Path
    """Of its socket."""
    pid: int

    def uri(self, database: str = "postgres") -> str:
        """How to connect to a database."""
        return f"postgresql://keeper:s3cr3t@/{database}?host={self.directory}"

    def create(self, database: str | None = None) -> str:
        """Create an empty database and return how to connect to it."""
        import psycopg

        database = database or f"ledger-{uuid4().hex}"
        with psycopg.connect(self.uri(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{database}"'.encode())
        return self.uri(database)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A server for all tests of a process; give each test a database of its own.

    Mark the test with `component("database")`. Skips where PostgreSQL is missing; with CI=true
    that fails.
    """
    with running(provisioned("database")) as server:
        yield server


@contextmanager
def running(postgres: Path) -> Iterator[Server]:
    """Create a cluster, run a server on it, and end both."""
    # Not pytest's directory: the path of a socket may have about 100 bytes, and another user runs.
    directory = Path(tempfile.mkdtemp(prefix="bk-pg-"))
    try:
        user = _prepare(directory)
        _init(postgres.resolve().with_name("initdb"), directory, user)
        options = [f"-c{name}={value}" for name, value in SETTINGS.items()]
        with (directory / "log").open("wb") as log:
            process = subprocess.Popen(
                [postgres, f"-D{directory / 'data'}", f"-k{directory}", *options],
                cwd=directory, stdout=log, stderr=log, **user,
            )  # fmt: skip
        try:
            server = Server(directory, process.pid)
            _wait(server, process)
            yield server
        finally:
            process.send_signal(signal.SIGINT)  # unlike SIGTERM, waits for no client
            process.wait(timeout=START_SECONDS)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _prepare(directory: Path) -> dict[str, Any]:
    """Tell as whom to run, and give that user the directory."""
    if os.geteuid() != 0:
        return {}
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = next(known[name] for name in USERS if name in known)
    os.chown(directory, entry.pw_uid, entry.pw_gid)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _init(initdb: Path, directory: Path, user: dict[str, Any]) -> None:
    """Create the cluster, which a password is needed for."""
    password = directory / "password"
    password.write_text("s3cr3t\n")
    command = [
        str(initdb), f"-D{directory / 'data'}", "-Ukeeper", "-Ascram-sha-256",
        f"--pwfile={password}", "-EUTF8", "--locale=C", "--no-sync",
    ]  # fmt: skip
    subprocess.run(command, cwd=directory, check=True, capture_output=True, **user)


def _wait(server: Server, process: subprocess.Popen[bytes]) -> None:
    """Wait until it answers."""
    import psycopg

    end = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(server.uri()).close()
        except psycopg.OperationalError:
            log = (server.directory / "log").read_text(errors="replace")
            assert process.poll() is None, log
            assert time.monotonic() < end, log
            time.sleep(0.02)
        else:
            return
