"""On which line each key of a TOML text stands; the standard parser does not tell.

Only for text that the standard parser accepted: then a scan that knows strings, comments, arrays
and inline tables is enough, and it need not say what is wrong. One pass, linear in the text.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

KeyPath: TypeAlias = tuple[str | int, ...]
"""Keys and indexes from the root to a value."""

# A possessive group ends in `(?!)`, so that a pass that fails moves nothing (Python below 3.11.5).
_BLANK: Final = re.compile(r"(?:[ \t\r\n]++|#[^\n]*+|(?!))*+")
_SPACE: Final = re.compile(r"[ \t]*+")
_KEY: Final = re.compile(r"""[A-Za-z0-9_-]++|"(?:[^"\\\n]++|\\.|(?!))*+"|'[^'\n]*+'""")
_SCALAR: Final = re.compile(
    r'"""(?:[^"\\]++|\\.|"(?!"")|(?!))*+"{3,5}'
    r"|'''(?:[^']++|'(?!'')|(?!))*+'{3,5}"
    r'|"(?:[^"\\\n]++|\\.|(?!))*+"'
    r"|'[^'\n]*+'"
    r"|[^,\]}\n#]*+",
    re.DOTALL,
)


def key_lines(text: str) -> Mapping[KeyPath, int]:
    """Map each path of keys and indexes to the line (from 1) on which it first stands.

    `("policy", "preferred", 2, "image")` is the `image` of the third `[[policy.preferred]]`.
    `text` must be TOML that `tomllib` accepts, of moderate nesting.
    """
    return _Scan(text).run()


class _Scan:
    """One pass over a text; `at` is the next character, `here` the table that a header opened."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.here: KeyPath = ()
        self.lines: dict[KeyPath, int] = {}
        self.last_index: dict[KeyPath, int] = {}
        self.breaks = [match.start() for match in re.finditer("\n", text)]

    def run(self) -> dict[KeyPath, int]:
        """Walk over headers and assignments until the end."""
        while True:
            self.skip(_BLANK)
            if self.at >= len(self.text):
                return self.lines
            if self.text[self.at] == "[":
                self.header()
            else:
                self.assignment(self.here)

    def skip(self, pattern: re.Pattern[str]) -> str:
        """Move past what the pattern matches here, and return it."""
        match = pattern.match(self.text, self.at)
        if match is None:  # pragma: no cover - the standard parser refused such text before
            raise ValueError(f"no key at character {self.at}")
        self.at = match.end()
        return match[0]

    def note(self, path: KeyPath, start: int) -> None:
        """Remember the line of a path and of the parents that it implies."""
        line = bisect_right(self.breaks, start - 1) + 1
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                break
            self.lines[path[:length]] = line

    def keys(self) -> list[str]:
        """Read a dotted key."""
        parts = []
        while True:
            self.skip(_SPACE)
            parts.append(_decoded(self.skip(_KEY)))
            self.skip(_SPACE)
            if self.text[self.at] != ".":
                return parts
            self.at += 1

    def header(self) -> None:
        """Read `[table]` or `[[element]]`; a parent that is an array means its last element."""
        start = self.at
        is_element = self.text.startswith("[[", start)
        self.at += 2 if is_element else 1
        path: KeyPath = ()
        parts = self.keys()
        for number, part in enumerate(parts, 1):
            path = (*path, part)
            if is_element and number == len(parts):
                self.last_index[path] = self.last_index.get(path, -1) + 1
            if path in self.last_index:
                path = (*path, self.last_index[path])
        self.at += 2 if is_element else 1
        self.here = path
        self.note(path, start)

    def assignment(self, table: KeyPath) -> None:
        """Read `key = value`."""
        start = self.at
        path = (*table, *self.keys())
        self.note(path, start)
        self.at += 1  # the equals sign
        self.skip(_SPACE)
        self.value(path)

    def value(self, path: KeyPath) -> None:
        """Read one value; arrays and inline tables note what they hold."""
        opening = self.text[self.at]
        if opening == "[":
            self.array(path)
        elif opening == "{":
            self.inline_table(path)
        else:
            self.skip(_SCALAR)

    def array(self, path: KeyPath) -> None:
        """Read `[a, b]`, over several lines if need be."""
        self.at += 1
        index = 0
        while True:
            self.skip(_BLANK)
            if self.text[self.at] == "]":
                break
            self.note((*path, index), self.at)
            self.value((*path, index))
            self.skip(_BLANK)
            if self.text[self.at] == ",":
                self.at += 1
            index += 1
        self.at += 1

    def inline_table(self, path: KeyPath) -> None:
        """Read `{a = 1, b = 2}`."""
        self.at += 1
        while True:
            self.skip(_BLANK)
            if self.text[self.at] == "}":
                break
            self.assignment(path)
            self.skip(_BLANK)
            if self.text[self.at] == ",":
                self.at += 1
        self.at += 1


def _decoded(token: str) -> str:
    """Return the key that a bare or quoted token stands for."""
    if token[0] == "'":
        return token[1:-1]
    if token[0] == '"':
        return str(tomllib.loads(f"key = {token}")["key"])
    return token
