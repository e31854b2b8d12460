"""The empty, private folder that a scanner runs in, and the environment that it gets.

Nothing of the scanned tree, of the user's home or of our own environment reaches the scanner: its
working directory, home and temporary folder are new, and credentials stand in a file in there.
"""

from __future__ import annotations

import base64
import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from basekeeper.scanners.nottold import NotTold

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from basekeeper.values.scanning import Login

FOLDER_PREFIX: Final = "basekeeper-scan-"
"""How the names of private folders begin."""

_HUB: Final = ("docker.io", "index.docker.io", "registry-1.docker.io")
_HUB_KEY: Final = "https://index.docker.io/v1/"
"""Under which programs look for credentials of Docker Hub."""
_PRIVATE: Final = 0o600


class Workspace:
    """A private folder for one run; use it in a `with` block, which removes it."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Make the folder.

        Args:
            environment: What the scanner's environment holds beside what is set here.

        Raises:
            NotTold: There is no room for it.
        """
        try:
            self.root = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX))
            for folder in (self.work, self._home, self._temporary, self._docker):
                folder.mkdir()
            self.config.write_text("{}\n", encoding="utf-8")
            self.ignore_file.write_text("", encoding="utf-8")
        except OSError as error:
            raise NotTold(f"no private folder for the scanner: {error}") from error
        self._given = dict(environment)
        self._authority: Path | None = None

    def __enter__(self) -> Self:
        """Return the workspace."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove the folder."""
        shutil.rmtree(self.root, ignore_errors=True)

    @property
    def work(self) -> Path:
        """Where the scanner runs; empty."""
        return self.root / "work"

    @property
    def config(self) -> Path:
        """A configuration that sets nothing, so that no other one is looked for."""
        return self.root / "config.yaml"

    @property
    def ignore_file(self) -> Path:
        """A list of what to ignore that is empty."""
        return self.root / "ignore"

    @property
    def _home(self) -> Path:
        return self.root / "home"

    @property
    def _temporary(self) -> Path:
        return self.root / "tmp"

    @property
    def _docker(self) -> Path:
        return self.root / "docker"

    @property
    def environment(self) -> dict[str, str]:
        """The whole environment of the scanner."""
        own = {
            "HOME": str(self._home),
            "TMPDIR": str(self._temporary),
            "DOCKER_CONFIG": str(self._docker),
            "PATH": str(self.work),  # it needs no other program, and finds none
        }
        if self._authority is not None:
            # Go reads it beside the folder of the system's certificates.
            own["SSL_CERT_FILE"] = str(self._authority)
        return {**self._given, **own}

    def trust(self, authority: Path) -> None:
        """Have certificates vouch for registries, in addition to the system's."""
        self._authority = authority

    def log_in(self, registry: str, login: Login) -> None:
        """Give credentials to one registry, in a file that nobody else can read."""
        entry = {}
        if login.username or login.password:
            pair = f"{login.username}:{login.password}".encode()
            entry["auth"] = base64.b64encode(pair).decode("ascii")
        if login.identity_token:
            entry["identitytoken"] = login.identity_token
        if login.bearer_token:
            entry["registrytoken"] = login.bearer_token
        key = _HUB_KEY if registry in _HUB else registry
        path = self._docker / "config.json"
        path.touch(mode=_PRIVATE)
        path.write_text(json.dumps({"auths": {key: entry}}), encoding="utf-8")

    def put(self, name: str, data: bytes) -> Path:
        """Write a file for the scanner to read."""
        path = self.root / name
        try:
            path.write_bytes(data)
        except OSError as error:
            raise NotTold(f"no room for the scanner's input: {error}") from error
        return path
