"""Trivy as a scanner; the program itself decides nothing here but which advisories match."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from basekeeper.scanners.alike import ScannerAlike
from basekeeper.scanners.answer import Basis, make_scan
from basekeeper.scanners.cyclonedx import (
    MEDIA_TYPE,
    os_purls,
    passed_over,
    read_cyclonedx,
    tell_of_image,
    told_of_image,
)
from basekeeper.scanners.databases import (
    Place,
    holding,
    replace_database,
)
from basekeeper.scanners.layouts import layers_of
from basekeeper.scanners.nottold import NotTold
from basekeeper.scanners.program import TRIVY, Program
from basekeeper.scanners.sources import for_trivy
from basekeeper.scanners.targets import check_image, lay_out, subject_of
from basekeeper.scanners.trivy_command import Command
from basekeeper.scanners.trivy_database import read_database
from basekeeper.scanners.trivy_download import ADVISORIES, JAVA, download
from basekeeper.scanners.trivy_report import read_report
from basekeeper.scanners.workspace import Workspace
from basekeeper.values.vulnerability import (
    PackageKind,
    Sbom,
    ScannerIdentity,
)

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path
    from threading import Event

    from basekeeper.ports import Cache, Pulling
    from basekeeper.values.scanning import ImageSource, ScannerSettings
    from basekeeper.values.vulnerability import Database, Scan

_IMAGE: Final = "container_image"
"""As what Trivy reports on an image."""


class Trivy(ScannerAlike):
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
        super().__init__(settings, cache, ended)
        self._program = Program(program, TRIVY)
        self._command = Command(program, self._settings, ended)
        self._place = Place(self._settings.cache_dir, ("db", "java-db"), read_database)
        self._registry = registry

    def _version(self, space: Workspace) -> str:
        return self._command.version(space)

    def _scan(self, image: ImageSource, now: datetime) -> Scan:
        scanner = self._identity()
        with holding(self._place) as database, Workspace({}) as space:
            path, expected = lay_out(image, space)
            done = self._command.match(space, "image", ["--input", str(path)])
        report = read_report(done.stdout, self._settings.severity_order)
        check_image(report, _IMAGE, image, expected)
        subject = subject_of(image, report.image_id, report.platform)
        basis = Basis(scanner, database, self._settings, now)
        return make_scan(report, subject, basis, self._command.doubts(done))

    def _rematch(self, sbom: Sbom, now: datetime) -> Scan:
        document = read_cyclonedx(sbom.data)
        scanner = self._identity()
        with holding(self._place) as database, Workspace({}) as space:
            target = space.put("sbom.cdx.json", json.dumps(for_trivy(document)).encode())
            done = self._command.match(space, "sbom", [str(target)])
        image_id, diff_ids = told_of_image(document)
        report = read_report(done.stdout, self._settings.severity_order)
        report = report._replace(image_id=image_id, diff_ids=diff_ids)
        if report.artifact_type != "cyclonedx":
            raise NotTold(f"the scanner took the SBOM for {report.artifact_type!r}")
        looked_at = {one.purl for one in report.packages if one.kind is PackageKind.OS}
        doubts = [*self._command.doubts(done), *passed_over(os_purls(document), looked_at)]
        basis = Basis(scanner, database, self._settings, now)
        return replace(make_scan(report, sbom.subject, basis, doubts), rematched=True)

    def _list(
        self,
        image: ImageSource,
        scanner: ScannerIdentity,
        now: datetime,  # noqa: ARG002  # lists only
    ) -> Sbom:
        with Workspace({}) as space:
            path, expected = lay_out(image, space)
            done = self._command.list_packages(space, ["--input", str(path)])
            diff_ids = () if expected is None else layers_of(path, expected)
        document = read_cyclonedx(done.stdout)
        found, single = told_of_image(document)
        if found is None or expected not in (None, found):
            raise NotTold("the scanner listed the packages of another image")
        subject = subject_of(image, found, None)
        data = tell_of_image(document, None, diff_ids or single)
        return Sbom(subject=subject, media_type=MEDIA_TYPE, data=data, scanner=scanner)

    def _update(self, now: datetime) -> Database:
        present = self._place.present()
        if (
            present is not None
            and present.next_update is not None
            and present.updated <= now < present.next_update
        ):
            return present
        self._identity()
        return replace_database(
            self._place,
            lambda fresh: self._download(fresh, now),
            check=self._check_ended,
            now=now,
        )

    def _download(self, fresh: Path, now: datetime) -> None:
        settings, registry = self._settings, self._registry
        if registry is None:
            raise NotTold("the vulnerability database is not fetched by this run")
        wanted = [(ADVISORIES, settings.database_repository)]
        if settings.java_database:
            wanted.append((JAVA, settings.java_repository))
        for kind, repository in wanted:
            download(registry, kind, repository, fresh, now=now, check=self._check_ended)
