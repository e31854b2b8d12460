"""The scanners that the contract is run on: how each is made, and what is its own."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from abc import ABC, abstractmethod
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest

from basekeeper.scanners.grype import Grype
from basekeeper.scanners.program import GRYPE, TRIVY, Program
from basekeeper.scanners.trivy import Trivy
from basekeeper.values.scanning import LayoutImage, ScannerSettings
from tests.fakes import grypedb, trivydb
from tests.fakes.provisioned import provisioned
from tests.fakes.trivydb import CRITICAL, HIGH
from tools import images

if TYPE_CHECKING:
    from pathlib import Path

    from basekeeper.ports import Cache

AMD64: Final = "linux/amd64"


class Kind(ABC):
    """What of the contract depends on which scanner it is."""

    name: str
    component: str
    writer: str
    """The component that writes its databases."""
    tells_justification: bool
    """Whether it says why a statement holds that something does not affect us."""

    @abstractmethod
    def make(
        self, program: Program, settings: ScannerSettings, cache: Cache | None, **rest: Any
    ) -> Trivy | Grype:
        """Make an adapter; the program's digest is taken once for all tests."""

    @abstractmethod
    def write(self, writer: Path, place: Path, *, later: bool) -> None:
        """Write a small database."""

    @abstractmethod
    def damage(self, whole: Path, target: Path, damage: str) -> None:
        """Copy a database and damage its `metadata`, `schema`, `content`, or leave it `empty`."""

    @abstractmethod
    def mislead(self, folder: Path) -> dict[str, str]:
        """Write files that a scanner reads by itself; returns variables that point to more."""

    @abstractmethod
    def run_plainly(self, program: str, database: Path, layout: Path) -> bytes:
        """Run it as a user would; returns what it says."""


class TrivyKind(Kind):
    """Trivy."""

    name, component, writer = "trivy", "scanner", "advisories"
    tells_justification = True

    def make(
        self, program: Program, settings: ScannerSettings, cache: Cache | None, **rest: Any
    ) -> Trivy:
        """Make an adapter."""
        made = Trivy(program.path, settings, cache=cache, **rest)
        made._program = program
        return made

    def write(self, writer: Path, place: Path, *, later: bool) -> None:
        """Write a small database."""
        updated = trivydb.UPDATED + timedelta(hours=6 * later)
        trivydb.write_database(writer, place, trivydb.advisories(later=later), updated=updated)

    def damage(self, whole: Path, target: Path, damage: str) -> None:
        """Copy a database and damage it."""
        folder = target / "db"
        folder.mkdir()
        data = (whole / "db" / "trivy.db").read_bytes()
        content = {"content": b"x" * len(data), "empty": b""}.get(damage, data)
        (folder / "trivy.db").write_bytes(content)
        trivydb.write_metadata(target, trivydb.UPDATED, schema=3 if damage == "schema" else 2)
        if damage == "metadata":
            (folder / "metadata.json").write_text("{", encoding="utf-8")

    def mislead(self, folder: Path) -> dict[str, str]:
        """Write files that Trivy reads by itself."""
        (folder / "trivy.yaml").write_text("severity: [LOW]\nexit-code: 9\nformat: table\n")
        (folder / ".trivyignore").write_text(f"{CRITICAL}\n{HIGH}\n")
        (folder / ".trivyignore.yaml").write_text(f"vulnerabilities: [{{id: {CRITICAL}}}]\n")
        return {
            "TRIVY_SEVERITY": "LOW", "TRIVY_IGNOREFILE": str(folder / ".trivyignore"),
            "TRIVY_CONFIG": str(folder / "trivy.yaml"), "TRIVY_FORMAT": "table",
            "TRIVY_CACHE_DIR": str(folder / "home"), "TRIVY_PASSWORD": "of another registry",
        }  # fmt: skip

    def run_plainly(self, program: str, database: Path, layout: Path) -> bytes:
        """Run it as a user would."""
        command = [program, "image", "--skip-db-update", "--cache-dir", str(database)]
        return _said([*command, "--input", str(layout)])


class GrypeKind(Kind):
    """Grype."""

    name, component, writer = "grype", "grype", "grypedb"
    tells_justification = False

    def make(
        self, program: Program, settings: ScannerSettings, cache: Cache | None, **rest: Any
    ) -> Grype:
        """Make an adapter."""
        made = Grype(program.path, settings, cache=cache, **rest)
        made._program = program
        return made

    def write(self, writer: Path, place: Path, *, later: bool) -> None:
        """Write a small database."""
        updated = trivydb.UPDATED + timedelta(hours=6 * later)
        grypedb.write_database(writer, place, grypedb.advisories(later=later, updated=updated))

    def damage(self, whole: Path, target: Path, damage: str) -> None:
        """Copy a database and damage it."""
        shutil.copytree(whole / "6", target / "6")
        file = target / "6" / "vulnerability.db"
        if damage in ("content", "empty"):
            file.write_bytes(b"x" * file.stat().st_size if damage == "content" else b"")
            return
        change = "DELETE FROM" if damage == "metadata" else "UPDATE"
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute(f"{change} db_metadata" + (" SET model = 7" * (damage == "schema")))

    def mislead(self, folder: Path) -> dict[str, str]:
        """Write files that Grype reads by itself."""
        config = folder / ".grype.yaml"
        ignored = [{"vulnerability": CRITICAL}, {"vulnerability": HIGH}]
        config.write_text(json.dumps({"ignore": ignored, "output": ["table"], "only-fixed": True}))
        return {
            "GRYPE_ONLY_NOTFIXED": "true", "GRYPE_CONFIG": str(config), "GRYPE_OUTPUT": "table",
            "GRYPE_DB_CACHE_DIR": str(folder / "home"), "GRYPE_FAIL_ON_SEVERITY": "low",
        }  # fmt: skip

    def run_plainly(self, program: str, database: Path, layout: Path) -> bytes:
        """Run it as a user would, in the folder whose configuration it reads."""
        return _said([program, f"oci-dir:{layout}"], GRYPE_DB_CACHE_DIR=str(database))


def _said(command: list[str], **environment: str) -> bytes:

    done = subprocess.run(
        command, check=False, capture_output=True, timeout=60, env={**os.environ, **environment}
    )
    return done.stdout


@dataclass(frozen=True, slots=True)
class Databases:
    """Small databases of one scanner, each content written once."""

    kind: Kind
    folder: Path

    def get(self, *, later: bool = False) -> Path:
        """Return the directory with the first database, or with the later one."""
        place = self.folder / f"{self.kind.name}-{later}"
        if not place.exists():
            self.kind.write(provisioned(self.kind.writer), place, later=later)
        return place


@dataclass(frozen=True, slots=True)
class Bench:
    """A scanner under test, and the images put before it."""

    kind: Kind
    program: Program
    databases: Databases
    layout: Path

    @property
    def cache_dir(self) -> Path:
        """Where the first database is."""
        return self.databases.get()

    def scanner(
        self, *, cache: Cache | None = None, rest: dict[str, Any] | None = None, **changes: Any
    ) -> Trivy | Grype:
        """Make one with the first database, or with settings of a test's own."""
        settings = replace(ScannerSettings(cache_dir=self.cache_dir), **changes)
        return self.kind.make(self.program, settings, cache, **(rest or {}))

    def digest(self, name: str) -> str:
        """Digest of an image by its name in the layout."""
        found: str = images.named(self.layout)[name]["digest"]
        return found

    def image(self, name: str, platform: str = AMD64) -> LayoutImage:
        """An image of the layout."""
        return LayoutImage(path=self.layout, digest=self.digest(name), platform=platform)


_MAKES: Final = {"trivy": (TrivyKind(), TRIVY), "grype": (GrypeKind(), GRYPE)}
_PROGRAMS: dict[Path, Program] = {}


@pytest.fixture(scope="session")
def scanner_databases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where small databases are written."""
    return tmp_path_factory.mktemp("databases")


def make_bench(name: str, databases: Path, layout: Path) -> Bench:
    """Make a bench for a scanner; skips where its program is missing."""
    kind, make = _MAKES[name]
    path = provisioned(kind.component)
    program = _PROGRAMS.setdefault(path, Program(str(path), make))
    return Bench(kind, program, Databases(kind, databases), layout)


@pytest.fixture(
    params=[
        pytest.param(name, marks=pytest.mark.component(kind.component))
        for name, (kind, _) in _MAKES.items()
    ]
)
def bench(request: pytest.FixtureRequest, scanner_databases: Path, image_layout: Path) -> Bench:
    """Each scanner in turn, real."""
    return make_bench(request.param, scanner_databases, image_layout)


@pytest.fixture
def trivy_bench(scanner_databases: Path, image_layout: Path) -> Bench:
    """Trivy, real."""
    return make_bench("trivy", scanner_databases, image_layout)


@pytest.fixture
def grype_bench(scanner_databases: Path, image_layout: Path) -> Bench:
    """Grype, real."""
    return make_bench("grype", scanner_databases, image_layout)
