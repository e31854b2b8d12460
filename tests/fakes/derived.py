"""Images that stand on those of `tools/images.py`: their layers, and one more on top."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.realregistry.filling import Target

MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
NAME: Final = "org.opencontainers.image.ref.name"


def push_derived(pusher: Target, layout: Path, base: str, target: str, content: str) -> str:
    """Push an image for linux/amd64 that has the layers of another and a file of its own.

    Args:
        pusher: Where to.
        layout: Where the images are.
        base: Name of one of them.
        target: `repository:tag` of the new image.
        content: What the file says; images that differ in it differ.

    Returns:
        The digest of its manifest.
    """
    repository, _, tag = target.rpartition(":")
    manifest = json.loads(_blob(layout, _amd64(layout, base)))
    config = json.loads(_blob(layout, manifest["config"]["digest"]))
    plain = _layer(content)
    packed = gzip.compress(plain, mtime=0)
    config["rootfs"]["diff_ids"].append(_digest(plain))
    config.setdefault("history", []).append({"created_by": "COPY /srv"})
    body = json.dumps(config).encode()
    for one in manifest["layers"]:
        pusher.blob(repository, one["digest"], _blob(layout, one["digest"]))
    pusher.blob(repository, _digest(packed), packed)
    pusher.blob(repository, _digest(body), body)
    kind = manifest["layers"][0]["mediaType"]
    own = {"mediaType": kind, "digest": _digest(packed), "size": len(packed)}
    manifest["layers"].append(own)
    manifest["config"] |= {"digest": _digest(body), "size": len(body)}
    return pusher.put(repository, tag, json.dumps(manifest).encode(), MANIFEST)


def push_base(pusher: Target, layout: Path, base: str, target: str) -> str:
    """Push one of the images as it is, under a tag; return its digest."""
    repository, _, tag = target.rpartition(":")
    descriptor = _descriptor(layout, base)
    pusher.push(layout, repository, tag, descriptor)
    return str(descriptor["digest"])


def _descriptor(layout: Path, base: str) -> dict[str, Any]:
    listed = json.loads((layout / "index.json").read_bytes())["manifests"]
    found: dict[str, Any] = next(one for one in listed if one["annotations"][NAME] == base)
    return found


def _amd64(layout: Path, base: str) -> str:
    """Return the digest of the manifest for linux/amd64."""
    descriptor = _descriptor(layout, base)
    children = json.loads(_blob(layout, descriptor["digest"])).get("manifests", ())
    for child in children:
        if child.get("platform", {}).get("architecture") == "amd64":
            return str(child["digest"])
    return str(descriptor["digest"])


def _blob(layout: Path, name: str) -> bytes:
    return layout.joinpath("blobs", *name.split(":")).read_bytes()


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _layer(content: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        data = content.encode()
        member = tarfile.TarInfo("srv/content")
        member.size = len(data)
        tar.addfile(member, io.BytesIO(data))
    return out.getvalue()
