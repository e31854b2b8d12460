"""JSON with comments and trailing commas, as a tree with exact positions.

Source: the development container specification ("JSON with Comments"). Files with neither are
plain JSON, so the same reader serves bake files.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from basekeeper.readers.spec import MAX_READER_BYTES
from basekeeper.readers.yamltree import MAX_DEPTH, Node

if TYPE_CHECKING:
    from basekeeper.readers.source import Source

# A possessive group ends in `(?!)`, so that a pass that fails moves nothing (Python below 3.11.5).
_SPACE: Final = re.compile(
    r"(?:[ \t\r\n\ufeff]++|//[^\n]*+|/\*(?:[^*]++|\*(?!/)|(?!))*+\*/|(?!))*+"
)
_STRING: Final = re.compile(r'"(?:[^"\\\n]++|\\.|(?!))*+"')
_WORD: Final = re.compile(r"[A-Za-z0-9.+-]++")


class JsonError(Exception):
    """The text is no JSON that can be used."""

    def __init__(self, reason: str, line: int | None) -> None:
        """Say why, and on which line."""
        super().__init__(reason)
        self.reason = reason
        self.line = line


def parse_json(source: Source) -> Node | None:
    """Read a file; None for an empty one.

    Raises:
        JsonError: The text is no JSON, or beyond a limit.
    """
    if len(source.data) > MAX_READER_BYTES:
        raise JsonError(f"is larger than {MAX_READER_BYTES // 1024 // 1024} MiB", None)
    scan = _Scan(source)
    scan.blank()
    if scan.at == len(scan.text):
        return None
    node = scan.value(0)
    scan.blank()
    if scan.at < len(scan.text):
        raise scan.wrong("there is text after the end of the value")
    return node


class _Scan:
    """One pass over a text."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.text = source.text
        self.at = 0

    def blank(self) -> None:
        match = _SPACE.match(self.text, self.at)
        self.at = match.end() if match else self.at

    def wrong(self, reason: str) -> JsonError:
        return JsonError(f"is not valid JSON: {reason}", self.source.line(self.at))

    def value(self, depth: int) -> Node:
        """Read one value of any kind."""
        if depth > MAX_DEPTH:
            raise self.wrong(f"it is nested more than {MAX_DEPTH} levels deep")
        char = self.text[self.at : self.at + 1]
        if char == "{":
            return self.table(depth)
        if char == "[":
            return self.array(depth)
        return self.string() if char == '"' else self.word()

    def string(self) -> Node:
        match = _STRING.match(self.text, self.at)
        if match is None:
            raise self.wrong("a text in quotes was expected")
        try:
            value = json.loads(match[0], strict=False)
        except ValueError as error:
            raise self.wrong("a text holds an invalid escape") from error
        self.at = match.end()
        return Node(match.start(), match.end(), scalar=str(value), style='"')

    def word(self) -> Node:
        match = _WORD.match(self.text, self.at)
        if match is None:
            end = self.at >= len(self.text)
            raise self.wrong("it ends too early" if end else "a value was expected")
        self.at = match.end()
        return Node(match.start(), match.end(), scalar=match[0])

    def array(self, depth: int) -> Node:
        node = Node(self.at, self.at, items=[])
        self.at += 1
        while self.more("]"):
            assert node.items is not None  # noqa: S101  # set above
            node.items.append(self.value(depth + 1))
            self.separate("]")
        node.end = self.at
        return node

    def table(self, depth: int) -> Node:
        node = Node(self.at, self.at, pairs=[])
        self.at += 1
        while self.more("}"):
            key = self.string()
            self.blank()
            if not self.text.startswith(":", self.at):
                raise self.wrong("a colon was expected")
            self.at += 1
            self.blank()
            assert node.pairs is not None  # noqa: S101  # set above
            node.pairs.append((key, self.value(depth + 1)))
            self.separate("}")
        node.end = self.at
        return node

    def more(self, closing: str) -> bool:
        """Skip to the next element; False after the closing bracket."""
        self.blank()
        if self.text.startswith(closing, self.at):
            self.at += 1
            return False
        return True

    def separate(self, closing: str) -> None:
        """Skip a comma, which may be missing only before the closing bracket."""
        self.blank()
        if self.text.startswith(",", self.at):
            self.at += 1
        elif not self.text.startswith(closing, self.at):
            raise self.wrong(f"a comma or {closing!r} was expected")
