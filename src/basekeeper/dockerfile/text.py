"""Text as BuildKit cuts it: bytes seen one to one as characters, spaces, joined lines.

While positions matter, a file is handled as its bytes decoded one to one (Latin-1): an index is a
byte offset, and nothing in the file can fail to decode. `readable` turns what is shown or compared
into real text, which for practically every file is UTF-8.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cache
from typing import Final

from basekeeper.values.use import Span

BLANKS: Final = "\t\n\v\f\r "
"""The white space of ASCII."""
WIDE_SPACE: Final = (
    "(?:[\xc2\xe1-\xe3](?:(?<=\xc2)[\x85\xa0]|(?<=\xe1)\x9a\x80"
    "|(?<=\xe2)\x80[\x80-\x8a\xa8\xa9\xaf]|(?<=\xe2)\x81\x9f|(?<=\xe3)\x80\x80))"
)
"""The other white space of Unicode, as the bytes of its UTF-8. It starts with a set of bytes, which
the pattern engine tests before it enters the group."""
_BLANK: Final = r"[\t\v\f\r ]*+"
# A possessive group ends in `(?!)`, so that a pass that fails moves nothing (Python below 3.11.5).
_WIDE: Final = rf"{WIDE_SPACE}{_BLANK}(?:{WIDE_SPACE}{_BLANK}|(?!))*+"
INDENT: Final = rf"{_BLANK}(?:{_WIDE}|)"
"""White space at the start of a line, in any script."""
_DROPPED: Final = r"(?:\n|\#[^\n]*+(?:\n|\Z))"
DROPPED_LINES: Final = rf"(?:{_BLANK}(?:{_DROPPED}|{_WIDE}{_DROPPED})|(?!))*+"
"""Lines that are empty or a comment."""

_EDGE_SPACE = re.compile(rf"(?:[\t\n\v\f\r ]|{WIDE_SPACE})+")


def readable(raw: str) -> str:
    """Return the text of bytes that were decoded one to one.

    UTF-8 where they are; else (an old Latin-1 file) every byte stays the character that it is.
    """
    if raw.isascii():
        return raw
    try:
        return raw.encode("latin-1").decode()
    except UnicodeDecodeError:
        return raw


def skip_space(raw: str, start: int, end: int) -> int:
    """Return the index of the first character from `start` that is no white space."""
    found = _EDGE_SPACE.match(raw, start, end)
    return found.end() if found is not None else start


def trim_end(raw: str, start: int, end: int) -> int:
    """Return the index after the last character before `end` that is no white space."""
    trimmed = len(raw[start:end].rstrip(BLANKS)) + start
    while trimmed > start and raw[trimmed - 1] >= "\x80":
        for width in (2, 3):
            if _EDGE_SPACE.fullmatch(raw, max(start, trimmed - width), trimmed):
                trimmed = start + len(raw[start : trimmed - width].rstrip(BLANKS))
                break
        else:
            break
    return trimmed


def continuation(escape: str) -> str:
    """Give the pattern of what joins two lines: escape, line end, comment and empty lines."""
    mark = re.escape(escape)
    return rf"{mark}(?<!{mark}{mark})[ \t]*+\r*+(?:\n{DROPPED_LINES}|\Z)"


@cache
def _continuation_pattern(escape: str) -> re.Pattern[str]:
    return re.compile(continuation(escape))


class JoinedText:
    """The one logical line of an instruction, with the way back to the bytes of the file."""

    __slots__ = ("_bytes", "_joints", "text")

    def __init__(self, raw: str, span: tuple[int, int], escape: str) -> None:
        """Join the lines of `raw` in a range that holds one whole instruction."""
        start, end = span
        pieces: list[str] = []
        self._joints: list[int] = []
        self._bytes: list[int] = []
        length = 0
        if raw.find(escape, start, end) >= 0:
            for found in _continuation_pattern(escape).finditer(raw, start, end):
                pieces.append(raw[start : found.start()])
                self._joints.append(length)
                self._bytes.append(start)
                length += found.start() - start
                start = found.end()
        pieces.append(raw[start:end].rstrip("\r\n"))
        self._joints.append(length)
        self._bytes.append(start)
        self.text: Final = "".join(pieces)

    def span(self, start: int, end: int) -> Span:
        """Return the bytes from which a range of the text was read.

        A range over several lines includes what joined them.
        """
        first = self._offset(start)
        return Span(first, self._offset(end - 1) + 1 if end > start else first)

    def _offset(self, index: int) -> int:
        piece = bisect_right(self._joints, index) - 1
        return self._bytes[piece] + index - self._joints[piece]
