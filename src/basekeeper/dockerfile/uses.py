"""What one build of a Dockerfile consists of: stages, and places that name images.

Spans are bytes of the file. All of these are named tuples, because such are made in a fraction of
the time of other frozen values, and a file may have a hundred thousand of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from basekeeper.values.use import Span, Via


class Supplied(NamedTuple):
    """The ARG whose default supplied (part of) a reference."""

    name: str
    line: int
    span: Span
    """Bytes of the default value as written, quotes included."""


class Stage(NamedTuple):
    """One stage of a build."""

    index: int  # type: ignore[assignment]  # over a tuple's method, which no stage needs
    name: str | None
    """Lower case, as the builder sees it; None for an unnamed stage."""
    base: str
    """The FROM word after expansion; as written where it could not be expanded."""
    base_is_stage: bool
    base_stage: int | None
    """Index of the stage it is FROM."""
    platform: str | None
    """`--platform` after expansion, as written where that failed; None where not given."""
    line: int
    replaced_by: str | None = None
    """The named context that stands in for the whole stage, if any."""


class ImageUse(NamedTuple):
    """One place where the file names an image from outside it."""

    reference_text: str
    """After expansion; as written where that failed."""
    raw: str
    """As written, quotes and variables included."""
    via: Via
    line: int
    end_line: int
    span: Span
    """Bytes of the reference as written, quotes included; empty where it is written nowhere."""
    stage: int | None
    """Index of the stage that it opens or stands in; None for `# syntax`."""
    supplied_by: tuple[Supplied, ...] = ()
    """The ARG defaults that its text was made of, those that name others before these."""
    onbuild: bool = False
    """It stands in an ONBUILD trigger that this build does not run: whoever builds on the result
    pulls it. A trigger that a needed stage of this file runs is an ordinary use."""
    problem: str | None = None
    """Why it could not be resolved (unset variable, bad operator, variable in `--from` …)."""
    note: str | None = None
    """A trap worth a finding: `stage-name-case` (the word is a stage's name but for its case, which
    BuildKit takes for an image and other builders for the stage) is the only one today."""
    scratch: bool = False
    """It is the empty base, no image."""
    is_stage: bool = False
    """It is listed for its note or problem only: what it names is a stage of this file."""
    arguments: tuple[str, ...] = ()
    """Build arguments of the caller that its text was made of."""
    replaced_by: str | None = None
    """The value of the named context that stands in for it, if any."""
