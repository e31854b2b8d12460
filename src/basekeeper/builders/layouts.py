"""Carries images between OCI layouts and what a builder reads and writes, verifying every byte.

A builder is shown a folder with one image alone, in the form that containers/image calls `dir`:
`manifest.json`, and the config and layers by the hex of their digests. It takes manifests of any
kind, an OCI layout only OCI's own. Source: its `docs/containers-transports.5.md`.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.builders.documents import (
    Manifest,
    choose_manifest,
    hex_of,
    read_config,
    read_json,
    read_manifest,
)
from basekeeper.errors import InputError
from basekeeper.values.scanning import LayoutImage

if TYPE_CHECKING:
    from pathlib import Path

    from basekeeper.builders.workspace import Workspace
    from basekeeper.values.image import ImageConfig

MAX_DOCUMENT_BYTES: Final = 4 * 1024 * 1024
"""Largest index, manifest or config that is read; registries take no larger ones."""
_PIECE_BYTES: Final = 1024 * 1024
_PRIVATE: Final = 0o700
_VERSION: Final = b"Directory Transport Version: 1.1\n"


class Picked(NamedTuple):
    """One image of a layout."""

    digest: str
    """Of the manifest."""
    document: bytes
    manifest: Manifest
    config: ImageConfig
    config_data: bytes


def pick(image: LayoutImage) -> Picked:
    """Read which image of a layout is meant, for its platform.

    Raises:
        InputError: It is not there, or content has not its digest.
    """

    def blob(digest: str) -> bytes:
        return _verified(blob_path(image.path, digest), digest)

    digest, data = image.digest, blob(image.digest)
    document = read_json(data, digest)
    chosen = choose_manifest(document, image.platform, digest)
    if chosen is not None:
        digest, data = chosen, blob(chosen)
        document = read_json(data, digest)
    manifest = read_manifest(document, digest)
    config = blob(manifest.config)
    return Picked(digest, data, manifest, read_config(config, manifest, digest), config)


def lay_in(image: LayoutImage, name: str, workspace: Workspace) -> tuple[Path, ImageConfig]:
    """Show one image to a builder, in a folder of a workspace.

    Raises:
        InputError: As above.
    """
    picked = pick(image)
    folder = workspace.folder(name)
    workspace.write(f"{name}/version", _VERSION)
    workspace.write(f"{name}/manifest.json", picked.document)
    workspace.write(f"{name}/{hex_of(picked.manifest.config)}", picked.config_data)
    for layer in dict.fromkeys(picked.manifest.layers):
        target = folder / hex_of(layer)
        _copy(blob_path(image.path, layer), target, layer)
        workspace.give(target)
    return folder, picked.config


def lay_out(folder: Path, output: Path) -> tuple[LayoutImage, ImageConfig]:
    """Make a layout of the image that a builder wrote; the folder is as strangers left it.

    Args:
        folder: In the form `dir`.
        output: Made for it, readable for nobody else.

    Raises:
        InputError: It is no image, its content has not its digests, or cannot be written.
    """
    document = _bounded(folder / "manifest.json")
    digest = f"sha256:{hashlib.sha256(document).hexdigest()}"
    manifest = read_manifest(read_json(document, "the built manifest"), "what was built")
    config_data = _verified(folder / hex_of(manifest.config), manifest.config)
    config = read_config(config_data, manifest, digest)
    try:
        output.mkdir(mode=_PRIVATE)
    except OSError as error:
        raise InputError(f"{str(output)!r} cannot be made: {error.strerror}") from error
    try:
        for part in ("blobs", "blobs/sha256"):
            (output / part).mkdir(mode=_PRIVATE)
        blob_path(output, digest).write_bytes(document)
        blob_path(output, manifest.config).write_bytes(config_data)
        for layer in dict.fromkeys(manifest.layers):
            _copy(folder / hex_of(layer), blob_path(output, layer), layer)
        entry = {"mediaType": manifest.media_type, "digest": digest, "size": len(document)}
        index = {"schemaVersion": 2, "manifests": [entry]}
        (output / "index.json").write_text(json.dumps(index), encoding="utf-8")
        (output / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}', encoding="utf-8")
    except BaseException as error:
        shutil.rmtree(output, ignore_errors=True)
        if isinstance(error, OSError):
            raise InputError(f"the built image cannot be kept: {error}") from error
        raise
    return LayoutImage(path=output, digest=digest, platform=config.platform), config


def blob_path(layout: Path, digest: str) -> Path:
    """Return where content lies in a layout.

    Raises:
        InputError: The digest cannot be verified.
    """
    return layout / "blobs" / "sha256" / hex_of(digest)


def _open(path: Path) -> int:
    """Open a file that strangers may have put there."""
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise InputError(
            f"{path.name[:90]!r} of an image cannot be read: {error.strerror}"
        ) from error
    if not stat.S_ISREG(os.fstat(opened).st_mode):
        os.close(opened)
        raise InputError(f"{path.name[:90]!r} of an image is no file")
    return opened


def _bounded(path: Path) -> bytes:
    with os.fdopen(_open(path), "rb") as handle:
        data = handle.read(MAX_DOCUMENT_BYTES + 1)
    if len(data) > MAX_DOCUMENT_BYTES:
        raise InputError(
            f"{path.name[:90]!r} of an image is larger than {MAX_DOCUMENT_BYTES} bytes"
        )
    return data


def _verified(path: Path, digest: str) -> bytes:
    data = _bounded(path)
    if hashlib.sha256(data).hexdigest() != hex_of(digest):
        raise _other(digest)
    return data


def _copy(source: Path, target: Path, digest: str) -> None:
    """Copy content, which must have its digest."""
    found = hashlib.sha256()
    with os.fdopen(_open(source), "rb") as reading, target.open("xb") as writing:
        while piece := reading.read(_PIECE_BYTES):
            found.update(piece)
            writing.write(piece)
    if found.hexdigest() != hex_of(digest):
        raise _other(digest)


def _other(digest: str) -> InputError:
    return InputError(f"content of {digest} has another digest")
