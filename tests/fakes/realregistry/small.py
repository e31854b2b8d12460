"""The images of `tools/images.py` in small: same names, kinds and structure, made-up layers.

They serve the tests that need no outside component: only a simulated registry holds them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fakes.registry.content import digest_of
from tests.fakes.tars import debian, tar
from tools import images

if TYPE_CHECKING:
    from pathlib import Path

VERSIONS = {"bullseye": "11.11", "bookworm": "12.15", "trixie": "13.8"}


def make_small_layout(folder: Path) -> Path:
    """Make the layout in a folder that is not there yet."""
    store = images.Store(folder)
    store.finish(images.make_images(store, {one: _layer(store, one) for one in images.RELEASES}))
    return folder


def _layer(store: images.Store, release: images.Release) -> images.Layer:
    version = VERSIONS[release.suite]
    files = {
        "etc/os-release": "-> ../usr/lib/os-release",
        "usr/lib/os-release": debian(int(version.partition(".")[0])),
        "etc/debian_version": f"{release.name}\n",
    }
    archive = tar(files)
    blob = store.layer(archive)
    return images.Layer(release, digest_of(archive), blob, version, "2026-09-01T00:00:00Z")
