"""Finds the bytes of an inline Dockerfile in the file around it.

The reader of the outer file gives only the text of the document, so its lines are looked for
again: a line of a block scalar or heredoc is one line of the outer file with a margin before it.
Text that was folded, escaped or indented otherwise is not found, and then is not edited.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from basekeeper.values.use import Span

if TYPE_CHECKING:
    from collections.abc import Iterable

    from basekeeper.dockerfile.model import ImageUse
    from basekeeper.values.use import SourceFile, Supplier, Use


class Supply(NamedTuple):
    """A value that a reference is put together of, by the file that can be opened."""

    name: str
    path: str
    span: Span | None
    """None: its bytes are not known."""
    is_argument: bool
    """Whether it is given from outside the document, so that no ARG default counts."""


class Found(NamedTuple):
    """Where a use of an inline document stands in the outer file."""

    span: Span | None
    supplies: tuple[Supply, ...]


def supplies_of(use: Use) -> tuple[Supply, ...]:
    """List what supplied a use of a document that is a file of its own."""
    return tuple(
        Supply(
            each.name, each.path, each.span, is_argument=each.path != use.path or each.span is None
        )
        for each in use.supplied_by
    )


def find_inline(file: SourceFile, use: Use, data: bytes) -> Found:
    """Find a use of an inline document.

    Args:
        file: The inline document.
        use: One of its uses.
        data: The outer file.
    """
    image = _image_of(file, use)
    if image is None or file.document is None:
        return Found(None, ())
    lines = _Lines(file.document.data, data, file.first_line)
    outer = file.path.partition("#")[0]
    own = [
        Supply(each.name, outer, lines.outer(each.span), is_argument=False)
        for each in image.supplied_by
    ]
    given = [_argument(each, file.path) for each in _given(use.supplied_by, image)]
    return Found(lines.outer(image.span), (*own, *given))


def _given(suppliers: Iterable[Supplier], image: ImageUse) -> list[Supplier]:
    """Leave those suppliers that are arguments; they come after the ARG defaults."""
    return list(suppliers)[len(image.supplied_by) :]


def _argument(supplier: Supplier, path: str) -> Supply:
    outer = supplier.path if supplier.path != path else ""
    return Supply(supplier.name, outer, supplier.span, is_argument=True)


def _image_of(file: SourceFile, use: Use) -> ImageUse | None:
    """Find what discovery made a use of."""
    for plan in file.plans:
        for image in plan.build.images:
            same = image.via is use.via and image.raw == use.raw
            here = image.line + file.first_line - 1 == use.line
            if same and here and image.reference_text == use.text:
                return image
    return None


class _Lines:
    """The lines of a document and of the file around it."""

    def __init__(self, inner: bytes, outer: bytes, first_line: int) -> None:
        self.inner = inner
        self.lines = [line + b"\n" for line in outer.split(b"\n")]
        self.first_line = first_line

    def outer(self, span: Span) -> Span | None:
        """Return the bytes of the outer file for bytes of the document on one line."""
        number = self.inner.count(b"\n", 0, span.start)
        start = self.inner.rfind(b"\n", 0, span.start) + 1
        end = self.inner.find(b"\n", span.start)
        line = self.inner[start : end if end >= 0 else len(self.inner)].rstrip(b"\r")
        at = number + self.first_line - 1
        if span.start == span.end or span.end > start + len(line) or at >= len(self.lines):
            return None
        whole = self.lines[at].rstrip(b"\r\n")
        margin = whole[: len(whole) - len(line)]
        if not whole.endswith(line) or margin.strip():
            return None
        offset = sum(map(len, self.lines[:at])) + len(margin) - start
        return Span(span.start + offset, span.end + offset)
