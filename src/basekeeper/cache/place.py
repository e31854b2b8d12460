"""The directory of the cache: ours alone, marked as such, and never anything else's.

Nothing is read from a directory in which another user could have put an answer, and nothing is
written to or deleted from one that does not carry our mark.
"""

from __future__ import annotations

import os
import re
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MARKER: Final = "CACHEDIR.TAG"
"""Name of the mark, which also tells backup programs to leave the directory out
(https://bford.info/cachedir/)."""

MARKER_TEXT: Final = b"""\
Signature: 8a477f597d28d172789f06886806bc55
# This directory is the cache of basekeeper. It may be deleted at any time.
# What it is for: https://bford.info/cachedir/
"""

FORMAT: Final = 1
"""Version of what is inside the files; another version's files are left alone."""

_DRAFT: Final = ".claim-"
_OURS: Final = re.compile(r"answers-[0-9]+-[0-9]{1,9}\.sqlite(?:-wal|-shm|-journal)?|\.claim-.+")
_CURRENT: Final = re.compile(rf"answers-{FORMAT}-([0-9]{{1,9}})\.sqlite")
_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH


class Unusable(Exception):  # noqa: N818  # never leaves this package
    """Why a directory is not used as a cache."""


def claim(directory: Path) -> None:
    """Make a directory ours: create it, or check that it is; mark it where it is new.

    Raises:
        Unusable: It is not ours, or others may write to it.
        OSError: It cannot be created or read.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        directory.mkdir(mode=0o700)
    check_owner(directory)
    if is_marked(directory):
        return
    try:
        check_empty(directory)
    except Unusable:
        if is_marked(directory):  # by another process, in between
            return
        raise
    _mark(directory)


def check_empty(directory: Path) -> None:
    """Check that a directory without our mark is only new.

    Raises:
        Unusable: It holds something: then it may be anything.
        OSError: It cannot be read.
    """
    # Another process may be about to mark it, so its draft does not count.
    if any(not path.name.startswith(_DRAFT) for path in directory.iterdir()):
        raise Unusable("it holds files that are not of a cache; name an empty or new directory")


def check_owner(directory: Path) -> None:
    """Check that nobody else can have put anything into a directory.

    Raises:
        Unusable: Somebody can, or it is no directory.
        OSError: It cannot be read.
    """
    found = directory.lstat()
    if stat.S_ISLNK(found.st_mode):
        raise Unusable("it is a link; name the directory that it leads to")
    if not stat.S_ISDIR(found.st_mode):
        raise Unusable("it is no directory")
    if found.st_uid != os.geteuid():
        raise Unusable("it belongs to another user")
    if found.st_mode & _OTHERS_WRITE:
        raise Unusable("other users may write to it; take that right from them with `chmod 700`")


def is_marked(directory: Path) -> bool:
    """Tell whether a directory carries our mark."""
    try:
        handle = os.open(directory / MARKER, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    with os.fdopen(handle, "rb") as file:
        return file.read(len(MARKER_TEXT) + 1) == MARKER_TEXT


def files(directory: Path) -> list[Path]:
    """Return the files of a cache, of every version, sorted; nothing else that lies there."""
    names = sorted(name for name in os.listdir(directory) if _OURS.fullmatch(name))  # noqa: PTH208
    return [directory / name for name in names]


def current(directory: Path) -> Path:
    """Return the file in use: the one with the highest number."""
    numbers = [_number(path.name) for path in files(directory) if path.suffix == ".sqlite"]
    return directory / f"answers-{FORMAT}-{max([0, *numbers])}.sqlite"


def check_file(path: Path) -> None:
    """Check that a file is a plain one of ours.

    Raises:
        Unusable: It is something else.
        OSError: It is not there.
    """
    # Not opened to look: closing it would drop the locks that this process holds on it.
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
        raise Unusable(f"{path.name} in it is no file of ours")


@contextmanager
def draft(path: Path) -> Iterator[Path]:
    """Create a file for its owner alone beside another, and put it there when it is complete.

    So nobody ever sees a part of it. Where another process was first, its file stays.

    Raises:
        OSError: It cannot be created.
    """
    made = path.with_name(f"{_DRAFT}{os.getpid()}-{os.urandom(4).hex()}")
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    os.close(os.open(made, flags, 0o600))
    try:
        yield made
        _put(made, path)
    finally:
        made.unlink(missing_ok=True)


def _put(made: Path, path: Path) -> None:
    """Give a complete file its name, unless that is taken."""
    try:
        os.link(made, path)
    except FileExistsError:
        return
    except OSError:  # a file system without hard links
        if not os.path.lexists(path):
            made.rename(path)


def retire(path: Path, make: Callable[[Path], None]) -> Path:
    """Replace a file by a new one with the next number, which `make` makes, and return that.

    A number never comes back: a process that still has the old file open harms no new one.

    Raises:
        OSError: The directory cannot be written to.
    """
    number = _number(path.name)
    fresh = path.with_name(f"answers-{FORMAT}-{number + 1}.sqlite")
    make(fresh)
    for old in files(path.parent):
        if 0 <= _number(old.name) <= number:
            old.unlink(missing_ok=True)
    return fresh


def _number(name: str) -> int:
    """Tell the number of a file, or of the one that it stands beside; -1: it has none."""
    match = _CURRENT.match(name)
    return int(match[1]) if match else -1


def _mark(directory: Path) -> None:
    """Write the mark whole or not at all, as other processes may look for it meanwhile."""
    with draft(directory / MARKER) as made:
        made.write_bytes(MARKER_TEXT)
