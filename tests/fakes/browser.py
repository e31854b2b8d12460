"""A real browser on this machine, driven over WebDriver on the loopback (W3C WebDriver, level 2).

What it logs and what it asks the network for is kept, so that a test can say that it did neither.
"""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import time
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FLAGS: Final = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-proxy-server", "--hide-scrollbars",
)  # fmt: skip

_WAIT_SECONDS: Final = 60


class Browser:
    """One window."""

    def __init__(self, port: int, session: str) -> None:
        """Use a session of a driver."""
        self._url = f"http://127.0.0.1:{port}/session/{session}"

    def open(self, page: Path) -> None:
        """Show a page, whole when this returns."""
        self._do("url", url=page.as_uri())

    def leave(self) -> None:
        """Leave what the browser shows by itself, and forget what was logged."""
        self._do("url", url="about:blank")
        self.log("performance")

    def run(self, script: str) -> Any:
        """Run a script in the page, and return what it returns."""
        return self._do("execute/sync", script=script, args=[])

    def command(self, name: str, **parameters: object) -> Any:
        """Give a command of the DevTools protocol."""
        return self._do("goog/cdp/execute", cmd=name, params=parameters)

    def resize(self, width: int, height: int = 900) -> None:
        """Show the page as a screen of that width would."""
        self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def prefer(self, scheme: str) -> None:
        """Ask for `dark` or `light`."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.command("Emulation.setEmulatedMedia", features=[feature])

    def picture(self, *, whole: bool = False) -> bytes:
        """Return what is shown as a PNG; or the whole page."""
        shown = self.command("Page.captureScreenshot", captureBeyondViewport=whole)
        return base64.b64decode(shown["data"])

    def printed(self) -> bytes:
        """Return the page as a PDF, by its own style for paper."""
        made = self.command("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
        return base64.b64decode(made["data"])

    def log(self, kind: str) -> list[dict[str, Any]]:
        """Return what was logged since it was asked for last: `browser` or `performance`."""
        told: list[dict[str, Any]] = self._do("se/log", type=kind)
        return told

    def requested(self) -> list[str]:
        """Return the addresses that were asked for since the log was read last.

        Those of the browser's own pages, such as an empty one at the start, are left out.
        """
        messages = (json.loads(entry["message"])["message"] for entry in self.log("performance"))
        sent = (one for one in messages if one["method"] == "Network.requestWillBeSent")
        every = [one["params"]["request"]["url"] for one in sent]
        return [url for url in every if not url.startswith("chrome:")]

    def close(self) -> None:
        """Close the window."""
        _call("DELETE", self._url, None)

    def _do(self, command: str, **parameters: object) -> Any:
        return _call("POST", f"{self._url}/{command}", parameters)


@contextmanager
def browsing(driver: Path, browser: Path, place: Path) -> Iterator[Browser]:
    """Start a browser with a profile of its own, and end it."""
    port = _free_port()
    process = subprocess.Popen(
        [driver, f"--port={port}", "--allowed-ips=127.0.0.1"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=place,
    )
    try:
        _wait(port, process)
        options = {
            "binary": str(browser),
            "args": [*FLAGS, f"--user-data-dir={place / 'profile'}"],
        }
        wanted = {
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }
        asked = {"capabilities": {"alwaysMatch": wanted}}
        made = _call("POST", f"http://127.0.0.1:{port}/session", asked)
        window = Browser(port, made["sessionId"])
        window.leave()
        try:
            yield window
        finally:
            window.close()
    finally:
        process.terminate()
        process.wait(timeout=30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < end:
        assert process.poll() is None, "the driver ended by itself"
        try:
            if _call("GET", f"http://127.0.0.1:{port}/status", None)["ready"]:
                return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError(f"the driver was not ready within {_WAIT_SECONDS} seconds")


def _call(method: str, url: str, said: object) -> Any:
    data = None if said is None else json.dumps(said).encode()
    asked = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)  # noqa: S310  # loopback
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(asked, timeout=_WAIT_SECONDS) as answer:
        return json.load(answer)["value"]
