"""Which redirects are followed, and what a request may carry along.

A redirect is an order by a stranger: it never leads from https to http, nor from a public host to a
private address, and to another origin it takes no header along but harmless ones.

Known limit: a host's addresses are looked up for the check and again for the connection. A name
server that answers differently the second time leads inside; what stops it there is TLS, as the
inner host has no certificate for that name, and plain http goes to hosts allowed by name alone.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

from basekeeper.errors import TransportError
from basekeeper.transport.redaction import shown_url

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

FOLLOWED: Final = frozenset({301, 302, 303, 307, 308})
"""Statuses whose Location is followed."""

_HARMLESS: Final = frozenset({"accept", "accept-language", "if-none-match", "if-modified-since"})
"""Headers that may go to another origin."""

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def resolve_host(host: str) -> tuple[str, ...]:
    """All addresses of a host; none where its name cannot be resolved here."""
    try:
        return tuple({str(entry[4][0]) for entry in socket.getaddrinfo(host, None)})
    except (OSError, UnicodeError):
        return ()


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port of a URL, default ports filled in.

    Raises:
        TransportError: The URL is none.
    """
    try:
        parts = urlsplit(url)
        scheme, host = parts.scheme.lower(), (parts.hostname or "").lower()
        return scheme, host, parts.port or _DEFAULT_PORTS.get(scheme)
    except ValueError as error:
        raise TransportError(f"invalid URL {url!r:.80}") from error


def check_scheme(url: str, allow_http: Collection[str]) -> None:
    """Refuse all but https, and http to hosts that were allowed by name.

    Raises:
        TransportError: The scheme is not allowed for that host.
    """
    scheme, host, port = origin(url)
    if not host:
        raise TransportError(f"{shown_url(url)}: the URL names no host")
    if scheme == "https" or (
        scheme == "http" and not {host, f"{host}:{port}"}.isdisjoint(allow_http)
    ):
        return
    raise TransportError(
        f"{shown_url(url)}: {scheme or 'no scheme'} is not allowed, expected https",
        hint="allow plain http for this host in the settings if it must be",
    )


def next_url(
    url: str,
    location: str | None,
    *,
    allow_http: Collection[str],
    resolve: Callable[[str], tuple[str, ...]] = resolve_host,
) -> str:
    """The target of a redirect, if it may be followed.

    Raises:
        TransportError: There is no target, or it is a downgrade or a way into a private network.
    """
    if not location:
        raise TransportError(f"{shown_url(url)}: redirect without a target")
    try:
        target = urljoin(url, location)
    except ValueError as error:
        raise TransportError(f"{shown_url(url)}: redirect to an invalid URL") from error
    scheme, host, _ = origin(url)
    target_scheme, target_host, _ = origin(target)
    if scheme == "https" and target_scheme != "https":
        raise TransportError(
            f"{shown_url(url)}: refused redirect from https to {target_scheme or 'nothing'}"
        )
    check_scheme(target, allow_http)
    if target_host != host and _is_private(target_host, resolve) and not _is_private(host, resolve):
        raise TransportError(f"{shown_url(url)}: refused redirect to a private address")
    return target


def headers_for(url: str, target: str, headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that may go along: all to the same origin, harmless ones to another."""
    if origin(url) == origin(target):
        return dict(headers)
    return {name: value for name, value in headers.items() if name.lower() in _HARMLESS}


def _is_private(host: str, resolve: Callable[[str], tuple[str, ...]]) -> bool:
    """Tell whether any address of a host is outside the public internet."""
    return any(
        not ipaddress.ip_address(address.partition("%")[0]).is_global for address in resolve(host)
    )
