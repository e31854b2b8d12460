"""Parser directives: `# name=value` lines at the very top of a file."""

from __future__ import annotations

import json
import re
from typing import Final

from basekeeper.dockerfile.text import INDENT, readable
from basekeeper.values.use import Span

NAMES: Final = frozenset({"syntax", "escape", "check"})
_NAME: Final = rf"{INDENT}([A-Za-z][A-Za-z0-9]*+)[\t\f\r ]*+=([^\n]*+)(?:\n|\Z)"
_LINE = re.compile(rf"{INDENT}\#{_NAME}")
_SYNTAX_LINES: Final = (re.compile(rf"\#{_NAME}"), re.compile(rf"//{_NAME}"))
_BLANKS: Final = "\t\f\r "
_BYTE_ORDER_MARK: Final = "\xef\xbb\xbf"
_BOOLEANS: Final = frozenset(
    ["1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"]
)
_SYNTAX_STARTS: Final = frozenset("#/{")
MAX_JSON: Final = 1 << 20
"""Bytes of a file that is read as JSON in search of its syntax; a Dockerfile is none."""


def read_directives(
    text: str, start: int
) -> tuple[list[tuple[str, str, Span]], int, tuple[str, int] | None]:
    """Read the directives from `start` to the first line that is none.

    Returns:
        Name in lower case, value and the value's bytes of each; where they end; and why the
        builder would refuse one of them and where, or None.
    """
    found: list[tuple[str, str, Span]] = []
    seen: set[str] = set()
    problem: tuple[str, int] | None = None
    while (line := _LINE.match(text, start)) is not None:
        name, span = line[1].lower(), _value_span(line)
        if name not in NAMES or span is None:
            break
        value = readable(text[span.start : span.end])
        if name in seen:
            problem = problem or (f"the parser directive {name!r} is given twice", line.start(1))
        elif name == "escape" and value not in {"\\", "`"}:
            problem = problem or (f"{value!r} cannot be the escape character", span.start)
        seen.add(name)
        found.append((name, value, span))
        start = line.end()
    return found, start, problem


def find_syntax(text: str) -> tuple[str, Span] | None:
    """Find the image that reads the file in the builder's stead, and its bytes.

    It is looked for by other rules than directives are: the mark stands in column one, a first
    line `#!` is passed over, `//` may be written for `#`, and a file that is a JSON object may
    have the key. The image's name ends at the first space.
    """
    start = _after_shebang(text)
    if text[start : start + 1] not in _SYNTAX_STARTS:
        return None
    for pattern in _SYNTAX_LINES:
        found = _find_marked(text, start, pattern, "syntax")
        if found is not None:
            return found
    return _find_in_json(text, start)


def check_problem(text: str) -> str | None:
    """Say why the builder would refuse the `check` directive, or None.

    It is looked for as `syntax` is, and its value ends at the first space too.
    """
    found = _find_marked(text, _after_shebang(text), _SYNTAX_LINES[0], "check")
    for option in found[0].split(";", 2) if found is not None else ():
        key, equals, value = option.partition("=")
        if not equals or key.strip() not in {"skip", "error", "experimental"}:
            return f"the check option {option!r} is not known"
        if key.strip() == "error" and value.strip() not in _BOOLEANS:
            return f"the check option {option!r} is not true or false"
    return None


def _after_shebang(text: str) -> int:
    start = len(_BYTE_ORDER_MARK) if text.startswith(_BYTE_ORDER_MARK) else 0
    if text.startswith("#!", start):
        start = text.find("\n", start) + 1 or len(text)
    return start


def _value_span(line: re.Match[str]) -> Span | None:
    """Return the bytes of a value without the blanks around it; None where nothing is there.

    Of a value that is all blanks, the last blank counts: the builder's pattern has it so.
    """
    start, end = line.span(2)
    value = line[2]
    if not value.strip(_BLANKS):
        return Span(end - 1, end) if value.rstrip("\r") else None
    return Span(end - len(value.lstrip(_BLANKS)), start + len(value.rstrip(_BLANKS)))


def _find_marked(
    text: str, start: int, pattern: re.Pattern[str], wanted: str
) -> tuple[str, Span] | None:
    seen: set[str] = set()
    while (line := pattern.match(text, start)) is not None:
        name, span = line[1].lower(), _value_span(line)
        if name not in NAMES or name in seen or span is None:
            return None
        if name == wanted:
            value = text[span.start : span.end].partition(" ")[0]
            return readable(value), Span(span.start, span.start + len(value))
        seen.add(name)
        start = line.end()
    return None


def _find_in_json(text: str, start: int) -> tuple[str, Span] | None:
    if not text.startswith("{", start) or len(text) > MAX_JSON:
        return None
    try:
        value = json.loads(readable(text[start:]))
    except (ValueError, RecursionError):
        return None
    syntax = value.get("syntax")
    return (syntax, Span(start, start)) if isinstance(syntax, str) else None
