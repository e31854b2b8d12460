"""Whole images and artifacts, fetched from real and simulated registries; what can go wrong."""

from __future__ import annotations

import hashlib
import json
import stat
from typing import TYPE_CHECKING, Any

import pytest

from basekeeper.errors import Failure, RegistryError
from tests.contract.registry_client import open_place, reference
from tests.contract.registry_places import PLACES, Place

if TYPE_CHECKING:
    from pathlib import Path

    from basekeeper.values.reference import Reference
    from basekeeper.values.scanning import LayoutImage

AMD64 = "linux/amd64"


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def content(layout: Path) -> dict[str, bytes]:
    """What is in a layout, by digest; each must be what its name says."""
    found = {}
    for path in layout.joinpath("blobs", "sha256").iterdir():
        data = path.read_bytes()
        assert digest_of(data) == f"sha256:{path.name}"
        found[digest_of(data)] = data
    return found


def check_layout(image: LayoutImage, directory: Path) -> dict[str, Any]:
    """Check a layout against the specification; return its manifest."""
    assert image.path == directory
    assert json.loads((directory / "oci-layout").read_bytes()) == {"imageLayoutVersion": "1.0.0"}
    index = json.loads((directory / "index.json").read_bytes())
    assert [one["digest"] for one in index["manifests"]] == [image.digest]
    blobs = content(directory)
    assert index["manifests"][0]["size"] == len(blobs[image.digest])
    manifest: dict[str, Any] = json.loads(blobs[image.digest])
    layers = {one["digest"] for one in manifest["layers"]}
    assert set(blobs) == {image.digest, manifest["config"]["digest"], *layers}
    for path in [directory, *directory.rglob("*")]:
        wanted = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path
    return manifest


def image_of(place: Place, repository: str, name: str) -> Reference:
    return reference(place, f"{repository}@{place.images[name]['digest']}")


@pytest.mark.parametrize("place", PLACES, indirect=True)
@pytest.mark.parametrize("platform", [AMD64, "linux/arm64", "linux/arm64/v8"])
def test_one_platform_of_an_index_becomes_a_layout(
    place: Place, tmp_path: Path, platform: str
) -> None:
    asked = image_of(place, "library/debian", "debian-12")
    with open_place(place) as opened:
        image = opened.client.pull(asked, platform, tmp_path / "layout")
    manifest = check_layout(image, tmp_path / "layout")
    assert (image.reference, image.platform) == (asked, platform)
    assert image.digest != asked.digest
    config = json.loads(content(image.path)[manifest["config"]["digest"]])
    assert config["architecture"] == platform.split("/")[1]
    for layer in manifest["layers"]:
        assert content(image.path)[layer["digest"]] == place.blob(layer["digest"])


@pytest.mark.parametrize("place", PLACES, indirect=True)
def test_a_manifest_of_its_own_becomes_a_layout(place: Place, tmp_path: Path) -> None:
    asked = image_of(place, "library/debian", "debian-11")
    with open_place(place) as opened:
        image = opened.client.pull(asked, AMD64, tmp_path / "layout")
    check_layout(image, tmp_path / "layout")
    assert image.digest == asked.digest


@pytest.mark.parametrize("place", PLACES, indirect=True)
@pytest.mark.parametrize("name", ["debian-11", "debian-12"])
def test_a_platform_that_is_not_there_leaves_nothing(
    place: Place, tmp_path: Path, name: str
) -> None:
    with (
        open_place(place) as opened,
        pytest.raises(RegistryError, match="nothing for the platform") as caught,
    ):
        opened.client.pull(
            image_of(place, "library/debian", name), "linux/s390x", tmp_path / "layout"
        )
    assert caught.value.failure is Failure.UNSUPPORTED
    assert list(tmp_path.iterdir()) == []
