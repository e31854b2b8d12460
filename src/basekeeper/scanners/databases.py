"""Databases of advisories: their age, and changing one for a newer one without a gap."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from basekeeper.scanners.nottold import NotTold
from basekeeper.values.image import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

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


def refuse_odd(found: Database, present: Database | None, now: datetime) -> None:
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


def forget_unfinished(cache_dir: Path, now: datetime) -> None:
    """Clear away what updates that were killed have left."""
    for folder in cache_dir.glob(f"{UNFINISHED_PREFIX}*"):
        with suppress(OSError):
            if now.timestamp() - folder.stat().st_mtime > UNFINISHED_KEPT.total_seconds():
                shutil.rmtree(folder, ignore_errors=True)


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


def replace_database(
    cache_dir: Path, fresh: Path, names: Sequence[str], *, check: Callable[[], None]
) -> None:
    """Put what was fetched in the place of what is there.

    Args:
        cache_dir: Where the database is read.
        fresh: A folder on the same file system.
        names: What is taken from there, as far as it was fetched.
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
        for name in names:
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
