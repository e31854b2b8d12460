"""A real git server over smart HTTP on the loopback interface: git's own `http-backend`."""

from __future__ import annotations

import base64
import os
import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message
    from pathlib import Path
    from urllib.parse import SplitResult


class Faults:
    """What a server was asked, and from which request on it breaks off."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.after: int | None = None
        """Requests of pushes until one is broken off, as is all that follows; None: none is."""
        self.kind = "before"
        """Whether the others are broken off `before` they are done or `after`."""

    def take(self, what: str) -> str | None:
        """Note a request, and tell how it is broken off; None: it is answered."""
        self.log.append(what)
        pushes = sum("git-receive-pack" in one for one in self.log)
        return self.kind if self.after is not None and pushes > self.after else None


USER, PASSWORD = "keeper", "s3cr3t"
CREDENTIAL = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


@contextmanager
def serving(
    directory: Path, *, needs_password: bool = True, faults: Faults | None = None
) -> Iterator[str]:
    """Serve the repositories below a directory, and tell the address."""
    plan = faults or Faults()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"

        def do_GET(self) -> None:
            self._answer(b"")

        def do_POST(self) -> None:
            self._answer(_body(self))

        def _answer(self, body: bytes) -> None:
            given = self.headers.get("Authorization", "").partition(" ")[2]
            if needs_password and given != CREDENTIAL:
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="git"')
                self.end_headers()
                return
            parts = urlsplit(self.path)
            broken = plan.take(f"{self.command} {self.path}")
            if broken == "before":
                return
            done = _backend(directory, self.command, parts, self.headers, body)
            if broken == "after":
                return
            head, _, content = done.partition(b"\r\n\r\n")
            headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if line)
            self.send_response(int(headers.pop("Status", "200 OK")[:3]))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def _backend(
    directory: Path, method: str, parts: SplitResult, headers: Message, body: bytes
) -> bytes:
    """Let git answer a request."""
    environment = {
        "PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": str(directory),
        "GIT_HTTP_EXPORT_ALL": "1", "REQUEST_METHOD": method,
        "PATH_INFO": parts.path, "QUERY_STRING": parts.query, "REMOTE_USER": USER,
        "REMOTE_ADDR": "127.0.0.1", "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": headers.get("Content-Type", ""),
        "HTTP_CONTENT_ENCODING": headers.get("Content-Encoding", ""),
        "GIT_PROTOCOL": headers.get("Git-Protocol", ""),
        "GIT_CONFIG_GLOBAL": os.devnull,
    }  # fmt: skip
    argv = ["git", "http-backend"]
    done = subprocess.run(argv, input=body, env=environment, capture_output=True, check=False)
    return done.stdout


def _body(request: BaseHTTPRequestHandler) -> bytes:
    """Read what a request sends along."""
    if request.headers.get("Transfer-Encoding") != "chunked":
        return request.rfile.read(int(request.headers.get("Content-Length", 0)))
    body = b""
    while size := int(request.rfile.readline(), 16):
        body += request.rfile.read(size)
        request.rfile.readline()
    return body
