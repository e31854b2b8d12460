"""One look of the scanner at one image: where it is, and what is done to have an answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.errors import Error, InputError
from basekeeper.folders import PrivateFolder
from basekeeper.records import dataclass
from basekeeper.values.image import Unknown
from basekeeper.values.scanrun import How
from basekeeper.values.vulnerability import Sbom, Scan

if TYPE_CHECKING:
    from threading import Event
    from types import TracebackType
    from typing import Self

    from basekeeper.pipeline.run import Run
    from basekeeper.ports import Pulling, Scanner
    from basekeeper.values.reference import Reference
    from basekeeper.values.scanning import ArchiveImage, LayoutImage, PullLimits

_MORE_ROOM: Final = "name a directory that has room for whole images in the variable TMPDIR"


class Looked(NamedTuple):
    """What came of one look."""

    how: How
    answer: Scan | Unknown
    second: Scan | Unknown | None = None
    """What the second scanner says of the same packages; None: there is none."""


Look = Callable[[], Looked]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanning:
    """What a run of scans works with."""

    scanner: Scanner
    """Lists the packages, and matches them."""
    registry: Pulling
    severity_order: tuple[str, ...]
    """By which the scanner was told to choose severities."""
    ended: Event
    """Ends whatever the scanner does, once it is set."""
    second: Scanner | None = None
    """Matches the same packages, so that both differ about advisories alone."""
    limits: PullLimits | None = None
    """How much is fetched of one image; None: the defaults."""
    offline: bool = False
    """Whether nothing is fetched: only packages that were listed before are matched."""
    update: bool = False
    """Whether newer advisories are fetched first."""
    asking: Callable[[int, int], None] | None = None
    """Called with how many images registries were asked about, and of how many."""
    scanning: Callable[[int, int], None] | None = None
    """Likewise for those that were scanned."""


class Fetched:
    """An image of a registry, fetched once it is asked for; use it in a `with` block.

    The end of the block removes it, so that every scanner that is to look at it is asked before.
    """

    def __init__(self, reference: Reference, platform: str, work: Scanning) -> None:
        """Fetch nothing yet."""
        self._reference, self._platform, self._work = reference, platform, work
        self._room: PrivateFolder | None = None
        self._found: LayoutImage | Unknown | None = None

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove what was fetched."""
        if self._room is not None:
            self._room.close()

    def layout(self) -> LayoutImage | Unknown:
        """Fetch it, at most once; Unknown where that fails."""
        if self._found is None:
            self._found = self._fetch()
        return self._found

    def _fetch(self) -> LayoutImage | Unknown:
        if self._work.offline:
            return Unknown(
                "its packages were not listed before, and the run is offline",
                "run it once without --offline",
            )
        try:
            self._room = PrivateFolder("image")
            place = self._room.path / "layout"
            return self._work.registry.pull(
                self._reference, self._platform, place, limits=self._work.limits
            )
        except InputError as failed:
            return Unknown(failed.message, _MORE_ROOM)
        except Error as failed:
            return Unknown(failed.message, failed.hint)
        except OSError as error:
            return Unknown(f"there is no room for the image: {error.strerror}", _MORE_ROOM)


@dataclass(frozen=True, slots=True)
class Distant:
    """Looks at an image in a registry; equal ones are looked at once."""

    reference: Reference
    platform: str
    image_id: str
    run: Run
    work: Scanning

    def __call__(self) -> Looked:
        """Match what was listed before, else fetch the image and list what is inside."""
        now, how = self.run.now, How.REMATCHED
        scanner = self.work.scanner
        sbom = scanner.kept_sbom(self.reference, self.platform, now=now)
        if sbom is None:
            how = How.SCANNED
            with Fetched(self.reference, self.platform, self.work) as fetched:
                image = fetched.layout()
                sbom = image if isinstance(image, Unknown) else scanner.sbom(image, now=now)
        if isinstance(sbom, Unknown):
            return Looked(How.UNKNOWN, sbom)
        scan = scanner.rematch(sbom, now=now)
        if isinstance(scan, Scan) and scan.image_id != self.image_id:
            hint = "run it with --no-cache, and empty the cache: basekeeper cache clear"
            scan = Unknown("the scanner listed the packages of another image", hint)
        return _looked(how, scan, sbom, self.run, self.work)


@dataclass(frozen=True, slots=True)
class Near:
    """Looks at an image on this machine; that costs no request, so nothing is kept of it."""

    source: LayoutImage | ArchiveImage
    run: Run
    work: Scanning

    def __call__(self) -> Looked:
        """Scan it; for a second scanner its packages are listed too."""
        scanner, now = self.work.scanner, self.run.now
        scan = scanner.scan(self.source, now=now)
        if self.work.second is None or isinstance(scan, Unknown):
            return Looked(How.UNKNOWN if isinstance(scan, Unknown) else How.SCANNED, scan)
        return _looked(How.SCANNED, scan, scanner.sbom(self.source, now=now), self.run, self.work)


@dataclass(frozen=True, slots=True)
class Brought:
    """Matches an SBOM that the user named."""

    sbom: Sbom
    run: Run
    work: Scanning

    def __call__(self) -> Looked:
        """Match it."""
        scan = self.work.scanner.rematch(self.sbom, now=self.run.now)
        return _looked(How.BROUGHT, scan, self.sbom, self.run, self.work)


def _looked(
    how: How, scan: Scan | Unknown, sbom: Sbom | Unknown, run: Run, work: Scanning
) -> Looked:
    """Ask the second scanner, if there is one and the first gave an answer."""
    if isinstance(scan, Unknown):
        return Looked(How.UNKNOWN, scan)
    if work.second is None:
        return Looked(how, scan)
    second = sbom if isinstance(sbom, Unknown) else work.second.rematch(sbom, now=run.now)
    return Looked(how, scan, second)
