"""The config of an image: who made it, when, of what, and how it runs.

Source: the OCI image specification, `config.md`. Everything here is what the image says of itself.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from basekeeper.registry.documents import (
    is_digest,
    list_at,
    object_at,
    read_object,
    refused,
    text_at,
    texts_of,
    time_of,
    words_of,
)
from basekeeper.registry.manifests import platform_key
from basekeeper.values.image import ImageConfig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from basekeeper.registry.manifests import Manifest

MAX_CONFIG: Final = 4 * 1024 * 1024
"""Bytes of a config."""


def read_config(
    data: bytes,
    manifest: Manifest,
    digest: str,
    *,
    platform: str | None = None,
    annotations: Mapping[str, str] = MappingProxyType({}),
) -> ImageConfig:
    """Take a config apart.

    Args:
        data: Its bytes, already verified.
        manifest: The manifest that names it.
        digest: Digest of that manifest.
        platform: What the index says; None: the config's own word counts.
        annotations: Those of the index.

    Raises:
        RegistryError: It is too large, malformed, or tells no platform where none was given.
    """
    what = f"config {manifest.config.digest}"
    if len(data) > MAX_CONFIG:
        raise refused(what, f"it is larger than {MAX_CONFIG} bytes")
    document = read_object(data, what)
    platform = platform or platform_of(document)
    if platform is None:
        raise refused(what, "it tells no platform")
    inner = object_at(document, "config", what)
    return ImageConfig(
        digest=manifest.config.digest,
        manifest=digest,
        platform=platform,
        created=time_of(document.get("created")),
        labels=_labels(annotations, manifest.annotations, inner, what),
        env=_environment(list_at(inner, "Env", what)),
        user=text_at(inner, "User") or "",
        entrypoint=_words(inner, "Entrypoint", what),
        command=_words(inner, "Cmd", what),
        ports=tuple(sorted(object_at(inner, "ExposedPorts", what))),
        diff_ids=_diff_ids(document, what),
        history=_history(document, what),
        size=sum(layer.size for layer in manifest.layers),
    )


def platform_of(document: Mapping[str, Any]) -> str | None:
    """Read the platform of a config; None where it tells none."""
    return platform_key(
        document.get("os"),
        document.get("architecture"),
        document.get("variant"),
        document.get("os.version"),
    )


def _labels(
    index: Mapping[str, str], manifest: Mapping[str, str], inner: Mapping[str, Any], what: str
) -> Mapping[str, str]:
    """Merge annotations and labels, the innermost winning."""
    labels = texts_of(object_at(inner, "Labels", what))
    return MappingProxyType({**index, **manifest, **labels})


def _environment(items: list[Any]) -> Mapping[str, str]:
    pairs = (item.partition("=") for item in words_of(items))
    return MappingProxyType({name: value for name, _, value in pairs if name})


def _words(inner: Mapping[str, Any], key: str, what: str) -> tuple[str, ...]:
    """Read a command; very old images have it as one text."""
    found = inner.get(key)
    return (found,) if isinstance(found, str) else words_of(list_at(inner, key, what))


def _diff_ids(document: Mapping[str, Any], what: str) -> tuple[str, ...]:
    found = list_at(object_at(document, "rootfs", what), "diff_ids", what)
    if not all(is_digest(item) for item in found):
        raise refused(what, "an entry of 'diff_ids' is no digest")
    return tuple(found)


def _history(document: Mapping[str, Any], what: str) -> tuple[str, ...]:
    steps = (item for item in list_at(document, "history", what) if isinstance(item, dict))
    return tuple(command for step in steps if (command := text_at(step, "created_by")))
