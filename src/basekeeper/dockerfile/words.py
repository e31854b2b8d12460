"""Cuts a logical line into keyword, flags and words.

The line is text decoded one to one from bytes; positions are indices in it.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Final, NamedTuple

from basekeeper.dockerfile.text import WIDE_SPACE, readable, skip_space, trim_end

_SEPARATOR = re.compile(r"[\t\v\f\r ]+")
_FIELD = re.compile(r"[^\t\v\f\r ]+")
_FLAG_SPACE: Final = "\t\n\v\f\r \x85\xa0"
"""The builder looks for the end of a flag byte by byte, so two bytes count as white space here
that inside UTF-8 may be part of a letter."""
_NO_FLAG_SPACE = re.compile(rf"[{_FLAG_SPACE}]*+")
# A possessive group ends in `(?!)`, so that a pass that fails moves nothing (Python below 3.11.5).
_JSON_STRING = re.compile(r'"(?:[^"\\]++|\\.|(?!))*+"', re.DOTALL)


class Piece(NamedTuple):
    """Part of a logical line."""

    text: str
    start: int
    end: int


class Command(NamedTuple):
    """A logical line, cut up."""

    keyword: str
    """As written."""
    flags: tuple[Piece, ...]
    """Words that start with `--`, quotes and escapes removed; positions are those as written."""
    line: str
    start: int
    """Where the arguments start, flags left out."""
    end: int

    @property
    def text(self) -> str:
        """The arguments, without flags and outer white space."""
        return self.line[self.start : self.end]


def split_command(line: str, escape: str, start: int = 0) -> Command:
    """Cut a logical line, from `start` on, into keyword, flags and the rest."""
    start = skip_space(line, start, len(line))
    end = trim_end(line, start, len(line))
    separator = _SEPARATOR.search(line, start, end)
    if separator is None:
        return Command(line[start:end], (), line, end, end)
    keyword = line[start : separator.start()]
    flags, start = _split_flags(line, separator.end(), end, escape)
    start = skip_space(line, start, end)
    return Command(keyword, flags, line, start, trim_end(line, start, end))


def _split_flags(line: str, start: int, end: int, escape: str) -> tuple[tuple[Piece, ...], int]:
    """Read the words that start with `--`; return them and where the first other word starts."""
    flags: list[Piece] = []
    while True:
        start = _NO_FLAG_SPACE.match(line, start, end).end()  # type: ignore[union-attr]  # empty
        if not line.startswith("--", start, end):
            return tuple(flags), start
        text, after = _read_flag(line, start, end, escape)
        if text == "--":
            return tuple(flags), after
        flags.append(Piece(text, start, after))
        start = after


@cache
def _flag_plain(escape: str) -> re.Pattern[str]:
    return re.compile(rf"[^{_FLAG_SPACE}'\"{re.escape(escape)}]+")


@cache
def _quoted_plain(escape: str, quote: str) -> re.Pattern[str]:
    return re.compile(rf"[^{quote}{re.escape(escape)}]+")


def _read_flag(line: str, at: int, end: int, escape: str) -> tuple[str, int]:
    """Read one flag; the escape character works inside both kinds of quotes."""
    parts: list[str] = []
    quote = ""
    while at < end:
        plain = _quoted_plain(escape, quote) if quote else _flag_plain(escape)
        found = plain.match(line, at, end)
        if found is not None:
            parts.append(found[0])
            at = found.end()
            continue
        character = line[at]
        if character == escape:
            parts.append(line[at + 1 : at + 2] if at + 1 < end else "")
            at += 2
            continue
        if not quote and character in _FLAG_SPACE:
            break
        quote = "" if quote else character
        at += 1
    return "".join(parts), min(at, end)


def split_fields(command: Command) -> list[Piece]:
    """Split the arguments at white space, also inside quotes: FROM, COPY, EXPOSE."""
    found = _FIELD.finditer(command.line, command.start, command.end)
    return [Piece(word[0], word.start(), word.end()) for word in found]


@cache
def _word_pattern(escape: str) -> re.Pattern[str]:
    mark = re.escape(escape)
    space = rf"[\t\n\v\f\r ]|{WIDE_SPACE}"
    return re.compile(
        rf"(?:{space}|(?!))*+((?:(?!{space})(?:[^\t\n\v\f\r '\"{mark}\x80-\xff]++|[\x80-\xff]"
        rf"|{mark}(?:.|\Z)|'[^']*+(?:'|\Z)|\"(?:[^\"{mark}]++|{mark}(?:.|\Z)|(?!))*+(?:\"|\Z))|(?!))++)",
        re.DOTALL,
    )


def split_quoted(command: Command, escape: str) -> list[Piece]:
    """Split the arguments at white space that no quote or escape protects: ARG, ENV, LABEL.

    Quotes and escapes stay; an escape character at the very end is dropped.
    """
    pieces: list[Piece] = []
    for word in _word_pattern(escape).finditer(command.line, command.start, command.end):
        start, end = word.span(1)
        text = word[1]
        if end == command.end and _ends_escaped(text, escape):
            text, end = text[:-1], end - 1
        if text:
            pieces.append(Piece(text, start, end))
    return pieces


def _ends_escaped(text: str, escape: str) -> bool:
    """Tell whether the last character is an escape character that escapes nothing."""
    if not text.endswith(escape):
        return False
    run = len(text) - len(text.rstrip(escape))
    return run % 2 == 1 and text.count("'") % 2 == 0


def read_json(text: str) -> tuple[list[str] | None, bool]:
    """Read arguments in the form of a JSON array.

    Returns:
        The strings, or None where the arguments are no JSON array; and whether they are an array
        that holds something other than strings, for which the builder refuses the file.
    """
    if not text.startswith("["):
        return None, False
    try:
        values = json.loads(readable(text), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None, False
    if all(isinstance(value, str) for value in values):
        return [_as_bytes(value) for value in values], False
    return None, True


def _as_bytes(text: str) -> str:
    """Give text the form that the line has: its UTF-8, decoded one to one."""
    if text.isascii():
        return text
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole.encode().decode("latin-1")


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def json_pieces(command: Command, values: list[str]) -> list[Piece]:
    """Give the elements of a JSON array the places of their strings, quotes included."""
    found = _JSON_STRING.finditer(command.line, command.start, command.end)
    return [
        Piece(value, word.start(), word.end()) for value, word in zip(values, found, strict=False)
    ]
