"""`opaque-reference`: which image this is cannot be told from files and arguments."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from basekeeper.rules.rule import Defect, UseRule, place_of
from basekeeper.values.use import Kind, Via

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.policy.model import RuleSetting
    from basekeeper.rules.rule import Subject
    from basekeeper.values.use import Use

_VARIABLE: Final = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)")


def _inspect(subject: Subject, _setting: RuleSetting) -> Iterator[Defect]:
    """Yield a defect, of unknown outcome, for a reference that could not be resolved."""
    use = subject.use
    if use.kind is not Kind.OPAQUE:
        return
    yield Defect(
        place=place_of(use),
        message=f"cannot tell which image {use.raw!r} is: {use.problem or 'unresolved'}",
        remedy="check the files that are made from this template"
        if subject.template
        else _remedy(use),
        unknown=True,
    )


def _remedy(use: Use) -> str:
    """Say where the value can be given."""
    names = list(dict.fromkeys(_VARIABLE.findall(use.raw)))
    if use.via in (Via.COPY_FROM, Via.RUN_MOUNT):
        return "write the image or stage without variables: the builder expands none here"
    if not names:
        return "write the image out"
    shown = " and ".join(names)
    return (
        f"give {shown} a default (ARG {names[0]}=…), "
        f"or its value in [discover.build_args] or with --build-arg {names[0]}=…"
    )


RULE: Final = UseRule(
    id="opaque-reference",
    summary="the image cannot be told from files and arguments",
    inspect=_inspect,
    counts_when_unused=True,
)
