r"""Plain objects as JSON in ASCII, which no reader misreads by its encoding.

A byte of a file name that is not UTF-8 has no place in JSON; it is written as text, `\udcff`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

_COMPACT: Final = json.JSONEncoder(allow_nan=False)


def dump(value: dict[str, Any]) -> str:
    """Write a small document for people, indented throughout."""
    text = json.dumps(value, indent=2, allow_nan=False)
    if "\\ud" in text:
        text = json.dumps(_without_surrogates(value), indent=2, allow_nan=False)
    return text + "\n"


def pieces(value: Any, *, depth: int) -> Iterator[str]:
    """Write a large document piece by piece, so that it never is in memory as a whole.

    Args:
        value: Plain objects. Down to `depth`, an iterator stands for a list, and is asked for an
            item when that one is written.
        depth: Objects and lists within each other that are opened, one key or item a line;
            what is deeper takes no line of its own.
    """
    yield from _opened(value, depth, "\n")
    yield "\n"


def _opened(value: Any, depth: int, margin: str) -> Iterator[str]:
    """Write a value; `margin` begins the line that it ends on."""
    if depth == 0 or not isinstance(value, (dict, list, Iterator)):
        yield _compact(value)
        return
    inner = margin + "  "
    if isinstance(value, dict):
        first, last = "{", "}"
        items = ((_compact(key) + ": ", item) for key, item in value.items())
    else:
        first, last = "[", "]"
        items = (("", item) for item in value)
    before = first
    for head, item in items:
        yield f"{before}{inner}{head}"
        yield from _opened(item, depth - 1, inner)
        before = ","
    yield first + last if before == first else margin + last


def _compact(value: Any) -> str:
    """Write a value in one line."""
    text = _COMPACT.encode(value)
    return _COMPACT.encode(_without_surrogates(value)) if "\\ud" in text else text


def _without_surrogates(value: Any) -> Any:
    """Copy plain objects, lone surrogates replaced by their escapes as text."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    return value
