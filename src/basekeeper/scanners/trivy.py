"""Trivy as a scanner; the program itself decides nothing here but which advisories match."""

from __future__ import annotations

import json
import shutil
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from basekeeper.process import ProcessError
from basekeeper.scanners.answer import Basis, make_scan
from basekeeper.scanners.cyclonedx import MEDIA_TYPE, image_id, not_looked_at, read_cyclonedx
from basekeeper.scanners.databases import (
    UNFINISHED_PREFIX,
    age_problem,
    forget_unfinished,
    reading,
    refuse_odd,
    replace_database,
)
from basekeeper.scanners.nottold import NotTold, told
from basekeeper.scanners.program import TRIVY, Program
from basekeeper.scanners.severity import check_order
from basekeeper.scanners.trivy_command import Command
from basekeeper.scanners.trivy_database import read_database
from basekeeper.scanners.trivy_download import ADVISORIES, JAVA, download
from basekeeper.scanners.trivy_report import read_report
from basekeeper.scanners.trivy_targets import (
    check_image,
    point_at,
    registry_subject,
    sbom_key,
    subject_of,
)
from basekeeper.scanners.workspace import Workspace
from basekeeper.values.image import Unknown
from basekeeper.values.vulnerability import (
    Sbom,
    ScannerIdentity,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from threading import Event

    from basekeeper.ports import Cache, Pulling
    from basekeeper.values.reference import Reference
    from basekeeper.values.scanning import ImageSource, ScannerSettings
    from basekeeper.values.vulnerability import Database, Scan, Subject

SBOM_KEPT: Final = timedelta(days=3650)
"""How long a kept SBOM is taken: what a digest holds does not change, nor does what one release of
the scanner finds in it."""


class Trivy:
    """The scanner of Aqua Security; see `ports.Scanner`. Safe to share between threads."""

    def __init__(
        self,
        program: str,
        settings: ScannerSettings,
        *,
        cache: Cache | None = None,
        registry: Pulling | None = None,
        ended: Event | None = None,
    ) -> None:
        """Run nothing yet.

        Args:
            program: Absolute path of the executable.
            settings: How it is run.
            cache: Where SBOMs are kept; None: nowhere.
            registry: Gives the database; None: it is never updated.
            ended: Once another thread sets it, a scanner that runs is ended.

        Raises:
            InputError: The order of severities cannot be used.
        """
        check_order(settings.severity_order)
        self._settings = replace(settings, cache_dir=settings.cache_dir.absolute())
        self._program = Program(program, TRIVY)
        self._command = Command(program, self._settings, ended)
        self._cache = cache
        self._registry = registry
        self._ended = ended

    def identity(self) -> ScannerIdentity | Unknown:
        """Tell which program looks."""
        return told(self._identity)

    def database(self, *, now: datetime) -> Database | Unknown:
        """Tell which advisories are known; Unknown where they are missing, stale or misdated."""
        found = told(lambda: read_database(self._settings.cache_dir))
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
        return told(lambda: self._kept(subject, self._identity(), now))

    def rematch(self, sbom: Sbom, *, now: datetime) -> Scan | Unknown:
        """Match listed packages against the present database; no image is fetched."""
        return told(lambda: self._rematch(sbom, now))

    def update_database(self, *, now: datetime) -> Database | Unknown:
        """Fetch a newer database where one is due; what is there stays until that is whole."""
        return told(lambda: self._update(now))

    def _identity(self) -> ScannerIdentity:
        def ask_version() -> str:
            with Workspace({}) as space:
                return self._command.version(space)

        return self._program.identify(ask_version)

    def _scan(self, image: ImageSource, now: datetime) -> Scan:
        scanner = self._identity()
        with self._database() as database, Workspace({}) as space:
            target, expected = point_at(image, space)
            done = self._command.match(space, "image", target)
        report = read_report(done.stdout, self._settings.severity_order)
        check_image(report, image, expected)
        subject = subject_of(image, report.image_id, report.platform)
        basis = Basis(scanner, database, self._settings, now)
        return make_scan(report, subject, basis, self._command.doubts(done))

    def _rematch(self, sbom: Sbom, now: datetime) -> Scan:
        document = read_cyclonedx(sbom.data)
        scanner = self._identity()
        with self._database() as database, Workspace({}) as space:
            target = space.put("sbom.cdx.json", sbom.data)
            done = self._command.match(space, "sbom", [str(target)])
        report = read_report(done.stdout, self._settings.severity_order)
        if report.artifact_type != "cyclonedx":
            raise NotTold(f"the scanner took the SBOM for {report.artifact_type!r}")
        doubts = self._command.doubts(done)
        passed_over = not_looked_at(document, report)
        if passed_over:
            count = "1 package" if passed_over == 1 else f"{passed_over} packages"
            was = "was" if passed_over == 1 else "were"
            doubts.append(f"{count} of the SBOM {was} not looked at")
        basis = Basis(scanner, database, self._settings, now)
        return replace(make_scan(report, sbom.subject, basis, doubts), rematched=True)

    def _sbom(self, image: ImageSource, now: datetime) -> Sbom:
        scanner = self._identity()
        kept = self._kept(subject_of(image, None, None), scanner, now)
        return kept if kept is not None else self._list(image, scanner, now)

    def _list(self, image: ImageSource, scanner: ScannerIdentity, now: datetime) -> Sbom:
        with Workspace({}) as space:
            target, expected = point_at(image, space)
            done = self._command.list_packages(space, target)
        document = read_cyclonedx(done.stdout)
        found = image_id(document)
        if found is None or expected not in (None, found):
            raise NotTold("the scanner listed the packages of another image")
        subject = subject_of(image, found, None)
        sbom = Sbom(subject=subject, media_type=MEDIA_TYPE, data=done.stdout, scanner=scanner)
        key = sbom_key(subject, scanner)
        if self._cache is not None and key is not None:
            self._cache.keep_answer(key, _packed(sbom), now=now)
        return sbom

    def _kept(self, subject: Subject, scanner: ScannerIdentity, now: datetime) -> Sbom | None:
        """Return the SBOM that was made of a digest before."""
        key = sbom_key(subject, scanner)
        if self._cache is None or key is None:
            return None
        data = self._cache.answer(key, now=now, max_age=SBOM_KEPT)
        return None if data is None else _unpacked(data, subject)

    def _update(self, now: datetime) -> Database:
        cache_dir = self._settings.cache_dir
        present = self._present()
        if (
            present is not None
            and present.next_update is not None
            and present.updated <= now < present.next_update
        ):
            return present
        self._identity()
        cache_dir.mkdir(parents=True, exist_ok=True)
        forget_unfinished(cache_dir, now)
        fresh = Path(tempfile.mkdtemp(prefix=UNFINISHED_PREFIX, dir=cache_dir))
        try:
            self._download(fresh, now)
            found = read_database(fresh)
            refuse_odd(found, self._present(), now)
            replace_database(cache_dir, fresh, ("db", "java-db"), check=self._check_ended)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        return found

    def _present(self) -> Database | None:
        with suppress(NotTold):
            return read_database(self._settings.cache_dir)
        return None

    def _download(self, fresh: Path, now: datetime) -> None:
        settings, registry = self._settings, self._registry
        if registry is None:
            raise NotTold("the vulnerability database is not fetched by this run")
        wanted = [(ADVISORIES, settings.database_repository)]
        if settings.java_database:
            wanted.append((JAVA, settings.java_repository))
        for kind, repository in wanted:
            download(registry, kind, repository, fresh, now=now, check=self._check_ended)

    def _check_ended(self) -> None:
        if self._ended is not None and self._ended.is_set():
            raise ProcessError("the update was ended, as the run was")

    @contextmanager
    def _database(self) -> Iterator[Database]:
        """Hold the database while it is read; it must be the same at the end."""
        cache_dir = self._settings.cache_dir
        with reading(cache_dir):
            database = read_database(cache_dir)
            yield database
            if read_database(cache_dir) != database:
                raise NotTold("the vulnerability database changed meanwhile", hint="run it again")


_NOBODY: Final = ScannerIdentity(name="trivy", version="", digest="", verified=False)


def _packed(sbom: Sbom) -> bytes:
    scanner = sbom.scanner or _NOBODY
    head = {"version": scanner.version, "digest": scanner.digest, "verified": scanner.verified}
    return json.dumps(head).encode() + b"\n" + sbom.data


def _unpacked(data: bytes, subject: Subject) -> Sbom | None:
    """Take a kept SBOM apart; None where it is damaged, so that it is made again."""
    head, _, body = data.partition(b"\n")
    try:
        told: dict[str, Any] = json.loads(head)
        scanner = ScannerIdentity(
            name="trivy",
            version=str(told["version"]),
            digest=str(told["digest"]),
            verified=bool(told["verified"]),
        )
        read_cyclonedx(body)
    except (ValueError, KeyError, TypeError, NotTold):
        return None
    return Sbom(subject=subject, media_type=MEDIA_TYPE, data=body, scanner=scanner)
