"""Manifests and indexes: what a digest or tag names, taken apart and checked.

Sources: the OCI image specification (`manifest.md`, `image-index.md`), Docker's image manifest
version 2 schema 2, and BuildKit's `docs/attestations/attestation-storage.md` for entries of an
index that describe another entry and are no image.

URLs in descriptors are never followed: what they name is not what the registry vouches for.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from basekeeper.dockerfile.platforms import split_platform
from basekeeper.errors import Failure, RegistryError
from basekeeper.registry.documents import (
    is_digest,
    list_at,
    object_at,
    read_object,
    refused,
    text_at,
    texts_of,
)
from basekeeper.values.image import INDEX_TYPES, MANIFEST_TYPES, Descriptor
from basekeeper.values.platforms import find_platform

if TYPE_CHECKING:
    from collections.abc import Mapping

OCI_INDEX: Final = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
ACCEPT: Final = (
    "application/vnd.oci.image.index.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.v2+json"
)
"""What every question for a manifest accepts. One header, as some registries read only the first;
without the types of an index, they answer with one platform's manifest."""

MAX_MANIFEST: Final = 4 * 1024 * 1024
"""Bytes of a manifest or index: what the distribution specification expects to be supported."""
MAX_NESTING: Final = 3
"""Indexes on the way to a manifest."""

CONFIG_TYPES: Final = frozenset(
    {
        "application/vnd.oci.image.config.v1+json",
        "application/vnd.docker.container.image.v1+json",
    }
)
"""Media types of the config of a container image; everything else is another kind of artifact."""

_SCHEMA_1: Final = frozenset(
    {
        "application/vnd.docker.distribution.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
    }
)
_KNOWN: Final = INDEX_TYPES | MANIFEST_TYPES
_SCHEMA: Final = 2
_UNKNOWN_PLATFORM: Final = "unknown"
_REFERENCE_TYPE: Final = "vnd.docker.reference.type"


class Entry(NamedTuple):
    """One line of an index: an image for one platform, or a further index."""

    digest: str
    size: int
    is_index: bool
    platform: str | None
    """As in `Image.platforms`; None where the index does not tell."""


class Index(NamedTuple):
    """An index, attestations left out."""

    media_type: str
    entries: tuple[Entry, ...]
    annotations: Mapping[str, str]


class Manifest(NamedTuple):
    """The manifest of one image."""

    media_type: str
    config: Descriptor
    layers: tuple[Descriptor, ...]
    annotations: Mapping[str, str]
    artifact_type: str | None

    @property
    def is_image(self) -> bool:
        """Tell whether a container image hangs here, not another kind of artifact."""
        return self.artifact_type is None and self.config.media_type in CONFIG_TYPES


def media_type_of(header: str | None) -> str | None:
    """Read a Content-Type without its parameters; None where there is none."""
    return header.partition(";")[0].strip().lower() or None if header else None


def check_media_type(media_type: str | None, what: str) -> str | None:
    """Return the media type of a manifest or index if it can be read here.

    Raises:
        RegistryError: It is Docker's schema 1, or no manifest of an image.
    """
    if media_type is None or media_type in _KNOWN:
        return media_type
    if media_type in _SCHEMA_1:
        raise _schema_1(what)
    raise RegistryError(
        f"{what}: {media_type!r:.120} is no media type of an image or index", Failure.UNSUPPORTED
    )


def read_manifest(data: bytes, content_type: str | None, what: str) -> Index | Manifest:
    """Take an index or manifest apart.

    Args:
        data: Its bytes, already verified.
        content_type: The header with which it came; None for cached bytes.
        what: Name of the image, for messages.

    Raises:
        RegistryError: It is too large, malformed, ambiguous, or of a kind that cannot be read.
    """
    if len(data) > MAX_MANIFEST:
        raise refused(what, f"the manifest is larger than {MAX_MANIFEST} bytes")
    document = read_object(data, what)
    media_type = _media_type(document, media_type_of(content_type), what)
    annotations = MappingProxyType(texts_of(object_at(document, "annotations", what)))
    if media_type in INDEX_TYPES:
        return Index(media_type, _entries(document, what), annotations)
    if document.get("config") is None:
        raise refused(what, "the manifest names no config")
    return Manifest(
        media_type,
        read_descriptor(document["config"], what),
        tuple(read_descriptor(item, what) for item in list_at(document, "layers", what)),
        annotations,
        text_at(document, "artifactType"),
    )


def read_descriptor(found: object, what: str) -> Descriptor:
    """Check a descriptor.

    Raises:
        RegistryError: It is none: digest, size or media type are missing or wrong.
    """
    if not isinstance(found, dict):
        raise refused(what, "a descriptor is no object")
    digest, size, media_type = found.get("digest"), found.get("size"), found.get("mediaType")
    if not isinstance(digest, str) or not is_digest(digest):
        raise refused(what, f"{digest!r:.100} is no digest")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise refused(what, f"{size!r:.40} is no size")
    if not isinstance(media_type, str):
        raise refused(what, "a descriptor has no media type")
    return Descriptor(
        digest,
        media_type,
        size,
        text_at(found, "artifactType"),
        MappingProxyType(texts_of(object_at(found, "annotations", what))),
    )


def platform_key(
    system: object, architecture: object, variant: object = None, version: object = None
) -> str | None:
    """Write a platform as the keys of `Image.platforms` are; None where it is none.

    As containerd has it, `arm64/v8` is `arm64`, and `arm` alone is `arm/v7`. Windows is told apart
    by the version of the system; elsewhere a version means nothing.
    """
    if not isinstance(system, str) or not isinstance(architecture, str):
        return None
    parts = [system, architecture, *([variant] if isinstance(variant, str) and variant else [])]
    key = normalised_platform("/".join(parts))
    if key is None or not key.startswith("windows/") or not isinstance(version, str):
        return key
    return f"{key}:{version}" if version.isascii() and version.replace(".", "").isdigit() else key


def normalised_platform(text: str) -> str | None:
    """Write a platform that a user or file names as the keys of `Image.platforms` are.

    `windows(10.0.20348)/amd64`, as containerd writes it, becomes `windows/amd64:10.0.20348`.
    """
    base, colon, version = text.partition(":")
    found = split_platform(base)
    if found is None:
        return None
    system, in_brackets, architecture, variant = found
    if architecture == "arm64" and variant == "v8":
        variant = ""
    elif architecture == "arm" and not variant:
        variant = "v7"
    key = "/".join(filter(None, (system, architecture, variant)))
    version = version if colon else in_brackets
    return f"{key}:{version}" if version and system == "windows" else key


def matching(platforms: Mapping[str, str], platform: str) -> str | None:
    """Find the key that a builder takes for a platform as users write it; None: there is none."""
    wanted = normalised_platform(platform)
    return None if wanted is None else find_platform(wanted, platforms)


def _media_type(document: Mapping[str, Any], header: str | None, what: str) -> str:
    """Tell what a document is; body, header and structure must agree."""
    check_media_type(header, what)
    if document.get("schemaVersion") == 1:
        raise _schema_1(what)
    if document.get("schemaVersion") != _SCHEMA:
        raise refused(what, f"schema version {document.get('schemaVersion')!r:.40} is unknown")
    is_index, is_manifest = "manifests" in document, "config" in document or "layers" in document
    if is_index and is_manifest:
        raise refused(what, "it is an index and a manifest at once")
    in_body = document.get("mediaType")
    if in_body is None:
        structure = OCI_INDEX if is_index else OCI_MANIFEST
        return _agreed(structure, header, what) if header in _KNOWN else structure
    if not isinstance(in_body, str):
        raise refused(what, "the media type is no text")
    if header is not None and in_body.lower() != header:
        raise refused(what, f"the media type is {in_body!r:.80}, but came as {header!r:.80}")
    check_media_type(in_body, what)
    return _agreed(in_body, OCI_INDEX if is_index else OCI_MANIFEST, what)


def _agreed(media_type: str, other: str | None, what: str) -> str:
    """Return a media type if it is of the same kind as another, index or manifest."""
    if (media_type in INDEX_TYPES) != (other in INDEX_TYPES):
        raise refused(what, "the media type and the structure disagree")
    return media_type


def _entries(document: Mapping[str, Any], what: str) -> tuple[Entry, ...]:
    found = (_entry(item, what) for item in list_at(document, "manifests", what))
    return tuple(entry for entry in found if entry is not None)


def _entry(item: object, what: str) -> Entry | None:
    """Read one line of an index; None where it is no image."""
    descriptor = read_descriptor(item, what)
    assert isinstance(item, dict)  # noqa: S101  # or it would be no descriptor
    if _REFERENCE_TYPE in descriptor.annotations or descriptor.media_type not in _KNOWN:
        return None
    is_index = descriptor.media_type in INDEX_TYPES
    platform = object_at(item, "platform", what)
    if is_index or not (platform.get("os") or platform.get("architecture")):
        is_other = descriptor.artifact_type is not None and not is_index
        return None if is_other else Entry(descriptor.digest, descriptor.size, is_index, None)
    if platform.get("os") == _UNKNOWN_PLATFORM:
        return None
    key = platform_key(
        platform.get("os"),
        platform.get("architecture"),
        platform.get("variant"),
        platform.get("os.version"),
    )
    return None if key is None else Entry(descriptor.digest, descriptor.size, is_index, key)


def _schema_1(what: str) -> RegistryError:
    return RegistryError(
        f"{what}: the image has Docker's schema 1, whose digests cannot be relied on",
        Failure.UNSUPPORTED,
        hint="build or push it again with a current tool",
    )
