"""Blobs that take their time, by a clock that the test moves."""

from __future__ import annotations

import hashlib
from threading import BoundedSemaphore, Event
from typing import TYPE_CHECKING, Any

import pytest

from basekeeper.cache.memory import MemoryCache
from basekeeper.errors import Failure, RegistryError
from basekeeper.registry.blobs import LEAST_BYTES, MAX_STUMBLES, TURN_SECONDS, Blobs
from basekeeper.registry.contents import Place, Shelf
from basekeeper.registry.flights import Flights
from basekeeper.registry.hosts import find_host
from basekeeper.transport.client import Response
from basekeeper.values.image import Descriptor
from basekeeper.values.settings import RegistrySettings

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1024 * 1024


class Line:
    """A slow line to a registry: so many bytes at a time, each taking so long."""

    def __init__(self, data: bytes, piece: int, seconds: float, *, in_parts: bool = True) -> None:
        """Hold the blob."""
        self.data, self.piece, self.seconds, self.in_parts = data, piece, seconds, in_parts
        self.now = 0.0
        self.starts: list[int] = []

    def clock(self) -> float:
        """Tell the time."""
        return self.now

    def __call__(self, *_: Any, headers: Any = None, **more: Any) -> Response:
        """Send what is asked for."""
        start = int(headers["range"].removeprefix("bytes=")[:-1]) if headers else 0
        self.starts.append(start)
        if not self.in_parts:
            start = 0
        if len(self.data) - start > more["max_bytes"]:
            raise RegistryError("larger than wanted", Failure.REFUSED)
        take = self._begin()
        for at in range(start, len(self.data), self.piece):
            self.now += self.seconds
            take(self.data[at : at + self.piece])
        return Response(206 if start else 200, {}, b"", "https://r.test/")

    def stream(self, *given: Any, **more: Any) -> Response:
        """Take what `Session.stream` takes."""
        self._begin = given[2]
        return self(*given, **more)


def fetch(line: Line, target: Path, *, end: float = 1e9, stopped: Event | None = None) -> None:
    host = find_host("r.test", RegistrySettings())
    shelf = Shelf(lambda *_, **__: pytest.fail("nothing else is asked"), MemoryCache(), Flights())
    digest = f"sha256:{hashlib.sha256(line.data).hexdigest()}"
    blobs = Blobs(
        line.stream, BoundedSemaphore(1), end=end, stopped=stopped or Event(), clock=line.clock
    )
    blobs.fetch(
        Place(shelf, host, "app", digest), Descriptor(digest, "x/y", len(line.data)), target
    )


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "blob"


def test_a_turn_ends_and_the_next_asks_for_the_rest(target: Path) -> None:
    line = Line(bytes(range(256)) * (40 * MIB // 256), MIB, TURN_SECONDS / 10)
    fetch(line, target)
    assert target.read_bytes() == line.data
    assert line.starts == [0, 11 * MIB, 22 * MIB, 33 * MIB]


def test_what_drips_is_given_up_after_a_few_turns(target: Path) -> None:
    line = Line(bytes(10 * MIB), LEAST_BYTES // 100, TURN_SECONDS / 10)
    with pytest.raises(RegistryError, match="too slowly") as caught:
        fetch(line, target)
    assert caught.value.failure is Failure.UNREACHABLE
    assert len(line.starts) == MAX_STUMBLES + 1


def test_the_end_of_all_time_ends_a_turn(target: Path) -> None:
    line = Line(bytes(10 * MIB), MIB, 1)
    with pytest.raises(RegistryError, match="too slowly"):
        fetch(line, target, end=4.5)
    assert line.starts == [0]


def test_a_blob_without_parts_may_take_longer_than_a_turn(target: Path) -> None:
    line = Line(bytes(40 * MIB), MIB, TURN_SECONDS / 10, in_parts=False)
    fetch(line, target)
    assert line.starts == [0, 11 * MIB, 0]
    assert target.read_bytes() == line.data


def test_nothing_is_begun_once_the_others_failed(target: Path) -> None:
    line, stopped = Line(b"x", 1, 1), Event()
    stopped.set()
    with pytest.raises(RegistryError, match="not fetched, as the rest was not"):
        fetch(line, target, stopped=stopped)
    assert line.starts == []
