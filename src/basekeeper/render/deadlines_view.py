"""What every format for people shows of deadlines, put into words and groups once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.deadlines.model import State
from basekeeper.render.view import plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from basekeeper.deadlines.model import Clock, Deadline
    from basekeeper.values.agenda import Agenda, Doubt, Due

STATE_WORDS: Final = {
    State.OPEN: "open",
    State.DUE_SOON: "due soon",
    State.BREACHED: "overdue",
    State.WAITING_FOR_FIX: "waiting for a fix",
    State.WAITING_FOR_BASE: "waiting for a base",
    State.BRIDGED: "bridged",
    State.EXCEPTED: "excepted",
    State.FIXED_UNRELEASED: "fixed, not released",
    State.CLOSED_IN_TIME: "ended in time",
    State.CLOSED_LATE: "ended late",
    State.UNKNOWN: "unknown",
}
"""States in words, in the order in which totals name them."""

UNNAMED: Final = "(no product)"
"""What stands in the place of the name of what is not even known by its place."""

_TOTALS: Final = (
    State.BREACHED, State.DUE_SOON, State.OPEN, State.WAITING_FOR_BASE, State.BRIDGED,
    State.FIXED_UNRELEASED, State.WAITING_FOR_FIX, State.EXCEPTED, State.UNKNOWN,
    State.CLOSED_LATE, State.CLOSED_IN_TIME,
)  # fmt: skip
_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)


class Group(NamedTuple):
    """One vulnerability of one product, in as many packages as it is due alike."""

    first: Deadline
    packages: tuple[str, ...]
    members: tuple[Due, ...]

    @property
    def lineages(self) -> tuple[str, ...]:
        """Lines of base images that hold it."""
        return tuple(dict.fromkeys(one.deadline.finding.lineage for one in self.members))

    @property
    def platforms(self) -> tuple[str, ...]:
        """Platforms that it was found for."""
        return tuple(dict.fromkeys(one.deadline.finding.platform for one in self.members))


class ProductPart(NamedTuple):
    """What is due for one product."""

    name: str
    is_mapped: bool
    groups: tuple[Group, ...]


class RepositoryPart(NamedTuple):
    """What is due in one repository."""

    name: str
    products: tuple[ProductPart, ...]


def parts(found: Agenda) -> tuple[RepositoryPart, ...]:
    """Group by repository, product and vulnerability; what is to be done first comes first."""
    repositories: dict[str, dict[str, list[Due]]] = {}
    for one in found.due:
        products = repositories.setdefault(one.repository, {})
        products.setdefault(one.deadline.product or UNNAMED, []).append(one)
    return tuple(
        RepositoryPart(
            name,
            tuple(
                ProductPart(product, members[0].deadline.is_mapped, tuple(_groups(members)))
                for product, members in products.items()
            ),
        )
        for name, products in repositories.items()
    )


def _groups(members: Sequence[Due]) -> Iterator[Group]:
    """Put together what differs by package, platform or line of images alone."""
    same: dict[tuple[object, ...], list[Due]] = {}
    for one in members:
        deadline = one.deadline
        key = (
            deadline.finding.vulnerability,
            deadline.urgency,
            deadline.state,
            deadline.due,
            deadline.action.end,
            deadline.pause,
            deadline.clause,
        )
        same.setdefault(key, []).append(one)
    for group in same.values():
        names = dict.fromkeys(package_name(one.deadline.finding.package) for one in group)
        yield Group(group[0].deadline, tuple(names), tuple(group))


def package_name(package: str) -> str:
    """Return what people call a package: the last part of its package URL."""
    return package.rpartition("/")[2] or package


def time_words(one: Deadline, now: datetime) -> str:
    """Say until when, or why no time runs."""
    if one.action.end is not None:
        return f"{STATE_WORDS[one.state]}, {instant_words(one.action.end)}"
    if one.state is State.EXCEPTED:
        return _pause_words(one)
    waiting = ""
    if one.state in (State.WAITING_FOR_BASE, State.BRIDGED, State.FIXED_UNRELEASED):
        waiting = f"{STATE_WORDS[one.state]}; "
    return waiting + (_due_words(one, now) or STATE_WORDS[one.state])


def _due_words(one: Deadline, now: datetime) -> str:
    if one.due is not None and one.overdue_by is not None:
        return f"overdue by {span_words(one.overdue_by)}, since {instant_words(one.due)}"
    if one.due is not None:
        return f"due in {span_words(one.due - now)}, {instant_words(one.due)}"
    return "due with the next release" if one.at_next_release else ""


def _pause_words(one: Deadline) -> str:
    pause = one.pause
    if pause is None:
        return "excepted"
    until = "" if pause.end is None else f" until {instant_words(pause.end)}"
    who = pause.owner or pause.name
    due = "" if one.due is None else f"; else due {instant_words(one.due)}"
    return f"excepted{until} by {who}: {pause.reason}{due}"


def clock_words(clock: Clock) -> str:
    """Say how long a clock ran, and when."""
    if clock.start is None:
        return "not started"
    since = f"{span_words(clock.elapsed)}, since {instant_words(clock.start)}"
    if clock.end is not None:
        return f"{since}, until {instant_words(clock.end)}"
    return since if clock.is_running else f"{since}, paused"


def span_words(span: timedelta) -> str:
    """Write a duration by its two largest units: `3 days 4 h`, `5 h 10 min`, `12 min`."""
    days, rest = divmod(max(span, timedelta(0)), _DAY)
    hours, minutes = rest // _HOUR, rest % _HOUR // timedelta(minutes=1)
    if days:
        return plural(days, "day") + (f" {hours} h" if hours else "")
    if hours:
        return f"{hours} h" + (f" {minutes} min" if minutes else "")
    return f"{minutes} min"


def instant_words(at: datetime) -> str:
    """Write an instant in UTC to the minute."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def totals_words(found: Agenda) -> str:
    """Count what is listed, by state."""
    states = [one.deadline.state for one in found.due]
    overdue_elsewhere = found.overdue - states.count(State.BREACHED)
    words = [f"{states.count(one):,} {STATE_WORDS[one]}" for one in _TOTALS if one in states]
    if overdue_elsewhere:
        words.append(f"{overdue_elsewhere:,} of them overdue")
    text = plural(len(found.due), "finding")
    if words:
        text += f": {', '.join(words)}"
    if found.ended:
        text += f"; {found.ended:,} ended (--closed shows them)"
    return text


def doubt_words(doubt: Doubt) -> str:
    """Say of what too little is known, and why."""
    what = f"{doubt.repository}, {doubt.product}" if doubt.product else doubt.repository
    image = f" stands on {doubt.image}:" if doubt.image else ":"
    return f"{what}{image} {doubt.reason}"


def hints(found: Agenda) -> tuple[str, ...]:
    """Return what helps where too little is known, each once."""
    return tuple(dict.fromkeys(one.hint for one in found.doubts if one.hint))


def verdict(found: Agenda) -> str:
    """Say in a few words what came of it."""
    if found.overdue:
        return f"{found.overdue:,} overdue"
    if found.doubts or any(one.deadline.state is State.UNKNOWN for one in found.due):
        return "nothing that is known is overdue, but not all is known"
    return "nothing is overdue"


def is_decided(found: Agenda) -> bool:
    """Tell whether all that was asked for is known."""
    return not found.doubts and all(one.deadline.state is not State.UNKNOWN for one in found.due)
