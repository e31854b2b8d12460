"""Fixtures: a real registry for each worker, started when first used, stopped at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes.provisioned import provisioned
from tests.fakes.realregistry.running import RealRegistries, copy_storage, filled_storage
from tools import images

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def image_layout() -> Path:
    """Real images of several Debian releases; see `tools/images.py` for their names."""
    return provisioned("images")


@pytest.fixture(scope="session")
def real_registries(
    image_layout: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RealRegistries]:
    """Debian's registry in every set-up over one store, which this worker may change."""
    program = provisioned("registry")
    work = tmp_path_factory.mktemp("registry")
    copy_storage(filled_storage(program, image_layout, images.CACHE), work / "content")
    running = RealRegistries(program, work / "content", work)
    try:
        yield running
    finally:
        running.close()
