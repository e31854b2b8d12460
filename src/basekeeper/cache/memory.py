"""A cache that ends with the run: for `--no-cache`, and for tests."""

from __future__ import annotations

from collections import OrderedDict
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING, Final

from basekeeper.cache.digests import matches

if TYPE_CHECKING:
    from datetime import datetime

MAX_MEMORY_BYTES: Final = 64 * 1024 * 1024
"""What a run keeps in memory by default: 64 MiB."""

ENTRY_BYTES: Final = 512
"""Counted for each entry beside its data: key, instant and the dictionary's own."""


class MemoryCache:
    """A cache in memory, least recently used entries going first; see `ports.Cache`."""

    notices: tuple[str, ...] = ()
    """Nothing can go wrong with memory that a person should know of."""

    def __init__(self, *, max_bytes: int = MAX_MEMORY_BYTES) -> None:
        """Begin empty; `max_bytes` is what all entries may take."""
        self._max_bytes = max_bytes
        self._size = 0
        self._entries: OrderedDict[tuple[str, str], tuple[datetime | None, bytes]] = OrderedDict()
        self._lock = Lock()

    def content(self, digest: str) -> bytes | None:
        """Return content by its digest; None where it is not there."""
        found = self._get(("content", digest))
        return None if found is None else found[1]

    def keep_content(self, digest: str, data: bytes) -> None:
        """Keep content until space is short, if it has that digest."""
        if matches(digest, data):
            self._put(("content", digest), (None, data))

    def answer(self, key: str, *, now: datetime, max_age: timedelta) -> bytes | None:
        """Return an answer kept at most so long ago; one from the future is none."""
        found = self._get(("answer", key))
        if found is None or found[0] is None:
            return None
        return found[1] if timedelta(0) <= now - found[0] <= max_age else None

    def keep_answer(self, key: str, data: bytes, *, now: datetime) -> None:
        """Keep an answer, replacing an earlier one."""
        self._put(("answer", key), (now, data))

    def close(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()
            self._size = 0

    def _get(self, key: tuple[str, str]) -> tuple[datetime | None, bytes] | None:
        with self._lock:
            found = self._entries.get(key)
            if found is not None:
                self._entries.move_to_end(key)
            return found

    def _put(self, key: tuple[str, str], entry: tuple[datetime | None, bytes]) -> None:
        with self._lock:
            old = self._entries.pop(key, None)
            self._size -= 0 if old is None else len(old[1]) + ENTRY_BYTES
            self._entries[key] = entry
            self._size += len(entry[1]) + ENTRY_BYTES
            while self._size > self._max_bytes:
                _, (_, gone) = self._entries.popitem(last=False)
                self._size -= len(gone) + ENTRY_BYTES
