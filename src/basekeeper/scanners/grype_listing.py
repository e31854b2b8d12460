"""What a list of packages in CycloneDX tells Grype, whether Syft or Trivy made it.

Grype lists packages with Syft, whose properties are `syft:…`; Trivy's are `aquasecurity:trivy:…`.
Sources: Syft's `internal/cyclonedxutil/helpers`, Trivy's `pkg/sbom/cyclonedx`, Grype's
`pkg/package.go`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import parse_qs

from basekeeper.scanners.cyclonedx import (
    OS_PURLS,
    TRIVY_PROPERTY,
    properties_of,
    tell_of_image,
    told_of_image,
)
from basekeeper.scanners.fields import objects_of, optional_text
from basekeeper.values.vulnerability import Package, PackageKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_TRIVY: Final = TRIVY_PROPERTY
_SYFT: Final = "syft:"
_PACKAGE_ID: Final = "package-id"
_DPKG_FILES: Final = ("/var/lib/dpkg/info/", "/var/lib/dpkg/status.d/")
"""Where each package has files of its own; what lists all packages is as young as the last change
of any of them, so that its layer says nothing."""
_READABLE: Final = {
    "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
    "specVersion": "1.6",
}
"""The newest version that Trivy 0.69 reads; Grype 0.121 writes 1.7."""
MAX_LOCATIONS: Final = 1000
"""Most places of one package that are looked at."""


class Listing(NamedTuple):
    """The packages of an image."""

    packages: tuple[Package, ...]
    by_reference: Mapping[str, Package]
    """By each name that a report may refer to them by."""
    image_id: str | None
    diff_ids: tuple[str, ...]


def read_listing(document: dict[str, Any], diff_ids: tuple[str, ...] = ()) -> Listing:
    """Read a list.

    Args:
        document: A CycloneDX document.
        diff_ids: The image's layers, where the document does not tell them.

    Raises:
        NotTold: Something has the wrong type.
    """
    image_id, layers = told_of_image(document)
    diff_ids = diff_ids or layers
    packages: dict[Package, None] = {}
    by_reference: dict[str, Package] = {}
    for component in objects_of(document, "components"):
        package = _package(component, diff_ids)
        if package is not None:
            packages[package] = None
            for reference in _references(component):
                by_reference.setdefault(reference, package)
    return Listing(tuple(packages), by_reference, image_id, diff_ids)


def as_sbom(document: dict[str, Any], image_id: str | None, diff_ids: tuple[str, ...]) -> bytes:
    """Make a list to be kept of what Grype says beside its report.

    Which vulnerabilities matched that day is left out, as is every file; which image it is, which
    Syft does not say, is put in. What is left is the same in every version of CycloneDX since 1.6.
    """
    kept = {key: value for key, value in document.items() if key != "vulnerabilities"}
    components = [one for one in objects_of(document, "components") if one.get("type") != "file"]
    return tell_of_image({**kept, **_READABLE, "components": components}, image_id, diff_ids)


def _references(component: dict[str, Any]) -> Iterator[str]:
    """Yield what a report calls a component: of an image by its id, of an SBOM by its `bom-ref`.

    That is not always there; then the purl tells.
    """
    reference = optional_text(component, "bom-ref")
    if reference is not None:
        yield reference
        yield from parse_qs(reference.partition("?")[2]).get(_PACKAGE_ID, ())
    purl = optional_text(component, "purl")
    if purl is not None:
        yield purl


def _package(component: dict[str, Any], diff_ids: tuple[str, ...]) -> Package | None:
    """Read a package; None: the component is something else, or cannot be matched."""
    name, version = optional_text(component, "name"), optional_text(component, "version")
    purl = optional_text(component, "purl")
    if name is None or version is None or purl is None:
        return None
    told = dict(properties_of(component))
    group = optional_text(component, "group")
    if group is not None:
        name = f"{group}:{name}" if purl.startswith("pkg:maven/") else f"{group}/{name}"
    kind = PackageKind.OS if purl.startswith(OS_PURLS) else PackageKind.LANGUAGE
    source = told.get(f"{_TRIVY}SrcName") or _named_upstream(purl)
    path = told.get(f"{_TRIVY}FilePath") or told.get(f"{_SYFT}location:0:path")
    return Package(
        name=name,
        version=version,
        kind=kind,
        ecosystem=_ecosystem(purl, told),
        purl=purl,
        source=None if source == name else source,
        path=path if kind is PackageKind.LANGUAGE else None,
        layer=told.get(f"{_TRIVY}LayerDiffID") or _layer(kind, told, diff_ids),
    )


def _ecosystem(purl: str, told: Mapping[str, str]) -> str:
    word = told.get(f"{_TRIVY}PkgType") or told.get(f"{_SYFT}package:type")
    return word or purl.removeprefix("pkg:").partition("/")[0]


def _named_upstream(purl: str) -> str | None:
    found = parse_qs(purl.partition("?")[2]).get("upstream")
    return found[0].partition("@")[0] if found else None


def _layer(kind: PackageKind, told: Mapping[str, str], diff_ids: tuple[str, ...]) -> str | None:
    if len(diff_ids) == 1:
        return diff_ids[0]
    for number in range(MAX_LOCATIONS):
        path = told.get(f"{_SYFT}location:{number}:path")
        if path is None:
            return None
        if kind is PackageKind.LANGUAGE or path.startswith(_DPKG_FILES):
            return told.get(f"{_SYFT}location:{number}:layerID")
    return None
