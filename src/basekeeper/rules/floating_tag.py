"""`floating-tag`: no tag, or `latest`: the image changes without a change to the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.rules.rule import Defect, UseRule, brief, place_of, with_tag
from basekeeper.values.use import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.policy.model import RuleSetting
    from basekeeper.rules.rule import Subject


def _inspect(subject: Subject, _setting: RuleSetting) -> Iterator[Defect]:
    """Yield a defect where neither a tag nor a digest says which version is meant."""
    use, reference = subject.use, subject.use.reference
    if use.kind is not Kind.CONCRETE or reference is None or reference.digest is not None:
        return
    if reference.tag not in (None, "latest"):
        return
    what = "has no tag" if reference.tag is None else "says latest"
    yield Defect(
        place=place_of(use),
        message=f"{brief(use)} {what}: which version it is changes from day to day",
        remedy=_remedy(subject),
    )


def _remedy(subject: Subject) -> str:
    """Name the tag of the newest line where the calendar knows it, a digest where tags do not."""
    if not subject.judgement.tags_are_versions:
        return "pin its digest: its tags name no versions"
    axes = sorted(subject.judgement.axes, key=lambda axis: axis.axis == "os")
    newest = axes[0].newest if axes else None
    if newest is not None and newest[0].isdigit():
        return f"name a version, for example {with_tag(subject.use, newest)}"
    return f"name a version: {with_tag(subject.use, '<version>')}"


RULE: Final = UseRule(
    id="floating-tag",
    summary="no tag, or `latest`, without a digest",
    inspect=_inspect,
    yields_to=("near-stage-name",),
)
