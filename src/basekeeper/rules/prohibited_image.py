"""`prohibited-image`: the policy names the image as prohibited, or it is no valid reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.rules.rule import Defect, UseRule, brief, place_of
from basekeeper.values.finding import Category
from basekeeper.values.use import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.policy.model import RuleSetting
    from basekeeper.rules.rule import Subject


def _inspect(subject: Subject, _setting: RuleSetting) -> Iterator[Defect]:
    """Yield a defect for an invalid reference or an image that an entry prohibits."""
    use, judgement = subject.use, subject.judgement
    if use.kind is Kind.INVALID:
        yield Defect(
            place=place_of(use),
            message=f"{use.text!r} is no valid image reference: {use.problem or 'unreadable'}",
            remedy="write it as [registry[:port]/]repository[:tag][@sha256:digest]",
        )
    elif judgement.category is Category.PROHIBITED and judgement.explicit:
        suggestion = judgement.suggestion
        yield Defect(
            place=place_of(use),
            message=f"the policy prohibits {brief(use)}: {judgement.reason}",
            remedy=f"use {suggestion} instead" if suggestion else "use an image that it allows",
            evidence=(f"decided by {judgement.clause}",),
        )


RULE: Final = UseRule(
    id="prohibited-image",
    summary="the policy prohibits this image by name, or it is no valid reference",
    inspect=_inspect,
    counts_when_unused=True,
)
