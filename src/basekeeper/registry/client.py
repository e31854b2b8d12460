"""All registries behind one door: what a tag points to, what is listed, what a digest names.

What a digest names never changes and is cached for ever; what a tag points to, and which tags
there are, for minutes. HEAD comes before GET, as Docker Hub counts only the latter; where HEAD does
not tell the digest, one GET follows, but never after a refusal for a rate limit.

Everything that is fetched is hashed: a digest named in a header is believed only as far as it
names something, and is compared with the content once that is read.
"""

from __future__ import annotations

from dataclasses import field
from datetime import UTC, datetime, timedelta
from threading import BoundedSemaphore
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from basekeeper.errors import Failure, RegistryError
from basekeeper.records import dataclass
from basekeeper.registry import hub, quay
from basekeeper.registry.answers import (
    NOT_ALLOWED,
    NOT_FOUND,
    NOT_IMPLEMENTED,
    OK,
    Warnings,
    failed,
)
from basekeeper.registry.contents import Place, Shelf
from basekeeper.registry.documents import digest_of, is_digest
from basekeeper.registry.flights import Flights
from basekeeper.registry.kept import (
    pack_descriptors,
    pack_pointer,
    pack_publisher,
    unpack_descriptors,
    unpack_pointer,
    unpack_publisher,
)
from basekeeper.registry.layers import LAYERS_AT_ONCE, Layers
from basekeeper.registry.listing import Collected, ListLimits, list_tags, pack, unpack
from basekeeper.registry.manifests import (
    ACCEPT,
    MAX_MANIFEST,
    Manifest,
    check_media_type,
    media_type_of,
    read_manifest,
)
from basekeeper.registry.referrers import list_referrers, with_annotations
from basekeeper.registry.tokens import Scope
from basekeeper.values.image import Image, Pointer, Publisher
from basekeeper.values.reference import HUB

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from basekeeper.ports import Cache
    from basekeeper.registry.hosts import Host
    from basekeeper.registry.pull import Puller
    from basekeeper.registry.session import Session
    from basekeeper.tags.updates import TagList
    from basekeeper.transport.client import Response
    from basekeeper.values.bases import Material
    from basekeeper.values.image import Descriptor, ImageConfig
    from basekeeper.values.reference import Reference
    from basekeeper.values.scanning import LayoutImage, PullLimits

DEFAULT_TAG: Final = "latest"
"""What is meant where a reference names neither tag nor digest."""

_NO_HEAD: Final = frozenset({NOT_FOUND, NOT_ALLOWED, NOT_IMPLEMENTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryLimits:
    """How long answers are kept, and how much of a list is read."""

    tag_age: timedelta = timedelta(minutes=10)
    """How long it is believed what a tag points to, and which tags there are."""
    list_memory: timedelta = timedelta(days=30)
    """How long an older list helps to read the new one in fewer pages."""
    publisher_age: timedelta = timedelta(days=1)
    referrers_age: timedelta = timedelta(days=1)
    lists: ListLimits = field(default_factory=ListLimits)


class RegistryClient:
    """Implements `ports.Registry`; see there for what each question means."""

    def __init__(  # noqa: PLR0913  # four neighbours, and two things to turn
        self,
        session: Session,
        hosts: Callable[[str], Host],
        cache: Cache,
        now: datetime,
        *,
        limits: RegistryLimits | None = None,
        end: Callable[[], None] = lambda: None,
    ) -> None:
        """Ask nobody yet.

        Args:
            session: Sends authorised, paced requests.
            hosts: Tells how a registry is reached.
            cache: What was read before.
            now: The instant of the run, UTC.
            limits: None: the defaults.
            end: Ends every connection.
        """
        self._session = session
        self._find_host = hosts
        self._hosts: dict[str, Host] = {}
        self._cache = cache
        self._now = now
        self._limits = limits or RegistryLimits()
        self._end = end
        self._flights = Flights()
        self._warnings = Warnings()
        self._shelf = Shelf(self.get, cache, self._flights)
        self._pulls = BoundedSemaphore(LAYERS_AT_ONCE)
        self._layers = Layers(session.stream, cache, now, self._flights)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What registries warned of in this run, each once, with the registry's name."""
        return self._warnings.texts()

    def notices(self) -> tuple[str, ...]:
        """Say what became of credentials, and what registries warned of."""
        return (*self._session.notices, *self.warnings)

    def point(self, image: Reference) -> Pointer:
        """Tell what the tag of an image points to now; without a tag, `latest`."""
        host = self._host(image.registry)
        path = f"/v2/{host.repository(image.repository)}/manifests/{image.tag or DEFAULT_TAG}"
        key = f"tag {host.base_url}{path}"
        return self._flights.once(key, lambda: self._point(host, image, path, key))

    def tags(self, image: Reference) -> TagList:
        """List the tags of a repository."""
        host = self._host(image.registry)
        key = f"tags {host.base_url}/{host.repository(image.repository)}"
        return self._flights.once(key, lambda: self._tags(host, image.repository, key))

    def image(self, image: Reference) -> Image:
        """Tell what a digest names."""
        place = self._place(image)
        found = place.read(place.digest, None)
        if isinstance(found, Manifest):
            config = place.config(found, place.digest)
            return Image(
                digest=place.digest,
                media_type=found.media_type,
                platforms=MappingProxyType({config.platform: place.digest}),
                annotations=found.annotations,
                config=found.config.digest,
                layers=tuple(layer.digest for layer in found.layers),
                size=config.size,
            )
        return Image(
            digest=place.digest,
            media_type=found.media_type,
            platforms=MappingProxyType(place.platforms(found)),
            annotations=found.annotations,
        )

    def config(self, image: Reference, platform: str) -> ImageConfig:
        """Read the configuration behind a digest for one platform."""
        place = self._place(image)
        found = place.read(place.digest, None)
        if isinstance(found, Manifest):
            config = place.config(found, place.digest)
            place.choose({config.platform: place.digest}, platform)
            return config
        platforms = place.platforms(found)
        key = place.choose(platforms, platform)
        manifest = place.manifest(platforms[key], None)
        return place.config(manifest, platforms[key], key, found.annotations)

    def os_release(self, image: Reference, platform: str) -> str | None:
        """Read the os-release file behind a digest for one platform."""
        config = self.config(image, platform)
        if config.platform.startswith("windows/"):
            return None
        place = self._place(image)
        manifest = place.manifest(config.manifest, None)
        return self._layers.os_release(place, manifest, config.manifest)

    def referrers(self, image: Reference, artifact_type: str) -> tuple[Descriptor, ...]:
        """List what refers to a digest, of one artifact type."""
        place = self._place(image)
        key = ("referrers", place.host.name, image.repository, place.digest, artifact_type)
        return self._flights.once(key, lambda: self._referrers(place, artifact_type))

    def provenance(self, image: Reference, platform: str) -> tuple[Material, ...]:
        """Read which images the build of an image used, as its provenance claims."""
        from basekeeper.registry.provenance import IN_TOTO, read_provenance  # noqa: PLC0415  # rare

        place = self._place(image)
        return read_provenance(
            place,
            platform,
            lambda digest: self.referrers(image.with_digest(digest), IN_TOTO),
        )

    def publisher(self, image: Reference) -> Publisher:
        """Tell who stands behind a repository.

        Only Docker Hub tells. Behind a mirror of it, only what the name shows is known.
        """
        host = self._host(image.registry)
        if host.hub_api is not None:
            api = hub.api_of(host, host.hub_api)
            key = f"publisher {api.base_url}/{image.repository}"
            return self._flights.once(key, lambda: self._publisher(api, image.repository, key))
        if image.registry != HUB:
            return Publisher(source=image.registry)
        return Publisher(
            official=image.path_parts[0] == hub.OFFICIAL_NAMESPACE, source=image.registry
        )

    def pull(
        self,
        image: Reference,
        platform: str,
        directory: Path,
        *,
        limits: PullLimits | None = None,
    ) -> LayoutImage:
        """Fetch an image for one platform into a new OCI image layout."""
        return self._puller(limits).image(self._place(image), image, platform, directory)

    def artifact(self, image: Reference, media_type: str, target: Path) -> None:
        """Fetch the only layer of a kind that an artifact holds into a new file."""
        self._puller(None).artifact(self._place(image), media_type, target)

    def close(self) -> None:
        """End every connection."""
        self._end()

    def get(  # noqa: PLR0913  # as of the session
        self,
        host: Host,
        path: str,
        *,
        scope: Scope | None,
        accept: str = "*/*",
        headers: Mapping[str, str] | None = None,
        max_bytes: int,
    ) -> Response:
        """Fetch a path of a registry, as `Session.get`, and note its warnings."""
        answer = self._session.get(
            host, path, scope=scope, accept=accept, headers=headers, max_bytes=max_bytes
        )
        return self._noted(host, answer)

    def _puller(self, limits: PullLimits | None) -> Puller:
        from basekeeper.registry.pull import Puller  # noqa: PLC0415  # only to scan

        return Puller(self._session.stream, self._pulls, limits, self._end)

    def _noted(self, host: Host, answer: Response) -> Response:
        warning = answer.headers.get("warning")
        if warning is not None:
            self._warnings.note(host, warning)
        return answer

    def _host(self, registry: str) -> Host:
        host = self._hosts.get(registry)
        if host is None:
            host = self._hosts[registry] = self._find_host(registry)
        return host

    def _place(self, image: Reference) -> Place:
        if image.digest is None:
            raise RegistryError(f"{image}: the reference has no digest", Failure.UNSUPPORTED)
        return Place(self._shelf, self._host(image.registry), image.repository, image.digest)

    def _point(self, host: Host, image: Reference, path: str, key: str) -> Pointer:
        kept = self._cache.answer(key, now=self._now, max_age=self._limits.tag_age)
        known = None if kept is None else unpack_pointer(kept)
        if known is not None:
            return known
        scope = Scope(host.repository(image.repository))
        what = f"{host.name}/{image.repository}:{image.tag or DEFAULT_TAG}"
        answer = self._noted(host, self._session.head(host, path, scope=scope, accept=ACCEPT))
        if answer.status == OK and is_digest(answer.headers.get("docker-content-digest")):
            pointer = _pointer_of(answer, what)
        elif answer.status == OK or answer.status in _NO_HEAD:
            pointer = self._point_by_get(host, path, scope, what)
        else:
            raise failed(answer, what)
        self._cache.keep_answer(key, pack_pointer(pointer), now=self._now)
        return pointer

    def _point_by_get(self, host: Host, path: str, scope: Scope, what: str) -> Pointer:
        """Read what a tag points to, and hash it: the header may be wrong, and is not believed."""
        answer = self.get(host, path, scope=scope, accept=ACCEPT, max_bytes=MAX_MANIFEST)
        if answer.status != OK:
            raise failed(answer, what)
        found = read_manifest(answer.body, answer.headers.get("content-type"), what)
        digest = digest_of(answer.body)
        self._cache.keep_content(digest, answer.body)
        return Pointer(digest, found.media_type, len(answer.body), _modified(answer))

    def _tags(self, host: Host, repository: str, key: str) -> TagList:
        limits = self._limits
        kept = self._cache.answer(key, now=self._now, max_age=limits.tag_age)
        fresh = unpack(kept, limits.lists)
        if fresh is not None:
            return fresh.result()
        older = self._cache.answer(key, now=self._now, max_age=limits.list_memory)
        known = unpack(older, limits.lists)
        if known is not None and known.problem is not None:
            known = None
        found = self._list(host, repository, known)
        if found.problem is None or found.is_cut:
            self._cache.keep_answer(key, pack(found), now=self._now)
        return found.result()

    def _list(self, host: Host, repository: str, known: Collected | None) -> Collected:
        """List the tags where most is told about them, else as every registry does."""
        found = Collected(self._limits.lists)
        if host.hub_api is not None:
            api = hub.api_of(host, host.hub_api)
            is_done = hub.list_tags(self.get, api, repository, found, known)
        elif quay.is_quay(host):
            is_done = quay.list_tags(self.get, host, repository, found, self._now)
        else:
            is_done = False
        if not is_done:
            list_tags(self.get, host, repository, found, known=known)
        return found

    def _referrers(self, place: Place, artifact_type: str) -> tuple[Descriptor, ...]:
        host = place.host
        path = f"{host.repository(place.repository)}@{place.digest}"
        key = f"referrers {host.base_url}/{path} {artifact_type}"
        kept = self._cache.answer(key, now=self._now, max_age=self._limits.referrers_age)
        known = None if kept is None else unpack_descriptors(kept)
        if known is not None:
            return known
        listed = list_referrers(self.get, host, place.repository, place.digest, artifact_type)
        found = with_annotations(listed, place.annotations)
        self._cache.keep_answer(key, pack_descriptors(found), now=self._now)
        return found

    def _publisher(self, api: Host, repository: str, key: str) -> Publisher:
        kept = self._cache.answer(key, now=self._now, max_age=self._limits.publisher_age)
        known = None if kept is None else unpack_publisher(kept)
        if known is not None:
            return known
        found = hub.publisher(self.get, api, repository, self._now)
        self._cache.keep_answer(key, pack_publisher(found), now=self._now)
        return found


def _pointer_of(answer: Response, what: str) -> Pointer:
    headers = answer.headers
    media_type = check_media_type(media_type_of(headers.get("content-type")), what)
    length = headers.get("content-length", "")
    size = int(length) if length.isascii() and length.isdigit() and len(length) < 10 else None  # noqa: PLR2004  # below 1 GB
    return Pointer(headers["docker-content-digest"], media_type, size, _modified(answer))


def _modified(answer: Response) -> datetime | None:
    header = answer.headers.get("last-modified")
    if header is None:
        return None
    from email.utils import parsedate_to_datetime  # noqa: PLC0415  # slow to load

    try:
        found = parsedate_to_datetime(header)
        return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
