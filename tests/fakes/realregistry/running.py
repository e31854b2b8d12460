"""Starting and stopping Debian's `docker-registry`, one process a set-up, on one shared store."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import socket
import ssl
import subprocess
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.fakes.realregistry import filling
from tests.fakes.realregistry.push import Pusher
from tests.fakes.realregistry.tokens import ISSUER, SERVICE, TokenServer, serve_tokens
from tests.fakes.registry.certificates import Certificates, make_certificates

if TYPE_CHECKING:
    from collections.abc import Iterator

SETUPS: Final = ("anonymous", "basic", "token", "tls")
LOGIN: Final = ("tester", "correct horse")
HTPASSWD: Final = "tester:$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e\n"
"""That password under bcrypt at its lowest cost."""
START_SECONDS: Final = 20
ATTEMPTS: Final = 5
"""Ports tried: a free one may be taken by another process before the registry binds it."""


@dataclass(frozen=True, slots=True)
class RealRegistry:
    """One running registry."""

    setup: str
    address: str
    """`127.0.0.1:port`."""
    authority: Path | None = None
    """What must be trusted, where it speaks TLS."""
    login: tuple[str, str] | None = None
    """User and password, where it knows any."""
    tokens: TokenServer | None = None
    log: Path = Path()
    """What it was asked, a line each as web servers write them, and its errors."""

    @property
    def url(self) -> str:
        """Where its API starts, without `/v2/`."""
        return f"{'http' if self.authority is None else 'https'}://{self.address}"


class RealRegistries:
    """Registries over one folder of content, each started when first asked for."""

    def __init__(self, program: Path, storage: Path, work: Path) -> None:
        """Start nothing yet.

        Args:
            program: The `docker-registry` executable.
            storage: Content, for this object alone.
            work: An empty folder for configuration and keys.
        """
        self._program, self._storage, self._work = program, storage, work
        self._running: dict[str, RealRegistry] = {}
        self._open = ExitStack()

    def start(self, setup: str) -> RealRegistry:
        """Return the registry of a set-up, starting it where it is not running."""
        if setup not in self._running:
            self._running[setup] = self._start(setup)
        return self._running[setup]

    @property
    def pusher(self) -> Pusher:
        """Pushes into the content that all set-ups share."""
        return Pusher(self.start("anonymous").address)

    def close(self) -> None:
        """Stop all that were started."""
        self._running.clear()
        self._open.close()

    def _start(self, setup: str) -> RealRegistry:
        folder = self._work / setup
        folder.mkdir()
        auth: dict[str, Any] = {}
        certificates: Certificates | None = None
        tokens: TokenServer | None = None
        if setup in ("basic", "tls"):
            certificates = make_certificates(self._work / "certificates")
        if setup == "basic":
            (folder / "htpasswd").write_text(HTPASSWD, encoding="utf-8")
            auth = {"htpasswd": {"realm": "test, realm", "path": str(folder / "htpasswd")}}
        if setup == "token":
            tokens = self._open.enter_context(serve_tokens(folder, LOGIN))
            auth = {
                "token": {
                    "realm": tokens.url, "service": SERVICE, "issuer": ISSUER,
                    "rootcertbundle": str(tokens.bundle),
                }
            }  # fmt: skip
        config = _config(self._storage, certificates, auth)
        address = self._open.enter_context(run_registry(self._program, config, folder))
        return RealRegistry(
            setup,
            address,
            authority=None if certificates is None else certificates.authority,
            login=LOGIN if auth else None,
            tokens=tokens,
            log=folder / "log",
        )


def _config(
    storage: Path, certificates: Certificates | None, auth: dict[str, Any]
) -> dict[str, Any]:
    """Configuration but for the address; JSON is YAML."""
    http: dict[str, Any] = {"secret": "of a test"}
    if certificates is not None:
        http["tls"] = {
            "certificate": str(certificates.chain),
            "key": str(certificates.key),
        }
    return {
        "version": "0.1",
        "storage": {"filesystem": {"rootdirectory": str(storage)}, "delete": {"enabled": True}},
        "http": http,
        "log": {"level": "error", "accesslog": {"disabled": False}},
        **({"auth": auth} if auth else {}),
    }


@contextmanager
def run_registry(program: Path, config: dict[str, Any], folder: Path) -> Iterator[str]:
    """Run a registry on a free port until the block ends; gives `127.0.0.1:port`."""
    for _ in range(ATTEMPTS):
        address = f"127.0.0.1:{_free_port()}"
        chosen = {**config, "http": {**config["http"], "addr": address}}
        path = folder / "registry.yml"
        path.write_text(json.dumps(chosen), encoding="utf-8")
        with (folder / "log").open("ab") as log:
            process = subprocess.Popen([program, "serve", path], stdout=log, stderr=log)
        try:
            if _answers(address, process, secure="tls" in config["http"]):
                yield address
                return
        finally:
            process.terminate()
            process.wait(timeout=30)
    raise RuntimeError((folder / "log").read_text(encoding="utf-8")[-2000:])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(address: str, process: subprocess.Popen[bytes], *, secure: bool) -> bool:
    """Wait until the registry speaks HTTP; False where its process ended."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError, HTTPException):
            connection = _connection(address, secure=secure)
            try:
                connection.request("GET", "/")
                connection.getresponse().read()
                return process.poll() is None
            finally:
                connection.close()
        time.sleep(0.02)
    return False


def _connection(address: str, *, secure: bool) -> HTTPConnection:
    if not secure:
        return HTTPConnection(address, timeout=5)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # only whether it answers is asked here
    return HTTPSConnection(address, timeout=5, context=context)


def filled_storage(program: Path, layout: Path, cache: Path) -> Path:
    """Return a folder of content to copy, filled once over the protocol; safe between processes."""
    content = f"{layout.name}-{_fingerprint()}"
    ready = cache / f"storage-{content}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "storage.lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists():
            work = cache / "storage-work"
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir()
            config = _config(work / "content", None, {})
            with run_registry(program, config, work) as address:
                filling.fill(Pusher(address), layout)
            (work / "content").rename(ready)
            shutil.rmtree(work)
    return ready


def _fingerprint() -> str:
    """Tell one filling from another by the text that makes it."""
    return hashlib.sha256(Path(filling.__file__).read_bytes()).hexdigest()[:12]


def copy_storage(ready: Path, target: Path) -> None:
    """Copy content for one user: blobs, which never change, are linked where they can be."""
    shutil.copytree(ready, target, copy_function=_link_or_copy)


def _link_or_copy(source: str, target: str) -> None:
    if source.endswith("/data"):
        try:
            os.link(source, target)
        except OSError:  # another file system
            pass
        else:
            return
    shutil.copyfile(source, target)
