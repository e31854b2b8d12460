"""One instruction of a Dockerfile; everything about it is worked out when asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.dockerfile.scan import heredoc_bodies
from basekeeper.dockerfile.text import JoinedText, readable
from basekeeper.dockerfile.words import (
    Command,
    Piece,
    json_pieces,
    read_json,
    split_command,
    split_fields,
    split_quoted,
)
from basekeeper.records import dataclass
from basekeeper.values.use import Span

if TYPE_CHECKING:
    import re

    from basekeeper.dockerfile.scan import Layout

QUOTED: Final = frozenset({"ARG", "ENV", "LABEL"})
"""Instructions whose words quotes and escapes hold together."""
FIELDS: Final = frozenset({"FROM", "COPY", "ADD", "EXPOSE", "VOLUME"})
"""Instructions whose words every white space separates."""
JSON_FORM: Final = frozenset({"RUN", "CMD", "ENTRYPOINT", "SHELL", "COPY", "ADD", "VOLUME"})
"""Instructions whose arguments may be a JSON array of strings."""


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag of an instruction: `--name` or `--name=value`."""

    name: str
    value: str | None
    """Quotes and escapes removed, variables left; None where there is no `=`."""
    span: Span
    """Bytes of the whole flag."""
    value_span: Span | None
    """Bytes of the value as written."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word of an instruction."""

    text: str
    """As written, quotes and variables included; the string itself in the JSON form."""
    span: Span


@dataclass(frozen=True, slots=True)
class Heredoc:
    """A heredoc of an instruction."""

    name: str
    """The line that ends it."""
    body: str
    """Its lines; tabs at their start are kept also under `<<-`."""
    span: Span
    """Bytes of the body."""
    chomp: bool
    """`<<-`: the builder drops tabs at the start of lines."""
    expand: bool
    """Variables in it are expanded, because no part of its name is quoted."""


class Instruction:
    """One instruction, with its continuation lines and heredocs."""

    __slots__ = ("_command", "_joined", "_layout", "_name", "_parent", "index")

    def __init__(self, layout: Layout, index: int) -> None:
        """Stand for the instruction with this number, from 0, in the file."""
        self.index: Final = index
        self._layout = layout
        self._joined: JoinedText | None = None
        self._command: Command | None = None
        self._parent: Instruction | None = None
        self._name: str | None = None

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Match all of its lines as they are in the file, heredocs left out; one to one."""
        layout, index = self._layout, self.index
        return pattern.fullmatch(layout.text, layout.starts[index], layout.ends[index])

    @property
    def joined(self) -> JoinedText:
        """The logical line, with the way back to bytes."""
        if self._joined is None:
            span = (self._layout.starts[self.index], self._layout.ends[self.index])
            self._joined = JoinedText(self._layout.text, span, self._layout.escape)
        return self._joined

    @property
    def command(self) -> Command:
        """The logical line cut into keyword, flags and arguments; bytes decoded one to one."""
        if self._command is None:
            self._command = split_command(self.joined.text, self._layout.escape)
        return self._command

    @property
    def name(self) -> str:
        """The keyword in upper case."""
        if self._name is None:
            self._name = readable(self.command.keyword).upper()
        return self._name

    @property
    def keyword(self) -> str:
        """The keyword as written."""
        return readable(self.command.keyword)

    @property
    def escape(self) -> str:
        """The escape character of the file."""
        return self._layout.escape

    @property
    def line(self) -> int:
        """The first line, from 1."""
        return self._layout.line_of(self._layout.starts[self.index])

    @property
    def end_line(self) -> int:
        """The last line, heredocs included."""
        end = self._layout.end_of(self.index)
        return self._layout.line_of(max(end - 1, self._layout.starts[self.index]))

    @property
    def span(self) -> Span:
        """Its bytes from the keyword to the end of its last line, heredocs included."""
        start, end = self._layout.starts[self.index], self._layout.end_of(self.index)
        text = self._layout.text
        stop = end - 1 if text.endswith("\n", start, end) else end
        return Span(start, stop)

    @property
    def text(self) -> str:
        """The arguments as one line, flags left out, continuations joined, nothing expanded."""
        return readable(self.command.text)

    @property
    def flags(self) -> tuple[Flag, ...]:
        """Its flags, in order."""
        return tuple(self._flag(piece) for piece in self.command.flags)

    def flag(self, name: str) -> Flag | None:
        """Return the flag of a name, the last one where it is repeated, or None."""
        found = [piece for piece in self.command.flags if piece.text[2:].split("=")[0] == name]
        return self._flag(found[-1]) if found else None

    @property
    def json(self) -> bool:
        """Whether its arguments are a JSON array of strings."""
        return self.name in JSON_FORM and read_json(self.command.text)[0] is not None

    def pieces(self) -> list[Piece]:
        """Return its words with their places in the joined line, as the builder separates them.

        Instructions that take one free text (RUN, WORKDIR, ONBUILD …) have one word.
        """
        command, name = self.command, self.name
        if name in JSON_FORM:
            strings, _ = read_json(command.text)
            if strings is not None:
                return json_pieces(command, strings)
        if name in QUOTED:
            return split_quoted(command, self.escape)
        if name in FIELDS:
            return split_fields(command)
        return [Piece(command.text, command.start, command.end)] if command.text else []

    @property
    def words(self) -> tuple[Word, ...]:
        """Its words, flags left out, as the builder separates them."""
        return tuple(
            Word(readable(piece.text), self.joined.span(piece.start, piece.end))
            for piece in self.pieces()
        )

    @property
    def args(self) -> tuple[str, ...]:
        """The texts of its words."""
        return tuple(readable(piece.text) for piece in self.pieces())

    @property
    def heredocs(self) -> tuple[Heredoc, ...]:
        """Its heredocs, in order."""
        text = self._layout.text
        if self._layout.end_of(self.index) == self._layout.ends[self.index]:
            return ()
        return tuple(
            Heredoc(
                readable(body.word.name),
                readable(text[body.span.start : body.span.end]),
                body.span,
                body.word.chomp,
                body.word.expand,
            )
            for body in heredoc_bodies(self._layout, self.index)
            if body is not None
        )

    @property
    def trigger(self) -> Instruction | None:
        """The instruction that an ONBUILD wraps; None for every other instruction."""
        if self.name != "ONBUILD" or self._parent is not None or not self.command.text:
            return None
        inner = Instruction(self._layout, self.index)
        command = self.command
        inner._joined = self.joined
        inner._command = split_command(command.line, self.escape, command.start)
        inner._parent = self
        return inner

    def _flag(self, piece: Piece) -> Flag:
        name, equals, value = piece.text[2:].partition("=")
        value_span = None
        if equals:
            written = self.command.line.find("=", piece.start, piece.end) + 1
            value_span = self.joined.span(written, piece.end)
        return Flag(
            readable(name),
            readable(value) if equals else None,
            self.joined.span(piece.start, piece.end),
            value_span,
        )
