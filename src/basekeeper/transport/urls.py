"""URLs, taken apart strictly: what is looked up, connected to and sent is the same text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from basekeeper.errors import TransportError
from basekeeper.transport.redaction import shown_url

if TYPE_CHECKING:
    from basekeeper.transport.options import Hosts

_PRINTABLE: Final = re.compile(r"[\x21-\x7e]*")
_HOST: Final = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}|[0-9a-f:.]{2,45}")
"""A name or an IPv4 address, or an IPv6 address without a zone."""

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


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
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme, parts.hostname, parts.port
    except ValueError as error:
        raise TransportError(f"invalid URL {url!r:.80}") from error
    if not host:
        raise TransportError(f"{shown_url(url)}: the URL names no host")
    if scheme not in _DEFAULT_PORTS:
        raise TransportError(f"{shown_url(url)}: {scheme} is not allowed, expected https")
    host = host.removesuffix(".")
    if not _HOST.fullmatch(host) or port == 0:
        raise TransportError(f"{shown_url(url)}: the URL has an invalid host or port")
    if "@" in parts.netloc:
        raise TransportError(
            f"{shown_url(url)}: the URL holds a user or a password",
            hint="leave them out; they would show up in lists of processes and in logs",
        )
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    return Origin(scheme, host, port or _DEFAULT_PORTS[scheme]), target


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
