"""Our client as it is in a run, with a cache in memory, no real pauses, and its requests noted."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from basekeeper.cache.memory import MemoryCache
from basekeeper.registry.client import RegistryClient, RegistryLimits
from basekeeper.registry.hosts import find_host, transport_options
from basekeeper.registry.keyring import Keyring
from basekeeper.registry.pacing import PacedRequests, Pacer, Patience
from basekeeper.registry.session import Session
from basekeeper.transport.addresses import resolve_host
from basekeeper.transport.client import Limits, Transport
from basekeeper.values.reference import parse_reference
from basekeeper.values.settings import HostSettings, RegistrySettings
from tests.contract.registry_places import ask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from basekeeper.ports import Cache
    from basekeeper.transport.client import Response
    from basekeeper.values.reference import Reference
    from tests.contract.registry_places import Place

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
LOGIN_VARIABLES = ("TEST_USER", "TEST_PASSWORD")


@dataclass(slots=True)
class Noting:
    """Passes requests on and notes them: what went out, repetitions included."""

    sender: Transport
    sent: list[str] = field(default_factory=list)
    """Method and path with query."""

    def get(self, url: str, **more: Any) -> Response:
        """Fetch."""
        self._note("GET", url)
        return self.sender.get(url, **more)

    def head(self, url: str, **more: Any) -> Response:
        """Ask for headers."""
        self._note("HEAD", url)
        return self.sender.head(url, **more)

    def post(self, url: str, body: bytes, content_type: str, **more: Any) -> Response:
        """Send a body."""
        self._note("POST", url)
        return self.sender.post(url, body, content_type, **more)

    def _note(self, method: str, url: str) -> None:
        parts = urlsplit(url)
        self.sent.append(f"{method} {parts.path}{'?' if parts.query else ''}{parts.query}")


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
) -> Iterator[Opened]:
    """Open a client on hosts, as wiring does."""
    given = dict(zip(LOGIN_VARIABLES, login or (), strict=False))
    pauses: list[float] = []
    settings = RegistrySettings(dict(hosts))
    short = Limits(timeout=5, total=10, retries=0)
    options = transport_options(settings)
    transport = Transport(short, hosts=options, sleep=pauses.append, resolve=resolve, environ={})
    noting = Noting(transport)
    pacer = Pacer(now, patience=patience, sleep=pauses.append, jitter=lambda: 0.0)
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
        yield Opened(client, session, noting.sent, pauses)
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
