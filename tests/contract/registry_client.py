"""Our client as it is in a run, with a cache in memory, no real pauses, and its requests noted."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from basekeeper.cache.memory import MemoryCache
from basekeeper.registry.client import RegistryClient, RegistryLimits
from basekeeper.registry.hosts import find_host, transport_options
from basekeeper.registry.keyring import Keyring
from basekeeper.registry.paced import PacedRequests
from basekeeper.registry.pacing import Pacer, Patience
from basekeeper.registry.session import Session
from basekeeper.transport.addresses import resolve_host
from basekeeper.transport.client import Limits, Transport
from basekeeper.transport.options import HostOptions
from basekeeper.values.reference import parse_reference
from basekeeper.values.settings import HostSettings, RegistrySettings
from tests.contract.registry_places import ask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from basekeeper.ports import Cache
    from basekeeper.transport.bodies import Begin
    from basekeeper.transport.client import Response
    from basekeeper.values.reference import Reference
    from tests.contract.registry_places import Place

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
LOOPBACK = HostOptions(plain_http=True, private=True)
LOGIN_VARIABLES = ("TEST_USER", "TEST_PASSWORD")


@dataclass(slots=True)
class Noting:
    """Passes requests on and notes them: what went out, repetitions included."""

    sender: Transport
    routes: Mapping[str, str]
    """`https://host` of a public registry → URL of the simulated host that plays it."""
    sent: list[str] = field(default_factory=list)
    """Method and path with query."""

    def get(self, url: str, **more: Any) -> Response:
        """Fetch."""
        return self._send(url, "GET", partial(self.sender.get, **more))

    def stream(self, url: str, begin: Begin, **more: Any) -> Response:
        """Fetch piece by piece."""
        return self._send(url, "GET", partial(self.sender.stream, begin=begin, **more))

    def head(self, url: str, **more: Any) -> Response:
        """Ask for headers."""
        return self._send(url, "HEAD", partial(self.sender.head, **more))

    def post(self, url: str, body: bytes, content_type: str, **more: Any) -> Response:
        """Send a body."""
        post = partial(self.sender.post, body=body, content_type=content_type, **more)
        return self._send(url, "POST", post)

    def _send(self, url: str, method: str, send: Callable[[str], Response]) -> Response:
        parts = urlsplit(url)
        self.sent.append(f"{method} {parts.path}{'?' if parts.query else ''}{parts.query}")
        public = f"{parts.scheme}://{parts.netloc}"
        route = self.routes.get(public)
        if route is None:
            return send(url)
        answer = send(route + url.removeprefix(public))
        return replace(answer, url=answer.url.replace(route, public, 1))


@dataclass(slots=True)
class Watch:
    """A clock that moves only when somebody sleeps by it."""

    now: float = 0.0
    pauses: list[float] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def clock(self) -> float:
        """Tell the time in seconds."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Set the clock forward, however many threads sleep at once."""
        with self._lock:
            self.pauses.append(seconds)
            self.now += seconds


@dataclass(frozen=True, slots=True)
class Opened:
    """A client under test, and what it did."""

    client: RegistryClient
    session: Session
    sent: list[str]
    pauses: list[float]
    """Seconds that it would have slept."""


@contextmanager
def open_client(  # noqa: PLR0913  # each is one thing that a test turns
    hosts: Mapping[str, HostSettings],
    *,
    login: tuple[str, str] | None = None,
    environ: Mapping[str, str] | None = None,
    cache: Cache | None = None,
    now: datetime = NOW,
    limits: RegistryLimits | None = None,
    patience: Patience | None = None,
    resolve: Callable[[str], tuple[str, ...]] = resolve_host,
    routes: Mapping[str, str] | None = None,
) -> Iterator[Opened]:
    """Open a client on hosts, as wiring does."""
    given = dict(zip(LOGIN_VARIABLES, login or (), strict=False))
    watch = Watch()
    settings = RegistrySettings(dict(hosts))
    short = Limits(timeout=5, total=10, retries=0)
    reached = {urlsplit(url).netloc: LOOPBACK for url in (routes or {}).values()}
    options = {**transport_options(settings), **reached}
    transport = Transport(short, hosts=options, sleep=watch.sleep, resolve=resolve, environ={})
    noting = Noting(transport, routes or {})
    pacer = Pacer(now, patience=patience, clock=watch.clock, sleep=watch.sleep, jitter=lambda: 0.0)
    keyring = Keyring(settings, {**given, **(environ or {})}, Path("/nonexistent"))
    session = Session(PacedRequests(noting, pacer), keyring)
    client = RegistryClient(
        session,
        lambda name: find_host(name, settings),
        cache or MemoryCache(),
        now,
        limits=limits,
        end=transport.close,
    )
    try:
        yield Opened(client, session, noting.sent, watch.pauses)
    finally:
        client.close()


def host_settings(place: Place, login: tuple[str, str] | None = None) -> HostSettings:
    """Return settings with which a registry under test is reached."""
    user, password = LOGIN_VARIABLES if login is not None else (None, None)
    return HostSettings(
        http=place.authority is None,
        private=True,
        ca=None if place.authority is None else str(place.authority),
        token_hosts=_realm(place),
        username_env=user,
        password_env=password,
    )


@contextmanager
def open_place(
    place: Place, *, login: tuple[str, str] | None = None, **more: Any
) -> Iterator[Opened]:
    """Open a client on one registry under test; `login`: in the place of its own."""
    known = login or place.login
    with open_client({place.address: host_settings(place, known)}, login=known, **more) as opened:
        yield opened


def reference(place: Place, name: str) -> Reference:
    """Return the reference to an image (`library/debian:12-slim`) of a registry under test."""
    return parse_reference(f"{place.address}/{name}")


def _realm(place: Place) -> tuple[str, ...]:
    """Host and port of the registry's token server."""
    if place.setup != "token":
        return ()
    challenge = ask(place, "GET", "/v2/", login=False).headers["www-authenticate"]
    found = re.search(r'realm="http://([^/]*)/', challenge)
    assert found is not None
    return (found[1],)
