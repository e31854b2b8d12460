"""Grype as a scanner, beside Trivy: other advisories, matched in another way.

It lists packages only while it matches them, so that its `sbom` needs a database as well; what was
listed that day matched is left out. Where two scanners look, the list that one made is best matched
by both (`rematch` takes Trivy's): then they differ about advisories alone.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from basekeeper.scanners.alike import ScannerAlike
from basekeeper.scanners.answer import Basis, make_scan
from basekeeper.scanners.cyclonedx import MEDIA_TYPE, passed_over, read_cyclonedx
from basekeeper.scanners.databases import Place, holding, replace_database
from basekeeper.scanners.fields import read_json
from basekeeper.scanners.grype_command import Command
from basekeeper.scanners.grype_database import FOLDER, knows, read_database
from basekeeper.scanners.grype_listing import as_sbom, read_listing
from basekeeper.scanners.grype_report import read_head, read_report
from basekeeper.scanners.nottold import NotTold
from basekeeper.scanners.program import GRYPE, Program
from basekeeper.scanners.sources import for_grype
from basekeeper.scanners.targets import check_image, lay_out, subject_of
from basekeeper.scanners.workspace import Workspace
from basekeeper.values.scanning import LayoutImage
from basekeeper.values.vulnerability import PackageKind, Sbom

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path
    from threading import Event

    from basekeeper.ports import Cache
    from basekeeper.process import Completed
    from basekeeper.scanners.grype_listing import Listing
    from basekeeper.scanners.grype_report import Head
    from basekeeper.scanners.report import Report
    from basekeeper.values.scanning import ImageSource, ScannerSettings
    from basekeeper.values.vulnerability import Database, Scan, ScannerIdentity

_IMAGE: Final = "image"
"""What Grype calls an image in its reports."""


class Grype(ScannerAlike):
    """The scanner of Anchore; see `ports.Scanner`. Safe to share between threads."""

    def __init__(
        self,
        program: str,
        settings: ScannerSettings,
        *,
        database_url: str | None = None,
        cache: Cache | None = None,
        ended: Event | None = None,
    ) -> None:
        """Run nothing yet.

        Args:
            program: Absolute path of the executable.
            settings: How it is run; the repositories in it are not for this scanner. Its
                environment reaches updates alone.
            database_url: Where an update is from: the URL of a listing, or the absolute path of an
                archive; None: Grype's own publisher.
            cache: Where SBOMs are kept; None: nowhere.
            ended: Once another thread sets it, a scanner that runs is ended.

        Raises:
            InputError: The order of severities cannot be used.
        """
        super().__init__(settings, cache, ended)
        self._program = Program(program, GRYPE)
        self._command = Command(program, self._settings, ended)
        self._place = Place(self._settings.cache_dir, (FOLDER,), read_database)
        self._url = database_url

    def _version(self, space: Workspace) -> str:
        return self._command.version(space)

    def _scan(self, image: ImageSource, now: datetime) -> Scan:
        scanner = self._identity()
        with holding(self._place) as database, Workspace({}) as space:
            done, expected, document = self._look(image, space)
            answer = self._report(done)
            head = self._head(answer, database)
            listing = read_listing(document, head.diff_ids)
            report = self._read(answer, listing, now)
            check_image(report, _IMAGE, image, expected)
            doubts = [*self._command.doubts(done), *self._gaps(report)]
        subject = subject_of(image, report.image_id, report.platform)
        return make_scan(report, subject, Basis(scanner, database, self._settings, now), doubts)

    def _rematch(self, sbom: Sbom, now: datetime) -> Scan:
        document = read_cyclonedx(sbom.data)
        listing = read_listing(document)
        scanner = self._identity()
        with holding(self._place) as database, Workspace({}) as space:
            path = space.put("sbom.cdx.json", json.dumps(for_grype(document)).encode())
            done, listed = self._command.match_and_list(space, f"sbom:{path}")
            answer = self._report(done)
            self._head(answer, database)
            report = self._read(answer, listing, now)._replace(
                image_id=listing.image_id, diff_ids=listing.diff_ids
            )
            looked_at = _os_packages(read_listing(read_cyclonedx(listed)))
            doubts = [
                *self._command.doubts(done),
                *self._gaps(report),
                *passed_over(_os_packages(listing), looked_at),
            ]
        basis = Basis(scanner, database, self._settings, now)
        return replace(make_scan(report, sbom.subject, basis, doubts), rematched=True)

    def _list(self, image: ImageSource, scanner: ScannerIdentity, now: datetime) -> Sbom:
        with holding(self._place) as database, Workspace({}) as space:
            done, expected, document = self._look(image, space)
            answer = self._report(done)
            head = self._head(answer, database)
            report = self._read(answer, read_listing(document, head.diff_ids), now)
            check_image(report, _IMAGE, image, expected)
        data = as_sbom(document, head.image_id, head.diff_ids)
        subject = subject_of(image, head.image_id, head.platform)
        return Sbom(subject=subject, media_type=MEDIA_TYPE, data=data, scanner=scanner)

    def _look(
        self, image: ImageSource, space: Workspace
    ) -> tuple[Completed, str | None, dict[str, Any]]:
        """Run it on an image: its report, the image id where that was known, and its list."""
        path, expected = lay_out(image, space)
        kind = "oci-dir" if isinstance(image, LayoutImage) else "docker-archive"
        done, listed = self._command.match_and_list(space, f"{kind}:{path}")
        return done, expected, read_cyclonedx(listed)

    def _report(self, done: Completed) -> dict[str, Any]:
        return read_json(done.stdout, "the scanner's report")

    def _head(self, answer: dict[str, Any], database: Database) -> Head:
        head = read_head(answer)
        if head.built != database.updated:
            raise NotTold("the scanner matched against another database")
        return head

    def _read(self, answer: dict[str, Any], listing: Listing, now: datetime) -> Report:
        return read_report(answer, listing, self._settings.severity_order, now)

    def _gaps(self, report: Report) -> Iterator[str]:
        """Say which packages it passes over without a word."""
        if not any(one.kind is PackageKind.OS for one in report.packages):
            return
        if report.system is None:
            yield "the scanner could not tell which operating system the packages are of"
        elif not knows(self._settings.cache_dir, report.system):
            name = f"{report.system.family} {report.system.name}".strip()
            yield f"the scanner knows no advisories for {name}"

    def _update(self, now: datetime) -> Database:
        self._identity()
        present = self._place.present()
        url = self._url
        archive = url if url is not None and url.startswith("/") else None
        with Workspace({}) as space:

            def fetch(fresh: Path) -> None:
                if archive is None:
                    self._command.download(space, fresh, url)
                else:
                    self._command.unpack(space, fresh, archive)

            if (
                archive is None
                and present is not None
                and not self._command.offers_newer(space, url)
            ):
                return present
            return replace_database(self._place, fetch, check=self._check_ended, now=now)


def _os_packages(listing: Listing) -> set[tuple[str, str]]:
    """Names and versions of the packages of an operating system."""
    return {(one.name, one.version) for one in listing.packages if one.kind is PackageKind.OS}
