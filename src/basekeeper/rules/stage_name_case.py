"""`stage-name-case`: a stage is named with another case than it was defined with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.rules.rule import Defect, FileRule, Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.policy.model import RuleSetting
    from basekeeper.rules.rule import FileView

NOTE: Final = "stage-name-case"
"""What the reader of Dockerfiles notes at such a name."""


def _inspect(view: FileView, _setting: RuleSetting) -> Iterator[Defect]:
    """Yield a defect for each such name; builds that share a line give the same defect."""
    file = view.file
    for plan in file.plans:
        for image in plan.build.images:
            if image.note != NOTE:
                continue
            line = image.line + file.first_line - 1
            yield Defect(
                place=Place(
                    path=file.path,
                    line=line,
                    end_line=image.end_line + file.first_line - 1,
                    span=image.span if file.kind == "dockerfile" else None,
                    image=image.reference_text,
                    subject=image.raw,
                ),
                message=f"{image.raw} is the name of a stage if case is ignored; "
                "BuildKit takes it for an image",
                remedy=f"write {image.reference_text.lower()}, here and where it is defined",
            )


RULE: Final = FileRule(
    id="stage-name-case",
    summary="a stage is named with another case than it was defined with",
    inspect=_inspect,
)
