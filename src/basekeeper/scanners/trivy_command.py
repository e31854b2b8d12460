"""Running Trivy: its arguments, its limits, and what it says when it gives no answer.

Nothing is left to its defaults that a file, a variable or a cache could change.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from basekeeper.process import Completed, Limits, run
from basekeeper.scanners.failures import HEAP_SHARE, MORE_MEMORY, lacked_memory, why
from basekeeper.scanners.fields import read_json, text_of
from basekeeper.scanners.nottold import NotTold
from basekeeper.scanners.program import VERSION_SECONDS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from threading import Event

    from basekeeper.scanners.workspace import Workspace
    from basekeeper.values.scanning import ScannerSettings

_SAID: Final = re.compile(r"^\S+\t(FATAL|ERROR|WARN)\t(.*)$")
_NO_FLAG: Final = re.compile(r"unknown (?:shorthand )?flag")
_DOUBTS: Final = {
    "Unsupported os": "the scanner knows no advisories for this operating system",
    "This OS version is not on the EOL list": "the scanner does not know this release of the"
    " operating system",
    "Unable to detect": "the scanner could not tell what it looked at",
}
"""How warnings begin that mean that matches may be missing."""


class Command:
    """Runs one Trivy; safe to share between threads."""

    def __init__(self, path: str, settings: ScannerSettings, ended: Event | None) -> None:
        """Keep what every run has in common."""
        self._path, self._settings, self._ended = path, settings, ended

    def version(self, space: Workspace) -> str:
        """Ask which release it is.

        Raises:
            NotTold: It does not say.
        """
        arguments = ["version", "--format", "json", "--config", str(space.config)]
        done = self._run(space, arguments, min(VERSION_SECONDS, self._settings.timeout))
        if not done.stdout:
            raise NotTold(f"scanner {self._path!r} does not tell its version: {_why(done)}")
        return text_of(read_json(done.stdout, "the scanner's version"), "Version").removeprefix("v")

    def match(self, space: Workspace, kind: str, target: Sequence[str]) -> Completed:
        """Match an image or an SBOM against the database.

        Args:
            space: Where it runs.
            kind: `image` or `sbom`.
            target: Arguments that say of what.

        Raises:
            NotTold: It gave no answer at all.
        """
        arguments = [
            kind, *self._common(space), "--scanners", "vuln", "--format", "json",
            "--list-all-pkgs", "--show-suppressed", "--skip-db-update", "--skip-java-db-update",
            "--skip-vex-repo-update", "--ignorefile", str(space.ignore_file),
            "--cache-dir", str(self._settings.cache_dir),
            *(word for path in self._settings.vex for word in ("--vex", str(path))),
            *target,
        ]  # fmt: skip
        return self._answered(space, arguments)

    def list_packages(self, space: Workspace, target: Sequence[str]) -> Completed:
        """List the packages of an image in CycloneDX; the database is not looked at.

        Raises:
            NotTold: It gave no answer at all.
        """
        arguments = [
            "image", *self._common(space), "--format", "cyclonedx", "--skip-db-update",
            "--skip-java-db-update", "--cache-dir", str(self._settings.cache_dir), *target,
        ]  # fmt: skip
        return self._answered(space, arguments)

    def doubts(self, done: Completed) -> list[str]:
        """Tell which warnings of a run mean that matches may be missing."""
        said = [text for level, text in _said(done.stderr) if level == "WARN"]
        return [
            meaning for start, meaning in _DOUBTS.items() if any(start in text for text in said)
        ]

    def _common(self, space: Workspace) -> tuple[str, ...]:
        return (
            "--config", str(space.config), "--cache-backend", "memory", "--offline-scan",
            "--skip-version-check", "--disable-telemetry", "--no-progress",
            "--timeout", f"{max(1, int(self._settings.timeout))}s",
        )  # fmt: skip

    def _answered(self, space: Workspace, arguments: Sequence[str]) -> Completed:
        done = self._run(space, arguments, self._settings.timeout)
        if done.returncode < 0 or not done.stdout.strip():
            raise NotTold(f"the scanner gave no answer: {_why(done)}", hint=_hint(done))
        return done

    def _run(self, space: Workspace, arguments: Sequence[str], timeout: float) -> Completed:
        settings = self._settings
        heap = int(settings.memory_bytes * HEAP_SHARE)
        return run(
            [self._path, *arguments],
            cwd=space.work,
            env={**space.environment, "GOMEMLIMIT": str(heap)},
            limits=Limits(
                timeout=timeout,
                max_output_bytes=settings.max_output_bytes,
                memory_bytes=settings.memory_bytes,
            ),
            ended=self._ended,
        )


def _why(done: Completed) -> str:
    return why(done, next((said for level, said in _said(done.stderr) if level == "FATAL"), None))


def _hint(done: Completed) -> str | None:
    if lacked_memory(done):
        return MORE_MEMORY
    text = done.stderr.decode("utf-8", "replace")
    if _NO_FLAG.search(text):
        return "use a newer release of Trivy; 0.69.3 is known to work"
    if "java-db" in text or "Java DB" in text:
        return "set `java = true` in [scanner] of your settings, and update the database"
    return None


def _said(stderr: bytes) -> list[tuple[str, str]]:
    """Levels and texts of what was logged; lines that follow belong to the text before."""
    found: list[tuple[str, str]] = []
    for line in stderr.decode("utf-8", "replace").splitlines():
        said = _SAID.match(line)
        if said is not None:
            found.append((said[1], said[2]))
        elif found and not re.match(r"\S+\t[A-Z]+\t", line):
            found[-1] = (found[-1][0], f"{found[-1][1]} {line}")
    return found
