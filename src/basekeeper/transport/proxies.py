"""Proxies that the environment names, and whom they are for.

`HTTPS_PROXY`, `HTTP_PROXY` and `ALL_PROXY` name a proxy `http://[user:password@]host:port`, and
`NO_PROXY` the hosts that are asked without one: names with everything below them, addresses,
networks (`10.0.0.0/8`), each also with a port, or `*`. Names in lower case win, as with curl. A
proxy itself may be anywhere: the user named it. This machine is never asked through a proxy.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import field
from ipaddress import ip_network
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes, urlsplit

from basekeeper.errors import TransportError
from basekeeper.records import dataclass
from basekeeper.transport.addresses import is_local_name, literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from basekeeper.transport.urls import Origin


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where a proxy listens, and what it wants to be told."""

    host: str
    port: int
    headers: list[tuple[bytes, bytes]] = field(repr=False)


class Proxies:
    """The proxies of an environment."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Read the variables; what they say is judged when a request needs it."""

        def variable(name: str) -> str:
            return (environ.get(name) or environ.get(name.upper()) or "").strip()

        every = variable("all_proxy")
        self._urls = {"https": variable("https_proxy") or every}
        # A CGI program gets HTTP_PROXY from the header `Proxy` of whoever asks (CVE-2016-5385).
        is_cgi = "REQUEST_METHOD" in environ
        self._urls["http"] = (environ.get("http_proxy") if is_cgi else variable("http_proxy")) or (
            every
        )
        self._direct = variable("no_proxy").lower().replace(",", " ").split()

    def find(self, origin: Origin) -> Proxy | None:
        """The proxy for an origin; None: ask it directly.

        Raises:
            TransportError: The environment names something that cannot be used as a proxy.
        """
        url = self._urls[origin.scheme]
        if not url or _is_this_machine(origin.host):
            return None
        if any(_covers(entry, origin) for entry in self._direct):
            return None
        return _read_proxy(url)


def _is_this_machine(host: str) -> bool:
    address = literal(host)
    return is_local_name(host) if address is None else address.is_loopback


def _covers(entry: str, origin: Origin) -> bool:
    """Tell whether an entry of NO_PROXY is about an origin."""
    if entry == "*" or entry in (origin.host, origin.name, f"{origin.name}:{origin.port}"):
        return True
    address = literal(origin.host)
    if address is not None:
        try:
            return address in ip_network(entry, strict=False)
        except ValueError:
            return False
    name, _, port = entry.partition(":")
    suffix = name.removeprefix("*").removeprefix(".")
    is_below = origin.host == suffix or origin.host.endswith(f".{suffix}")
    return bool(suffix) and is_below and port in ("", str(origin.port))


def _read_proxy(url: str) -> Proxy:
    """Take the address of a proxy apart; its messages never show it, as it may hold a password."""
    unusable = TransportError(
        "the proxy that the environment names cannot be used",
        hint="name it as http://host:port in HTTPS_PROXY or HTTP_PROXY",
    )
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = parts.hostname, parts.port
    except ValueError:
        raise unusable from None
    if parts.scheme != "http" or not host:
        raise unusable
    headers = []
    if parts.username is not None:
        pair = _unquoted(parts.username) + b":" + _unquoted(parts.password or "")
        headers.append((b"Proxy-Authorization", b"Basic " + b64encode(pair)))
    return Proxy(host, port or 80, headers)


def _unquoted(text: str) -> bytes:
    """Undo percent encoding; what is no UTF-8 stays the bytes that the environment holds."""
    return unquote_to_bytes(text.encode("utf-8", "surrogateescape"))
