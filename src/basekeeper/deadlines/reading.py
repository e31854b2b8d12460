"""From events of the ledger to moments: a reading of kind, subject, key, instant and evidence.

The subject is `REPOSITORY#SCOPE` or a scope alone (`lineage=…&vulnerability=…`, see
`identity.Scope`). What a later event corrects does not count. Events of other kinds are passed
over; those of a known kind that cannot be read are told, as they may hide something.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final, Protocol

from basekeeper.deadlines.identity import Aliases, Scope, read_scope
from basekeeper.deadlines.model import Moment, MomentKind, Unread
from basekeeper.policy.windows import Urgency

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LAST_YEAR: Final = 9_000
"""Instants after it are nobody's; windows added to them would leave the calendar."""

MAX_TEXT_CHARS: Final = 4_096
"""Longest text of evidence that is kept."""

OF_BASE: Final = "base"
"""What the evidence `of` says of a proof of an image that a product stands on."""

SEVERITIES: Final[Mapping[str, Urgency | None]] = {
    "critical": Urgency.CRITICAL,
    "high": Urgency.HIGH,
    "medium": Urgency.MEDIUM,
    "low": Urgency.LOW,
    "negligible": Urgency.LOW,
    "unknown": None,
    "": None,
}
"""Words of scanners, in lower case."""

_OF_ONE_FINDING: Final = frozenset({MomentKind.DETECTED})
_OF_A_VULNERABILITY: Final = frozenset(MomentKind) - {
    MomentKind.INTRODUCED,
    MomentKind.PULL_REQUEST_CLOSED,
    MomentKind.RELEASED,
    MomentKind.REBUILT,
    MomentKind.WAIVED,
    MomentKind.WAIVER_ENDED,
}
_WITH_DIGEST: Final = frozenset({MomentKind.VERIFIED, MomentKind.GONE, MomentKind.RELEASED})
_KINDS: Final = frozenset(kind.value for kind in MomentKind if kind is not MomentKind.LEFT)


class EventLike(Protocol):
    """What is read of an event."""

    @property
    def id(self) -> str:
        """What the fact is called."""
        ...

    @property
    def corrects(self) -> str:
        """The `id` of an event in whose place this one stands; empty: none."""
        ...

    @property
    def kind(self) -> str:
        """What happened."""
        ...

    @property
    def subject(self) -> str:
        """What it is about."""
        ...

    @property
    def key(self) -> str:
        """What makes it this event."""
        ...

    @property
    def at(self) -> datetime:
        """When."""
        ...

    @property
    def source(self) -> str:
        """Who says so."""
        ...

    @property
    def evidence(self) -> Mapping[str, str]:
        """What it rests on."""
        ...


def read_moments(
    events: Iterable[EventLike], aliases: Aliases | None = None
) -> tuple[tuple[Moment, ...], tuple[Unread, ...]]:
    """Read what deadlines need of events.

    Args:
        events: In any order; kinds that say nothing of deadlines are passed over.
        aliases: Which vulnerabilities are one; None: none.

    Returns:
        The moments in the order of the events, and what could not be read.
    """
    names = Aliases() if aliases is None else aliases
    every = tuple(events)
    wrong = {event.corrects for event in every if event.corrects}
    moments, unread = [], []
    for event in every:
        if event.kind not in _KINDS or (wrong and event.id in wrong):
            continue
        try:
            moments.append(_moment(event, names))
        except ValueError as error:
            unread.append(Unread(str(event.kind), event.subject[:200], str(error)))
    return tuple(moments), tuple(unread)


def _moment(event: EventLike, aliases: Aliases) -> Moment:
    """Read one event; raises ValueError."""
    kind = MomentKind(event.kind)
    said = event.evidence
    return Moment(
        kind=kind,
        scope=_scope(kind, event, aliases),
        at=_instant(event.at),
        key=event.key,
        source=event.source,
        digest=_digest(kind, said),
        is_base=_text(said, "of") == OF_BASE,
        built_on=_text(said, "built_on") or None,
        severity=_severity(said),
        witness=_text(said, "from").lower(),
        until=_until(kind, said),
        owner=_text(said, "owner"),
        reason=_text(said, "reason"),
        control=_text(said, "control"),
        justification=_text(said, "justification"),
    )


def _scope(kind: MomentKind, event: EventLike, aliases: Aliases) -> Scope:
    """Read what an event is about, and check that it says enough."""
    _, mark, part = event.subject.partition("#")
    scope = read_scope(part if mark else event.subject)
    if scope.is_empty:
        raise ValueError("names nothing that it is about")
    if kind in _OF_A_VULNERABILITY and scope.vulnerability is None:
        raise ValueError("names no vulnerability")
    if kind in _OF_ONE_FINDING and scope.finding is None:
        raise ValueError("does not name lineage, vulnerability, package and platform")
    if kind is MomentKind.RELEASED and scope.product is None:
        raise ValueError("names no product")
    return Scope(
        lineage=scope.lineage,
        vulnerability=None if scope.vulnerability is None else aliases.first(scope.vulnerability),
        package=scope.package,
        platform=scope.platform,
        product=scope.product,
    )


def _instant(at: datetime) -> datetime:
    """Check an instant, and bring it to UTC."""
    if at.tzinfo is None:
        raise ValueError("has an instant without a time zone")
    if at.year > LAST_YEAR or at.year == 1:
        raise ValueError(f"has an instant that nobody lives to see: {at.isoformat()}")
    return at.astimezone(UTC)


def _digest(kind: MomentKind, said: Mapping[str, str]) -> str | None:
    digest = _text(said, "digest")
    if not digest and kind in _WITH_DIGEST:
        raise ValueError("names no digest")
    return digest or None


def _severity(said: Mapping[str, str]) -> Urgency | None:
    word = _text(said, "severity").lower()
    if word not in SEVERITIES:
        raise ValueError(f"has a severity that is none: {word!r:.80}")
    return SEVERITIES[word]


def _until(kind: MomentKind, said: Mapping[str, str]) -> date | None:
    """Read the last day of a waiver."""
    if kind is not MomentKind.WAIVED:
        return None
    text = _text(said, "until")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"has no last day: {text!r:.80}") from None


def _text(said: Mapping[str, str], name: str) -> str:
    return said.get(name, "").strip()[:MAX_TEXT_CHARS]
