"""Paths in settings, which must not depend on where the program is started."""

from __future__ import annotations

from pathlib import Path


def absolute_path(text: str) -> str:
    """Read an absolute path; `~/` begins one in the user's home.

    Raises:
        ValueError: It is relative: then it would depend on where the program is started.
    """
    path = Path(text).expanduser() if text.startswith("~/") else Path(text)
    if not path.is_absolute() or "\0" in text:
        raise ValueError(f"{text!r:.200} is no absolute path")
    return str(path)
