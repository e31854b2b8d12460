"""Layers as they stream by: hashed as they come, unpacked, and handed to the walker."""

from __future__ import annotations

import hashlib
import zlib
from typing import TYPE_CHECKING, Final

from basekeeper.errors import Failure, RegistryError
from basekeeper.registry.archives import Walker
from basekeeper.registry.documents import refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from basekeeper.registry.archives import Budget, Listing

_SLICE: Final = 8 * 1024
"""Bytes unpacked at once; zlib copies what it leaves over each time."""
_STEP: Final = 64 * 1024
_GZIP: Final = 31
"""`wbits` for gzip alone."""
_GZIP_MAGIC: Final = b"\x1f\x8b"
_ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"


class LayerReader:
    """Takes one layer, piece by piece, in any compression that can be read."""

    def __init__(self, digest: str, size: int, what: str, budget: Budget) -> None:
        """Expect content of a digest and size."""
        self._digest = digest
        self._size = size
        self._what = what
        self._budget = budget
        self._hash = hashlib.new(digest.partition(":")[0])
        self._count = 0
        self._head = b""
        self._unpack: Callable[[bytes], Iterator[bytes]] | None = None
        self._walker = Walker(what, budget)
        self._gzip = zlib.decompressobj(_GZIP)

    def take(self, piece: bytes) -> None:
        """Read on.

        Raises:
            RegistryError: It is no layer, or costs too much.
        """
        self._hash.update(piece)
        self._count += len(piece)
        if self._walker.is_ended:
            return
        if self._unpack is None:
            self._head += piece
            if len(self._head) < len(_ZSTD_MAGIC):
                return
            piece, self._head = self._head, b""
            self._unpack = self._unpacker(piece)
        for start in range(0, len(piece), _SLICE):
            for part in self._unpack(piece[start : start + _SLICE]):
                self._budget.unpack(len(part))
                if not self._walker.feed(part):
                    return

    def finish(self) -> Listing:
        """Return what was found, once all has been taken and is what was announced.

        Raises:
            RegistryError: It is not, or ends within an entry.
        """
        name = f"{self._digest.partition(':')[0]}:{self._hash.hexdigest()}"
        if self._count != self._size or name != self._digest:
            raise refused(self._what, f"the content does not have the digest {self._digest}")
        is_cut = self._unpack == self._gunzip and not self._gzip.eof and not self._walker.is_ended
        if self._head or is_cut or not self._walker.may_end:
            raise refused(self._what, "the archive ends too early")
        return self._walker.listing

    def _unpacker(self, start: bytes) -> Callable[[bytes], Iterator[bytes]]:
        """Tell by the first bytes how a layer is packed; Docker's media types do not tell."""
        if start.startswith(_GZIP_MAGIC):
            return self._gunzip
        if start.startswith(_ZSTD_MAGIC):
            raise RegistryError(
                f"{self._what}: the layer is compressed with zstd", Failure.UNSUPPORTED
            )
        return lambda data: iter((data,))

    def _gunzip(self, data: bytes) -> Iterator[bytes]:
        """Unpack step by step; a layer may be several streams, one after the other."""
        while data:
            if self._gzip.eof:
                self._budget.enter()
                self._gzip = zlib.decompressobj(_GZIP)
            try:
                part = self._gzip.decompress(data, _STEP)
            except zlib.error as error:
                raise refused(self._what, "the layer is no valid gzip") from error
            data = self._gzip.unused_data if self._gzip.eof else self._gzip.unconsumed_tail
            yield part
