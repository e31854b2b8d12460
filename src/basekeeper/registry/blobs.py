"""Large content on its way to a file: hashed as it comes, gone on with where it breaks off.

A blob may be larger than what one request has time for, so that it is fetched in several, each of
which asks for the rest. A registry that gives no parts (few do not) sends everything again; what
is there already is then passed over. Nothing but the digest decides whether what came is right.
"""

from __future__ import annotations

import hashlib
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, Final

from basekeeper.errors import Error, Failure, InputError, RegistryError
from basekeeper.registry.answers import OK, failed
from basekeeper.registry.documents import refused
from basekeeper.registry.tokens import Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from threading import BoundedSemaphore, Event

    from basekeeper.registry.contents import Place
    from basekeeper.registry.layers import Stream
    from basekeeper.values.image import Descriptor

LEAST_BYTES: Final = 1024 * 1024
"""What a request must bring unless it brings the rest: 17 KiB a second, were it a whole turn."""
MAX_STUMBLES: Final = 5
"""Requests for one blob that may bring less."""
TURN_SECONDS: Final = 60.0
"""Seconds after which the rest is asked for anew; half of what one request has."""
PRIVATE_FILE: Final = 0o600

_PART: Final = 206
_NO_SUCH_PART: Final = 416


class _Again(Error):  # noqa: N818  # reads as what is wanted
    """Ends a request so that the next one asks for the rest; never leaves this module."""


class Blobs:
    """Fetches blobs of one registry run into files, a few at a time."""

    def __init__(
        self,
        stream: Stream,
        places: BoundedSemaphore,
        *,
        end: float,
        stopped: Event,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Fetch nothing yet.

        Args:
            stream: Sends requests.
            places: How many blobs may be under way at a time.
            end: When all of them must be there, by `clock`.
            stopped: Once it is set, no blob is gone on with.
            clock: Seconds that only ever grow.
        """
        self._stream = stream
        self._places = places
        self._end = end
        self._stopped = stopped
        self._clock = clock

    def fetch(self, place: Place, blob: Descriptor, path: Path) -> None:
        """Fetch a blob into a file that is not there yet, and that nobody else can read.

        Where it fails, there is no file.

        Raises:
            RegistryError: It cannot be had, is not what was announced, or comes too slowly.
            InputError: It cannot be written.
        """
        what = place.name(blob.digest)
        with self._places:
            try:
                with _opened(path) as handle, _removed_on_failure(path):
                    receiving = _Receiving(path, handle, blob, what, self._watch)
                    self._receive(place, blob, receiving)
                    receiving.finish()
            except OSError as error:
                raise not_written(path, what, error) from error

    def _receive(self, place: Place, blob: Descriptor, receiving: _Receiving) -> None:
        """Ask until everything is there."""
        stumbles = 0
        while not receiving.is_whole:
            before = receiving.count
            self._check(receiving.what)
            cause = self._ask(place, blob, receiving)
            if receiving.count - before < LEAST_BYTES and not receiving.is_whole:
                stumbles += 1
            if stumbles > MAX_STUMBLES:
                raise cause or _too_slow(receiving.what)

    def _ask(self, place: Place, blob: Descriptor, receiving: _Receiving) -> RegistryError | None:
        """Send one request, and tell why it brought less than everything, if that is known.

        Raises:
            RegistryError: Asking again would come to the same.
        """
        start, before = receiving.start, receiving.count
        try:
            answer = self._stream(
                place.host,
                f"/v2/{place.path}/blobs/{blob.digest}",
                lambda: receiving.begin(start),
                scope=Scope(place.path),
                headers={"range": f"bytes={start}-"} if start else None,
                max_bytes=blob.size - start,
            )
        except _Again:
            return None
        except RegistryError as error:
            if error.failure is Failure.REFUSED and start:
                receiving.restart()
            elif error.failure is not Failure.UNREACHABLE or receiving.count == before:
                raise
            return error
        if answer.status == _NO_SUCH_PART and start:
            receiving.restart()
        elif answer.status not in (OK, _PART):
            raise failed(answer, receiving.what)
        elif not start and not receiving.is_whole:
            raise refused(
                receiving.what, f"got {receiving.count} bytes where {blob.size} were announced"
            )
        return None

    def _check(self, what: str) -> None:
        if self._stopped.is_set():
            raise RegistryError(f"{what}: not fetched, as the rest was not", Failure.UNREACHABLE)
        if self._clock() > self._end:
            raise _too_slow(what)

    def _watch(self, since: float | None) -> float:
        """Return the time; raises once a turn that began at an instant is over, or everything."""
        now = self._clock()
        is_late = since is not None and now - since > TURN_SECONDS
        if is_late or now > self._end or self._stopped.is_set():
            raise _Again("the next request asks for the rest")
        return now


class _Receiving:
    """One blob on its way to its file, over however many requests."""

    def __init__(  # what it is, and where it goes
        self,
        path: Path,
        handle: BinaryIO,
        blob: Descriptor,
        what: str,
        check: Callable[[float | None], float],
    ) -> None:
        self.what = what
        self.count = 0
        """Bytes that are there."""
        self._path, self._handle = path, handle
        self._blob = blob
        self._check = check
        self._hash = hashlib.new(blob.digest.partition(":")[0])
        self._in_parts = True
        self._at = 0
        """Where in the blob the next piece begins."""
        self._since = 0.0

    @property
    def is_whole(self) -> bool:
        """Tell whether as many bytes are there as were announced."""
        return self.count == self._blob.size

    @property
    def start(self) -> int:
        """From where on the next request asks."""
        return self.count if self._in_parts else 0

    def begin(self, start: int) -> Callable[[bytes], object]:
        """Take a body that begins at a byte of the blob."""
        if self._in_parts and self.count > start:  # the same request again; better one for less
            raise _Again("the next request asks for the rest")
        self._at = start
        self._since = self._check(None)
        return self._take

    def restart(self) -> None:
        """Begin anew, and from now on ask for everything: what came was not the part."""
        self._in_parts = False
        self._handle.seek(0)
        self._handle.truncate()
        self._hash = hashlib.new(self._hash.name)
        self.count = 0

    def finish(self) -> None:
        """Raise unless what came is what was announced."""
        self._handle.flush()
        if f"{self._hash.name}:{self._hash.hexdigest()}" != self._blob.digest:
            raise refused(self.what, f"the content does not have the digest {self._blob.digest}")

    def _take(self, piece: bytes) -> None:
        fresh = piece[max(0, self.count - self._at) :]
        self._at += len(piece)
        if fresh:
            self._hash.update(fresh)
            try:
                self._handle.write(fresh)
            except OSError as error:  # the transport would take it for the network's
                raise not_written(self._path, self.what, error) from error
            self.count += len(fresh)
        if not self.is_whole:
            self._check(self._since if self._in_parts else None)


def not_written(path: Path, what: str, error: OSError) -> InputError:
    """Build the error for what cannot be written down."""
    reason = (error.strerror or str(error)).lower()
    return InputError(
        f"{what}: cannot be written to {str(path.parent)!r:.300}: {reason}",
        hint="make room there, or choose another directory",
    )


@contextmanager
def _removed_on_failure(path: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _opened(path: Path) -> BinaryIO:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, PRIVATE_FILE), "wb")


def _too_slow(what: str) -> RegistryError:
    return RegistryError(
        f"{what}: it comes too slowly", Failure.UNREACHABLE, hint="run again later, or use a mirror"
    )
