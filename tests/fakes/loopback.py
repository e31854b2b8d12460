"""A real HTTP server on the loopback interface whose answers a test writes."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator, Mapping


@dataclass(frozen=True)
class Answer:
    """One answer; `length` may lie about the body."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    """A value with line feeds is sent as several lines of that name."""
    length: int | None = None
    hang_up: bool = False
    """Close the connection without an answer."""


class Loopback:
    """Answers by path: each request takes the next answer, the last one stays."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.host = f"127.0.0.1:{port}"
        self.url = f"http://{self.host}"
        self.answers: dict[str, list[Answer]] = {}
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        """Method, path and headers (lower-case names) of each request."""
        self.connections = 0
        """Connections made so far."""
        self.bodies: list[bytes] = []
        """Bodies of the requests that had one."""
        self.decide: Callable[[str, dict[str, str]], Answer | None] = lambda _path, _headers: None
        """Answers by path (with query) and headers; None: as `put` said."""

    def put(self, path: str, *answers: Answer) -> None:
        """Write the answers for a path."""
        self.answers[path] = list(answers)

    def take(self, path: str) -> Answer:
        """Hand out the next answer."""
        waiting = self.answers.get(path, [Answer(b"not found", 404)])
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    @property
    def paths(self) -> list[str]:
        """Paths asked for, in order."""
        return [path for _, path, _ in self.requests]


class _Handler(BaseHTTPRequestHandler):
    loopback: ClassVar[Loopback]
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.loopback.connections += 1

    def _answer(self) -> None:
        loopback = self.loopback
        headers = {name.lower(): value for name, value in self.headers.items()}
        loopback.requests.append((self.command, self.path, headers))
        length = int(headers.get("content-length", "0"))
        if length:
            loopback.bodies.append(self.rfile.read(length))
        decided = loopback.decide(self.path, headers)
        answer = decided or loopback.take(self.path.partition("?")[0])
        if answer.hang_up:
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            for line in value.split("\n"):
                self.send_header(name, line)
        length = len(answer.body) if answer.length is None else answer.length
        self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)
        if length != len(answer.body):
            self.close_connection = True

    do_GET = _answer  # noqa: N815  # the base class's naming
    do_HEAD = _answer  # noqa: N815
    do_POST = _answer  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep quiet."""


class RawServer:
    """Hands every connection to a function, which may break every rule; counts connections."""

    def __init__(self, listener: socket.socket, talk: Callable[[socket.socket], None]) -> None:
        self.port = listener.getsockname()[1]
        self.host = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.host}"
        self.connections = 0
        self.ended = threading.Event()
        """Set when the block of the test ends; a function that stays silent waits for it."""
        self._listener = listener
        self._talk = talk
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            if self.ended.is_set():
                sock.close()
                return
            self.connections += 1
            threading.Thread(target=self._run, args=(sock,), daemon=True).start()

    def _run(self, sock: socket.socket) -> None:
        with sock, suppress(OSError):
            self._talk(sock)

    def stop(self) -> None:
        """Accept no more."""
        self.ended.set()
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port)).close()
        self._thread.join()


def read_head(sock: socket.socket) -> bytes:
    """Read a request's head; what follows it too, if it came at once."""
    head = b""
    while b"\r\n\r\n" not in head:
        data = sock.recv(65536)
        if not data:
            break
        head += data
    return head


@contextmanager
def serve_raw(talk: Callable[[socket.socket], None]) -> Iterator[RawServer]:
    """Run a server of raw sockets until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = RawServer(listener, talk)
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def serve(context: ssl.SSLContext | None = None) -> Iterator[Loopback]:
    """Run a server until the block ends, with TLS where a context is given."""
    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if context is not None:
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a refused handshake
    server.daemon_threads = True
    loopback = Loopback(server.server_port)
    handler.loopback = loopback  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield loopback
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
