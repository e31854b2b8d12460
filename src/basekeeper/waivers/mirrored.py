"""The waivers of a file as events of its repository, so that deadlines know them. Pure.

What should be is worked out anew from the file each time, and only the difference to what was
recorded becomes events: told twice, or after any earlier state, the same file adds nothing.

- `waived`: for each combination that a waiver of vulnerabilities covers. The key is its name and
  the beginning of the hash of its content, so that an edited waiver is another decision.
- `waiver-ended`: it was taken back, is not in the file any more, was edited, or what it covers
  became severer than it accepts.
- `expired`: its last day has passed.

A waiver that comes back after it ended has `#2`, `#3`, … behind its key.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from basekeeper.config.table import parse_day
from basekeeper.deadlines.identity import Aliases
from basekeeper.records import dataclass
from basekeeper.values.event import CHAIN_END, Event, EventKind, corrected
from basekeeper.values.waiver import NAME_DIGITS
from basekeeper.waivers.file import load_waivers
from basekeeper.waivers.model import Waivers
from basekeeper.waivers.reach import covered, scopes_of, within

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from basekeeper.deadlines.identity import FindingKey
    from basekeeper.policy.windows import Urgency
    from basekeeper.values.waiver import Waiver
    from basekeeper.waivers.model import WaiverLimits

MAX_LAG: Final = timedelta(days=8)
"""How far back a day of decision is believed when the waiver is seen for the first time: as long
as a weekly run may need to see it. Backdating excuses nothing that lies further back."""

KINDS: Final = frozenset({EventKind.WAIVED, EventKind.WAIVER_ENDED, EventKind.EXPIRED})
"""What is read of the ledger, and what is written."""


@dataclass(frozen=True, slots=True)
class WaiverFile:
    """The waiver file as a revision has it."""

    path: str
    waivers: Waivers
    digest: str
    """`sha256:` of its bytes; empty where there is no file."""


@dataclass(frozen=True, slots=True)
class Mirrored:
    """What is to be recorded, and what is to be said."""

    events: tuple[Event, ...]
    """In a stable order; none of them is recorded yet."""
    notes: tuple[str, ...]
    """Waivers that reach no known finding, and why."""


@dataclass(frozen=True, slots=True)
class _Standing:
    """A recorded waiver of one scope that has neither ended nor expired."""

    subject: str
    key: str
    waived: Event

    @property
    def place(self) -> tuple[str, str]:
        """What its events have in common."""
        return (self.subject, self.key)

    @property
    def base(self) -> str:
        """The key without its number."""
        return self.key.partition("#")[0]

    @property
    def name(self) -> str:
        """What the waiver is called."""
        return self.base.rpartition("@")[0]


@dataclass(slots=True)
class _Past:
    """What was recorded."""

    standing: list[_Standing]
    times: dict[tuple[str, str], int]
    """Subject and key without number → how often it was waived."""
    expired: set[tuple[str, str]]
    names: set[str]
    """Of all waivers that were ever recorded."""


def read_waiver_file(data: bytes | None, path: str, limits: WaiverLimits) -> WaiverFile:
    """Read a waiver file to mirror; data None: there is none.

    Raises:
        ConfigError: It is wrong. Then nothing can be mirrored: what it says is not known.
    """
    if data is None:
        return WaiverFile(path, Waivers(), "")
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    return WaiverFile(path, load_waivers(data, path, limits), digest)


def mirror(  # noqa: PLR0913  # four that cannot be left out, three that mostly are
    repository: str,
    file: WaiverFile,
    earlier: Iterable[Event],
    *,
    known: Mapping[FindingKey, Urgency | None],
    now: datetime,
    aliases: Aliases | None = None,
    policy: str = "",
) -> Mirrored:
    """Tell what the waivers of a repository's file change in its chain.

    Args:
        repository: Name of the chain.
        file: As the branch has it whose merged reviews approve.
        earlier: Events of the chain in the order of recording; kinds other than `KINDS` do not
            matter.
        known: Findings of the repository, by first names, and how severe they are now; None: that
            is not known.
        now: The instant of the run, UTC.
        aliases: Which vulnerabilities are one; None: none.
        policy: Digest of the policy in force.
    """
    past = _read(repository, earlier)
    names = Aliases() if aliases is None else aliases
    wanted, unsure, notes = _wanted(repository, file, known, names, now)
    events = [
        *_over(past, file, {*wanted, *unsure}, now),
        *_new(past, file, wanted, now),
    ]
    told = (_with_policy(event, policy) for event in events)
    ordered = sorted(told, key=lambda event: (event.at, event.kind, event.subject, event.key))
    return Mirrored(tuple(ordered), tuple(notes))


def _read(repository: str, earlier: Iterable[Event]) -> _Past:
    """Sort what was recorded."""
    past = _Past([], {}, set(), set())
    events = corrected(event for event in earlier if event.chain == repository and _matters(event))
    over = {
        (event.subject, event.key): event.kind
        for event in events
        if event.kind in (EventKind.WAIVER_ENDED, EventKind.EXPIRED)
    }
    for event in events:
        if event.kind is not EventKind.WAIVED:
            continue
        one = _Standing(event.subject, event.key, event)
        past.times[one.subject, one.base] = past.times.get((one.subject, one.base), 0) + 1
        past.names.add(one.name)
        end = over.get((event.subject, event.key))
        if end is None:
            past.standing.append(one)
        elif end is EventKind.EXPIRED:
            past.expired.add((one.subject, one.base))
    return past


def _matters(event: Event) -> bool:
    return event.kind in KINDS or event.kind is EventKind.RETRACTED


def _wanted(
    repository: str,
    file: WaiverFile,
    known: Mapping[FindingKey, Urgency | None],
    aliases: Aliases,
    now: datetime,
) -> tuple[dict[tuple[str, str], Waiver], set[tuple[str, str]], list[str]]:
    """Return what should stand, what may go on but not begin, and what is to be said."""
    wanted: dict[tuple[str, str], Waiver] = {}
    unsure: set[tuple[str, str]] = set()
    notes = []
    for waiver in file.waivers.accepted:
        if not waiver.vulnerabilities or waiver.until < now.date():
            continue
        scopes = scopes_of(waiver, known)
        if not scopes:
            notes.append(
                f"waiver {waiver.name} covers nothing: no finding has its images and packages"
            )
        for scope in scopes:
            place = (f"{repository}{CHAIN_END}{scope}", _base_key(waiver))
            severities = (known[key] for key in covered(scope, known, aliases))
            fits = within(waiver.severity, severities)
            if fits:
                wanted[place] = waiver
            elif fits is None:
                unsure.add(place)
    return wanted, unsure, notes


def _over(
    past: _Past, file: WaiverFile, kept: set[tuple[str, str]], now: datetime
) -> Iterator[Event]:
    """Yield the end of every recorded waiver that stands no more."""
    accepted = {waiver.name: waiver for waiver in file.waivers.accepted}
    ended = {_base_key(waiver): waiver for waiver in file.waivers.ended}
    revoked = {waiver.name: waiver for waiver in file.waivers.ended}
    for one in past.standing:
        until = _until(one.waived)
        if until is not None and until < now.date():
            at = max(_day_after(until), one.waived.at)
            yield _event(EventKind.EXPIRED, one.place, at, file, id=one.name, until=f"{until}")
        elif (one.subject, one.base) not in kept:
            taken_back = ended.get(one.base) or revoked.get(one.name)
            at, why = now, _why(one, accepted, taken_back, file)
            if taken_back is not None and taken_back.ended is not None:
                at = min(now, _day_after(taken_back.ended))
            at = max(at, one.waived.at)
            yield _event(EventKind.WAIVER_ENDED, one.place, at, file, id=one.name, reason=why)


def _why(
    one: _Standing, accepted: Mapping[str, Waiver], taken_back: Waiver | None, file: WaiverFile
) -> str:
    """Say why a waiver ended before its day."""
    if taken_back is not None:
        return taken_back.ended_because or "taken back"
    waiver = accepted.get(one.name)
    if waiver is None:
        return f"is not in {file.path} any more"
    if _base_key(waiver) != one.base:
        return f"was edited in {file.path}, which is another decision"
    return "covers this no more: it is severer than accepted"


def _new(
    past: _Past, file: WaiverFile, wanted: Mapping[tuple[str, str], Waiver], now: datetime
) -> Iterator[Event]:
    """Yield every waiver that is not recorded yet."""
    standing = {(one.subject, one.base) for one in past.standing}
    for place, waiver in wanted.items():
        if place in standing or place in past.expired:
            continue
        subject, key = place
        times = past.times.get(place, 0)
        if times:
            key = f"{key}#{times + 1}"
        at = now if waiver.name in past.names else _decided(waiver, now)
        yield _event(EventKind.WAIVED, (subject, key), at, file, **_evidence(waiver))


def _decided(waiver: Waiver, now: datetime) -> datetime:
    """Return since when a waiver counts that is seen for the first time.

    That is the end of its day of decision, as nobody knows the hour, but never more than `MAX_LAG`
    ago: a day in a file proves nothing.
    """
    if waiver.granted is None:
        return now
    return min(now, max(_day_after(waiver.granted), now - MAX_LAG))


def _evidence(waiver: Waiver) -> dict[str, str]:
    """Tell who decided what, and why."""
    return {
        "id": waiver.name,
        "owner": waiver.owner,
        "reason": waiver.reason,
        "control": waiver.control,
        "until": waiver.until.isoformat(),
        "granted": "" if waiver.granted is None else waiver.granted.isoformat(),
        "approver": waiver.approved_by,
        "renews": waiver.renews,
        "accepts_up_to": waiver.severity,
    }


def _event(
    kind: EventKind, place: tuple[str, str], at: datetime, file: WaiverFile, **evidence: str
) -> Event:
    subject, key = place
    said = {**evidence, "file": file.path, "file_digest": file.digest}
    return Event(
        kind=kind,
        subject=subject,
        key=key,
        at=at,
        source=file.path,
        evidence={name: text for name, text in said.items() if text},
    )


def _with_policy(event: Event, policy: str) -> Event:
    return replace(event, policy=policy) if policy else event


def _base_key(waiver: Waiver) -> str:
    return f"{waiver.name}@{waiver.digest[:NAME_DIGITS]}"


def _until(waived: Event) -> date | None:
    """Read the last day of a recorded waiver; None where it has none, so that it pauses nothing."""
    return parse_day(waived.evidence.get("until", ""))


def _day_after(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC) + timedelta(days=1)
