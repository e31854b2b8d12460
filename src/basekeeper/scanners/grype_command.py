"""Running Grype: its configuration, its limits, and what it says when it gives no answer.

Nothing is left to its defaults that a file, a variable or a cache could change. Only an update of
the database is let onto the network.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from basekeeper.process import Completed, Limits, run
from basekeeper.scanners.failures import HEAP_SHARE, MORE_MEMORY, lacked_memory, why
from basekeeper.scanners.fields import read_json, text_of
from basekeeper.scanners.nottold import NotTold
from basekeeper.scanners.program import VERSION_SECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from threading import Event

    from basekeeper.scanners.workspace import Workspace
    from basekeeper.values.scanning import ScannerSettings

_SAID: Final = re.compile(r"^\[[0-9]+\]\s+(ERROR|WARN)\s+(.*)$", re.ASCII)
_COLOUR: Final = re.compile(r"\x1b\[[0-9;]{0,20}m", re.ASCII)
_DOUBTS: Final = {
    "Unable to determine the OS distribution": "the scanner could not tell which operating system"
    " some packages are of",
}
"""How warnings begin that mean that matches may be missing."""
_LISTING: Final = "listing.cdx.json"
CHECK_SECONDS: Final = 60.0
"""That asking whether there is a newer database may take."""


class Command:
    """Runs one Grype; safe to share between threads."""

    def __init__(self, path: str, settings: ScannerSettings, ended: Event | None) -> None:
        """Keep what every run has in common."""
        self._path, self._settings, self._ended = path, settings, ended

    def version(self, space: Workspace) -> str:
        """Ask which release it is.

        Raises:
            NotTold: It does not say.
        """
        arguments = ["version", "--output", "json"]
        done = self._run(space, arguments, min(VERSION_SECONDS, self._settings.timeout))
        if not done.stdout:
            raise NotTold(f"scanner {self._path!r} does not tell its version: {_why(done)}")
        return text_of(read_json(done.stdout, "the scanner's version"), "version").removeprefix("v")

    def match_and_list(self, space: Workspace, target: str) -> tuple[Completed, bytes]:
        """Match an image or a list of packages; list in CycloneDX what was looked at, too.

        Args:
            space: Where it runs.
            target: Kind and path, as `oci-dir:PATH`.

        Raises:
            NotTold: It gave no answer at all.
        """
        path = space.root / _LISTING
        also = f"cyclonedx-json={path}"
        done = self._answered(space, ["--output", "json", "--output", also, *self._vex(), target])
        return done, self._listing(path)

    def offers_newer(self, space: Workspace, url: str | None) -> bool:
        """Ask the publisher whether there is a newer database.

        Raises:
            NotTold: It could not be asked.
        """
        settings = self._settings
        arguments = ["db", "check", "--output", "json"]
        more = _publisher(url, settings)
        done = self._run(space, arguments, min(CHECK_SECONDS, settings.timeout), more)
        if not done.stdout.strip():
            raise NotTold(f"the publisher of the database could not be asked: {_why(done)}")
        told = read_json(done.stdout, "the answer on a newer database").get("updateAvailable")
        if not isinstance(told, bool):
            raise NotTold("the scanner does not say whether there is a newer database")
        return told

    def download(self, space: Workspace, folder: Path, url: str | None) -> None:
        """Fetch the newest database into an empty folder.

        Raises:
            NotTold: It says that it could not.
        """
        self._install(space, ["db", "update"], {**_publisher(url, self._settings), **_at(folder)})

    def unpack(self, space: Workspace, folder: Path, archive: str) -> None:
        """Take the database from a file into an empty folder.

        Raises:
            NotTold: It says that it could not.
        """
        self._install(space, ["db", "import", archive], _at(folder))

    def doubts(self, done: Completed) -> list[str]:
        """Tell which warnings of a run mean that matches may be missing."""
        said = [text for level, text in _said(done.stderr) if level == "WARN"]
        return [
            meaning for start, meaning in _DOUBTS.items() if any(start in text for text in said)
        ]

    def _vex(self) -> tuple[str, ...]:
        return tuple(word for path in self._settings.vex for word in ("--vex", str(path)))

    def _listing(self, path: Path) -> bytes:
        most = self._settings.max_output_bytes
        try:
            with path.open("rb") as handle:
                data = handle.read(most + 1)
        except OSError as error:
            raise NotTold(f"the scanner listed no packages: {error.strerror}") from error
        if len(data) > most:
            raise NotTold(f"the scanner's list of packages has more than {most} bytes")
        return data

    def _install(
        self, space: Workspace, arguments: Sequence[str], database: Mapping[str, object]
    ) -> None:
        done = self._run(space, arguments, self._settings.timeout, database)
        if done.returncode != 0:  # there is no answer to decide from, only files to look at
            raise NotTold(f"the vulnerability database could not be fetched: {_why(done)}")

    def _answered(self, space: Workspace, arguments: Sequence[str]) -> Completed:
        done = self._run(space, arguments, self._settings.timeout)
        if done.returncode < 0 or not done.stdout.strip():
            hint = MORE_MEMORY if lacked_memory(done) else None
            raise NotTold(f"the scanner gave no answer: {_why(done)}", hint=hint)
        return done

    def _run(
        self,
        space: Workspace,
        arguments: Sequence[str],
        timeout: float,
        database: Mapping[str, object] | None = None,
    ) -> Completed:
        settings = self._settings
        config = space.put("grype.yaml", json.dumps(self._config(database or {})).encode())
        environment = {} if database is None else settings.environment
        return run(
            [self._path, "--config", str(config), *arguments],
            cwd=space.work,
            env={
                **environment,
                **space.environment,
                "GOMEMLIMIT": str(int(settings.memory_bytes * HEAP_SHARE)),
            },
            limits=Limits(
                timeout=timeout,
                max_output_bytes=settings.max_output_bytes,
                memory_bytes=settings.memory_bytes,
            ),
            ended=self._ended,
        )

    def _config(self, database: Mapping[str, object]) -> dict[str, Any]:
        """The whole configuration, which is YAML as well; how old a database may be we judge."""
        return {
            "check-for-app-update": False,
            "external-sources": {"enable": False},
            "default-image-pull-source": "",
            "db": {
                "cache-dir": str(self._settings.cache_dir),
                "auto-update": False,
                "validate-age": False,
                "validate-by-hash-on-start": False,
                **database,
            },
        }


def _at(folder: Path) -> dict[str, object]:
    """Keep the database in a folder, and believe it only where it is whole."""
    return {"cache-dir": str(folder), "validate-by-hash-on-start": True}


def _publisher(url: str | None, settings: ScannerSettings) -> dict[str, object]:
    """Say where databases are published, and how long fetching one may take."""
    told: dict[str, object] = {
        "require-update-check": True,
        "update-download-timeout": f"{max(1, int(settings.timeout))}s",
    }
    return told if url is None else {**told, "update-url": url}


def _why(done: Completed) -> str:
    said = [text for level, text in _said(done.stderr) if level == "ERROR"]
    return why(done, said[-1] if said else None)


def _said(stderr: bytes) -> list[tuple[str, str]]:
    """Levels and texts of what was logged."""
    text = _COLOUR.sub("", stderr.decode("utf-8", "replace"))
    found = (_SAID.match(line) for line in text.splitlines())
    return [(said[1], said[2]) for said in found if said is not None]
