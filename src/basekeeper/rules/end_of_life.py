"""`end-of-life`: something in the image gets no updates any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.rules.moves import move
from basekeeper.rules.rule import Defect, UseRule, brief, place_of, said
from basekeeper.values.finding import Truth

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.policy.model import RuleSetting
    from basekeeper.rules.rule import Subject
    from basekeeper.values.finding import AxisState

_SOMEWHERE: Final = "move to a supported line"


def _inspect(subject: Subject, _setting: RuleSetting) -> Iterator[Defect]:
    """Yield one defect that names every axis without support."""
    use, judgement = subject.use, subject.judgement
    dead = [axis for axis in judgement.axes if axis.supported.value is Truth.NO]
    if dead:
        yield Defect(
            place=place_of(use),
            message=f"{brief(use)} is past its end of life: {'; '.join(map(_death, dead))}",
            remedy=move(dead, judgement, otherwise=_SOMEWHERE),
            evidence=tuple(f"{axis.title} {axis.cycle}: {said(axis.supported)}" for axis in dead),
        )
        return
    supported = judgement.quality.get("supported")
    if supported is not None and supported.value is Truth.NO:
        yield Defect(
            place=place_of(use),
            message=f"{brief(use)} is past its end of life: {supported.reason}",
            remedy=move([], judgement, otherwise=_SOMEWHERE),
            evidence=(said(supported),),
        )


def _death(axis: AxisState) -> str:
    """Name a dead line and its last day."""
    when = f"support ended on {axis.end_of_life}" if axis.end_of_life else axis.supported.reason
    return f"{axis.title} {axis.cycle}, {when}"


RULE: Final = UseRule(
    id="end-of-life",
    summary="application, operating system or image generation without support",
    inspect=_inspect,
)
