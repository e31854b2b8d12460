"""What registries say about images: what a tag points to, what a digest names, what is inside.

Times are aware and in UTC. What was not told is None; what could not be asked is an `Unknown`.
"""

from __future__ import annotations

from dataclasses import field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from basekeeper.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

INDEX_TYPES: Final = frozenset(
    {
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    }
)
"""Media types of an index: one image for several platforms."""

MANIFEST_TYPES: Final = frozenset(
    {
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    }
)
"""Media types of a manifest: one image for one platform."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A fact that was asked for and could not be had; never to be read as "fine"."""

    reason: str
    """Why, in words for a person; no credentials, no control characters."""
    hint: str | None = None
    """What to do about it."""
    lasting: bool = False
    """Whether asking again would come to the same: it is not there, or is nothing that we read."""


@dataclass(frozen=True, slots=True)
class Pointer:
    """What a tag points to now."""

    digest: str
    """Of the index where there is one, else of the manifest."""
    media_type: str | None = None
    size: int | None = None
    """Bytes of the index or manifest itself."""
    modified: datetime | None = None
    """When the registry says that it was stored (`Last-Modified`)."""


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A typed pointer to content, as the OCI image specification has it."""

    digest: str
    media_type: str
    size: int
    artifact_type: str | None = None
    annotations: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """What a digest names: an index or a single manifest, attestations left out."""

    digest: str
    media_type: str
    platforms: Mapping[str, str]
    """Platform → digest of its manifest, in the order of the index. A platform is
    `os/architecture[/variant]`, `linux/arm64/v8` written as `linux/arm64`; Windows adds the
    version of the system: `windows/amd64:10.0.20348.2700`. Of a single manifest it holds one entry
    with its own digest; there the platform comes from the config and may have to be asked for."""
    annotations: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    config: str | None = None
    """Digest of the config; only of a single manifest."""
    layers: tuple[str, ...] = ()
    """Digests of the layers, lowest first; only of a single manifest."""
    size: int | None = None
    """Bytes of all layers as they are transferred; only of a single manifest."""

    @property
    def is_index(self) -> bool:
        """Tell whether this is an index of manifests."""
        return self.media_type in INDEX_TYPES


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageConfig:
    """The configuration of one image for one platform."""

    digest: str
    """Of the config itself: what other tools call the image id."""
    manifest: str
    """Digest of the manifest that names it."""
    platform: str
    created: datetime | None = None
    """As the image says; a constant in reproducible builds."""
    labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Labels of the config, over the annotations of manifest and index."""
    env: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    user: str = ""
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    """Exposed ports, such as `80/tcp`, sorted."""
    diff_ids: tuple[str, ...] = ()
    """Digests of the unpacked layers, lowest first."""
    history: tuple[str, ...] = ()
    """The commands that made the layers, oldest first."""
    size: int | None = None
    """Bytes of all layers as they are transferred."""


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who stands behind a repository, as far as its registry tells."""

    official: bool | None = None
    """Whether it is a Docker Official Image."""
    verified: bool | None = None
    """Whether the registry verified its publisher."""
    archived: bool | None = None
    """Whether its owner ended it."""
    source: str = ""
    """Where that is from, for evidence: `hub.docker.com`."""
    as_of: datetime | None = None
    """When it was told, which for a cached answer is before this run."""
