"""Shell text to simple commands, and words to what they expand to.

This is no shell. It knows quoting, separators, redirections, comments and plain variables, which
is what lists of packages are written with. Loops and conditions read as if every line ran once, in
order. What only a running shell could know (`$(…)`, positional parameters, arrays) expands to
`DYNAMIC`, never to nothing. One pass, linear in the length of the text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Command = tuple[str, ...]
"""The words of one simple command, as written: quotes and variables included."""

DYNAMIC: Final = "\0"
"""Stands in an expanded word for what cannot be known without running the shell."""

MAX_EXPANSION_CHARS: Final = 16_384
"""Longest text that expanding one word may give, in characters; what is longer is `DYNAMIC`.
Package lists stay below 10,000; the limit stops variables that double each other."""

_BLANK: Final = re.compile(r"(?:[ \t\r]|\\\r?\n)+")
_SEPARATOR: Final = re.compile(r"&&|\|\||;;|[;|&\n()]")
_COMMENT: Final = re.compile(r"#[^\n]*")
_REDIRECTION: Final = re.compile(r"[0-9]*(?:<<<|<<-?|>>|>\||>&|<&|<>|[<>])[ \t]*|&>>?[ \t]*")
_PLAIN: Final = re.compile(r"[^ \t\r\n;&|()<>'\"\\$`]+")
_NESTING: Final = re.compile(r"[\"'\\()`}]|\$[({]")
_VARIABLE: Final = re.compile(r"\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})")
_DEFAULT: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*):?-([^${}'\"\\`]*)\}")
_UNQUOTED: Final = re.compile(r"[^'\"\\$`]+")


def word_set(text: str) -> frozenset[str]:
    """Make a set of the words of a text: tables of names read best so."""
    return frozenset(text.split())


def commands(text: str) -> Iterator[Command]:
    """Yield the simple commands of a script, in order; redirections and comments are dropped."""
    words: list[str] = []
    at = 0
    while at < len(text):
        if blank := _BLANK.match(text, at):
            at = blank.end()
        elif comment := _COMMENT.match(text, at):
            at = comment.end()
        elif redirection := _REDIRECTION.match(text, at):
            at = _word_end(text, redirection.end())
        elif separator := _SEPARATOR.match(text, at):
            at = separator.end()
            if words:
                yield tuple(words)
                words = []
        else:
            end = _word_end(text, at)
            words.append(text[at:end])
            at = end
    if words:
        yield tuple(words)


def _word_end(text: str, at: int) -> int:
    """Find where the word that starts here ends."""
    while at < len(text):
        if plain := _PLAIN.match(text, at):
            at = plain.end()
        elif text.startswith(("\\\n", "\\\r\n"), at):
            at += 2 + (text[at + 1] == "\r")
        elif text[at] == "\\":
            at += 2
        elif text[at] in "\"'`$":
            at = _quoted_end(text, at)
        else:
            break
    return min(at, len(text))


def _quoted_end(text: str, at: int) -> int:
    """Find the end of a quoted text, a substitution or a variable, whatever nests inside it."""
    closers: list[str] = []
    while at < len(text):
        found = _NESTING.search(text, at) if closers else _opening(text, at)
        if found is None:
            return len(text) if closers else at + 1
        at = _step(text, found, closers)
        if not closers:
            return at
    return len(text)


def _opening(text: str, at: int) -> re.Match[str] | None:
    """Match the mark that opens a nesting at this very place; a lone dollar sign opens none."""
    found = _NESTING.match(text, at)
    return None if found is None or found[0] in "\\()}" else found


_CLOSER: Final = {'"': '"', "`": "`", "$(": ")", "(": ")", "${": "}"}


def _step(text: str, found: re.Match[str], closers: list[str]) -> int:
    """Follow one mark: an escape, an opening or a closing; return where reading goes on."""
    mark = found[0]
    inside = closers[-1] if closers else ""
    if mark == "\\":
        return found.end() + 1
    if mark == inside:
        closers.pop()
    elif mark == "'":
        if inside != '"':
            end = text.find("'", found.end())
            return len(text) if end < 0 else end + 1
    elif mark in _CLOSER and (mark != "(" or inside == ")"):
        closers.append(_CLOSER[mark])
    return found.end()


def expand(word: str, variables: Mapping[str, str]) -> str:
    """Remove the quotes of a word and put in its variables.

    What is not known becomes `DYNAMIC`: an unset variable may well be set when the image is built.
    """
    parts: list[str] = []
    size = at = 0
    double = False
    while at < len(word):
        part, at = _expanded(word, at, variables, double=double)
        if part is None:
            double = not double
            continue
        size += len(part)
        if size > MAX_EXPANSION_CHARS:
            return DYNAMIC
        parts.append(part)
    return "".join(parts)


def _expanded(
    word: str, at: int, variables: Mapping[str, str], *, double: bool
) -> tuple[str | None, int]:
    """Expand the piece that starts here; None for a double quote, which opens or closes."""
    mark = word[at]
    if mark == '"':
        return None, at + 1
    if mark == "'" and not double:
        end = word.find("'", at + 1)
        end = len(word) if end < 0 else end
        return word[at + 1 : end], end + 1
    if mark == "\\":
        skipped = re.compile(r"\\\r?\n").match(word, at)
        return ("", skipped.end()) if skipped else (word[at + 1 : at + 2], at + 2)
    if mark == "$":
        return _variable(word, at, variables)
    if mark == "`":
        return DYNAMIC, _quoted_end(word, at)
    if mark == "'":
        return mark, at + 1
    plain = _UNQUOTED.match(word, at)
    return (plain[0], plain.end()) if plain else (mark, at + 1)


def _variable(word: str, at: int, variables: Mapping[str, str]) -> tuple[str, int]:
    """Expand a variable: plain, or with a plain default."""
    if found := _VARIABLE.match(word, at):
        return variables.get(found[1] or found[2], DYNAMIC), found.end()
    if found := _DEFAULT.match(word, at):
        return variables.get(found[1], "") or found[2], found.end()
    if word[at + 1 : at + 2] in ("", " ", "/", '"', "'"):
        return "$", at + 1
    end = _quoted_end(word, at)
    return DYNAMIC, max(end, at + 2 if end == at + 1 else end)


def fields(words: Command, variables: Mapping[str, str]) -> tuple[str, ...]:
    """Expand words and split them at white space, as a shell does without quotes."""
    return tuple(field for word in words for field in expand(word, variables).split())
