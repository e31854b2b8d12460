"""Finds the bytes that a use is made of: in its own file, in ARG defaults, in other files."""

from __future__ import annotations

import posixpath
import re
from dataclasses import field
from typing import TYPE_CHECKING, Final

from basekeeper.edit.inline import Inline, OuterBytes, Supply, supplies_of
from basekeeper.edit.trace import (
    AS_BLOCK,
    LOST,
    MAX_DEPTH,
    NOWHERE,
    Chars,
    Piece,
    Source,
    Untraceable,
    chars_of,
    fit,
    joined_chars,
    trace_interpolated,
    trace_word,
)
from basekeeper.records import dataclass
from basekeeper.trees.names import FileKind, kind_of
from basekeeper.values.use import Span, Via

if TYPE_CHECKING:
    from collections.abc import Callable

    from basekeeper.values.use import SourceFile, Survey, Use

SCHEME: Final = "docker-image://"
"""How a named context says that it is an image."""

BY_HAND: Final = "edit it by hand"

_ASSIGNMENT: Final = (
    r"^[ \t]*(?:export[ \t]+)?%s[ \t]*[=:][ \t]*"
    r"(?:'([^'\r\n]*)'|\"([^\"\\\r\n]*)\"|([^\s'\"#](?:[^\r\n#]|(?<![ \t])#)*))"
)
_ESCAPE: Final = "\\"


def outer_path(path: str) -> str:
    """Return the file that holds a document: an inline one is `compose.yaml#services.web`."""
    return path.partition("#")[0]


@dataclass(slots=True)
class Places:
    """Traces the uses of one survey."""

    survey: Survey
    read: Callable[[str], bytes | None]
    """Path → content as the survey saw it."""
    files: dict[str, SourceFile] = field(init=False)
    inline: dict[str, Inline] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Index the files by path."""
        self.files = {file.path: file for file in self.survey.files}

    def content(self, path: str) -> bytes:
        """Read a file that the survey has read.

        Raises:
            Untraceable: It cannot be read any more.
        """
        data = self.read(path)
        if data is None:
            raise Untraceable(f"{path!r} cannot be read", "run again")
        return data

    def pieces(self, use: Use) -> list[Piece]:
        """Tell what the text of a use is put together of.

        Raises:
            Untraceable: It cannot be followed to its bytes.
        """
        if use.via in (Via.CONTEXT, Via.DEVCONTAINER):
            return self._outside(use)
        path = outer_path(use.path)
        file = self.files.get(use.path)
        if path == use.path or file is None or file.document is None:
            if use.span is None:
                raise Untraceable("it is written nowhere", BY_HAND)
            return _Dockerfile(self, use, use.span, supplies_of(use), self.content(path)).pieces()
        inline = self.inline.get(use.path)
        if inline is None:
            inline = self.inline[use.path] = Inline(file, self.content(path))
        found = inline.find(use)
        if found is None:
            raise Untraceable(LOST, AS_BLOCK)
        return _Dockerfile(
            self, use, found.span, found.supplies, inline.data, inline.outer
        ).pieces()

    def escape(self, path: str) -> str:
        """Return the escape character of a document."""
        file = self.files.get(path)
        return file.document.escape if file is not None and file.document is not None else _ESCAPE

    def _outside(self, use: Use) -> list[Piece]:
        """Follow an image that stands outside any Dockerfile."""
        if use.span is None:
            raise Untraceable("an expression puts it together", BY_HAND)
        scheme = SCHEME if use.via is Via.CONTEXT else ""
        found = self.value(Source(use.path, use.span, None))
        whole = fit(found, scheme + use.text)
        return _without_start(whole, len(scheme))

    def value(self, source: Source) -> list[Piece]:
        """Follow a value of a file that describes builds."""
        chars = chars_of(self.content(source.path), source)
        if not self._is_compose(source.path):
            return [chars.piece(0, len(chars.text))]
        if source.name is not None and chars.text in ("", "~", "null", source.name):
            return self._variable(source.path, source.name, 0) or [_unset(source.name)]
        return trace_interpolated(chars, lambda name: self._variable(source.path, name, 0))

    def _is_compose(self, path: str) -> bool:
        file = self.files.get(path)
        kind = file.kind if file is not None else kind_of(path)
        return kind == FileKind.COMPOSE.value or kind is FileKind.COMPOSE

    def _variable(self, beside: str, name: str, depth: int) -> list[Piece] | None:
        """Find a variable in the `.env` beside a Compose file; the last assignment counts."""
        path = posixpath.join(posixpath.dirname(beside), ".env")
        data = self.read(path)
        if data is None or depth > MAX_DEPTH:
            return None
        pattern = re.compile(_ASSIGNMENT % re.escape(name), re.MULTILINE)
        found = list(pattern.finditer(data.decode("latin-1")))
        if not found:
            return None
        group = next(each for each in (1, 2, 3) if found[-1][each] is not None)
        start, end = found[-1].span(group)
        text = found[-1][group].rstrip()
        chars = chars_of(data, Source(path, Span(start, start + len(text)), name))
        if group == 1 or end == start:
            return [chars.piece(0, len(chars.text))]
        inner = depth + 1
        return trace_interpolated(chars, lambda other: self._variable(beside, other, inner))


@dataclass(slots=True)
class _Dockerfile:
    """Follows one use in a Dockerfile."""

    places: Places
    use: Use
    span: Span
    supplies: tuple[Supply, ...]
    data: bytes
    """The document."""
    outer: OuterBytes | None = None
    """Where its bytes stand, if it is part of another file."""

    def chars(self, span: Span, name: str | None) -> Chars:
        """Take a value of the document."""
        source = Source(outer_path(self.use.path), span, name)
        chars = joined_chars(self.data, source, self.places.escape(self.use.path))
        if self.outer is None:
            return chars
        places = [self.outer.place(place) for place in chars.places]
        return chars._replace(places=tuple(NOWHERE if place is None else place for place in places))

    def pieces(self) -> list[Piece]:
        """Follow the use."""
        escape = self.places.escape(self.use.path)
        chars = self.chars(self.span, None)
        text = self.use.text
        if not self.supplies and chars.text.count(text) == 1:
            # Flags of RUN --mount may hold more than the reference; no variable is in the way.
            at = chars.text.index(text)
            return [chars.piece(at, at + len(text))]
        before = self.span.start
        return fit(trace_word(chars, escape, lambda name: self.variable(name, before, 0)), text)

    def variable(self, name: str, before: int, depth: int) -> list[Piece] | None:
        """Return what a variable holds where it is used: before a byte of the file."""
        if depth > MAX_DEPTH:
            raise Untraceable("its variables are nested too deeply")
        named = [each for each in self.supplies if each.name == name]
        if not named:
            return None
        if named[-1].is_argument:
            return self.argument(named[-1])
        spans = [each.span for each in named if each.span is not None]
        span = max((each for each in spans if each.start < before), default=None)
        if span is None:
            return None
        escape, inner = self.places.escape(self.use.path), depth + 1
        return trace_word(
            self.chars(span, name), escape, lambda other: self.variable(other, span.start, inner)
        )

    def argument(self, supply: Supply) -> list[Piece]:
        """Follow an argument that another file, or the user, gives."""
        name = supply.name
        if supply.span is not None:
            return self.places.value(Source(supply.path, supply.span, name))
        if supply.path not in ("", self.use.path):
            reason = f"an expression in {supply.path} puts the value of {name} together"
            return [Piece(None, locked=reason, hint=BY_HAND)]
        reason = f"the value of {name} is a build argument of the command line or the settings"
        hint = f"change it there: --build-arg {name}=…, or `build_args` of the configuration"
        return [Piece(None, locked=reason, hint=hint)]


def _without_start(pieces: list[Piece], count: int) -> list[Piece]:
    """Leave out the first characters of pieces."""
    found: list[Piece] = []
    for piece in pieces:
        text = piece.text or ""
        left = min(count, len(text))
        count -= left
        found.append(piece._replace(text=text[left:], places=piece.places[left:]))
    return found


def _unset(name: str) -> Piece:
    return Piece(None, locked=f"the value of {name} is not given by a file")
