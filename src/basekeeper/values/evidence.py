"""What a report of evidence holds: what was seen, decided and done, and what is not known.

It is worked out from the ledger, the policy and calendars for one instant. Instants are aware and
in UTC; a period holds its begin and not its end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from basekeeper.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime, timedelta

    from basekeeper.deadlines.model import Deadline
    from basekeeper.policy.windows import Urgency
    from basekeeper.values.agenda import Doubt
    from basekeeper.values.event import Head
    from basekeeper.values.finding import Judgement
    from basekeeper.values.image import Unknown
    from basekeeper.values.stored import StoredScan


@dataclass(frozen=True, slots=True)
class Period:
    """From an instant on until another one, which is not part of it."""

    begin: datetime
    end: datetime

    def holds(self, at: datetime | None) -> bool:
        """Tell whether an instant lies within it."""
        return at is not None and self.begin <= at < self.end

    def meets(self, begin: datetime, end: datetime | None) -> bool:
        """Tell whether something that lasted, or lasts, did so at any time within it."""
        return begin < self.end and (end is None or end >= self.begin)


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """The release of which a report is the evidence."""

    repository: str
    product: str
    digest: str
    tag: str | None
    at: datetime
    """When it was published, as far as that is known."""
    recorded: datetime
    """When we learned of it: the report holds what was known then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeverityCount:
    """How many findings of one severity an image has."""

    severity: str
    fixable: int
    others: int
    """Those for which no fix is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageState:
    """What the newest scan of an image told."""

    scans: tuple[StoredScan, ...] = ()
    """The one that proves most of each platform."""
    looks: int = 0
    """How many scans of it were recorded within the period."""
    counts: tuple[SeverityCount, ...] = ()
    """Worst first; severities without a finding are left out."""
    unknown: Unknown | None = None
    """Why there may be more than was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseEvidence:
    """An image on which a product stood, for one platform."""

    product: str
    lineage: str
    platform: str
    reference: str
    """As the file names it, in full; its tag may point elsewhere by now."""
    digest: str
    begin: datetime
    end: datetime | None
    """None: it stands on it at the instant of the report."""
    path: str
    line: int
    """0: not recorded."""
    identified: str
    """How we know that this is the base, in words."""
    judgement: Judgement | None
    """By the policy and calendars of the report; None: its name cannot be read any more."""
    state: ImageState


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedEvidence:
    """An image that a product published."""

    product: str
    reference: str
    digest: str
    tag: str | None
    at: datetime
    """When it was published, as far as that is known."""
    recorded: datetime
    """When we learned of it."""
    end: datetime | None
    """When the next one was; None: it is the published one at the instant of the report."""
    base: str | None
    """Digest of the base that its layers were proven to begin with."""
    proven: str
    """How its base is known, in words."""
    state: ImageState


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingEvidence:
    """One episode of one finding of one product: what was known and done, and when."""

    repository: str
    deadline: Deadline
    """As at the instant of the report."""
    name: str
    """What people call the package."""
    installed: str
    fixed: tuple[str, ...]
    """Versions that hold the fix; empty: none is known."""
    opened: datetime
    """When it was first found in an image of this product."""
    proposed: datetime | None
    merged: datetime | None
    verified: datetime | None
    """When each was first done within the episode; None: that is not recorded."""
    is_shipped: bool
    """Whether the image has it that was published last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverEvidence:
    """A waiver of some vulnerabilities, as it was mirrored from the file that reviews approve."""

    repository: str
    name: str
    scopes: tuple[str, ...]
    """What it covers, each in words."""
    owner: str
    approver: str
    """Empty: not recorded; the history of the file tells who merged it."""
    reason: str
    control: str
    """What protects meanwhile."""
    granted: date | None
    until: date | None
    begin: datetime
    end: datetime | None
    ended: str
    """How it ended: `expired`, `taken back`; empty: it stands."""
    file: str
    file_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """Something that was done or seen, as often as it happened alike at one instant."""

    at: datetime
    recorded: datetime
    product: str | None
    kind: str
    """The kind of the event."""
    text: str
    count: int
    """Of how many findings, or events, it tells."""
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductEvidence:
    """All that is known of one product."""

    name: str
    is_mapped: bool
    """Whether `[[product]]` says what is published."""
    bases: tuple[BaseEvidence, ...]
    """Those of the period, the present ones first."""
    published: tuple[PublishedEvidence, ...]
    """Those of the period, the newest first."""
    findings: tuple[FindingEvidence, ...]
    """Episodes of the period: overdue, then open, then ended, the most urgent first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryEvidence:
    """All that is known of one repository."""

    name: str
    products: tuple[ProductEvidence, ...]
    waivers: tuple[WaiverEvidence, ...]
    deeds: tuple[Deed, ...]
    """Of the period, in the order of time."""
    deeds_left_out: int = 0
    """How many older ones found no room."""


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole."""

    part: int
    whole: int
    ratio: float | None
    """None: the whole is too small for a ratio to mean anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How long something took."""

    count: int
    median: timedelta | None
    """None: too few."""
    slow: timedelta | None
    """The ninetieth percentile; None: too few."""
    longest: timedelta | None
    """None: there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UrgencyMeasure:
    """What became of the episodes of one urgency within the period; each is counted once."""

    urgency: Urgency
    window: timedelta | None
    """What the policy gives; None: the next release."""
    in_time: int
    """Ended within the period, never overdue, proven in the published image."""
    late: int
    """Ended within the period after having been overdue."""
    overdue: int
    """Overdue, and not ended by the end of the period."""
    running: int
    """Neither ended nor overdue by then, though the clock runs."""
    waiting: int
    """Not ended, and no clock runs: there is no fix."""
    excepted: int
    """Paused by a waiver or a statement, and not overdue before."""
    unproven: int
    """Fixed, but no `[[product]]` says what is published, so that no release is proven."""
    unclocked: int
    """Ended without a clock that ran: it had no fix, or was withdrawn."""
    unknown: int
    """What became of it cannot be told."""
    share: Share
    """`in_time` of `in_time`, `late` and `overdue` together."""
    patch: Spread
    """From the start of the action clock to the proof in the published image."""

    @property
    def total(self) -> int:
        """How many episodes were counted."""
        decided = self.in_time + self.late + self.overdue
        rest = self.unproven + self.unclocked + self.unknown
        return decided + self.running + self.waiting + self.excepted + rest


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendPoint:
    """One week or month of the period."""

    label: str
    """`2026-W31` or `2026-07`."""
    begin: datetime
    end: datetime
    opened: int
    closed: int
    open: int
    """At its end."""
    overdue: int
    """Of those, at its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LagMeasure:
    """How long the makers of one line of base images took from a fix to an image that holds it.

    Each vulnerability of the line counts once, however many packages and products have it.
    """

    lineage: str
    arrived: Spread
    """Of those of which a base came within the period."""
    waiting: int
    """Those of which none had come by the end of the period, and a product stands on the line."""
    unwatched: int
    """Those of which none had come while anybody stood on the line: nobody looks any more."""
    longest_wait: timedelta | None
    within: tuple[tuple[timedelta, Share], ...]
    """Limit → how many came within it, of those for which that is decided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """Numbers over all repositories of a report."""

    urgencies: tuple[UrgencyMeasure, ...]
    """The most urgent first; all five."""
    share: Share
    """Over all urgencies."""
    trend: tuple[TrendPoint, ...]
    trend_unit: str
    """`week` or `month`."""
    lags: tuple[LagMeasure, ...]
    """Sorted by lineage."""

    @property
    def overdue(self) -> int:
        """How many are overdue at the end of the period."""
        return sum(one.overdue for one in self.urgencies)

    @property
    def open(self) -> int:
        """How many are neither ended nor overdue at the end of the period, nor paused."""
        return sum(one.running + one.waiting for one in self.urgencies)

    @property
    def excepted(self) -> int:
        """How many are paused."""
        return sum(one.excepted for one in self.urgencies)

    @property
    def unknown(self) -> int:
        """Of how many it cannot be told what became of them, or no release is proven."""
        return sum(one.unknown + one.unproven for one in self.urgencies)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A whole report."""

    now: datetime
    """The instant of which it tells: nothing that happened later counts."""
    period: Period
    release: Release | None
    """None: it is about a period alone."""
    ledger: str
    """Where it lies; without a password."""
    policy_name: str
    policy_digest: str
    data: Mapping[str, date]
    """Source of calendars and publishers → day of its data."""
    products: tuple[str, ...]
    """Those that were asked for; empty: all."""
    repositories: tuple[RepositoryEvidence, ...]
    measures: Measures
    heads: tuple[Head, ...]
    """How far each chain was read, sorted by name."""
    marks: tuple[str, ...]
    """Hidden marks, one for each repository with an open finding."""
    doubts: tuple[Doubt, ...]
    """What is not known, sorted by repository and product."""
    unread: tuple[str, ...]
    """Events that could not be read: they may hide something."""
    notices: tuple[str, ...] = ()

    @property
    def findings(self) -> int:
        """How many episodes it lists."""
        return sum(len(one.findings) for part in self.repositories for one in part.products)
