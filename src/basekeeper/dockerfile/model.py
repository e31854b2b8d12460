"""The values that reading a Dockerfile yields.

`Dockerfile` is the document: every instruction, flag and word with its bytes. `Build` is one
way of building it: a target, a platform and build arguments applied. Spans are computed when
asked for, never while parsing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from basekeeper.values.use import Span, Via


@dataclass(frozen=True, slots=True)
class Supplied:
    """The ARG whose default supplied (part of) a reference."""

    name: str
    line: int
    span: Span
    """Bytes of the default value as written, quotes included."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a build."""

    index: int
    name: str | None
    """Lower case, as the builder sees it; None for an unnamed stage."""
    base: str
    """The FROM word after expansion; as written where it could not be expanded."""
    base_is_stage: bool
    base_stage: int | None
    """Index of the stage it is FROM."""
    platform: str | None
    """`--platform` after expansion, or None."""
    line: int


@dataclass(frozen=True, slots=True)
class ImageUse:
    """One place where the file names an image from outside it."""

    reference_text: str
    """After expansion; as written where that failed."""
    raw: str
    """As written, quotes and variables included."""
    via: Via
    line: int
    end_line: int
    span: Span
    stage: int | None
    """Index of the stage that it opens or stands in; None for `# syntax`."""
    supplied_by: tuple[Supplied, ...] = ()
    onbuild: bool = False
    problem: str | None = None
    """Why it could not be resolved (unset variable, bad operator, variable in `--from` …)."""
    note: str | None = None
    """A trap worth a finding: `stage-name-case` (S1) is the only one today."""
