"""Fetching what a digest names, whole: an image into an OCI image layout, an artifact into a file.

Sources: the OCI image specification (`image-layout.md`, `layer.md`). Layers stay as they are
packed. Those that may not be distributed lie elsewhere, where `urls` of the manifest say: nobody
vouches for these addresses, so that they are not asked and the image is refused.
"""

from __future__ import annotations

import json
import shutil
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from threading import Event
from typing import TYPE_CHECKING, Final

from basekeeper.errors import Error, Failure, InputError, RegistryError
from basekeeper.registry.blobs import PRIVATE_FILE, Blobs, not_written
from basekeeper.registry.documents import refused
from basekeeper.registry.layers import LAYERS_AT_ONCE, MAX_LAYERS
from basekeeper.registry.manifests import Manifest
from basekeeper.values.scanning import LayoutImage, PullLimits

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from threading import BoundedSemaphore

    from basekeeper.registry.contents import Place
    from basekeeper.registry.layers import Stream
    from basekeeper.values.image import Descriptor
    from basekeeper.values.reference import Reference

SPARE_BYTES: Final = 256 * 1024 * 1024
"""Room that must be left beside what is fetched: others write there too."""
PRIVATE_FOLDER: Final = 0o700

_GIB: Final = 1024**3
_MIB: Final = 1024**2
_LAYERS: Final = (
    "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.docker.image.rootfs.diff.tar",
)
_ELSEWHERE: Final = (
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "application/vnd.docker.image.rootfs.foreign.diff.tar",
)
_PACKINGS: Final = ("", ".gzip", "+gzip", ".zstd", "+zstd")
_READABLE: Final = frozenset(kind + packing for kind in _LAYERS for packing in _PACKINGS)
_NOT_HERE: Final = frozenset(kind + packing for kind in _ELSEWHERE for packing in _PACKINGS)


class Puller:
    """Fetches what digests name; made for one image or artifact."""

    def __init__(
        self,
        stream: Stream,
        places: BoundedSemaphore,
        limits: PullLimits | None,
        end: Callable[[], None],
    ) -> None:
        """Fetch nothing yet.

        Args:
            stream: Sends requests.
            places: How many blobs may be under way at a time.
            limits: How much is fetched; None: the defaults.
            end: Ends every connection; called where the thread is interrupted.
        """
        self._limits = limits or PullLimits()
        self._end = end
        self._stopped = Event()
        until = time.monotonic() + self._limits.seconds
        self._blobs = Blobs(stream, places, end=until, stopped=self._stopped)

    def image(self, place: Place, image: Reference, platform: str, directory: Path) -> LayoutImage:
        """Fetch an image into a directory; see `ports.Pulling.pull`."""
        manifest, digest = _chosen(place, platform)
        what = place.name(digest)
        self._check(manifest, what)
        with _Fresh(directory, what):
            self._fill(place, manifest, digest, directory)
        return LayoutImage(path=directory, digest=digest, platform=platform, reference=image)

    def artifact(self, place: Place, media_type: str, target: Path) -> None:
        """Fetch the only layer of a kind into a file; see `ports.Pulling.artifact`."""
        what = place.name(place.digest)
        manifest = place.manifest(place.digest, None)
        found = [one for one in manifest.layers if one.media_type == media_type]
        if len(found) != 1:
            count = "no" if not found else f"{len(found)}"
            raise RegistryError(
                f"{what}: it holds {count} layers of the kind {media_type!r}", Failure.UNSUPPORTED
            )
        self._check_size(found, what)
        try:
            _check_room(target.parent, found[0].size, what)
        except OSError as error:
            raise not_written(target, what, error) from error
        self._blobs.fetch(place, found[0], target)

    def _check(self, manifest: Manifest, what: str) -> None:
        """Refuse what cannot be fetched before anything is."""
        kinds = {layer.media_type for layer in manifest.layers}
        if kinds & _NOT_HERE:
            raise RegistryError(
                f"{what}: it has layers that may not be distributed, and lie outside of registries",
                Failure.UNSUPPORTED,
                hint="save the image where it can be had, and name the file: archive:PATH",
            )
        other = next(iter(sorted(kinds - _READABLE)), None)
        if other is not None:
            raise RegistryError(
                f"{what}: layers of the kind {other!r:.120} cannot be read", Failure.UNSUPPORTED
            )
        if len(manifest.layers) > MAX_LAYERS:
            raise refused(what, f"it has more than {MAX_LAYERS} layers")
        self._check_size(_distinct(manifest.layers), what)

    def _check_size(self, layers: list[Descriptor], what: str) -> None:
        largest, whole = max((one.size for one in layers), default=0), _size(layers)
        limits = self._limits
        if largest > limits.layer_bytes or whole > limits.image_bytes:
            raise RegistryError(
                f"{what}: it is too large to be fetched ({_shown(whole)}, the largest layer"
                f" {_shown(largest)}, of at most {_shown(limits.image_bytes)} and"
                f" {_shown(limits.layer_bytes)})",
                Failure.UNSUPPORTED,
            )

    def _fill(self, place: Place, manifest: Manifest, digest: str, directory: Path) -> None:
        """Write the layout: documents first, then the layers."""
        layers = _distinct(manifest.layers)
        _check_room(directory, _size(layers), place.name(digest))
        config = manifest.config
        documents = {
            digest: place.shelf.take(place, "manifests", digest, None),
            config.digest: place.shelf.take(place, "blobs", config.digest, config.size),
        }
        for name, data in documents.items():
            _write(_blob_path(directory, name), data)
        entry = {"mediaType": manifest.media_type, "digest": digest, "size": len(documents[digest])}
        _write_json(directory / "index.json", {"schemaVersion": 2, "manifests": [entry]})
        _write_json(directory / "oci-layout", {"imageLayoutVersion": "1.0.0"})
        self._fetch_all(place, [one for one in layers if one.digest not in documents], directory)

    def _fetch_all(self, place: Place, layers: list[Descriptor], directory: Path) -> None:
        """Fetch layers, a few at a time; the first that fails ends the others."""
        paths = [_blob_path(directory, layer.digest) for layer in layers]
        pool = ThreadPoolExecutor(LAYERS_AT_ONCE, thread_name_prefix="layer")
        try:
            jobs = [
                pool.submit(self._blobs.fetch, place, layer, path)
                for layer, path in zip(layers, paths, strict=True)
            ]
            for job in as_completed(jobs):
                job.result()
        except BaseException as error:
            self._stopped.set()
            if not isinstance(error, Error):
                self._end()  # or whoever interrupted would wait for what is under way
            raise
        finally:
            pool.shutdown(cancel_futures=True)


def _chosen(place: Place, platform: str) -> tuple[Manifest, str]:
    """Find the image for a platform, and its digest."""
    found, digest = place.read(place.digest, None), place.digest
    if isinstance(found, Manifest):
        place.choose({place.config(found, digest).platform: digest}, platform)
        return found, digest
    platforms = place.platforms(found)
    digest = platforms[place.choose(platforms, platform)]
    manifest = place.manifest(digest, None)
    place.config(manifest, digest)  # refuses what is no image
    return manifest, digest


class _Fresh:
    """A private directory that is made, and stays only where nothing is raised."""

    def __init__(self, directory: Path, what: str) -> None:
        self._directory, self._what = directory, what

    def __enter__(self) -> None:
        try:
            self._directory.mkdir(mode=PRIVATE_FOLDER)
            (self._directory / "blobs").mkdir(mode=PRIVATE_FOLDER)
        except OSError as error:
            raise not_written(self._directory, self._what, error) from error

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None:
            return
        shutil.rmtree(self._directory, ignore_errors=True)
        if isinstance(error, OSError):
            raise not_written(self._directory, self._what, error) from error


def _check_room(directory: Path, wanted: int, what: str) -> None:
    free = shutil.disk_usage(directory).free
    if free < wanted + SPARE_BYTES:
        raise InputError(
            f"{what}: {_shown(wanted)} are too much for {str(directory)!r}, where"
            f" {_shown(free)} are free",
            hint="make room there, or choose another directory",
        )


def _blob_path(directory: Path, digest: str) -> Path:
    algorithm, _, name = digest.partition(":")
    folder = directory / "blobs" / algorithm
    folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    return folder / name


def _write(path: Path, data: bytes) -> None:
    path.touch(mode=PRIVATE_FILE)
    path.write_bytes(data)


def _write_json(path: Path, document: object) -> None:
    _write(path, json.dumps(document).encode())


def _distinct(layers: tuple[Descriptor, ...]) -> list[Descriptor]:
    """Leave out layers that are named again: the empty one often is."""
    return list({layer.digest: layer for layer in layers}.values())


def _size(layers: list[Descriptor]) -> int:
    return sum(layer.size for layer in layers)


def _shown(size: int) -> str:
    return f"{size / _GIB:.1f} GiB" if size >= _GIB else f"{-(-size // _MIB)} MiB"
