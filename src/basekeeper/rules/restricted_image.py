"""`restricted-image`: an official image that holds more than is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.rules.rule import Defect, UseRule, place_of
from basekeeper.values.finding import Category
from basekeeper.values.use import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.policy.model import RuleSetting
    from basekeeper.rules.rule import Subject


def _inspect(subject: Subject, _setting: RuleSetting) -> Iterator[Defect]:
    """Yield a defect for an image of the category restricted."""
    use, judgement = subject.use, subject.judgement
    if use.kind is not Kind.CONCRETE or judgement.category is not Category.RESTRICTED:
        return
    better = judgement.suggestion
    yield Defect(
        place=place_of(use),
        message=f"restricted by policy: {judgement.reason}",
        remedy=f"use {better} instead" if better else "prefer a preferred or permitted image",
        evidence=(f"decided by {judgement.clause}",),
    )


RULE: Final = UseRule(
    id="restricted-image",
    summary="allowed, but the policy prefers smaller or broader bases",
    inspect=_inspect,
    once_for_an_image=True,
)
