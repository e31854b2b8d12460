"""A Dockerfile as it is written."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING, Final

from basekeeper.dockerfile.build import Build
from basekeeper.dockerfile.contexts import Contexts
from basekeeper.dockerfile.instruction import Instruction
from basekeeper.dockerfile.platforms import BUILD_PLATFORM
from basekeeper.dockerfile.refusal import Refusal, document_refusal
from basekeeper.dockerfile.resolution import Request
from basekeeper.dockerfile.resolve import resolve
from basekeeper.dockerfile.templates import template_reason
from basekeeper.dockerfile.text import INDENT, readable
from basekeeper.records import dataclass
from basekeeper.values.use import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from basekeeper.dockerfile.scan import Layout

_COMMENT = re.compile(rf"^{INDENT}(\#[^\n]*)", re.MULTILINE)
_NO_BUILD: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True)
class Directive:
    """A parser directive: `# name=value` at the top of the file."""

    name: str
    """`syntax`, `escape` or `check`."""
    value: str
    line: int
    span: Span
    """Bytes of the value."""


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment line that is no parser directive."""

    line: int
    text: str
    """From the `#` on, without the line end."""
    span: Span


class Dockerfile:
    """A document: its bytes, and every instruction in them.

    Nothing in a file makes it fail to be read; what the builder would refuse is told by
    `rejected`, and the rest is there all the same.
    """

    __slots__ = ("_directives", "_instructions", "_layout", "_refusal", "_template", "data")

    def __init__(
        self, data: bytes, layout: Layout, directives: list[tuple[str, str, Span]]
    ) -> None:
        """Show what was found in `data`."""
        self.data: Final = data
        """The bytes as they were given."""
        self._layout = layout
        self._directives = directives
        self._instructions: tuple[Instruction, ...] | None = None
        self._refusal: tuple[Refusal | None] | None = None
        self._template: tuple[str | None] | None = None

    @property
    def instructions(self) -> tuple[Instruction, ...]:
        """All instructions in order, unknown ones included."""
        if self._instructions is None:
            count = len(self._layout.codes)
            self._instructions = tuple(Instruction(self._layout, index) for index in range(count))
        return self._instructions

    @property
    def escape(self) -> str:
        r"""The escape character: `\`, or a backtick where a directive says so."""
        return self._layout.escape

    @property
    def directives(self) -> tuple[Directive, ...]:
        """The parser directives, in order."""
        line_of = self._layout.line_of
        return tuple(
            Directive(name, value, line_of(span.start), span)
            for name, value, span in self._directives
        )

    @property
    def comments(self) -> tuple[Comment, ...]:
        """All comments, in order, those between the lines of an instruction included.

        Parser directives and lines of heredocs are none.
        """
        return tuple(self._comments())

    def comments_above(self, line: int) -> tuple[Comment, ...]:
        """Return the comment lines directly above the instruction that starts at a line.

        They are in order, and end at an empty line, another instruction or a parser directive.
        There are none where no instruction starts at that line.
        """
        layout = self._layout
        starts = layout.starts
        index = bisect_left(starts, line, key=layout.line_of)
        if index == len(starts) or layout.line_of(starts[index]) != line:
            return ()
        text = layout.text
        floor = layout.end_of(index - 1) if index else self._body_start()
        position = text.rfind("\n", 0, layout.starts[index]) + 1
        found: list[Comment] = []
        while position > floor:
            before = max(text.rfind("\n", 0, position - 1) + 1, floor)
            comment = _COMMENT.match(text, before, position)
            if comment is None:
                break
            line -= 1
            found.append(self._comment(comment, line))
            position = before
        return tuple(reversed(found))

    @property
    def rejected(self) -> str | None:
        """Why the builder would refuse the file whatever is built, with the line; else None."""
        refusal = self._refused()
        return None if refusal is None else str(refusal)

    @property
    def rejected_line(self) -> int | None:
        """The line for which the builder would refuse the file; None where it would not."""
        refusal = self._refused()
        return None if refusal is None else refusal.line

    @property
    def template(self) -> str | None:
        """Why this is a template or a fragment rather than a Dockerfile, else None."""
        if self._template is None:
            self._template = (template_reason(self._layout),)
        return self._template[0]

    def resolve(
        self,
        build_args: Mapping[str, str] = _NO_BUILD,
        target: str | None = None,
        platform: str = BUILD_PLATFORM,
        *,
        contexts: Mapping[str, str] = _NO_BUILD,
    ) -> Build:
        """Apply what a build is called with.

        Args:
            build_args: Values of ARGs; names that no ARG declares have no effect.
            target: Name of the stage to build, any case; None: the last one.
            platform: Target platform, for example `linux/arm64`; one that cannot be read counts
                as the default. The builder itself is taken to be `linux/amd64`.
            contexts: Named contexts that stand in for stages or images: name → value.
        """
        request = Request(build_args, target, platform, Contexts(contexts) if contexts else None)
        return Build(resolve(self._layout, request), self._refused)

    def replace(self, span: Span, new: bytes) -> bytes:
        """Return the bytes of the file with one range replaced."""
        return self.data[: span.start] + new + self.data[span.end :]

    def _refused(self) -> Refusal | None:
        if self._refusal is None:
            self._refusal = (document_refusal(self._layout),)
        return self._refusal[0]

    def _body_start(self) -> int:
        """Return where the parser directives end."""
        if not self._directives:
            return 0
        end = self._layout.text.find("\n", self._directives[-1][2].end)
        return len(self._layout.text) if end < 0 else end + 1

    def _comments(self) -> Iterator[Comment]:
        layout = self._layout
        position = self._body_start()
        for index, end in enumerate(layout.ends):
            for found in _COMMENT.finditer(layout.text, position, end):
                yield self._comment(found, layout.line_of(found.start(1)))
            position = layout.end_of(index)
        for found in _COMMENT.finditer(layout.text, position):
            yield self._comment(found, layout.line_of(found.start(1)))

    def _comment(self, found: re.Match[str], line: int) -> Comment:
        text = found[1].rstrip("\r")
        return Comment(line, readable(text), Span(found.start(1), found.start(1) + len(text)))
