"""Images and SBOMs that lie on this machine, by the words in which a user names them.

oci:PATH              the only image of an OCI image layout
oci:PATH@sha256:…     one of several, by its digest
oci:PATH:NAME         one of several, by its name (`org.opencontainers.image.ref.name`)
archive:PATH          an image that `docker save` wrote
sbom:PATH             a list of packages in CycloneDX, JSON
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from basekeeper.errors import InputError
from basekeeper.scanners.cyclonedx import bring_sbom
from basekeeper.scanners.fields import object_of, objects_of, optional_text, read_json, text_of
from basekeeper.scanners.layouts import MAX_DOCUMENT_BYTES
from basekeeper.scanners.nottold import NotTold

if TYPE_CHECKING:
    from basekeeper.values.image import Unknown
    from basekeeper.values.vulnerability import Sbom

MAX_SBOM_BYTES: Final = 256 * 1024**2
"""Largest SBOM that is read; as much as a scanner may write."""
MAX_NAMED: Final = 8
"""Most images of a layout that a hint names."""
_REF_NAME: Final = "org.opencontainers.image.ref.name"
_SCHEMES: Final = ("oci", "archive", "sbom")


class InLayout(NamedTuple):
    """An image of an OCI image layout, for whatever platform."""

    path: Path
    digest: str


class Saved(NamedTuple):
    """An image in one file."""

    path: Path


def read_named(text: str) -> InLayout | Saved | Sbom | Unknown | None:
    """Tell what a text names; None: nothing on this machine, so an image of a registry.

    Returns:
        Unknown where an SBOM is there and cannot be used.

    Raises:
        InputError: It names a path, and what is there cannot be read, or leaves open which image.
    """
    scheme, colon, path = text.partition(":")
    if not colon or scheme not in _SCHEMES:
        return None
    if not path or "\0" in path:
        raise InputError(f"{text!r:.200} names no file", hint=f"write {scheme}:PATH")
    if scheme == "oci":
        return _in_layout(path)
    if not Path(path).is_file():
        raise InputError(
            f"{path!r:.200} is no file", hint=f"name a file that you may read: {scheme}:PATH"
        )
    return Saved(Path(path)) if scheme == "archive" else _sbom(path)


def _sbom(path: str) -> Sbom | Unknown:
    return bring_sbom(_read(Path(path), MAX_SBOM_BYTES), path)


def _in_layout(text: str) -> InLayout:
    """Choose the image that is meant."""
    path, name = _split(text)
    try:
        document = read_json(_read(path / "index.json", MAX_DOCUMENT_BYTES), "the layout's index")
        images = objects_of(document, "manifests")
        chosen = [one for one in images if name is None or name in _names(one)]
        digests = list(dict.fromkeys(text_of(one, "digest") for one in chosen))
    except NotTold as failed:
        raise InputError(f"{str(path)!r:.200}: {failed.unknown.reason}") from failed
    if len(digests) == 1:
        return InLayout(path, digests[0])
    if name is not None and name.startswith("sha256:"):  # perhaps below an index
        return InLayout(path, name)
    raise _open_choice(path, name, images)


def _split(text: str) -> tuple[Path, str | None]:
    """Part the path from the digest or name behind it; a path that is there is whole."""
    if Path(text).is_dir():
        return Path(text), None
    for sign in ("@", ":"):
        path, found, name = text.partition(sign) if sign == "@" else text.rpartition(sign)
        if found and name and Path(path).is_dir():
            return Path(path), name
    raise InputError(
        f"{text!r:.200} is no directory", hint="name the directory of an OCI image layout: oci:PATH"
    )


def _names(descriptor: dict[str, Any]) -> tuple[str | None, ...]:
    name = optional_text(object_of(descriptor, "annotations"), _REF_NAME)
    return text_of(descriptor, "digest"), name


def _open_choice(path: Path, name: str | None, images: list[dict[str, Any]]) -> InputError:
    """Say that several images, or none, are meant."""
    known = sorted({one for image in images[:MAX_NAMED] for one in _names(image)[1:] if one})
    names = known or [str(_names(image)[0]) for image in images[:MAX_NAMED]]
    hint = f"choose one: {', '.join(f'oci:{path}:{one}' for one in names)}" if known else None
    if not known and names:
        hint = f"choose one: {', '.join(f'oci:{path}@{one}' for one in names)}"
    if name is not None:
        return InputError(f"{str(path)!r:.200} holds no single image {name!r:.200}", hint=hint)
    count = len(images)
    return InputError(f"{str(path)!r:.200} holds {count or 'no'} images", hint=hint)


def _read(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as handle:
            data = handle.read(most + 1)
    except OSError as error:
        raise InputError(
            f"{str(path)!r:.200} cannot be read: {error.strerror}",
            hint="name what you may read",
        ) from error
    if len(data) > most:
        raise InputError(f"{str(path)!r:.200} is larger than {most} bytes")
    return data
