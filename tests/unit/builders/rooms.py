"""Workspaces for tests that need no cell, and small images."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

from basekeeper.builders.workspace import Workspace
from basekeeper.values.scanning import LayoutImage

if TYPE_CHECKING:
    from pathlib import Path

AMD64 = "linux/amd64"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


def empty(folder: Path) -> None:
    """Leave all to the workspace itself: nothing in it belongs to others."""


def room(directory: Path) -> Workspace:
    return Workspace(directory, empty, owner=None)


def keep(layout: Path, data: bytes) -> str:
    name = hashlib.sha256(data).hexdigest()
    blobs = layout / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    (blobs / name).write_bytes(data)
    return f"sha256:{name}"


def tar(*entries: tuple[str, bytes] | tarfile.TarInfo) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for entry in entries:
            if isinstance(entry, tarfile.TarInfo):
                archive.addfile(entry)
            else:
                info = tarfile.TarInfo(entry[0])
                info.size = len(entry[1])
                archive.addfile(info, io.BytesIO(entry[1]))
    return content.getvalue()


def image(layout: Path, *layers: bytes, packed: bool = False, **config: Any) -> LayoutImage:
    """Write an image into a layout."""
    digests = [keep(layout, gzip.compress(one) if packed else one) for one in layers]
    document = {
        "os": "linux",
        "architecture": "amd64",
        "config": config,
        "rootfs": {"diff_ids": [f"sha256:{hashlib.sha256(one).hexdigest()}" for one in layers]},
    }
    manifest = {
        "mediaType": MANIFEST,
        "config": {"digest": keep(layout, json.dumps(document).encode())},
        "layers": [{"digest": one, "size": 1} for one in digests],
    }
    digest = keep(layout, json.dumps(manifest).encode())
    return LayoutImage(path=layout, digest=digest, platform=AMD64)
