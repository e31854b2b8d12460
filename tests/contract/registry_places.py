"""Registries under one contract: simulated and real, each in four set-ups."""

from __future__ import annotations

import base64
import json
import re
import ssl
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPSConnection
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode, urlsplit

import pytest

from basekeeper.values.image import INDEX_TYPES, MANIFEST_TYPES
from tests.fakes.realregistry.filling import fill
from tests.fakes.realregistry.running import LOGIN, SETUPS
from tests.fakes.registry import Basic, Simulator, Tokens
from tools import images

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.fakes.realregistry.filling import Target
    from tests.fakes.realregistry.running import RealRegistries
    from tests.fakes.registry import Host
    from tests.fakes.registry.certificates import Certificates

SECURED: Final = ("basic", "tls")
PLACES: Final = (
    *(pytest.param(f"simulated-{setup}", id=f"simulated-{setup}") for setup in SETUPS),
    *(
        pytest.param(f"real-{setup}", id=f"real-{setup}", marks=pytest.mark.component("registry"))
        for setup in SETUPS
    ),
)
"""Every registry that the contract is run on."""

ACCEPT: Final = ", ".join([*sorted(INDEX_TYPES), *sorted(MANIFEST_TYPES)])
UNAUTHORIZED: Final = 401


@dataclass(frozen=True, slots=True)
class Place:
    """One registry under test, and what it was filled with."""

    setup: str
    url: str
    layout: Path
    """Layout of the images in it."""
    target: Target
    """Takes more images."""
    authority: Path | None = None
    login: tuple[str, str] | None = None

    @property
    def address(self) -> str:
        """`127.0.0.1:port`."""
        return urlsplit(self.url).netloc

    @property
    def images(self) -> dict[str, dict[str, Any]]:
        """Descriptors of the images by name."""
        return images.named(self.layout)

    def blob(self, digest: str) -> bytes:
        """Content by digest, as it was put in."""
        return self.layout.joinpath("blobs", *digest.split(":")).read_bytes()


@dataclass(frozen=True, slots=True)
class Raw:
    """An answer as it came over the wire."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def code(self) -> str:
        """The first error's code."""
        found: str = json.loads(self.body)["errors"][0]["code"]
        return found


def simulate(
    simulator: Simulator, setup: str, layout: Path, certificates: Certificates
) -> tuple[Host, Place]:
    """Start a simulated registry in a set-up, filled like the real ones."""
    secured = certificates if setup in SECURED else None
    host = simulator.host(f"{setup}.test", certificates=secured)
    fill(host.content, layout)
    login = None
    if setup == "basic":
        host.access, login = Basic(*LOGIN), LOGIN
    elif setup == "token":
        host.require_tokens(Tokens(users=dict([LOGIN])))
        login = LOGIN
    authority = None if secured is None else certificates.authority
    return host, Place(setup, host.url, layout, host.content, authority, login)


def real(registries: RealRegistries, setup: str, layout: Path) -> Place:
    """Start a real registry in a set-up."""
    found = registries.start(setup)
    return Place(setup, found.url, layout, registries.pusher, found.authority, found.login)


def ask(
    place: Place,
    method: str,
    path: str,
    headers: Mapping[str, str] | None = None,
    *,
    login: bool = True,
) -> Raw:
    """Ask without any client of ours; with `login`, as the set-up wants to be asked."""
    if not login:
        return _send(place.url, method, path, headers or {}, place.authority)
    authorised = {**(headers or {}), **_authorisation(place, path)}
    return _send(place.url, method, path, authorised, place.authority)


def token(place: Place, path: str, login: tuple[str, str] | None) -> Raw:
    """Ask for a token where the challenge for a path says."""
    refused = ask(place, "GET", path, login=False)
    told = dict(re.findall(r'(\w+)="([^"]*)"', refused.headers["www-authenticate"]))
    query = {name: told[name] for name in ("service", "scope") if name in told}
    target = urlsplit(told["realm"])
    base = f"{target.scheme}://{target.netloc}"
    return _send(base, "GET", f"{target.path}?{urlencode(query)}", _basic(login), place.authority)


def _authorisation(place: Place, path: str) -> dict[str, str]:
    if place.setup == "basic":
        return _basic(place.login)
    if place.setup == "token" and ask(place, "GET", path, login=False).status == UNAUTHORIZED:
        found = json.loads(token(place, path, place.login).body)["token"]
        return {"Authorization": f"Bearer {found}"}
    return {}


def _basic(login: tuple[str, str] | None) -> dict[str, str]:
    if login is None:
        return {}
    return {"Authorization": f"Basic {base64.b64encode(':'.join(login).encode()).decode()}"}


def _send(
    base: str, method: str, path: str, headers: Mapping[str, str], authority: Path | None
) -> Raw:
    parts = urlsplit(base)
    connection: HTTPConnection
    if parts.scheme == "https":
        context = ssl.create_default_context(cafile=None if authority is None else str(authority))
        connection = HTTPSConnection(parts.netloc, timeout=20, context=context)
    else:
        connection = HTTPConnection(parts.netloc, timeout=20)
    try:
        connection.request(method, path, headers=dict(headers))
        answer = connection.getresponse()
        body = answer.read()
        return Raw(answer.status, {n.lower(): v for n, v in answer.getheaders()}, body)
    finally:
        connection.close()
