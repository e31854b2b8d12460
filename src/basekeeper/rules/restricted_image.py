"""`restricted-image`: an official image that holds more than is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.rules.rule import Defect, UseRule, place_of
from basekeeper.values.finding import Category
from basekeeper.values.use import Kind, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.policy.model import RuleSetting
    from basekeeper.rules.rule import Subject


def _inspect(subject: Subject, _setting: RuleSetting) -> Iterator[Defect]:
    """Yield a defect for an image of the category restricted."""
    use, judgement = subject.use, subject.judgement
    if use.kind is not Kind.CONCRETE or judgement.category is not Category.RESTRICTED:
        return
    yield Defect(
        place=place_of(use),
        message=f"restricted by policy: {judgement.reason}",
        remedy=_remedy(subject),
        evidence=(f"decided by {judgement.clause}",),
    )


def _remedy(subject: Subject) -> str:
    """Name what to ship on; to build in, such an image is fine."""
    if subject.judgement.suggestion:
        return f"use {subject.judgement.suggestion} instead"
    if subject.use.role is not Role.FINAL:
        return "build in it, but ship on a preferred or permitted image"
    if subject.runtime:
        return f"ship on {subject.runtime}, and build in an earlier stage"
    return "prefer a preferred or permitted image"


RULE: Final = UseRule(
    id="restricted-image",
    summary="allowed, but the policy prefers smaller or broader bases",
    inspect=_inspect,
    once_for_an_image=True,
)
