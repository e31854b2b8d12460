"""Copies a build context into a workspace: folders, files and links, nothing else, never followed.

What a repository holds was chosen by strangers: a named pipe would hang whoever opens it, a device
is none of theirs, and a link may lead anywhere. Links are copied as they are; where they lead is
asked by the builder alone, inside its cell.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from basekeeper.builders.failing import not_served, refused
from basekeeper.values.building import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from basekeeper.builders.workspace import Workspace
    from basekeeper.values.building import BuildLimits

MAX_DEPTH: Final = 200
"""Levels of folders; each costs an open file while it is copied."""
MAX_DOCKERFILE_BYTES: Final = 4 * 1024 * 1024

_PIECE_BYTES: Final = 1024 * 1024
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_MAKE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class ContextCopy:
    """One copy; counts what it copies."""

    def __init__(self, workspace: Workspace, limits: BuildLimits) -> None:
        """Copy nothing yet."""
        self._workspace, self._owner = workspace, workspace.owner
        self._most_files, self._most_bytes = limits.context_files, limits.disk_bytes
        self._files = self._bytes = 0

    def copy(self, source: Path, name: str, replaced: Mapping[str, bytes]) -> Path:
        """Copy a folder into the open part of the workspace.

        Args:
            source: The folder.
            name: Of the copy.
            replaced: POSIX path below it → content in the place of what is there.

        Returns:
            Where the copy is.

        Raises:
            NoImage: It holds what cannot be copied, or too much.
        """
        target = self._workspace.folder(name)
        try:
            self._copy_top(source, target)
            for path, data in replaced.items():
                self._replace(target, path, data)
        except OSError as error:
            full = not_served(error)
            if full.failure is Failure.LIMIT:
                raise full from error
            raise refused(f"the build context cannot be copied: {error}") from error
        return target

    def _copy_top(self, source: Path, target: Path) -> None:
        reading = os.open(source, _READ & ~os.O_NOFOLLOW | os.O_DIRECTORY)
        try:
            writing = os.open(target, _READ | os.O_DIRECTORY)
            try:
                self._copy_folder(reading, writing, "", 0)
            finally:
                os.close(writing)
        finally:
            os.close(reading)

    def _copy_folder(self, reading: int, writing: int, place: str, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise refused(f"{place[:80]!r}… is nested deeper than {MAX_DEPTH} folders")
        with os.scandir(reading) as entries:
            names = [entry.name for entry in entries]
        for name in names:
            if depth > 0 or name != ".git":
                self._copy_entry(reading, writing, name, f"{place}{name}", depth)

    def _copy_entry(self, reading: int, writing: int, name: str, place: str, depth: int) -> None:
        found = os.stat(name, dir_fd=reading, follow_symlinks=False)
        self._count(found, place)
        if stat.S_ISLNK(found.st_mode):
            os.symlink(os.readlink(name, dir_fd=reading), name, dir_fd=writing)
        elif stat.S_ISDIR(found.st_mode):
            self._enter(reading, writing, name, place, depth)
        elif stat.S_ISREG(found.st_mode):
            self._copy_file(reading, writing, name, place)
        else:
            raise refused(f"{place[:200]!r} in the build context is no file, folder or link")
        if self._owner is not None:
            os.chown(name, self._owner, self._owner, dir_fd=writing, follow_symlinks=False)
        if not stat.S_ISLNK(found.st_mode):
            os.chmod(name, stat.S_IMODE(found.st_mode), dir_fd=writing)
        times = (found.st_atime_ns, found.st_mtime_ns)
        os.utime(name, ns=times, dir_fd=writing, follow_symlinks=False)

    def _enter(self, reading: int, writing: int, name: str, place: str, depth: int) -> None:
        os.mkdir(name, 0o700, dir_fd=writing)
        inner = os.open(name, _READ | os.O_DIRECTORY, dir_fd=reading)
        try:
            outer = os.open(name, _READ | os.O_DIRECTORY, dir_fd=writing)
            try:
                self._copy_folder(inner, outer, f"{place}/", depth + 1)
            finally:
                os.close(outer)
        finally:
            os.close(inner)

    def _copy_file(self, reading: int, writing: int, name: str, place: str) -> None:
        with os.fdopen(os.open(name, _READ, dir_fd=reading), "rb") as content:
            if not stat.S_ISREG(os.fstat(content.fileno()).st_mode):
                raise refused(f"{place[:200]!r} in the build context was exchanged meanwhile")
            with os.fdopen(os.open(name, _MAKE, 0o600, dir_fd=writing), "wb") as copy:
                while piece := content.read(_PIECE_BYTES):
                    self._bytes += len(piece)
                    self._check_size()
                    copy.write(piece)

    def _count(self, found: os.stat_result, place: str) -> None:
        self._files += 1
        if self._files > self._most_files:
            raise refused(
                f"the build context has more than {self._most_files} files",
                "leave out what the build does not need, or raise `context_files` in [runner]",
            )
        if stat.S_ISREG(found.st_mode) and found.st_size > self._most_bytes:
            raise refused(f"{place[:200]!r} is larger than {self._most_bytes} bytes")

    def _check_size(self) -> None:
        if self._bytes > self._most_bytes:
            raise refused(f"the build context has more than {self._most_bytes} bytes")

    def _replace(self, target: Path, path: str, data: bytes) -> None:
        """Put a file in the place of what is there; no folder on the way may be a link."""
        folder = target
        *above, name = checked_parts(path)
        for part in above:
            folder /= part
            if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
                raise refused(f"{path!r:.200} leads through what is no folder")
            if not folder.exists():
                folder.mkdir(0o755)
                self._workspace.give(folder)
        place = folder / name
        mode = 0o644
        if place.is_symlink() or place.exists():
            mode = stat.S_IMODE(place.lstat().st_mode) if not place.is_symlink() else mode
            place.unlink()
        place.write_bytes(data)
        place.chmod(mode)
        self._workspace.give(place)


def checked_parts(path: str) -> tuple[str, ...]:
    """Return the parts of a path below a folder.

    Raises:
        NoImage: It leaves the folder.
    """
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\0" in path:
        raise refused(f"{path!r:.200} is no path below the build context")
    return parts


def read_below(folder: Path, path: str) -> bytes:
    """Read a file of a copied context; links are followed as long as they stay in it.

    Raises:
        NoImage: It is not there, is too large, or leads out.
    """
    checked_parts(path)
    try:
        top, place = folder.resolve(), (folder / path).resolve(strict=True)
        if not place.is_relative_to(top):
            raise refused(f"{path!r:.200} leads out of the build context")
        with place.open("rb") as handle:
            data = handle.read(MAX_DOCKERFILE_BYTES + 1)
    except (OSError, RuntimeError, ValueError) as error:
        raise refused(f"{path!r:.200} is not in the build context") from error
    if len(data) > MAX_DOCKERFILE_BYTES:
        raise refused(f"{path!r:.200} is larger than {MAX_DOCKERFILE_BYTES} bytes")
    return data
