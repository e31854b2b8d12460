"""What HCL does to the text inside quotes and heredocs."""

from __future__ import annotations

import re
import sys
from typing import Final

_ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)")
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t"}


def without_margin(text: str) -> str:
    """Take the blanks off that all lines begin with."""
    lines = text.splitlines(keepends=True)
    margins = [len(line) - len(line.lstrip(" \t")) for line in lines if line.strip()]
    margin = min(margins, default=0)
    return "".join(line[margin:] if line.strip() else line.lstrip(" \t") for line in lines)


def unescaped(text: str) -> str:
    """Undo the escapes of a text in quotes."""
    return _ESCAPE.sub(_escaped, text) if "\\" in text else text


def _escaped(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] in "uU" and len(code) > 1:
        number = int(code[1:], 16)
        return chr(number) if number <= sys.maxunicode else "\ufffd"
    return _ESCAPES.get(code, code)
