"""`behind-current`: supported, but no longer the newest LTS or stable line."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from basekeeper.rules.rule import Defect, UseRule, brief, place_of, said
from basekeeper.values.finding import Severity, Truth

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from basekeeper.policy.model import RuleSetting
    from basekeeper.rules.rule import Subject
    from basekeeper.values.finding import AxisState

DEFAULT_GRACE_DAYS: Final = 90
"""Days after the newer line arrived during which being behind is a note."""


def _inspect(subject: Subject, setting: RuleSetting) -> Iterator[Defect]:
    """Yield one defect that names every axis that is behind; a note within the grace time."""
    use = subject.use
    axes = subject.judgement.axes
    behind = [axis for axis in axes if axis.current.value is Truth.NO]
    if not behind or any(axis.supported.value is Truth.NO for axis in axes):
        return
    grace = timedelta(days=setting.options.get("grace_days", DEFAULT_GRACE_DAYS))
    today = subject.now.date()
    late = any(_late(axis, grace, today) for axis in behind)
    yield Defect(
        place=place_of(use),
        message=f"{brief(use)} is behind: {'; '.join(map(_lag, behind))}",
        remedy="move to "
        + " on ".join(f"{axis.title} {axis.newest}" for axis in behind if axis.newest)
        if any(axis.newest for axis in behind)
        else "move to the newest line",
        severity=None if late else Severity.NOTE,
        evidence=tuple(_evidence(axis, grace) for axis in behind),
    )


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
    if axis.newest_since is None:
        return f"{text}; since when is not known"
    return f"{text}; since {axis.newest_since}, a note until {axis.newest_since + grace}"


RULE: Final = UseRule(
    id="behind-current",
    summary="supported, but behind the newest LTS or stable line",
    inspect=_inspect,
    yields_to=("end-of-life",),
)
