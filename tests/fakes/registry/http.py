"""A small HTTP/1.1 server on an event loop in a thread, which may answer wrongly on purpose.

Why not `http.server`: a test may want a body shorter than announced, a connection that is cut, an
answer that comes late, two header lines of one name, and two thousand HEADs a second.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from threading import Thread
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs, unquote

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Coroutine, Mapping

REASONS = {status.value: status.phrase for status in HTTPStatus}


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came in."""

    method: str
    target: str
    """Path and query, as sent."""
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes = b""

    @property
    def path(self) -> str:
        """Path without the query, percent-decoded."""
        path = self.target.partition("?")[0]
        return unquote(path) if "%" in path else path

    @property
    def query(self) -> Mapping[str, str]:
        """Parameters of the query, the last of each name."""
        text = self.target.partition("?")[2]
        return (
            {name: found[-1] for name, found in parse_qs(text, keep_blank_values=True).items()}
            if text
            else {}
        )

    @property
    def queries(self) -> Mapping[str, list[str]]:
        """Parameters of the query, all of each name."""
        text = self.target.partition("?")[2]
        return parse_qs(text, keep_blank_values=True) if text else {}


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; `dataclasses.replace` makes it another."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    length: int | None = None
    """Content-Length, where it shall lie about the body; -1: none, the end of the connection."""
    delay: float = 0.0
    """Seconds before it is sent."""
    cut: int | None = None
    """Bytes of the body after which the connection is cut; -1: before any answer."""

    def header(self, name: str) -> str | None:
        """Return the first header of a name, in any case."""
        name = name.lower()
        return next((value for found, value in self.headers if found.lower() == name), None)

    def without(self, *names: str) -> tuple[tuple[str, str], ...]:
        """Return the headers but for some."""
        dropped = {name.lower() for name in names}
        return tuple(one for one in self.headers if one[0].lower() not in dropped)


@lru_cache(maxsize=2)
def _date(seconds: int) -> str:
    return formatdate(seconds, usegmt=True)


class _Connection(asyncio.Protocol):
    """Parses requests, and sends what the application answers, one after another."""

    def __init__(
        self, application: Callable[[Request], Answer], open_ones: set[asyncio.Transport]
    ) -> None:
        self._application = application
        self._open_ones = open_ones
        self._buffer = bytearray()
        self._busy = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._open_ones.add(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None:
            self._open_ones.discard(self._transport)
        self._transport = None

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._next()

    def _next(self) -> None:
        while not self._busy and self._transport is not None:
            request = self._parsed()
            if request is None:
                return
            answer = self._application(request)
            if answer.delay > 0:
                self._busy = True
                loop = asyncio.get_running_loop()
                loop.call_later(answer.delay, self._send_late, request.method, answer)
            else:
                self._send(request.method, answer)

    def _parsed(self) -> Request | None:
        """Take one whole request from what has come in."""
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        first, *lines = self._buffer[:end].decode("latin-1").split("\r\n")
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        length = int(headers.get("content-length", "0"))
        whole = end + 4 + length
        if len(self._buffer) < whole:
            return None
        body = bytes(self._buffer[end + 4 : whole])
        del self._buffer[:whole]
        method, target, _ = first.split(" ", 2)
        return Request(method, target, headers, body)

    def _send_late(self, method: str, answer: Answer) -> None:
        self._busy = False
        self._send(method, answer)
        self._next()

    def _send(self, method: str, answer: Answer) -> None:
        transport = self._transport
        if transport is None:
            return
        if answer.cut == -1:
            transport.abort()
            return
        length = len(answer.body) if answer.length is None else answer.length
        head = [f"HTTP/1.1 {answer.status} {REASONS.get(answer.status, 'Unknown')}"]
        if answer.header("date") is None:
            head.append(f"Date: {_date(int(time.time()))}")
        head += [f"{name}: {value}" for name, value in answer.headers]
        if length >= 0 and answer.status != HTTPStatus.NOT_MODIFIED:
            head.append(f"Content-Length: {length}")
        if length < 0:
            head.append("Connection: close")
        body = b"" if method == "HEAD" else answer.body[: answer.cut]
        transport.write("\r\n".join((*head, "", "")).encode("latin-1") + body)
        if length < 0 or answer.cut is not None or (method != "HEAD" and length != len(body)):
            transport.close()


@dataclass(slots=True)
class Loop:
    """An event loop in a thread, and the servers on it."""

    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _servers: list[asyncio.Server] = field(default_factory=list)
    _open_ones: set[asyncio.Transport] = field(default_factory=set)
    _thread: Thread = field(init=False)

    def __post_init__(self) -> None:
        """Start the thread."""
        self._thread = Thread(target=self._loop.run_forever, daemon=True, name="fake registry")
        self._thread.start()

    def listen(
        self,
        application: Callable[[Request], Answer],
        *,
        address: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> int:
        """Serve an application; return its port."""

        def connection() -> _Connection:
            return _Connection(application, self._open_ones)

        server = self._run(
            self._loop.create_server(
                lambda: _Connection(application, self._open_ones),
                address,
                port,
                ssl=tls,
                backlog=512,
            )
        )
        self._servers.append(server)
        found: int = server.sockets[0].getsockname()[1]
        return found

    def close(self) -> None:
        """End all servers and connections, and the thread."""
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        for server in self._servers:
            server.close()
        for connection in tuple(self._open_ones):
            connection.abort()
        while self._open_ones:  # noqa: ASYNC110  # no event tells when a transport is gone
            await asyncio.sleep(0.001)

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)
