"""Reads the FROM lines of a file: its stages, and what each stands on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.dockerfile.instruction import Instruction
from basekeeper.dockerfile.text import readable
from basekeeper.values.use import Span

if TYPE_CHECKING:
    from basekeeper.dockerfile.scan import Layout

STAGE_NAME = re.compile(r"[a-z][a-z0-9_.-]*")
_NAMED_WORDS: Final = 3

_PLAIN_FROM = re.compile(
    r"[A-Za-z]{4}[ \t]++(?:--platform=([^\s\\`'\"\x80-\xff]++)[ \t]++)?"
    r"([^\s\\`'\"\x80-\xff-][^\s\\`'\"\x80-\xff]*+)"
    r"(?:[ \t]++[Aa][Ss][ \t]++([A-Za-z][A-Za-z0-9_.-]*+))?[ \t]*+\r?+(?:\n|\Z)"
)
"""A FROM on one line without quotes and escapes: nearly all of them."""


class FromLine(NamedTuple):
    """A FROM instruction as it is written."""

    instruction: int
    """Number of the instruction in the file."""
    line: int
    end_line: int
    word: str
    """The base as written; empty where there is none."""
    span: Span
    name: str | None
    platform: str | None
    problem: str | None = None
    """Why the builder would refuse the instruction by its form."""


def read_from(layout: Layout, index: int) -> FromLine:
    """Read one FROM instruction."""
    start, end = layout.starts[index], layout.ends[index]
    line = layout.line_of(start)
    plain = _PLAIN_FROM.fullmatch(layout.text, start, end)
    if plain is not None:
        platform, word, name = plain.groups()
        name = name.lower() if name else None
        return FromLine(index, line, line, word, Span(*plain.span(2)), name, platform)
    return _read_slowly(Instruction(layout, index), line)


def _read_slowly(instruction: Instruction, line: int) -> FromLine:
    pieces = instruction.pieces()
    words = [readable(piece.text) for piece in pieces]
    name, problem = None, None
    if len(words) == _NAMED_WORDS and words[1].casefold() == "as":
        name = words[2].lower()
        if STAGE_NAME.fullmatch(name) is None:
            problem = f"{words[2]!r} cannot name a stage"
    elif len(words) != 1:
        problem = "FROM takes an image, or an image, AS and a name"
    flag = instruction.flag("platform")
    at = instruction.command.end
    first = instruction.joined.span(*(pieces[0][1:] if pieces else (at, at)))
    return FromLine(
        instruction.index,
        line,
        instruction.end_line,
        words[0] if words else "",
        first,
        name,
        flag.value or None if flag is not None else None,
        problem,
    )
