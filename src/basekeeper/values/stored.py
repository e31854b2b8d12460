"""What the ledger tells of the images that a tree uses: scans, findings, and until when they count.

Image facts are kept once for each digest, whoever uses it; deadlines belong to a product of a
repository. All instants are aware and in UTC.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from basekeeper.records import dataclass

if TYPE_CHECKING:
    from datetime import datetime

    from basekeeper.deadlines.model import Deadline
    from basekeeper.values.image import Unknown
    from basekeeper.values.vulnerability import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredScan:
    """The newest look at one image for one platform."""

    digest: str
    platform: str
    at: datetime
    scanner: str
    """Name and version: `trivy 0.69.3`."""
    database: datetime | None
    """When its advisories were made; None where it could not be told."""
    severity_order: tuple[str, ...]
    """The setting that chose the severities."""
    packages: int
    """How many it listed."""
    problems: tuple[str, ...] = ()
    """Why there may be more than was found; empty: the answer is whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFinding:
    """One vulnerability of one package, as the newest look at an image found it."""

    vulnerability: str
    """First name, a CVE where there is one."""
    package: str
    """Package URL without version."""
    name: str
    """What people call the package."""
    platform: str
    installed: str
    fixed: tuple[str, ...]
    """Versions that hold the fix; empty: none is known."""
    severity: Severity
    severity_source: str
    """Whose severity that is; empty where nobody gave one."""
    since: datetime
    """When it was first found in this digest."""
    exploited: bool | None = None
    """Whether a catalogue lists it; None: that could not be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredImage:
    """What is known of one image in use, without asking anybody."""

    digest: str | None
    """The one that is in use, or that its tag was last seen to stand for; None: never seen."""
    scans: tuple[StoredScan, ...] = ()
    """One for each platform that was looked at, sorted by platform."""
    findings: tuple[StoredFinding, ...] = ()
    """Worst first."""
    unknown: Unknown | None = None
    """Why absence proves nothing: never scanned, in part only, by advisories too old."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryDeadlines:
    """All deadlines of one repository."""

    repository: str
    """Its name, as its chain in the ledger: `github.com/acme/shop`."""
    deadlines: tuple[Deadline, ...]
    """Sorted by vulnerability, lineage, package, platform, product and episode."""
    unread: tuple[str, ...] = ()
    """Events that say something of deadlines and could not be read: they may hide something."""
