"""What keeps a deadline from being enforced: waivers, and statements of VEX documents.

A pause moves no due time. When it ends, the original clock counts again, and what was due
meanwhile is overdue at once.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from basekeeper.deadlines.model import WAIVER_WARNINGS, MomentKind, Pause

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from basekeeper.deadlines.model import Moment, Terms

_VEX: Final = frozenset(
    {MomentKind.NOT_AFFECTED, MomentKind.UNDER_INVESTIGATION, MomentKind.AFFECTED}
)


def pauses(moments: Sequence[Moment], terms: Terms) -> tuple[tuple[Pause, ...], tuple[str, ...]]:
    """Return what pauses a deadline, ever, and why the rest does not.

    Args:
        moments: Those that concern one finding of one product.
        terms: How long a waiver may be, and whether `under_investigation` pauses.

    Returns:
        The pauses by start, and a note for each waiver and statement that pauses nothing.
    """
    found: list[Pause] = []
    notes: list[str] = []
    ends = _waiver_ends(moments)
    for moment in moments:
        if moment.kind is not MomentKind.WAIVED:
            continue
        problem = waiver_problem(moment, terms.max_waiver_days)
        if problem is None:
            found.append(_of_waiver(moment, ends))
        else:
            notes.append(f"waiver {moment.key!r:.80} does not count: {problem}")
    for pause, note in _of_statements(
        moments, investigating=terms.windows.under_investigation_pauses
    ):
        found += [pause] if pause is not None else []
        notes += [note] if note else []
    kept = [pause for pause in found if pause.end is None or pause.start < pause.end]
    return tuple(sorted(kept, key=_order)), tuple(sorted(set(notes)))


def waiver_problem(waiver: Moment, max_days: int) -> str | None:
    """Say why a waiver does not count; None: it does."""
    for word, text in (
        ("who", waiver.owner),
        ("why", waiver.reason),
        ("what protects meanwhile", waiver.control),
    ):
        if not text:
            return f"it does not say {word}"
    if waiver.until is None:
        return "it has no last day"
    if (waiver.until - waiver.at.date()).days > max_days:
        return f"it holds for more than {max_days} days"
    return None


def waiver_warning(pause: Pause, now: datetime) -> int | None:
    """Tell which warning of the end of a waiver is due: 14, 7 or 1 days before; None: none yet."""
    if pause.kind is not MomentKind.WAIVED or pause.end is None or not pause.holds(now):
        return None
    left = pause.end - now
    return min((days for days in WAIVER_WARNINGS if left <= timedelta(days=days)), default=None)


def first_uncovered(pauses_: Iterable[Pause], begin: datetime, until: datetime) -> datetime | None:
    """Return the first instant from `begin` on, before `until`, at which no pause holds.

    Args:
        pauses_: By start.
        begin: Where to look from.
        until: Where to stop; exclusive.
    """
    at = begin
    for pause in pauses_:
        if pause.holds(at):
            if pause.end is None:
                return None
            at = pause.end
    return at if at < until else None


def _of_waiver(waiver: Moment, ends: dict[str, datetime]) -> Pause:
    end = _day_after(waiver.until or waiver.at.date())
    return Pause(
        kind=MomentKind.WAIVED,
        name=waiver.key,
        start=waiver.at,
        end=min(end, ends.get(waiver.key, end)),
        reason=waiver.reason,
        owner=waiver.owner,
    )


def _waiver_ends(moments: Iterable[Moment]) -> dict[str, datetime]:
    """Return when waivers were taken back, by their names."""
    found: dict[str, datetime] = {}
    for moment in moments:
        if moment.kind is MomentKind.WAIVER_ENDED:
            found[moment.key] = min(moment.at, found.get(moment.key, moment.at))
    return found


def _of_statements(
    moments: Iterable[Moment], *, investigating: bool
) -> list[tuple[Pause | None, str]]:
    """Read the VEX statements of each source; the next one of it ends what the last one said."""
    found: list[tuple[Pause | None, str]] = []
    by_source: dict[str, list[Moment]] = {}
    for moment in moments:
        if moment.kind in _VEX:
            by_source.setdefault(moment.source, []).append(moment)
    for said in by_source.values():
        # Of two at one instant the one that pauses least comes last, so that it counts.
        said.sort(key=lambda one: (one.at, one.kind is MomentKind.AFFECTED, one.justification))
        for index, moment in enumerate(said):
            end = said[index + 1].at if index + 1 < len(said) else None
            found.append(_of_statement(moment, end, investigating=investigating))
    return found


def _of_statement(
    moment: Moment, end: datetime | None, *, investigating: bool
) -> tuple[Pause | None, str]:
    """Read one statement; the text says why it pauses nothing, where that needs saying."""
    if moment.kind is MomentKind.AFFECTED:
        return None, ""
    if moment.kind is MomentKind.UNDER_INVESTIGATION and not investigating:
        return None, "under investigation, which pauses nothing"
    if moment.kind is MomentKind.NOT_AFFECTED and not moment.justification:
        who = moment.source or "somebody"
        return None, f"{who} says not affected without a justification, which pauses nothing"
    reason = moment.justification or "under investigation"
    pause = Pause(kind=moment.kind, name=moment.source, start=moment.at, end=end, reason=reason)
    return pause, ""


def _day_after(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC) + timedelta(days=1)


def _order(pause: Pause) -> tuple[datetime, str, str]:
    return (pause.start, pause.kind.value, pause.name)
