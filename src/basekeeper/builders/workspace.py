"""The private folder of one build, and its end, whatever ends us.

A folder whose owner died is known by a lock that nobody holds any more; the next build removes it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from basekeeper.builders.failing import NoImage
from basekeeper.values.building import Failure

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

FOLDER_PREFIX: Final = "basekeeper-build-"
"""How the names of private folders begin."""

YOUNG_SECONDS: Final = 60.0
"""A folder without a lock may still be getting one for so long."""

_LOCK: Final = "lock"


class Workspace:
    """A private folder; use it in a `with` block, which removes it."""

    def __init__(
        self, directory: Path, empty: Callable[[Path], None], *, owner: int | None
    ) -> None:
        """Make the folder, after removing those whose owners died.

        Args:
            directory: Where; it must exist.
            owner: Who a cell's root is outside, and needs what it writes; None: we are.
            empty: Removes what lies in the open part of a folder, as whoever owns it.

        Raises:
            NoImage: There is no room for it.
        """
        self._empty = empty
        self.owner = owner
        sweep(directory, empty)
        try:
            self.root = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX, dir=directory)).resolve()
            self._lock = os.open(self.root / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            self.open.mkdir(mode=0o755)
            self.give(self.open)
        except OSError as error:
            if hasattr(self, "root"):
                shutil.rmtree(self.root, ignore_errors=True)
            raise NoImage(
                Failure.BUILDER,
                f"no private folder in {str(directory)!r}: {error.strerror}",
                hint="name another as `directory` in [runner] of your own settings",
            ) from error

    @property
    def open(self) -> Path:
        """The part that a cell sees."""
        return self.root / "open"

    def __enter__(self) -> Self:
        """Return the workspace."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove the folder."""
        _remove(self.root, self._empty)
        os.close(self._lock)

    def folder(self, name: str) -> Path:
        """Make a folder in the open part."""
        path = self.open / name
        path.mkdir(mode=0o755)
        self.give(path)
        return path

    def write(self, name: str, data: bytes) -> Path:
        """Write a file into the open part."""
        path = self.open / name
        path.write_bytes(data)
        self.give(path)
        return path

    def give(self, path: Path) -> None:
        """Let a file or folder of the open part belong to whoever a cell's root is."""
        if self.owner is not None:
            os.chown(path, self.owner, self.owner, follow_symlinks=False)


def sweep(directory: Path, empty: Callable[[Path], None]) -> None:
    """Remove the folders whose owners died."""
    with suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            if entry.name.startswith(FOLDER_PREFIX) and _is_ours(entry):
                _remove_abandoned(Path(entry.path), empty)


def _is_ours(entry: os.DirEntry[str]) -> bool:
    with suppress(OSError):
        found = entry.stat(follow_symlinks=False)
        return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
    return False


def _remove_abandoned(folder: Path, empty: Callable[[Path], None]) -> None:
    """Remove a folder unless somebody holds its lock, or it is just being made."""
    with suppress(OSError):
        if time.time() - folder.stat().st_mtime < YOUNG_SECONDS:  # a file's time, no clock of ours
            return
        lock = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(folder, empty)
        finally:
            os.close(lock)


def _remove(folder: Path, empty: Callable[[Path], None]) -> None:
    """Remove a folder; its lock last, so that what remains is tried again."""
    open_part = folder / "open"
    if open_part.exists():
        empty(open_part)
    with suppress(RecursionError):  # what could not be emptied may be nested without end
        shutil.rmtree(open_part, ignore_errors=True)
        if not open_part.exists():
            shutil.rmtree(folder, ignore_errors=True)
