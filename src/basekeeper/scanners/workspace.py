"""The empty, private folder that a scanner runs in, and the environment that it gets.

Nothing of the scanned tree, of the user's home or of our own environment reaches the scanner: its
working directory, home and temporary folder are new. It is given no credentials.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from basekeeper.folders import PrivateFolder
from basekeeper.scanners.nottold import NotTold

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType


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
            self._folder = PrivateFolder("scan")
        except OSError as error:
            raise NotTold(f"no private folder for the scanner: {error}") from error
        try:
            for folder in (self.work, self._home, self._temporary, self._docker):
                folder.mkdir()
            self.config.write_text("{}\n", encoding="utf-8")
            self.ignore_file.write_text("", encoding="utf-8")
        except OSError as error:
            self._folder.close()
            raise NotTold(f"no private folder for the scanner: {error}") from error
        self._given = dict(environment)

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
        self._folder.close()

    @property
    def root(self) -> Path:
        """The folder."""
        return self._folder.path

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
        return {**self._given, **own}

    def put(self, name: str, data: bytes) -> Path:
        """Write a file for the scanner to read."""
        path = self.root / name
        try:
            path.write_bytes(data)
        except OSError as error:
            raise NotTold(f"no room for the scanner's input: {error}") from error
        return path
