"""Registries for the contract: started once a worker, stopped at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.ledger_places import clone, ledger, location
from tests.contract.registry_places import Place, real, simulate
from tests.contract.scanner_kinds import bench, grype_bench, scanner_databases, trivy_bench
from tests.fakes.realregistry.fixtures import image_layout, real_registries
from tests.fakes.realregistry.running import SETUPS
from tests.fakes.realregistry.small import make_small_layout
from tests.fakes.registry import Simulator
from tests.fakes.registry.certificates import Certificates, make_certificates

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fakes.realregistry.running import RealRegistries

__all__ = [
    "bench", "clone", "grype_bench", "image_layout", "ledger", "location", "real_registries",
    "scanner_databases", "trivy_bench",
]  # fmt: skip


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """An authority and a certificate for the loopback interface."""
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def small_layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The images of `image_layout` in small."""
    return make_small_layout(tmp_path_factory.mktemp("small") / "layout")


@pytest.fixture(scope="session")
def simulated_places(small_layout: Path, certificates: Certificates) -> Iterator[dict[str, Place]]:
    """Simulated registries by set-up, with small images; not to be changed."""
    with Simulator() as simulator:
        yield {setup: simulate(simulator, setup, small_layout, certificates)[1] for setup in SETUPS}


@pytest.fixture(scope="session")
def twins(
    real_registries: RealRegistries, image_layout: Path, certificates: Certificates
) -> Iterator[dict[str, tuple[Place, Place]]]:
    """A simulated and a real registry in each set-up, with the same images."""
    with Simulator() as simulator:
        yield {
            setup: (
                simulate(simulator, setup, image_layout, certificates)[1],
                real(real_registries, setup, image_layout),
            )
            for setup in SETUPS
        }


@pytest.fixture
def place(request: pytest.FixtureRequest) -> Place:
    """The registry that the test is parametrised with, see `registry_places.PLACES`."""
    kind, _, setup = request.param.partition("-")
    if kind == "simulated":
        found: Place = request.getfixturevalue("simulated_places")[setup]
        return found
    registries = request.getfixturevalue("real_registries")
    return real(registries, setup, request.getfixturevalue("image_layout"))
