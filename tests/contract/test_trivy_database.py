"""Trivy's database, fetched by our own client from real and simulated registries."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from basekeeper.scanners import trivy_download
from basekeeper.scanners.trivy import Trivy
from basekeeper.values.image import Unknown
from basekeeper.values.scanning import LayoutImage, ScannerSettings
from basekeeper.values.settings import HostSettings
from basekeeper.values.vulnerability import Database, Scan
from tests.contract.registry_client import open_client, open_place
from tests.contract.registry_places import real
from tests.fakes import trivydb
from tests.fakes.provisioned import provisioned
from tests.fakes.realregistry.running import SETUPS
from tests.fakes.registry import Simulator
from tests.fakes.registry.content import MANIFEST, digest_of
from tests.fakes.trivydb import LATER, MEDIA_TYPE, NOW
from tests.unit.scanners.programs import script
from tools import images

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.fakes.realregistry.running import RealRegistries

METADATA = {"Version": 2, "UpdatedAt": "2026-11-25T00:00:00Z", "NextUpdate": "2026-11-25T06:00:00Z"}


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Writes small databases, each content once."""
    writer = provisioned("advisories")
    folder = tmp_path_factory.mktemp("databases")

    def make(*, later: bool = False) -> Path:
        place = folder / f"{later}"
        if not place.exists():
            content = trivydb.advisories(later=later)
            updated = trivydb.UPDATED + timedelta(hours=6 * later)
            trivydb.write_database(writer, place, content, updated=updated)
        return place

    return make


@pytest.mark.component("scanner")
def test_a_newer_database_is_fetched_where_one_is_due(
    component: Path,
    database: Callable[..., Path],
    real_registries: RealRegistries,
    image_layout: Path,
    tmp_path: Path,
) -> None:
    pusher, cache = real_registries.pusher, tmp_path / "cache"
    place = real(real_registries, "anonymous", image_layout)

    def push(tag: str, *, later: bool) -> str:
        name = trivydb.push_database(pusher, database(later=later), "aquasec/trivy-db", tag=tag)
        return name.replace(pusher.address, place.address)

    first, second = push("first", later=False), push("second", later=True)

    def update(repository: str, hours: float) -> Database | Unknown:
        settings = ScannerSettings(cache_dir=cache, database_repository=repository)
        with open_place(place) as opened:
            scanner = Trivy(str(component), settings, registry=opened.client)
            return scanner.update_database(now=trivydb.UPDATED + timedelta(hours=hours))

    fetched = update(first, 1)
    assert isinstance(fetched, Database), fetched
    assert fetched.updated == trivydb.UPDATED
    assert fetched.downloaded == trivydb.UPDATED + timedelta(hours=1)
    assert update(second, 5) == fetched  # the next one is not due yet
    newer = update(second, 7)
    assert isinstance(newer, Database), newer
    assert newer.updated == trivydb.UPDATED + timedelta(hours=6)
    older, gone = update(first, 13), update(first.replace("first", "gone"), 13)
    assert isinstance(older, Unknown)
    assert "older" in older.reason
    assert isinstance(gone, Unknown)
    assert "could not be fetched" in gone.reason
    scanner = Trivy(str(component), ScannerSettings(cache_dir=cache))
    image = real_image(image_layout, "debian-11")
    scan = scanner.scan(image, now=trivydb.UPDATED + timedelta(hours=13))
    assert isinstance(scan, Scan), scan
    assert LATER in {one.vulnerability for one in scan.matches}
    assert sorted(one.name for one in cache.iterdir()) == ["basekeeper.lock", "db"]


def real_image(layout: Path, name: str) -> LayoutImage:
    digest = images.named(layout)[name]["digest"]
    return LayoutImage(path=layout, digest=digest, platform="linux/amd64")


@pytest.mark.component("scanner")
@pytest.mark.parametrize("setup", SETUPS)
def test_both_databases_are_fetched_as_any_registry_wants_to_be_asked(
    database: Callable[..., Path],
    real_registries: RealRegistries,
    image_layout: Path,
    tmp_path: Path,
    setup: str,
) -> None:
    place, pusher = real(real_registries, setup, image_layout), real_registries.pusher
    names = (
        trivydb.push_database(pusher, database(), "private/trivy-db"),
        trivydb.push_java_database(pusher, "private/trivy-java-db"),
    )
    repositories = [name.replace(pusher.address, place.address) for name in names]
    settings = ScannerSettings(
        cache_dir=tmp_path / "cache",
        # the tag is that of the format where none is named
        database_repository=repositories[0].removesuffix(":2"),
        java_database=True,
        java_repository=repositories[1].removesuffix(":1"),
    )
    program = script(tmp_path, "sys.exit('never run')")
    with open_place(place) as opened:
        found = Trivy(program, settings, registry=opened.client).update_database(now=NOW)
    assert isinstance(found, Database), found
    for file, source in (("db/trivy.db", database()), ("java-db/trivy-java.db", None)):
        data = (tmp_path / "cache" / file).read_bytes()
        assert source is None or data == (source / file).read_bytes()


def packed(*members: tuple[str, bytes, bytes]) -> bytes:
    """Pack members of names, kinds and contents."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, kind, data in members:
            member = tarfile.TarInfo(name)
            member.type, member.size = kind, len(data)
            member.linkname = "/etc/passwd"
            tar.addfile(member, io.BytesIO(data))
    return gzip.compress(archive.getvalue(), mtime=0)


DATABASE = ("trivy.db", tarfile.REGTYPE, b"bolt")
ABOUT = ("metadata.json", tarfile.REGTYPE, json.dumps(METADATA).encode())
WHOLE = packed(DATABASE, ABOUT)


class Published:
    """A simulated registry that publishes a database, and a scanner that fetches it."""

    def __init__(self, simulator: Simulator, folder: Path) -> None:
        self.host = simulator.host("db.test")
        self.folder = folder
        self.cache = folder / "cache"

    def push(self, *layers: bytes, kind: str = MEDIA_TYPE) -> None:
        """Publish layers as the database."""
        described = []
        for data in (b"{}", *layers):
            self.host.content.blob("trivy-db", digest_of(data), data)
            found = {"mediaType": kind, "digest": digest_of(data), "size": len(data)}
            described.append(found)
        config = {**described[0], "mediaType": "application/vnd.aquasec.trivy.config.v1+json"}
        body = {
            "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": described[1:],
        }  # fmt: skip
        made = self.host.content.keep("trivy-db", body)
        self.host.content.tag("trivy-db", "2", made.digest)

    def update(self, repository: str | None = "trivy-db", **more: Any) -> Database | Unknown:
        """Fetch it."""
        name = None if repository is None else f"{self.host.address}/{repository}"
        settings = ScannerSettings(cache_dir=self.cache, database_repository=name)
        hosts = {self.host.address: HostSettings(http=True, private=True)}
        with open_client(hosts, **more) as opened:
            program = script(self.folder, "sys.exit('never run')")
            return Trivy(program, settings, registry=opened.client).update_database(now=NOW)

    def left(self) -> list[str]:
        """What is in the cache directory."""
        return sorted(one.name for one in self.cache.iterdir()) if self.cache.exists() else []


@pytest.fixture
def published(tmp_path: Path) -> Iterator[Published]:
    with Simulator() as simulator:
        yield Published(simulator, tmp_path)


def test_a_database_lies_where_trivy_looks_and_says_when_it_was_fetched(
    published: Published,
) -> None:
    published.push(WHOLE)
    found = published.update()
    assert isinstance(found, Database), found
    assert found.downloaded == NOW
    folder = published.cache / "db"
    assert sorted(one.name for one in folder.iterdir()) == ["metadata.json", "trivy.db"]
    assert (folder / "trivy.db").read_bytes() == b"bolt"
    told = json.loads((folder / "metadata.json").read_bytes())
    assert told == {**METADATA, "DownloadedAt": "2026-11-25T12:00:00Z"}


@pytest.mark.parametrize(
    ("layers", "reason"),
    [
        ((), "holds no layers of the kind"),
        ((WHOLE, packed(ABOUT)), "holds 2 layers of the kind"),
        ((b"",), "there is no metadata.json in it"),
        ((b"no archive",), "no whole archive"),
        ((WHOLE[:40],), "no whole archive"),
        ((gzip.compress(b"x" * 5000),), "no whole archive"),
        ((packed(DATABASE),), "no metadata.json"),
        ((packed(ABOUT),), "no trivy.db"),
        ((packed(ABOUT, ("trivy.db", tarfile.SYMTYPE, b"")),), "no trivy.db"),
        ((packed(ABOUT, ("trivy.db", tarfile.LNKTYPE, b"")),), "no trivy.db"),
        ((packed(ABOUT, ("../trivy.db", tarfile.REGTYPE, b"x")),), "no trivy.db"),
        ((packed(ABOUT, ("/etc/trivy.db", tarfile.REGTYPE, b"x")),), "no trivy.db"),
        ((packed(DATABASE, (*ABOUT[:2], b" " * 70_000)),), "too large"),
        ((packed(DATABASE, (*ABOUT[:2], b"{")),), "no whole JSON"),
        ((packed(DATABASE, (*ABOUT[:2], b'{"Version": 3}')),), "format 3"),
        ((packed(DATABASE, (*ABOUT[:2], b'{"Version": 2}')),), "age"),
    ],
)
def test_what_is_no_database_leaves_nothing(
    published: Published, layers: tuple[bytes, ...], reason: str
) -> None:
    published.push(*layers)
    found = published.update()
    assert isinstance(found, Unknown), found
    assert reason in found.reason
    assert published.left() == []


def test_an_archive_that_unpacks_to_too_much_is_refused(
    published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trivy_download, "MAX_UNPACKED_BYTES", 100_000)
    bomb = ("bomb", tarfile.REGTYPE, b"\0" * 90_000)
    published.push(packed(bomb, ("more", *bomb[1:]), DATABASE, ABOUT))
    found = published.update()
    assert isinstance(found, Unknown)
    assert "too large" in found.reason


def test_another_kind_of_artifact_is_no_database(published: Published) -> None:
    published.push(WHOLE, kind="application/vnd.oci.image.layer.v1.tar+gzip")
    found = published.update()
    assert isinstance(found, Unknown)
    assert "holds no layers of the kind" in found.reason


def test_where_one_publisher_fails_the_next_is_asked(published: Published) -> None:
    published.push(WHOLE)
    published.host.content.repositories["aquasecurity/trivy-db"] = (
        published.host.content.repository("trivy-db")
    )
    routes = {f"https://{one}": published.host.url for one in ("mirror.gcr.io", "ghcr.io")}
    found = published.update(None, routes=routes)
    assert isinstance(found, Database), found
    asked = published.host.asked("manifest")
    assert "/aquasec/" in asked[0].target
    assert all("/aquasecurity/" in one.target for one in asked if one.status == 200)


def test_where_every_publisher_fails_each_is_named(published: Published) -> None:
    routes = {f"https://{one}": published.host.url for one in ("mirror.gcr.io", "ghcr.io")}
    found = published.update(None, routes=routes)
    assert isinstance(found, Unknown)
    assert "mirror.gcr.io/aquasec/trivy-db:2" in found.reason
    assert "ghcr.io/aquasecurity/trivy-db:2" in found.reason
