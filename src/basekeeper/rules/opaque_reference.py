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

_MAX_NAMED: Final = 3
"""Most variables that a remedy names; the line shows them all."""


def _inspect(subject: Subject, _setting: RuleSetting) -> Iterator[Defect]:
    """Yield a defect, of unknown outcome, for a reference that could not be resolved."""
    use = subject.use
    if use.kind is not Kind.OPAQUE:
        return
    yield Defect(
        place=place_of(use),
        message=f"cannot tell which image this is: {use.problem or 'it is not resolved'}",
        remedy="check the files that are made from this template"
        if subject.template
        else _remedy(use),
        unknown=True,
    )


def _remedy(use: Use) -> str:
    """Say where the value can be given."""
    names = list(dict.fromkeys(_VARIABLE.findall(use.raw)))
    if use.via in (Via.COPY_FROM, Via.RUN_MOUNT):
        return "write it without variables: the builder expands none here"
    if not names:
        return "write the image out"
    shown = " and ".join(names[:_MAX_NAMED])
    return f"give {shown} by a default (ARG), in [discover.build_args] or with --build-arg"


RULE: Final = UseRule(
    id="opaque-reference",
    summary="the image cannot be told from files and arguments",
    inspect=_inspect,
    counts_when_unused=True,
)
