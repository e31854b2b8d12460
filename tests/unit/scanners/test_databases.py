"""A database is judged by its age, and changed without a moment at which there is none."""

from __future__ import annotations

import shutil
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from basekeeper.scanners.databases import (
    CLOCK_TOLERANCE,
    UNFINISHED_PREFIX,
    Place,
    age_problem,
    reading,
    replace_database,
)
from basekeeper.scanners.nottold import NotTold
from basekeeper.scanners.trivy_database import read_database
from basekeeper.values.vulnerability import Database
from tests.unit.scanners.programs import UPDATED, database

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DAY = timedelta(days=1)
KNOWN = Database(schema=2, updated=UPDATED)


def nothing() -> None:
    """Nobody ended the run."""


def change(place: Path, other: Path, check: Callable[[], None] = nothing) -> Database:
    """Put another database in the place of the one that is there."""

    def fetch(fresh: Path) -> None:
        shutil.copytree(other / "db", fresh / "db")

    where = Place(place, ("db", "java-db"), read_database)
    return replace_database(where, fetch, check=check, now=UPDATED + 2 * DAY)


@pytest.mark.parametrize(
    ("age", "problem"),
    [
        (timedelta(0), None),
        (DAY, None),
        (DAY + timedelta(seconds=1), "old"),
        (-CLOCK_TOLERANCE, None),
        (-CLOCK_TOLERANCE - timedelta(seconds=1), "future"),
    ],
)
def test_a_database_is_fresh_within_its_bounds(age: timedelta, problem: str | None) -> None:
    found = age_problem(KNOWN, UPDATED + age, DAY)
    assert (found is None) is (problem is None)
    assert found is None or problem in found.reason  # type: ignore[operator]  # not None then


def test_changing_waits_for_those_who_read(tmp_path: Path) -> None:
    place = database(tmp_path)
    fresh = database(tmp_path / "fresh", UPDATED + DAY)
    changed = threading.Event()

    def wait_and_change() -> None:
        change(place, fresh)
        changed.set()

    with reading(place), reading(place):
        thread = threading.Thread(target=wait_and_change)
        thread.start()
        assert not changed.wait(0.3)
        assert read_database(place).updated == UPDATED
    thread.join(5)
    assert changed.is_set()
    assert read_database(place).updated == UPDATED + DAY
    assert sorted(one.name for one in place.iterdir()) == ["basekeeper.lock", "db"]


def test_waiting_ends_with_the_run(tmp_path: Path) -> None:
    place, fresh = database(tmp_path), database(tmp_path / "fresh")

    def ended() -> None:
        raise NotTold("ended")

    with reading(place), pytest.raises(NotTold, match="ended"):
        change(place, fresh, ended)
    assert read_database(place).updated == UPDATED


def test_waiting_ends_some_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("basekeeper.scanners.databases.LOCK_SECONDS", 0.2)
    place, fresh = database(tmp_path), database(tmp_path / "fresh")
    with reading(place), pytest.raises(NotTold, match="too long"):
        change(place, fresh)


def test_a_place_without_room_for_a_lock_can_be_read(tmp_path: Path) -> None:
    place = database(tmp_path)
    (place / "basekeeper.lock").mkdir()
    with reading(place):
        assert read_database(place).updated == UPDATED
    with pytest.raises(NotTold):
        change(place, database(tmp_path / "fresh"))


def test_a_change_that_fails_brings_back_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, fresh = database(tmp_path), database(tmp_path / "fresh", UPDATED + DAY)
    rename = type(place).rename

    def odd(self: Path, target: Path) -> Path:
        if self.parent.name.startswith(UNFINISHED_PREFIX) and self.name == "db":
            raise OSError(18, "Invalid cross-device link")
        return rename(self, target)

    monkeypatch.setattr(type(place), "rename", odd)
    with pytest.raises(NotTold, match="cross-device"):
        change(place, fresh)
    assert read_database(place).updated == UPDATED
