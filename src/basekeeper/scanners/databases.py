"""Databases of advisories: their age, and changing one for a newer one without a gap."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.scanners.nottold import NotTold
from basekeeper.values.image import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from basekeeper.values.vulnerability import Database

CLOCK_TOLERANCE: Final = timedelta(minutes=5)
"""By which clocks may differ before a database counts as one from the future."""
LOCK_SECONDS: Final = 600.0
"""Most that changing the database waits for scans that read it."""
UNFINISHED_KEPT: Final = timedelta(days=1)
"""After which an update that was broken off is cleared away."""
UNFINISHED_PREFIX: Final = ".update-"
"""How the names of folders begin that an update fetches into."""
UPDATE: Final = "update the scanner's database: basekeeper scan --update-database"
"""The remedy for a database that is missing or too old."""
_LOOK_SECONDS: Final = 0.1


class Place(NamedTuple):
    """Where a scanner keeps its database."""

    folder: Path
    names: tuple[str, ...]
    """The folders in it that make up the database; all but the first may be missing."""
    read: Callable[[Path], Database]
    """Tells which database a folder holds; raises `NotTold` where it holds none that can be used.
    """

    def present(self) -> Database | None:
        """Return the database that is there, if any can be used."""
        with suppress(NotTold):
            return self.read(self.folder)
        return None


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
            UPDATE,
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


@contextmanager
def holding(place: Place) -> Iterator[Database]:
    """Hold a database while a scanner reads it; it must be the same at the end.

    Raises:
        NotTold: There is none that can be used, or it was changed meanwhile.
    """
    with reading(place.folder):
        database = place.read(place.folder)
        yield database
        if place.read(place.folder) != database:
            raise NotTold("the vulnerability database changed meanwhile", hint="run it again")


def replace_database(
    place: Place, fetch: Callable[[Path], None], *, check: Callable[[], None], now: datetime
) -> Database:
    """Fetch a database and put it in the place of the one that is there, which stays until then.

    Args:
        place: Where the database is read; made where it is not there.
        fetch: Fetches one into an empty folder.
        check: Called between looks at the lock; raises where the run was ended.
        now: The instant of the run.

    Raises:
        NotTold: None was fetched, it is older or from the future, it cannot be written, or scans
            hold the present one for too long.
    """
    folder = place.folder
    folder.mkdir(parents=True, exist_ok=True)
    _forget_unfinished(folder, now)
    fresh = Path(tempfile.mkdtemp(prefix=UNFINISHED_PREFIX, dir=folder))
    try:
        fetch(fresh)
        found = place.read(fresh)
        _refuse_odd(found, place.present(), now)
        _put(place, fresh, check)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return found


def _put(place: Place, fresh: Path, check: Callable[[], None]) -> None:
    cache_dir = place.folder
    try:
        handle = _open_lock(cache_dir)
    except OSError as error:
        raise NotTold(f"cannot write to {str(cache_dir)!r}: {error.strerror}") from error
    try:
        _wait_for(handle, check)
        for name in place.names:
            if (fresh / name).is_dir():
                _swap(fresh / name, cache_dir / name, fresh / f"old-{name}")
    except OSError as error:
        raise NotTold(f"the database cannot be replaced: {error.strerror}") from error
    finally:
        os.close(handle)


def _refuse_odd(found: Database, present: Database | None, now: datetime) -> None:
    """Refuse a fetched database that is from the future, or older than the one that is there.

    Raises:
        NotTold: It is.
    """
    future = age_problem(found, now, timedelta.max)
    if future is not None:
        raise NotTold(future.reason, hint=future.hint)
    if present is not None and found.updated < present.updated <= now:
        raise NotTold(
            f"the repository's database ({found.updated.isoformat()}) is older than the one here",
            hint="check where it comes from",
        )


def _forget_unfinished(cache_dir: Path, now: datetime) -> None:
    """Clear away what updates that were killed have left."""
    for folder in cache_dir.glob(f"{UNFINISHED_PREFIX}*"):
        with suppress(OSError):
            if now.timestamp() - folder.stat().st_mtime > UNFINISHED_KEPT.total_seconds():
                shutil.rmtree(folder, ignore_errors=True)


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
