"""Reads a report of Grype (`-o json`) on a database of schema 6; anything else is refused.

Source: Grype's `grype/presenter/models`. Each advisory stands with those of other publishers on the
same vulnerability beside it; an announcement on several vulnerabilities is taken apart.
"""

from __future__ import annotations

import base64
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from basekeeper.scanners.fields import (
    instant_of,
    object_of,
    objects_of,
    optional_text,
    read_json,
    share_of,
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
    from datetime import datetime

    from basekeeper.scanners.grype_listing import Listing

MAX_CATALOGUE_AGE: Final = timedelta(days=3)
"""What a catalogue of exploited vulnerabilities that is older does not list may be listed now; it
is captured daily."""
_SCHEMA: Final = "v6."
_CATALOGUE: Final = "kev"
_END_OF_LIFE: Final = "distro-eol"
_SOURCES: Final = {"github": "ghsa"}
"""Publishers that Trivy gives another name; one order of severities is to serve both."""
_STATUSES: Final = {
    "fixed": FixStatus.FIXED,
    "not-fixed": FixStatus.AFFECTED,
    "wont-fix": FixStatus.WILL_NOT_FIX,
}
_WORDS: Final = {
    **{severity.word: severity for severity in Severity},
    "negligible": Severity.LOW,
}
_OS_TYPES: Final = ("deb", "rpm", "apk", "alpm", "portage")


class Head(NamedTuple):
    """What stands above and below the matches of a report."""

    kind: str
    """What Grype took the subject for: `image`."""
    image_id: str | None
    diff_ids: tuple[str, ...]
    platform: str | None
    version: str
    built: datetime | None
    """When the database was made that was matched against."""
    exploited_told: datetime | None
    """When the catalogue of exploited vulnerabilities was captured; None: there is none."""


class Name(NamedTuple):
    """A vulnerability among those that an advisory is about."""

    vulnerability: str
    aliases: tuple[str, ...]
    announcements: tuple[str, ...]

    def fits(self, name: str | None) -> bool:
        """Tell whether this is another name of it."""
        return name is None or name == self.vulnerability or name in self.aliases


def read_head(report: dict[str, Any]) -> Head:
    """Read what a report is about.

    Raises:
        NotTold: It is none of Grype's, or rests on a database of another schema.
    """
    descriptor = object_of(report, "descriptor")
    if optional_text(descriptor, "name") != "grype" or not isinstance(report.get("matches"), list):
        raise NotTold("the scanner's report is none of Grype's")
    database = object_of(descriptor, "db")
    status = object_of(database, "status")
    schema = optional_text(status, "schemaVersion")
    if schema is None or not schema.startswith(_SCHEMA):
        raise NotTold(
            f"the scanner's database has schema {schema!r}, not {_SCHEMA}x",
            hint="use a release of Grype whose database has that schema",
        )
    source = object_of(report, "source")
    target = source.get("target")
    image = target if isinstance(target, dict) else {}
    catalogue = object_of(object_of(database, "providers"), _CATALOGUE)
    return Head(
        kind=optional_text(source, "type") or "",
        image_id=optional_text(image, "imageID"),
        diff_ids=tuple(text_of(one, "digest") for one in objects_of(image, "layers")),
        platform=_platform(optional_text(image, "config")),
        version=text_of(descriptor, "version").removeprefix("v"),
        built=instant_of(status, "built"),
        exploited_told=instant_of(catalogue, "captured"),
    )


def read_report(
    report: dict[str, Any], listing: Listing, order: tuple[str, ...], now: datetime
) -> Report:
    """Read a report.

    Args:
        report: Standard output of the scanner.
        listing: The packages that it looked at.
        order: Whose severity counts, see `choose_severity`.
        now: The instant of the run.

    Raises:
        NotTold: It is no whole report, or one of another schema.
    """
    head = read_head(report)
    reader = _Matches(listing, order, silence=_silence(head.exploited_told, now))
    return Report(
        version=head.version,
        artifact_type=head.kind,
        system=_system(report),
        image_id=head.image_id,
        diff_ids=head.diff_ids,
        platform=head.platform,
        packages=tuple(sorted(listing.packages, key=package_order)),
        matches=reader.read(objects_of(report, "matches")),
        suppressed=reader.read(objects_of(report, "ignoredMatches")),
    )


class _Matches:
    """The matches of one report."""

    def __init__(self, listing: Listing, order: tuple[str, ...], *, silence: bool | None) -> None:
        """Take what they are read with; `silence`: what a missing entry of the catalogue means."""
        self._listing, self._order, self._silence = listing, order, silence

    def read(self, found: list[dict[str, Any]]) -> tuple[Match, ...]:
        """Read one list; of equal matches that of a publisher nearer to the package counts."""
        matches: dict[tuple[object, ...], Match] = {}
        for one in found:
            for match in self._matches(one):
                known = matches.get(match_key(match))
                if known is None or known.data_source == "nvd":
                    matches[match_key(match)] = match
        return tuple(sorted(matches.values(), key=match_order))

    def _matches(self, one: dict[str, Any]) -> Iterator[Match]:
        vulnerability = object_of(one, "vulnerability")
        related = objects_of(one, "relatedVulnerabilities")
        package = self._package(object_of(one, "artifact"))
        for name in _names(vulnerability, related):
            about = [vulnerability, *(it for it in related if name.fits(optional_text(it, "id")))]
            yield self._match(name, about, package, _suppression(one))

    def _match(
        self, name: Name, about: list[dict[str, Any]], package: Package, why: Suppression | None
    ) -> Match:
        """Read a match; the first of the records is the advisory, the others tell more of it."""
        publisher = _source(about[0])
        severities = _severities(about)
        severity, source = choose_severity(severities, publisher, self._order)
        fix = object_of(about[0], "fix")
        status = _STATUSES.get(optional_text(fix, "state") or "", FixStatus.UNKNOWN)
        versions = texts_of(fix, "versions") if status is FixStatus.FIXED else ()
        return Match(
            vulnerability=name.vulnerability,
            package=package,
            status=status,
            severity=severity,
            severity_source=source,
            aliases=name.aliases,
            announcements=name.announcements,
            fixed_versions=tuple(dict.fromkeys(one for one in versions if one)),
            severities=severities,
            data_source=publisher,
            suppressed=why,
            fixed_at=_fixed_at(fix, versions),
            exploited=True if any(_entries(about, "knownExploited", name)) else self._silence,
            epss=max((share_of(it, "epss") for it in _entries(about, "epss", name)), default=None),
        )

    def _package(self, artifact: dict[str, Any]) -> Package:
        """Return the package that a match is about: of the list where it is there."""
        name, version = text_of(artifact, "name"), text_of(artifact, "version")
        for reference in (optional_text(artifact, "id"), optional_text(artifact, "purl")):
            listed = self._listing.by_reference.get(reference or "")
            if listed is not None and listed.version == version:
                return listed
        kind = optional_text(artifact, "type") or ""
        return Package(
            name=name,
            version=version,
            kind=PackageKind.OS if kind in _OS_TYPES else PackageKind.LANGUAGE,
            ecosystem=kind,
            purl=optional_text(artifact, "purl"),
        )


def _names(vulnerability: dict[str, Any], related: list[dict[str, Any]]) -> Iterator[Name]:
    """Yield the vulnerabilities that an advisory is about: several where it is an announcement."""
    first = text_of(vulnerability, "id")
    others = tuple(name for one in related if (name := optional_text(one, "id")) is not None)
    cves = sorted({name for name in (first, *others) if name.startswith("CVE-")})
    advisories = objects_of(vulnerability, "advisories")
    announced = tuple(name for one in advisories if (name := optional_text(one, "id")) is not None)
    if split_names("", (first,))[0]:
        name = first if first in cves or not cves else cves[0]
        aliases, announcements = split_names(name, (first, *others, *announced))
        yield Name(name, tuple(aliases), tuple(announcements))
        return
    for cve in cves or [first]:
        announcements = split_names(cve, (first, *announced))[1]
        yield Name(cve, (), tuple(announcements))


def _source(vulnerability: dict[str, Any]) -> str | None:
    """Name who published a record, as Trivy does."""
    name = (optional_text(vulnerability, "namespace") or "").partition(":")[0]
    return _SOURCES.get(name, name) or None


def _severities(about: list[dict[str, Any]]) -> Mapping[str, Severity]:
    found: dict[str, Severity] = {}
    for one in about:
        word = (optional_text(one, "severity") or "unknown").lower()
        if word not in _WORDS:
            raise NotTold(f"severity {word[:80]!r} is none that Grype knows")
        source, severity = _source(one) or "grype", _WORDS[word]
        if severity is not Severity.UNKNOWN:
            found[source] = max(severity, found.get(source, severity))
    return MappingProxyType(dict(sorted(found.items())))


def _fixed_at(fix: dict[str, Any], versions: tuple[str, ...]) -> datetime | None:
    """Return since when the first of the fixed versions is there."""
    instants = [
        instant
        for one in objects_of(fix, "available")
        if optional_text(one, "version") in versions
        and (instant := instant_of(one, "date")) is not None
    ]
    return min(instants, default=None)


def _entries(about: list[dict[str, Any]], key: str, name: Name) -> Iterator[dict[str, Any]]:
    """Yield what a catalogue holds on a vulnerability."""
    for record in about:
        for one in objects_of(record, key):
            if name.fits(optional_text(one, "cve")):
                yield one


def _silence(captured: datetime | None, now: datetime) -> bool | None:
    """Say what it means that the catalogue does not list something."""
    return False if captured is not None and now - captured <= MAX_CATALOGUE_AGE else None


def _suppression(one: dict[str, Any]) -> Suppression | None:
    rules = objects_of(one, "appliedIgnoreRules")
    if not rules:
        return None
    told = next((rule for rule in rules if optional_text(rule, "vex-status")), rules[0])
    status = optional_text(told, "vex-status")
    statement = optional_text(told, "vex-justification") or optional_text(told, "reason") or ""
    return Suppression(status or "ignored", statement, "vex" if status else "grype")


def _system(report: dict[str, Any]) -> OperatingSystem | None:
    system = object_of(report, "distro")
    name = optional_text(system, "name")
    if name is None:
        return None
    ended = any(
        optional_text(alert, "type") == _END_OF_LIFE
        for package in objects_of(report, "alertsByPackage")
        for alert in objects_of(package, "alerts")
    )
    return OperatingSystem(name, optional_text(system, "version") or "", ended)


def _platform(config: str | None) -> str | None:
    """Read which platform an image's configuration (in base64) names."""
    if config is None:
        return None
    try:
        document = read_json(base64.b64decode(config, validate=True), "the image's configuration")
    except ValueError as error:
        raise NotTold("the image's configuration cannot be read") from error
    words = [optional_text(document, key) for key in ("os", "architecture", "variant")]
    return None if None in words[:2] else "/".join(word for word in words if word)
