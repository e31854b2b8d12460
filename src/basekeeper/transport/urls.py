"""URLs, taken apart strictly: what is looked up, connected to and sent is the same text."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv6Address
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from basekeeper.errors import TransportError
from basekeeper.transport.addresses import literal
from basekeeper.transport.redaction import shown_url

if TYPE_CHECKING:
    from basekeeper.transport.options import Hosts

_PRINTABLE: Final = re.compile(r"[\x21-\x7e]*")
_AUTHORITY: Final = re.compile(r"(?:\[([0-9a-f:.]{2,45})\]|([a-z0-9_.-]{1,254}))(?::([0-9]{0,5}))?")
_NAME: Final = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}")
"""A name or an IPv4 address."""

_COMMON: Final = re.compile(r"(https?://[^/?#]{1,300})(/[^?#]*(?:\?[^#]+)?)")
"""A URL whose parts end where `urlsplit` would end them."""
_KNOWN_ORIGINS: Final = 256
"""Origins that are not taken apart anew for each request."""

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_MAX_PORT: Final = 65535


class Origin(NamedTuple):
    """Whom a request goes to."""

    scheme: str
    host: str
    """In lower case, without brackets and without the final stop."""
    port: int

    @property
    def name(self) -> str:
        """The host as a URL writes it: IPv6 in brackets."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def authority(self) -> str:
        """Host and port for the Host header; a default port is left out."""
        if self.port == _DEFAULT_PORTS[self.scheme]:
            return self.name
        return f"{self.name}:{self.port}"


def split_url(url: str) -> tuple[Origin, str]:
    """Take a URL apart into its origin, and path with query.

    Raises:
        TransportError: It is none, has another scheme than http and https, or carries a password.
    """
    if not _PRINTABLE.fullmatch(url):
        raise TransportError(f"{shown_url(url)}: the URL has non-printable or non-ASCII characters")
    common = _COMMON.fullmatch(url)
    if common is None:
        return _split(url)
    try:
        return _known_origin(common[1]), common[2]
    except TransportError:  # which shows the URL without its path
        return _split(url)


@lru_cache(maxsize=_KNOWN_ORIGINS)
def _known_origin(url: str) -> Origin:
    return _split(url)[0]


def _split(url: str) -> tuple[Origin, str]:
    try:
        parts = urlsplit(url)
    except ValueError:  # whose text may show a password
        raise TransportError(f"{shown_url(url)}: the URL cannot be read") from None
    scheme = parts.scheme
    if not parts.netloc:
        raise TransportError(f"{shown_url(url)}: the URL names no host")
    if scheme not in _DEFAULT_PORTS:
        raise TransportError(f"{shown_url(url)}: {scheme} is not allowed, expected https")
    if "@" in parts.netloc:
        raise TransportError(
            f"{shown_url(url)}: the URL holds a user or a password",
            hint="leave them out; they would show up in lists of processes and in logs",
        )
    found = _host_and_port(parts.netloc.lower())
    if found is None:
        raise TransportError(f"{shown_url(url)}: the URL has an invalid host or port")
    host, port = found
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    return Origin(scheme, host, port or _DEFAULT_PORTS[scheme]), target


def _host_and_port(authority: str) -> tuple[str, int | None] | None:
    """Read an authority, all of it, with its port if it has one; None where it is none."""
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        return None
    six, name, digits = match.groups()
    port = int(digits) if digits else None
    if port is not None and not 0 < port <= _MAX_PORT:
        return None
    if six is not None:
        return (six, port) if isinstance(literal(six), IPv6Address) else None
    host = name.removesuffix(".")
    return (host, port) if _NAME.fullmatch(host) else None


def check_scheme(origin: Origin, hosts: Hosts) -> None:
    """Refuse http to all hosts but those that it was allowed for by name.

    Raises:
        TransportError: The scheme is not allowed for that host.
    """
    if origin.scheme != "https" and not hosts.find(origin).plain_http:
        raise TransportError(
            f"{origin.scheme}://{origin.authority}: http is not allowed, expected https",
            hint="allow plain http for this host in the settings if it must be",
        )
