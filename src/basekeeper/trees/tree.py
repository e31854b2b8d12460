"""What every kind of tree can do, and the limits that hold for all of them."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Final, Protocol

from basekeeper.values.use import Skipped

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_FILE_BYTES: Final = 16 * 1024 * 1024
"""Largest file read: 16 MiB. The largest Dockerfile seen in thousands of repositories has less
than 400 kB; a file beyond this is none."""

NUL_WINDOW_BYTES: Final = 8192
"""A NUL byte this near the start makes a file binary, as in git (`buffer_is_binary`)."""


class Tree(Protocol):
    """The files of one repository at one moment. Paths are POSIX, relative to `root`."""

    @property
    def label(self) -> str:
        """What messages call it: its path, or its path and revision."""
        ...

    def files(self) -> Iterator[str | Skipped]:
        """Yield every file that is not ignored, in no order, and what kept the walk out of places.

        A symbolic link is yielded like a file. Bytes of a name that are no UTF-8 are kept as lone
        surrogates.
        """
        ...

    def read(self, path: str) -> bytes | Skipped:
        """Return the content of a text file, or why it cannot be read."""
        ...

    def exists(self, path: str) -> bool:
        """Tell whether there is a file (or a link) of that path; what leaves the root is not."""
        ...

    def real_path(self, path: str) -> str | Skipped:
        """Return the path of the file that a path leads to, links followed; or why it cannot."""
        ...


def join(directory: str, path: str) -> str | None:
    """Join a relative path to a directory below the root; None where the result leaves the root.

    `directory` is relative to the root, empty for the root itself; so is the result.
    """
    if path.startswith("/") or "\0" in path:
        return None
    joined = posixpath.normpath(posixpath.join(directory, path))
    if joined == ".." or joined.startswith("../"):
        return None
    return "" if joined == "." else joined


def too_large(path: str, size: int) -> Skipped:
    """Describe a file beyond the limit."""
    return Skipped(
        path,
        None,
        f"is larger than {MAX_FILE_BYTES // 1024 // 1024} MiB ({size / 1024 / 1024:.0f} MiB)",
        "exclude it if it is no build description, or split it",
    )


def binary(path: str) -> Skipped:
    """Describe a file that is no text."""
    return Skipped(
        path, None, "is a binary file, not text", "exclude it if it is no build description"
    )


def is_binary(data: bytes) -> bool:
    """Tell whether content is no text: a NUL byte near its start."""
    return data.find(b"\0", 0, NUL_WINDOW_BYTES) >= 0
