"""The quality criteria of an image, each answered yes, no or unknown with what it rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.policy.decide import refusal
from basekeeper.values.finding import Answer, Truth

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from basekeeper.policy.decide import Subject
    from basekeeper.policy.model import Clause
    from basekeeper.values.finding import AxisState

CRITERIA: Final = ("official_source", "current_version", "supported", "minimal_size")
"""Names of the criteria, in the order in which they are shown."""


_APPLICATION: Final = "application"


def all_answers(value: Truth, reason: str) -> Mapping[str, Answer]:
    """Answer every criterion alike."""
    return dict.fromkeys(CRITERIA, Answer(value, reason))


def official_source(clause: Clause | None, subject: Subject) -> Answer:
    """Answer whether somebody known answers for the image.

    Yes for Docker Official Images, verified and first-party publishers, and sources that an entry
    of the policy accepts by name.
    """
    if clause is not None and clause.names_source:
        return Answer(Truth.YES, f"the policy names this source ({clause.name})", clause.origin)
    asked = (subject.official, subject.verified)
    for value in (Truth.YES, Truth.UNKNOWN):
        for answer in asked:
            if answer.value is value:
                return answer
    return refusal(subject)


def supported(axes: Sequence[AxisState], undetermined: Sequence[str] = ()) -> Answer:
    """Answer whether nothing in the image is past its end of life; one dead axis is enough.

    Args:
        axes: The versions in the image that could be told.
        undetermined: Those that could not, each `axis: reason`.
    """
    told = [(axis, axis.supported) for axis in axes]
    return _combined(told, undetermined)


def current_version(axes: Sequence[AxisState], undetermined: Sequence[str] = ()) -> Answer:
    """Answer whether the image is on the newest LTS line, or newest stable line where none is.

    The application counts where there is one; a distribution, and a generation of images, only
    where they are what the image is. Arguments as for `supported`.
    """
    applications = [axis for axis in axes if axis.axis == _APPLICATION]
    open_ones = [reason for reason in undetermined if reason.startswith(f"{_APPLICATION}:")]
    if applications or open_ones:
        return _combined([(axis, axis.current) for axis in applications], open_ones)
    return _combined([(axis, axis.current) for axis in axes], undetermined)


def _combined(told: Sequence[tuple[AxisState, Answer]], undetermined: Sequence[str]) -> Answer:
    """Combine the axes: no, if one says no; else unknown, if one is unknown; else yes."""
    if not told and not undetermined:
        return Answer(Truth.UNKNOWN, "no calendar is known for this image")
    values = {answer.value for _, answer in told} | ({Truth.UNKNOWN} if undetermined else set())
    worst = next(value for value in (Truth.NO, Truth.UNKNOWN, Truth.YES) if value in values)
    decisive = [(axis, answer) for axis, answer in told if answer.value is worst]
    reasons = [f"{axis.title} {axis.cycle}: {answer.reason}" for axis, answer in decisive]
    if worst is Truth.UNKNOWN:
        reasons += undetermined
    first = decisive[0][1] if decisive else None
    return Answer(
        worst,
        "; ".join(reasons),
        None if first is None else first.source,
        None if first is None else first.as_of,
    )
