"""From what a run saw to the events that are new.

The same observation told twice gives nothing the second time, and a run that was killed before its
events were recorded is repeated by the next one. Two runs at once tell the same facts by the same
names, of which the ledger keeps one.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from basekeeper.recording import words
from basekeeper.recording.batch import Batch
from basekeeper.recording.found import tell_available, tell_image
from basekeeper.recording.joined import Join
from basekeeper.recording.progress import (
    Progress,
    line_of,
    tell_introduced,
    tell_released,
    tell_stands,
)
from basekeeper.recording.proofs import Proofs
from basekeeper.recording.said import Statements, tell_exploited
from basekeeper.recording.sightings import (
    Sighting,
    lineage_of,
    sighting_of_base,
    sighting_of_published,
)
from basekeeper.recording.stored import MAX_AHEAD, MAX_SKEW

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from basekeeper.recording.observation import LookedAt, Observation, Published
    from basekeeper.recording.stored import StoredFacts
    from basekeeper.values.event import Event

    _Present = Mapping[tuple[str, str], dict[tuple[str, str], set[str]]]
    """Product and platform → vulnerability and package → lineages."""


def events_of(observation: Observation, known: StoredFacts) -> tuple[Event, ...]:
    """Return what is new, in the order in which it should be recorded.

    Args:
        observation: What the run saw.
        known: What the ledger holds of the chain of the repository, of those of all images that
            are seen or that the repository stands on and publishes, and of that of advisories.
            What it holds and is not given may be told again; the ledger leaves out what has the
            same name.
    """
    run = _Run(observation, _present_facts(observation, known))
    run.tell_images()
    if observation.repository is not None:
        run.tell_repository(words.chain_name(observation.repository))
    return tuple(run.batch.events)


def _present_facts(seen: Observation, known: StoredFacts) -> StoredFacts:
    """Leave out what is later than now, so that it is told anew: a clock was ahead.

    It may be ours that is behind. Advisories are made before they are used, so that those of this
    run prove that it is not by much; without that, nothing that is known is told again.
    """
    scans = [one.scan for one in seen.looked_at]
    scans += [scan for one in seen.published for _, scan in one.scans]
    made = [None if scan.database is None else scan.database.updated for scan in scans]
    if not made or any(one is None or one - seen.now > MAX_SKEW for one in made):
        return known
    return known.until(seen.now + MAX_AHEAD)


class _Run:
    """One run, step by step."""

    def __init__(self, seen: Observation, known: StoredFacts) -> None:
        self.batch = Batch(seen, known)
        self._seen = seen
        self._bases: list[tuple[LookedAt, Sighting]] = [
            (one, sighting_of_base(self.batch, one)) for one in seen.looked_at
        ]
        present = _present(seen, known)
        self._published: list[tuple[Published, Sighting]] = [
            (one, sighting_of_published(self.batch, one, look, _of(present, one, look[0])))
            for one in seen.published
            for look in one.scans
        ]
        sightings = [sighting for _, sighting in (*self._bases, *self._published)]
        self._proofs = Proofs(self.batch, sightings)

    def tell_images(self) -> None:
        """Tell what concerns images, whoever uses them."""
        for event in (*self._seen.sights, *self._seen.told):
            self.batch.pass_on(event)
        for _, sighting in (*self._bases, *self._published):
            tell_image(self.batch, sighting)
        tell_available(self.batch, self._bases, self._proofs)
        tell_exploited(self.batch)

    def tell_repository(self, repository: str) -> None:
        """Tell what concerns the products of the repository."""
        tell_stands(self.batch, repository)
        tell_released(self.batch, repository)
        for image, sighting in self._published:
            tell_introduced(self.batch, repository, image, sighting)
        if self._seen.vex is not None:
            Statements(self.batch, self._seen.vex).tell(repository, self._images())
        Progress(self.batch, repository, self._proofs).tell()

    def _images(self) -> Iterator[tuple[str, Sighting]]:
        """Yield every product with each image that it stands on or publishes."""
        by_image: defaultdict[tuple[str, str, str], list[Sighting]] = defaultdict(list)
        for image, sighting in self._bases:
            line = words.scope(lineage=lineage_of(image.reference)).lineage or ""
            by_image[line, sighting.platform, sighting.digest].append(sighting)
        for stand in self._seen.stands:
            if stand.digest is not None:
                line_ = line_of(stand)
                place = line_.lineage, line_.platform, words.digest_name(stand.digest)
                same = by_image.get(place, [])
                own = [one for one in same if one.reference.tag == stand.reference.tag]
                for sighting in own or same:  # other tags of the digest are other names
                    yield line_.product, sighting
        for published, sighting in self._published:
            yield words.product_name(published.product), sighting


def _present(seen: Observation, known: StoredFacts) -> _Present:
    """Return what products have, by what is known before this run."""
    found: defaultdict[tuple[str, str], dict[tuple[str, str], set[str]]] = defaultdict(dict)
    if seen.repository is None or not seen.published:
        return found
    names = {words.product_name(name) for name in seen.mapped}
    chain = words.chain_name(seen.repository)
    for product, findings in Join(known).episodes(chain, names).items():
        for finding, episodes in findings.items():
            if episodes[-1].end is None:
                place = finding.vulnerability, finding.package
                lines = found[product, finding.platform].setdefault(place, set())
                lines.add(finding.lineage)
    return found


def _of(present: _Present, image: Published, platform: str) -> dict[tuple[str, str], set[str]]:
    place = words.product_name(image.product), words.platform_name(platform)
    return present.get(place, {})
