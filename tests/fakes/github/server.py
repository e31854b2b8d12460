"""The simulated GitHub on a port of the loopback interface."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.fakes.github import graphql, rest
from tests.fakes.github.rest import Call, Refused
from tests.fakes.github.state import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.fakes.github.faults import Fault

API = "/api/v3"
GRAPHQL = "/api/graphql"
_BY_ID = re.compile(r"/repositories/([0-9]+)(/.*)?")
_OPERATION = re.compile(r"\s*(?:query|mutation)\s+(\w+)")


@dataclass(frozen=True)
class Exchange:
    """One request and its answer."""

    method: str
    path: str
    """Below the interface; of GraphQL the name of the operation."""
    template: str
    headers: dict[str, str]
    """Names in lower case; `:target` is what was asked for, with its query."""
    said: Any
    status: int
    answered: Any

    @property
    def is_change(self) -> bool:
        """Whether it was to change something."""
        if self.template == GRAPHQL:
            return str(self.said["query"]).lstrip().startswith("mutation")
        return self.method != "GET"


@dataclass
class Answer:
    """What is sent."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class GitHubServer:
    """A simulated GitHub: its world, what goes wrong in it, and what it was asked."""

    def __init__(self, world: World, port: int) -> None:
        self.world = world
        self.url = f"http://127.0.0.1:{port}"
        self.faults: list[Fault] = []
        self.log: list[Exchange] = []
        self.lock = threading.RLock()
        self.apps: Callable[[str, str], Answer] | None = None
        """Answers what apps ask: path and authorisation."""

    def add(self, *faults: Fault) -> None:
        """Let things go wrong."""
        self.faults.extend(faults)

    def count(self, method: str = "", part: str = "") -> int:
        """Count requests."""
        return len([one for one in self.log
                    if one.method.startswith(method) and part in one.path])  # fmt: skip

    @property
    def changes(self) -> list[Exchange]:
        """Requests that were to change something."""
        return [one for one in self.log if one.is_change]

    def handle(
        self, method: str, target: str, headers: dict[str, str], data: bytes
    ) -> Answer | None:
        """Answer one request; None: the connection is closed."""
        with self.lock:
            parts, headers = urlsplit(target), {**headers, ":target": target}
            said = json.loads(data) if data else None
            path = _name(said) if parts.path == GRAPHQL else parts.path.removeprefix(API)
            fault = next((one for one in self.faults if one.takes(method, path)), None)
            if fault is not None and fault.meanwhile is not None:
                fault.meanwhile()
            template = GRAPHQL if parts.path == GRAPHQL else path
            if fault is not None and fault.hang_up == "before":
                self.log.append(Exchange(method, path, template, headers, said, 0, None))
                return None
            if fault is not None and fault.status is not None:
                answer = Answer(fault.status, fault.answer, dict(fault.headers))
            else:
                answer, template = self._answer(method, parts, headers, said)
            answered = None if fault is not None and fault.body else _read(answer.body)
            self.log.append(
                Exchange(method, path, template, headers, said, answer.status, answered)
            )
            return None if fault is not None and fault.hang_up == "after" else answer

    def _answer(
        self, method: str, parts: Any, headers: dict[str, str], said: Any
    ) -> tuple[Answer, str]:
        path = parts.path.removeprefix(API)
        authorisation = headers.get("authorization", "")
        if path.startswith("/app/") and self.apps is not None:
            return self.apps(path, authorisation), "/app/installations/{id}/access_tokens"
        user = self.world.tokens.get(authorisation.removeprefix("Bearer "))
        if user is None:
            return _document(401, {"message": "Bad credentials", "status": "401"}), path
        if parts.path == GRAPHQL:
            found = graphql.answer(self.world, user, said["query"], said["variables"])
            return _document(200, found), GRAPHQL
        match = _BY_ID.fullmatch(path)
        if match is not None:
            named = next(r for r in self.world.repositories.values() if r.id == int(match[1]))
            path = f"/repos/{named.full_name}{match[2] or ''}"
        found_route = rest.find_route(method, path)
        if found_route is None:
            return _document(404, {"message": "Not Found", "status": "404"}), path
        one, names = found_route
        params = dict(parse_qsl(parts.query))
        call = Call(self.world, user, self.url + API, names, params, said or {})
        try:
            status, document = self._handled(call, one, method, path)
        except Refused as error:
            return _document(error.status, error.document, error.headers), one.template
        told = _document(status, document)
        if call.next_page is not None:
            query = urlencode({**params, "page": call.next_page})
            told.headers["Link"] = f'<{self.url}{API}{path}?{query}>; rel="next"'
        if method == "GET":
            tag = f'"{hashlib.sha256(told.body).hexdigest()[:32]}"'
            if headers.get("if-none-match") == tag:
                told = Answer(304)
            told.headers["ETag"] = tag
        return told, one.template

    def _handled(
        self, call: Call, one: rest.Route, method: str, path: str
    ) -> tuple[int, rest.Document | None]:
        key = f"{call['owner']}/{call['repo']}".lower()
        moved = self.world.renamed.get(key)
        if moved is not None and key not in self.world.repositories:
            rest_of = path.split("/", 4)[4:]
            where = "/".join([f"{call.base}/repositories/{moved.id}", *rest_of])
            status = 301 if method == "GET" else 307
            raise Refused(status, "Moved Permanently", headers={"Location": where})
        if key not in self.world.repositories:
            raise Refused(404, "Not Found")
        call.repository = self.world.repositories[key]
        rest.check_rights(call, one, method)
        return one.handle(call)


def _name(said: Any) -> str:
    match = _OPERATION.match(said["query"])
    return match[1] if match else "?"


def _document(status: int, document: Any, headers: dict[str, str] | None = None) -> Answer:
    body = b"" if document is None else json.dumps(document).encode()
    return Answer(status, body, {"Content-Type": "application/json", **(headers or {})})


def _read(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return None


class _Handler(BaseHTTPRequestHandler):
    github: ClassVar[GitHubServer]
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def _do(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        data = self.rfile.read(int(headers.get("content-length", "0")))
        answer = self.github.handle(self.command, self.path, headers, data)
        if answer is None:
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status not in {204, 304}:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if answer.status not in {204, 304}:
            self.wfile.write(answer.body)
        self.wfile.flush()

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _do  # noqa: N815  # the base class's naming

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep quiet."""


@contextmanager
def serving(place: Path) -> Iterator[GitHubServer]:
    """Run a simulated GitHub whose repositories are in a directory, until the block ends."""
    handler = type("Handler", (_Handler,), {})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        github = GitHubServer(World(place), server.server_port)
        handler.github = github  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield github
        finally:
            server.shutdown()
            thread.join()
