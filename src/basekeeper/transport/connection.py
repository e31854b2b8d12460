"""One connection and the exchanges on it: HTTP/1.1 by h11, every wait under the deadline."""

from __future__ import annotations

import select
import time
from typing import TYPE_CHECKING, Final, NamedTuple

import h11

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from basekeeper.transport.deadline import Deadline
    from basekeeper.transport.proxies import Proxy
    from basekeeper.transport.sockets import Sockets
    from basekeeper.transport.urls import Origin

MAX_HEAD_BYTES: Final = 64 * 1024
"""Longest head of an answer, and of anything else that h11 must hold as a whole."""

MAX_INTERIM: Final = 16
"""Most interim answers (1xx) before the real one."""

KEEP_SECONDS: Final = 30.0
"""How long an idle connection is kept; servers close theirs after about a minute."""

_READ_BYTES: Final = 64 * 1024


class Stale(ConnectionError):  # noqa: N818  # reads as what happened
    """A connection that had served before broke before it brought another answer.

    The server closed it, as it may at any time, while the message was on its way.
    """


class Message(NamedTuple):
    """What is sent."""

    method: str
    target: str
    """Path and query."""
    headers: list[tuple[bytes, bytes]]
    """Without Host and Proxy-Authorization, which belong to the connection."""
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
        self._sock = sock
        self._sockets = sockets
        self._forward = forward
        self._h11 = _new_state()
        self._is_used = False
        self._idle_since = 0.0

    def exchange(self, message: Message, deadline: Deadline) -> h11.Response:
        """Send a message and wait for the head of the answer.

        Raises:
            Stale: The server was just closing the connection; a new one may serve.
            OSError: The connection broke, or a wait took too long.
            h11.ProtocolError: What was to be sent, or what came, is no HTTP.
        """
        data = self._encoded(message)
        try:
            send_all(self._sock, data, deadline)
            return receive_head(self._h11, self._sock, self._sockets, deadline)
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
            h11.RemoteProtocolError: The body is not framed as its head says.
        """
        while True:
            event = _next_event(self._h11, self._sock, self._sockets, deadline)
            if isinstance(event, h11.Data):
                yield bytes(event.data)
            else:
                return

    def settle(self) -> bool:
        """Get ready for the next exchange; False where the connection cannot take one."""
        if self._h11.our_state is not h11.DONE or self._h11.their_state is not h11.DONE:
            return False
        self._h11.start_next_cycle()
        self._is_used = True
        self._idle_since = time.monotonic()
        return not self._h11.trailing_data[0]

    def is_stale(self) -> bool:
        """Tell whether it idled too long, or something came unasked: the end, or a false answer."""
        if time.monotonic() - self._idle_since > KEEP_SECONDS:
            return True
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        return bool(poll.poll(0))

    def close(self) -> None:
        """End the connection, whatever goes on."""
        self._sockets.close(self._sock)

    def _encoded(self, message: Message) -> bytes:
        """Give the bytes of a message; h11 checks each part."""
        target = message.target
        headers = [(b"Host", self.origin.authority.encode()), *message.headers]
        if self._forward is not None:
            target = f"{self.origin.scheme}://{self.origin.authority}{target}"
            headers += self._forward.headers
        if message.method == "POST":
            headers.append((b"Content-Length", b"%d" % len(message.body)))
        request = h11.Request(method=message.method, target=target, headers=headers)
        data = self._h11.send(request) or b""
        if message.body:
            data += self._h11.send(h11.Data(data=message.body)) or b""
        return data + (self._h11.send(h11.EndOfMessage()) or b"")


def open_tunnel(
    sock: socket.socket, proxy: Proxy, origin: Origin, sockets: Sockets, deadline: Deadline
) -> int:
    """Ask a proxy for a tunnel (CONNECT) and tell with which status it answers; 2xx: it stands.

    Raises:
        OSError: The connection broke, or a wait took too long.
        h11.RemoteProtocolError: What came is no HTTP, or more than the answer.
    """
    state = _new_state()
    target = f"{origin.name}:{origin.port}"
    headers = [(b"Host", target.encode()), *proxy.headers]
    data = state.send(h11.Request(method="CONNECT", target=target, headers=headers)) or b""
    send_all(sock, data + (state.send(h11.EndOfMessage()) or b""), deadline)
    head = receive_head(state, sock, sockets, deadline)
    if state.trailing_data[0]:
        raise h11.RemoteProtocolError("the proxy sent more than its answer")
    return head.status_code


def send_all(sock: socket.socket, data: bytes, deadline: Deadline) -> None:
    """Send everything, each step within the deadline."""
    rest = memoryview(data)
    while rest:
        sock.settimeout(deadline.left())
        rest = rest[sock.send(rest) :]


def receive_head(
    state: h11.Connection, sock: socket.socket, sockets: Sockets, deadline: Deadline
) -> h11.Response:
    """Wait for the head of the answer, past the interim ones.

    Raises:
        h11.RemoteProtocolError: There are too many interim answers.
    """
    for _ in range(MAX_INTERIM + 1):
        event = _next_event(state, sock, sockets, deadline)
        if isinstance(event, h11.Response):
            return event
    raise h11.RemoteProtocolError(f"more than {MAX_INTERIM} interim answers")


def _new_state() -> h11.Connection:
    return h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)


def _next_event(
    state: h11.Connection, sock: socket.socket, sockets: Sockets, deadline: Deadline
) -> h11.Event | type[h11.PAUSED]:
    """Read until h11 has something to tell."""
    while True:
        deadline.left()  # also between events of one read: tiny chunks cost time without waits
        event = state.next_event()
        if event is not h11.NEED_DATA:
            return event  # type: ignore[return-value]  # NEED_DATA is excluded
        sock.settimeout(deadline.left())
        data = sock.recv(_READ_BYTES)
        if not data:
            sockets.check()  # a socket that was cut must not look like the end of a body
            if state.their_state is h11.SEND_RESPONSE and not state.trailing_data[0]:
                raise ConnectionError("the server closed the connection without an answer")
        state.receive_data(data)
