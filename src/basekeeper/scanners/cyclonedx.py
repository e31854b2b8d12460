"""What of a CycloneDX document matters here: that it is one, what it is of, and what is in it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, TypeVar

from basekeeper.scanners.fields import object_of, objects_of, optional_text, read_json
from basekeeper.scanners.nottold import NotTold
from basekeeper.values.vulnerability import Sbom, Subject, SubjectKind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from basekeeper.values.image import Unknown

T = TypeVar("T")

MEDIA_TYPE: Final = "application/vnd.cyclonedx+json"
OS_PURLS: Final = ("pkg:deb/", "pkg:apk/", "pkg:rpm/", "pkg:alpm/")
"""How purls of packages of operating systems begin."""
TRIVY_PROPERTY: Final = "aquasecurity:trivy:"
"""Prefix of what Trivy says beyond the standard."""
_IMAGE_ID: Final = "basekeeper:image:id"
_DIFF_ID: Final = "basekeeper:image:diff-id"


def bring_sbom(
    data: bytes, name: str, *, digest: str | None = None, platform: str | None = None
) -> Sbom | Unknown:
    """Take an SBOM that somebody else made.

    Args:
        data: A CycloneDX document, JSON.
        name: What it is called in messages: its path.
        digest: The image that it is said to be of; None: the one that it names itself, if any.
        platform: Likewise.
    """
    try:
        document = read_cyclonedx(data)
        told = dict(properties_of(object_of(object_of(document, "metadata"), "component")))
    except NotTold as failed:
        return failed.unknown
    own = told.get(f"{TRIVY_PROPERTY}RepoDigest", "").rpartition("@")[2] or None
    subject = Subject(kind=SubjectKind.SBOM, name=name, digest=digest or own, platform=platform)
    return Sbom(subject=subject, media_type=MEDIA_TYPE, data=data)


def read_cyclonedx(data: bytes) -> dict[str, Any]:
    """Parse a document.

    Raises:
        NotTold: It is none, or not whole.
    """
    document = read_json(data, "the SBOM")
    if document.get("bomFormat") != "CycloneDX":
        raise NotTold("the SBOM is not in CycloneDX", hint="convert it to CycloneDX, JSON")
    return document


def os_purls(document: dict[str, Any]) -> set[str]:
    """Return the purls of the packages of an operating system."""
    return {
        purl
        for component in objects_of(document, "components")
        if (purl := optional_text(component, "purl")) and purl.startswith(OS_PURLS)
    }


def passed_over(listed: AbstractSet[T], looked_at: AbstractSet[T]) -> list[str]:
    """Say of how many packages a report says nothing at all; empty: of none."""
    count = len(listed - looked_at)
    if not count:
        return []
    words = "1 package of the SBOM was" if count == 1 else f"{count} packages of the SBOM were"
    return [f"{words} not looked at"]


def told_of_image(document: dict[str, Any]) -> tuple[str | None, tuple[str, ...]]:
    """Return the digest of the image's configuration and its DiffIDs, lowest first.

    Where a document does not tell them, None and nothing. Trivy tells the DiffIDs in the order of
    the alphabet, so that of its own only a single one counts.
    """
    own, trivys = [], []
    image_id = None
    for name, value in properties_of(object_of(object_of(document, "metadata"), "component")):
        if name in (_IMAGE_ID, f"{TRIVY_PROPERTY}ImageID"):
            image_id = image_id or value
        elif name == _DIFF_ID:
            own.append(value)
        elif name == f"{TRIVY_PROPERTY}DiffID":
            trivys.append(value)
    return image_id, tuple(own or (trivys if len(trivys) == 1 else ()))


def tell_of_image(
    document: dict[str, Any], image_id: str | None, diff_ids: tuple[str, ...]
) -> bytes:
    """Write down which image a document is of, beside what its maker says."""
    metadata = object_of(document, "metadata")
    component = object_of(metadata, "component")
    named = [(_IMAGE_ID, image_id), *((_DIFF_ID, one) for one in diff_ids)]
    properties = [
        *objects_of(component, "properties"),
        *({"name": name, "value": value} for name, value in named if value is not None),
    ]
    component = {**component, "properties": properties}
    return json.dumps({**document, "metadata": {**metadata, "component": component}}).encode()


def properties_of(component: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield names and values of what is said beyond the standard."""
    for one in objects_of(component, "properties"):
        yield optional_text(one, "name") or "", optional_text(one, "value") or ""
