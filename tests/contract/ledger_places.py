"""Ledgers for tests: a file, a real PostgreSQL, and a branch in a real git repository."""

from __future__ import annotations

import contextlib
import subprocess
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from basekeeper.ledger.location import Location, read_location
from basekeeper.ledger.opening import open_ledger
from basekeeper.values.event import Event, EventKind, Notice

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from basekeeper.ports import Ledger

NOW = datetime(2026, 11, 23, 8, 0, 0, 123456, tzinfo=UTC)
LATER = NOW + timedelta(days=3)
NODE = "docker.io/library/node"
DATABASES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.component("database"))]
LEDGERS = [*DATABASES, "branch"]
BRANCH = "branch:basekeeper-ledger"
IDENTITY = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.org")


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


def notice(number: int = 1, **more: Any) -> Notice:
    return Notice(
        **{
            "id": f"notice-{number}", "subject": "github.com/acme/shop#web", "channel": "team",
            "body": "CVE-2026-0001 is due", **more,
        }
    )  # fmt: skip


def git(place: Path, *arguments: str, **more: Any) -> str:
    """Run git somewhere, with nobody's configuration."""
    done = subprocess.run(
        ["git", *IDENTITY, *arguments], cwd=place, check=True, capture_output=True, text=True,
        **more,
    )  # fmt: skip
    said: str = done.stdout
    return said.strip()


def make_clone(directory: Path) -> Path:
    """Make a remote with a past, and the shallow clone that a CI job has."""
    remote, first = directory / "remote.git", directory / "first"
    git(directory, "init", "-q", "--bare", "-b", "main", str(remote))
    git(directory, "init", "-q", "-b", "main", str(first))
    for number in range(3):
        (first / "Dockerfile").write_text(f"FROM node:2{number}\n")
        git(first, "add", "Dockerfile")
        git(first, "commit", "-qm", f"number {number}")
    git(first, "push", "-q", str(remote), "main")
    git(directory, "clone", "-q", "--depth=1", f"file://{remote}", "clone")
    return directory / "clone"


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shallow clone beside `remote.git`, in which the test stands."""
    place = tmp_path / "git"
    place.mkdir()
    made = make_clone(place)
    monkeypatch.chdir(made)
    return made


def text_of(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Write a new ledger as a user does."""
    if kind == "sqlite":
        return f"sqlite:{tmp_path / 'a dir?' / 'ledger #1.sqlite'}"
    if kind == "branch":
        request.getfixturevalue("clone")
        return BRANCH
    made: str = request.getfixturevalue("postgres").create()
    return made


@pytest.fixture
def location(text: str) -> Location:
    return read_location(text)


@pytest.fixture
def ledger(location: Location) -> Iterator[Ledger]:
    with contextlib.closing(open_ledger(location, clock=lambda: LATER)) as opened:
        yield opened
