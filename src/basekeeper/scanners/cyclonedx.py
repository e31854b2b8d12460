"""What of a CycloneDX document matters here: that it is one, what it is of, and what is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from basekeeper.scanners.fields import object_of, objects_of, optional_text, read_json
from basekeeper.scanners.nottold import NotTold
from basekeeper.values.vulnerability import PackageKind, Sbom, Subject, SubjectKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.scanners.report import Report
    from basekeeper.values.image import Unknown

MEDIA_TYPE: Final = "application/vnd.cyclonedx+json"
_OS_PURLS: Final = ("pkg:deb/", "pkg:apk/", "pkg:rpm/", "pkg:alpm/")
_PROPERTY: Final = "aquasecurity:trivy:"
"""Prefix of what Trivy says beyond the standard."""


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
        told = dict(_properties(object_of(object_of(document, "metadata"), "component")))
    except NotTold as failed:
        return failed.unknown
    own = told.get("RepoDigest", "").rpartition("@")[2] or None
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


def not_looked_at(document: dict[str, Any], report: Report) -> int:
    """Count the packages of an operating system that a report passes over without a word."""
    looked_at = {one.purl for one in report.packages if one.kind is PackageKind.OS}
    listed = {
        purl
        for component in objects_of(document, "components")
        if (purl := optional_text(component, "purl")) and purl.startswith(_OS_PURLS)
    }
    return len(listed - looked_at)


def image_id(document: dict[str, Any]) -> str | None:
    """Return the digest of the image's configuration, where the document says it."""
    return dict(_properties(object_of(object_of(document, "metadata"), "component"))).get("ImageID")


def _properties(component: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for one in objects_of(component, "properties"):
        name, value = optional_text(one, "name") or "", optional_text(one, "value") or ""
        if name.startswith(_PROPERTY):
            yield name.removeprefix(_PROPERTY), value
