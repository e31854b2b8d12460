"""Grype's database is told by what stands in it, which may be anything."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from basekeeper.scanners.grype_database import knows, read_database
from basekeeper.scanners.nottold import NotTold
from basekeeper.values.vulnerability import OperatingSystem
from tests.unit.scanners.grype_programs import database

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("built", "expected"),
    [
        ("2026-11-25 01:02:03+00:00", datetime(2026, 11, 25, 1, 2, 3, tzinfo=UTC)),
        ("2026-11-25 01:02:03.123456789+02:00", datetime(2026, 11, 24, 23, 2, 3, 123456, UTC)),
        ("2026-11-25T01:02:03Z", datetime(2026, 11, 25, 1, 2, 3, tzinfo=UTC)),
        ("2026-11-25 01:02:03", datetime(2026, 11, 25, 1, 2, 3, tzinfo=UTC)),
    ],
)
def test_the_instant_of_a_database_is_read(tmp_path: Path, built: str, expected: datetime) -> None:
    found = read_database(database(tmp_path, built))
    assert (found.schema, found.updated) == (6, expected)
    assert (found.next_update, found.downloaded) == (None, None)


@pytest.mark.parametrize("built", ["", "soon", "12:00"])
def test_a_database_without_an_instant_is_refused(tmp_path: Path, built: str) -> None:
    with pytest.raises(NotTold, match="age of the vulnerability database"):
        read_database(database(tmp_path, built))


@pytest.mark.parametrize("model", [5, 7, "6", None, 6.5])
def test_a_database_of_another_format_is_refused(tmp_path: Path, model: object) -> None:
    with pytest.raises(NotTold, match="has format"):
        read_database(database(tmp_path, model=model))


@pytest.mark.parametrize("name", ["vulnerability.db", "import.json"])
def test_half_a_database_is_none(tmp_path: Path, name: str) -> None:
    place = database(tmp_path)
    (place / "6" / name).unlink()
    with pytest.raises(NotTold, match="there is no vulnerability database"):
        read_database(place)


@pytest.mark.parametrize("data", [b"", b"x" * 4096, b"SQLite format 3\0" + 4096 * b"\xff"])
def test_what_is_no_database_is_refused(tmp_path: Path, data: bytes) -> None:
    place = database(tmp_path)
    (place / "6" / "vulnerability.db").write_bytes(data)
    with pytest.raises(NotTold, match="cannot be read"):
        read_database(place)


@pytest.mark.parametrize("name", ["a?b", "a#b", "a%20b", "ä"])
def test_a_database_is_read_wherever_it_lies(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    assert read_database(database(tmp_path / name)).schema == 6


@pytest.mark.parametrize(
    ("family", "version", "known"),
    [
        ("debian", "11", True),
        ("debian", "11.11", True),
        ("Debian", "11", True),
        ("debian", "bullseye", True),
        ("debian", "unstable", True),
        ("debian", "", True),
        ("debian", "12", False),
        ("debian", "14", False),
        ("raspbian", "11", True),
        ("raspbian", "12", False),
        ("redhat", "9.4", True),
        ("rhel", "9", True),
        ("centos", "9", True),
        ("centos", "8", False),
        ("wolfi", "20230201", True),
        ("alpine", "3.20.1", True),
        ("alpine", "4.0", False),
        ("postmarketos", "24.12", True),
        ("postmarketos", "99.1", False),
        ("ubuntu", "08.04", True),
        ("plan9", "4", False),
        ("", "", False),
    ],
)
def test_releases_that_advisories_are_for_are_known(
    tmp_path: Path,
    family: str,
    version: str,
    known: bool,  # noqa: FBT001  # of the table
) -> None:
    assert knows(database(tmp_path), OperatingSystem(family, version)) is known
