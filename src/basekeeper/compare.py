"""What two scans of one lineage differ in, and whether a match is the base's or our own. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from basekeeper.records import dataclass
from basekeeper.values.image import Unknown
from basekeeper.values.vulnerability import merge_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from basekeeper.values.image import ImageConfig
    from basekeeper.values.vulnerability import Match, Package, Scan, Severity


class Origin(StrEnum):
    """Which part of an image brought a package."""

    BASE = "base"
    APPLICATION = "application"
    """A layer above the base; a package of the base that was upgraded up there counts here."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Attribution:
    """The matches of a scan by origin, each in the order of the scan."""

    base: tuple[Match, ...]
    application: tuple[Match, ...]
    unknown: tuple[Match, ...]
    problem: Unknown | None = None
    """Why nothing could be attributed."""

    def of(self, origin: Origin) -> tuple[Match, ...]:
        """Return the matches of one origin."""
        if origin is Origin.BASE:
            return self.base
        return self.application if origin is Origin.APPLICATION else self.unknown


def attribute(scan: Scan, base_diff_ids: Sequence[str]) -> Attribution:
    """Tell which matches come with the base image, by the layers that brought the packages.

    Args:
        scan: Of the image.
        base_diff_ids: DiffIDs of the base, lowest first. They prove the base only where they are
            the first ones of the image: not after squashing, nor of another build of the base.
    """
    problem = _no_proof(scan, base_diff_ids)
    if problem is not None:
        return Attribution((), (), scan.matches, problem)
    below, all_of = set(base_diff_ids), set(scan.diff_ids)
    by_origin: dict[Origin, list[Match]] = {origin: [] for origin in Origin}
    for match in scan.matches:
        by_origin[_origin(match.package.layer, below, all_of)].append(match)
    return Attribution(
        base=tuple(by_origin[Origin.BASE]),
        application=tuple(by_origin[Origin.APPLICATION]),
        unknown=tuple(by_origin[Origin.UNKNOWN]),
    )


def _no_proof(scan: Scan, base_diff_ids: Sequence[str]) -> Unknown | None:
    if not base_diff_ids:
        return Unknown("the layers of the base image are not known")
    if not scan.diff_ids:
        return Unknown("the layers of the image are not known")
    if tuple(base_diff_ids) != scan.diff_ids[: len(base_diff_ids)]:
        return Unknown(
            "the image does not start with the layers of the base image",
            "name the base that it was built from; squashed images cannot be told apart",
        )
    return None


def _origin(layer: str | None, below: set[str], all_of: set[str]) -> Origin:
    if layer is None or layer not in all_of:
        return Origin.UNKNOWN
    return Origin.BASE if layer in below else Origin.APPLICATION


@dataclass(frozen=True, slots=True)
class Finding:
    """One vulnerability of one package, in whatever versions and places an image holds it."""

    vulnerability: str
    """The name that scans agree on where they know aliases: a CVE before all others."""
    package: str
    """`Package.identity`."""
    severity: Severity
    """The highest among its matches."""
    matches: tuple[Match, ...]


class Kept(NamedTuple):
    """A finding that both images have."""

    before: Finding
    after: Finding

    @property
    def moved(self) -> bool:
        """Tell whether its severity changed."""
        return self.before.severity is not self.after.severity


class PackageChange(NamedTuple):
    """A package whose versions differ; no version on one side: added or removed."""

    identity: str
    name: str
    before: tuple[str, ...]
    after: tuple[str, ...]


class Difference(NamedTuple):
    """Something else that differs."""

    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What changes with the step from one image to another."""

    fixed: tuple[Finding, ...]
    """Worst first, then by vulnerability and package; likewise the next two."""
    introduced: tuple[Finding, ...]
    unchanged: tuple[Kept, ...]
    added: tuple[PackageChange, ...]
    """Sorted by identity; likewise the next two."""
    removed: tuple[PackageChange, ...]
    changed: tuple[PackageChange, ...]
    differences: tuple[Difference, ...]
    problems: tuple[Unknown, ...]
    """Why the comparison may be wrong; `fixed` and `introduced` then prove nothing."""

    @property
    def complete(self) -> bool:
        """Tell whether it can be relied on."""
        return not self.problems

    def count(self, severity: Severity) -> tuple[int, int, int]:
        """Count what was fixed, introduced and left unchanged (as it is after) of a severity."""
        return (
            sum(one.severity is severity for one in self.fixed),
            sum(one.severity is severity for one in self.introduced),
            sum(one.after.severity is severity for one in self.unchanged),
        )


def compare_scans(
    before: Scan,
    after: Scan,
    *,
    configs: tuple[ImageConfig, ImageConfig] | None = None,
) -> Comparison:
    """Compare what scanners found in two images.

    Args:
        before: Of the image in use.
        after: Of the candidate.
        configs: Their configurations, for what else differs; None: not known.
    """
    old, new = _findings(before, after)
    gone, come = old.keys() - new.keys(), new.keys() - old.keys()
    added, removed, changed = _packages(before.packages, after.packages)
    return Comparison(
        fixed=_sorted(old[key] for key in gone),
        introduced=_sorted(new[key] for key in come),
        unchanged=tuple(
            Kept(old[key], new[key])
            for key in sorted(old.keys() & new.keys(), key=lambda key: _order(new[key]))
        ),
        added=added,
        removed=removed,
        changed=changed,
        differences=tuple(_differences(before, after, configs)),
        problems=tuple(_doubts(before, after)),
    )


_Key = tuple[str, str]


def _findings(before: Scan, after: Scan) -> tuple[dict[_Key, Finding], dict[_Key, Finding]]:
    """Gather the matches of both by vulnerability and package, aliases of either merged."""
    names = merge_names([*before.matches, *after.matches])
    return _grouped(before.matches, names), _grouped(after.matches, names)


def _grouped(matches: Iterable[Match], names: Mapping[str, str]) -> dict[_Key, Finding]:
    groups: dict[_Key, list[Match]] = {}
    for match in matches:
        key = (names[match.vulnerability], match.package.identity)
        groups.setdefault(key, []).append(match)
    return {
        key: Finding(*key, max(match.severity for match in group), tuple(group))
        for key, group in groups.items()
    }


def _sorted(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=_order))


def _order(finding: Finding) -> tuple[int, str, str]:
    return (-finding.severity, finding.vulnerability, finding.package)


def _packages(
    before: Iterable[Package], after: Iterable[Package]
) -> tuple[tuple[PackageChange, ...], tuple[PackageChange, ...], tuple[PackageChange, ...]]:
    """Return what was added, removed and changed."""
    old, new = _versions(before), _versions(after)
    added, removed, changed = [], [], []
    for identity in sorted(old.keys() | new.keys()):
        name, was = old.get(identity, ("", ()))
        new_name, now = new.get(identity, ("", ()))
        change = PackageChange(identity, name or new_name, was, now)
        if not was:
            added.append(change)
        elif not now:
            removed.append(change)
        elif was != now:
            changed.append(change)
    return tuple(added), tuple(removed), tuple(changed)


def _versions(packages: Iterable[Package]) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Map identities to names and versions, sorted."""
    found: dict[str, tuple[str, set[str]]] = {}
    for package in packages:
        found.setdefault(package.identity, (package.name, set()))[1].add(package.version)
    return {key: (name, tuple(sorted(versions))) for key, (name, versions) in found.items()}


def _differences(
    before: Scan, after: Scan, configs: tuple[ImageConfig, ImageConfig] | None
) -> Iterable[Difference]:
    """Yield what differs beside packages and findings; what is not told shows as `not told`."""
    pairs = [("operating system", _system(before), _system(after))]
    pairs.append(("platform", before.subject.platform, after.subject.platform))
    if configs is not None:
        old, new = configs
        pairs += [
            ("size", _shown(old.size), _shown(new.size)),
            ("user", old.user or "root", new.user or "root"),
            ("entrypoint", _words(old.entrypoint), _words(new.entrypoint)),
            ("command", _words(old.command), _words(new.command)),
        ]
    for what, was, now in pairs:
        if was != now:
            yield Difference(what, was or "not told", now or "not told")


def _system(scan: Scan) -> str | None:
    return None if scan.system is None else f"{scan.system.family} {scan.system.name}".strip()


def _shown(size: int | None) -> str | None:
    return None if size is None else str(size)


def _words(words: tuple[str, ...]) -> str:
    return " ".join(words) or "none"


def _doubts(before: Scan, after: Scan) -> Iterable[Unknown]:
    """Say why two scans cannot be set against each other."""
    for which, scan in (("before", before), ("after", after)):
        for problem in scan.problems:
            yield Unknown(f"{which}: {problem.reason}", problem.hint)
    again = "scan both images with the same scanner and database"
    if before.scanner != after.scanner:
        yield Unknown("the two images were scanned by different scanners", again)
    if before.database != after.database:
        yield Unknown("the two images were matched against different databases", again)
    if before.severity_order != after.severity_order:
        yield Unknown("the severities were chosen by different orders", again)
    if before.subject.platform != after.subject.platform:
        yield Unknown("the two images are for different platforms")
