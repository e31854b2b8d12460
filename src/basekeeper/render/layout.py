"""Measures and fits text for a terminal: columns, wrapping, and names too long for their place.

Text must be `safe.visible` before it comes here: widths of control characters mean nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from basekeeper.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

MIN_WIDTH: Final = 40
"""Narrowest layout, in columns; a terminal below that wraps by itself."""

MAX_WIDTH: Final = 120
"""Widest layout, in columns: longer lines are hard to read."""

PIPED_WIDTH: Final = 80
"""Columns where the output is no terminal: a log viewer, a file, a mail."""

_DIGEST: Final = re.compile(r"(@[a-z0-9+._-]+:[0-9a-f]{12})[0-9a-f]{4,}$")
_ANY_DIGEST: Final = re.compile(r"(sha(?:256|512):[0-9a-f]{12})[0-9a-f]{4,128}\b", re.ASCII)
_SHORT: Final = re.compile(r"@[a-z0-9+._-]+:[0-9a-f]{12}(?:…|\.\.)$")
_HUB: Final = re.compile(r"^(?:index\.)?docker\.io/(?:library/)?")

_CODES: Final = {
    "bold": "1",
    "dim": "2",
    "error": "1;31",
    "warning": "33",
    "note": "36",
    "good": "32",
    "path": "1;4",
    "remedy": "32",
    "preferred": "32",
    "permitted": "32",
    "restricted": "33",
    "prohibited": "31",
}
"""Role of a text → parameters of the terminal's colour sequence (ECMA-48, section 8.3.117)."""


@dataclass(frozen=True, slots=True)
class Style:
    """How text may look where it goes."""

    width: int = PIPED_WIDTH
    """Columns of a line."""
    colour: bool = False
    unicode: bool = True
    """False where the output's encoding is not one of Unicode's: signs are replaced by ASCII."""

    def paint(self, text: str, role: str) -> str:
        """Colour a text by its role; unchanged where there is no colour or nothing to colour."""
        if not self.colour or not text:
            return text
        return f"\x1b[{_CODES[role]}m{text}\x1b[0m"

    def sign(self, sign: str, plain: str) -> str:
        """Choose between a sign and its ASCII form."""
        return sign if self.unicode else plain

    @property
    def ellipsis(self) -> str:
        """What stands for text left out."""
        return self.sign("…", "..")

    @property
    def dot(self) -> str:
        """What stands between the parts of a line."""
        return self.sign("·", "-")


def clamp_width(columns: int) -> int:
    """Fit a terminal's width into what the layout can use."""
    return min(max(columns, MIN_WIDTH), MAX_WIDTH)


def width_of(text: str) -> int:
    """Count the columns that a text takes: two for wide characters, none for combining ones."""
    if text.isascii():
        return len(text)
    return sum(map(_columns, text))


def pad(text: str, width: int) -> str:
    """Fill with spaces up to `width` columns."""
    return text + " " * max(width - width_of(text), 0)


def wrap(text: str, width: int) -> list[str]:
    """Break text at spaces into lines of at most `width` columns; longer words are cut.

    Returns at least one line.
    """
    lines: list[str] = []
    line, room = "", width
    for word in text.split():
        for piece in _pieces(word, width):
            size = width_of(piece)
            if line and size + 1 > room:
                lines.append(line)
                line, room = piece, width - size
            else:
                line, room = (f"{line} {piece}", room - size - 1) if line else (piece, room - size)
    return [*lines, line] if line or not lines else lines


def short_digest(text: str, ellipsis: str = "…") -> str:
    """Shorten the digest at the end of an image's name to as much as people compare."""
    return _DIGEST.sub(rf"\1{ellipsis}", text)


def short_digests(text: str, ellipsis: str = "…") -> str:
    """Shorten every digest in a sentence."""
    return _ANY_DIGEST.sub(rf"\1{ellipsis}", text)


def brief_image(text: str, ellipsis: str = "…") -> str:
    """Leave of an image's name what people say: no registry that all suppose, no digest."""
    return _SHORT.sub(f"@{ellipsis}", _HUB.sub("", short_digest(text, ellipsis)))


def fit_image(text: str, width: int, ellipsis: str = "…") -> str:
    """Fit an image's name into `width` columns; what identifies it stays.

    The digest is shortened first, then the registry left out that everybody supposes, then the
    digest. Then the middle goes: the registry's beginning and the end of the path with the tag
    stay, for these tell two images apart.
    """
    if width_of(text) <= width:
        return text
    short = short_digest(text, ellipsis)
    for shorter in (short, _HUB.sub("", short)):
        if width_of(shorter) <= width:
            return shorter
    text = brief_image(text, ellipsis)
    return fit_middle(text, width, ellipsis, head=width // 3)


def fit_middle(text: str, width: int, ellipsis: str = "…", *, head: int | None = None) -> str:
    """Cut the middle of a text so that it takes at most `width` columns.

    Args:
        text: What to fit.
        width: Columns there are.
        ellipsis: What stands for the part left out.
        head: Columns to keep of the beginning; half of them by default.
    """
    if width_of(text) <= width:
        return text
    room = max(width - len(ellipsis), 2)
    before = min(room // 2 if head is None else head, room - 1)
    return f"{_take(text, before)}{ellipsis}{_take(text[::-1], room - before)[::-1]}"


def fit_end(text: str, width: int, ellipsis: str = "…") -> str:
    """Cut the end of a text so that it takes at most `width` columns."""
    if width_of(text) <= width:
        return text
    return _take(text, max(width - len(ellipsis), 1)) + ellipsis


def table(rows: list[tuple[str, ...]], *, gap: int = 2, indent: int = 0) -> list[str]:
    """Align rows into columns; every row has as many cells, the last may be of any width."""
    if not rows:
        return []
    widths = [max(width_of(row[index]) for row in rows) for index in range(len(rows[0]) - 1)]
    margin = " " * indent
    lines = []
    for row in rows:
        cells = [pad(cell, width + gap) for cell, width in zip(row, widths, strict=False)]
        lines.append((margin + "".join(cells) + row[-1]).rstrip())
    return lines


def _take(text: str, width: int) -> str:
    """Take the longest beginning that fits."""
    used = 0
    for index, char in enumerate(text):
        used += _columns(char)
        if used > width:
            return text[:index]
    return text


def _pieces(word: str, width: int) -> Iterator[str]:
    """Cut one word that is wider than a line."""
    while width_of(word) > width:
        piece = _take(word, width) or word[0]
        yield piece
        word = word[len(piece) :]
    if word:
        yield word


def _columns(char: str) -> int:
    """Count the columns of one character (Unicode Standard Annex 11)."""
    if char.isascii():
        return 1
    import unicodedata  # noqa: PLC0415  # a large table, needed for few names

    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
