"""`refused-dockerfile`: the builder would refuse this file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.rules.rule import Defect, FileRule, Place
from basekeeper.values.use import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.policy.model import RuleSetting
    from basekeeper.rules.rule import FileView


def _inspect(view: FileView, _setting: RuleSetting) -> Iterator[Defect]:
    """Yield a defect for each reason for which a build of the file would be refused."""
    file = view.file
    if file.template is not None:
        return
    unreadable = [
        subject.use for subject in view.subjects if subject.use.kind in (Kind.OPAQUE, Kind.INVALID)
    ]
    reported = {use.line for use in unreadable}
    causes = {use.problem for use in unreadable}
    reported |= {
        image.line + file.first_line - 1
        for plan in file.plans
        for image in plan.build.images
        if image.note is not None
    }
    for plan in file.plans:
        reason = plan.build.rejected
        if reason is None:
            continue
        own_line = plan.build.rejected_line or 1
        line = own_line + file.first_line - 1
        reason = reason.removeprefix(f"line {own_line}: ")
        if line not in reported and reason not in causes:
            yield Defect(
                place=Place(path=file.path, line=line, end_line=line, subject=reason),
                message=f"the builder would refuse this file: {reason}",
                remedy="correct it, or exclude the file if nothing builds it",
            )


RULE: Final = FileRule(
    id="refused-dockerfile",
    summary="the builder would refuse this file",
    inspect=_inspect,
)
