"""What a build used, as attestations beside an image list it: claims, as no signature is looked at.

Sources: BuildKit's `docs/attestations/attestation-storage.md` (attestations as manifests of the
index, whose annotations name the manifest that they are about) and `slsa-provenance.md`; in-toto's
statements; SLSA's provenance, v1 `buildDefinition.resolvedDependencies` and v0.2 `materials`; the
package URL specification, types `docker` and `oci`. Where the index has none, artifacts that refer
to the manifest, or to the index, are looked at.

BuildKit lists every image that the build used, those of other stages and frontends too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote

from basekeeper.errors import InvalidReference
from basekeeper.registry.documents import list_at, object_at, read_object, refused, text_at
from basekeeper.registry.imageconfig import MAX_CONFIG
from basekeeper.registry.manifests import (
    Index,
    Manifest,
    normalised_platform,
    read_descriptor,
)
from basekeeper.values.bases import Material
from basekeeper.values.reference import parse_reference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from basekeeper.registry.contents import Place
    from basekeeper.values.image import Descriptor
    from basekeeper.values.reference import Reference

IN_TOTO: Final = "application/vnd.in-toto+json"
"""Media type of a statement, and type of artifacts that hold some."""
MAX_ATTESTATIONS: Final = 4
"""Manifests of attestations that are read of one image."""
MAX_STATEMENTS: Final = 4
"""Statements of provenance that are read of one image."""
MAX_STATEMENT: Final = MAX_CONFIG
"""Bytes of a statement: that of a large build has some hundred KiB."""
MAX_MATERIALS: Final = 2_000
"""Entries of a statement that are looked at; most of them are packages, not images."""

_PREDICATES: Final = "https://slsa.dev/provenance/"
_PREDICATE_TYPE: Final = "in-toto.io/predicate-type"
_REFERENCE_DIGEST: Final = "vnd.docker.reference.digest"
_REFERENCE_TYPE: Final = "vnd.docker.reference.type"
_ATTESTATION: Final = "attestation-manifest"
_TYPES: Final = ("docker", "oci")


def read_provenance(
    place: Place, platform: str, referring: Callable[[str], tuple[Descriptor, ...]]
) -> tuple[Material, ...]:
    """Read which images the build of an image used, for one platform.

    Args:
        place: What the image is, and where.
        platform: As of `Registry.config`.
        referring: Lists the artifacts with statements that refer to a digest.

    Returns:
        Each image once, in the order of the statements; empty where no provenance is there.

    Raises:
        RegistryError: It cannot be had, or is not what it is said to be.
    """
    top = place.read(place.digest, None)
    subject = place.digest
    beside: tuple[Descriptor, ...] = ()
    if isinstance(top, Index):
        platforms = place.platforms(top)
        subject = platforms[place.choose(platforms, platform)]
        beside = tuple(_beside(place, subject))
    found = _of_manifests(place, beside, subject)
    for digest in dict.fromkeys((subject, place.digest)):
        if not found:
            found = _of_manifests(place, referring(digest), digest)
    return tuple(dict.fromkeys(found))


def _beside(place: Place, subject: str) -> Iterator[Descriptor]:
    """Yield the manifests of an index that attest something of another one."""
    what = place.name(place.digest)
    document = read_object(place.shelf.take(place, "manifests", place.digest, None), what)
    for item in list_at(document, "manifests", what):
        descriptor = read_descriptor(item, what)
        said = descriptor.annotations
        if said.get(_REFERENCE_TYPE) == _ATTESTATION and said.get(_REFERENCE_DIGEST) == subject:
            yield descriptor


def _of_manifests(
    place: Place, attestations: tuple[Descriptor, ...], subject: str
) -> list[Material]:
    found: list[Material] = []
    left = MAX_STATEMENTS
    for descriptor in attestations[:MAX_ATTESTATIONS]:
        manifest = place.read(descriptor.digest, descriptor.size)
        if not isinstance(manifest, Manifest):
            raise refused(place.name(descriptor.digest), "an index is no attestation")
        for layer in manifest.layers:
            if _is_provenance(layer) and left > 0:
                left -= 1
                found += _of_statement(place, layer, subject)
    return found


def _is_provenance(layer: Descriptor) -> bool:
    """Tell whether a layer may be provenance; without an annotation only its content tells."""
    kind = layer.annotations.get(_PREDICATE_TYPE, _PREDICATES)
    return layer.media_type == IN_TOTO and kind.startswith(_PREDICATES)


def _of_statement(place: Place, layer: Descriptor, subject: str) -> Iterator[Material]:
    """Yield the images of a statement that is about an image."""
    what = place.name(layer.digest)
    if layer.size > MAX_STATEMENT:
        raise refused(what, f"the statement is larger than {MAX_STATEMENT} bytes")
    data = place.shelf.take(place, "blobs", layer.digest, layer.size)
    yield from read_statement(data, subject, what)


def read_statement(data: bytes, subject: str, what: str) -> Iterator[Material]:
    """Yield the images that a statement lists, if it is provenance of an image.

    Args:
        data: Its bytes, already verified.
        subject: Digest of the image.
        what: What it is, for messages.

    Raises:
        RegistryError: It is malformed, lists too much, or is about something else.
    """
    document = read_object(data, what)
    kind = text_at(document, "predicateType") or ""
    if not kind.startswith(_PREDICATES):
        return
    if not _is_about(document, subject, what):
        raise refused(what, "the provenance is that of another image")
    predicate = object_at(document, "predicate", what)
    definition = object_at(predicate, "buildDefinition", what)
    listed = [
        *list_at(definition, "resolvedDependencies", what),
        *list_at(predicate, "materials", what),
    ]
    if len(listed) > MAX_MATERIALS:
        raise refused(what, f"the provenance lists more than {MAX_MATERIALS} things")
    for item in listed:
        material = _material(item, kind, what) if isinstance(item, dict) else None
        if material is not None:
            yield material


def _is_about(document: Mapping[str, Any], subject: str, what: str) -> bool:
    """Tell whether a statement names an image among its subjects; one may name none."""
    subjects = list_at(document, "subject", what)
    algorithm, _, value = subject.partition(":")
    digests = (one.get("digest") for one in subjects if isinstance(one, dict))
    return not subjects or any(
        isinstance(one, dict) and one.get(algorithm) == value for one in digests
    )


def _material(item: Mapping[str, Any], kind: str, what: str) -> Material | None:
    """Read an entry; None where it is no image, or its name is none."""
    uri = text_at(item, "uri")
    named = None if uri is None else read_purl(uri)
    if named is None:
        return None
    reference, platform = named
    value = object_at(item, "digest", what).get("sha256")
    if isinstance(value, str):
        reference = _with_digest(reference, f"sha256:{value}") or reference
    return Material(reference, platform, kind)


def read_purl(uri: str) -> tuple[Reference, str | None] | None:
    """Read the package URL of an image: its reference, and the platform it was used for.

    `pkg:docker/NAME@TAG?platform=linux%2Famd64`, `pkg:docker/NAME@sha256:…?repository_url=HOST`,
    `pkg:oci/NAME@sha256%3A…?repository_url=HOST/PATH&tag=TAG`. None where it is none.
    """
    scheme, _, rest = uri.partition(":")
    whole, _, query = rest.partition("#")[0].partition("?")
    kind, _, path = whole.lstrip("/").partition("/")
    if scheme.lower() != "pkg" or kind.lower() not in _TYPES:
        return None
    given = {name: value for name, value in parse_qsl(query) if value}
    name, _, version = path.rpartition("@") if "@" in path else (path, "", "")
    name, version = unquote(name), unquote(version)
    place = given.get("repository_url", "").removeprefix("https://").rstrip("/")
    if place:
        name = place if kind.lower() == "oci" else f"{place}/{name}"
    digest = version if ":" in version else given.get("digest")
    tag = given.get("tag") if ":" in version else version or given.get("tag")
    reference = _parsed(name, tag)
    if reference is None:
        return None
    if digest is not None:
        reference = _with_digest(reference, digest) or reference
    return reference, normalised_platform(given.get("platform", ""))


def _parsed(name: str, tag: str | None) -> Reference | None:
    try:
        return parse_reference(name).with_digest(None).with_tag(tag)
    except InvalidReference:
        return None


def _with_digest(reference: Reference, digest: str) -> Reference | None:
    try:
        return reference.with_digest(digest)
    except InvalidReference:
        return None
