"""Tests of a built image as settings have them, and what came of them."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from basekeeper.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class FileWanted:
    """What is expected of one path of an image."""

    path: str
    """Absolute; links are not followed."""
    present: bool = True
    mode: int | None = None
    """Permission bits; None: whatever they are. Likewise the next two."""
    user: int | None = None
    group: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandWanted:
    """A command, and how it is expected to end."""

    argv: tuple[str, ...]
    user: str | None = None
    directory: str | None = None
    status: int = 0
    contains: tuple[str, ...] = ()
    """Each must be in what it says."""
    lacks: tuple[str, ...] = ()
    """None may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageTest:
    """One table `[[test]]`; what it does not name is not looked at."""

    name: str
    product: str | None = None
    """Name of the `[[product]]` whose image it is for; None: every image that is built."""
    user: str | None = None
    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    ports: tuple[str, ...] | None = None
    """All of them, such as `80/tcp`."""
    env: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Among the variables, with these values."""
    labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Among the labels, with these values."""
    files: tuple[FileWanted, ...] = ()
    run: tuple[CommandWanted, ...] = ()
    """Run in the image one after the other; each sees what the earlier ones left."""
    with_context: bool = False
    """Whether these commands find the build context, and run in it."""
    seconds: float = 600.0
    """That all commands together may take."""


class Verdict(StrEnum):
    """What came of a test or of one expectation."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """It could not be told; never to be read as passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One expectation, and what was found."""

    what: str
    """For example `user`, `file /app/run`, `command 2: ./test.sh`."""
    expected: str
    found: str
    verdict: Verdict
    log_digest: str = ""
    """Of what a command said."""
    log_tail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What came of one test."""

    name: str
    digest: str
    """Of the manifest of the image that was tested."""
    checks: tuple[Checked, ...]

    @property
    def verdict(self) -> Verdict:
        """Failed where any expectation was; else unknown where any is, or there is none."""
        verdicts = {check.verdict for check in self.checks}
        if Verdict.FAILED in verdicts:
            return Verdict.FAILED
        passed = verdicts == {Verdict.PASSED}
        return Verdict.PASSED if passed else Verdict.UNKNOWN
