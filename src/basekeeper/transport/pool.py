"""Connections that wait to be used again; so many to a host at a time and no more."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from basekeeper.transport.connection import Connection
    from basekeeper.transport.deadline import Deadline
    from basekeeper.transport.sockets import Sockets
    from basekeeper.transport.urls import Origin

MAX_IDLE: Final = 64
"""Most idle connections to all hosts together; the one that waited longest is closed first."""

_LOOK_SECONDS: Final = 0.5
"""How often a wait for a connection looks whether the transport was ended."""


class Pool:
    """Lends connections to threads; has no thread of its own."""

    def __init__(
        self, connect: Callable[[Origin, Deadline], Connection], sockets: Sockets, most: int
    ) -> None:
        """Begin empty.

        Args:
            connect: Makes a connection.
            sockets: Tells when all is over.
            most: Most connections to one origin at a time.
        """
        self._connect = connect
        self._sockets = sockets
        self._most = most
        self._changed = threading.Condition()
        self._lent: dict[Origin, int] = {}
        self._idle: list[Connection] = []
        """The one that has waited longest comes first."""
        self._is_closed = False

    @contextmanager
    def lend(
        self, origin: Origin, deadline: Deadline, *, fresh: bool = False
    ) -> Iterator[Connection]:
        """Lend a connection for one exchange; it is kept only if the exchange came to its end.

        Args:
            origin: Whom it must lead to.
            deadline: Bounds the wait for a place, and making the connection.
            fresh: Make a new one in any case.
        """
        self._reserve(origin, deadline)
        connection = None
        try:
            connection = None if fresh else self._take_idle(origin)
            if connection is None:
                connection = self._connect(origin, deadline)
            yield connection
        finally:
            self._give_back(origin, connection)

    def close(self) -> None:
        """Close what is idle now, and the rest as soon as it is given back."""
        with self._changed:
            self._is_closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _reserve(self, origin: Origin, deadline: Deadline) -> None:
        """Wait for a place among the connections to an origin."""
        with self._changed:
            while True:
                self._sockets.check()
                lent = self._lent.get(origin, 0)
                if lent < self._most:
                    self._lent[origin] = lent + 1
                    return
                self._changed.wait(min(_LOOK_SECONDS, deadline.rest()))

    def _take_idle(self, origin: Origin) -> Connection | None:
        """Take the connection to an origin that was used last and still stands."""
        while True:
            with self._changed:
                for index in range(len(self._idle) - 1, -1, -1):
                    if self._idle[index].origin == origin:
                        connection = self._idle.pop(index)
                        break
                else:
                    return None
            if not connection.is_stale():
                return connection
            connection.close()

    def _give_back(self, origin: Origin, connection: Connection | None) -> None:
        """Keep what can be used again, close the rest, let the next one in."""
        extra = connection
        if connection is not None and connection.settle():
            extra = None
        with self._changed:
            if connection is not None and extra is None:
                self._idle.append(connection)
                if self._is_closed or len(self._idle) > MAX_IDLE:
                    extra = self._idle.pop(0)
            left = self._lent[origin] - 1
            if left:
                self._lent[origin] = left
            else:
                del self._lent[origin]
            self._changed.notify_all()
        if extra is not None:
            extra.close()
