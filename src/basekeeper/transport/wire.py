"""Bytes over a socket, every wait under the deadline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import socket

    from basekeeper.transport.deadline import Deadline
    from basekeeper.transport.sockets import Sockets

CLOSED: Final = "the server closed the connection without an answer"

_READ_BYTES: Final = 64 * 1024


class Garbled(Exception):  # noqa: N818  # reads as what happened
    """What came is no HTTP."""


class Wire:
    """A connected socket; used by one thread at a time."""

    __slots__ = ("_sockets", "socket")

    def __init__(self, connected: socket.socket, sockets: Sockets) -> None:
        """Take a socket that is counted in `sockets`."""
        self.socket = connected
        self._sockets = sockets

    def send(self, data: bytes, deadline: Deadline) -> None:
        """Send everything, each step within the deadline.

        Raises:
            OSError: The connection broke, or a wait took too long.
        """
        sent = self._ready(deadline).send(data)
        while sent < len(data):
            data = data[sent:]
            sent = self._ready(deadline).send(data)

    def receive(self, deadline: Deadline) -> bytes:
        """Wait for bytes; none at all: the other side has ended the connection.

        Raises:
            OSError: The connection broke, or the wait took too long.
            TransportError: All sockets were cut.
        """
        data = self._ready(deadline).recv(_READ_BYTES)
        if not data:
            self._sockets.check()  # a socket that was cut must not look like the end of a body
        return data

    def close(self) -> None:
        """End the connection, whatever goes on."""
        self._sockets.close(self.socket)

    def _ready(self, deadline: Deadline) -> socket.socket:
        """Give the socket, its waits bounded by what is left."""
        left = deadline.left()
        if self.socket.gettimeout() != left:  # setting it is a call into the system
            self.socket.settimeout(left)
        return self.socket
