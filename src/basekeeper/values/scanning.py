"""What can be put before a scanner, and how it is run."""

from __future__ import annotations

from dataclasses import field
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

from basekeeper.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from basekeeper.values.reference import Reference

ADVISORY: Final = "advisory"
"""In an order of severity sources: whoever published the advisory that matched."""
HIGHEST: Final = "highest"
"""In an order of severity sources: the highest that anybody gives."""

SEVERITY_ORDER: Final = (ADVISORY, "nvd", HIGHEST)
"""Whose severity counts: the distribution (or GitHub, for its own advisories) knows how its package
is built; else the National Vulnerability Database; else the most urgent word of anybody."""

MAX_DATABASE_AGE: Final = timedelta(hours=24)
"""Advisories older than this leave a scan open. The database is made every 6 hours, so that four
updates were missed by then; the shortest deadline, of exploited vulnerabilities, is as long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutImage:
    """An image in an OCI image layout."""

    path: Path
    """The folder with `oci-layout`, `index.json` and `blobs`."""
    digest: str
    """Of an index or a manifest in it."""
    platform: str
    """Taken of an index."""
    reference: Reference | None = None
    """The image of a registry that it is, by the digest that was asked for: what is told is told of
    that, and kept under its digest. None: it is known by its path alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveImage:
    """An image that was saved to one file (`docker save`)."""

    path: Path
    platform: str | None = None
    """What it must be made for; None: whatever it says."""


ImageSource: TypeAlias = "LayoutImage | ArchiveImage"
"""Where an image can be that a scanner looks into: always on this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PullLimits:
    """How much is fetched of what strangers offer."""

    layer_bytes: int = 16 * 1024**3
    """Largest layer, as it is transferred."""
    image_bytes: int = 16 * 1024**3
    """The same for all layers of an image; images of 10 GiB are rare, but real."""
    seconds: float = 3600.0
    """Most that one image or artifact may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannerSettings:
    """How a scanner is run."""

    cache_dir: Path
    """Where its database is, absolute; `update_database` writes there, nothing else does."""
    severity_order: tuple[str, ...] = SEVERITY_ORDER
    """Whose severity counts, first to last: names of sources, `advisory`, `highest`."""
    max_database_age: timedelta = MAX_DATABASE_AGE
    timeout: float = 600.0
    """Seconds that one look may take."""
    memory_bytes: int = 6 * 1024**3
    """Address space of the scanner; the database, close to 1 GiB, is mapped into it."""
    max_output_bytes: int = 256 * 1024**2
    """Most that a report or an SBOM may be."""
    database_repository: str | None = None
    """`host[:port]/path[:tag]` that the database comes from; None: the scanner's own."""
    java_database: bool = False
    """Whether an update also brings the list of Java archives."""
    java_repository: str | None = None
    vex: tuple[Path, ...] = ()
    """Documents that say what does not affect us, absolute."""
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """What the scanner's environment holds beside what it needs: proxies."""
