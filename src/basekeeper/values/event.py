"""Events of the ledger: what happened or was seen, when, and how we know."""

from __future__ import annotations

from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Final, TypeVar

from basekeeper.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

T = TypeVar("T")

CHAIN_END: Final = "#"
"""What ends the repository in a subject; what follows names a part of it."""


class EventKind(StrEnum):
    """What an event tells. Text of a kind is part of every identity: it never changes."""

    FIRST_SEEN = "first-seen"
    """A tag stood for a digest."""
    INTRODUCED = "introduced"
    """The first image of ours that holds a package."""
    BASED_ON = "based-on"
    """What a repository builds stands on this image from now on, until it stands on another."""

    PUBLISHED = "published"
    """A vulnerability became public."""
    DATABASE_KNOWN = "database-known"
    """The first database of a scanner that knows it."""
    DETECTED = "detected"
    """A scan of ours found it."""
    FIX_AVAILABLE = "fix-available"
    """The first version of the package without it came out."""
    BASE_AVAILABLE = "base-available"
    """The first base image that holds that version came out."""
    EXPLOITED = "exploited"
    """It is known to be exploited."""
    SEVERITY_CHANGED = "severity-changed"
    """The pinned source changed its mind."""
    GONE = "gone"
    """A scan does not find it any more, and nobody fixed it."""

    PULL_REQUEST_OPENED = "pull-request-opened"
    PULL_REQUEST_CLOSED = "pull-request-closed"
    """Closed and not merged."""
    PROPOSAL_NOTED = "proposal-noted"
    """What happened to a change request of a forge that keeps none itself."""
    MERGED = "merged"
    BRIDGED = "bridged"
    """The fixed package alone was put over a base that lacks the fix."""
    REBUILT = "rebuilt"
    """A new image was built."""
    VERIFIED = "verified"
    """A scan proved that the image holds the fix."""
    RELEASED = "released"
    """The image was published."""
    BREACHED = "breached"
    """The due time passed without the fix: a verdict, which stays."""

    NOT_AFFECTED = "not-affected"
    """A VEX document says so; likewise the next two."""
    UNDER_INVESTIGATION = "under-investigation"
    AFFECTED = "affected"

    WAIVED = "waived"
    WAIVER_ENDED = "waiver-ended"
    """Taken back before its day."""
    EXPIRED = "expired"
    """A waiver reached its day."""

    SCANNED = "scanned"
    """An image was scanned, whatever was found."""
    SIGNALLED = "signalled"
    """Somebody told of an exploited vulnerability: a signal, no conclusion."""
    ASSESSED = "assessed"
    """Somebody decided what a signal means for us."""
    CONTRADICTED = "contradicted"
    """The present does not fit what is recorded."""
    RETRACTED = "retracted"
    """What was recorded never happened."""

    ANNOUNCED = "announced"
    """A step of a deadline was handed to the notice that tells it on a channel."""
    UNDELIVERED = "undelivered"
    """A notice was given up."""

    NOTICE_QUEUED = "notice-queued"
    NOTICE_TRIED = "notice-tried"
    NOTICE_PUT_OFF = "notice-put-off"
    NOTICE_SETTLED = "notice-settled"


NOTICE_KINDS: Final = frozenset(kind for kind in EventKind if kind.startswith("notice-"))
"""How a branch keeps the outbox; databases have a table for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One fact of the past; never changed, never deleted."""

    kind: EventKind
    subject: str
    """What it is about: a repository, or `REPOSITORY#PART` for a part of one. Of `FIRST_SEEN` the
    repository of the image, as `registry/path`."""
    key: str
    """What makes it this event and no other of its kind and subject; of `FIRST_SEEN`
    `tag@digest`. Recording the same fact again adds nothing, so what can happen twice (a second
    episode, a second pull request) has its number or address in the key."""
    at: datetime
    """When it happened, UTC; of `FIRST_SEEN` the instant of the run that saw it."""
    source: str
    """Who says so, such as the host of the registry."""
    evidence: Mapping[str, str]
    """What it rests on, text only; never secrets."""
    policy: str = ""
    """Digest of the policy in force; empty where none mattered."""
    tool: str = ""
    """Digest of the program that told it, such as a scanner; empty for basekeeper itself."""
    data: str = ""
    """Digest of the data that it rests on, such as a vulnerability database; empty: none."""
    corrects: str = ""
    """The `id` of an event that was wrong, and in whose place this one stands."""

    @property
    def id(self) -> str:
        """What the fact is called: a hash of kind, subject and key, in hexadecimal.

        Who says so, when, and on what evidence is no part of it: the same fact told twice is one.
        Of a correction all that it corrects is, so that a second one is another event.
        """
        parts = [self.kind.value, self.subject, self.key]
        if self.corrects:
            parts += [self.corrects, self.at.isoformat(), self.source]
            parts += [text for pair in sorted(self.evidence.items()) for text in pair]
        return netstring_hash(parts).hex()

    @property
    def chain(self) -> str:
        """The repository that it belongs to: what its subject has before the first `#`."""
        return self.subject.partition(CHAIN_END)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """An event as the ledger keeps it."""

    event: Event
    recorded: datetime
    """When it was written down, UTC."""
    position: int
    """Its place in the chain of its repository, from 1."""
    hash: str
    """SHA-256 of the event, its place, and the hash before it, in hexadecimal."""


@dataclass(frozen=True, slots=True)
class Head:
    """The newest event of a chain: whoever keeps it can prove later that nothing before changed."""

    chain: str
    position: int
    """How many events the chain has."""
    hash: str

    def __str__(self) -> str:
        """Write it as `CHAIN@POSITION:HASH`."""
        return f"{self.chain}@{self.position}:{self.hash}"


@dataclass(frozen=True, slots=True)
class Break:
    """The first event of a chain that is not as it was recorded."""

    chain: str
    """Empty where even that cannot be told."""
    position: int
    """Where in the chain, from 1; 0 where it has no place there."""
    reason: str
    """What is wrong, as the rest of a sentence that begins with the event."""


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether the ledger is as it was written."""

    events: int
    """How many were looked at."""
    heads: tuple[Head, ...]
    """The end of each chain that is sound, in the order of their names."""
    breaks: tuple[Break, ...]
    """The first bad event of each chain that is not."""

    @property
    def is_sound(self) -> bool:
        """Tell whether nothing was changed, removed, inserted or reordered."""
        return not self.breaks


@dataclass(frozen=True, slots=True)
class Sight:
    """A tag that stood for a digest, and since when we know it."""

    tag: str
    digest: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something to tell the outside: recorded before it is sent."""

    id: str
    """Names it for ever: a receiver that got it twice can tell. The same id is queued once."""
    subject: str
    """What it is about, as the subject of an event."""
    channel: str
    """Where it goes, by the name that the settings give; never an address with a secret."""
    body: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A notice that this process is to send now."""

    notice: Notice
    attempt: int
    """From 1. From the second on it may have arrived before: say so to the receiver."""


def corrected(events: Iterable[Event]) -> tuple[Event, ...]:
    """Put corrections in the place of what they correct, and leave out what was retracted.

    Of several corrections of the same event the last counts; one may correct another.

    Args:
        events: In the order of recording.
    """
    told = ((e.id, e.corrects, e.kind is EventKind.RETRACTED, e) for e in events)
    return standing(told)


def standing(told: Iterable[tuple[str, str, bool, T]]) -> tuple[T, ...]:
    """Do the same as `corrected` with anything that is corrected like events.

    Args:
        told: Of each its id, the id that it corrects or an empty text, whether it retracts that,
            and itself; in the order of recording.
    """
    found: dict[str, T] = {}
    origins: dict[str, str] = {}  # id of a correction → id of what was first told
    for own, wrong, retracts, item in told:
        origin = origins.get(wrong, wrong) or own
        origins[own] = origin
        if retracts:
            found.pop(origin, None)
        else:
            found[origin] = item
    return tuple(found.values())


def netstring_hash(parts: Iterable[str | bytes]) -> bytes:
    """Hash a list of texts with SHA-256, each as a netstring: no two lists look alike."""
    hashed = sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        hashed.update(b"%d:%b," % (len(data), data))
    return hashed.digest()
