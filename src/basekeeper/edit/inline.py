"""Finds the bytes of an inline Dockerfile in the file around it.

The reader of the outer file gives only the text of the document, so its lines are looked for
again: a line of a block scalar or heredoc is one line of the outer file with a margin before it.
Text that was folded, escaped or indented otherwise is not found, and then is not edited.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from basekeeper.dockerfile.model import ImageUse
    from basekeeper.values.use import SourceFile, Span, Supplier, Use

_DOUBLED: Final = (re.compile(rb"(?!)"), re.compile(rb"\$"), re.compile(rb"\$(?=\{)"))
"""Dollars that are written twice: none of them, all (Compose), those before a brace (HCL)."""


class Supply(NamedTuple):
    """A value that a reference is put together of, by the file that can be opened."""

    name: str
    path: str
    span: Span | None
    """None: its bytes are not known."""
    is_argument: bool
    """Whether it is given from outside the document, so that no ARG default counts."""


class Found(NamedTuple):
    """A use in an inline document, by the bytes of the document."""

    span: Span
    supplies: tuple[Supply, ...]
    """Those that are no arguments have spans of the document too."""


def supplies_of(use: Use) -> tuple[Supply, ...]:
    """List what supplied a use of a document that is a file of its own."""
    return tuple(
        Supply(
            each.name, each.path, each.span, is_argument=each.path != use.path or each.span is None
        )
        for each in use.supplied_by
    )


class Inline:
    """The uses of one inline document, and where its bytes stand."""

    def __init__(self, file: SourceFile, data: bytes) -> None:
        """Index a document.

        Args:
            file: The inline document.
            data: The file around it.
        """
        self._path = file.path
        self.data = file.document.data if file.document is not None else b""
        self.outer = OuterBytes(self.data, data, file.first_line)
        self._images = {
            (image.line + file.first_line - 1, image.via, image.raw, image.reference_text): image
            for plan in reversed(file.plans)
            for image in plan.build.images
        }

    def find(self, use: Use) -> Found | None:
        """Find a use by the bytes of the document; None where it is not there."""
        image = self._images.get((use.line, use.via, use.raw, use.text))
        if image is None:
            return None
        outer = self._path.partition("#")[0]
        own = [Supply(each.name, outer, each.span, is_argument=False) for each in image.supplied_by]
        given = [_argument(each, self._path) for each in _given(use.supplied_by, image)]
        return Found(image.span, (*own, *given))


def _given(suppliers: Iterable[Supplier], image: ImageUse) -> list[Supplier]:
    """Leave those suppliers that are arguments; they come after the ARG defaults."""
    return list(suppliers)[len(image.supplied_by) :]


def _argument(supplier: Supplier, path: str) -> Supply:
    outer = supplier.path if supplier.path != path else ""
    return Supply(supplier.name, outer, supplier.span, is_argument=True)


class OuterBytes:
    """Where the bytes of an inline document stand in the file around it."""

    def __init__(self, inner: bytes, outer: bytes, first_line: int) -> None:
        """Compare line by line.

        Args:
            inner: The document.
            outer: The file around it.
            first_line: Line of the outer file on which the document begins, from 1.
        """
        self._starts = _starts(inner)
        self._lines = inner.split(b"\n")
        self._outer_starts = _starts(outer)
        self._outer_lines = outer.split(b"\n")
        self._first = first_line - 1
        self._known: dict[int, list[int]] = {}

    def place(self, offset: int) -> int | None:
        """Return the offset in the outer file of a byte of the document; None: it is not known."""
        number = bisect_right(self._starts, offset) - 1
        if number not in self._known:
            self._known[number] = self._matched(number)
        places = self._known[number]
        at = offset - self._starts[number]
        return places[at] if at < len(places) else None

    def _matched(self, number: int) -> list[int]:
        """Map one line, which in the outer file has a margin, and some dollars doubled."""
        at = number + self._first
        if at >= len(self._outer_lines):
            return []
        line, whole = self._lines[number].rstrip(b"\r"), self._outer_lines[at].rstrip(b"\r")
        for doubled in _DOUBLED:
            marks = [*(found.start() for found in doubled.finditer(line)), len(line)]
            parts = [line[one:other] for one, other in pairwise([0, *marks])]
            written = b"$".join(parts)
            margin = whole[: len(whole) - len(written)]
            if whole.endswith(written) and not margin.strip():
                start = self._outer_starts[at] + len(margin)
                return [start + each + bisect_right(marks, each) for each in range(len(line))]
        return []


def _starts(data: bytes) -> list[int]:
    """Return where each line begins."""
    return [0, *(found.end() for found in re.finditer(b"\n", data))]
