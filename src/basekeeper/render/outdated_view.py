"""What all formats of `outdated` share: each image with its status, its steps and its gaps."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from basekeeper.records import dataclass
from basekeeper.render.layout import short_digest
from basekeeper.render.view import plural
from basekeeper.tags.updates import KINDS, Choice, Flag
from basekeeper.values.change import NoteKind
from basekeeper.values.finding import Truth
from basekeeper.values.image import Unknown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import date, datetime

    from basekeeper.tags.updates import Updates
    from basekeeper.values.change import Standing
    from basekeeper.values.finding import Judgement
    from basekeeper.values.reference import Reference
    from basekeeper.values.resolution import Standings, Trouble

_OF_GAPS: Final = frozenset({NoteKind.UNRESOLVED, NoteKind.INCOMPLETE})
"""Notes that say what the gaps of a row say."""

_DAY: Final = timedelta(days=1)
_MONTH_DAYS: Final = 30
_YEAR_DAYS: Final = 365


class Status(StrEnum):
    """How an image stands."""

    OUTDATED = "outdated"
    """There is something to move to."""
    CURRENT = "current"
    """There is nothing newer of the kinds that are wanted."""
    UNKNOWN = "unknown"
    """Whether there is something newer could not be told."""


@dataclass(frozen=True, slots=True)
class Support:
    """Where an image stands in the calendars of what is in it."""

    value: Truth
    reason: str
    until: date | None
    """The day on which the first of its versions ends or ended; None: not known."""


@dataclass(frozen=True, slots=True)
class Row:
    """One distinct image."""

    standing: Standing
    support: Support
    status: Status
    steps: tuple[Choice, ...]
    """What it can be moved to, of the wanted kinds: sizes from small to large, then other axes."""
    rest: tuple[Choice, ...]
    """The other answers of the wanted kinds: nothing newer, waiting, or not told."""
    gaps: tuple[Unknown, ...]
    """What was asked of the registry in vain."""

    @property
    def name(self) -> str:
        """The image as its author wrote it."""
        return self.standing.uses[0].text if self.standing.uses else str(self.standing.reference)

    @property
    def updates(self) -> Updates | None:
        """What could be chosen; None: nothing could be told."""
        updates = self.standing.updates
        return None if isinstance(updates, Unknown) else updates


def rows(found: Standings, kinds: Collection[str] = ()) -> list[Row]:
    """Prepare every image, in the order of the standings.

    Args:
        found: How all images stand.
        kinds: Kinds and axes to show, of those that the rules want; empty: all of these.
    """
    return [
        _row(one, _support(found.judgements.get(str(one.reference))), kinds)
        for one in found.standings
    ]


def counts(shown: Collection[Row]) -> dict[Status, int]:
    """Count the images of each status; every status has a number."""
    found = [row.status for row in shown]
    return {status: found.count(status) for status in Status}


def summary(shown: Collection[Row]) -> str:
    """Write the totals: `3 images in 5 places: 1 outdated, 1 current, 1 unknown`."""
    sums = counts(shown)
    words = ", ".join(f"{count:,} {status.value}" for status, count in sums.items() if count)
    places = plural(sum(len(row.standing.uses) for row in shown), "place")
    head = f"{plural(len(shown), 'image')} in {places}"
    return f"{head}: {words}" if words else head


def target(choice: Choice, reference: Reference) -> str:
    """Write what a choice moves an image to: tag, digest or name, whichever changes."""
    if choice.repository is not None:
        is_told = choice.tag and not (reference.tag is None and choice.tag == "latest")
        return f"{choice.repository}:{choice.tag}" if is_told else choice.repository
    if choice.tag not in (None, reference.tag) and choice.kind != "digest":
        return str(choice.tag)
    if choice.digest is not None:
        return short_digest(f"@{choice.digest}").removeprefix("@")
    return choice.tag or ""


def remark(choice: Choice, *, verbose: bool = False) -> str:
    """What to say of a step beside its kind and target; empty where they say all."""
    said = choice.reason if verbose or choice.remark is None else choice.remark
    if choice.os_change is None or choice.os_change in said:
        return said
    return f"{said}; {choice.os_change}" if said else choice.os_change


def notes(row: Row) -> Iterator[tuple[str, str]]:
    """Yield what a person should know beside choices and gaps: its kind and the words."""
    updates = row.updates
    flags = {} if updates is None else updates.flags
    for kind, text in flags.items():
        if kind != Flag.INCOMPLETE or not (row.gaps or row.standing.resolution.tags is None):
            yield kind.replace("_", "-"), text
    for note in row.standing.notes:
        if note.kind not in _OF_GAPS and note.text not in flags.values():
            yield note.kind.value, note.text


def own_gaps(row: Row, found: Standings) -> list[Unknown]:
    """The gaps of a row but those that another line tells.

    What is told once for all images of its registry is left out, and what is said of a tag and of
    its whole repository alike is said of the repository.
    """
    registry = row.standing.reference.registry
    is_silent = any(trouble.registry == registry for trouble in found.troubles)
    said = {gap.reason for gap in row.gaps}
    name = row.standing.reference.name
    return [
        gap
        for gap in row.gaps
        if not (is_silent and gap.reason.startswith(f"{registry} "))
        and (gap.reason.startswith(f"{name}: ") or _of_name(gap.reason, name) not in said)
    ]


def _of_name(reason: str, name: str) -> str:
    """The same reason, of the whole repository."""
    return f"{name}: {reason.partition(': ')[2]}" if reason.startswith(name) else ""


def remedies(shown: Collection[Row], found: Standings) -> list[str]:
    """What helps against gaps, each once with the number of images."""
    hints = Counter(
        hint
        for row in shown
        for hint in dict.fromkeys(gap.hint for gap in own_gaps(row, found) if gap.hint)
    )
    return [f"{hint} ({plural(count, 'image')})" for hint, count in hints.items()]


def trouble_words(trouble: Trouble) -> str:
    """Say why a registry did not answer, and for how many images that counts."""
    reason = trouble.reason.removeprefix(f"{trouble.registry}: ")
    images = plural(trouble.images, "image")
    return f"{trouble.registry}: {trouble.failure.value} ({images}): {reason}"


def ageless(shown: Collection[Row]) -> str | None:
    """Say what can be done about newer tags of unknown age; None: there are none."""
    count = sum(any(until is None for _, until in waiting(row)) for row in shown)
    if not count:
        return None
    return (
        f"{plural(count, 'image')} with newer tags or digests whose age nobody tells: configure a"
        ' ledger that learns ages, set minimum_age = "0 days", or take what is there with'
        " `update --any-age`"
    )


def waiting(row: Row) -> Iterator[tuple[str, datetime | None]]:
    """Yield newer tags that are too young, each once, with the instant when they are not."""
    found = {
        choice.waiting: choice.waiting_until
        for choice in (*row.steps, *row.rest)
        if choice.waiting is not None
    }
    yield from found.items()


def age_of(row: Row, now: datetime) -> timedelta | None:
    """How old the digest in use is, by the registry, our first sight or the image itself."""
    updates, inside = row.updates, row.standing.resolution.current
    if updates is not None:
        at = updates.current.pushed or updates.current.first_seen
        if at is not None:
            return max(now - at, timedelta(0))
    configs = () if inside is None else inside.configs.values()
    created = [one.created for one in configs if not isinstance(one, Unknown) and one.created]
    return max(now - max(created), timedelta(0)) if created else None


def age_words(age: timedelta | None) -> str:
    """Write an age for people: `5 h`, `12 days`, `4 months`; empty where it is not known."""
    if age is None:
        return ""
    if age < 2 * _DAY:
        return f"{int(age.total_seconds() // 3600)} h"
    if age.days < 3 * _MONTH_DAYS:
        return f"{age.days} days"
    if age.days < 2 * _YEAR_DAYS:
        return f"{age.days // _MONTH_DAYS} months"
    return f"{age.days // _YEAR_DAYS} years"


def pointed(row: Row) -> str | None:
    """The digest that the tag points to now; None: not asked or not told."""
    pointer = row.standing.resolution.pointer
    return None if pointer is None or isinstance(pointer, Unknown) else pointer.digest


def _row(standing: Standing, support: Support, kinds: Collection[str]) -> Row:
    """Sort the answers about one image."""
    updates = standing.updates
    gaps = tuple(_gaps(standing))
    if isinstance(updates, Unknown):
        return Row(standing, support, Status.UNKNOWN, (), (), gaps or (updates,))
    wanted = standing.rules.kinds.intersection(kinds) if kinds else standing.rules.kinds
    sized = tuple(choice for choice in updates.choices if choice.kind in wanted)
    moves = tuple(choice for choice in updates.moves if choice.axis in wanted or not kinds)
    steps = tuple(choice for choice in (*sized, *moves) if choice)
    rest = tuple(choice for choice in sized if not choice)
    is_open = bool(gaps) or any(choice.value is Truth.UNKNOWN for choice in rest)
    status = Status.OUTDATED if steps else Status.UNKNOWN if is_open else Status.CURRENT
    return Row(standing, support, status, steps, rest, gaps)


def _gaps(standing: Standing) -> Iterator[Unknown]:
    """Everything that was asked of the registry about one image in vain, each reason once."""
    resolution = standing.resolution
    insides = [one for one in (resolution.current, resolution.newest) if one is not None]
    asked: list[object] = [resolution.pointer, resolution.tags]
    for inside in insides:
        asked += [inside.image, *inside.configs.values()]
    found = [one for one in asked if isinstance(one, Unknown)]
    tags = resolution.tags
    if tags is not None and not isinstance(tags, Unknown) and tags.problem is not None:
        found.append(Unknown(f"the list of tags may lack some: {tags.problem}"))
    yield from dict.fromkeys(found)


def _support(judgement: Judgement | None) -> Support:
    """Read where an image stands in its calendars."""
    answer = None if judgement is None else judgement.quality.get("supported")
    if judgement is None or answer is None:
        return Support(Truth.UNKNOWN, "it was not judged", None)
    ends = [axis.end_of_life for axis in judgement.axes if axis.end_of_life is not None]
    return Support(answer.value, answer.reason, min(ends) if ends else None)


def is_size(kind: str) -> bool:
    """Tell whether a kind is a size on the main axis, not another axis."""
    return kind in KINDS
