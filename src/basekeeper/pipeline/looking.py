"""One look of the scanner at one image: where it is, and what is done to have an answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from basekeeper.errors import Error
from basekeeper.records import dataclass
from basekeeper.values.image import Unknown
from basekeeper.values.scanning import ArchiveImage, LayoutImage, RegistryImage
from basekeeper.values.scanrun import How
from basekeeper.values.vulnerability import Sbom, Scan

if TYPE_CHECKING:
    from threading import Event

    from basekeeper.pipeline.run import Run
    from basekeeper.ports import Handing, Scanner
    from basekeeper.values.reference import Reference

Look = Callable[[], tuple[How, Scan | Unknown]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanning:
    """What a run of scans works with."""

    scanner: Scanner
    registry: Handing
    severity_order: tuple[str, ...]
    """By which the scanner was told to choose severities."""
    ended: Event
    """Ends whatever the scanner does, once it is set."""
    offline: bool = False
    """Whether nothing is fetched: only packages that were listed before are matched."""
    update: bool = False
    """Whether newer advisories are fetched first."""
    asking: Callable[[int, int], None] | None = None
    """Called with how many images registries were asked about, and of how many."""
    scanning: Callable[[int, int], None] | None = None
    """Likewise for those that were scanned."""


@dataclass(frozen=True, slots=True)
class Distant:
    """Looks at an image in a registry; equal ones are looked at once."""

    reference: Reference
    platform: str
    image_id: str
    run: Run
    work: Scanning

    def __call__(self) -> tuple[How, Scan | Unknown]:
        """Match what was listed before, else list what is inside."""
        scanner, now = self.work.scanner, self.run.now
        by_digest = RegistryImage(reference=self.reference, platform=self.platform)
        sbom, how = scanner.kept_sbom(by_digest, now=now), How.REMATCHED
        if sbom is None:
            sbom, how = self._listed(), How.SCANNED
        scan = sbom if isinstance(sbom, Unknown) else scanner.rematch(sbom, now=now)
        if isinstance(scan, Unknown):
            return How.UNKNOWN, scan
        if scan.image_id != self.image_id:
            hint = "run it with --no-cache, and empty the cache: basekeeper cache clear"
            return How.UNKNOWN, Unknown("the scanner listed the packages of another image", hint)
        return how, scan

    def _listed(self) -> Sbom | Unknown:
        if self.work.offline:
            return Unknown(
                "its packages were not listed before, and the run is offline",
                "run it once without --offline",
            )
        try:
            source = self.work.registry.hand_over(self.reference, self.platform)
        except Error as failed:
            return Unknown(failed.message, failed.hint)
        return self.work.scanner.sbom(source, now=self.run.now)


@dataclass(frozen=True, slots=True)
class Near:
    """Looks at an image on this machine; that costs no request, so nothing is kept of it."""

    source: LayoutImage | ArchiveImage
    run: Run
    work: Scanning

    def __call__(self) -> tuple[How, Scan | Unknown]:
        """Scan it."""
        scan = self.work.scanner.scan(self.source, now=self.run.now)
        return (How.UNKNOWN if isinstance(scan, Unknown) else How.SCANNED), scan


@dataclass(frozen=True, slots=True)
class Brought:
    """Matches an SBOM that the user named."""

    sbom: Sbom
    run: Run
    work: Scanning

    def __call__(self) -> tuple[How, Scan | Unknown]:
        """Match it."""
        scan = self.work.scanner.rematch(self.sbom, now=self.run.now)
        return (How.UNKNOWN if isinstance(scan, Unknown) else How.BROUGHT), scan
