"""What scanners saw in each image, look by look.

Each scanner has its own word on each finding of each digest: what one of them sees is there, though
another does not see it.
"""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from basekeeper.deadlines.identity import Aliases, FindingKey, read_scope
from basekeeper.recording import words
from basekeeper.values.event import EventKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from basekeeper.deadlines.identity import Scope
    from basekeeper.values.event import Event


class Look(NamedTuple):
    """One word of one scanner."""

    at: datetime
    is_absent: bool
    """Sorts behind a detection of the same instant."""
    order: int
    event: Event

    @property
    def scanner(self) -> str:
        """Whose word it is."""
        return self.event.evidence.get("from", "")


class Turn(NamedTuple):
    """From an instant on, whether any scanner sees a finding in an image."""

    at: datetime
    is_present: bool
    event: Event


def alias_groups(events: Iterable[Event]) -> Iterator[tuple[str, ...]]:
    """Yield the names that each detection says are of one vulnerability."""
    for event in events:
        if event.kind is EventKind.DETECTED and event.evidence.get("aliases"):
            found = read(event.subject)
            if found is not None and found.vulnerability is not None:
                yield found.vulnerability, *words.split(event.evidence["aliases"])


def read(subject: str, aliases: Aliases | None = None) -> Scope | None:
    """Read the scope of a subject, under its first name; None: it has none."""
    _, mark, part = subject.partition("#")
    try:
        found = read_scope(part) if mark else None
    except ValueError:
        return None
    if found is None or found.vulnerability is None or aliases is None:
        return found
    first = aliases.first(found.vulnerability)
    return found if first == found.vulnerability else words.renamed(found, first)


class Looks:
    """Finds the looks at an image, and the images that have a finding."""

    def __init__(self, events: Iterable[Event], aliases: Aliases) -> None:
        """Take the looks among events.

        Args:
            events: In the order of recording.
            aliases: Which vulnerabilities are one.
        """
        self._aliases = aliases
        self._images: defaultdict[str, dict[FindingKey, list[Look]]] = defaultdict(dict)
        self._digests: defaultdict[FindingKey, set[str]] = defaultdict(set)
        self._lineages: defaultdict[str, set[str]] = defaultdict(set)
        self._count = 0
        for event in events:
            self.add(event)

    def add(self, event: Event) -> None:
        """Take an event into account, if it is a look at an image."""
        if event.kind not in (EventKind.DETECTED, EventKind.GONE):
            return
        scope, digest = read(event.subject, self._aliases), event.evidence.get("digest")
        finding = None if scope is None or scope.product is not None else scope.finding
        if finding is None or not digest:
            return
        self._count += 1
        look = Look(event.at, event.kind is EventKind.GONE, self._count, event)
        insort(self._images[digest].setdefault(finding, []), look)
        self._digests[finding].add(digest)
        self._lineages[digest].add(finding.lineage)

    def findings(self, digest: str) -> Iterable[FindingKey]:
        """Return what was ever found in an image."""
        return self._images[digest].keys() if digest in self._images else ()

    def lineages(self, digest: str) -> frozenset[str]:
        """Return the lineages by which an image was ever called."""
        return frozenset(self._lineages.get(digest, ()))

    def every(self) -> Iterable[FindingKey]:
        """Return everything that was ever found."""
        return self._digests.keys()

    def digests(self, finding: FindingKey) -> Iterable[str]:
        """Return the images in which something was ever found."""
        return self._digests.get(finding, ())

    def last(self, finding: FindingKey, digest: str, scanner: str) -> Look | None:
        """Return the last word of one scanner."""
        looks = self._of(finding, digest)
        return next((one for one in reversed(looks) if one.scanner == scanner), None)

    def turns(self, finding: FindingKey, digest: str) -> list[Turn]:
        """Return when a finding came to be in an image, as far as is known, and when it went."""
        seeing: set[str] = set()
        found: list[Turn] = []
        for look in self._of(finding, digest):
            was_there = bool(seeing)
            if look.is_absent:
                seeing.discard(look.scanner)
            else:
                seeing.add(look.scanner)
            if bool(seeing) is not was_there:
                found.append(Turn(look.at, bool(seeing), look.event))
        return found

    def is_present(self, finding: FindingKey, digest: str) -> bool:
        """Tell whether any scanner said last that it is there."""
        return bool(self.seeing(finding, digest))

    def seeing(self, finding: FindingKey, digest: str) -> dict[str, Look]:
        """Return the last words that say that it is there, by scanner."""
        found: dict[str, Look] = {}
        for look in self._of(finding, digest):
            if look.is_absent:
                found.pop(look.scanner, None)
            else:
                found[look.scanner] = look
        return found

    def scanners(self, finding: FindingKey) -> set[str]:
        """Return every scanner that ever saw a finding, in whatever image."""
        return {
            look.scanner
            for digest in self.digests(finding)
            for look in self._of(finding, digest)
            if not look.is_absent
        }

    def is_fixable(self, finding: FindingKey, digests: Iterable[str]) -> bool:
        """Tell whether any look at any of the images told a version with the fix."""
        return any(
            look.event.evidence.get("fixed")
            for digest in digests
            for look in self._of(finding, digest)
        )

    def _of(self, finding: FindingKey, digest: str) -> list[Look]:
        image = self._images.get(digest)
        return [] if image is None else image.get(finding, [])
