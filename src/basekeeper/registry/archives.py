"""The archive of a layer, walked through as it streams by; what it says of os-release is kept.

Sources: the OCI image specification, `layer.md` (media types, whiteouts); POSIX `pax`, the ustar
and pax formats; GNU tar's manual for long names, large numbers and sparse files. Where readers
differ, Go's archive/tar is followed, as builders use it.

Nothing is written anywhere. What a layer may cost is bounded by a `Budget`, what is held at a time
by the constants below: about 4 MiB at worst. The standard library's tarfile has no such bounds.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.errors import Failure, RegistryError
from basekeeper.registry.documents import refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_UNPACKED: Final = 512 * 1024 * 1024
"""Bytes that the layers of one image may unpack to: eight times what may be fetched."""
MAX_ENTRIES: Final = 200_000
"""Entries of all layers of one image, and members of their gzip streams."""
MAX_SECONDS: Final = 60.0
"""Seconds for reading the layers of one image."""
MAX_NAME: Final = 4096
"""Bytes of a name: Linux's PATH_MAX."""
MAX_EXTRA: Final = 1024 * 1024
"""Bytes of a header's extension: the limit of Go's archive/tar."""
MAX_FILE: Final = 64 * 1024
"""Bytes of an os-release file; real ones have less than 1,000."""
MAX_KEPT: Final = 32
"""Files named like os-release that one layer may hold; images of images have a few."""
MAX_NODES: Final = 1024
"""Everything that is kept of one layer, whiteouts included."""

WATCHED: Final = frozenset({"etc", "lib", "usr", "usr/lib"})
"""Directories that lead to os-release, one of which may be a link."""

_NAME: Final = "os-release"
_WHITEOUT: Final = ".wh."
_OPAQUE: Final = ".wh..wh..opq"
_BLOCK: Final = 512
_ZEROS: Final = bytes(_BLOCK)
_HEADER_ONLY: Final = frozenset({b"1", b"2", b"3", b"4", b"5", b"6"})
_REGULAR: Final = frozenset({b"0", b"\0", b"7"})
_POSIX: Final = b"ustar\0"
_CHECKSUM: Final = slice(148, 156)
_MORE_SPARSE, _STILL_MORE_SPARSE = 482, 504


class Node(NamedTuple):
    """What a layer says of one path."""

    kind: str
    """`file`, `link`, `hard`, `dir`, or `other`: what cannot be read."""
    text: str = ""
    """Content of a file, target of a link."""


class Listing(NamedTuple):
    """What one layer says of os-release and of what leads there; paths without a first slash."""

    nodes: dict[str, Node]
    gone: list[str]
    """What is removed of the layers below."""
    opaque: list[str]
    """Directories of which nothing below shines through; the root is empty."""


class Budget:
    """What reading the layers of one image may still cost."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start now."""
        self._clock = clock
        self._end = clock() + MAX_SECONDS
        self._unpacked = MAX_UNPACKED
        self._entries = MAX_ENTRIES

    @property
    def left(self) -> tuple[int, int]:
        """Bytes and entries that are left."""
        return self._unpacked, self._entries

    def restore(self, left: tuple[int, int]) -> None:
        """Give back what was spent on a layer that broke off and comes again; but no time."""
        self._unpacked, self._entries = left

    def unpack(self, count: int) -> None:
        """Spend unpacked bytes.

        Raises:
            RegistryError: There are none left, or no time.
        """
        self._unpacked -= count
        if self._unpacked < 0:
            raise _too_much(f"the layers unpack to more than {MAX_UNPACKED:,} bytes")
        if self._clock() > self._end:
            raise _too_much(f"the layers were not read in {MAX_SECONDS:g} s")

    def enter(self) -> None:
        """Spend an entry.

        Raises:
            RegistryError: There are none left.
        """
        self._entries -= 1
        if self._entries < 0:
            raise _too_much(f"the layers have more than {MAX_ENTRIES:,} entries")


class Walker:
    """Walks through a tar archive and keeps what is said of os-release."""

    def __init__(self, what: str, budget: Budget) -> None:
        """Begin at the first header."""
        self.listing = Listing({}, [], [])
        self.is_ended = False
        """Whether the mark of the end was seen; nothing after it counts."""
        self._what = what
        self._budget = budget
        self._buffer = bytearray()
        self._missing = _BLOCK
        self._skip = 0
        self._then: Callable[[bytes], None] = self._header
        self._has_zeros = False
        self._extra: dict[bytes, bytes] = {}
        self._kept = 0

    @property
    def may_end(self) -> bool:
        """Whether the archive may end here: the mark may be missing, but nothing else."""
        return self.is_ended or (
            not self._skip and self._missing == _BLOCK and self._then == self._header
        )

    def feed(self, data: bytes) -> bool:
        """Walk on; tell whether more may come.

        Raises:
            RegistryError: It is no tar archive, or breaks a limit.
        """
        at, end = 0, len(data)
        while at < end and not self.is_ended:
            if self._skip:
                step = min(self._skip, end - at)
                self._skip -= step
                at += step
                continue
            step = min(self._missing, end - at)
            self._buffer += data[at : at + step]
            at += step
            self._missing -= step
            if not self._missing:
                block = bytes(self._buffer)
                self._buffer.clear()
                self._then(block)
        return not self.is_ended

    def _next(self, skip: int = 0) -> None:
        """Go on with a header, after so many bytes of content."""
        self._skip += skip + -skip % _BLOCK
        self._missing, self._then = _BLOCK, self._header

    def _collect(self, size: int, then: Callable[[bytes], None]) -> None:
        """Read content, then go on with a header."""

        def take(content: bytes) -> None:
            self._skip = -size % _BLOCK
            self._missing, self._then = _BLOCK, self._header
            then(content)

        if size:
            self._missing, self._then = size, take
        else:
            take(b"")

    def _header(self, block: bytes) -> None:
        if block == _ZEROS:
            self.is_ended, self._has_zeros = self._has_zeros, True
            self._next()
            return
        self._budget.enter()
        if self._has_zeros or _number(block[_CHECKSUM]) != sum(block) - sum(block[_CHECKSUM]) + 256:
            raise refused(self._what, "the layer is no tar archive")
        kind, size = block[156:157], _number(block[124:136])
        if size is None:
            raise refused(self._what, "an entry has no valid size")
        if kind in (b"x", b"L", b"K"):
            if size > MAX_EXTRA:
                raise refused(self._what, f"a header is longer than {MAX_EXTRA} bytes")
            self._collect(size, partial(self._extend, kind))
        elif kind == b"g":  # of the whole archive; Go applies none of it
            self._next(size)
        else:
            self._entry(block, kind, size)

    def _extend(self, kind: bytes, content: bytes) -> None:
        """Keep what extends the next header."""
        if kind == b"x":
            self._extra.update(_records(content, self._what))
        else:
            key = b"path" if kind == b"L" else b"linkpath"
            self._extra[key] = content.partition(b"\0")[0]

    def _entry(self, block: bytes, kind: bytes, size: int) -> None:
        """Take an entry, whose content comes next."""
        extra, self._extra = self._extra, {}
        if b"size" in extra:
            told = extra[b"size"]
            if not told.isdigit() or len(told) > 18:  # noqa: PLR2004  # 63 bits
                raise refused(self._what, "an entry has no valid size")
            size = int(told)
        if kind in _HEADER_ONLY:
            size = 0
        name = extra.get(b"GNU.sparse.name") or extra.get(b"path") or _name_of(block)
        target = extra.get(b"linkpath") or _text(block[157:257])
        path = self._path(name)
        if kind in _REGULAR and name.endswith(b"/"):
            kind = b"5"
        is_sparse = kind == b"S" or any(key.startswith(b"GNU.sparse.") for key in extra)
        if kind == b"S" and block[_MORE_SPARSE]:
            self._missing, self._then = _BLOCK, partial(self._map, size)
        elif kind in _REGULAR and not is_sparse and _is_named(path) and size <= MAX_FILE:
            self._kept += 1
            if self._kept > MAX_KEPT:
                raise _too_much(f"{self._what}: more than {MAX_KEPT} files are named {_NAME}")
            self._collect(size, partial(self._keep_file, path))
            return
        else:
            self._next(size)
        self._keep(path, kind, target)

    def _map(self, size: int, block: bytes) -> None:
        """Pass over the further maps of an old sparse file."""
        self._budget.enter()
        if block[_STILL_MORE_SPARSE]:
            self._missing = _BLOCK
        else:
            self._next(size)

    def _keep(self, path: str, kind: bytes, target: bytes) -> None:
        """Keep an entry that is not a small file, if it matters."""
        parent, _, base = path.rpartition("/")
        if base == _OPAQUE:
            if parent in WATCHED or not parent or "release" in parent:
                self._count(self.listing.opaque)
                self.listing.opaque.append(parent)
        elif base.startswith(_WHITEOUT):
            removed = f"{parent}/{base[len(_WHITEOUT) :]}".lstrip("/")
            if removed in WATCHED or "release" in removed:
                self._count(self.listing.gone)
                self.listing.gone.append(removed)
        elif path in WATCHED or _is_named(path):
            kinds = {b"1": "hard", b"2": "link", b"5": "dir"}
            self._put(path, Node(kinds.get(kind, "other"), _shown(target)))

    def _keep_file(self, path: str, content: bytes) -> None:
        self._put(path, Node("file", content.decode(errors="replace")))

    def _put(self, path: str, node: Node) -> None:
        """Let a node take the place of what an earlier entry put there, and below."""
        nodes = self.listing.nodes
        self._count(nodes)
        if path in WATCHED and node.kind != "dir":
            for below in [one for one in nodes if one.startswith(f"{path}/")]:
                del nodes[below]
        nodes[path] = node

    def _count(self, kept: dict[str, Node] | list[str]) -> None:
        if len(kept) >= MAX_NODES:
            raise _too_much(f"{self._what}: too much in the layer is named like {_NAME}")

    def _path(self, name: bytes) -> str:
        """Write a name as a path from the root.

        Raises:
            RegistryError: It is too long, or leads upwards, which builders read differently.
        """
        if len(name) > MAX_NAME or b"\0" in name:
            raise refused(self._what, "an entry has no valid name")
        parts = [part for part in name.split(b"/") if part not in (b"", b".")]
        if b".." in parts:
            raise refused(self._what, "the name of an entry leads upwards")
        return _shown(b"/".join(parts))


def _too_much(reason: str) -> RegistryError:
    return RegistryError(reason, Failure.UNSUPPORTED)


def _is_named(path: str) -> bool:
    """Tell whether something is named like the file, under whatever directory."""
    base = path.rpartition("/")[2]
    return _NAME in base and not base.startswith(_WHITEOUT)


def _shown(name: bytes) -> str:
    return name.decode(errors="surrogateescape")


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _name_of(block: bytes) -> bytes:
    """Read the name in a header; only POSIX has the first part of it in a field of its own."""
    name, prefix = _text(block[:100]), _text(block[345:500])
    return prefix + b"/" + name if block[257:263] == _POSIX and prefix else name


def _number(field: bytes) -> int | None:
    """Read a number in octal digits or, as GNU tar has it, in binary; None where it is none."""
    if field[0] == 0x80:  # noqa: PLR2004  # the mark of binary, of a positive number
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0")
    try:
        return int(digits, 8) if digits.isdigit() else (None if digits else 0)
    except ValueError:
        return None


def _records(content: bytes, what: str) -> Iterator[tuple[bytes, bytes]]:
    """Read the records of a pax header that are of use: `LENGTH KEY=VALUE` and a line feed."""
    at = 0
    while at < len(content):
        space = content.find(b" ", at, at + 20)
        digits = content[at:space] if space > at else b""
        end = at + int(digits) if digits.isdigit() else at
        key, equals, value = content[space + 1 : end - 1].partition(b"=")
        if not at < end <= len(content) or content[end - 1 : end] != b"\n" or not equals:
            raise refused(what, "a pax header is malformed")
        if key in (b"path", b"linkpath", b"size") or key.startswith(b"GNU.sparse."):
            yield key, value
        at = end
