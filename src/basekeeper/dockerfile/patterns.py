"""Shell patterns in `${name#pattern}` and `${name/pattern/text}`, without backtracking.

`*` is any run of characters, `?` one character, and a backslash makes `*`, `?` and itself plain.
There are no brackets. A pattern is cut at its stars into pieces without them; pieces are found one
after the other, which takes time in proportion to value times piece at worst.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from basekeeper.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_PATTERN: Final = 1024
"""Characters of a pattern; with a value of 64 Ki characters that is work of some tens of
milliseconds, which is paid for from the budget of the build."""

_TEMPLATE = re.compile(r"\$(?:\$|\{(\w+)\}|(\w+))")


class PatternError(ValueError):
    """A pattern that the builder would refuse, or that is too long for us (`limit`)."""

    def __init__(self, message: str, *, limit: bool = False) -> None:
        """Keep whether it is a limit of ours."""
        super().__init__(message)
        self.limit = limit


@dataclass(frozen=True, slots=True)
class _Piece:
    """Part of a pattern between stars."""

    text: str
    wild: tuple[int, ...]
    """Positions of the text that stand for any character."""

    def regex(self) -> re.Pattern[str]:
        parts = ["." if at in self.wild else re.escape(c) for at, c in enumerate(self.text)]
        return re.compile("".join(parts))


class _Finder:
    """Finds one piece in one value."""

    __slots__ = ("_pattern", "_text", "size")

    def __init__(self, piece: _Piece) -> None:
        self._text = piece.text
        self._pattern = piece.regex() if piece.wild else None
        self.size = len(piece.text)

    def at(self, value: str, start: int) -> bool:
        if self._pattern is None:
            return value.startswith(self._text, start)
        return self._pattern.match(value, start) is not None

    def first(self, value: str, start: int) -> int:
        if self._pattern is None:
            return value.find(self._text, start)
        found = self._pattern.search(value, start)
        return found.start() if found is not None else -1

    def last(self, value: str, start: int) -> int:
        if self._pattern is None:
            return value.rfind(self._text, start)
        places = range(len(value) - self.size, start - 1, -1)
        return next((place for place in places if self.at(value, place)), -1)


def _pieces(pattern: str) -> list[_Piece]:
    """Cut a pattern at its stars; n stars make n + 1 pieces, any of which may be empty."""
    if len(pattern) > MAX_PATTERN:
        raise PatternError(f"the pattern is longer than {MAX_PATTERN} characters", limit=True)
    pieces: list[_Piece] = []
    text: list[str] = []
    wild: list[int] = []
    at = 0
    while at < len(pattern):
        character = pattern[at]
        at += 1
        if character == "*":
            pieces.append(_Piece("".join(text), tuple(wild)))
            text, wild = [], []
            continue
        if character == "?":
            wild.append(len(text))
        elif character == "\\":
            character = pattern[at : at + 1]
            at += 1
            if not character or character not in "*?\\}/":
                raise PatternError(f"the pattern {pattern!r} has an escape without meaning")
        text.append(character)
    pieces.append(_Piece("".join(text), tuple(wild)))
    return pieces


def _match_end(finders: list[_Finder], value: str, start: int, *, longest: bool) -> int:
    """Match all pieces, the first one exactly at `start`; return the end, or -1."""
    if not finders[0].at(value, start):
        return -1
    end = start + finders[0].size
    for finder in finders[1:-1]:
        place = finder.first(value, end)
        if place < 0:
            return -1
        end = place + finder.size
    if len(finders) == 1:
        return end
    final = finders[-1]
    place = final.last(value, end) if longest else final.first(value, end)
    return place + final.size if place >= 0 else -1


def _reversed_pattern(pattern: str) -> str:
    """Turn a pattern round, every escape staying before its character."""
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    return "".join(reversed(parts))


def trim_match(
    value: str, pattern: str, *, longest: bool, suffix: bool, spend: Callable[[int], None]
) -> str:
    """Cut off the shortest or longest start (or end) of a value that matches a pattern.

    Raises:
        PatternError: When the pattern is malformed or too long.
    """
    if suffix:
        turned = trim_match(
            value[::-1], _reversed_pattern(pattern), longest=longest, suffix=False, spend=spend
        )
        return turned[::-1]
    pieces = _pieces(pattern)
    spend(_cost(value, pieces))
    end = _match_end([_Finder(piece) for piece in pieces], value, 0, longest=longest)
    return value[end:] if end >= 0 else value


def replace_matches(
    value: str, pattern: str, replacement: str, *, every: bool, spend: Callable[[int], None]
) -> str:
    """Replace the first or every longest match of a pattern.

    Raises:
        PatternError: When the pattern is malformed or too long.
    """
    pieces = _pieces(pattern)
    spend(_cost(value, pieces))
    finders = [_Finder(piece) for piece in pieces]
    parts: list[str] = []
    position, copied = 0, 0
    while position <= len(value):
        start = finders[0].first(value, position) if finders[0].size else position
        end = _match_end(finders, value, start, longest=True) if start >= 0 else -1
        if end < 0:
            break
        if end > start or start != copied or not parts:
            new = _filled(replacement, value[start:end]) if every else replacement
            spend(len(new))
            parts += (value[copied:start], new)
            copied = end
        if not every:
            break
        position = end if end > start else end + 1
    return "".join(parts) + value[copied:]


def _filled(replacement: str, match: str) -> str:
    """Fill `$0` into a replacement: with `//`, the builder reads it as a template."""
    if "$" not in replacement:
        return replacement

    def fill(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        return match if (found[1] or found[2]) == "0" else ""

    return _TEMPLATE.sub(fill, replacement)


def _cost(value: str, pieces: list[_Piece]) -> int:
    """Estimate the work in characters; wild pieces are compared place by place."""
    wild = sum(len(piece.text) for piece in pieces if piece.wild)
    return len(value) * (1 + len(pieces) // 16 + wild // 4)
