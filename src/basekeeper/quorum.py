"""What two scanners say of the same image, finding by finding, and why they may differ. Pure.

Neither is right by itself: what only one tells may be wrong there or missed by the other. So
nothing is taken away here; who decides sees both.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from basekeeper.records import dataclass
from basekeeper.values.image import Unknown
from basekeeper.values.vulnerability import Severity, merge_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from basekeeper.values.vulnerability import (
        Database,
        FixStatus,
        Match,
        Package,
        PackageKind,
        Scan,
        ScannerIdentity,
    )


class Aspect(StrEnum):
    """What two scanners can differ in about a finding that both have."""

    SEVERITY = "severity"
    FIX = "fix"
    """Whether there is one, or in which version."""
    VERSION = "version"
    """Which versions of the package the image holds."""


class Agreement(StrEnum):
    """How far two scanners say the same of a finding."""

    AGREED = "agreed"
    DIFFERING = "differing"
    """Both have it, and differ in some aspect."""
    FIRST_ONLY = "first only"
    SECOND_ONLY = "second only"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What one scanner says of one finding; of several matches the worst."""

    severity: Severity
    severity_source: str | None
    status: FixStatus
    fixed_versions: tuple[str, ...]
    """Sorted; empty: none known."""
    versions: tuple[str, ...]
    """Of the package, sorted."""
    data_source: str | None
    """Who published the advisory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedFinding:
    """One vulnerability of one package, as two scanners see it; at least one has it."""

    vulnerability: str
    """The name that both agree on where they know aliases: a CVE before all others."""
    package: str
    """The purl without version, else the name."""
    name: str
    kind: PackageKind
    first: Opinion | None
    """None: the scanner does not have it."""
    second: Opinion | None
    differing: tuple[Aspect, ...] = ()
    """Empty where only one has it."""
    reasons: tuple[str, ...] = ()
    """Why they may differ, the likeliest first; empty where they agree, or nothing explains it."""

    @property
    def agreement(self) -> Agreement:
        """How far they say the same."""
        if self.second is None:
            return Agreement.FIRST_ONLY
        if self.first is None:
            return Agreement.SECOND_ONLY
        return Agreement.DIFFERING if self.differing else Agreement.AGREED

    @property
    def severity(self) -> Severity:
        """The higher of the two."""
        return max(one.severity for one in (self.first, self.second) if one is not None)


class Party(NamedTuple):
    """Who looked, with what."""

    scanner: ScannerIdentity
    database: Database | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quorum:
    """What two scanners say of one image."""

    first: Party
    second: Party
    findings: tuple[SharedFinding, ...]
    """Worst first, then by vulnerability and package."""
    problems: tuple[Unknown, ...]
    """Why one of them may not have what the other has, beside its advisories; empty: nothing is
    known against either."""

    @property
    def disputed(self) -> tuple[SharedFinding, ...]:
        """Those that they do not agree on."""
        return tuple(one for one in self.findings if one.agreement is not Agreement.AGREED)

    def count(self, agreement: Agreement) -> int:
        """Count the findings of one kind."""
        return sum(one.agreement is agreement for one in self.findings)


def weigh_scans(first: Scan, second: Scan) -> Quorum:
    """Set two scans of the same image, for the same platform, against each other.

    Args:
        first: By one scanner.
        second: By another; best of the same list of packages (`Scanner.rematch`), so that only
            their advisories differ.
    """
    names = merge_names([*first.matches, *second.matches, *first.suppressed, *second.suppressed])
    sides = (_Side(first, names), _Side(second, names))
    keys = sides[0].found.keys() | sides[1].found.keys()
    findings = (_finding(key, *sides) for key in keys)
    return Quorum(
        first=Party(first.scanner, first.database),
        second=Party(second.scanner, second.database),
        findings=tuple(sorted(findings, key=_order)),
        problems=tuple(_problems(first, second)),
    )


_Key = tuple[str, str]


class _Side:
    """One scan, by what it is looked up by."""

    def __init__(self, scan: Scan, names: Mapping[str, str]) -> None:
        self.scan = scan
        self.name = scan.scanner.name
        self.found = _grouped(scan.matches, names)
        self.suppressed = _grouped(scan.suppressed, names)
        self.packages: dict[str, set[str]] = {}
        for package in scan.packages:
            self.packages.setdefault(_identity(package), set()).add(package.version)
        self.kinds = {package.kind for package in scan.packages}

    def opinion(self, key: _Key) -> Opinion | None:
        """What it says of a finding; None: nothing."""
        matches = self.found.get(key)
        if matches is None:
            return None
        worst = max(matches, key=lambda match: match.severity)
        return Opinion(
            severity=worst.severity,
            severity_source=worst.severity_source,
            status=worst.status,
            fixed_versions=tuple(sorted({one for it in matches for one in it.fixed_versions})),
            versions=tuple(sorted({match.package.version for match in matches})),
            data_source=worst.data_source,
        )

    def why_not(self, key: _Key, kind: PackageKind, other: _Side) -> Iterator[str]:
        """Say why it may not have what the other has."""
        hidden = self.suppressed.get(key)
        if hidden is not None:
            why = hidden[0].suppressed
            yield f"{self.name} was told that it does not count: {why.status if why else 'ignored'}"
            return
        if kind not in self.kinds:
            yield f"{self.name} listed no {kind.value} packages"
        elif key[1] not in self.packages:
            yield f"{self.name} did not list the package"
        else:
            theirs, ours = other.packages.get(key[1], set()), self.packages[key[1]]
            if theirs and theirs.isdisjoint(ours):
                yield f"{self.name} listed it in version {', '.join(sorted(ours))}"
        if not self.scan.complete:
            yield f"the answer of {self.name} is not complete"
        yield from self.database_behind(other)
        yield f"{other.name} matched an advisory of {_publisher(other.found[key])}"

    def database_behind(self, other: _Side) -> Iterator[str]:
        """Say that its database is older."""
        ours, theirs = self.scan.database, other.scan.database
        if ours is not None and theirs is not None and ours.updated < theirs.updated:
            hours = (theirs.updated - ours.updated).total_seconds() / 3600
            yield f"the database of {self.name} is {hours:.0f} h older"


def _grouped(matches: Iterable[Match], names: Mapping[str, str]) -> dict[_Key, list[Match]]:
    groups: dict[_Key, list[Match]] = {}
    for match in matches:
        key = (names[match.vulnerability], _identity(match.package))
        groups.setdefault(key, []).append(match)
    return groups


def _identity(package: Package) -> str:
    """Name a package as every scanner does, which have words of their own for ecosystems."""
    return package.name.lower() if package.purl is None else package.identity.lower()


def _finding(key: _Key, first: _Side, second: _Side) -> SharedFinding:
    package = (first.found.get(key) or second.found[key])[0].package
    ours, theirs = first.opinion(key), second.opinion(key)
    differing: tuple[Aspect, ...] = ()
    if ours is None:
        reasons = first.why_not(key, package.kind, second)
    elif theirs is None:
        reasons = second.why_not(key, package.kind, first)
    else:
        differing = tuple(_differing(ours, theirs))
        reasons = _why_differing(differing, (first, ours), (second, theirs))
    return SharedFinding(
        vulnerability=key[0],
        package=key[1],
        name=package.name,
        kind=package.kind,
        first=ours,
        second=theirs,
        differing=differing,
        reasons=tuple(reasons),
    )


def _differing(first: Opinion, second: Opinion) -> Iterator[Aspect]:
    if first.severity is not second.severity:
        yield Aspect.SEVERITY
    if first.fixed_versions != second.fixed_versions:
        yield Aspect.FIX
    if first.versions != second.versions:
        yield Aspect.VERSION


def _why_differing(
    differing: tuple[Aspect, ...], first: tuple[_Side, Opinion], second: tuple[_Side, Opinion]
) -> Iterator[str]:
    (side, ours), (other, theirs) = first, second
    if Aspect.SEVERITY in differing and ours.severity_source != theirs.severity_source:
        yield (
            f"{side.name} took the severity of {ours.severity_source or 'nobody'},"
            f" {other.name} that of {theirs.severity_source or 'nobody'}"
        )
    if Aspect.FIX in differing and ours.data_source != theirs.data_source:
        yield (
            f"{side.name} matched an advisory of {ours.data_source or 'nobody named'},"
            f" {other.name} one of {theirs.data_source or 'nobody named'}"
        )
    if Aspect.SEVERITY in differing or Aspect.FIX in differing:
        yield from side.database_behind(other)
        yield from other.database_behind(side)


def _publisher(matches: list[Match]) -> str:
    return ", ".join(sorted({match.data_source or "nobody named" for match in matches}))


def _order(finding: SharedFinding) -> tuple[int, str, str]:
    return (-finding.severity, finding.vulnerability, finding.package)


def _problems(first: Scan, second: Scan) -> Iterator[Unknown]:
    if first.subject.digest != second.subject.digest:
        yield Unknown("the scanners looked at different images", "have both look at one digest")
    if first.subject.platform != second.subject.platform:
        yield Unknown("the scanners looked at images for different platforms")
    if first.scanner.name == second.scanner.name:
        yield Unknown(
            f"both scans are by {first.scanner.name}", "have another scanner look as well"
        )
    if first.severity_order != second.severity_order:
        yield Unknown("the severities were chosen by different orders")
    for scan in (first, second):
        for problem in scan.problems:
            yield Unknown(f"{scan.scanner.name}: {problem.reason}", problem.hint)
