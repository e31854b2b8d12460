"""What every scanner does alike: it answers instead of raising, and lists a digest once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING

from basekeeper.process import ProcessError
from basekeeper.scanners.databases import age_problem
from basekeeper.scanners.keeping import KeptSboms
from basekeeper.scanners.nottold import told
from basekeeper.scanners.severity import check_order
from basekeeper.scanners.targets import registry_subject, subject_of
from basekeeper.scanners.workspace import Workspace
from basekeeper.values.image import Unknown

if TYPE_CHECKING:
    from datetime import datetime
    from threading import Event

    from basekeeper.ports import Cache
    from basekeeper.scanners.databases import Place
    from basekeeper.scanners.program import Program
    from basekeeper.values.reference import Reference
    from basekeeper.values.scanning import ImageSource, ScannerSettings
    from basekeeper.values.vulnerability import Database, Sbom, Scan, ScannerIdentity


class ScannerAlike(ABC):
    """What `ports.Scanner` asks, but for what differs from program to program."""

    _place: Place
    _program: Program

    def __init__(self, settings: ScannerSettings, cache: Cache | None, ended: Event | None) -> None:
        """Run nothing yet.

        Args:
            settings: How it is run.
            cache: Where SBOMs are kept; None: nowhere.
            ended: Once another thread sets it, a scanner that runs is ended.

        Raises:
            InputError: The order of severities cannot be used.
        """
        check_order(settings.severity_order)
        self._settings = replace(settings, cache_dir=settings.cache_dir.absolute())
        self._kept = KeptSboms(cache)
        self._ended = ended

    def identity(self) -> ScannerIdentity | Unknown:
        """Tell which program looks."""
        return told(self._identity)

    def database(self, *, now: datetime) -> Database | Unknown:
        """Tell which advisories are known; Unknown where they are missing, stale or misdated."""
        found = told(lambda: self._place.read(self._place.folder))
        if isinstance(found, Unknown):
            return found
        return age_problem(found, now, self._settings.max_database_age) or found

    def scan(self, image: ImageSource, *, now: datetime) -> Scan | Unknown:
        """Look into an image and match its packages."""
        return told(lambda: self._scan(image, now))

    def sbom(self, image: ImageSource, *, now: datetime) -> Sbom | Unknown:
        """List the packages of an image; of a digest once for ever."""
        return told(lambda: self._sbom(image, now))

    def kept_sbom(self, image: Reference, platform: str, *, now: datetime) -> Sbom | Unknown | None:
        """Return the SBOM that this release made of a digest before."""
        subject = registry_subject(image, platform)
        return told(lambda: self._kept.find(subject, self._identity(), now=now))

    def rematch(self, sbom: Sbom, *, now: datetime) -> Scan | Unknown:
        """Match listed packages, whoever listed them, against the present database."""
        return told(lambda: self._rematch(sbom, now))

    def update_database(self, *, now: datetime) -> Database | Unknown:
        """Fetch a newer database where one is due; what is there stays until that is whole."""
        return told(lambda: self._update(now))

    @abstractmethod
    def _version(self, space: Workspace) -> str: ...

    @abstractmethod
    def _scan(self, image: ImageSource, now: datetime) -> Scan: ...

    @abstractmethod
    def _list(self, image: ImageSource, scanner: ScannerIdentity, now: datetime) -> Sbom: ...

    @abstractmethod
    def _rematch(self, sbom: Sbom, now: datetime) -> Scan: ...

    @abstractmethod
    def _update(self, now: datetime) -> Database: ...

    def _identity(self) -> ScannerIdentity:
        def ask_version() -> str:
            with Workspace({}) as space:
                return self._version(space)

        return self._program.identify(ask_version)

    def _sbom(self, image: ImageSource, now: datetime) -> Sbom:
        scanner = self._identity()
        kept = self._kept.find(subject_of(image, None, None), scanner, now=now)
        if kept is not None:
            return kept
        sbom = self._list(image, scanner, now)
        self._kept.keep(sbom, scanner, now=now)
        return sbom

    def _check_ended(self) -> None:
        if self._ended is not None and self._ended.is_set():
            raise ProcessError("the update was ended, as the run was")
