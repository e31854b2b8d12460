"""What a report of any scanner tells, in our words, and the order in which it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from basekeeper.values.vulnerability import Match, OperatingSystem, Package


class Report(NamedTuple):
    """What a report tells, in our words."""

    version: str | None
    """Version that the scanner says it has."""
    artifact_type: str
    """What it took the subject for, in its words."""
    system: OperatingSystem | None
    image_id: str | None
    diff_ids: tuple[str, ...]
    platform: str | None
    """`os/architecture[/variant]`, as the image's configuration says."""
    packages: tuple[Package, ...]
    matches: tuple[Match, ...]
    suppressed: tuple[Match, ...]


def match_key(match: Match) -> tuple[object, ...]:
    """Return what makes a match the same as another."""
    return (match.vulnerability, match.package)


def package_order(package: Package) -> tuple[str, ...]:
    """Return what packages are sorted by."""
    return (
        package.kind.value, package.ecosystem, package.name, package.version,
        package.path or "", package.purl or "", package.layer or "",
    )  # fmt: skip


def match_order(match: Match) -> tuple[object, ...]:
    """Return what matches are sorted by: worst first."""
    return (-match.severity, match.vulnerability, package_order(match.package))
