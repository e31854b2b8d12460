"""`scan` fetches images by itself: what it leaves behind, and how it ends. No scanner is needed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from threading import Event
from typing import TYPE_CHECKING, cast

import pytest

from basekeeper.pipeline.looking import Fetched, Scanning
from basekeeper.values.reference import parse_reference
from basekeeper.values.scanning import SEVERITY_ORDER, LayoutImage
from basekeeper.values.settings import HostSettings
from tests.contract.registry_client import open_client
from tests.fakes.registry import Simulator, faults
from tests.fakes.registry.content import CONFIG, LAYER, MANIFEST, digest_of, to_json
from tests.integration.program import environment
from tests.unit.scanners.programs import script

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from basekeeper.ports import Scanner
    from tests.fakes.registry import Host

BOM = '{"bomFormat": "CycloneDX", "metadata": {}, "components": []}'


@pytest.fixture
def host() -> Iterator[Host]:
    with Simulator() as simulator:
        yield simulator.host("registry.test")


class Scan:
    """A run of `scan` on one image, in a process of its own, with a folder for temporary files."""

    def __init__(self, host: Host, place: Path) -> None:
        self.host, self.place = host, place
        self.root, self.temporary = place / "repository", place / "tmp"
        for folder in (self.root, self.temporary):
            folder.mkdir()
        (self.root / "Dockerfile").write_text(f"FROM {host.address}/app:1\n", encoding="utf-8")
        program = script(place, f"sys.stdout.write({BOM!r})")
        (place / "settings.toml").write_text(
            f'[registry."{host.address}"]\nprivate = true\nhttp = true\n'
            f'[scanner]\nprogram = "{program}"\ndatabase = "{place}/database"\n',
            encoding="utf-8",
        )

    def set(self, line: str) -> None:
        """Add to the scanner's settings."""
        with (self.place / "settings.toml").open("a", encoding="utf-8") as settings:
            settings.write(f"{line}\n")

    def start(self) -> subprocess.Popen[bytes]:
        """Begin."""
        return subprocess.Popen(
            [sys.executable, "-m", "basekeeper", "scan", "-f", "json"],
            cwd=self.root,
            env=environment(
                self.place,
                TMPDIR=str(self.temporary),
                BASEKEEPER_SETTINGS=str(self.place / "settings.toml"),
            ),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def reason(self) -> str:
        """Run to the end, and return why there is no answer."""
        with self.start() as process:
            out, err = process.communicate(timeout=60)
        assert process.returncode == 3, err
        found: str = json.loads(out)["images"][0]["unknown"][0]["reason"]
        return found


@pytest.fixture
def scan(host: Host, tmp_path: Path) -> Scan:
    return Scan(host, tmp_path)


def push(host: Host, data: bytes, *, announced: int | None = None) -> None:
    """Push an image of one layer."""

    def blob(content: bytes, kind: str, size: int) -> dict[str, object]:
        host.content.blob("app", digest_of(content), content)
        return {"mediaType": kind, "digest": digest_of(content), "size": size}

    config = to_json(
        {
            "architecture": "amd64", "os": "linux", "config": {},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(data)]},
        }
    )  # fmt: skip
    layer = blob(data, LAYER, len(data) if announced is None else announced)
    body = {
        "schemaVersion": 2, "mediaType": MANIFEST, "layers": [layer],
        "config": blob(config, CONFIG, len(config)),
    }  # fmt: skip
    host.content.tag("app", "1", host.content.keep("app", body).digest)


def test_what_was_fetched_is_removed_once_the_scanner_has_seen_it(host: Host, scan: Scan) -> None:
    data = b"layer" * 1000
    push(host, data)
    assert "listed the packages of another image" in scan.reason()
    assert any(digest_of(data) in one.target for one in host.asked("blob", "GET"))
    assert list(scan.temporary.iterdir()) == []


def test_several_scanners_are_shown_what_was_fetched_once(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    data = b"layer" * 1000
    push(host, data)
    digest = host.content.repository("app").tags["1"]
    reference = parse_reference(f"{host.address}/app@{digest}")
    with open_client({host.address: HostSettings(http=True, private=True)}) as opened:
        work = Scanning(
            scanner=cast("Scanner", None),  # nobody looks here
            registry=opened.client,
            severity_order=SEVERITY_ORDER,
            ended=Event(),
        )
        with Fetched(reference, "linux/amd64", work) as fetched:
            assert list(tmp_path.iterdir()) == []
            first, second = fetched.layout(), fetched.layout()
            assert isinstance(first, LayoutImage)
            assert first is second
            assert first.path.is_dir()
    assert sum(digest_of(data) in one.target for one in host.asked("blob", "GET")) == 1
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_fetched_is_unknown_and_leaves_nothing(host: Host, scan: Scan) -> None:
    data = b"layer" * 1000
    push(host, data)
    host.content.blob("app", digest_of(data), data[::-1])
    assert "does not have the digest" in scan.reason()
    assert list(scan.temporary.iterdir()) == []


def test_an_image_of_any_size_is_not_fetched(host: Host, scan: Scan) -> None:
    push(host, b"layer", announced=2**40)
    assert "too large to be fetched" in scan.reason()
    assert host.count("blob", "GET") == 1


def test_an_image_may_be_as_large_as_the_settings_say(host: Host, scan: Scan) -> None:
    push(host, bytes(3 * 1024 * 1024))
    scan.set("image_mib = 2")
    assert "too large to be fetched (3 MiB, " in scan.reason()
    assert host.count("blob", "GET") == 1


def test_a_layer_that_leads_into_a_private_network_is_unknown(host: Host, scan: Scan) -> None:
    data = b"layer" * 1000
    push(host, data)
    host.add(faults.redirect("https://10.0.0.7/{path}", "blob").only(digest_of(data)))
    assert "private" in scan.reason()
    assert list(scan.temporary.iterdir()) == []


def test_interrupted_while_it_fetches_it_ends_soon_and_leaves_nothing(
    host: Host, scan: Scan
) -> None:
    data = b"layer" * 1000
    push(host, data)
    host.add(faults.late(60, "blob").only(digest_of(data)))
    process, end = scan.start(), time.monotonic() + 30
    while time.monotonic() < end:
        if any(digest_of(data) in one.target for one in host.asked("blob", "GET")):
            break
        time.sleep(0.05)
    time.sleep(0.2)
    assert [one.stat().st_mode & 0o777 for one in scan.temporary.iterdir()] == [0o700]
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert time.monotonic() - started < 5
    assert (process.returncode, said) == (130, b"\ninterrupted\n")
    assert list(scan.temporary.iterdir()) == []
