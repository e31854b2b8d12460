"""Reading bodies under a limit, compressed ones too."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

from basekeeper.errors import NetworkError, TransportError
from basekeeper.transport.redaction import shown_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Begin = Callable[[], Callable[[bytes], object]]
    """Called at the start of a body; returns what takes its pieces."""

_GZIP_OR_ZLIB: Final = 47
"""`wbits` with which zlib recognises both headers by itself."""

_MAX_DIGITS: Final = 15

_UNPACKED: Final = frozenset({"", "identity"})
_PACKED: Final = frozenset({"gzip", "x-gzip", "deflate"})


def is_readable(coding: str) -> bool:
    """Tell whether a body in a content coding can be unpacked."""
    return coding in _UNPACKED or coding in _PACKED


def is_too_long(headers: Mapping[str, str], limit: int) -> bool:
    """Tell whether a body says itself that it is above the limit, before it is read."""
    length = headers.get("content-length", "")
    return len(length) > _MAX_DIGITS or (length.isdecimal() and int(length) > limit)


def joined(url: str, pieces: Iterator[bytes], limit: int) -> tuple[bytes, bool]:
    """Join pieces up to a limit; tell whether all of them fitted.

    Raises:
        NetworkError: What was compressed is broken.
    """
    body = bytearray()
    try:
        for piece in pieces:
            body += piece
            if len(body) > limit:
                return bytes(body[:limit]), False
    except zlib.error as error:
        raise NetworkError(f"{shown_url(url)}: the compressed answer is broken") from error
    return bytes(body), True


def poured(pieces: Iterator[bytes], take: Callable[[bytes], object], limit: int) -> bool:
    """Pass pieces on up to a limit; tell whether all of them fitted."""
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > limit:
            return False
        take(piece)
    return True


def unpacked(url: str, pieces: Iterator[bytes], coding: str, limit: int) -> Iterator[bytes]:
    """Undo gzip or deflate, never unpacking more than the limit at once.

    Nothing at all is an empty body in any coding: servers keep the header where they leave out the
    body.

    Raises:
        NetworkError: The answer ends too early.
        TransportError: The coding is another one.
    """
    if coding in _UNPACKED:
        yield from pieces
        return
    if coding not in _PACKED:
        raise TransportError(f"{shown_url(url)}: unknown content coding {coding!r:.40}")
    unpacker = zlib.decompressobj(_GZIP_OR_ZLIB)
    is_empty = True
    for piece in pieces:
        is_empty = False
        yield unpacker.decompress(piece, limit + 1)
        if unpacker.eof:  # what follows would be kept in memory, unseen by any limit
            return
    if not is_empty and not unpacker.unconsumed_tail:
        raise NetworkError(f"{shown_url(url)}: the compressed answer ends too early")
