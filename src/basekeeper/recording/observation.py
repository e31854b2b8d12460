"""What a run saw, as `observed.events_of` takes it. Instants are aware and in UTC."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from basekeeper.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from basekeeper.advisories.exploited import ExploitedCatalogue
    from basekeeper.advisories.openvex import VexDocument
    from basekeeper.values.bases import Identified
    from basekeeper.values.event import Event
    from basekeeper.values.image import Unknown
    from basekeeper.values.reference import Reference
    from basekeeper.values.use import Use
    from basekeeper.values.vulnerability import Scan


class Part(StrEnum):
    """Why an image was scanned."""

    CURRENT = "current"
    """A product stands on it."""
    CANDIDATE = "candidate"
    """A product could stand on it: the newest digest of a tag that the rules of updates allow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedAt:
    """One image of a registry that was scanned for one platform, by one scanner."""

    reference: Reference
    """Registry, repository, and the tag whose words say the variant; its digest is not looked at.
    Of a candidate the tag that would be taken."""
    digest: str
    """Of the index where there is one: what files and tags name."""
    platform: str
    scan: Scan
    part: Part = Part.CURRENT
    since: datetime | None = None
    """When that digest was pushed or first seen; None: not before now."""
    replaces: tuple[str, ...] = ()
    """Digests in use whose place the rules of updates let it take. What its own tag stood for
    before needs no mention."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """One image at the start of a final chain, for one platform."""

    product: str
    """Name of its `[[product]]`; unmapped: the place, `path` or `path:target`."""
    place: str
    """`path` of the Dockerfile, or `path:target`, whether mapped or not: by it a product that was
    renamed, mapped or unmapped goes on."""
    is_mapped: bool
    use: Use
    reference: Reference
    """With its tag, if any; its words say the variant."""
    digest: str | None
    """Which digest that is now: pinned, or what its tag points to. None: it could not be told, so
    that nothing is concluded for that product and platform."""
    platform: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseLayers:
    """The layers of an image that a product stands on, or stood on, for one platform."""

    reference: Reference
    digest: str
    platform: str
    diff_ids: tuple[str, ...]
    """Lowest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What the published image of a product is now."""

    product: str
    """Name of its `[[product]]`."""
    reference: Reference
    """Its repository and the tag that was looked at."""
    digest: str
    """Of the index where there is one."""
    since: datetime | None = None
    """When it was pushed; where that is not told, when it was made. None: seen now."""
    created: datetime | None = None
    """When it was made, as it says; None where it does not, or says a constant."""
    platforms: tuple[str, ...] | None = None
    """Every platform that it is published for; None: that could not be told."""
    scans: tuple[tuple[str, Scan], ...] = ()
    """Platform and scan; several of one platform where several scanners looked."""
    bases: tuple[BaseLayers, ...] = ()
    """What it may have been built on: what is proven, the present bases, then earlier ones. The
    first one whose layers it starts with counts; without any nothing can be attributed."""
    identified: tuple[tuple[str, Identified | Unknown], ...] = ()
    """Platform and what it was built on, as far as that was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Everything that one run saw, for one repository or for images alone."""

    now: datetime
    """The instant of the run."""
    repository: str | None = None
    """Name of the source repository; None: only facts about images are told."""
    policy: str = ""
    """Digest of the policy in force."""
    databases: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Name of a scanner → digest of its advisories, where that is known."""
    sights: tuple[Event, ...] = ()
    """What tags stood for: `values.sights.sights` makes these events."""
    looked_at: tuple[LookedAt, ...] = ()
    """Bases and candidates."""
    stands: tuple[Stand, ...] = ()
    """What every product and unmapped place stands on, for each platform that it is built for."""
    is_whole: bool = True
    """Whether the whole tree could be read. Else nothing is concluded from what is not there."""
    published: tuple[Published, ...] = ()
    products: frozenset[str] = frozenset()
    """Names of all `[[product]]`, whether anything is known of their images or not."""
    exploited: ExploitedCatalogue | None = None
    """None: not asked."""
    vex: tuple[VexDocument, ...] | None = None
    """Documents that the settings name; None: they were not read, so that nothing is taken back."""
    told: tuple[Event, ...] = ()
    """Events that others made, such as those of waivers; only those that are new are passed on."""
    fix_dates: Mapping[tuple[str, str], datetime] = field(
        default_factory=lambda: MappingProxyType({})
    )
    """Vulnerability and `Package.identity` → since when a fixed version is there, as Grype says."""

    @property
    def mapped(self) -> frozenset[str]:
        """Names of everything of which it is known what is published."""
        told = {one.product for one in self.stands if one.is_mapped}
        return self.products | told | {one.product for one in self.published}
