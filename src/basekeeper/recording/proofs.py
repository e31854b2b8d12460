"""What proves that an image does not have something."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.recording import words
from basekeeper.recording.looks import read
from basekeeper.values.event import EventKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from basekeeper.deadlines.identity import FindingKey
    from basekeeper.recording.batch import Batch
    from basekeeper.recording.sightings import Sighting
    from basekeeper.values.vulnerability import Scan

_CUT_MARK: Final = "~"
"""In a name that was cut, so that it cannot be compared with the names of packages."""


class Proof(NamedTuple):
    """An image, and why it is proven not to have something."""

    digest: str
    scan: Scan | None
    said: Mapping[str, str]


class Proofs:
    """The scans of one run, as proofs of what is not there."""

    def __init__(self, batch: Batch, sightings: Iterable[Sighting]) -> None:
        """Take all scans of the run; everything that was found must be told already."""
        self._batch = batch
        self._by_image: defaultdict[tuple[str, str], list[Sighting]] = defaultdict(list)
        self._there: defaultdict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
        for one in sightings:
            self._by_image[one.digest, one.platform].append(one)
            self._there[one.digest, one.platform] |= one.places
        self._engines = {one.scan.scanner.name for same in self._by_image.values() for one in same}

    def proof(self, finding: FindingKey, digest: str) -> Proof | None:
        """Return the proof that an image does not have something; None: there is none.

        Nobody may see it there, whether in this run or when last asked. Each scanner of this run
        that ever saw it somewhere must have looked at the whole image: where one that never saw it
        sees nothing, that says nothing, unless the package is not there, or holds the fix.
        """
        place, image = (finding.vulnerability, finding.package), (digest, finding.platform)
        if place in self._there.get(image, ()) or self._is_present(finding, digest):
            return None
        seen = self._by_image.get(image, [])
        whole = {one.scan.scanner.name: one for one in seen if one.scan.complete}
        witnesses = self._batch.looks.scanners(finding)
        if not witnesses & self._engines <= whole.keys():
            return None
        for name, one in sorted(whole.items()):
            if not witnesses or name in witnesses or self._is_fixed(finding, one.scan):
                return Proof(digest, one.scan, words.evidence(built_on=one.built_on))
        return None

    def is_fixable(self, finding: FindingKey) -> bool:
        """Tell whether a version with the fix is known."""
        return bool(self._fixes.get(finding))

    def _is_present(self, finding: FindingKey, digest: str) -> bool:
        """Tell whether any scanner saw it there when it last looked, in whatever lineage."""
        looks = self._batch.looks
        return any(
            looks.is_present(words.in_lineage(finding, lineage), digest)
            for lineage in looks.lineages(digest)
        )

    def _is_fixed(self, finding: FindingKey, scan: Scan) -> bool:
        """Tell whether a package is not there, or holds the fix, by whatever name of its kind."""
        name = _last_word(finding.package)
        if not scan.packages or _CUT_MARK in name:
            return False
        versions = {one.version for one in scan.packages if _last_word(one.identity) == name}
        return versions <= self._fixes.get(finding, set())

    @cached_property
    def _fixes(self) -> Mapping[FindingKey, set[str]]:
        """Finding → versions that hold the fix."""
        found: defaultdict[FindingKey, set[str]] = defaultdict(set)
        for event in (*self._batch.known.events, *self._batch.events):
            fixed = event.evidence.get("fixed")
            if fixed and event.kind in (EventKind.FIX_AVAILABLE, EventKind.DETECTED):
                scope = read(event.subject, self._batch.aliases)
                finding = None if scope is None else scope.finding
                if finding is not None:
                    found[finding].update(words.split(fixed))
        return found


def _last_word(identity: str) -> str:
    return identity.rpartition("/")[2].lower()
