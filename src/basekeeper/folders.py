"""Private folders below TMPDIR, which no killed run leaves for ever.

Each is locked while its owner lives, so that a later run can tell what was left behind.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tempfile
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Self, get_args

if TYPE_CHECKING:
    from types import TracebackType

Kind = Literal["git", "image", "ledger", "scan"]

YOUNG_SECONDS: Final = 3_600.0
"""How old a folder is at least that is cleared away: a new one is locked only once it is made."""

_LEFT: Final = re.compile(rf"basekeeper-(?:{'|'.join(get_args(Kind))})-[a-z0-9_]+", re.ASCII)


def prefix_of(kind: Kind) -> str:
    """Return how the names of such folders begin."""
    return f"basekeeper-{kind}-"


class PrivateFolder:
    """An empty folder for nobody else; use it in a `with` block, or close it."""

    def __init__(self, kind: Kind) -> None:
        """Make it; the first time below a TMPDIR clear away what others left there.

        Raises:
            OSError: There is no room for it.
        """
        _sweep_once(tempfile.gettempdir())
        self.path = Path(tempfile.mkdtemp(prefix=prefix_of(kind)))
        self._lock: int | None = _open(self.path)
        with suppress(OSError):  # where there are no locks, nothing is cleared away either
            fcntl.flock(self._lock, fcntl.LOCK_SH)

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove it."""
        self.close()

    def close(self) -> None:
        """Remove it with all that it holds; safe to call twice. Links are removed, not followed."""
        if self._lock is not None:
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self._lock)
            self._lock = None


def sweep(directory: Path) -> None:
    """Remove the folders whose owners died; what cannot be removed stays."""
    with suppress(OSError), os.scandir(directory) as entries:
        for path in [Path(entry.path) for entry in entries if _LEFT.fullmatch(entry.name)]:
            with suppress(OSError):
                _remove_abandoned(path)


@cache
def _sweep_once(directory: str) -> None:
    sweep(Path(directory))


def _remove_abandoned(path: Path) -> None:
    """Remove a folder of ours, unless it is young or somebody holds its lock."""
    lock = _open(path)
    try:
        found = os.fstat(lock)
        is_old = time.time() - found.st_mtime >= YOUNG_SECONDS  # a file's time, no clock of ours
        if is_old and found.st_uid == os.geteuid():
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path, ignore_errors=True)
    finally:
        os.close(lock)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
