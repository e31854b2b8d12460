"""Trivy's database of advisories: its age, and changing it for a newer one without a gap.

Source: trivy-db's `pkg/metadata` (`metadata.json`: Version, UpdatedAt, NextUpdate, DownloadedAt).
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from basekeeper.scanners.fields import instant_of, number_of, read_json
from basekeeper.scanners.nottold import NotTold
from basekeeper.values.image import Unknown
from basekeeper.values.vulnerability import Database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

SCHEMA: Final = 2
"""Version of the format that the adapter knows."""
MAX_METADATA_BYTES: Final = 65_536
CLOCK_TOLERANCE: Final = timedelta(minutes=5)
"""By which clocks may differ before a database counts as one from the future."""
LOCK_SECONDS: Final = 600.0
"""Most that changing the database waits for scans that read it."""
_LOOK_SECONDS: Final = 0.1
_UPDATE: Final = "update the scanner's database: basekeeper scan --update-database"


def read_database(cache_dir: Path) -> Database:
    """Tell which database is there.

    Raises:
        NotTold: None that can be used.
    """
    folder = cache_dir / "db"
    if not (folder / "trivy.db").is_file():
        raise NotTold(f"there is no vulnerability database in {str(folder)!r}", hint=_UPDATE)
    try:
        with (folder / "metadata.json").open("rb") as handle:
            data = handle.read(MAX_METADATA_BYTES)
    except OSError as error:
        raise NotTold(
            f"the age of the vulnerability database is not known: {error.strerror}", hint=_UPDATE
        ) from error
    metadata = read_json(data, "the metadata of the vulnerability database")
    schema, updated = number_of(metadata, "Version"), instant_of(metadata, "UpdatedAt")
    if schema != SCHEMA:
        raise NotTold(f"the vulnerability database has format {schema}, not {SCHEMA}", hint=_UPDATE)
    if updated is None:
        raise NotTold("the age of the vulnerability database is not known", hint=_UPDATE)
    return Database(
        schema=schema,
        updated=updated,
        next_update=instant_of(metadata, "NextUpdate"),
        downloaded=instant_of(metadata, "DownloadedAt"),
    )


def age_problem(database: Database, now: datetime, max_age: timedelta) -> Unknown | None:
    """Say why a database cannot tell that something is absent; None: it can."""
    age, made = database.age(now), database.updated.isoformat(timespec="seconds")
    if age < -CLOCK_TOLERANCE:
        return Unknown(
            f"the vulnerability database is from the future ({made})",
            "check the clock of this machine, and where the database came from",
        )
    if age > max_age:
        return Unknown(
            f"the vulnerability database is {_hours(age)} old (of {made}), the most is"
            f" {_hours(max_age)}",
            _UPDATE,
        )
    return None


@contextmanager
def reading(cache_dir: Path) -> Iterator[None]:
    """Keep the database from being changed while it is read.

    Where nothing can be written beside the database, nobody of ours changes it either.
    """
    try:
        handle = _open_lock(cache_dir)
    except OSError:
        yield
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_SH)
        yield
    finally:
        os.close(handle)


def replace_database(cache_dir: Path, fresh: Path, *, check: Callable[[], None]) -> None:
    """Put what was fetched in the place of what is there.

    Args:
        cache_dir: Where the database is read.
        fresh: A folder on the same file system with `db`, and `java-db` where that was fetched.
        check: Called between looks at the lock; raises where the run was ended.

    Raises:
        NotTold: It cannot be written, or scans hold the present one for too long.
    """
    try:
        handle = _open_lock(cache_dir)
    except OSError as error:
        raise NotTold(f"cannot write to {str(cache_dir)!r}: {error.strerror}") from error
    try:
        _wait_for(handle, check)
        for name in ("db", "java-db"):
            if (fresh / name).is_dir():
                _swap(fresh / name, cache_dir / name, fresh / f"old-{name}")
    except OSError as error:
        raise NotTold(f"the database cannot be replaced: {error.strerror}") from error
    finally:
        os.close(handle)


def _open_lock(cache_dir: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
    return os.open(cache_dir / "basekeeper.lock", flags, 0o644)


def _wait_for(handle: int, check: Callable[[], None]) -> None:
    """Take the lock for writing."""
    end = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            check()
            if time.monotonic() >= end:
                raise NotTold("scans held the vulnerability database for too long") from error
            time.sleep(_LOOK_SECONDS)
        else:
            return


def _swap(fresh: Path, place: Path, old: Path) -> None:
    if place.exists():
        place.rename(old)
    try:
        fresh.rename(place)
    except OSError:
        if old.exists():
            old.rename(place)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _hours(span: timedelta) -> str:
    return f"{span / timedelta(hours=1):.0f} h"
