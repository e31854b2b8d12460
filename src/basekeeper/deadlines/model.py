"""What deadlines are made from, and what they are. All instants are aware and in UTC."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Final

from basekeeper.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date, datetime, timedelta

    from basekeeper.deadlines.identity import FindingKey, Scope
    from basekeeper.policy.windows import Urgency, WindowClause, Windows

ESCALATION: Final = (50, 80, 100, 150)
"""Steps of escalation, in percent of the window."""

DUE_SOON: Final = 80
"""Percent of the window from which a finding is due soon."""

WAIVER_WARNINGS: Final = (14, 7, 1)
"""Days before the end of a waiver at which its owner is warned."""


class MomentKind(StrEnum):
    """What happened; the words are the kinds of the ledger's events, but for `LEFT`."""

    PUBLISHED = "published"
    """The vulnerability was made public."""
    INTRODUCED = "introduced"
    """The first image of ours that holds the package."""
    DETECTED = "detected"
    """A scan found it in an image; names finding, product and digest."""
    FIX_AVAILABLE = "fix-available"
    """The first fixed version of the package."""
    BASE_AVAILABLE = "base-available"
    """The first base, within the allowed tags, that holds the fix."""
    SEVERITY_CHANGED = "severity-changed"
    """A source says how severe it is, for the first time or anew."""
    EXPLOITED = "exploited"
    """It is exploited, as a catalogue or a person says."""
    PULL_REQUEST_OPENED = "pull-request-opened"
    """With the fix."""
    PULL_REQUEST_CLOSED = "pull-request-closed"
    """Without being merged; its key is that of the opening."""
    BRIDGED = "bridged"
    """The fixed package alone was put over a base that lacks the fix."""
    MERGED = "merged"
    REBUILT = "rebuilt"
    VERIFIED = "verified"
    """A scan proved that an image holds the fix; names the digest."""
    GONE = "gone"
    """A scan does not find it any more in an image, and nobody fixed it; names the digest."""
    RELEASED = "released"
    """A product was published; names the digest."""
    WAIVED = "waived"
    WAIVER_ENDED = "waiver-ended"
    """A waiver was taken back; its key is that of the waiver."""
    NOT_AFFECTED = "not-affected"
    """A VEX document says so."""
    UNDER_INVESTIGATION = "under-investigation"
    """A VEX document says so."""
    AFFECTED = "affected"
    """A VEX document says so, which ends what an earlier one said."""
    BREACHED = "breached"
    """A verdict of an earlier run: the due time, passed without the fix. It stays."""
    LEFT = "left"
    """A product no longer stands on the image of that digest; without a digest: on none at all. No
    event says so: it follows from `based-on`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One event as deadlines read it."""

    kind: MomentKind
    scope: Scope
    at: datetime
    key: str = ""
    """Of a waiver its name, of a pull request its address."""
    source: str = ""
    """Who says so."""
    digest: str | None = None
    """Of the image that was scanned or published, written alike in all events of a product."""
    is_base: bool = False
    """Of a detection or a proof whether that image is one that the product stands on, which is not
    what is published."""
    built_on: str | None = None
    """Of a proof the digest of the base that the image was proven to be built on."""
    severity: Urgency | None = None
    """None: not known, or not said."""
    witness: str = ""
    """Of a severity whose it is (`nvd`); of a fix what tells it (`advisory`, `grype`,
    `changelog`, `observed`)."""
    until: date | None = None
    """Of a waiver the last day, UTC, on which it holds."""
    owner: str = ""
    reason: str = ""
    control: str = ""
    """Of a waiver what protects meanwhile."""
    justification: str = ""
    """Of a VEX statement `not_affected`: its justification."""


@dataclass(frozen=True, slots=True)
class Unread:
    """An event of a known kind that could not be read; it counts nowhere."""

    kind: str
    subject: str
    reason: str


class State(StrEnum):
    """Where a finding of a product stands."""

    OPEN = "open"
    DUE_SOON = "due-soon"
    BREACHED = "breached"
    WAITING_FOR_FIX = "waiting-for-fix"
    """There is no fix that could be taken; the action clock does not run."""
    WAITING_FOR_BASE = "waiting-for-base"
    """There is a fix, but no base that holds it."""
    BRIDGED = "bridged"
    """The fixed package was put over the base; the published image is not proven yet."""
    EXCEPTED = "excepted"
    """A waiver or a VEX statement pauses the clock."""
    FIXED_UNRELEASED = "fixed-unreleased"
    """The fix was taken, but no published image is proven to hold it."""
    CLOSED_IN_TIME = "closed-in-time"
    CLOSED_LATE = "closed-late"
    UNKNOWN = "unknown"
    """What would have to be known was not looked for lately."""


class Progress(IntEnum):
    """How far the fix has come."""

    NOTHING = 0
    PROPOSED = 1
    MERGED = 2
    REBUILT = 3
    VERIFIED = 4
    """Some image is proven to hold the fix; not yet the published one."""
    RELEASED = 5
    """The published image is proven to hold it."""

    @property
    def word(self) -> str:
        """The lower-case name used in every format."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Clock:
    """One of the three clocks."""

    start: datetime | None
    """None: it has not started."""
    end: datetime | None
    """None: it has not ended."""
    elapsed: timedelta
    """From start to end, or to now."""
    is_running: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One step of escalation."""

    percent: int
    at: datetime
    is_reached: bool
    """False also while a pause holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """What keeps a deadline from being enforced, and how long."""

    kind: MomentKind
    name: str
    """Key of the waiver, or source of the VEX statement."""
    start: datetime
    end: datetime | None
    """First instant at which it holds no more; None: no end is known."""
    reason: str
    owner: str = ""

    def holds(self, at: datetime) -> bool:
        """Tell whether it holds at an instant."""
        return self.start <= at and (self.end is None or at < self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """Until when a finding must be fixed in a product. One for each episode."""

    finding: FindingKey
    product: str | None
    """Name of the product or, where none is mapped, of the place; None: not even that."""
    is_mapped: bool
    """Whether `[[product]]` says what is published."""
    episode: int
    """1, and one more for each time that it came back."""
    is_latest: bool
    severity: Urgency | None
    """As the source that counts says now; None: not known."""
    severities: tuple[tuple[str, Urgency | None], ...]
    """What every source says now, sorted by source."""
    urgency: Urgency
    """Which window counts."""
    exposure: Clock
    """Reported only; never pauses."""
    total_exposure: timedelta
    """This episode's and that of all earlier ones."""
    action: Clock
    """The one that is enforced."""
    upstream: Clock
    """From the fix to a base that holds it; theirs, not ours."""
    due: datetime | None
    """None: no clock runs, or the due time is the next release."""
    at_next_release: bool
    """Whether the next release must hold the fix."""
    clause: WindowClause
    state: State
    progress: Progress
    steps: tuple[Step, ...]
    """In the order of their instants; empty where no time runs."""
    breached_at: datetime | None
    """When it was overdue for the first time while no pause held."""
    overdue_by: timedelta | None
    """None: not overdue now."""
    pause: Pause | None
    """What pauses it now."""
    propose_bridge: bool
    """Whether upstream has used more than half of the window, and nothing bridges the gap."""
    notes: tuple[str, ...]
    """What a person should know, sorted."""

    @property
    def is_closed(self) -> bool:
        """Whether the clock has ended."""
        return self.action.end is not None

    @property
    def escalation(self) -> int:
        """The highest step that was reached, in percent; 0: none."""
        return max((step.percent for step in self.steps if step.is_reached), default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """By what deadlines are reckoned."""

    now: datetime
    """Later moments are left out."""
    windows: Windows
    products: Collection[str] = ()
    """Names of what `[[product]]` maps."""
    max_waiver_days: int = 180
    """Most days from a waiver until its last day."""
    severity_source: str | None = None
    """Whose severity counts where it says one; None: the highest that any source says."""
    stale: Mapping[str | None, str] | None = None
    """Product → why its last scan no longer tells what holds."""
