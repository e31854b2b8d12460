"""Out of a layout comes the image that was asked for, or none."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from basekeeper.scanners.layouts import MAX_DOCUMENT_BYTES, MAX_LAYERS, layers_of, pick
from basekeeper.scanners.nottold import NotTold
from basekeeper.values.scanning import LayoutImage
from tests.fakes.realregistry.small import make_small_layout
from tools import images

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    return make_small_layout(tmp_path / "layout")


def put(layout: Path, value: object) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    digest = hashlib.sha256(data).hexdigest()
    (layout / "blobs" / "sha256" / digest).write_bytes(data)
    return f"sha256:{digest}"


def read(layout: Path, digest: str) -> Any:
    return json.loads(layout.joinpath("blobs", *digest.split(":")).read_bytes())


def picked(layout: Path, digest: str, platform: str = "linux/amd64") -> dict[str, Any]:
    """The manifest in the layout that was made."""
    target = layout.parent / "target"
    config = pick(LayoutImage(path=layout, digest=digest, platform=platform), target)
    (one,) = read_index(target)
    manifest: dict[str, Any] = read(target, one["digest"])
    assert manifest["config"]["digest"] == config
    assert one["size"] == target.joinpath("blobs", *one["digest"].split(":")).stat().st_size
    return manifest


def read_index(target: Path) -> list[dict[str, Any]]:
    index = json.loads((target / "index.json").read_text())
    manifests: list[dict[str, Any]] = index["manifests"]
    return manifests


@pytest.mark.parametrize("name", ["debian-11", "debian-12", "debian-12-docker", "debian-13"])
def test_a_manifest_or_the_one_of_an_index_is_picked(layout: Path, name: str) -> None:
    manifest = picked(layout, images.named(layout)[name]["digest"])
    assert read(layout, manifest["config"]["digest"])["architecture"] == "amd64"


@pytest.mark.parametrize("platform", ["linux/arm64", "linux/arm64/v8"])
def test_the_platform_picks(layout: Path, platform: str) -> None:
    manifest = picked(layout, images.named(layout)["debian-13"]["digest"], platform)
    assert read(layout, manifest["config"]["digest"])["architecture"] == "arm64"


def refused(layout: Path, digest: str, platform: str = "linux/amd64") -> str:
    target = layout.parent / "target"
    with pytest.raises(NotTold) as failed:
        pick(LayoutImage(path=layout, digest=digest, platform=platform), target)
    assert not target.exists()
    return failed.value.unknown.reason


def test_a_platform_that_an_index_lacks_is_refused(layout: Path) -> None:
    digest = images.named(layout)["debian-12"]["digest"]
    assert "no image for linux/s390x" in refused(layout, digest, "linux/s390x")


@pytest.mark.parametrize(
    "digest",
    ["", "sha256:", "sha256:../../../etc/passwd", "sha512:" + 128 * "a", "sha256:" + 64 * "A"],
)
def test_a_digest_that_cannot_be_verified_is_refused(layout: Path, digest: str) -> None:
    assert "cannot be verified" in refused(layout, digest)


def test_what_is_not_there_is_refused(layout: Path) -> None:
    assert "not in the layout" in refused(layout, "sha256:" + 64 * "a")


@pytest.mark.parametrize("part", ["index", "manifest", "config", "layer"])
@pytest.mark.parametrize("damage", ["changed", "gone"])
def test_content_is_held_to_its_digest(layout: Path, part: str, damage: str) -> None:
    index = images.named(layout)["debian-12"]["digest"]
    manifest = read(layout, index)["manifests"][0]["digest"]
    inner = read(layout, manifest)
    digests = {
        "index": index, "manifest": manifest, "config": inner["config"]["digest"],
        "layer": inner["layers"][0]["digest"],
    }  # fmt: skip
    path = layout.joinpath("blobs", *digests[part].split(":"))
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes() + b" ")
    reason = refused(layout, index)
    assert digests[part] in reason


@pytest.mark.parametrize(
    "document",
    [
        b"", b"[]", b"x" * (MAX_DOCUMENT_BYTES + 1), {}, {"config": {}, "layers": []},
        {"mediaType": "application/x", "config": {"digest": "sha256:x"}},
        {"manifests": 3}, {"manifests": []}, {"manifests": [{"digest": 3}]},
        {"config": {"digest": "../x"}, "layers": []},
        {"config": {"digest": "sha256:x"}, "layers": [{"digest": "y"}] * (MAX_LAYERS + 1)},
    ],
)  # fmt: skip
def test_what_is_no_image_is_refused(layout: Path, document: object) -> None:
    refused(layout, put(layout, document))


def test_an_index_in_an_index_is_refused(layout: Path) -> None:
    inner = images.named(layout)["debian-12"]
    platform = {"os": "linux", "architecture": "amd64"}
    outer = {"mediaType": images.INDEX, "manifests": [{**inner, "platform": platform}]}
    assert "is no image but" in refused(layout, put(layout, outer))


def test_the_layers_of_an_image_are_told_lowest_first(layout: Path) -> None:
    layers = [f"sha256:{letter * 64}" for letter in "cab"]
    config = put(layout, {"rootfs": {"type": "layers", "diff_ids": layers}})
    assert layers_of(layout, config) == tuple(layers)


@pytest.mark.parametrize("document", [b"{", {"rootfs": []}, {"rootfs": {"diff_ids": [1]}}])
def test_layers_of_a_configuration_that_cannot_be_read_are_refused(
    layout: Path, document: object
) -> None:
    with pytest.raises(NotTold):
        layers_of(layout, put(layout, document))
