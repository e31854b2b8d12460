"""Heredocs: which words open one, and where it ends."""

from __future__ import annotations

import re
from typing import Final

from basekeeper.dockerfile.lexer import LexError, split_raw, unquoted_words
from basekeeper.dockerfile.words import read_json, split_command
from basekeeper.records import dataclass

_OPENING = re.compile(r"(\d*)<<(-?)[\t\n\f\r ]*([^<]*)", re.ASCII)
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_]++")
_QUOTES: Final = "'\""
_HOLDERS: Final = frozenset({"RUN", "COPY", "ADD"})


@dataclass(frozen=True, slots=True)
class HeredocWord:
    """A word that opens a heredoc: `[descriptor]<<[-]NAME`, the name quoted or not."""

    name: str
    """The line that ends it, quotes removed; bytes decoded one to one."""
    descriptor: int
    chomp: bool
    """`<<-`: tabs at the start of lines are dropped, also before the name that ends it."""
    expand: bool
    """No part of the name is quoted: variables in the body are expanded."""


def can_hold_heredoc(line: str, escape: str) -> bool:
    """Tell whether an instruction may open heredocs: RUN, COPY, ADD, or ONBUILD of one of them.

    In the JSON form none may.
    """
    command = split_command(line, escape)
    if command.keyword.upper() == "ONBUILD":
        command = split_command(command.text, escape)
    return command.keyword.upper() in _HOLDERS and read_json(command.text)[0] is None


def heredoc_words(line: str) -> list[HeredocWord]:
    """Find the words of a logical line that open heredocs, in order.

    A line that cannot be split into words opens none.
    """
    try:
        words = split_raw(line)
    except LexError:
        return []
    return [word for word in map(heredoc_word, words) if word is not None]


def heredoc_word(word: str) -> HeredocWord | None:
    """Read one word; None where it opens no heredoc."""
    found = _OPENING.fullmatch(word)
    if found is None or not found[3]:
        return None
    written = found[3]
    names = [written] if _PLAIN_NAME.fullmatch(written) else _unquoted(written)
    if len(names) != 1:
        return None
    name = names[0]
    quoted = sum(written.count(quote) for quote in _QUOTES)
    kept = sum(name.count(quote) for quote in _QUOTES)
    return HeredocWord(name, int(found[1] or 0), found[2] == "-", quoted == kept)


def _unquoted(name: str) -> list[str]:
    try:
        return unquoted_words(name)
    except LexError:
        return []


def find_end(text: str, start: int, word: HeredocWord) -> tuple[int, int] | None:
    """Find the line that ends a heredoc whose body starts at `start`.

    Returns:
        Where the body ends and where the line after it starts; None where no line ends it.
    """
    name, size = word.name, len(text)
    if name.endswith("\r"):
        return None  # line ends are dropped before a line is compared
    position = start
    while (found := text.find(name, position)) >= 0:
        line = text.rfind("\n", start, found) + 1 or start
        end = text.find("\n", found)
        after = size if end < 0 else end + 1
        before = text[line:found]
        if not (before.lstrip("\t") if word.chomp else before) and not text[
            found + len(name) : after
        ].rstrip("\r\n"):
            return line, after
        position = after
    return None
