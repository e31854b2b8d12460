"""Other operating systems that nothing but the layers of an image tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes.realregistry.fixtures import image_layout, real_registries
from tests.fakes.registry import Simulator, digest_of
from tests.fakes.registry.content import LAYER
from tests.fakes.tars import debian, packed, tar
from tests.integration.program import run
from tests.integration.registries import World
from tools import images

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.realregistry.running import RealRegistries
    from tests.fakes.registry import Manifest

__all__ = ["image_layout", "real_registries"]


def layered(world: World, tag: str, days: int, release: int) -> Manifest:
    """Push a company's image whose layers alone tell on which Debian it stands."""
    root = {"etc/os-release": "-> ../usr/lib/os-release", "usr/lib/os-release": debian(release)}
    found = []
    for layer in (packed(tar(root)), packed(tar({"app": f"{tag} {days}"}))):
        digest = digest_of(layer)
        world.hub.content.blob("acme/hello", digest, layer)
        found.append({"mediaType": LAYER, "digest": digest, "size": len(layer)})
    return world.push(f"acme/hello:{tag}", days, layers=found)


def layers_asked(world: World) -> int:
    """How often a layer was fetched."""
    blobs = world.hub.content.repository("acme/hello").blobs
    asked = [one.target.rpartition("/")[2].partition("?")[0] for one in world.hub.log]
    return sum(1 for name in asked if blobs.get(name, b"{")[:1] != b"{")


def test_another_system_behind_a_new_version_is_seen_in_its_layers(tmp_path: Path) -> None:
    with Simulator() as simulator:
        world = World(simulator, tmp_path)
        layered(world, "1.0.0", 400, 12)
        layered(world, "1.0.1", 300, 12)
        layered(world, "1.1.0", 200, 13)
        world.file("Dockerfile", "FROM acme/hello:1.0.0")
        kinds = ("--kind", "patch", "--kind", "minor")
        outcome = run(world.root, "update", "--write", *kinds, **world.environ)
        assert outcome.code == 0, outcome.err
        assert "the operating system behind 1.1.0 is another: debian 12 → debian 13" in " ".join(
            outcome.out.split()
        )
        assert (world.root / "Dockerfile").read_text() == "FROM acme/hello:1.0.1\n"
        asked = layers_asked(world)
        world.file("Dockerfile", "FROM acme/hello:1.0.0")
        run(world.root, "update", "--write", *kinds, "--kind", "os", **world.environ)
        assert (world.root / "Dockerfile").read_text() == "FROM acme/hello:1.1.0\n"
        assert (asked, layers_asked(world)) == (5, 5)


def test_layers_are_not_read_where_nothing_moves_or_nobody_compares(tmp_path: Path) -> None:
    with Simulator() as simulator:
        world = World(simulator, tmp_path)
        newest = layered(world, "1.1.0", 200, 13)
        layered(world, "1.0.0", 400, 12)
        world.file("Dockerfile", f"FROM acme/hello:1.1.0@{newest.digest}")
        world.file("old.Dockerfile", "FROM acme/hello:1.0.0")
        for verb in ("outdated", "check"):
            run(world.root, verb, **world.environ)
        (world.root / "old.Dockerfile").unlink()
        run(world.root, "update", **world.environ)
        assert layers_asked(world) == 0


@pytest.mark.component("registry")
def test_the_layers_of_real_images_tell_another_system_under_the_same_tag(
    real_registries: RealRegistries,
    image_layout: Path,
    tmp_path: Path,
) -> None:
    """Nothing but os-release tells it: configuration and history of these images are silent."""
    held = images.named(image_layout)
    for name in ("debian-12", "debian-13"):
        real_registries.pusher.push(image_layout, "drift/python", "3.12-slim", held[name])
    pairs = {"12-slim": "debian-12", "13-slim": "debian-13"}
    for tag, name in pairs.items():
        real_registries.pusher.push(image_layout, "drift/debian", tag, held[name])
    address = real_registries.start("anonymous").address
    settings = tmp_path / "settings.toml"
    settings.write_text(f'[registry."{address}"]\nhttp = true\nprivate = true\n')
    root = tmp_path / "tree"
    root.mkdir()
    pinned = f"FROM {address}/drift/python:3.12-slim@{held['debian-12']['digest']}\n"
    named = f"FROM {address}/drift/debian:12-slim\n"
    (root / "Dockerfile").write_text(pinned)
    (root / "Named.Dockerfile").write_text(named)
    environ = {"BASEKEEPER_SETTINGS": str(settings)}
    told = run(root, "outdated", **environ)
    assert "3.12-slim moved to another operating system: debian 12 → debian 13" in told.out
    kinds = [word for kind in ("digest", "patch", "minor", "major") for word in ("--kind", kind)]
    outcome = run(root, "update", "--any-age", "--write", *kinds, **environ)
    assert outcome.code == 0, outcome.err
    assert "another operating system behind the same tag: debian 12 → debian 13" in outcome.out
    assert (root / "Dockerfile").read_text() == pinned
    assert (root / "Named.Dockerfile").read_text() == named.replace("12-slim", "13-slim")
