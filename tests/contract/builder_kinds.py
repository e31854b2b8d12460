"""The builders that the contract is run on, and small images for them to stand on."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from basekeeper.builders.buildah import Buildah
from basekeeper.values.building import BuildLimits, BuildOutcome, BuildRequest
from basekeeper.values.scanning import LayoutImage
from tests.fakes.provisioned import provisioned
from tools import images

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from basekeeper.ports import Builder

AMD64: Final = "linux/amd64"
BASE: Final = "docker.io/library/debian:11"
PROGRAMS: Final = (
    "bash", "cat", "chroot", "dash", "dd", "echo", "env", "grep", "head", "id", "ln", "ls", "mkdir",
    "mknod", "rm", "seq", "sh", "sleep", "touch", "true", "wc", "yes",
)  # fmt: skip
LIMITS: Final = BuildLimits(seconds=120, spare_bytes=1024 * 1024)


@dataclass(frozen=True, slots=True)
class Yard:
    """A builder under test, with a tree to build and images to build on."""

    builder: Builder
    program: Path
    images: Mapping[str, LayoutImage]
    """By name: `small`, and those of the real layout."""
    folder: Path

    @property
    def context(self) -> Path:
        """The tree."""
        return self.folder / "context"

    @property
    def directory(self) -> Path:
        """Where the builder makes its private folders."""
        return self.folder / "rooms"

    def file(self, path: str, text: str = "") -> Path:
        """Write a file of the tree."""
        target = self.context / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        return target

    def build(
        self, text: str, base: str = "small", output: str = "out", **rest: Any
    ) -> BuildOutcome:
        """Build the tree with a Dockerfile."""
        self.file(rest.get("dockerfile", "Dockerfile"), text)
        given: dict[str, Any] = {
            "output": self.folder / output, "images": {BASE: self.images[base]}, **rest,
        }  # fmt: skip
        return self.builder.build(self.request(**given))

    def request(self, **rest: Any) -> BuildRequest:
        """Ask for the tree to be built."""
        given: dict[str, Any] = {
            "context": self.context, "dockerfile": "Dockerfile", "output": self.folder / "out",
            "images": {BASE: self.images["small"]}, "limits": LIMITS,
        }  # fmt: skip
        return BuildRequest(**{**given, **rest})


@pytest.fixture(scope="session")
def builder_images(
    image_layout: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, LayoutImage]:
    """Images by name: the real ones, and a small one with a shell."""
    found = {
        name: LayoutImage(path=image_layout, digest=entry["digest"], platform=AMD64)
        for name, entry in images.named(image_layout).items()
    }
    small = make_small(found["debian-11"], tmp_path_factory.mktemp("small") / "layout")
    return {**found, "small": small}


@pytest.fixture(params=[pytest.param("buildah", marks=pytest.mark.component("builder"))])
def yard(
    request: pytest.FixtureRequest, builder_images: dict[str, LayoutImage], tmp_path: Path
) -> Iterator[Yard]:
    """Each builder in turn, real; whatever it did, it leaves nothing behind."""
    program = provisioned("builder")
    for name in ("context", "rooms"):
        (tmp_path / name).mkdir()
    yield Yard(Buildah(str(program), tmp_path / "rooms"), program, builder_images, tmp_path)
    assert list((tmp_path / "rooms").iterdir()) == []
    assert str(tmp_path) not in Path("/proc/self/mounts").read_text(encoding="utf-8")


def make_small(image: LayoutImage, target: Path) -> LayoutImage:
    """Make an image of the few programs of another that tests use: unpacked in no time."""
    manifest = json.loads(_blob(image.path, image.digest))
    (layer,) = manifest["layers"]
    config = json.loads(_blob(image.path, manifest["config"]["digest"]))
    content = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(_blob(image.path, layer["digest"]))) as whole,
        tarfile.open(fileobj=content, mode="w") as part,
    ):
        for entry in whole:
            if _is_used(entry):
                part.addfile(entry, whole.extractfile(entry) if entry.isreg() else None)
    (target / "blobs" / "sha256").mkdir(parents=True)
    packed = _keep(target, content.getvalue())
    config["rootfs"] = {"type": "layers", "diff_ids": [packed["digest"]]}
    config["history"] = [{"created_by": "a few programs"}]
    document = {
        "schemaVersion": 2,
        "mediaType": images.MANIFEST,
        "config": {"mediaType": images.CONFIG, **_keep(target, json.dumps(config).encode())},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", **packed}],
    }
    kept = _keep(target, json.dumps(document).encode())
    return LayoutImage(path=target, digest=kept["digest"], platform=AMD64)


def _is_used(entry: tarfile.TarInfo) -> bool:
    path = entry.name.removeprefix("./").strip("/")
    if entry.isdir() or (entry.issym() and "/" not in path):
        return not path.startswith(("usr/share/", "var/lib/dpkg/"))
    if path.startswith("usr/bin/"):
        return path.removeprefix("usr/bin/") in PROGRAMS
    return ".so" in path and path.count("/") <= 3 and "crypto" not in path and "ssl" not in path


def _blob(layout: Path, digest: str) -> bytes:
    return (layout / "blobs" / "sha256" / digest.partition(":")[2]).read_bytes()


def _keep(layout: Path, data: bytes) -> dict[str, Any]:
    name = hashlib.sha256(data).hexdigest()
    (layout / "blobs" / "sha256" / name).write_bytes(data)
    return {"digest": f"sha256:{name}", "size": len(data)}
