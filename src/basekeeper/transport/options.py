"""What a transport is told when it is made: bounds, and what the user permits for single hosts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from basekeeper.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from basekeeper.transport.urls import Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one request, and of the connections to one host."""

    timeout: float = 20.0
    """Seconds to connect, for the TLS handshake, and between two pieces of an answer."""
    total: float = 120.0
    """Seconds for the whole request, all its attempts and redirects; pauses do not count."""
    max_bytes: int = 16 * 1024 * 1024
    """Largest body, unpacked: the size of a page of tags."""
    retries: int = 3
    """Repetitions after the first attempt."""
    max_pause: float = 60.0
    """Longest pause in seconds, whatever a server asks for."""
    redirects: int = 5
    """Most redirects followed: one more than any known registry needs."""
    connections: int = 8
    """Most connections to one host at a time; further requests to it wait for one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostOptions:
    """What the user's settings permit for one host; by default nothing beyond the public rules."""

    plain_http: bool = False
    """It may be spoken to without TLS."""
    private: bool = False
    """It may be on this machine or in a private network, and be redirected to from another such."""
    ca_file: str | None = None
    """Path of a PEM file with authorities to trust, besides those of the system."""
    verify_tls: bool = True
    """False: any certificate is accepted, so whoever is on the way can read and answer."""
    timeout: float | None = None
    """Seconds in the place of `Limits.timeout`."""


_PUBLIC: Final = HostOptions()


class Hosts:
    """The options of hosts by their names."""

    def __init__(self, named: Mapping[str, HostOptions], allow_http: Collection[str]) -> None:
        """Take options by `host` or `host:port` (IPv6 in brackets), in any case of letters.

        Args:
            named: Options by host.
            allow_http: Hosts that, besides, may be spoken to without TLS and be private.
        """
        self._named = {host.lower(): options for host, options in named.items()}
        for host in map(str.lower, allow_http):
            options = self._named.get(host, _PUBLIC)
            self._named[host] = replace(options, plain_http=True, private=True)

    def find(self, origin: Origin) -> HostOptions:
        """Look up an origin, first with its port, then without."""
        if not self._named:
            return _PUBLIC
        with_port = self._named.get(f"{origin.name}:{origin.port}")
        return with_port or self._named.get(origin.name) or _PUBLIC
