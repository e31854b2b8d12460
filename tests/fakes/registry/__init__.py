"""A registry simulator: real HTTP on loopback, content in memory, and every fault on demand.

    with Simulator() as simulator:
        host = simulator.host("docker.io", dialect=Dialect.HUB)
        image = host.content.image("library/alpine", "3.22", "linux/amd64", "linux/arm64/v8")
        host.require_tokens()
        host.add(faults.limited(retry_after="3", times=1))
        ...  # ask http://{host.address}
        assert host.count("manifest", "HEAD") == 2

- `content`: what a host holds, and helpers to make images out of nothing or of an OCI layout.
- `scenarios`: odd images. `faults`: wrong answers. `access`: passwords and tokens. `paging`: how
  each registry lists tags. `apis`: what Docker Hub and Quay have beside the registry protocol.
- `host.log`: every request, to be counted.
- In its own process, for benchmarks: `python -m tests.fakes.registry --help`.

With the dialect `debian` it answers as Debian's docker-registry does, to the byte where that
matters: tests/contract/test_registry_http.py asks both. Deliberately absent: pushing, `_catalog`,
ranges, and the conversion to schema 1 for clients that accept nothing.
"""

from __future__ import annotations

from tests.fakes.registry import faults, scenarios
from tests.fakes.registry.access import Basic, Bearer, Open, Tokens
from tests.fakes.registry.content import Content, Manifest, digest_of
from tests.fakes.registry.faults import Fault
from tests.fakes.registry.host import Host, Logged
from tests.fakes.registry.http import Answer, Request
from tests.fakes.registry.paging import Dialect
from tests.fakes.registry.simulator import Simulator

__all__ = [
    "Answer",
    "Basic",
    "Bearer",
    "Content",
    "Dialect",
    "Fault",
    "Host",
    "Logged",
    "Manifest",
    "Open",
    "Request",
    "Simulator",
    "Tokens",
    "digest_of",
    "faults",
    "scenarios",
]
