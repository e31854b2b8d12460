"""Replacements in files that are not written yet: kept in the order of their places, undoable."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from basekeeper.edit.trace import Piece
    from basekeeper.edit.wanted import Hunk


class Patch(NamedTuple):
    """Bytes of one file, and what stands in their place afterwards."""

    path: str
    start: int
    end: int
    new: bytes
    name: str | None
    """The ARG, argument or variable whose value it is part of; None: the reference itself."""

    def clashes(self, other: Patch) -> bool:
        """Tell whether two patches cannot both be made."""
        if self.path != other.path or self[:4] == other[:4]:
            return False
        if self.start == self.end or other.start == other.end:
            return self.start <= other.end and other.start <= self.end
        return self.start < other.end and other.start < self.end


def apply(data: bytes, patches: Iterable[Patch]) -> bytes:
    """Return a file with patches of it made; equal ones count once."""
    parts: list[bytes] = []
    at = 0
    for patch in ordered(patches):
        parts += (data[at : patch.start], patch.new)
        at = patch.end
    return b"".join([*parts, data[at:]])


def ordered(patches: Iterable[Patch]) -> list[Patch]:
    """Sort patches of one file by place; equal ones count once."""
    return sorted({patch[:4]: patch for patch in patches}.values())


def origin(place: int, patches: Sequence[Patch]) -> int | None:
    """Return where a byte of the new file was in the old one; None: it is new.

    Args:
        place: Offset in the new file.
        patches: Those of the file, in order.
    """
    shift = 0
    for patch in patches:
        start = patch.start + shift
        if place < start:
            break
        if place < start + len(patch.new):
            return None
        shift += len(patch.new) - (patch.end - patch.start)
    return place - shift


class Blocked(Exception):  # noqa: N818  # a reason that travels, not a failure of the program
    """A step would change characters that cannot be edited."""

    def __init__(self, reason: str, hint: str | None = None) -> None:
        """Say why, and what to do."""
        super().__init__(reason)
        self.reason = reason
        self.hint = hint


def patches_of(hunk: Hunk, pieces: Sequence[Piece]) -> list[Patch]:
    """Turn a step on the text of a reference into patches of the value that it comes from.

    Several patches come of one step where a line is continued inside the value.

    Raises:
        Blocked: What changes cannot be edited, or belongs to several values.
    """
    touched = _touched(hunk, pieces)
    locked = next((piece for piece, _, _ in touched if piece.source is None), None)
    if locked is not None:
        raise Blocked(locked.locked or "it cannot be followed to its bytes", locked.hint)
    if len(touched) > 1:
        sources = [piece.source for piece, _, _ in touched if piece.source is not None]
        names = list(dict.fromkeys(each.name or "the reference itself" for each in sources))
        twice = ", more than once" if len(names) == 1 else ""
        reason = f"the part that changes is put together of {' and '.join(names)}{twice}"
        raise Blocked(reason, "edit it by hand")
    (piece, first, last) = touched[0]
    return _patches(piece, first, last, hunk.new.encode("ascii", "replace"))


def _touched(hunk: Hunk, pieces: Sequence[Piece]) -> list[tuple[Piece, int, int]]:
    """Find the pieces that a step changes, and which characters of each.

    What is added between two pieces belongs to the first, whose end it extends.
    """
    found: list[tuple[Piece, int, int]] = []
    at = 0
    for piece in pieces:
        size = len(piece.text or "")
        first, last = max(hunk.start - at, 0), min(hunk.end - at, size)
        extends = hunk.start == hunk.end and 0 < hunk.start - at <= size
        if size and (first < last or extends):
            found.append((piece, first, last))
        at += size
    if not found:
        found = [(piece, 0, 0) for piece in pieces if piece.text][:1]
    if not found:
        raise Blocked("there is nothing to edit")
    return found


def _patches(piece: Piece, first: int, last: int, new: bytes) -> list[Patch]:
    """Replace characters of one piece; bytes between them, which join lines, stay."""
    source, places = piece.source, piece.places
    assert source is not None  # noqa: S101  # the caller refused what has none
    if first == last:
        at = places[first - 1] + 1 if first else places[0]
        return [Patch(source.path, at, at, new, source.name)]
    runs: list[tuple[int, int]] = []
    for place in places[first:last]:
        if runs and runs[-1][1] == place:
            runs[-1] = (runs[-1][0], place + 1)
        else:
            runs.append((place, place + 1))
    texts = [new, *[b""] * (len(runs) - 1)]
    return [
        Patch(source.path, start, end, text, source.name)
        for (start, end), text in zip(runs, texts, strict=True)
    ]
