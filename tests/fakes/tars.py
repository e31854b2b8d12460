"""Layers for tests: honest ones by tarfile, others header by header."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

END = bytes(1024)
DEBIAN = 'PRETTY_NAME="Debian GNU/Linux {0}"\nID=debian\nVERSION_ID="{0}"\n'


def debian(release: int) -> str:
    """The text of Debian's file."""
    return DEBIAN.format(release)


def tar(entries: Mapping[str, str | None], *, form: int = tarfile.PAX_FORMAT) -> bytes:
    """Pack entries: text is a file, `-> x` a link, `=> x` a hard link, None a directory."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=form) as archive:
        for name, text in entries.items():
            entry = tarfile.TarInfo(name)
            if text is None:
                entry.type = tarfile.DIRTYPE
            elif text.startswith(("-> ", "=> ")):
                entry.type = tarfile.SYMTYPE if text.startswith("-") else tarfile.LNKTYPE
                entry.linkname = text[3:]
            else:
                entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO((text or "").encode()) if entry.size else None)
    return target.getvalue()


def packed(archive: bytes) -> bytes:
    """Compress a layer."""
    return gzip.compress(archive, compresslevel=1, mtime=0)


def header(name: bytes, size: int | bytes = 0, kind: bytes = b"0", target: bytes = b"") -> bytes:
    """Write a header with a right checksum, whatever else it says."""
    told = size if isinstance(size, bytes) else b"%011o\0" % size
    block = bytearray(512)
    block[0 : len(name)] = name
    block[124:136] = told
    block[156:157] = kind
    block[157 : 157 + len(target)] = target
    block[257:265] = b"ustar\x0000"
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def file(name: bytes, content: bytes, kind: bytes = b"0") -> bytes:
    """Write an entry with its content."""
    return header(name, len(content), kind) + content + bytes(-len(content) % 512)


def pax(**records: bytes) -> bytes:
    """Write a pax header."""
    return file(b"x", b"".join(record(key.encode(), value) for key, value in records.items()), b"x")


def record(key: bytes, value: bytes) -> bytes:
    """Write one record of a pax header."""
    rest = b" %b=%b\n" % (key, value)
    length = len(rest) + 1
    while len(b"%d" % length) + len(rest) != length:
        length += 1
    return b"%d" % length + rest


def noise(count: int) -> bytes:
    """Give bytes that no compression makes smaller, the same each time."""
    return b"".join(hashlib.sha512(b"%d" % at).digest() for at in range(count // 64 + 1))[:count]
