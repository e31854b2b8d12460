"""Text that remembers its bytes: from a position in characters to line, column and byte span."""

from __future__ import annotations

import codecs
from bisect import bisect_right
from functools import cached_property
from typing import Final

from basekeeper.values.use import Span

_STEP: Final = 4096
"""Characters between two remembered byte offsets in text that is not all ASCII."""


class Source:
    """The text of one file. Bytes that are no UTF-8 become one replacement character each."""

    def __init__(self, data: bytes, path: str) -> None:
        """Decode a file; a byte order mark is no part of the text."""
        self.path = path
        self.data = data
        self._bom = len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 0
        self._ascii = data.isascii()
        # Lone surrogates keep each undecodable byte one character, so that offsets stay exact.
        self._raw = data[self._bom :].decode("utf-8", "surrogateescape")
        self.text = self._raw if self._ascii else _shown(self._raw)

    @cached_property
    def _breaks(self) -> list[int]:
        found: list[int] = []
        at = self.text.find("\n")
        while at >= 0:
            found.append(at)
            at = self.text.find("\n", at + 1)
        return found

    @cached_property
    def _checkpoints(self) -> list[int]:
        offsets = [self._bom]
        for start in range(0, len(self._raw), _STEP):
            piece = self._raw[start : start + _STEP]
            offsets.append(offsets[-1] + len(piece.encode("utf-8", "surrogateescape")))
        return offsets

    def line(self, at: int) -> int:
        """Return the line, from 1, of a character."""
        return bisect_right(self._breaks, at - 1) + 1

    def column(self, at: int) -> int:
        """Return the column, from 1, of a character in its line."""
        line = self.line(at)
        return at - (self._breaks[line - 2] + 1 if line > 1 else 0) + 1

    def byte(self, at: int) -> int:
        """Return the offset in the file of a character."""
        if self._ascii:
            return at
        step = at // _STEP
        piece = self._raw[step * _STEP : at]
        return self._checkpoints[step] + len(piece.encode("utf-8", "surrogateescape"))

    def span(self, start: int, end: int) -> Span:
        """Return the bytes of a range of characters."""
        return Span(self.byte(start), self.byte(end))


def _shown(raw: str) -> str:
    """Replace lone surrogates, which no further reader accepts, one for one."""
    return raw.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
