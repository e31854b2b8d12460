"""The client with everything below it, asking simulated registries on loopback."""

from __future__ import annotations

import time as real
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from basekeeper.cache.memory import MemoryCache
from basekeeper.registry.client import RegistryClient
from basekeeper.registry.hosts import Host
from basekeeper.registry.keyring import Keyring
from basekeeper.registry.paced import PacedRequests
from basekeeper.registry.pacing import Pacer
from basekeeper.registry.session import Session
from basekeeper.transport.client import Limits, Transport
from basekeeper.values.reference import parse_reference
from basekeeper.values.settings import RegistrySettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.values.reference import Reference
    from tests.fakes.registry import Host as Simulated
    from tests.fakes.registry import Simulator

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
NOWHERE = Path("/nonexistent")


def host_of(simulated: Simulated, name: str, *, hub_api: str | None = None) -> Host:
    return Host(
        name=name, base_url=simulated.url, credentials_of=name, http=True, private=True,
        hub_api=hub_api,
    )  # fmt: skip


class Time:
    """A clock that runs on its own, and that a sleep sets forward at once."""

    def __init__(self) -> None:
        self.pauses: list[float] = []

    def clock(self) -> float:
        return real.monotonic() + sum(self.pauses)

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)


@contextmanager
def asking(
    simulator: Simulator,
    *,
    cache: MemoryCache | None = None,
    now: datetime = NOW,
    time: Time | None = None,
    **more: Any,
) -> Iterator[RegistryClient]:
    """Every simulated host answers for the registry whose name it plays."""
    simulated = dict(simulator.hosts)
    api = simulated.get("hub.docker.com")

    def find(name: str) -> Host:
        hub_api = api.url if api is not None and name == "docker.io" else None
        return host_of(simulated[name], name, hub_api=hub_api)

    transport = Transport(
        Limits(timeout=5, total=20, retries=0),
        allow_http=[one.address for one in simulated.values()],
        environ={},
    )
    time = time or Time()
    pacer = Pacer(now, clock=time.clock, sleep=time.sleep, jitter=lambda: 0.0)
    session = Session(PacedRequests(transport, pacer), Keyring(RegistrySettings(), {}, NOWHERE))
    client = RegistryClient(session, find, cache or MemoryCache(), now, end=transport.close, **more)
    try:
        yield client
    finally:
        client.close()


def reference(text: str) -> Reference:
    return parse_reference(text)
