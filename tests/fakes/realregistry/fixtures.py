"""Fixtures: a real registry for each worker, started when first used, stopped at its end."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Never

import pytest

from tests.fakes.realregistry.running import RealRegistries, copy_storage, filled_storage
from tools import components, images

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def image_layout() -> Path:
    """Real images of several Debian releases; see `tools/images.py` for their names."""
    try:
        return images.ensure()
    except images.UnavailableError as error:
        _missing(str(error))


@pytest.fixture(scope="session")
def real_registries(
    image_layout: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RealRegistries]:
    """Debian's registry in every set-up over one store, which this worker may change."""
    program = components.provision("registry")
    if isinstance(program, components.Missing):
        _missing(program.reason)
    work = tmp_path_factory.mktemp("registry")
    copy_storage(filled_storage(program, image_layout, images.CACHE), work / "content")
    running = RealRegistries(program, work / "content", work)
    try:
        yield running
    finally:
        running.close()


def _missing(reason: str) -> Never:
    """Skip; with CI=true fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
