"""Names the source packages in a list in the words that each scanner reads.

Distributions publish advisories by source package. Grype knows it from the purl's `upstream`, Trivy
from properties of its own, and each passes over `libssl1.1` (of openssl) without a word in what the
other listed. Sources: Grype's `pkg/package.go`, Trivy's `pkg/sbom/io`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import parse_qs, quote

from basekeeper.scanners.cyclonedx import OS_PURLS, TRIVY_PROPERTY, properties_of
from basekeeper.scanners.fields import objects_of, optional_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_RPM: Final = "pkg:rpm/"
_SOURCE_RPM: Final = re.compile(r"(.+)-([^-]+-[^-]+)\.src\.rpm")


class _Source(NamedTuple):
    """A source package."""

    name: str
    version: str | None
    """Without epoch; None: that of the package."""
    epoch: str | None


def for_grype(document: dict[str, Any]) -> dict[str, Any]:
    """Name the source package in each purl."""
    return _changed(document, _with_upstream)


def for_trivy(document: dict[str, Any]) -> dict[str, Any]:
    """Name the source package of each package in Trivy's properties."""
    return _changed(document, _with_properties)


def _changed(
    document: dict[str, Any], change: Callable[[dict[str, Any], str], dict[str, Any]]
) -> dict[str, Any]:
    components = [
        change(one, purl)
        if (purl := optional_text(one, "purl")) is not None and purl.startswith(OS_PURLS)
        else one
        for one in objects_of(document, "components")
    ]
    return {**document, "components": components}


def _with_upstream(component: dict[str, Any], purl: str) -> dict[str, Any]:
    source = _of_properties(dict(properties_of(component)))
    if source is None or _upstream(purl) is not None:
        return component
    name, version, epoch = source
    if version is not None:
        version = f"{epoch}:{version}" if epoch and not purl.startswith(_RPM) else version
        name = f"{name}-{version}.src.rpm" if purl.startswith(_RPM) else f"{name}@{version}"
    joint = "&" if "?" in purl else "?"
    return {**component, "purl": f"{purl}{joint}upstream={quote(name, safe='')}"}


def _with_properties(component: dict[str, Any], purl: str) -> dict[str, Any]:
    source, told = _of_purl(purl), dict(properties_of(component))
    if source is None or _of_properties(told) is not None:
        return component
    said = {"SrcName": source.name, "SrcVersion": source.version, "SrcEpoch": source.epoch}
    properties = [
        *objects_of(component, "properties"),
        *(
            {"name": f"{TRIVY_PROPERTY}{name}", "value": value}
            for name, value in said.items()
            if value
        ),
    ]
    return {**component, "properties": properties}


def _of_properties(told: Mapping[str, str]) -> _Source | None:
    name = told.get(f"{TRIVY_PROPERTY}SrcName")
    if not name:
        return None
    version = told.get(f"{TRIVY_PROPERTY}SrcVersion") or None
    release = told.get(f"{TRIVY_PROPERTY}SrcRelease")
    if version is not None and release:
        version = f"{version}-{release}"
    return _Source(name, version, told.get(f"{TRIVY_PROPERTY}SrcEpoch") or None)


def _of_purl(purl: str) -> _Source | None:
    text = _upstream(purl)
    if text is None:
        return None
    if purl.startswith(_RPM):
        found = _SOURCE_RPM.fullmatch(text)
        return None if found is None else _Source(found[1], found[2], None)
    name, _, whole = text.partition("@")
    epoch, colon, version = whole.rpartition(":")
    return _Source(name, version or None, epoch if colon else None)


def _upstream(purl: str) -> str | None:
    found = parse_qs(purl.partition("?")[2].partition("#")[0]).get("upstream")
    return found[0] if found else None
