"""`sdk-final-stage`: the final chain of a multi-stage build starts on an image for building."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.rules.builds import chains
from basekeeper.rules.rule import Defect, FileRule, brief, place_of, said
from basekeeper.values.finding import Truth

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.policy.model import RuleSetting
    from basekeeper.rules.rule import FileView, Subject


def _inspect(view: FileView, _setting: RuleSetting) -> Iterator[Defect]:
    """Yield a defect for each final chain that starts on an SDK, or on a base too large."""
    for chain in chains(view):
        if chain.is_multi_stage and chain.base is not None:
            yield from _defects(chain.base)


def _defects(base: Subject) -> Iterator[Defect]:
    size = base.judgement.quality.get("minimal_size")
    if base.is_sdk:
        yield Defect(
            place=place_of(base.use),
            message=f"the final stage stands on {brief(base.use)}, an image made for building",
            remedy="end on a runtime image, or on a distroless, alpine or slim one, and copy the "
            "result into it",
            confidence="medium",
        )
    elif size is not None and size.value is Truth.NO and not base.judgement.minimal_alternative:
        yield Defect(
            place=place_of(base.use),
            message=f"the final stage stands on {brief(base.use)}: {size.reason}",
            remedy="end on a distroless, alpine or slim image",
            confidence="medium",
            evidence=(said(size),),
        )


RULE: Final = FileRule(
    id="sdk-final-stage",
    summary="the final chain starts on an image made for building",
    inspect=_inspect,
)
