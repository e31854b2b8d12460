r"""Makes text from outside harmless to look at; the one place where that is decided.

A Dockerfile may hold anything: escape sequences that repaint a terminal, direction overrides that
make a name read backwards, characters without width. None of it reaches a reader as itself: each
such character is shown as its escape, `\x1b` or `\u202e`, so that the reader sees what is there.

A second threat is a format's own syntax (Markdown, workflow commands, XML); that is escaped by
the module of the format, on top of this.
"""

from __future__ import annotations

import re
from typing import Final

_UNSAFE: Final = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # C0, DEL, C1: escape sequences, line breaks
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5"  # soft hyphen, fillers, Arabic letter mark
    "\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"  # no width, separators, direction
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff"  # fillers, variants, byte order mark, specials
    "\ud800-\udfff"  # surrogates: bytes that were not UTF-8
    "\U000e0000-\U000e0fff"  # tags and variation selectors: text that nobody sees
    "]"
    # GitHub's logs obey `::error::` at the start of a line, which may be one that we broke, and
    # `##[error]` anywhere.
    r"|:(?=:[A-Za-z])|(?<=##)\["
)
_LOG_COMMAND: Final = re.compile(r"::[A-Za-z]|##\[")


def visible(text: str) -> str:
    r"""Replace every character that acts or hides by its escape (`\x1b`, `\u202e`)."""
    if text.isascii() and text.isprintable() and not _LOG_COMMAND.search(text):
        return text
    return _UNSAFE.sub(_escape, text)


def visible_lines(text: str) -> list[str]:
    """Split at line feeds, which are our own, and make each line visible."""
    return [visible(line) for line in text.split("\n")]


def shorten(text: str, limit: int) -> str:
    """Cut to `limit` characters, the last of which then is an ellipsis."""
    return text if len(text) <= limit else text[: max(limit - 1, 0)] + "…"


def _escape(match: re.Match[str]) -> str:
    r"""Write one character as `\xNN`, `\uNNNN` or `\UNNNNNNNN`."""
    char = match[0]
    if char.isascii():
        return f"\\x{ord(char):02x}"
    return char.encode("ascii", "backslashreplace").decode()
