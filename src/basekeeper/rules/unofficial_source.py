"""`unofficial-source`: nothing in the policy vouches for who published the image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.rules.rule import Defect, UseRule, brief, lineage, place_of, said
from basekeeper.values.finding import Category
from basekeeper.values.use import Kind, Via

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.policy.model import RuleSetting
    from basekeeper.rules.rule import Subject
    from basekeeper.values.finding import Judgement
    from basekeeper.values.use import Use


def _inspect(subject: Subject, _setting: RuleSetting) -> Iterator[Defect]:
    """Yield a defect for an image that is prohibited because nothing allows it."""
    use, judgement = subject.use, subject.judgement
    if (
        use.kind is not Kind.CONCRETE
        or judgement.category is not Category.PROHIBITED
        or judgement.explicit
    ):
        return
    unknown = not judgement.category_known
    answer = judgement.quality.get("official_source")
    yield Defect(
        place=place_of(use),
        message=f"{brief(use)} is prohibited: {judgement.reason}",
        remedy=_remedy(use, judgement),
        unknown=unknown,
        evidence=(said(answer),) if answer is not None else (judgement.reason,),
    )


def _remedy(use: Use, judgement: Judgement) -> str:
    """Name a replacement, or the entry that would approve the source."""
    if use.via is Via.SYNTAX:
        return "use docker/dockerfile, or name this frontend in the policy (frontends)"
    if judgement.suggestion:
        return f"use {judgement.suggestion} instead"
    return (
        "use an official image or one of a verified publisher; to approve this source, "
        f"add [[policy.restricted]] with image = {lineage(use)!r} to the policy"
    )


RULE: Final = UseRule(
    id="unofficial-source",
    summary="neither official, nor of a verified publisher, nor in the policy",
    inspect=_inspect,
    yields_to=("near-stage-name",),
    counts_when_unused=True,
)
