"""Each provisioned component really does the one thing that it is provisioned for."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.request
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.fakes.browser import browsing
from tests.fakes.provisioned import provisioned
from tools import components

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.postgres import Server


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(url: str, process: subprocess.Popen[bytes]) -> bytes:
    for _ in range(200):
        assert process.poll() is None, "the server ended by itself"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 (loopback)
                body: bytes = answer.read()
                return body
        except OSError:
            time.sleep(0.05)
    pytest.fail(f"{url} never answered")


@pytest.mark.component("registry")
def test_registry_answers_the_distribution_api(component: Path, tmp_path: Path) -> None:
    port = free_port()
    config = tmp_path / "registry.yml"
    config.write_text(
        f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {tmp_path}/data}}}}\n"
        f"http: {{addr: '127.0.0.1:{port}'}}\nlog: {{level: error}}\n",
        encoding="utf-8",
    )
    process = subprocess.Popen([component, "serve", config], stdout=subprocess.DEVNULL)
    try:
        assert wait_for(f"http://127.0.0.1:{port}/v2/", process) == b"{}"
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.mark.component("builder")
def test_builder_builds_an_image_from_scratch(component: Path, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY hello /hello\n", encoding="utf-8")
    (tmp_path / "hello").write_text("hello", encoding="utf-8")
    store = [f"--root={tmp_path / 'root'}", f"--runroot={tmp_path / 'run'}", "--storage-driver=vfs"]
    build = ["bud", "--isolation=chroot", "--tag=localhost/hello", str(tmp_path)]
    subprocess.run([component, *store, *build], check=True, capture_output=True)
    images = subprocess.run(
        [component, *store, "images", "--format", "{{.Name}}"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert images.stdout.split() == ["localhost/hello"]


@pytest.mark.component("database")
def test_database_answers_a_query(postgres: Server) -> None:
    with psycopg.connect(postgres.create()) as connection:
        assert connection.execute("SELECT 6 * 7").fetchone() == (42,)


@pytest.mark.component("scanner")
def test_scanner_lists_installed_packages(component: Path, tmp_path: Path) -> None:
    status = tmp_path / "root" / "var" / "lib" / "dpkg" / "status"
    status.parent.mkdir(parents=True)
    status.write_text(
        "Package: libexample1\nStatus: install ok installed\nVersion: 1.2-3\n"
        "Architecture: amd64\nMaintainer: nobody <nobody@example.com>\nDescription: example\n",
        encoding="utf-8",
    )
    (tmp_path / "root" / "etc").mkdir()
    (tmp_path / "root" / "etc" / "debian_version").write_text("12.1\n", encoding="utf-8")
    scan = ["rootfs", "--format=cyclonedx", "--offline-scan", "--skip-version-check", "--quiet"]
    environment = {"HOME": str(tmp_path), "TRIVY_CACHE_DIR": str(tmp_path / "cache")}
    done = subprocess.run(
        [component, *scan, str(tmp_path / "root")],
        check=True, capture_output=True, text=True, env=environment, timeout=120,
    )  # fmt: skip
    purls = [item.get("purl", "") for item in json.loads(done.stdout)["components"]]
    assert any(purl.startswith("pkg:deb/debian/libexample1@1.2-3?") for purl in purls)


@pytest.mark.component("scanner")
def test_scanner_calls_itself_by_the_pinned_version(component: Path) -> None:
    printed = subprocess.run([component, "--version"], check=True, capture_output=True, text=True)
    assert components.SCANNER_VERSION in printed.stdout
    assert f"trivy v{components.SCANNER_VERSION} " in (
        components.SCANNER_SOURCE / "go.mod"
    ).read_text(encoding="utf-8")


@pytest.mark.component("browser")
def test_browser_renders_a_page(component: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(
        "<p id=x></p><script>document.getElementById('x').textContent = 6 * 7</script>",
        encoding="utf-8",
    )
    flags = [
        "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        f"--user-data-dir={tmp_path / 'profile'}",
    ]  # fmt: skip
    dom = subprocess.run(
        [component, *flags, "--dump-dom", page.as_uri()],
        check=True, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert '<p id="x">42</p>' in dom.stdout


@pytest.mark.component("driver")
def test_driver_shows_a_page_in_the_browser(component: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<title>shown</title>", encoding="utf-8")
    with browsing(component, provisioned("browser"), tmp_path) as window:
        window.open(page)
        assert window.run("return document.title") == "shown"
        assert window.requested() == [page.as_uri()]


@pytest.mark.component("paper")
def test_paper_is_read_page_by_page(component: Path, tmp_path: Path) -> None:
    page, paper = tmp_path / "page.html", tmp_path / "page.pdf"
    page.write_text("<p>one<p style='break-before: page'>two", encoding="utf-8")
    with browsing(provisioned("driver"), provisioned("browser"), tmp_path) as window:
        window.open(page)
        paper.write_bytes(window.printed())
    done = subprocess.run([component, paper, "-"], check=True, capture_output=True, text=True)
    assert [one.strip() for one in done.stdout.split("\f")] == ["one", "two", ""]


def test_a_missing_component_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = components.Component("absent", "nothing", "no-such-program", ("no-such-package",))
    monkeypatch.setitem(components.COMPONENTS, "absent", absent)
    monkeypatch.setenv("CI", "")
    result = components.provision("absent")
    assert isinstance(result, components.Missing)
    assert result.reason == ("no-such-program not found; run: sudo apt-get install no-such-package")


def test_a_missing_component_fails_the_provisioning_only_under_ci(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    absent = components.Component("absent", "nothing", "no-such-program")
    monkeypatch.setattr(components, "COMPONENTS", {"absent": absent})
    monkeypatch.setitem(os.environ, "CI", "true")
    assert components.main([]) == 1
    monkeypatch.setitem(os.environ, "CI", "")
    assert components.main([]) == 0
    assert "missing" in capsys.readouterr().out
