"""Finds where instructions start and end; looks into none of them further than it must."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from dataclasses import field
from functools import cache
from typing import TYPE_CHECKING, Final

from basekeeper.dockerfile.directives import read_directives
from basekeeper.dockerfile.heredoc import HeredocWord, can_hold_heredoc, find_end, heredoc_words
from basekeeper.dockerfile.text import DROPPED_LINES, INDENT, JoinedText, continuation
from basekeeper.records import dataclass
from basekeeper.values.use import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

FROM, ARG, ONBUILD, COPY, RUN, ADD = 1, 2, 3, 4, 5, 6
NEAR: Final = 1 << 16
"""Bytes over which line ends are counted one by one; files below that never need an index."""
OTHER: Final = 7
"""Any other known instruction."""
UNKNOWN: Final = 0

KEYWORDS: Final = (
    "FROM", "ARG", "ONBUILD", "COPY", "RUN", "ADD", "CMD", "ENTRYPOINT", "ENV", "EXPOSE",
    "HEALTHCHECK", "LABEL", "MAINTAINER", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
)  # fmt: skip
"""Every instruction that BuildKit knows; the position of the first six is their code less one."""

_CODES: Final = {
    spelled: min(code, OTHER)
    for code, keyword in enumerate(KEYWORDS, 1)
    for spelled in (keyword, keyword.lower(), keyword.capitalize())
}
_FLAGGED: Final = frozenset({COPY, RUN})
_BYTE_ORDER_MARK: Final = "\xef\xbb\xbf"


@dataclass(slots=True)
class HeredocBody:
    """One heredoc that was read after its instruction."""

    word: HeredocWord
    span: Span
    """Bytes of the body."""
    end: int
    """After the line that ends it."""


@dataclass(slots=True)
class Layout:
    """Offsets of all instructions of a file; a few numbers an instruction, no objects."""

    text: str
    """The bytes of the file, decoded one to one."""
    escape: str = "\\"
    starts: array[int] = field(default_factory=lambda: array("Q"))
    """First character of the keyword, or of the line where the keyword is split over lines."""
    ends: array[int] = field(default_factory=lambda: array("Q"))
    """After the last character of the logical line, line end included."""
    codes: bytearray = field(default_factory=bytearray)
    marked: list[int] = field(default_factory=list)
    """Instructions that can matter for stages and images: FROM, ARG, ONBUILD, and COPY and RUN
    with a flag."""
    heredoc_owners: array[int] = field(default_factory=lambda: array("Q"))
    """Instructions that have heredocs, in order."""
    heredoc_ends: array[int] = field(default_factory=lambda: array("Q"))
    """Where the last heredoc of each of them ends, its terminator included."""
    problem: tuple[str, int] | None = None
    """The first thing that the builder's parser would refuse, and where."""
    _line_at: tuple[int, int] = (0, 1)
    """An offset whose line was asked for last, and that line."""
    _newlines: array[int] | None = None

    def refuse(self, reason: str, offset: int) -> None:
        """Note why the file would be refused, if nothing before does that already."""
        if self.problem is None:
            self.problem = (reason, offset)

    def line_of(self, offset: int) -> int:
        """Return the line of an offset, from 1.

        Near the place that was asked for last, line ends are counted; else an index of them is
        made, once.
        """
        if self._newlines is None:
            last, line = self._line_at
            if abs(offset - last) <= NEAR:
                if offset >= last:
                    line += self.text.count("\n", last, offset)
                else:
                    line -= self.text.count("\n", offset, last)
                self._line_at = (offset, line)
                return line
            found = re.finditer("\n", self.text)
            self._newlines = array("Q", (newline.start() for newline in found))
        return bisect_left(self._newlines, offset) + 1

    def end_of(self, index: int) -> int:
        """Return the end of an instruction, its heredocs included."""
        at = bisect_left(self.heredoc_owners, index)
        if at < len(self.heredoc_owners) and self.heredoc_owners[at] == index:
            return self.heredoc_ends[at]
        return self.ends[index]


@cache
def _line_pattern(escape: str) -> re.Pattern[str]:
    """Match the lines before an instruction and the instruction with all its continuations.

    Group 1 is a keyword written in one piece, group 2 says that flags or a joint follow it; where
    there is no such keyword, group 3 is empty and stands where the instruction starts. Every
    loop is possessive: matching takes one pass, whatever the file holds. Possessive groups end in
    `(?!)`, so that a pass that fails moves nothing (Python below 3.11.5).
    """
    mark = re.escape(escape)
    keyword = r"([A-Za-z]++)(?![^\t\v\f\r\n ])[\t\v\f\r \x85\xa0]*+"
    rest = rf"[^\n{mark}]*+(?:(?:{continuation(escape)}|{mark})[^\n{mark}]*+|(?!))*+(?:\n|\Z)"
    return re.compile(rf"{DROPPED_LINES}{INDENT}(?:{keyword}(?:(?=(--|{mark}))|)|()){rest}")


def scan(text: str) -> tuple[Layout, list[tuple[str, str, Span]]]:
    """Find all instructions of a file, and its parser directives (name, value, value's span)."""
    layout = Layout(text)
    start = len(_BYTE_ORDER_MARK) if text.startswith(_BYTE_ORDER_MARK) else 0
    directives, start, problem = read_directives(text, start)
    if problem is not None:
        layout.refuse(*problem)
    for name, value, _ in directives:
        if name == "escape" and value in "\\`":
            layout.escape = value
    _scan_lines(layout, start)
    if not layout.starts:
        layout.refuse("the file has no instructions", len(text))
    return layout, directives


def _scan_lines(layout: Layout, position: int) -> None:
    """Walk over the logical lines from `position`."""
    text, codes, marked = layout.text, layout.codes, layout.marked
    add_start, add_end, add_code = layout.starts.append, layout.ends.append, codes.append
    pattern = _line_pattern(layout.escape)
    heredocs = "<<" in text
    resumed = True
    while resumed:
        resumed = False
        for found in pattern.finditer(text, position):
            word = found[1]
            end = found.end()
            if word is None:
                begin = found.start(3)
                if begin == len(text):
                    return
                code = _split_keyword(layout, begin, end)
            else:
                begin = found.start(1)
                code = _CODES.get(word, -1)
                if code < 0:
                    code = _CODES.get(word.upper(), UNKNOWN)
            add_start(begin)
            add_end(end)
            add_code(code)
            if code < OTHER:
                if 0 < code <= ONBUILD or (found.lastindex != 1 and code in _FLAGGED):
                    marked.append(len(codes) - 1)
                if heredocs and code >= ONBUILD and text.find("<<", begin, end) >= 0:
                    position, heredocs = _read_heredocs(layout, len(codes) - 1)
                    if position != end:
                        resumed = True
                        break


def _split_keyword(layout: Layout, start: int, end: int) -> int:
    """Find the code of a keyword that is split over lines, or is none."""
    line = layout.text[start:end]
    if layout.escape in line:
        line = JoinedText(layout.text, (start, end), layout.escape).text
    words = line.split(maxsplit=1)
    return _CODES.get(words[0].upper(), UNKNOWN) if words else UNKNOWN


def _read_heredocs(layout: Layout, index: int) -> tuple[int, bool]:
    """Pass over the heredocs that an instruction opens.

    Returns:
        Where the next line starts, and whether heredocs are to be looked for from there on: after
        an unterminated one the file is refused anyway, and what follows is read as instructions,
        so that no image that it may name is lost.
    """
    end = position = layout.ends[index]
    for body in heredoc_bodies(layout, index):
        if body is None:
            layout.refuse("a heredoc is not ended", layout.starts[index])
            return end, False
        position = body.end
    if position != end:
        layout.heredoc_owners.append(index)
        layout.heredoc_ends.append(position)
    return position, True


def heredoc_bodies(layout: Layout, index: int) -> Iterator[HeredocBody | None]:
    """Find the heredocs of an instruction, in order; None stands for one that is not ended."""
    start, position = layout.starts[index], layout.ends[index]
    line = JoinedText(layout.text, (start, position), layout.escape).text
    if not can_hold_heredoc(line, layout.escape):
        return
    for word in heredoc_words(line):
        found = find_end(layout.text, position, word)
        if found is None:
            yield None
            return
        body_end, after = found
        yield HeredocBody(word, Span(position, body_end), after)
        position = after
