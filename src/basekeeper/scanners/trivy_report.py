"""Reads a report of Trivy (`--format json`, SchemaVersion 2); every other version is refused.

Source: Trivy's `pkg/types/report.go`, `pkg/types/vulnerability.go`, `pkg/fanal/types/package.go`.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from basekeeper.scanners.fields import (
    instant_of,
    number_of,
    object_of,
    objects_of,
    optional_text,
    read_json,
    text_of,
    texts_of,
)
from basekeeper.scanners.nottold import NotTold
from basekeeper.scanners.report import Report, match_key, match_order, package_order
from basekeeper.scanners.severity import choose_severity
from basekeeper.values.vulnerability import (
    FixStatus,
    Match,
    OperatingSystem,
    Package,
    PackageKind,
    Severity,
    Suppression,
    split_names,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SCHEMA_VERSION: Final = 2

_KINDS: Final = {"os-pkgs": PackageKind.OS, "lang-pkgs": PackageKind.LANGUAGE}
_STATUSES: Final = {status.value: status for status in FixStatus}
_WORDS: Final = {severity.name: severity for severity in Severity}


def read_report(data: bytes, order: tuple[str, ...]) -> Report:
    """Read a report.

    Args:
        data: Standard output of the scanner.
        order: Whose severity counts, see `choose_severity`.

    Raises:
        NotTold: It is no whole report, or one of another schema.
    """
    report = read_json(data, "the scanner's report")
    schema = report.get("SchemaVersion")
    if schema != SCHEMA_VERSION or isinstance(schema, bool):
        raise NotTold(
            f"the scanner's report has schema {schema!r}, not {SCHEMA_VERSION}",
            hint="use a release of Trivy whose reports have that schema",
        )
    metadata = object_of(report, "Metadata")
    packages: dict[Package, None] = {}
    matches: dict[tuple[object, ...], Match] = {}
    suppressed: dict[tuple[object, ...], Match] = {}
    for result in objects_of(report, "Results"):
        reader = _Result(result, order)
        packages.update(dict.fromkeys(reader.packages()))
        matches.update((match_key(one), one) for one in reader.matches())
        suppressed.update((match_key(one), one) for one in reader.suppressed())
    return Report(
        version=optional_text(object_of(report, "Trivy"), "Version"),
        artifact_type=text_of(report, "ArtifactType"),
        system=_system(metadata),
        image_id=optional_text(metadata, "ImageID"),
        diff_ids=texts_of(metadata, "DiffIDs"),
        platform=_platform(object_of(metadata, "ImageConfig")),
        packages=tuple(sorted(packages, key=package_order)),
        matches=tuple(sorted(matches.values(), key=match_order)),
        suppressed=tuple(sorted(suppressed.values(), key=match_order)),
    )


class _Result:
    """One target of a report: the packages of one package manager."""

    def __init__(self, result: dict[str, Any], order: tuple[str, ...]) -> None:
        self._result = result
        self._order = order
        self._kind = _KINDS.get(optional_text(result, "Class") or "")
        self._ecosystem = optional_text(result, "Type") or ""
        self._target = optional_text(result, "Target")
        self._by_uid: dict[str, Package] = {}

    def packages(self) -> Iterator[Package]:
        """Yield the packages; must be exhausted before the matches are asked for."""
        if self._kind is None:
            return
        for one in objects_of(self._result, "Packages"):
            if optional_text(one, "Name") is None or optional_text(one, "Version") is None:
                continue  # the scanner cannot match it either
            package = self._package(one)
            uid = optional_text(object_of(one, "Identifier"), "UID")
            if uid is not None:
                self._by_uid[uid] = package
            yield package

    def matches(self) -> Iterator[Match]:
        """Yield what counts."""
        for one in objects_of(self._result, "Vulnerabilities"):
            yield self._match(one, None)

    def suppressed(self) -> Iterator[Match]:
        """Yield what does not, with the reason."""
        for one in objects_of(self._result, "ExperimentalModifiedFindings"):
            if optional_text(one, "Type") == "vulnerability":
                why = Suppression(
                    optional_text(one, "Status") or FixStatus.UNKNOWN.value,
                    optional_text(one, "Statement") or "",
                    optional_text(one, "Source") or "",
                )
                yield self._match(object_of(one, "Finding"), why)

    def _package(self, one: dict[str, Any]) -> Package:
        name, source = text_of(one, "Name"), optional_text(one, "SrcName")
        return Package(
            name=name,
            version=_whole_version(one),
            kind=self._kind or PackageKind.LANGUAGE,
            ecosystem=self._ecosystem,
            purl=optional_text(object_of(one, "Identifier"), "PURL"),
            source=None if source == name else source,
            path=self._path(optional_text(one, "FilePath")),
            layer=optional_text(object_of(one, "Layer"), "DiffID"),
        )

    def _path(self, path: str | None) -> str | None:
        """Where a language package is: its own file, or the lock file or program that lists it."""
        if self._kind is not PackageKind.LANGUAGE:
            return None
        return path or self._target

    def _match(self, one: dict[str, Any], why: Suppression | None) -> Match:
        name = text_of(one, "VulnerabilityID")
        aliases, announcements = split_names(name, texts_of(one, "VendorIDs"))
        publisher = optional_text(object_of(one, "DataSource"), "ID")
        severities = _severities(one)
        severity, source = choose_severity(severities, publisher, self._order)
        return Match(
            vulnerability=name,
            package=self._matched(one),
            status=_STATUSES.get(optional_text(one, "Status") or "", FixStatus.UNKNOWN),
            severity=severity,
            severity_source=source,
            aliases=tuple(aliases),
            announcements=tuple(announcements),
            fixed_versions=_versions(optional_text(one, "FixedVersion")),
            severities=severities,
            published=instant_of(one, "PublishedDate"),
            data_source=publisher,
            suppressed=why,
        )

    def _matched(self, one: dict[str, Any]) -> Package:
        """The package that a finding is about: of the list where it is there."""
        identifier = object_of(one, "PkgIdentifier")
        listed = self._by_uid.get(optional_text(identifier, "UID") or "")
        name, version = text_of(one, "PkgName"), text_of(one, "InstalledVersion")
        if listed is not None and (listed.name, listed.version) == (name, version):
            return listed
        return Package(
            name=name,
            version=version,
            kind=self._kind or PackageKind.LANGUAGE,
            ecosystem=self._ecosystem,
            purl=optional_text(identifier, "PURL"),
            path=self._path(optional_text(one, "PkgPath")),
            layer=optional_text(object_of(one, "Layer"), "DiffID"),
        )


def _whole_version(one: dict[str, Any]) -> str:
    """Put a version together as the package manager shows it."""
    version, release = text_of(one, "Version"), optional_text(one, "Release")
    whole = version if release is None else f"{version}-{release}"
    epoch = number_of(one, "Epoch")
    return f"{epoch}:{whole}" if epoch else whole


def _versions(fixed: str | None) -> tuple[str, ...]:
    if fixed is None:
        return ()
    return tuple(dict.fromkeys(one.strip() for one in fixed.split(",") if one.strip()))


def _severities(one: dict[str, Any]) -> Mapping[str, Severity]:
    """Everybody's severity; the scanner's own choice only where nobody's is told."""
    found: dict[str, Severity] = {}
    for source, number in sorted(object_of(one, "VendorSeverity").items()):
        if type(number) is not int or number not in Severity.__members__.values():
            raise NotTold(f"severity {number!r} of {source!r} is none that Trivy knows")
        found[source] = Severity(number)
    word = _WORDS.get(optional_text(one, "Severity") or "", Severity.UNKNOWN)
    if not found and word is not Severity.UNKNOWN:
        found[optional_text(one, "SeveritySource") or "trivy"] = word
    return MappingProxyType(found)


def _system(metadata: dict[str, Any]) -> OperatingSystem | None:
    system = object_of(metadata, "OS")
    family = optional_text(system, "Family")
    if family is None or family == "none":
        return None
    return OperatingSystem(family, optional_text(system, "Name") or "", bool(system.get("EOSL")))


def _platform(config: dict[str, Any]) -> str | None:
    system, architecture = optional_text(config, "os"), optional_text(config, "architecture")
    if system is None or architecture is None:
        return None
    variant = optional_text(config, "variant")
    return f"{system}/{architecture}" + (f"/{variant}" if variant else "")
