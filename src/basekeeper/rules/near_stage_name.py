"""`near-stage-name`: a name that is nearly that of a stage, and so an image of a stranger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.rules.rule import Defect, UseRule, place_of
from basekeeper.values.finding import Truth
from basekeeper.values.use import Kind, Via

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.policy.model import RuleSetting
    from basekeeper.rules.rule import Subject
    from basekeeper.values.use import Use


def _inspect(subject: Subject, _setting: RuleSetting) -> Iterator[Defect]:
    """Yield a defect for a name that a stage was probably meant by."""
    use = subject.use
    if subject.stage_names is None or not _is_bare(use) or _is_official(subject):
        return
    meant = subject.stage_names.closest(use.text.lower())
    if meant is None:
        return
    later = meant == use.text.lower()
    yield Defect(
        place=place_of(use),
        message=f"{use.text!r} is no stage "
        + ("at this point, since it is defined later" if later else f"(is {meant!r} meant?)")
        + f": the builder would pull docker.io/library/{use.text}",
        remedy=f"define stage {meant!r} above" if later else f"write {meant}",
        confidence="high" if later else "medium",
        evidence=(f"the file has a stage {meant!r}",),
    )


def _is_bare(use: Use) -> bool:
    """Tell whether a use could have been meant as the name of a stage."""
    reference = use.reference
    return (
        use.kind is Kind.CONCRETE
        and reference is not None
        and reference.tag is None
        and reference.digest is None
        and "/" not in use.text
        and use.via in (Via.FROM, Via.COPY_FROM, Via.RUN_MOUNT)
    )


def _is_official(subject: Subject) -> bool:
    answer = subject.judgement.quality.get("official_source")
    return answer is not None and answer.value is Truth.YES


RULE: Final = UseRule(
    id="near-stage-name",
    summary="a mistyped stage name pulls a stranger's image",
    inspect=_inspect,
    counts_when_unused=True,
)
