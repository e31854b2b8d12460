"""Tells where an ARG whose default changes is used beside the references."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from basekeeper.values.use import SourceFile

MAX_LINES: Final = 8
"""Lines that a note names; the rest is counted."""

_QUIET: Final = ("FROM", "ARG")


def mentions(files: Iterable[SourceFile], names: Collection[str]) -> tuple[str, ...]:
    """Say which instructions of Dockerfiles use variables whose value changes.

    FROM and ARG are left out: what changes in them is the edit itself.
    """
    notes = []
    for file in files:
        for name in sorted(names):
            lines = _lines(file, name)
            if lines:
                shown = ", ".join(map(str, lines[:MAX_LINES]))
                more = f" and {len(lines) - MAX_LINES} more" if len(lines) > MAX_LINES else ""
                word = "line" if len(lines) == 1 else "lines"
                notes.append(f"{name} is also used in {word} {shown}{more} of {file.path}")
    return tuple(notes)


def _lines(file: SourceFile, name: str) -> list[int]:
    """Return the lines of the outer file whose instructions use a variable."""
    if file.document is None:
        return []
    word = re.escape(name)
    pattern = re.compile(rf"\$(?:{word}(?![A-Za-z0-9_])|\{{{word}(?![A-Za-z0-9_]))")
    return [
        each.line + file.first_line - 1
        for each in file.document.instructions
        if pattern.search(each.joined.text) and each.name not in _QUIET
    ]
