"""`behind-current`: supported, but no longer the newest LTS or stable line."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from basekeeper.rules.moves import move
from basekeeper.rules.rule import Defect, UseRule, brief, place_of, said
from basekeeper.values.finding import Severity, Truth

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from basekeeper.policy.model import RuleSetting
    from basekeeper.rules.rule import Subject
    from basekeeper.values.finding import AxisState, Judgement

DEFAULT_GRACE_DAYS: Final = 90
"""Days after the newer line arrived during which being behind is a note."""


def _inspect(subject: Subject, setting: RuleSetting) -> Iterator[Defect]:
    """Yield one defect that names every axis that is behind.

    A note within the grace time, and for what no tag of the author picked.
    """
    use = subject.use
    axes = subject.judgement.axes
    behind = [axis for axis in axes if axis.current.value is Truth.NO]
    if not behind or any(axis.supported.value is Truth.NO for axis in axes):
        return
    grace = timedelta(days=setting.options.get("grace_days", DEFAULT_GRACE_DAYS))
    today = subject.now.date()
    late = any(_late(axis, grace, today) for axis in behind if _is_chosen(axis))
    yield Defect(
        place=place_of(use),
        message=f"{brief(use)} is behind: {'; '.join(map(_lag, behind))}",
        remedy=_remedy(behind, subject.judgement),
        severity=None if late else Severity.NOTE,
        evidence=tuple(_evidence(axis, grace) for axis in behind),
    )


def _is_chosen(axis: AxisState) -> bool:
    """Tell whether the author can move the axis by the version that name and tag say already."""
    return axis.axis != "os" or axis.named


def _remedy(behind: list[AxisState], judgement: Judgement) -> str:
    """Name the image to move to; a system that its publisher picks moves without the author."""
    chosen = [axis for axis in behind if _is_chosen(axis)]
    waiting = "keep the tag: its publisher picks the operating system and moves it"
    return move(chosen, judgement, otherwise="move to the newest line" if chosen else waiting)


def _late(axis: AxisState, grace: timedelta, today: date) -> bool:
    """Tell whether the newer line has been there for longer than the grace time.

    A line whose day is not known is not proven to be that old.
    """
    return axis.newest_since is not None and today - axis.newest_since > grace


def _lag(axis: AxisState) -> str:
    """Name a line and the one that it is behind."""
    return f"{axis.title} {axis.cycle}, {axis.current.reason}"


def _evidence(axis: AxisState, grace: timedelta) -> str:
    """Say since when the newer line is there, and until when that is a note."""
    text = f"{axis.title} {axis.cycle}: {said(axis.current)}"
    if not _is_chosen(axis):
        return f"{text}; a note, for the publisher picks it and not the tag"
    if axis.newest_since is None:
        return f"{text}; since when is not known"
    return f"{text}; since {axis.newest_since}, a note until {axis.newest_since + grace}"


RULE: Final = UseRule(
    id="behind-current",
    summary="supported, but behind the newest LTS or stable line",
    inspect=_inspect,
    yields_to=("end-of-life",),
)
