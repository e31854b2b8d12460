"""Heads of answers, read by one pattern where they are plain.

Nearly every answer has such a head: HTTP/1.1, a final status, whole within one read, lines as the
standard has them (RFC 9112), and a body of a length that is told once, or none. What is anything
else is not judged here but left to `thorough`, so that nothing strange is read in two ways.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_NAME: Final = r"[-!#$%&'*+.^_`|~0-9A-Za-z]+"
_TEXT: Final = r"[\t\x20-\x7e\x80-\xff]*"
_PLAIN: Final = re.compile(
    rf"HTTP/1\.1 ([2-9][0-9][0-9])(?: {_TEXT})?\r\n((?:{_NAME}:{_TEXT}\r\n)*)\r\n"
)
_LENGTH: Final = re.compile(r"[0-9]{1,15}")
_END: Final = b"\r\n\r\n"
_WITHOUT_BODY: Final = frozenset({204, 304})


class Head(NamedTuple):
    """The head of a final answer."""

    status: int
    headers: dict[str, str]
    """Names in lower case; repeated ones joined by commas."""


class PlainHead(NamedTuple):
    """A head that is plain, and what follows from it."""

    head: Head
    end: int
    """Where the body begins in what was read."""
    length: int
    """Bytes of the body."""
    is_last: bool
    """The server will close the connection after it."""


def read_plain(data: bytes, method: str) -> PlainHead | None:
    """Read the head of an answer to a method; None where it is not plain."""
    end = data.find(_END) + len(_END)
    match = _PLAIN.fullmatch(data[:end].decode("latin-1"))
    if match is None:
        return None
    status = int(match[1])
    headers = joined([line.split(":", 1) for line in match[2].split("\r\n")[:-1]])
    if "transfer-encoding" in headers:
        return None
    told = headers.get("content-length")
    if told is not None and _LENGTH.fullmatch(told) is None:
        return None
    length = 0
    if method != "HEAD" and status not in _WITHOUT_BODY:
        if told is None:
            return None
        length = int(told)
    options = headers.get("connection")
    is_last = options is not None and _says_close(options)
    return PlainHead(Head(status, headers), end, length, is_last)


def joined(pairs: Iterable[Sequence[str]]) -> dict[str, str]:
    """Give the headers of an answer by name, the blanks around a value left out."""
    found: dict[str, str] = {}
    for name, value in pairs:
        key, text = name.lower(), value.strip(" \t")
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found


def _says_close(options: str) -> bool:
    return any(option.strip(" \t") == "close" for option in options.lower().split(","))
