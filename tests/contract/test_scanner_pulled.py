"""Trivy is told nothing of registries: it sees what our own client fetched, and finds the same."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from basekeeper.scanners.trivy import Trivy
from basekeeper.scanners.trivy_report import read_report
from basekeeper.values.scanning import SEVERITY_ORDER, LayoutImage, ScannerSettings
from basekeeper.values.vulnerability import Sbom, Scan, SubjectKind
from tests.contract.registry_client import open_place, reference
from tests.contract.registry_places import real
from tests.fakes import trivydb
from tests.fakes.provisioned import provisioned
from tests.fakes.realregistry.running import SETUPS
from tests.fakes.trivydb import NOW
from tools import images

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.fakes.realregistry.running import RealRegistries

pytestmark = pytest.mark.component("scanner")

AMD64 = "linux/amd64"
IMAGES = (
    ("debian-11-old", AMD64), ("debian-11", AMD64), ("debian-12", AMD64),
    ("debian-12", "linux/arm64"), ("debian-13", AMD64), ("app-on-12", AMD64),
)  # fmt: skip


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pulled") / "cache"
    return trivydb.write_database(provisioned("advisories"), folder, trivydb.advisories())


@pytest.fixture
def scanner(component: Path, databases: Path) -> Trivy:
    return Trivy(str(component), ScannerSettings(cache_dir=databases))


def told(answer: object) -> Scan:
    assert isinstance(answer, Scan), answer
    return answer


@pytest.fixture
def pull(
    real_registries: RealRegistries, image_layout: Path, tmp_path: Path
) -> Callable[[str, str, str], LayoutImage]:
    """Fetches an image by its name from a real registry in a set-up."""

    def fetch(setup: str, name: str, platform: str) -> LayoutImage:
        place = real(real_registries, setup, image_layout)
        repository = "private/hello" if name.startswith("app") else "library/debian"
        image = reference(place, f"{repository}@{place.images[name]['digest']}")
        with open_place(place) as opened:
            return opened.client.pull(image, platform, tmp_path / "layout")

    return fetch


@pytest.mark.parametrize("setup", SETUPS)
@pytest.mark.parametrize("image", [IMAGES[0], IMAGES[3], IMAGES[5]], ids=str)
def test_a_fetched_image_gives_the_findings_of_the_layout_it_was_pushed_from(
    scanner: Trivy,
    pull: Callable[[str, str, str], LayoutImage],
    image_layout: Path,
    setup: str,
    image: tuple[str, str],
) -> None:
    name, platform = image
    sbom = scanner.sbom(pull(setup, name, platform), now=NOW)
    assert isinstance(sbom, Sbom), sbom
    scan = told(scanner.rematch(sbom, now=NOW))
    digest = images.named(image_layout)[name]["digest"]
    pushed = LayoutImage(path=image_layout, digest=digest, platform=platform)
    same = told(scanner.scan(pushed, now=NOW))
    assert scan.subject.kind is SubjectKind.REGISTRY
    assert (scan.subject.digest, scan.subject.platform) == (digest, platform)
    assert scan.subject.name.startswith("127.0.0.1:")
    assert (scan.matches, scan.packages) == (same.matches, same.packages)
    assert (scan.diff_ids, scan.image_id) == (same.diff_ids, same.image_id)


@pytest.mark.parametrize("image", IMAGES, ids=str)
def test_trivy_itself_finds_the_same_in_the_registry(
    component: Path,
    scanner: Trivy,
    databases: Path,
    pull: Callable[[str, str, str], LayoutImage],
    image: tuple[str, str],
) -> None:
    name, platform = image
    fetched = pull("anonymous", name, platform)
    scan = told(scanner.scan(fetched, now=NOW))
    done = subprocess.run(
        [
            component, "image", "--image-src", "remote", "--insecure", "--platform", platform,
            "--scanners", "vuln", "--format", "json", "--list-all-pkgs", "--skip-db-update",
            "--offline-scan", "--cache-backend", "memory", "--cache-dir", databases,
            str(fetched.reference),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )  # fmt: skip
    remote = read_report(done.stdout, SEVERITY_ORDER)
    assert (scan.matches, scan.packages) == (remote.matches, remote.packages)
    assert (scan.diff_ids, scan.image_id) == (remote.diff_ids, remote.image_id)
    assert len(scan.packages) > 20
    assert scan.matches
