"""Picks one image out of an OCI image layout, verified against its digests.

Trivy takes the first manifest of an index, whatever its platform, and finds none below the top
level by digest; so it is shown a layout of its own that holds the wanted image alone.
Source: the OCI image layout specification, and Trivy's `pkg/fanal/image/oci.go`.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any, Final

from basekeeper.scanners.fields import (
    object_of,
    objects_of,
    optional_text,
    read_json,
    text_of,
    texts_of,
)
from basekeeper.scanners.nottold import NotTold
from basekeeper.values.image import INDEX_TYPES, MANIFEST_TYPES
from basekeeper.values.platforms import find_platform, plain_platform

if TYPE_CHECKING:
    from pathlib import Path

    from basekeeper.values.scanning import LayoutImage

MAX_DOCUMENT_BYTES: Final = 4 * 1024 * 1024
"""Largest index or manifest that is read; registries take no larger ones."""
_OCI_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
MAX_LAYERS: Final = 1000
_PIECE_BYTES: Final = 1024 * 1024
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)


def pick(image: LayoutImage, target: Path) -> str:
    """Make a layout with one image alone, its blobs linked.

    Args:
        image: Which one.
        target: A folder that is not there yet.

    Returns:
        The digest of its configuration: the image id that a scanner must find.

    Raises:
        NotTold: There is no such image, or content that has not its digest.
    """
    blobs = image.path.absolute() / "blobs"
    digest, manifest = _manifest_of(blobs, image)
    config = text_of(object_of(manifest, "config"), "digest")
    layers = [text_of(one, "digest") for one in objects_of(manifest, "layers")]
    if len(layers) > MAX_LAYERS:
        raise NotTold(f"image {image.digest} has more than {MAX_LAYERS} layers")
    for blob in (config, *layers):
        _verify(blobs, blob)
    media_type = text_of(manifest, "mediaType")
    size = _blob(blobs, digest).stat().st_size
    index = {
        "schemaVersion": 2,
        "manifests": [{"mediaType": media_type, "digest": digest, "size": size}],
    }
    target.mkdir()
    (target / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}', encoding="utf-8")
    (target / "index.json").write_text(json.dumps(index), encoding="utf-8")
    (target / "blobs").symlink_to(blobs)
    return config


def layers_of(layout: Path, config: str) -> tuple[str, ...]:
    """Return the DiffIDs of an image, lowest first, of the digest of its configuration.

    Raises:
        NotTold: The configuration is not there or cannot be read.
    """
    document = _document(layout / "blobs", config)
    return texts_of(object_of(document, "rootfs"), "diff_ids")


def _manifest_of(blobs: Path, image: LayoutImage) -> tuple[str, dict[str, Any]]:
    """Return digest and content of the manifest for the platform."""
    document = _document(blobs, image.digest)
    if optional_text(document, "mediaType") not in INDEX_TYPES and "manifests" not in document:
        return image.digest, _as_manifest(document, image.digest)
    platforms: dict[str, str] = {}
    for one in objects_of(document, "manifests"):
        platforms.setdefault(_platform(one), text_of(one, "digest"))
    found = find_platform(image.platform, platforms)
    if found is None:
        raise NotTold(f"{image.digest} holds no image for {image.platform}")
    digest = platforms[found]
    return digest, _as_manifest(_document(blobs, digest), digest)


def _as_manifest(document: dict[str, Any], digest: str) -> dict[str, Any]:
    media_type = optional_text(document, "mediaType") or _OCI_MANIFEST
    if media_type not in MANIFEST_TYPES:
        raise NotTold(f"{digest} is no image but {media_type!r}")
    return {**document, "mediaType": media_type}


def _platform(descriptor: dict[str, Any]) -> str:
    platform = object_of(descriptor, "platform")
    words = (optional_text(platform, key) for key in ("os", "architecture", "variant"))
    return plain_platform("/".join(word for word in words if word))


def _document(blobs: Path, digest: str) -> dict[str, Any]:
    """Read an index or manifest and check it against its digest."""
    try:
        with _blob(blobs, digest).open("rb") as handle:
            data = handle.read(MAX_DOCUMENT_BYTES + 1)
    except OSError as error:
        raise NotTold(f"{digest} is not in the layout: {error.strerror}") from error
    if len(data) > MAX_DOCUMENT_BYTES:
        raise NotTold(f"{digest} is larger than {MAX_DOCUMENT_BYTES} bytes")
    if f"sha256:{hashlib.sha256(data).hexdigest()}" != digest:
        raise NotTold(f"content of {digest} has another digest")
    return read_json(data, digest)


def _verify(blobs: Path, digest: str) -> None:
    """Check a config or layer against its digest."""
    found = hashlib.sha256()
    try:
        with _blob(blobs, digest).open("rb") as handle:
            while piece := handle.read(_PIECE_BYTES):
                found.update(piece)
    except OSError as error:
        raise NotTold(f"{digest} is not in the layout: {error.strerror}") from error
    if f"sha256:{found.hexdigest()}" != digest:
        raise NotTold(f"content of {digest} has another digest")


def _blob(blobs: Path, digest: str) -> Path:
    if _DIGEST.fullmatch(digest) is None:
        raise NotTold(f"digest {digest[:80]!r} cannot be verified")
    return blobs / "sha256" / digest.partition(":")[2]
