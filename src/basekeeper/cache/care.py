"""Looking at the cache on disk, and emptying it."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from basekeeper.cache.place import (
    Unusable,
    check_empty,
    check_owner,
    current,
    files,
    is_marked,
    retire,
)
from basekeeper.cache.store import Store, Usage, make_empty
from basekeeper.errors import InputError
from basekeeper.records import dataclass

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class CacheInfo:
    """What is in the cache."""

    directory: str
    entries: int
    size: int
    """Bytes of its files."""
    max_bytes: int
    """What it may take."""
    problem: str | None = None
    """Why it is not used, if it is not."""


def cache_info(directory: Path, max_bytes: int) -> CacheInfo:
    """Tell how full the cache is; where there is none yet, none is made."""
    name = str(directory)
    try:
        if not _is_ours(directory):
            return CacheInfo(name, 0, 0, max_bytes)
        usage = _usage(directory, max_bytes)
        return CacheInfo(name, usage.entries, _bytes(directory), max_bytes)
    except (OSError, ValueError, sqlite3.Error, Unusable) as error:
        return CacheInfo(name, 0, 0, max_bytes, _reason(error))


def clear_cache(directory: Path) -> int:
    """Empty the cache, and return how many bytes that gave back; other programs' files stay.

    A run that is using it goes on with what it has open.

    Raises:
        InputError: The directory is no cache of ours, or cannot be changed.
    """
    try:
        if not _is_ours(directory):
            return 0
        before = _bytes(directory)
        fresh = retire(current(directory), make_empty)
        for path in files(directory):
            if not path.name.startswith(fresh.name):
                path.unlink(missing_ok=True)
        return before - _bytes(directory)
    except (OSError, ValueError, sqlite3.Error, Unusable) as error:
        raise InputError(
            f"the cache {str(directory)!r} cannot be emptied: {_reason(error)}",
            hint="name the directory of the cache, or delete it by hand",
        ) from error


def _usage(directory: Path, max_bytes: int) -> Usage:
    """Count what the current file holds."""
    with closing(Store(directory, max_bytes)) as store:
        return store.usage()


def _bytes(directory: Path) -> int:
    return sum(path.stat().st_size for path in files(directory))


def _is_ours(directory: Path) -> bool:
    """Tell whether a directory is our cache; False where there is none yet.

    Raises:
        Unusable: It is something else.
        OSError: It cannot be read.
    """
    if not os.path.lexists(directory):
        return False
    check_owner(directory)
    if is_marked(directory):
        return True
    check_empty(directory)
    return False


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
