"""A working tree: the files of a directory, read without ever leaving it."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from basekeeper.errors import InputError
from basekeeper.trees.listing import list_files
from basekeeper.trees.tree import MAX_FILE_BYTES, binary, is_binary, too_large
from basekeeper.values.use import Skipped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
"""Without O_NONBLOCK, opening a FIFO would wait for a writer for ever."""

_PIECE_BYTES: Final = 65_536
"""Read at once after the size that the system gave."""

_LINK_ERRORS: Final = (errno.ELOOP, errno.ENOTDIR)
"""What O_NOFOLLOW yields at a link: ELOOP, and ENOTDIR together with O_DIRECTORY."""


class WorkingTree:
    """A directory, or a single file in it. Implements `basekeeper.trees.tree.Tree`."""

    def __init__(
        self,
        root: str | Path,
        *,
        respect_gitignore: bool = True,
        follow_submodules: bool = False,
    ) -> None:
        """Open a root.

        Args:
            root: A directory; or a file, and then it is the only file of the tree.
            respect_gitignore: Whether what git ignores and does not track is left out.
            follow_submodules: Whether other repositories below the root are read too.

        Raises:
            InputError: There is no such path, or it cannot be read.
        """
        self._label = str(root)
        self._respect_gitignore = respect_gitignore
        self._follow_submodules = follow_submodules
        self._real_directories: dict[str, str] = {}
        try:
            resolved = Path(root).resolve(strict=True)
            mode = resolved.stat().st_mode
            self._only = None if stat.S_ISDIR(mode) else Path(root).name
            self.root = resolved if self._only is None else Path(root).parent.resolve(strict=True)
            self._root_fd = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except (OSError, ValueError, RuntimeError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise InputError(
                f"path {str(root)!r} cannot be read: {reason}",
                hint="name a directory or a file that exists and that you may read",
            ) from error

    def __enter__(self) -> Self:
        """Return the tree."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the tree."""
        self.close()

    def close(self) -> None:
        """Give the root back to the system; safe to call twice."""
        if self._root_fd >= 0:
            os.close(self._root_fd)
            self._root_fd = -1

    @property
    def label(self) -> str:
        """The root as the user wrote it."""
        return self._label

    @property
    def only(self) -> str | None:
        """The name of the one file of this tree, where the user named a file."""
        return self._only

    def files(self) -> Iterator[str | Skipped]:
        """Yield every file, as `Tree.files` says."""
        if self._only is not None:
            return iter([self._only])
        return list_files(
            self.root,
            respect_gitignore=self._respect_gitignore,
            follow_nested=self._follow_submodules,
        )

    def exists(self, path: str) -> bool:
        """Tell whether there is a file or a link of that path."""
        try:
            mode = os.stat(path, dir_fd=self._root_fd, follow_symlinks=False).st_mode
        except (OSError, ValueError):
            return False
        if stat.S_ISDIR(mode):
            return False
        directory = path.rpartition("/")[0]
        return not directory or not isinstance(self.real_path(directory), Skipped)

    def real_path(self, path: str) -> str | Skipped:
        """Follow the links of a path, within the root."""
        directory, _, name = path.rpartition("/")
        # Files of one directory share the answer about it, which is the costly part.
        real = self._real_directories.get(directory)
        if real is None and directory:
            found = self._resolved(directory)
            if isinstance(found, Skipped):
                return Skipped(path, None, found.reason, found.hint)
            real = self._real_directories[directory] = found
        inside = f"{real}/{name}" if real else name
        try:
            mode = os.stat(inside, dir_fd=self._root_fd, follow_symlinks=False).st_mode
        except (OSError, ValueError) as error:
            return _unreadable(path, error, is_link=False)
        return self._resolved(path) if stat.S_ISLNK(mode) else inside

    def _resolved(self, path: str) -> str | Skipped:
        """Follow the links of a path, asking the system about every part of it."""
        full = self.root / path
        try:
            resolved = os.path.realpath(full, strict=True)
        except (OSError, ValueError) as error:
            return _unreadable(path, error, is_link=full.is_symlink())
        inside = os.path.relpath(resolved, self.root)
        if inside == ".." or inside.startswith("../"):
            reason = f"leads out of the tree, to {resolved}"
            return Skipped(path, None, reason, "survey a directory that holds both")
        return "" if inside == "." else inside

    def read(self, path: str) -> bytes | Skipped:
        """Read a text file of at most 16 MiB; links are followed within the root."""
        try:
            return self._content(path, path)
        except ValueError as error:
            return _unreadable(path, error, is_link=False)
        except OSError as error:
            if error.errno not in _LINK_ERRORS:
                return _unreadable(path, error, is_link=False)
        real = self._resolved(path)
        if isinstance(real, Skipped):
            return real
        try:
            # A link put in the way since is not followed again.
            return self._content(path, real)
        except OSError as error:
            return _unreadable(path, error, is_link=False)

    def _content(self, path: str, real: str) -> bytes | Skipped:
        """Read a path that holds no link; one that does raises OSError."""
        file = self._open(real)
        try:
            status = os.fstat(file)
            if not stat.S_ISREG(status.st_mode):
                hint = "exclude it if it is no build description"
                return Skipped(path, None, "is not a regular file", hint)
            if status.st_size > MAX_FILE_BYTES:
                return too_large(path, status.st_size)
            data = _read(file, status.st_size)
        finally:
            os.close(file)
        if len(data) > MAX_FILE_BYTES:
            return too_large(path, len(data))
        return binary(path) if is_binary(data) else data

    def _open(self, path: str) -> int:
        """Open a file part by part, so that no directory on the way can become a link."""
        *directories, name = path.split("/")
        if "" in directories or ".." in directories or name in ("", ".."):
            raise OSError(errno.EINVAL, "not a path below the root")
        here = self._root_fd
        try:
            for directory in directories:
                inner = os.open(directory, _DIRECTORY, dir_fd=here)
                if here != self._root_fd:
                    os.close(here)
                here = inner
            return os.open(name, _FILE, dir_fd=here)
        finally:
            if here != self._root_fd:
                os.close(here)


def _read(file: int, size: int) -> bytes:
    """Read a file that is said to have a size, up to one byte more than is allowed."""
    pieces = [os.read(file, size + 1)]
    left = MAX_FILE_BYTES + 1 - len(pieces[0])
    # The first piece is the whole of it unless the file grew or lies on something slow.
    while pieces[-1] and left > 0:
        pieces.append(os.read(file, min(left, _PIECE_BYTES)))
        left -= len(pieces[-1])
    return b"".join(pieces)


def _unreadable(path: str, error: OSError | ValueError, *, is_link: bool) -> Skipped:
    """Say in the user's words why a file cannot be read."""
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.ELOOP:
        return Skipped(path, None, "is a link that leads in a circle", "correct or remove the link")
    if number == errno.ENOENT:
        reason = "is a link to nothing" if is_link else "does not exist"
        return Skipped(path, None, reason, "correct or remove the link" if is_link else None)
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    hint = "give this user the right to read it, or exclude it"
    return Skipped(path, None, f"cannot be read: {said}", hint if number == errno.EACCES else None)
