"""The images that real registries are filled with are what they say: Debian, several releases."""

from __future__ import annotations

import gzip
import io
import json
import re
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes.registry.content import digest_of
from tools import images

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.component("images")

ELF_MACHINES = {"amd64": 62, "arm64": 183}
"""`e_machine` of the ELF header, at byte 18."""


@pytest.fixture
def named(image_layout: Path) -> dict[str, dict[str, Any]]:
    return images.named(image_layout)


def read(layout: Path, digest: str) -> bytes:
    return layout.joinpath("blobs", *digest.split(":")).read_bytes()


def manifests(layout: Path, image: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the manifests of an image by architecture, attestations left out."""
    found = json.loads(read(layout, image["digest"]))
    listed = found.get("manifests", [image])
    return {
        one["platform"]["architecture"]: json.loads(read(layout, one["digest"]))
        for one in listed
        if one["platform"]["os"] == "linux"
    }


def root(layout: Path, manifest: dict[str, Any]) -> tarfile.TarFile:
    """Open the lowest layer of a manifest."""
    data = gzip.decompress(read(layout, manifest["layers"][0]["digest"]))
    config = json.loads(read(layout, manifest["config"]["digest"]))
    assert config["rootfs"]["diff_ids"][0] == digest_of(data)
    return tarfile.open(fileobj=io.BytesIO(data))


def text(archive: tarfile.TarFile, name: str) -> str:
    content = archive.extractfile(name)
    assert content is not None
    return content.read().decode()


def versions(archive: tarfile.TarFile) -> dict[str, str]:
    """Return the installed packages as a scanner reads them."""
    status = text(archive, "var/lib/dpkg/status")
    found = re.findall(r"^Package: (\S+)$(?:\n.+)*?\nVersion: (\S+)$", status, re.MULTILINE)
    assert len(found) == status.count("Status: install ok installed")
    return dict(found)


@pytest.mark.parametrize(
    ("name", "release", "architectures"),
    [
        ("debian-11-old", "11", {"amd64"}),
        ("debian-11", "11", {"amd64"}),
        ("debian-12", "12", {"amd64", "arm64"}),
        ("debian-12-docker", "12", {"amd64", "arm64"}),
        ("debian-13", "13", {"amd64", "arm64"}),
        ("app-on-12", "12", {"amd64"}),
        ("app-on-13", "13", {"amd64"}),
    ],
)
def test_an_image_holds_that_release_for_those_architectures(
    image_layout: Path, named: dict[str, Any], name: str, release: str, architectures: set[str]
) -> None:
    found = manifests(image_layout, named[name])
    assert set(found) == architectures
    for architecture, manifest in found.items():
        with root(image_layout, manifest) as archive:
            assert f'VERSION_ID="{release}"' in text(archive, "usr/lib/os-release")
            assert {"libc6", "dpkg", "openssl"} <= set(versions(archive))
            program = archive.extractfile("usr/bin/openssl")
            assert program is not None
            assert program.read(20)[18] == ELF_MACHINES[architecture]


def test_the_old_image_lacks_security_updates_that_the_new_one_has(
    image_layout: Path, named: dict[str, Any]
) -> None:
    both = []
    for name in ("debian-11-old", "debian-11"):
        (manifest,) = manifests(image_layout, named[name]).values()
        with root(image_layout, manifest) as archive:
            both.append(versions(archive))
    old, new = both
    assert set(old) == set(new)
    assert old["openssl"] != new["openssl"]
    assert old["libc6"] != new["libc6"]


def test_an_attestation_stands_beside_each_manifest(
    image_layout: Path, named: dict[str, Any]
) -> None:
    index = json.loads(read(image_layout, named["debian-13"]["digest"]))
    subjects = [one["digest"] for one in index["manifests"][:2]]
    about = [one["annotations"]["vnd.docker.reference.digest"] for one in index["manifests"][2:]]
    assert about == subjects
