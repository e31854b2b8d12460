"""Progress on a terminal, for anything that takes longer than a second; nothing elsewhere.

What is shown tells how many files were read so far, as soon as there are any, then how many images
the registries have answered for, and how many were scanned.
"""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from types import TracebackType

    from rich.status import Status

PATIENCE_SECONDS: Final = 1.0
"""How long nothing is shown: a quick run leaves no trace."""


class Progress:
    """Shows that work goes on, on standard error. Does nothing where that is no terminal."""

    def __init__(self, what: str, *, quiet: bool = False) -> None:
        """Prepare; nothing is shown before the block is entered and the patience is over.

        Args:
            what: What is done, for example `reading files`.
            quiet: True to show nothing at all.
        """
        self._what = what
        self._count = 0
        self._asked = (0, 0)
        self._scanned = (0, 0)
        self._status: Status | None = None
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        if not quiet and sys.stderr.isatty():
            self._timer = threading.Timer(PATIENCE_SECONDS, self._show)
            self._timer.daemon = True

    def __enter__(self) -> Self:
        """Start to wait."""
        if self._timer is not None:
            self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take away what is shown."""
        if self._timer is None:
            return
        self._timer.cancel()
        with self._lock:
            self._timer = None
            if self._status is not None:
                self._status.stop()

    def count(self, files: int) -> None:
        """Take the number of files read so far; it is shown at the next turn of the sign."""
        self._count = files

    def asking(self, done: int, total: int) -> None:
        """Take how many images the registries have answered for, and of how many."""
        self._asked = (done, total)

    def scanning(self, done: int, total: int) -> None:
        """Take how many images were scanned, and of how many."""
        self._scanned = (done, total)

    def __rich__(self) -> str:
        """Write the line as it is now: the terminal library asks each time that it draws."""
        done, total = self._scanned
        if total:
            images = "1 image" if total == 1 else f"{total:,} images"
            return f"scanning … {done:,} of {images}"
        done, total = self._asked
        if total:
            images = "1 image" if total == 1 else f"{total:,} images"
            return f"asking registries … {done:,} of {images}"
        files = "1 file" if self._count == 1 else f"{self._count:,} files"
        return f"{self._what} … {files}" if self._count else f"{self._what} …"

    def _show(self) -> None:
        """Show the work; in the timer's thread, where loading the terminal library costs nobody."""
        from rich.console import Console

        with self._lock:
            if self._timer is not None:
                self._status = Console(stderr=True).status(self)
                self._status.start()
