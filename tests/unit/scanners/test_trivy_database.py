"""A database is told by its age, and changed without a moment at which there is none."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from basekeeper.scanners.nottold import NotTold
from basekeeper.scanners.trivy_database import (
    CLOCK_TOLERANCE,
    age_problem,
    read_database,
    reading,
    replace_database,
)
from basekeeper.values.vulnerability import Database
from tests.unit.scanners.programs import UPDATED, database

if TYPE_CHECKING:
    from pathlib import Path

DAY = timedelta(days=1)
KNOWN = Database(schema=2, updated=UPDATED)


def nothing() -> None:
    """Nobody ended the run."""


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


@pytest.mark.parametrize(
    "metadata",
    [
        "", "{", "[]", "{}", '{"Version": 2}',
        '{"Version": 1, "UpdatedAt": "2026-11-25T00:00:00Z"}',
        '{"Version": 2, "UpdatedAt": "0001-01-01T00:00:00Z"}', '{"Version": 2, "UpdatedAt": "x"}',
        '{"Version": "2", "UpdatedAt": "2026-11-25T00:00:00Z"}',
        '{"Version": 2, "UpdatedAt": "2026-11-25T00:00:00Z", "x": "' + 70_000 * "x" + '"}',
    ],
)  # fmt: skip
def test_metadata_that_tell_no_age_are_refused(tmp_path: Path, metadata: str) -> None:
    place = database(tmp_path)
    (place / "db" / "metadata.json").write_text(metadata, encoding="utf-8")
    with pytest.raises(NotTold):
        read_database(place)


@pytest.mark.parametrize("name", ["metadata.json", "trivy.db"])
def test_half_a_database_is_none(tmp_path: Path, name: str) -> None:
    place = database(tmp_path)
    (place / "db" / name).unlink()
    with pytest.raises(NotTold):
        read_database(place)


def test_instants_of_go_are_read(tmp_path: Path) -> None:
    place = database(tmp_path)
    (place / "db" / "metadata.json").write_text(
        '{"Version":2,"NextUpdate":"2026-11-25T06:11:22.123456789+02:00",'
        '"UpdatedAt":"2026-11-25T00:11:22.123456789Z","DownloadedAt":"0001-01-01T00:00:00Z"}',
        encoding="utf-8",
    )
    found = read_database(place)
    assert found.updated == datetime(2026, 11, 25, 0, 11, 22, 123456, tzinfo=UTC)
    assert found.next_update == datetime(2026, 11, 25, 4, 11, 22, 123456, tzinfo=UTC)
    assert found.downloaded is None


def test_changing_waits_for_those_who_read(tmp_path: Path) -> None:
    place = database(tmp_path)
    fresh = database(tmp_path / "fresh", UPDATED + DAY)
    changed = threading.Event()

    def change() -> None:
        replace_database(place, fresh, check=nothing)
        changed.set()

    with reading(place), reading(place):
        thread = threading.Thread(target=change)
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
        replace_database(place, fresh, check=ended)
    assert read_database(place).updated == UPDATED


def test_waiting_ends_some_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("basekeeper.scanners.trivy_database.LOCK_SECONDS", 0.2)
    place, fresh = database(tmp_path), database(tmp_path / "fresh")
    with reading(place), pytest.raises(NotTold, match="too long"):
        replace_database(place, fresh, check=nothing)


def test_a_place_without_room_for_a_lock_can_be_read(tmp_path: Path) -> None:
    place = database(tmp_path)
    (place / "basekeeper.lock").mkdir()
    with reading(place):
        assert read_database(place).updated == UPDATED
    with pytest.raises(NotTold):
        replace_database(place, database(tmp_path / "fresh"), check=nothing)


def test_a_change_that_fails_brings_back_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, fresh = database(tmp_path), database(tmp_path / "fresh", UPDATED + DAY)
    rename = type(place).rename

    def odd(self: Path, target: Path) -> Path:
        if self == fresh / "db":
            raise OSError(18, "Invalid cross-device link")
        return rename(self, target)

    monkeypatch.setattr(type(place), "rename", odd)
    with pytest.raises(NotTold, match="cross-device"):
        replace_database(place, fresh, check=nothing)
    assert read_database(place).updated == UPDATED
