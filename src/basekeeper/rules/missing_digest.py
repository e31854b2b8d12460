"""`missing-digest`: the image is not pinned by its digest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.rules.rule import Defect, UseRule, brief, place_of
from basekeeper.values.use import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.policy.model import RuleSetting
    from basekeeper.rules.rule import Subject


def _inspect(subject: Subject, _setting: RuleSetting) -> Iterator[Defect]:
    """Yield a defect for a reference without a digest."""
    use, reference = subject.use, subject.use.reference
    if use.kind is not Kind.CONCRETE or reference is None or reference.digest is not None:
        return
    yield Defect(
        place=place_of(use),
        message=f"{brief(use)} is not pinned by a digest",
        remedy=f"write {use.text}@sha256:<digest> with the digest that its registry names",
    )


RULE: Final = UseRule(
    id="missing-digest",
    summary="not pinned by digest (off in the shipped policy)",
    inspect=_inspect,
)
