"""What the layers of an image say of its operating system: the text of its os-release file.

`/etc/os-release` counts, else `/usr/lib/os-release` (source: os-release(5)). The topmost layer that
holds a path decides, whiteouts included; links are followed by name, within the image alone.

The file mostly lies in the lowest layer, but any layer above may replace it, so that all have to be
read. That is why an image is read only if all of its layers together are small enough, which its
manifest tells before anything is fetched. Every layer is read to its end, though the file may come
early: only then is its digest proven, and nothing unproven is believed or kept. What a layer says
is kept under its digest, as many images share one.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from basekeeper.errors import Failure, InputError, RegistryError
from basekeeper.registry.answers import OK, failed
from basekeeper.registry.archives import Budget, Listing, Node
from basekeeper.registry.documents import refused
from basekeeper.registry.tokens import Scope
from basekeeper.registry.unpacking import LayerReader
from basekeeper.values.facts import read_os_release

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from typing import Protocol

    from basekeeper.ports import Cache
    from basekeeper.registry.contents import Place
    from basekeeper.registry.flights import Flights
    from basekeeper.registry.hosts import Host
    from basekeeper.registry.manifests import Manifest
    from basekeeper.transport.bodies import Begin
    from basekeeper.transport.client import Response
    from basekeeper.values.image import Descriptor

    class Stream(Protocol):
        """Fetches a path of a registry piece by piece, as `Session.stream` does."""

        def __call__(  # noqa: PLR0913  # as of the session
            self,
            host: Host,
            path: str,
            begin: Begin,
            *,
            scope: Scope,
            headers: Mapping[str, str] | None = None,
            max_bytes: int,
        ) -> Response:
            """Return the last answer, with any status but 401."""
            ...


MAX_FETCHED: Final = 64 * 1024 * 1024
"""Bytes of all layers of one image, as they are transferred; slim and small images stay below."""
MAX_LAYERS: Final = 128
"""Layers of one image: as many as builders permit."""
LAYERS_AT_ONCE: Final = 2
"""Layers that are fetched whole at the same time, whatever the number of images."""
MAX_LINKS: Final = 16
"""Links followed on the way to the file; distributions have one or two."""

PATHS: Final = ("etc/os-release", "usr/lib/os-release")

_FOR_EVER: Final = timedelta(days=36_500)
_KEY: Final = "os-release 1 "
"""Before the digest; the number is raised where what is kept changes."""
_KINDS: Final = frozenset({"file", "link", "hard", "dir", "other"})
_TYPES: Final = (
    "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "application/vnd.docker.image.rootfs.diff.tar",
    "application/vnd.docker.image.rootfs.foreign.diff.tar",
)
_PACKINGS: Final = ("", ".gzip", "+gzip", ".zstd", "+zstd")
_READABLE: Final = frozenset(f"{kind}{packing}" for kind in _TYPES for packing in _PACKINGS)


class Layers:
    """Reads layers, each once; safe to share between threads."""

    def __init__(self, stream: Stream, cache: Cache, now: datetime, flights: Flights) -> None:
        """Fetch nothing yet."""
        self._stream = stream
        self._cache = cache
        self._now = now
        self._flights = flights

    def os_release(self, place: Place, manifest: Manifest, digest: str) -> str | None:
        """Return the text of the os-release file of one image; None where it has none.

        Raises:
            RegistryError: The layers cannot be had or read, or would cost too much.
        """
        what = place.name(digest)
        _check(manifest.layers, what)
        budget = Budget()
        listings: dict[int, Listing] = {}

        def listing(at: int) -> Listing:
            if at not in listings:
                listings[at] = self._listing(place, manifest.layers[at], budget)
            return listings[at]

        view = View(listing, len(manifest.layers), what)
        for path in PATHS:
            text = view.read(path)
            if text is not None:
                return _checked(text, what)
        return None

    def _listing(self, place: Place, layer: Descriptor, budget: Budget) -> Listing:
        key = _KEY + layer.digest
        kept = self._cache.answer(key, now=self._now, max_age=_FOR_EVER)
        known = None if kept is None else unpack_listing(kept)
        if known is not None:
            return known
        path = f"/v2/{place.path}/blobs/{layer.digest}"

        def fetch() -> Listing:
            found = self._fetch(place, path, layer, budget)
            self._cache.keep_answer(key, pack_listing(found), now=self._now)
            return found

        return self._flights.once(("layer", place.host.base_url, path, layer.size), fetch)

    def _fetch(self, place: Place, path: str, layer: Descriptor, budget: Budget) -> Listing:
        what = place.name(layer.digest)
        reader: LayerReader | None = None
        left = budget.left

        def begin() -> Callable[[bytes], object]:
            nonlocal reader
            budget.restore(left)
            reader = LayerReader(layer.digest, layer.size, what, budget)
            return reader.take

        answer = self._stream(
            place.host, path, begin, scope=Scope(place.path), max_bytes=layer.size
        )
        if answer.status != OK or reader is None:
            raise failed(answer, what)
        return reader.finish()


class View:
    """The layers of an image as one tree of files, as far as os-release goes."""

    def __init__(self, listing: Callable[[int], Listing], count: int, what: str) -> None:
        """Look at so many layers, the lowest first, each read when it is needed."""
        self._listing = listing
        self._count = count
        self._what = what

    def read(self, path: str) -> str | None:
        """Return the text of a file; None where there is none.

        Raises:
            RegistryError: It is too large or no file, or the links to it do not end.
        """
        top = self._count - 1
        for _ in range(MAX_LINKS + 1):
            found = self._find(path, top)
            if found is None or found[1].kind == "dir":
                return None
            at, node = found
            if node.kind == "file":
                return node.text
            if node.kind == "other":
                raise refused(self._what, f"{path!r:.200} is no small file")
            path, top = node.text, at if node.kind == "hard" else self._count - 1
        raise refused(self._what, f"more than {MAX_LINKS} links lead to the os-release file")

    def _find(self, path: str, top: int) -> tuple[int, Node] | None:
        """Find what stands at a path, in a layer or below; targets of links are whole paths."""
        above = _above(path)
        solid: set[str] = set()
        for at in range(top, -1, -1):
            nodes, gone, opaque = self._listing(at)
            node = nodes.get(path)
            if node is not None:
                return at, _with_target(node, path, "")
            for directory in above:
                link = nodes.get(directory)
                if link is None:
                    continue
                if link.kind == "dir":
                    solid.add(directory)
                elif link.kind in ("file", "other") or directory in solid:
                    return None
                else:
                    return at, _with_target(link, directory, path[len(directory) :])
            if path in gone or _is_hidden(above, gone, opaque):
                return None
        return None


def _check(layers: tuple[Descriptor, ...], what: str) -> None:
    """Refuse what cannot be read before anything is fetched."""
    other = next((one.media_type for one in layers if one.media_type not in _READABLE), None)
    if other is not None:
        raise RegistryError(
            f"{what}: layers of the kind {other!r:.120} cannot be read", Failure.UNSUPPORTED
        )
    size = sum(layer.size for layer in layers)
    if size > MAX_FETCHED or len(layers) > MAX_LAYERS:
        raise RegistryError(
            f"{what}: the layers are too large to be looked into ({size:,} bytes in {len(layers)},"
            f" of at most {MAX_FETCHED:,} in {MAX_LAYERS})",
            Failure.UNSUPPORTED,
        )


def _checked(text: str, what: str) -> str:
    try:
        read_os_release(text)
    except InputError as error:
        raise refused(what, "its os-release file cannot be understood") from error
    return text


def _above(path: str) -> tuple[str, ...]:
    """The directories above a path, the highest first, without the root."""
    parts = path.split("/")
    return tuple("/".join(parts[:count]) for count in range(1, len(parts)))


def _is_hidden(above: tuple[str, ...], gone: list[str], opaque: list[str]) -> bool:
    """Tell whether a layer hides the layers below it, as far as what lies in a directory goes."""
    return "" in opaque or any(one in gone or one in opaque for one in above)


def _with_target(node: Node, path: str, rest: str) -> Node:
    """A link with its target as a path from the root, with what follows; others as they are."""
    if node.kind not in ("link", "hard"):
        return node
    is_relative = node.kind == "link" and not node.text.startswith("/")
    parts = path.split("/")[:-1] if is_relative else []
    for part in f"{node.text}{rest}".split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return Node(node.kind, "/".join(parts))


def pack_listing(listing: Listing) -> bytes:
    """Write what a layer says, for the cache."""
    return json.dumps([listing.nodes, listing.gone, listing.opaque]).encode()


def unpack_listing(data: bytes) -> Listing | None:
    """Read it back; None where it was never kept so."""
    try:
        nodes, gone, opaque = json.loads(data)
        found = {path: Node(kind, text) for path, (kind, text) in nodes.items()}
    except (ValueError, TypeError, AttributeError):
        return None
    return Listing(found, gone, opaque) if _is_whole(found, gone, opaque) else None


def _is_whole(nodes: Mapping[str, Node], gone: object, opaque: object) -> bool:
    lists = all(
        isinstance(found, list) and all(isinstance(one, str) for one in found)
        for found in (gone, opaque)
    )
    return lists and all(
        node.kind in _KINDS and isinstance(node.text, str) for node in nodes.values()
    )
