"""Answers as the cache keeps them; what cannot be read back was never kept."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from basekeeper.errors import RegistryError
from basekeeper.registry.documents import is_digest, list_at, read_object, time_of
from basekeeper.registry.manifests import read_descriptor
from basekeeper.values.image import Pointer, Publisher

if TYPE_CHECKING:
    from collections.abc import Iterable

    from basekeeper.values.image import Descriptor

_KEPT: Final = "the cache"


def pack_pointer(pointer: Pointer) -> bytes:
    """Write what a tag points to."""
    modified = pointer.modified.isoformat() if pointer.modified is not None else None
    return json.dumps([pointer.digest, pointer.media_type, pointer.size, modified]).encode()


def unpack_pointer(data: bytes) -> Pointer | None:
    """Read it back."""
    try:
        digest, media_type, size, modified = json.loads(data)
    except (ValueError, TypeError, RecursionError):
        return None
    is_ours = isinstance(media_type, str | None) and isinstance(size, int | None)
    if not (is_ours and is_digest(digest)):
        return None
    return Pointer(digest, media_type, size, time_of(modified))


def pack_publisher(found: Publisher) -> bytes:
    """Write who stands behind a repository, and when that was told."""
    at = found.as_of.isoformat() if found.as_of is not None else None
    return json.dumps([found.official, found.verified, found.archived, found.source, at]).encode()


def unpack_publisher(data: bytes) -> Publisher | None:
    """Read it back."""
    try:
        official, verified, archived, source, at = json.loads(data)
    except (ValueError, TypeError, RecursionError):
        return None
    flags = (official, verified, archived)
    if not (isinstance(source, str) and all(isinstance(one, bool | None) for one in flags)):
        return None
    return Publisher(official, verified, archived, source, time_of(at))


def pack_descriptors(found: Iterable[Descriptor]) -> bytes:
    """Write what refers to an image, as registries do."""
    manifests = [
        {
            "digest": one.digest,
            "mediaType": one.media_type,
            "size": one.size,
            "artifactType": one.artifact_type,
            "annotations": dict(one.annotations),
        }
        for one in found
    ]
    return json.dumps({"manifests": manifests}).encode()


def unpack_descriptors(data: bytes) -> tuple[Descriptor, ...] | None:
    """Read it back."""
    try:
        found = list_at(read_object(data, _KEPT), "manifests", _KEPT)
        return tuple(read_descriptor(item, _KEPT) for item in found)
    except RegistryError:
        return None
