"""Trivy's database is told by its metadata, which may be anything."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from basekeeper.scanners.nottold import NotTold
from basekeeper.scanners.trivy_database import read_database
from tests.unit.scanners.programs import database

if TYPE_CHECKING:
    from pathlib import Path


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
