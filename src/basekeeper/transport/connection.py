"""One connection and the exchanges on it: HTTP/1.1, every wait under the deadline."""

from __future__ import annotations

import select
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.transport.heads import Head, read_plain
from basekeeper.transport.wire import CLOSED, Garbled, Wire

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from basekeeper.transport.deadline import Deadline
    from basekeeper.transport.proxies import Proxy
    from basekeeper.transport.sockets import Sockets
    from basekeeper.transport.thorough import ThoroughReader
    from basekeeper.transport.urls import Origin

_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
"""Methods whose length is told even where there is no body (RFC 9110 §8.6)."""

KEEP_SECONDS: Final = 30.0
"""How long an idle connection is kept; servers close theirs after about a minute."""


class Stale(ConnectionError):  # noqa: N818  # reads as what happened
    """A connection that had served before broke before it brought another answer.

    The server closed it, as it may at any time, while the message was on its way.
    """


class Message(NamedTuple):
    """What is sent."""

    method: str
    target: str
    """Path and query, in printable ASCII."""
    headers: bytes
    """Whole lines, all checked; without Host, Content-Length and Proxy-Authorization, which belong
    to the connection and the body."""
    body: bytes = b""


class Connection:
    """A connected socket that speaks HTTP/1.1; used by one thread at a time."""

    def __init__(
        self,
        sock: socket.socket,
        origin: Origin,
        sockets: Sockets,
        forward: Proxy | None = None,
    ) -> None:
        """Take over a socket.

        Args:
            sock: Connected, with TLS where the origin wants it, and counted in `sockets`.
            origin: Whom it leads to.
            sockets: Where it is closed.
            forward: The proxy that forwards plain requests, if it leads there.
        """
        self.origin = origin
        self._wire = Wire(sock, sockets)
        self._unasked = select.poll()
        self._unasked.register(sock, select.POLLIN)
        self._is_forwarded = forward is not None
        self._own_lines = b"Host: %b\r\n" % origin.authority.encode()
        if forward is not None:
            self._own_lines += _lines(forward.headers)
        self._thorough: ThoroughReader | None = None
        """Reads the answer under way, where that is not plain."""
        self._rest = b""
        """What came of a plain answer with its head."""
        self._left = 0
        """Bytes of it that were not passed on."""
        self._is_reusable = False
        """It can take another exchange once nothing is left."""
        self._is_used = False
        self._idle_since = 0.0

    def exchange(self, message: Message, deadline: Deadline) -> Head:
        """Send a message and wait for the head of the answer.

        Raises:
            Stale: The server was just closing the connection; a new one may serve.
            OSError: The connection broke, or a wait took too long.
            Garbled: What came is no HTTP.
        """
        self._is_reusable, self._thorough = False, None
        data = self._encoded(message)
        try:
            self._wire.send(data, deadline)
            return self._receive_head(message.method, deadline)
        except TimeoutError:
            raise
        except OSError as error:
            if self._is_used:
                raise Stale(str(error)) from error
            raise

    def pieces(self, deadline: Deadline) -> Iterator[bytes]:
        """Pass on the body as it comes.

        Raises:
            OSError: The connection broke, or a wait took too long.
            Garbled: The body is not framed as its head says.
        """
        if self._thorough is not None:
            yield from self._thorough.pieces(deadline)
            return
        read, self._rest = self._rest, b""
        whole = self._left
        while self._left:
            if not read:
                read = self._wire.receive(deadline)
            if not read:
                raise Garbled(
                    "peer closed connection without sending complete message body"
                    f" (received {whole - self._left} bytes, expected {whole})"
                )
            piece = read[: self._left]
            self._left -= len(piece)
            if len(piece) < len(read):  # an answer to nothing
                self._is_reusable = False
            read = b""
            yield piece

    def skip(self, deadline: Deadline) -> None:
        """Read the body, which must be none, to its end; else as `pieces`."""
        if self._thorough is not None:
            for _ in self._thorough.pieces(deadline):
                pass

    def settle(self) -> bool:
        """Get ready for the next exchange; False where the connection cannot take one."""
        if self._thorough is not None:
            self._is_reusable = self._thorough.is_done
        self._is_used = True
        self._idle_since = time.monotonic()
        return self._is_reusable and not self._left

    def is_stale(self) -> bool:
        """Tell whether it idled too long, or something came unasked: the end, or a false answer."""
        if time.monotonic() - self._idle_since > KEEP_SECONDS:
            return True
        return bool(self._unasked.poll(0))

    def close(self) -> None:
        """End the connection, whatever goes on."""
        self._wire.close()

    def _receive_head(self, method: str, deadline: Deadline) -> Head:
        """Wait for the head of the answer, past the interim ones."""
        data = self._wire.receive(deadline)
        if not data:
            raise ConnectionError(CLOSED)
        plain = read_plain(data, method)
        if plain is None:
            self._thorough = _thorough_reader(method, data, self._wire)
            return self._thorough.head(deadline)
        self._rest, self._left = data[plain.end :], plain.length
        self._is_reusable = not plain.is_last and len(self._rest) <= self._left
        return plain.head

    def _encoded(self, message: Message) -> bytes:
        """Give the bytes of a message."""
        target = message.target
        if self._is_forwarded:
            target = f"{self.origin.scheme}://{self.origin.authority}{target}"
        begin = f"{message.method} {target} HTTP/1.1\r\n".encode("ascii")
        end = b"\r\n"
        if message.method in _WITH_BODY:
            end = b"Content-Length: %d\r\n\r\n" % len(message.body)
        return b"".join((begin, self._own_lines, message.headers, end, message.body))


def open_tunnel(
    sock: socket.socket, proxy: Proxy, origin: Origin, sockets: Sockets, deadline: Deadline
) -> int:
    """Ask a proxy for a tunnel (CONNECT) and tell with which status it answers; 2xx: it stands.

    Raises:
        OSError: The connection broke, or a wait took too long.
        Garbled: What came is no HTTP, or more than the answer.
    """
    wire = Wire(sock, sockets)
    target = f"{origin.name}:{origin.port}".encode("ascii")
    begin = b"CONNECT %b HTTP/1.1\r\nHost: %b\r\n" % (target, target)
    wire.send(begin + _lines(proxy.headers) + b"\r\n", deadline)
    data = wire.receive(deadline)
    if not data:
        raise ConnectionError(CLOSED)
    reader = _thorough_reader("CONNECT", data, wire)
    status = reader.head(deadline).status
    if reader.has_more:
        raise Garbled("the proxy sent more than its answer")
    return status


def _thorough_reader(method: str, data: bytes, wire: Wire) -> ThoroughReader:
    from basekeeper.transport.thorough import ThoroughReader  # noqa: PLC0415  # h11 is slow to load

    return ThoroughReader(method, data, wire.receive)


def _lines(headers: list[tuple[bytes, bytes]]) -> bytes:
    return b"".join(b"%b: %b\r\n" % header for header in headers)
