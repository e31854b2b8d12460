"""What one scan saw in one image, by the names of findings."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from basekeeper.compare import Origin, attribute
from basekeeper.recording import words
from basekeeper.tags.lineage import lineage

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from basekeeper.deadlines.identity import FindingKey
    from basekeeper.recording.batch import Batch
    from basekeeper.recording.observation import BaseLayers, LookedAt, Published
    from basekeeper.values.reference import Reference
    from basekeeper.values.vulnerability import Match, Scan

_Place = tuple[str, str]
"""Vulnerability and package."""


class Sighting(NamedTuple):
    """One scan of one image, and what it found by the names of findings."""

    reference: Reference
    digest: str
    platform: str
    scan: Scan
    found: Mapping[FindingKey, tuple[Match, ...]]
    suppressed: frozenset[_Place]
    """What a document excuses: it is there all the same."""
    origins: Mapping[FindingKey, Origin]
    """Of a published image which part brought it."""
    built_on: str | None = None
    """Digest of the base that a published image was proven to be built on."""

    @property
    def places(self) -> frozenset[_Place]:
        """Everything that is there, in whatever lineage."""
        return self.suppressed | {(one.vulnerability, one.package) for one in self.found}


def lineage_of(reference: Reference) -> str:
    """Return the lineage of an image."""
    return lineage(f"{reference.registry}/{reference.repository}", reference.tag)


def sighting_of_base(batch: Batch, image: LookedAt) -> Sighting:
    """Name what was found in an image that somebody could stand on."""
    line, platform = lineage_of(image.reference), image.platform
    grouped: defaultdict[FindingKey, list[Match]] = defaultdict(list)
    for match in image.scan.matches:
        grouped[batch.finding(match, line, platform)].append(match)
    return Sighting(
        image.reference,
        words.digest_name(image.digest),
        words.platform_name(platform),
        image.scan,
        {finding: tuple(same) for finding, same in grouped.items()},
        _excused(batch, image.scan, platform),
        {},
    )


def sighting_of_published(
    batch: Batch,
    image: Published,
    look: tuple[str, Scan],
    present: Mapping[_Place, Collection[str]],
) -> Sighting:
    """Name what was found in a published image.

    Args:
        batch: The run.
        image: What is published.
        look: Platform and scan.
        present: Vulnerability and package → lineages in which the product has it now. It stays what
            it is called, though this time it cannot be told where it comes from, or from elsewhere.
    """
    platform, scan = look
    base, origins = _attributed(image, platform, scan)
    is_proven = base is not None and origins is not None
    own = words.chain_name(f"{image.reference.registry}/{image.reference.repository}")
    inherited = own if base is None else lineage_of(base.reference)
    grouped: defaultdict[FindingKey, list[Match]] = defaultdict(list)
    told: dict[FindingKey, Origin] = {}
    for match in scan.matches:
        origin = Origin.UNKNOWN if origins is None else origins[id(match)]
        line = own if origin is Origin.APPLICATION else inherited
        named = batch.finding(match, line, platform)
        lines = present.get((named.vulnerability, named.package)) or (named.lineage,)
        for one in sorted(lines):
            finding = words.in_lineage(named, one)
            grouped[finding].append(match)
            told[finding] = origin
    return Sighting(
        image.reference,
        words.digest_name(image.digest),
        words.platform_name(platform),
        scan,
        {finding: tuple(same) for finding, same in grouped.items()},
        _excused(batch, scan, platform),
        told,
        words.digest_name(base.digest) if base is not None and is_proven else None,
    )


def _attributed(
    image: Published, platform: str, scan: Scan
) -> tuple[BaseLayers | None, Mapping[int, Origin] | None]:
    """Return the base of a published image, and which part brought each match, by its `id`.

    Without a proof that is the first base, and nothing.
    """
    name = words.platform_name(platform)
    bases = [one for one in image.bases if words.platform_name(one.platform) == name]
    for base in bases:
        parts = attribute(scan, base.diff_ids)
        if parts.problem is None:
            return base, {id(one): origin for origin in Origin for one in parts.of(origin)}
    return (bases[0] if bases else None), None


def _excused(batch: Batch, scan: Scan, platform: str) -> frozenset[_Place]:
    named = (batch.finding(one, "-", platform) for one in scan.suppressed)
    return frozenset((one.vulnerability, one.package) for one in named)
