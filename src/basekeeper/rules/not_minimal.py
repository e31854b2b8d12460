"""`not-minimal`: a smaller variant of the same version exists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.rules.rule import Defect, UseRule, brief, place_of, said, with_tag
from basekeeper.values.finding import Truth

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.policy.model import RuleSetting
    from basekeeper.rules.rule import Subject


def _inspect(subject: Subject, _setting: RuleSetting) -> Iterator[Defect]:
    """Yield a defect where a smaller tag of the same version is known."""
    use, judgement = subject.use, subject.judgement
    size = judgement.quality.get("minimal_size")
    smaller = judgement.minimal_alternative
    if size is None or size.value is not Truth.NO or smaller is None:
        return
    yield Defect(
        place=place_of(use),
        message=f"{brief(use)} is not minimal: {size.reason}",
        remedy=f"use {with_tag(use, smaller)}, once it is tried: it holds less",
        confidence="medium",
        evidence=(said(size),),
    )


RULE: Final = UseRule(
    id="not-minimal",
    summary="a slim, alpine, chiseled or distroless variant exists",
    inspect=_inspect,
    yields_to=("sdk-final-stage", "single-stage"),
)
