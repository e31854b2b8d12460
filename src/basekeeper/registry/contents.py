"""What digests name: indexes, manifests and configs, verified, cached for ever.

Content is the same in whatever repository it lies, so that it is fetched once for all.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from basekeeper.errors import Failure, RegistryError
from basekeeper.records import dataclass
from basekeeper.registry.answers import OK, failed
from basekeeper.registry.documents import refused, verify
from basekeeper.registry.imageconfig import MAX_CONFIG, read_config
from basekeeper.registry.manifests import (
    ACCEPT,
    MAX_MANIFEST,
    MAX_NESTING,
    Entry,
    Index,
    Manifest,
    matching,
    read_manifest,
)
from basekeeper.registry.tokens import Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from basekeeper.ports import Cache
    from basekeeper.registry.answers import Get
    from basekeeper.registry.flights import Flights
    from basekeeper.registry.hosts import Host
    from basekeeper.values.image import Descriptor, ImageConfig

MAX_READ: Final = 16
"""Entries of all indexes below one digest that are read to learn which platforms they have."""
_SHOWN_PLATFORMS: Final = 20
_EMPTY: Final[Mapping[str, str]] = MappingProxyType({})


class Shelf:
    """Content by its digest: from the cache, else from a registry; safe to share."""

    def __init__(self, get: Get, cache: Cache, flights: Flights) -> None:
        """Fetch nothing yet."""
        self._get = get
        self._cache = cache
        self._flights = flights

    def take(self, place: Place, kind: str, digest: str, size: int | None) -> bytes:
        """Return verified content by its digest, of `kind` `manifests` or `blobs`."""
        path = f"/v2/{place.path}/{kind}/{digest}"
        key = (place.host.base_url, path, size)
        return self._flights.once(key, lambda: self._take(place, path, digest, size))

    def _take(self, place: Place, path: str, digest: str, size: int | None) -> bytes:
        kept = self._cache.content(digest)
        if kept is None:
            return self._fetch(place, path, digest, size)
        verify(kept, digest, size, place.name(digest))
        return kept

    def _fetch(self, place: Place, path: str, digest: str, size: int | None) -> bytes:
        is_manifest = "/manifests/" in path
        answer = self._get(
            place.host,
            path,
            scope=Scope(place.path),
            accept=ACCEPT if is_manifest else "*/*",
            max_bytes=MAX_MANIFEST if is_manifest else MAX_CONFIG,
        )
        what = place.name(digest)
        if answer.status != OK:
            raise failed(answer, what)
        verify(answer.body, digest, size, what)
        if is_manifest:  # once it is kept, nobody knows any more as what it came
            read_manifest(answer.body, answer.headers.get("content-type"), what)
        self._cache.keep_content(digest, answer.body)
        return answer.body


@dataclass(frozen=True, slots=True)
class Place:
    """One digest in one repository, and how to read what hangs on it."""

    shelf: Shelf
    host: Host
    repository: str
    digest: str

    @property
    def path(self) -> str:
        """What the repository is called at the host that is asked."""
        return self.host.repository(self.repository)

    def name(self, digest: str) -> str:
        """Name something in this repository, for messages."""
        return f"{self.host.name}/{self.repository}@{digest}"

    def read(self, digest: str, size: int | None) -> Index | Manifest:
        """Read what a digest names.

        Raises:
            RegistryError: It cannot be had, or is not what was announced.
        """
        data = self.shelf.take(self, "manifests", digest, size)
        return read_manifest(data, None, self.name(digest))

    def manifest(self, digest: str, size: int | None) -> Manifest:
        """Read a manifest; else as `read`."""
        found = self.read(digest, size)
        if isinstance(found, Manifest):
            return found
        raise refused(self.name(digest), "it is an index where a manifest was announced")

    def config(
        self,
        manifest: Manifest,
        digest: str,
        platform: str | None = None,
        annotations: Mapping[str, str] = _EMPTY,
    ) -> ImageConfig:
        """Read the config that a manifest names; the last two are what the index says.

        Raises:
            RegistryError: There is none of a container image, or as of `read`.
        """
        if not manifest.is_image:
            kind = manifest.artifact_type or manifest.config.media_type
            raise RegistryError(
                f"{self.name(digest)}: this is no container image, but {kind!r:.120}",
                Failure.UNSUPPORTED,
            )
        data = self.shelf.take(self, "blobs", manifest.config.digest, manifest.config.size)
        return read_config(data, manifest, digest, platform=platform, annotations=annotations)

    def platforms(self, index: Index) -> dict[str, str]:
        """Tell what an index names for each platform; of two for one, the first counts.

        Raises:
            RegistryError: It names no image.
        """
        gathering = _Gathering(self)
        gathering.add(index, 1)
        found = gathering.found
        if not found:
            raise RegistryError(
                f"{self.name(self.digest)}: the index names no image for any platform",
                Failure.UNSUPPORTED,
            )
        return found

    def choose(self, platforms: Mapping[str, str], platform: str) -> str:
        """Find a platform among those that there are.

        Raises:
            RegistryError: It is not there.
        """
        key = matching(platforms, platform)
        if key is not None:
            return key
        names = ", ".join(list(platforms)[:_SHOWN_PLATFORMS])
        raise RegistryError(
            f"{self.name(self.digest)}: there is nothing for the platform {platform!r:.80},"
            f" only for {names}",
            Failure.UNSUPPORTED,
        )

    def annotations(self, descriptor: Descriptor) -> Mapping[str, str]:
        """Read the annotations of a further manifest here."""
        return self.read(descriptor.digest, descriptor.size).annotations


class _Gathering:
    """What the indexes below one digest name for each platform."""

    def __init__(self, place: Place) -> None:
        self.found: dict[str, str] = {}
        self._place = place
        self._left = MAX_READ

    def add(self, index: Index, depth: int) -> None:
        """Add the images of an index, which lies so deep, and of those below it."""
        if depth > MAX_NESTING:
            raise self._refused(f"indexes are nested more than {MAX_NESTING} deep")
        for entry in index.entries:
            if entry.is_index:
                self.add(self._read_index(entry), depth + 1)
                continue
            key = entry.platform or self._read_platform(entry)
            if key is not None:
                self.found.setdefault(key, entry.digest)

    def _read_index(self, entry: Entry) -> Index:
        found = self._read(entry)
        if isinstance(found, Index):
            return found
        raise self._refused(f"{entry.digest} is a manifest where an index was announced")

    def _read_platform(self, entry: Entry) -> str | None:
        """Read the platform that an index does not tell; None where it is no image."""
        found = self._read(entry)
        if isinstance(found, Index):
            raise self._refused(f"{entry.digest} is an index where a manifest was announced")
        return self._place.config(found, entry.digest).platform if found.is_image else None

    def _read(self, entry: Entry) -> Index | Manifest:
        self._left -= 1
        if self._left < 0:
            raise self._refused(f"more than {MAX_READ} entries tell no platform")
        return self._place.read(entry.digest, entry.size)

    def _refused(self, reason: str) -> RegistryError:
        return refused(self._place.name(self._place.digest), reason)
