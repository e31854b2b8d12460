"""What one run of `scan` came to: an answer for each image and platform, and what all rest on."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from basekeeper.records import dataclass
from basekeeper.values.image import Unknown

if TYPE_CHECKING:
    from datetime import datetime

    from basekeeper.values.bases import Identified
    from basekeeper.values.event import Head
    from basekeeper.values.reference import Reference
    from basekeeper.values.resolution import Trouble
    from basekeeper.values.use import Role, Skipped, Use
    from basekeeper.values.vulnerability import Database, Match, Scan, ScannerIdentity, Severity


class How(StrEnum):
    """Where the packages of an answer are from."""

    SCANNED = "scanned"
    """The image itself was looked into in this run."""
    REMATCHED = "rematched"
    """They were listed before, and matched against the present database; nothing was fetched."""
    BROUGHT = "brought"
    """An SBOM that the user named lists them."""
    UNKNOWN = "unknown"
    """There is no answer."""


class Part(StrEnum):
    """Why an image was scanned."""

    CURRENT = "current"
    """A build stands on it, or the user named it."""
    CANDIDATE = "candidate"
    """A build could stand on it."""
    PUBLISHED = "published"
    """A product is published as it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannedImage:
    """One image for one platform."""

    name: str
    """As its first use, or the user, names it."""
    platform: str | None
    """None where the user asked for whatever is there."""
    how: How
    answer: Scan | Unknown
    reference: Reference | None = None
    """Of an image in a registry."""
    digest: str | None = None
    """What was looked at; None where it was not told."""
    role: Role | None = None
    """The first of those that its uses have."""
    uses: tuple[Use, ...] = ()
    part: Part = Part.CURRENT
    base: Identified | Unknown | None = None
    """What a published image was built on; None: nobody asked."""
    second: Scan | Unknown | None = None
    """What the second scanner says of the same packages; None: there is none."""

    @property
    def matches(self) -> tuple[Match, ...]:
        """What was found; nothing where there is no answer, which then proves nothing."""
        return () if isinstance(self.answer, Unknown) else self.answer.matches

    @property
    def every_match(self) -> tuple[Match, ...]:
        """What any scanner found."""
        second = self.second
        told = () if second is None or isinstance(second, Unknown) else second.matches
        return self.matches + told

    @property
    def problems(self) -> tuple[Unknown, ...]:
        """Why there is no answer, or why more may be there than was found."""
        answers = (self.answer,) if self.second is None else (self.answer, self.second)
        return tuple(
            problem
            for answer in answers
            for problem in ((answer,) if isinstance(answer, Unknown) else answer.problems)
        )

    def count(self, severity: Severity) -> tuple[int, int]:
        """Count the matches of a severity: those with a fix, and those without."""
        found = [one for one in self.matches if one.severity is severity]
        fixable = sum(one.fixable for one in found)
        return fixable, len(found) - fixable


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What of a run the ledger keeps."""

    place: str
    """Where the ledger lies; no password."""
    repository: str | None
    """Name of the repository, as its chain; None: only facts about images were recorded."""
    events: int
    """How many were new."""
    head: Head | None
    """The end of the repository's chain; keep it elsewhere."""
    mark: str = ""
    """A hidden mark, from which the clocks that run can be restored; empty: none runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondScanner:
    """A further program that was asked about the same packages."""

    scanner: ScannerIdentity
    database: Database | None
    """None where there is none, or it could not be told."""
    problem: Unknown | None
    """Why absence cannot be proven by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanRun:
    """Everything that one run told."""

    now: datetime
    """The instant of the run, UTC."""
    scanner: ScannerIdentity
    database: Database | None
    """None where there is none, or it could not be told."""
    database_problem: Unknown | None
    """Why absence cannot be proven by it: missing, stale, misdated."""
    severity_order: tuple[str, ...]
    images: tuple[ScannedImage, ...]
    """Those that final chains stand on first, each group sorted by name and platform."""
    further: tuple[ScannedImage, ...] = ()
    """What builds could stand on, then what products are published as; only where a run records."""
    skipped: tuple[Skipped, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    unmatched: tuple[str, ...] = ()
    """Patterns of images that named none."""
    notices: tuple[str, ...] = ()
    recorded: Recorded | None = None
    """None: nothing was recorded."""
    second: SecondScanner | None = None
    """None: one scanner looked."""

    @property
    def every(self) -> tuple[ScannedImage, ...]:
        """All images, whatever they are to a build."""
        return self.images + self.further

    @property
    def complete(self) -> bool:
        """Tell whether everything that was asked for was told; nobody asked for candidates."""
        unread = any(one.fatal for one in self.skipped)
        asked = (one for one in self.every if one.part is not Part.CANDIDATE)
        return not (unread or self.unmatched or any(one.problems for one in asked))
