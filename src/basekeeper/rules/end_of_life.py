"""`end-of-life`: something in the image gets no updates any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.rules.rule import Defect, UseRule, brief, place_of, said
from basekeeper.values.finding import Truth

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.policy.model import RuleSetting
    from basekeeper.rules.rule import Subject
    from basekeeper.values.finding import AxisState, Judgement


def _inspect(subject: Subject, _setting: RuleSetting) -> Iterator[Defect]:
    """Yield one defect that names every axis without support."""
    use, judgement = subject.use, subject.judgement
    dead = [axis for axis in judgement.axes if axis.supported.value is Truth.NO]
    if dead:
        yield Defect(
            place=place_of(use),
            message=f"{brief(use)} is past its end of life: {'; '.join(map(_death, dead))}",
            remedy=_remedy(dead, judgement),
            evidence=tuple(f"{axis.title} {axis.cycle}: {said(axis.supported)}" for axis in dead),
        )
        return
    supported = judgement.quality.get("supported")
    if supported is not None and supported.value is Truth.NO:
        yield Defect(
            place=place_of(use),
            message=f"{brief(use)} is past its end of life: {supported.reason}",
            remedy=_remedy([], judgement),
            evidence=(said(supported),),
        )


def _death(axis: AxisState) -> str:
    """Name a dead line and its last day."""
    when = f"support ended on {axis.end_of_life}" if axis.end_of_life else axis.supported.reason
    return f"{axis.title} {axis.cycle}, {when}"


def _remedy(dead: list[AxisState], judgement: Judgement) -> str:
    """Name what replaces the image, the image to move to, or the line for each axis."""
    if judgement.suggestion:
        return f"use {judgement.suggestion} instead"
    if judgement.next_reference:
        return f"move to {judgement.next_reference}"
    moves = [f"{axis.title} {axis.newest}" for axis in dead if axis.newest]
    return f"move to {' on '.join(moves)}" if moves else "move to a supported line"


RULE: Final = UseRule(
    id="end-of-life",
    summary="application, operating system or image generation without support",
    inspect=_inspect,
)
