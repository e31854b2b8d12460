"""Making a connection: look up, judge, connect to what was judged, and speak TLS by name.

With a proxy it is the proxy that looks names up, so only what stands in the URL can be judged here:
addresses and the names of this machine. What a name means there is for the proxy's own rules.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Final

from basekeeper.errors import TransportError
from basekeeper.transport.addresses import Resolver, check_addresses, check_unresolved
from basekeeper.transport.connection import Connection, open_tunnel
from basekeeper.transport.trust import Trust

if TYPE_CHECKING:
    from basekeeper.transport.addresses import Resolve
    from basekeeper.transport.deadline import Deadline
    from basekeeper.transport.options import Hosts
    from basekeeper.transport.proxies import Proxies, Proxy
    from basekeeper.transport.sockets import Sockets
    from basekeeper.transport.urls import Origin

NEXT_ADDRESS_SECONDS: Final = 3.0
"""How long one address is tried while another is left: one of two families is often dead."""

MAX_TRIED: Final = 8
"""Most addresses of a host that are tried for one connection."""

_SUCCESS: Final = range(200, 300)
_SERVER_ERRORS: Final = range(500, 600)


class Dialer:
    """Makes connections; safe to share between threads."""

    def __init__(self, hosts: Hosts, proxies: Proxies, resolve: Resolve, sockets: Sockets) -> None:
        """Connect nothing yet."""
        self._hosts = hosts
        self._proxies = proxies
        self._resolver = Resolver(resolve, sockets.ended)
        self._sockets = sockets
        self._trust = Trust()

    def connect(self, origin: Origin, deadline: Deadline) -> Connection:
        """Connect to an origin, through a proxy where the environment names one.

        Raises:
            TransportError: The host may not be connected to, or is not trusted.
            OSError: No connection came about.
            Garbled: The proxy does not speak HTTP.
        """
        options = self._hosts.find(origin)
        proxy = self._proxies.find(origin)
        host, port = (origin.host, origin.port) if proxy is None else (proxy.host, proxy.port)
        if proxy is not None:
            check_unresolved(origin.host, private=options.private)
        try:
            addresses = self._resolver.addresses(host, deadline)
            if proxy is None:
                check_addresses(host, addresses, private=options.private)
            sock = self._connect_any(addresses, port, deadline)
        except OSError as error:
            self._resolver.forget(host)
            if proxy is None:
                raise
            raise _behind(proxy, error) from error
        if origin.scheme == "http":
            return Connection(sock, origin, self._sockets, forward=proxy)
        if proxy is not None:
            self._tunnel(sock, proxy, origin, deadline)
        sock = self._trust.wrap(sock, origin.host, options, self._sockets, deadline)
        return Connection(sock, origin, self._sockets)

    def _connect_any(
        self, addresses: tuple[str, ...], port: int, deadline: Deadline
    ) -> socket.socket:
        """Connect to the first address that answers."""
        tried = addresses[:MAX_TRIED]
        for address in tried[:-1]:
            try:
                return self._connect_one(address, port, min(NEXT_ADDRESS_SECONDS, deadline.left()))
            except OSError:
                deadline.rest()
        return self._connect_one(tried[-1], port, deadline.left())

    def _connect_one(self, address: str, port: int, seconds: float) -> socket.socket:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        self._sockets.add(sock)
        try:
            sock.settimeout(seconds)
            sock.connect((address, port))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets.check()
        except BaseException:
            self._sockets.close(sock)
            raise
        return sock

    def _tunnel(
        self, sock: socket.socket, proxy: Proxy, origin: Origin, deadline: Deadline
    ) -> None:
        try:
            status = open_tunnel(sock, proxy, origin, self._sockets, deadline)
            _check_tunnel(status, proxy, origin)
        except BaseException:
            self._sockets.close(sock)
            raise


def _behind(proxy: Proxy, error: OSError) -> OSError:
    """The same failure, saying that it is the proxy's, not that of the host which is asked."""
    words = (error.strerror or str(error)).lower()
    reason = "no answer in time" if isinstance(error, TimeoutError) else words
    address = f"{proxy.host}:{proxy.port}"
    return ConnectionError(f"the proxy {address!r:.80} cannot be reached: {reason}")


def _check_tunnel(status: int, proxy: Proxy, origin: Origin) -> None:
    """Tell a proxy that refuses from one that could not reach the host, and may the next time."""
    if status in _SUCCESS:
        return
    answer = f"{origin.name}: the proxy {proxy.host!r:.80} answered with status {status}"
    if status in _SERVER_ERRORS:
        raise ConnectionError(answer)
    raise TransportError(answer, hint="check the proxy settings of the environment")
