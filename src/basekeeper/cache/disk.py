"""The cache on disk: verifies what it reads, and behaves as empty where the disk fails it."""

from __future__ import annotations

import hashlib
import sqlite3
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Final, TypeVar

from basekeeper.cache.digests import matches
from basekeeper.cache.place import Unusable, claim
from basekeeper.cache.store import Entry, Store, is_broken, is_busy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")

MAX_ENTRY_BYTES: Final = 64 * 1024 * 1024
"""Largest entry that is kept: 64 MiB, four times what the transport reads."""

LARGEST_SHARE: Final = 4
"""An entry may take up to this fraction (a quarter) of the whole cache."""

MAX_FAILURES: Final = 8
"""Times that a file may be busy or broken in one run; waiting longer would hold the run up."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class DiskCache:
    """A cache in a directory of its own; see `ports.Cache`.

    Nothing is opened before it is first used. Whatever goes wrong with the directory, its file
    system or its content makes an entry missing, never an error; `notices` tells of it once.
    """

    def __init__(self, directory: Path, *, max_bytes: int) -> None:
        """Name the directory, and the bytes that it may take."""
        self._directory = directory
        self._max_bytes = max_bytes
        self._max_entry = min(MAX_ENTRY_BYTES, max_bytes // LARGEST_SHARE)
        self._lock = Lock()
        self._store: Store | None = None
        self._is_off = False
        self._failures = 0
        self._notices: list[str] = []

    @property
    def notices(self) -> tuple[str, ...]:
        """What a person should know: why the cache is not used, if it is not."""
        return tuple(self._notices)

    def content(self, digest: str) -> bytes | None:
        """Return content by its digest, verified; None where it is not there."""
        key = _key("content", digest)
        entry = self._get(key)
        if entry is None:
            return None
        if not matches(digest, entry.data):
            self._attempt(lambda store: store.drop(key))
            return None
        return entry.data

    def keep_content(self, digest: str, data: bytes) -> None:
        """Keep content for ever, if it has that digest."""
        if matches(digest, data):
            self._put(_key("content", digest), Entry(0, b"", data))

    def answer(self, key: str, *, now: datetime, max_age: timedelta) -> bytes | None:
        """Return an answer kept at most so long ago; one from the future is none."""
        hashed = _key("answer", key)
        entry = self._get(hashed)
        if entry is None:
            return None
        if entry.seal != _seal(hashed, entry.at, entry.data):
            self._attempt(lambda store: store.drop(hashed))
            return None
        age = timedelta(microseconds=_microseconds(now) - entry.at)
        return entry.data if timedelta(0) <= age <= max_age else None

    def keep_answer(self, key: str, data: bytes, *, now: datetime) -> None:
        """Keep an answer, replacing an earlier one."""
        hashed, at = _key("answer", key), _microseconds(now)
        self._put(hashed, Entry(at, _seal(hashed, at, data), data))

    def close(self) -> None:
        """Write what waits and close the file; the cache behaves as empty from now on."""
        with self._lock:
            store, self._store, was_off, self._is_off = self._store, None, self._is_off, True
            try:
                if store is not None:
                    store.close()
            except sqlite3.Error as error:
                if not (was_off or is_busy(error)):
                    self._give_up(error)

    def _get(self, key: bytes) -> Entry | None:
        return self._attempt(lambda store: store.get(key))

    def _put(self, key: bytes, entry: Entry) -> None:
        if len(entry.data) <= self._max_entry:
            self._attempt(lambda store: store.put(key, entry))

    def _attempt(self, act: Callable[[Store], T]) -> T | None:
        """Do something with the open store; None where that fails."""
        with self._lock:
            if self._is_off:
                return None
            try:
                if self._store is None:
                    claim(self._directory)
                    self._store = Store(self._directory, self._max_bytes)
                return act(self._store)
            except sqlite3.Error as error:
                self._recover(error)
            except (OSError, ValueError, Unusable) as error:  # ValueError: no name of a file
                self._give_up(error)
        return None

    def _recover(self, error: sqlite3.Error) -> None:
        """Begin anew with an empty file where the old one is broken; else go without."""
        self._failures += 1
        if is_busy(error) and self._failures < MAX_FAILURES:
            return
        if self._store is None or not is_broken(error) or self._failures >= MAX_FAILURES:
            self._give_up(error)
            return
        try:
            self._store.reset()
        except (sqlite3.Error, OSError, Unusable) as failure:
            self._give_up(failure)

    def _give_up(self, error: Exception) -> None:
        """Go on without a cache, and say why."""
        self._is_off = True
        reason = error.strerror if isinstance(error, OSError) else None
        self._notices.append(f"the cache {str(self._directory)!r} is not used: {reason or error}")


def _key(kind: str, name: str) -> bytes:
    """Hash a name, so that none is too long or too strange."""
    return hashlib.sha256(f"{kind}\0{name}".encode("utf-8", "surrogatepass")).digest()


def _seal(key: bytes, at: int, data: bytes) -> bytes:
    """Hash an answer with its key and instant: what was cut or moved no longer fits."""
    return hashlib.sha256(b"%b%d\0%b" % (key, at, data)).digest()


def _microseconds(moment: datetime) -> int:
    """Count microseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND
