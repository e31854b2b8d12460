"""Reading the documents of an image: manifest, index and config, none of them to be trusted.

Source: the OCI image specification, `manifest.md`, `image-index.md` and `config.md`.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from basekeeper.errors import InputError
from basekeeper.values.image import INDEX_TYPES, MANIFEST_TYPES, ImageConfig
from basekeeper.values.platforms import find_platform, plain_platform

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_LAYERS: Final = 1000
OCI_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)


class Manifest(NamedTuple):
    """What names the parts of an image."""

    media_type: str
    config: str
    """Digest."""
    layers: tuple[str, ...]
    """Digests, lowest first."""
    size: int
    """Bytes of all layers as they are packed."""


def hex_of(digest: str) -> str:
    """Return what follows the algorithm of a digest.

    Raises:
        InputError: It is none that can be verified.
    """
    if _DIGEST.fullmatch(digest) is None:
        raise InputError(f"digest {digest!r:.90} cannot be verified")
    return digest.partition(":")[2]


def read_json(data: bytes, what: str) -> dict[str, Any]:
    """Read an object.

    Raises:
        InputError: It is none.
    """
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{what} is no JSON") from error
    if not isinstance(found, dict):
        raise InputError(f"{what} is no JSON object")
    return found


def choose_manifest(document: Mapping[str, Any], platform: str, what: str) -> str | None:
    """Return the digest of the manifest for a platform; None where this is a manifest itself.

    Raises:
        InputError: It holds no image for it.
    """
    if document.get("mediaType") not in INDEX_TYPES and "manifests" not in document:
        return None
    platforms: dict[str, str] = {}
    for one in _objects(document, "manifests"):
        platforms.setdefault(_platform(_object(one, "platform")), _text(one, "digest"))
    found = find_platform(platform, platforms)
    if found is None:
        raise InputError(f"{what} holds no image for {platform}")
    return platforms[found]


def read_manifest(document: Mapping[str, Any], what: str) -> Manifest:
    """Take a manifest apart.

    Raises:
        InputError: It is no manifest of an image.
    """
    media_type = document.get("mediaType", OCI_MANIFEST)
    layers = _objects(document, "layers")
    if media_type not in MANIFEST_TYPES or len(layers) > MAX_LAYERS:
        raise InputError(f"{what} is no image")
    return Manifest(
        media_type,
        _text(_object(document, "config"), "digest"),
        tuple(_text(layer, "digest") for layer in layers),
        sum(size for layer in layers if isinstance(size := layer.get("size"), int)),
    )


def read_config(data: bytes, manifest: Manifest, digest: str) -> ImageConfig:
    """Take a config apart; `digest` is that of the manifest.

    Raises:
        InputError: It is malformed.
    """
    document = read_json(data, "the config")
    inner = _object(document, "config")
    pairs = (word.partition("=") for word in _words(inner, "Env"))
    diff_ids = _words(_object(document, "rootfs"), "diff_ids")
    if len(diff_ids) != len(manifest.layers) or not all(map(_DIGEST.fullmatch, diff_ids)):
        raise InputError("the config does not tell each layer's DiffID")
    return ImageConfig(
        digest=manifest.config,
        manifest=digest,
        platform=_platform(document),
        created=_time(document.get("created")),
        labels=_texts(inner, "Labels"),
        env=MappingProxyType({name: value for name, _, value in pairs if name}),
        user=str(inner.get("User") or ""),
        entrypoint=_words(inner, "Entrypoint"),
        command=_words(inner, "Cmd"),
        ports=tuple(sorted(_object(inner, "ExposedPorts"))),
        diff_ids=diff_ids,
        history=tuple(
            step["created_by"]
            for step in _objects(document, "history")
            if isinstance(step.get("created_by"), str)
        ),
        size=manifest.size,
    )


def _object(document: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = document.get(key) or {}
    if not isinstance(found, dict):
        raise InputError(f"{key!r} of an image is no object")
    return found


def _objects(document: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    found = document.get(key) or []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise InputError(f"{key!r} of an image is no list of objects")
    return found


def _text(document: Mapping[str, Any], key: str) -> str:
    found = document.get(key)
    if not isinstance(found, str):
        raise InputError(f"{key!r} of an image is no text")
    return found


def _texts(document: Mapping[str, Any], key: str) -> Mapping[str, str]:
    pairs = _object(document, key)
    return MappingProxyType({name: text for name, text in pairs.items() if isinstance(text, str)})


def _words(document: Mapping[str, Any], key: str) -> tuple[str, ...]:
    found = document.get(key) or []
    if not isinstance(found, list) or not all(isinstance(word, str) for word in found):
        raise InputError(f"{key!r} of an image is no list of texts")
    return tuple(found)


def _platform(document: Mapping[str, Any]) -> str:
    words = (document.get(key) for key in ("os", "architecture", "variant"))
    return plain_platform("/".join(word for word in words if isinstance(word, str) and word))


def _time(text: object) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
