"""Scripts that stand in for a Grype which does not behave, and databases in its format in small."""

from __future__ import annotations

import json
import sqlite3
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

from basekeeper.scanners.grype import Grype
from basekeeper.values.scanning import ScannerSettings
from tests.unit.scanners.programs import UPDATED

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

TABLES = """
CREATE TABLE db_metadata (build_timestamp datetime, model, revision, addition);
CREATE TABLE operating_systems (name, release_id, major_version, label_version, codename);
CREATE TABLE operating_system_specifier_overrides (
    alias, version, version_pattern, codename, replacement, replacement_major_version, rolling
);
"""
SYSTEMS = [
    ("debian", "debian", "11", "", "bullseye"),
    ("debian", "debian", "", "unstable", "forky"),
    ("redhat", "rhel", "9", "", ""),
    ("wolfi", "wolfi", "", "", ""),
    ("alpine", "alpine", "3", "", ""),
    ("ubuntu", "ubuntu", "8", "", "hardy"),
]
OTHER_NAMES = [
    ("raspbian", "", "", "", "debian", None, 0),
    ("centos", "", "", "", "rhel", None, 0),
    ("wolfi", "", "", "", None, None, 1),
    ("debian", "", "", "forky", None, None, 1),
    ("alpine", "", ".*_alpha.*", "", None, None, 1),
    ("postmarketos", "24.12", "", "", "alpine", "3", 0),
]
_HEAD = """#!{python} -IS
import os, sys, json
arguments = sys.argv[3:]
config = json.load(open(sys.argv[2]))
if arguments[0] == "version":
    print({version!r})
    sys.exit()
for word in arguments:
    if word.startswith("cyclonedx-json="):
        open(word.partition("=")[2], "w").write({listing!r})
"""


def script(
    folder: Path, body: str, *, version: str = "0.121.3", listing: dict[str, Any] | str
) -> str:
    """Write a scanner that tells a version and a list of packages, and else does `body`."""
    path = folder / "grype"
    text = listing if isinstance(listing, str) else json.dumps(listing)
    told = json.dumps({"application": "grype", "version": version})
    head = _HEAD.format(python=sys.executable, version=told, listing=text)
    path.write_text(head + body, encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def database(folder: Path, updated: datetime | str = UPDATED, *, model: object = 6) -> Path:
    """Make a directory with a database that says what it is, and holds no advisories."""
    place = folder / "cache"
    (place / "6").mkdir(parents=True, exist_ok=True)
    file = place / "6" / "vulnerability.db"
    file.unlink(missing_ok=True)
    built = updated if isinstance(updated, str) else updated.isoformat(sep=" ")
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.executescript(TABLES)
        connection.execute("INSERT INTO db_metadata VALUES (?, ?, 1, 10)", (built, model))
        connection.executemany("INSERT INTO operating_systems VALUES (?,?,?,?,?)", SYSTEMS)
        connection.executemany(
            "INSERT INTO operating_system_specifier_overrides VALUES (?,?,?,?,?,?,?)", OTHER_NAMES
        )
    (place / "6" / "import.json").write_text("{}", encoding="utf-8")
    return place


def scanner(folder: Path, program: str, **settings: Any) -> Grype:
    """A scanner with a database."""
    return Grype(program, ScannerSettings(cache_dir=database(folder), **settings))
