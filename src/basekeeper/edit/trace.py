"""Tells for each character of a reference which byte of which file it comes from.

A reference may be put together of what stands behind FROM, of ARG defaults, and of arguments that
other files give. What cannot be followed (an operator, an escape, a value from the command line)
is a locked piece: it may stand in a reference, but is never edited. That a trace is right is not
taken on trust: its text must be the one that discovery found, and what is edited with its help is
read again.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.dockerfile.text import continuation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from basekeeper.values.use import Span

MAX_PIECES: Final = 1000
"""Pieces of one reference; a person puts it together of two or three."""

NOWHERE: Final = -1
"""The place of a character whose byte is not known."""

LOST: Final = "its bytes cannot be told from the text around it"
AS_BLOCK: Final = "write the Dockerfile as a block (`|`), or put it into a file of its own"

MAX_DEPTH: Final = 32
"""ARG defaults that name ARGs that name ARGs."""

_VARIABLE: Final = re.compile(r"\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)(:?-)?)")
_BRACED: Final = "${"


class Source(NamedTuple):
    """A value in a file whose bytes can be edited."""

    path: str
    """The file that holds it; of an inline Dockerfile the file around it."""
    span: Span
    name: str | None
    """The ARG, argument or variable; None for the reference itself."""


class Piece(NamedTuple):
    """Characters that stand next to each other in a reference and come from one value."""

    text: str | None
    """None: not known from its own bytes."""
    source: Source | None = None
    places: tuple[int, ...] = ()
    """The byte of each character."""
    locked: str | None = None
    """Why it cannot be edited."""
    hint: str | None = None


class Untraceable(Exception):  # noqa: N818  # a reason that travels, not a failure of the program
    """A reference cannot be followed to its bytes."""

    def __init__(self, reason: str, hint: str | None = None) -> None:
        """Say why, and what to do."""
        super().__init__(reason)
        self.reason = reason
        self.hint = hint


class Chars(NamedTuple):
    """The characters of a value, with the byte of each."""

    text: str
    places: tuple[int, ...]
    """`NOWHERE` for a character whose byte is not known."""
    source: Source

    def piece(self, start: int, end: int) -> Piece:
        """Cut out characters that stand for themselves."""
        text, places = self.text[start:end], self.places[start:end]
        if NOWHERE in places:
            return Piece(text, locked=LOST, hint=AS_BLOCK)
        return Piece(text, self.source, places)


if TYPE_CHECKING:
    Lookup = Callable[[str], "list[Piece] | None"]
    """Variable → the pieces of its value; None where it has none that files give."""


def chars_of(data: bytes, source: Source) -> Chars:
    """Take the bytes of a value one to one."""
    start, end = source.span
    return Chars(data[start:end].decode("latin-1"), tuple(range(start, end)), source)


def joined_chars(data: bytes, source: Source, escape: str) -> Chars:
    """Take the bytes of a value in a Dockerfile, without what joins its lines."""
    whole = chars_of(data, source)
    text: list[str] = []
    places: list[int] = []
    at = 0
    for joint in re.finditer(continuation(escape), whole.text):
        text.append(whole.text[at : joint.start()])
        places += whole.places[at : joint.start()]
        at = joint.end()
    return Chars("".join([*text, whole.text[at:]]), (*places, *whole.places[at:]), source)


def trace_word(chars: Chars, escape: str, lookup: Lookup) -> list[Piece]:
    """Follow a word of a Dockerfile: quotes, variables and `${NAME:-word}`."""
    return _Word(chars, escape, lookup).read()


class _Word:
    """One pass over a word."""

    def __init__(self, chars: Chars, escape: str, lookup: Lookup) -> None:
        self.chars = chars
        self.escape = escape
        self.lookup = lookup
        self.pieces: list[Piece] = []

    def read(self) -> list[Piece]:
        text, at, start, quote = self.chars.text, 0, 0, ""
        while at < len(text):
            char = text[at]
            if char in "'\"" and quote in ("", char):
                self.plain(start, at)
                quote = "" if quote else char
                at = start = at + 1
            elif char == self.escape and quote != "'":
                self.plain(start, at)
                self.pieces.append(Piece(None, locked="it is written with an escape character"))
                at = start = at + 2
            elif char == "$" and quote != "'":
                self.plain(start, at)
                at = start = self.variable(at)
            else:
                at += 1
        self.plain(start, at)
        return self.pieces

    def plain(self, start: int, end: int) -> None:
        if end > start:
            self.pieces.append(self.chars.piece(start, end))

    def variable(self, at: int) -> int:
        """Follow a variable; return where it ends."""
        text = self.chars.text
        match = _VARIABLE.match(text, at)
        if match is None:
            end = closing(text, at) if text.startswith(_BRACED, at) else at + 1
            self.pieces.append(_hidden(text[at:end]))
            return end
        name, operator = match[1] or match[2], match[3]
        end = match.end() if match[1] else closing(text, at)
        value = self.lookup(name)
        if match[1] or text[match.end() : end] == "}":
            self.pieces += [_unknown(name)] if value is None else value
        elif operator and value is not None:
            self.pieces += value
        elif operator:
            inner = cut(self.chars, match.end(), end - 1)
            self.pieces += _Word(inner, self.escape, self.lookup).read()
        else:
            self.pieces.append(_hidden(text[at:end]))
        return end


def trace_interpolated(chars: Chars, lookup: Lookup, *, depth: int = 0) -> list[Piece]:
    """Follow a value of a Compose or `.env` file: `$$`, variables and `${NAME:-word}`."""
    text, pieces, at = chars.text, list[Piece](), 0
    if depth > MAX_DEPTH:
        raise Untraceable("its variables are nested too deeply")
    while at < len(text):
        dollar = text.find("$", at)
        dollar = len(text) if dollar < 0 else dollar
        if dollar > at:
            pieces.append(chars.piece(at, dollar))
        if dollar == len(text):
            break
        match = _VARIABLE.match(text, dollar)
        if match is None:
            at = min(dollar + 2, len(text))
            pieces.append(_hidden(text[dollar:at]))
            continue
        at = match.end() if match[1] else closing(text, dollar)
        name = match[1] or match[2]
        value = lookup(name)
        if match[1] or text[match.end() : at] == "}":
            pieces += [_unknown(name)] if value is None else value
        elif match[3] and value is None:
            inner = cut(chars, match.end(), at - 1)
            pieces += trace_interpolated(inner, lookup, depth=depth + 1)
        else:
            pieces += value if match[3] and value is not None else [_hidden(text[dollar:at])]
    return pieces


def cut(chars: Chars, start: int, end: int) -> Chars:
    """Take a part of a value."""
    return Chars(chars.text[start:end], chars.places[start:end], chars.source)


def closing(text: str, at: int) -> int:
    """Return the end of the braces that begin at `at`."""
    level = 0
    for found in re.compile(r"\$\{|\}").finditer(text, at):
        level += 1 if found[0] == _BRACED else -1
        if level == 0:
            return found.end()
    return len(text)


def fit(pieces: Sequence[Piece], text: str) -> list[Piece]:
    """Give the one piece whose text is not known what is left of the text for it.

    Raises:
        Untraceable: The pieces do not make the text.
    """
    if len(pieces) > MAX_PIECES:
        raise Untraceable(f"it is put together of more than {MAX_PIECES} pieces")
    unknown = [at for at, piece in enumerate(pieces) if piece.text is None]
    if len(unknown) > 1:
        raise _blame(pieces)
    if unknown:
        at = unknown[0]
        before, after = text_of(pieces[:at]), text_of(pieces[at + 1 :])
        if len(before) + len(after) > len(text):
            raise _blame(pieces)
        rest = text[len(before) : len(text) - len(after)]
        pieces = [*pieces[:at], pieces[at]._replace(text=rest), *pieces[at + 1 :]]
    if text_of(pieces) != text:
        raise Untraceable(
            "its bytes do not read as the image that is built with",
            "write it without escapes and folded lines, numbers in quotes",
        )
    return list(pieces)


def text_of(pieces: Iterable[Piece]) -> str:
    """Join the texts of pieces that are all known."""
    return "".join(piece.text or "" for piece in pieces)


def _blame(pieces: Sequence[Piece]) -> Untraceable:
    """Say which piece cannot be followed."""
    locked = next(piece for piece in pieces if piece.text is None)
    return Untraceable(locked.locked or "it cannot be followed to its bytes", locked.hint)


def _unknown(name: str) -> Piece:
    reason = f"the value of {name} is not given by a file"
    return Piece(None, locked=reason, hint=f"give {name} a default, or change where it is set")


def _hidden(text: str) -> Piece:
    reason = f"the expansion {text!r} hides where its value comes from"
    return Piece(None, locked=reason, hint="edit it by hand")
