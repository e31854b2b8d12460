"""Grype's database of advisories: which one is there, and which systems it is on.

It is one SQLite file beside a record of its import. Source: Grype's `grype/db/v6/models.go`.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote

from basekeeper.scanners.databases import UPDATE
from basekeeper.scanners.nottold import NotTold
from basekeeper.values.vulnerability import Database

if TYPE_CHECKING:
    from pathlib import Path

    from basekeeper.values.vulnerability import OperatingSystem

SCHEMA: Final = 6
"""Version of the format that the adapter knows."""
FOLDER: Final = str(SCHEMA)
"""Where below its directory Grype keeps the database."""
MAX_AGE: Final = timedelta(hours=48)
"""Advisories older than this leave a scan open. The database is made daily, and often a few hours
later than the day before, so that one update was missed by then."""
MAX_SYSTEMS: Final = 10_000
"""Most releases of operating systems, and other names of them, that are read."""
MAX_STEPS: Final = 50_000_000
"""Of SQLite's machine that one question may take; some hundreds do."""


def read_database(cache_dir: Path) -> Database:
    """Tell which database is there.

    Raises:
        NotTold: None that can be used.
    """
    rows = _ask(cache_dir, "SELECT model, build_timestamp FROM db_metadata LIMIT 2")
    if len(rows) != 1:
        raise NotTold("the age of the vulnerability database is not known", hint=UPDATE)
    schema, built = rows[0]
    if schema != SCHEMA:
        raise NotTold(f"the vulnerability database has format {schema}, not {SCHEMA}", hint=UPDATE)
    return Database(schema=SCHEMA, updated=_instant(built))


def knows(cache_dir: Path, system: OperatingSystem) -> bool:
    """Tell whether there are advisories for a release; Grype passes over others without a word.

    Where that depends on a code name, which reports do not tell, the answer is no: then a scan is
    open that need not be.

    Raises:
        NotTold: The database cannot be read.
    """
    wanted = _under_other_names(cache_dir, system)
    return any(
        not {_plain(known), _plain(also)}.isdisjoint(wanted.names)
        and (wanted.rolling or wanted.major in ("", _plain(number)) or wanted.version in labels)
        for known, also, number, *labels in (
            (known, also, number, _plain(label), _plain(codename))
            for known, also, number, label, codename in _ask(
                cache_dir,
                "SELECT name, release_id, major_version, label_version, codename"
                " FROM operating_systems LIMIT ?",
            )
        )
    )


class _Wanted(NamedTuple):
    """A release as it is looked for."""

    names: frozenset[str]
    version: str
    major: str
    rolling: bool
    """Whether advisories for it are for no version."""


def _under_other_names(cache_dir: Path, system: OperatingSystem) -> _Wanted:
    """Replace what the database says is to be looked for in another way."""
    name, version = _plain(system.family), _plain(system.name)
    names, major, rolling = {name}, version.partition(".")[0].lstrip("0"), False
    for alias, only, pattern, codename, replacement, number, rolls in _ask(
        cache_dir,
        "SELECT alias, version, version_pattern, codename, replacement,"
        " replacement_major_version, rolling FROM operating_system_specifier_overrides LIMIT ?",
    ):
        if _plain(alias) != name or (version and _plain(only or codename) not in ("", version)):
            continue
        names.add(_plain(replacement) or name)
        major = _plain(number) or major
        rolling = rolling or bool(rolls and not pattern)
    return _Wanted(frozenset(names), version, major, rolling)


def _plain(word: object) -> str:
    return str(word or "").casefold()


def _ask(cache_dir: Path, question: str) -> list[tuple[Any, ...]]:
    """Ask the database that is there."""
    file = cache_dir / FOLDER / "vulnerability.db"
    if not (file.is_file() and file.with_name("import.json").is_file()):
        raise NotTold(f"there is no vulnerability database in {str(cache_dir)!r}", hint=UPDATE)
    limit = (MAX_SYSTEMS,) if question.endswith("?") else ()
    try:
        place = f"file:{quote(str(file))}?mode=ro&immutable=1"
        with closing(sqlite3.connect(place, uri=True)) as connection:
            connection.set_progress_handler(lambda: 1, MAX_STEPS)
            return connection.execute(question, limit).fetchall()
    except (sqlite3.Error, ValueError, OverflowError) as error:
        raise NotTold(f"the vulnerability database cannot be read: {error}", hint=UPDATE) from error


def _instant(built: object) -> datetime:
    try:
        found = datetime.fromisoformat(str(built))
        return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise NotTold("the age of the vulnerability database is not known", hint=UPDATE) from error
