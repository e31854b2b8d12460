"""When a fix is due: the windows, laid over the times at which the urgency changed.

A window of some urgency runs from the instant since which the finding has been at least that
urgent, but not before the clock may start. So a rise adds a due time and takes none away, and a
fall takes away what only the higher urgency had asked for. What was overdue in between stays so.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.deadlines.model import Moment, MomentKind
from basekeeper.policy.windows import Start, Urgency
from basekeeper.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from basekeeper.policy.windows import WindowClause, Windows

_EVER: Final = datetime.min.replace(tzinfo=UTC)


class Change(NamedTuple):
    """From an instant on, how urgent a finding is."""

    at: datetime
    urgency: Urgency


@dataclass(frozen=True, slots=True)
class Term:
    """One due time, and what it rests on."""

    due: datetime
    since: datetime
    """From when the window is reckoned; of a release its own instant."""
    urgency: Urgency
    clause: WindowClause


class Due(NamedTuple):
    """What is due, and since when something is carried."""

    term: Term | None
    """None: no time runs."""
    carried: datetime | None
    """Since when the next release must hold the fix of a LOW; None: it need not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What due times are made from."""

    windows: Windows
    starts: Mapping[Urgency, datetime]
    """When the clock of each urgency may start; no entry: it may not yet."""
    bad_releases: Sequence[datetime]
    """Releases that hold the finding, ascending."""
    horizon: datetime
    """The end of the episode, or now."""
    breached: Callable[[datetime, datetime], datetime | None]
    """First instant between two at which passing a due time counts; None: there is none."""


class Statement(NamedTuple):
    """What was said of the severity at one instant."""

    at: datetime
    words: dict[str, Urgency | None]
    """Source → severity."""


def severities(statements: Iterable[Statement]) -> tuple[tuple[str, Urgency | None], ...]:
    """Return what each source said last of the severity, sorted by source."""
    said: dict[str, Urgency | None] = {}
    for _, words in statements:
        said |= words
    return tuple(sorted(said.items(), key=lambda one: one[0]))


def chosen(said: Mapping[str, Urgency | None], pinned: str | None) -> Urgency | None:
    """Return the severity that counts: the pinned source's, else the highest of all."""
    own = None if pinned is None else said.get(pinned)
    return own or max((one for one in said.values() if one is not None), default=None)


def changes(
    statements: Iterable[Statement],
    windows: Windows,
    pinned: str | None,
    exploited: datetime | None,
) -> tuple[Change, ...]:
    """Tell how urgent a finding was when; the first change is since ever.

    Args:
        statements: Ascending.
        windows: What an unknown severity counts as.
        pinned: Whose word counts.
        exploited: Since when it is exploited; None: it is not.
    """
    said: dict[str, Urgency | None] = {}
    spoken: list[Change] = []
    for at, words in statements:
        said |= words
        spoken.append(Change(at, chosen(said, pinned) or windows.unknown))
    # The first word on the severity is no change of it: it counts since ever.
    found = [Change(_EVER, spoken[0].urgency if spoken else windows.unknown), *spoken[1:]]
    if exploited is not None:
        found = [one for one in found if one.at < exploited]
        found.append(Change(exploited, Urgency.EXPLOITED))
    return tuple(one for index, one in enumerate(found) if _is_news(found, index))


def _is_news(found: Sequence[Change], index: int) -> bool:
    return index == 0 or found[index].urgency is not found[index - 1].urgency


def starts(
    windows: Windows, known: Mapping[Start, datetime | None], *, floor: datetime | None
) -> dict[Urgency, datetime]:
    """Tell when the clock of each urgency may start; of several starts the earliest counts.

    Args:
        windows: Which starts count for which urgency.
        known: When each of them was, if it was.
        floor: The instant before which no clock of this episode starts; None: there is none.
    """
    found = {}
    for urgency, names in windows.starts.items():
        instants = [at for name in names if (at := known.get(name)) is not None]
        if instants:
            found[urgency] = min(instants) if floor is None else max(min(instants), floor)
    return found


def due(timeline: Sequence[Change], given: Given) -> Due:
    """Tell what is due first.

    The first due time that passed while it held counts for good: a breach stays.
    """
    since: dict[Urgency, datetime] = {}
    carried: datetime | None = None
    term = None
    for index, (at, urgency) in enumerate(timeline):
        for one in Urgency:
            if one <= urgency:
                since.setdefault(one, at)
            else:
                since.pop(one, None)
        is_last = index + 1 == len(timeline)
        until = given.horizon if is_last else min(timeline[index + 1].at, given.horizon)
        if carried is None and urgency is Urgency.LOW:
            carried = _carried(at, until, given)
        term = min(_terms(since, carried, given), key=_first, default=None)
        if term is not None and given.breached(term.due, until) is not None:
            break
    return Due(term, carried)


def _terms(since: Mapping[Urgency, datetime], carried: datetime | None, given: Given) -> list[Term]:
    """Return every due time that holds now."""
    found = []
    windows = given.windows
    for urgency, at in since.items():
        start, window = given.starts.get(urgency), windows.windows.get(urgency)
        if start is not None and window is not None:
            begin = max(at, start)
            found.append(Term(begin + window, begin, urgency, windows.clause(urgency)))
    release = None if carried is None else _next(given.bad_releases, carried)
    if release is not None:
        clause = windows.clause(Urgency.LOW, at_release=True)
        found.append(Term(release, release, Urgency.LOW, clause))
    return found


def _carried(at: datetime, until: datetime, given: Given) -> datetime | None:
    """Return since when a LOW is carried to the next release; None where it is not."""
    start = given.starts.get(Urgency.LOW)
    if start is None or start > until or not given.windows.low_at_release:
        return None
    return max(at, start)


def _next(ascending: Sequence[datetime], after: datetime) -> datetime | None:
    return next((at for at in ascending if at > after), None)


def _first(term: Term) -> tuple[datetime, int]:
    """Order terms by due time; of equal ones the more urgent comes first."""
    return (term.due, -term.urgency)


def statements(moments: Iterable[Moment]) -> list[Statement]:
    """Return what was said of the severity at each instant, ascending.

    Of two words of one source at one instant the higher counts. A detection that tells no severity
    takes nobody's word back.

    Args:
        moments: Detections, and changes of the severity.
    """
    saying = sorted(moments, key=lambda one: (one.at, one.severity or 0))
    return [
        Statement(at, {_witness(one): one.severity for one in same})
        for at, same in groupby(saying, key=lambda one: one.at)
    ]


def _witness(moment: Moment) -> str:
    is_mute = moment.kind is MomentKind.DETECTED and moment.severity is None
    return "" if is_mute else moment.witness
