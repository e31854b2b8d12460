"""Entries in an SQLite file, the least recently used of which go first when space is short.

Measured against one file for each entry, on ext4: half the time to write, an eighth of the space
for small answers, and no trouble with replaced files, for which ext4 writes data out at once.

How recently an entry was used is counted in runs, not in time: a run marks what it reads and
writes with the next number, so that no clock is needed and reading writes next to nothing.

Entries are written many at a time: a transaction for each took as long as asking for an answer.
What waits is read from memory. A run that is killed loses it, and nothing else: a transaction is in
the file whole or not at all.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.cache.place import check_file, current, draft, retire

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUSY_SECONDS: Final = 0.25
"""Longest wait for another process that writes; then the entry is not kept."""

CHECK_BYTES: Final = 262_144
"""Bytes written between two looks at the size: 256 KiB."""

EVICTED_AT_ONCE: Final = 256
"""Entries looked at in one step of making room."""

EVICTIONS_PER_CHECK: Final = 16
"""Steps of making room in one go, so that no write takes long; more follow with later writes."""

VACUUM_PAGES: Final = 16_384
"""Free pages given back to the file system in one go: 64 MiB."""

WAITING_ENTRIES: Final = 256
"""Entries that wait to be written at most; so many are written in a few milliseconds."""

WAITING_SECONDS: Final = 0.25
"""How long entries wait for more, before the next look into the file writes them."""

TOUCHES_AT_ONCE: Final = 512
"""Entries that were read and are marked as used in one transaction."""

CHECKPOINT_PAGES: Final = 2_000
"""Pages in the write-ahead log, 4 KiB each, before they are moved into the file, which waits for
the disk."""

MAX_WAL_BYTES: Final = 16 * 1024 * 1024
"""What the write-ahead log is cut down to when it is empty."""

_SCHEMA: Final = """
CREATE TABLE entry (
    key BLOB PRIMARY KEY, used INTEGER NOT NULL, at INTEGER NOT NULL,
    seal BLOB NOT NULL, data BLOB NOT NULL
);
CREATE INDEX entry_used ON entry (used);
"""
_CREATION: Final = f"""
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA journal_mode = WAL;
BEGIN IMMEDIATE;
{_SCHEMA}
COMMIT;
"""
_PRAGMAS: Final = f"""
PRAGMA trusted_schema = OFF;
PRAGMA synchronous = NORMAL;
PRAGMA journal_size_limit = {MAX_WAL_BYTES};
PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES};
"""
_UPSERT: Final = """
INSERT INTO entry (key, used, at, seal, data) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE
SET used = excluded.used, at = excluded.at, seal = excluded.seal, data = excluded.data
"""
_BUSY: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL})
_PLACE: Final = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_NOMEM,
    }
)
"""Failures of the file system, for which an empty file would be no better."""


class Entry(NamedTuple):
    """What is kept under a key; `at` in microseconds since 1970, 0 where time plays no part."""

    at: int
    seal: bytes
    data: bytes


class Usage(NamedTuple):
    """How full a store is."""

    entries: int
    size: int
    """Bytes of the pages in use."""


class Store:
    """One open file; not safe to share between threads without a lock of the caller's."""

    def __init__(self, directory: Path, max_bytes: int) -> None:
        """Open the current file of a directory; a broken one is replaced by an empty one.

        Raises:
            Unusable: What lies there is no file of ours.
            OSError: The directory cannot be written to.
            sqlite3.Error: The file cannot be used.
        """
        self._max_bytes = max_bytes
        self._unchecked = CHECK_BYTES
        self._waiting: dict[bytes, Entry] = {}
        self._waiting_bytes = 0
        self._due = 0.0
        """When what waits is to be written."""
        self._touched: set[bytes] = set()
        self._path = current(directory)
        if not os.path.lexists(self._path):
            make_empty(self._path)
        check_file(self._path)
        try:
            self._connection, self._run = _open(self._path)
        except sqlite3.DatabaseError as error:
            if not is_broken(error):
                raise
            self._path = retire(self._path, make_empty)
            self._connection, self._run = _open(self._path)

    def get(self, key: bytes) -> Entry | None:
        """Return an entry, and count it as used."""
        waiting = self._waiting.get(key)
        if waiting is not None:
            return waiting
        if self._waiting and time.monotonic() > self._due:
            self._write()
        query = "SELECT used, at, seal, data FROM entry WHERE key = ?"
        row = self._connection.execute(query, (key,)).fetchone()
        if row is None:
            return None
        used, at, seal, data = row
        if not (isinstance(at, int) and isinstance(seal, bytes) and isinstance(data, bytes)):
            self.drop(key)
            return None
        if used != self._run:
            self._touch(key)
        return Entry(at, seal, data)

    def put(self, key: bytes, entry: Entry) -> None:
        """Keep an entry, replacing an earlier one; now and then write all that wait."""
        if not self._waiting:
            self._due = time.monotonic() + WAITING_SECONDS
        self._waiting[key] = entry
        self._waiting_bytes += len(entry.data)
        is_full = len(self._waiting) >= WAITING_ENTRIES or self._waiting_bytes >= CHECK_BYTES
        if is_full or time.monotonic() > self._due:
            self._write()

    def drop(self, key: bytes) -> None:
        """Forget an entry."""
        self._waiting.pop(key, None)
        self._connection.execute("DELETE FROM entry WHERE key = ?", (key,))

    def usage(self) -> Usage:
        """Count entries and bytes."""
        (entries,) = self._connection.execute("SELECT count(*) FROM entry").fetchone()
        return Usage(entries, self._size())

    def reset(self) -> None:
        """Give the file up for a new empty one.

        Raises:
            OSError: The directory cannot be written to.
            sqlite3.Error: The new file cannot be used either.
        """
        self._touched.clear()
        self._connection.close()
        self._path = retire(self._path, make_empty)
        self._connection, self._run = _open(self._path)

    def close(self) -> None:
        """Write what waits, mark what was read as used, and close the file.

        Raises:
            sqlite3.Error: What waited could not be written; the file is closed.
        """
        try:
            self._write()
            with suppress(sqlite3.Error):  # at worst, what was read counts as unused
                self._flush()
        finally:
            self._connection.close()

    def _write(self) -> None:
        """Write what waits; make room now and then."""
        if not self._waiting:
            return
        rows = [(key, self._run, *entry) for key, entry in self._waiting.items()]
        with _transaction(self._connection):
            self._connection.executemany(_UPSERT, rows)
        self._unchecked += self._waiting_bytes
        self._waiting, self._waiting_bytes = {}, 0
        if self._unchecked >= CHECK_BYTES:
            self._unchecked = 0
            self._make_room()

    def _touch(self, key: bytes) -> None:
        """Note that an entry was read."""
        self._touched.add(key)
        if len(self._touched) >= TOUCHES_AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        """Mark what was read as used."""
        rows, self._touched = [(self._run, key) for key in self._touched], set()
        if rows:
            with _transaction(self._connection):
                self._connection.executemany("UPDATE entry SET used = ? WHERE key = ?", rows)

    def _size(self) -> int:
        """Bytes of the pages in use."""
        size, pages, free = (
            self._connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_size", "page_count", "freelist_count")
        )
        return int(size * (pages - free))

    def _make_room(self) -> None:
        """Delete what was not used for longest, until a tenth of the space is free again."""
        size = self._size()
        if size <= self._max_bytes:
            return
        excess = size - self._max_bytes * 9 // 10
        for _ in range(EVICTIONS_PER_CHECK):
            if excess <= 0:
                break
            excess -= self._evict(excess)
        # A script, as only that takes every step of a statement that returns no columns.
        self._connection.executescript(f"PRAGMA incremental_vacuum({VACUUM_PAGES})")

    def _evict(self, excess: int) -> int:
        """Delete the entries not used for longest, and return about how many bytes they had."""
        query = "SELECT rowid, length(data) + 128 FROM entry ORDER BY used, rowid LIMIT ?"
        freed, doomed = 0, []
        for row, size in self._connection.execute(query, (EVICTED_AT_ONCE,)).fetchall():
            if freed >= excess:
                break
            freed += size
            doomed.append((row,))
        with _transaction(self._connection):
            self._connection.executemany("DELETE FROM entry WHERE rowid = ?", doomed)
        return freed or excess


def is_broken(error: sqlite3.Error) -> bool:
    """Tell whether the file's content is at fault, so that an empty file would help."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
    if code == sqlite3.SQLITE_IOERR_SHORT_READ:  # the file is shorter than it says
        return True
    return code & 0xFF not in _BUSY | _PLACE


def is_busy(error: sqlite3.Error) -> bool:
    """Tell whether another process was in the way."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _BUSY


def make_empty(path: Path) -> None:
    """Make a file without entries; where another process was first, its file stays.

    Raises:
        OSError: The directory cannot be written to.
        sqlite3.Error: Neither can the file.
    """
    with draft(path) as made, closing(sqlite3.connect(made, isolation_level=None)) as connection:
        connection.executescript(_CREATION)


def _open(path: Path) -> tuple[sqlite3.Connection, int]:
    """Open a file, and tell the number of this run."""
    connection = sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        connection.text_factory = bytes  # what is no text must not fail to be read as text
        connection.executescript(_PRAGMAS)
        (last,) = connection.execute("SELECT max(used) FROM entry").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection, last + 1 if isinstance(last, int) else 1


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Do several writes at once, or none of them."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.execute("COMMIT")
