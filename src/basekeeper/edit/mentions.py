"""Tells where a variable whose value changes is used beside the references."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from basekeeper.values.use import SourceFile

MAX_LINES: Final = 8
"""Lines that a note names; the rest is counted."""

_QUIET: Final = ("FROM", "ARG")

_VARIABLE: Final = re.compile(r'^variable[ \t]+"?([A-Za-z_][A-Za-z0-9_-]{0,127})"?', re.MULTILINE)
_PASSED_ON: Final = r'[ \t]*[A-Za-z0-9_"-]+[ \t]*[=:][ \t]*(?:{0}|"\$\{{{0}\}}")[ \t]*,?\r?'
"""A line that only hands a variable to a build argument, which is what the edit is for."""


def mentions(files: Iterable[SourceFile], names: Collection[str]) -> tuple[str, ...]:
    """Say which instructions of Dockerfiles use variables whose value changes.

    FROM and ARG are left out: what changes in them is the edit itself.
    """
    notes = []
    for file in files:
        for name in sorted(names):
            lines = _lines(file, name)
            if lines:
                notes.append(_note(name, lines, file.path))
    return tuple(notes)


def bake_mentions(path: str, data: bytes, starts: Iterable[int]) -> tuple[str, ...]:
    """Say where expressions of a bake file use variables whose default changes.

    A tag of a product that is put together of such a variable changes with it, and a digest in
    it would make that tag invalid.

    Args:
        path: The file; others than HCL are passed over.
        data: Its bytes before the edit.
        starts: Where it is edited.
    """
    if not path.endswith(".hcl"):
        return ()
    text = data.decode("latin-1")
    names = {
        block[1]
        for start in starts
        for block in list(_VARIABLE.finditer(text, 0, start))[-1:]
        if "\n}" not in text[block.start() : start]
    }
    used = ((name, _expressions(text, name)) for name in sorted(names))
    return tuple(_note(name, lines, path) for name, lines in used if lines)


def _expressions(text: str, name: str) -> list[int]:
    """Return the lines of a bake file that do more with a variable than to pass it on."""
    word = re.compile(rf"(?<![A-Za-z0-9_-]){re.escape(name)}(?![A-Za-z0-9_-])")
    quiet = re.compile(rf"{_PASSED_ON.format(re.escape(name))}|[ \t]*(?:variable[ \t]|#|//).*")
    return [
        number
        for number, line in enumerate(text.split("\n"), 1)
        if word.search(line) and not quiet.fullmatch(line)
    ]


def _note(name: str, lines: list[int], path: str) -> str:
    shown = ", ".join(map(str, lines[:MAX_LINES]))
    more = f" and {len(lines) - MAX_LINES} more" if len(lines) > MAX_LINES else ""
    word = "line" if len(lines) == 1 else "lines"
    return f"{name} is also used in {word} {shown}{more} of {path}"


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
