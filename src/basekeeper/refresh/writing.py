"""Writing the files of a data directory, each whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from basekeeper.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

SHARED: Final = 0o644
"""Mode of the files: public facts, which whoever runs basekeeper on the machine may read."""

LEFT_AFTER: Final = timedelta(days=1)
"""Age from which a temporary file belongs to no refresh that still runs; one takes minutes."""


def as_json(content: dict[str, Any]) -> bytes:
    """Return the bytes of a file."""
    return json.dumps(content, ensure_ascii=False, indent=1).encode()


def write_whole(directory: Path, name: str, data: bytes) -> Path:
    """Write one file beside the old one and rename it over that.

    Raises:
        InputError: The directory cannot be written.
    """
    target = directory / name
    try:
        directory.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{name}.", dir=directory)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fchmod(stream.fileno(), SHARED)  # a temporary file is its maker's alone
                os.fsync(stream.fileno())
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink()
            raise
        _sync(directory)
    except OSError as error:
        raise InputError(
            f"{target}: {error.strerror or error}", hint="name a data directory that is writable"
        ) from error
    return target


def sweep(directory: Path, names: Collection[str], now: datetime) -> None:
    """Remove temporary files that refreshes left which were killed; a young one may be in use."""
    for path in [path for name in names for path in directory.glob(f".{name}.*")]:
        with contextlib.suppress(OSError):  # gone by now, or another user's
            status = path.lstat()
            is_old = status.st_mtime < (now - LEFT_AFTER).timestamp()
            if stat.S_ISREG(status.st_mode) and is_old:
                path.unlink()


def _sync(directory: Path) -> None:
    """Make the renaming itself durable."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
