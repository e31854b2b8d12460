"""Edits as a unified diff, byte for byte: `patch -p1` and `git apply` take it.

Edits of references add and remove no lines, so that lines of both files stand for each other and
nothing has to be searched. The format: GNU diffutils, "Detailed Description of Unified Format".
Names are written as git writes them. There is no `diff --git` line, since git takes paths below
it to be relative to the top of the repository and not to where the user stands.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from basekeeper.render.safe import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from basekeeper.render.layout import Style
    from basekeeper.values.change import FileEdit

CONTEXT: Final = 3
"""Lines shown around those that change."""

_NO_END: Final = b"\\ No newline at end of file\n"
_QUOTED: Final = re.compile(rb"[\x00-\x1f\x7f-\xff\"\\]")
_NAMED: Final = {0x22: b'\\"', 0x5C: b"\\\\", 0x09: b"\\t", 0x0A: b"\\n", 0x0D: b"\\r"}
_ROLES: Final = {"-": "prohibited", "+": "good", "@": "note", "\\": "dim"}
_HEADS: Final = ("--- ", "+++ ")


def diff_bytes(files: Iterable[FileEdit], *, prefix: str = "") -> Iterator[bytes]:
    """Write the edits of files as a patch, a file at a time.

    Args:
        files: What changes.
        prefix: Directory that stands before every path, so that they are relative to where the
            user stands; empty for none.
    """
    for file in files:
        yield b"".join([*file_heads(file.path, prefix=prefix), *_hunks(file)])


def diff_text(file: FileEdit, *, prefix: str = "") -> str:
    """Write the edits of one file as text; bytes that are no UTF-8 become lone surrogates."""
    return b"".join(diff_bytes([file], prefix=prefix)).decode("utf-8", "surrogateescape")


def painted_diff(files: Iterable[FileEdit], style: Style, *, prefix: str = "") -> Iterator[str]:
    """Write the edits for a terminal: coloured as git does, and nothing in them acts."""
    for file in files:
        yield from painted_patch(diff_text(file, prefix=prefix), style)


def painted_patch(patch: str, style: Style) -> Iterator[str]:
    """Write the patch of one file for a terminal."""
    lines = patch.split("\n")
    for number, line in enumerate(lines[:-1]):
        shown = visible(line.removesuffix("\r"))
        is_head = number < len(_HEADS) and line.startswith(_HEADS)
        role = "bold" if is_head else _ROLES.get(line[:1], "")
        yield (style.paint(shown, role) if role else shown) + "\n"


def file_heads(path: str, *, prefix: str = "", is_new: bool = False) -> Iterator[bytes]:
    """Name a file before and after; one that is new was nothing before."""
    name = os.fsencode(f"{prefix}/{path}" if prefix else path)
    yield b"--- /dev/null\n" if is_new else _head(b"--- ", b"a/" + name)
    yield _head(b"+++ ", b"b/" + name)


def _head(mark: bytes, path: bytes) -> bytes:
    """Name a file; one with a space is ended by a tab, so that it is read whole."""
    if _QUOTED.search(path):
        inner = _QUOTED.sub(lambda found: _escape(found[0][0]), path)
        return mark + b'"' + inner + b'"\n'
    return mark + path + (b"\t\n" if b" " in path else b"\n")


def _escape(byte: int) -> bytes:
    return _NAMED.get(byte, b"\\%03o" % byte)


def _hunks(file: FileEdit) -> Iterator[bytes]:
    """Write the changed lines with those around them."""
    old, new = _lines(file.before), _lines(file.after)
    changed = [at for at, (one, other) in enumerate(zip(old, new, strict=True)) if one != other]
    for first, last in _ranges(changed, len(old)):
        size = last - first
        yield b"@@ -%d,%d +%d,%d @@\n" % (first + 1, size, first + 1, size)
        at = first
        while at < last:
            if old[at] == new[at]:
                yield hunk_line(b" ", old[at])
                at += 1
                continue
            end = next((each for each in range(at, last) if old[each] == new[each]), last)
            yield from (hunk_line(b"-", line) for line in old[at:end])
            yield from (hunk_line(b"+", line) for line in new[at:end])
            at = end


def _lines(data: bytes) -> list[bytes]:
    """Cut a file after each line feed."""
    lines = [line + b"\n" for line in data.split(b"\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


def _ranges(changed: list[int], count: int) -> Iterator[tuple[int, int]]:
    """Join lines that change to ranges with their context."""
    first = last = -1
    for at in changed:
        if last >= 0 and at - CONTEXT <= last:
            last = min(at + 1 + CONTEXT, count)
            continue
        if last >= 0:
            yield first, last
        first, last = max(at - CONTEXT, 0), min(at + 1 + CONTEXT, count)
    if last >= 0:
        yield first, last


def hunk_line(mark: bytes, line: bytes) -> bytes:
    """Write one line of a hunk; one without its line break says so."""
    return mark + line if line.endswith(b"\n") else mark + line + b"\n" + _NO_END
