"""What a resolution holds while it is made."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Final

from basekeeper.dockerfile.instruction import Instruction
from basekeeper.dockerfile.scope import Scope
from basekeeper.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from basekeeper.dockerfile.contexts import Contexts
    from basekeeper.dockerfile.scan import Layout
    from basekeeper.dockerfile.stages import FromLine
    from basekeeper.dockerfile.uses import ImageUse, Stage
    from basekeeper.values.use import Span, Via

SCRATCH: Final = "scratch"
"""The word that means the empty base."""


@dataclass(slots=True)
class Source:
    """A place inside a stage that names a stage or an image: `COPY --from`, `RUN --mount from`."""

    instruction: Instruction
    stage: int
    """The stage that it stands in."""
    via: Via
    raw: str
    text: str
    span: Span
    onbuild: bool
    source: int | None = None
    """The stage that it names."""
    problem: str | None = None
    image: ImageUse | None = None


@dataclass(slots=True)
class Request:
    """What a build is asked for."""

    build_args: Mapping[str, str]
    target: str | None
    platform: str
    contexts: Contexts | None


@dataclass(slots=True)
class Resolution:
    """The stages and images of one build."""

    layout: Layout
    request: Request
    scope: Scope | None = None
    """The variables of FROM; None where the file needs none."""
    lines: list[FromLine] = field(default_factory=list)
    stages: list[Stage] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    final: int | None = None
    """The stage that is built; None where there is none of that name."""
    chain: tuple[int, ...] = ()
    reachable: frozenset[int] = frozenset()
    images: tuple[ImageUse, ...] = ()
    problems: dict[int, str] = field(default_factory=dict)
    """Stage → why the builder would refuse its FROM line."""
    limited: set[int] = field(default_factory=set)
    """Stages whose FROM line could not be followed for a limit of ours."""
    inner: list[tuple[int, int]] = field(default_factory=list)
    """Stage and instruction of each instruction that may name images inside a stage."""
    global_args: list[int] = field(default_factory=list)


def make_scope(found: Resolution) -> Scope:
    """Read the variables that FROM can see."""
    layout, request = found.layout, found.request
    target = request.target or (found.lines[-1].name if found.lines else None) or "default"
    scope = Scope(layout.escape, request.build_args, request.platform, target)
    for index in found.global_args:
        scope.declare(Instruction(layout, index))
    return scope
