"""A simulator: any number of hosts on loopback ports, with one thread behind all of them."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any, Self

from tests.fakes.registry.host import Host
from tests.fakes.registry.http import Loop

if TYPE_CHECKING:
    from types import TracebackType

    from tests.fakes.registry.certificates import Certificates


class Simulator:
    """Hosts that end together; use it as a context manager."""

    def __init__(self) -> None:
        """Start the thread, no host yet."""
        self._loop = Loop()
        self.hosts: dict[str, Host] = {}

    def host(
        self,
        name: str = "registry.test",
        *,
        certificates: Certificates | None = None,
        address: str = "127.0.0.1",
        port: int = 0,
        **settings: Any,
    ) -> Host:
        """Start a host on a port of its own.

        Args:
            name: What it plays. `hub.docker.com` and `quay.io` have APIs beside /v2/.
            certificates: Given, it speaks TLS.
            address: Where it listens; `::1` is known to `Host.address` as 127.0.0.1 is.
            port: 0: any that is free.
            settings: Fields of `Host`.
        """
        tls = None
        if certificates is not None:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(certificates.chain, certificates.key)
        host = Host(name, scheme="http" if tls is None else "https", **settings)
        host.port = self._loop.listen(host.handle, address=address, port=port, tls=tls)
        self.hosts[name] = host
        return host

    def close(self) -> None:
        """End all hosts."""
        self._loop.close()

    def __enter__(self) -> Self:
        """Use as a context manager."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End all hosts."""
        self.close()
