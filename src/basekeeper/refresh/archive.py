"""Reading files out of an archive, tar or tar packed by gzip, that somebody else made.

Nothing is written and no link is followed. The archive is unpacked piece by piece; what is held at
a time is one file. The standard library's tarfile has no such bounds.

Sources: POSIX `pax` (ustar and pax headers), GNU tar's manual (long names), RFC 1952.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_UNPACKED: Final = 64 * 1024 * 1024
"""Most bytes of an archive, unpacked. The official list has below 2 MiB."""
MAX_MEMBERS: Final = 20_000
"""Most headers; the official list has about 420."""
MAX_EXTENSION: Final = 64 * 1024
"""Most bytes of one extended header; they hold a commit, or a long name."""

_BLOCK: Final = 512
_STEP: Final = 64 * 1024
_SLICE: Final = 8 * 1024
"""Packed bytes handed over at once; zlib copies what it leaves over each time."""
_GZIP: Final = b"\x1f\x8b"
_FILE: Final = frozenset({b"0", b"\0"})
_DIRECTORY: Final = b"5"
_OTHERS: Final = frozenset({b"1", b"2", b"3", b"4", b"6"})
"""Links, devices and pipes: none of them is read, and none has content."""
_EXTENDED, _FOR_ALL, _LONG_NAME, _LONG_LINK = b"x", b"g", b"L", b"K"
_CHECKSUM: Final = slice(148, 156)


class Member(NamedTuple):
    """One entry of an archive."""

    name: str
    """As it stands there, checked to lie below the top: no `..`, not absolute."""
    is_file: bool
    is_directory: bool
    size: int
    modified: int
    """Seconds since 1970, as the header says."""


class Archive:
    """Walks through an archive once."""

    def __init__(self, data: bytes) -> None:
        """Begin at the first header."""
        self.comment = ""
        """What the header for all entries says in words; git writes the commit there."""
        self._unpacker = _Unpacker(data)
        self._read = self._unpacker.read
        self._long_name: str | None = None

    def members(self, wants: Callable[[Member], bool], most: int) -> Iterator[tuple[Member, bytes]]:
        """Yield the entries that are wanted, each with its content; empty for what is no file.

        Args:
            wants: Tells whether an entry is to be yielded.
            most: Most bytes of one that is.

        Raises:
            InputError: It is no archive, ends too early, is larger than the limits, or names a
                place outside.
        """
        for _ in range(MAX_MEMBERS):
            header = self._read(_BLOCK)
            if not any(header):
                self._unpacker.finish()
                return
            member = self._member(header)
            if member is None:
                continue
            if not wants(member):
                self._skip(member.size)
                continue
            if member.size > most:
                raise InputError(f"{member.name!r:.80} is larger than {most} bytes")
            yield member, self._content(member.size)
        raise InputError(f"the archive has more than {MAX_MEMBERS} entries")

    def _member(self, header: bytes) -> Member | None:
        """Read a header; None for one that only says something of the next."""
        total = sum(header) - sum(header[_CHECKSUM]) + 8 * ord(" ")
        if _number(header[_CHECKSUM]) != total:
            raise InputError("the answer is no archive")
        kind, size = header[156:157], _number(header[124:136])
        if kind in (_EXTENDED, _FOR_ALL, _LONG_NAME, _LONG_LINK):
            self._extend(kind, size)
            return None
        name = self._long_name or _plain_name(header)
        self._long_name = None
        if kind not in _FILE and kind != _DIRECTORY and kind not in _OTHERS:
            raise InputError(f"the archive has an entry of an unknown kind {kind!r}")
        _check_name(name)
        is_file = kind in _FILE and not name.endswith("/")
        return Member(
            name,
            is_file,
            is_directory=not is_file and kind not in _OTHERS,
            size=size if is_file else 0,
            modified=_number(header[136:148]),
        )

    def _extend(self, kind: bytes, size: int) -> None:
        """Read what is said of the next entry, or of all."""
        if size > MAX_EXTENSION:
            raise InputError(f"the archive has a header of more than {MAX_EXTENSION} bytes")
        data = self._content(size)
        if kind == _LONG_NAME:
            self._long_name = _text(data.rstrip(b"\0"))
            return
        if kind == _LONG_LINK:
            return
        said = _records(data)
        # Sizes there are for files of more than 8 GiB, and would count for what follows.
        if b"size" in said or (kind == _FOR_ALL and b"path" in said):
            raise InputError("the archive has a header that says other sizes or names")
        if kind == _FOR_ALL:
            self.comment = _text(said.get(b"comment", b""))
        elif b"path" in said:
            self._long_name = _text(said[b"path"])

    def _content(self, size: int) -> bytes:
        """Read the content of an entry, and what fills its last block."""
        data = self._read(size)
        self._read(-size % _BLOCK)
        return data

    def _skip(self, size: int) -> None:
        """Pass over the content of an entry."""
        left = size + -size % _BLOCK
        while left:
            left -= len(self._read(min(left, _STEP)))


class _Unpacker:
    """Gives the bytes of an archive in their order, unpacked as far as they are asked for."""

    def __init__(self, data: bytes) -> None:
        self._parts = _unzipped(data) if data.startswith(_GZIP) else _slices(data, _STEP)
        self._ready = b""
        self._total = 0

    def read(self, count: int) -> bytes:
        """Return exactly so many bytes."""
        while len(self._ready) < count:
            part = next(self._parts, b"")
            if not part:
                raise InputError("the archive ends too early")
            self._count(part)
            self._ready += part
        data, self._ready = self._ready[:count], self._ready[count:]
        return data

    def finish(self) -> None:
        """Read what is left, so that the checksum at its end is compared."""
        for part in self._parts:
            self._count(part)

    def _count(self, part: bytes) -> None:
        self._total += len(part)
        if self._total > MAX_UNPACKED:
            raise InputError(f"the archive unpacks to more than {MAX_UNPACKED} bytes")


def _slices(data: bytes, size: int) -> Iterator[bytes]:
    """Yield the bytes piece by piece."""
    return (data[start : start + size] for start in range(0, len(data), size))


def _unzipped(data: bytes) -> Iterator[bytes]:
    """Yield what one gzip stream unpacks to, in pieces of at most `_STEP`, none of them empty."""
    unzip = zlib.decompressobj(wbits=31)  # gzip alone
    for piece in _slices(data, _SLICE):
        packed = piece
        while packed and not unzip.eof:
            try:
                part = unzip.decompress(packed, _STEP)
            except zlib.error as error:
                raise InputError("the archive cannot be unpacked") from error
            packed = unzip.unconsumed_tail
            if part:
                yield part
    if not unzip.eof:
        raise InputError("the archive ends too early")


def _plain_name(header: bytes) -> str:
    """The name in a header, behind its prefix where there is one (POSIX, not GNU)."""
    name = header[:100].rstrip(b"\0")
    prefix = header[345:500].rstrip(b"\0") if header[257:263] == b"ustar\0" else b""
    return _text(prefix + b"/" + name if prefix else name)


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError("the archive has a name that is not UTF-8") from error


def _check_name(name: str) -> None:
    """Refuse a name that leads out of where an archive is unpacked, though nothing is unpacked."""
    parts = name.split("/")
    if not name or name.startswith("/") or ".." in parts or "\0" in name or "\\" in name:
        raise InputError(f"the archive has an entry outside of it: {name!r:.80}")


def _number(field: bytes) -> int:
    """Read a number in octal digits."""
    digits = field.strip(b" \0")
    if not digits:
        return 0
    if not digits.isdigit() or set(digits) & set(b"89"):
        raise InputError("the answer is no archive")
    return int(digits, 8)


def _records(data: bytes) -> dict[bytes, bytes]:
    """Read the records of an extended header: `length keyword=value`, each with a line feed."""
    found: dict[bytes, bytes] = {}
    start = 0
    while start < len(data):
        space = data.find(b" ", start, start + 8)
        length = data[start:space] if space > 0 else b""
        end = start + int(length) if length.isdigit() else 0
        record = data[space + 1 : end]
        key, equals, value = record[:-1].partition(b"=")
        if end > len(data) or not record.endswith(b"\n") or not equals:
            raise InputError("the archive has a header that cannot be read")
        found[key] = value
        start = end
    return found
