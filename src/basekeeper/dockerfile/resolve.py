"""Applies arguments, target and platform to a document: stages, images and what needs what."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

from basekeeper.dockerfile.directives import find_syntax
from basekeeper.dockerfile.resolution import SCRATCH, Request, Resolution, make_scope
from basekeeper.dockerfile.scan import ARG, FROM
from basekeeper.dockerfile.scope import Resolved, Scope, needs_expansion, suppliers
from basekeeper.dockerfile.sources import resolve_sources
from basekeeper.dockerfile.stages import read_from
from basekeeper.dockerfile.uses import ImageUse, Stage
from basekeeper.errors import InvalidReference
from basekeeper.values.reference import parse_reference
from basekeeper.values.use import Span, Via

if TYPE_CHECKING:
    from collections.abc import Mapping

    from basekeeper.dockerfile.scan import Layout
    from basekeeper.dockerfile.stages import FromLine


def resolve(layout: Layout, request: Request) -> Resolution:
    """Find the stages and images of a build."""
    found = Resolution(layout, request)
    _read_lines(found)
    if found.global_args or any(_needs_scope(line, layout.escape) for line in found.lines):
        found.scope = make_scope(found)
    uses = _resolve_stages(found)
    by_name = {stage.name: stage.index for stage in found.stages if stage.name is not None}
    if found.inner:
        resolve_sources(found, by_name)
    _reach(found, by_name)
    found.images = _all_images(found, uses)
    return found


def _read_lines(found: Resolution) -> None:
    """Sort the marked instructions: global ARGs, FROMs, and those inside a stage."""
    layout = found.layout
    codes = layout.codes
    for index in layout.marked:
        code = codes[index]
        if code == FROM:
            found.lines.append(read_from(layout, index))
        elif not found.lines:
            if code == ARG:
                found.global_args.append(index)
        else:
            found.inner.append((len(found.lines) - 1, index))


def _needs_scope(line: FromLine, escape: str) -> bool:
    return needs_expansion(line.word, escape) or line.platform is not None


def _resolve_stages(found: Resolution) -> list[tuple[int, ImageUse]]:
    """Resolve every FROM line; return the uses that are images, with their instruction."""
    uses: list[tuple[int, ImageUse]] = []
    earlier: dict[str, int] = {}
    scope, contexts = found.scope, found.request.contexts
    for index, line in enumerate(found.lines):
        platform = line.platform
        if scope is None:
            base = Resolved(line.word)
        else:
            base = scope.resolve(line.word)
            platform = _resolve_platform(found, scope, index)
        text = base.text
        above = earlier.get(text)
        cased = above is None and text.lower() in earlier
        context = contexts.of_stage(line.name) if contexts else None
        if context is not None:
            above, cased = None, False
        if above is None:
            uses.append((line.instruction, _from_use(found, index, base, cased=cased)))
            above = earlier[text.lower()] if cased else None
        found.stages.append(
            Stage(
                index,
                line.name,
                text or line.word,
                above is not None,
                above,
                platform,
                line.line,
                context,
            )
        )
        if line.name is not None:
            earlier[line.name] = index
    return uses


def _resolve_platform(found: Resolution, scope: Scope, index: int) -> str | None:
    """Expand the platform of a FROM line."""
    platform = found.lines[index].platform
    if platform is None:
        return None
    wanted = scope.resolve(platform)
    if wanted.problem is not None and not wanted.limited:
        found.problems[index] = f"--platform: {wanted.problem}"
    return wanted.text


def _from_use(found: Resolution, index: int, base: Resolved, *, cased: bool) -> ImageUse:
    """Make the use of a FROM line that is not FROM a stage, or is so but for its case."""
    line = found.lines[index]
    problem = base.problem or (None if base.text else _emptiness(base))
    if base.limited:
        found.limited.add(index)
    elif problem is not None:
        found.problems[index] = problem
    elif base.unset:
        problem = _missing(base)
    supplied, arguments = suppliers(base.values) if base.values else ((), ())
    contexts = found.request.contexts
    return ImageUse(
        base.text or line.word,
        line.word,
        Via.FROM,
        line.line,
        line.end_line,
        line.span,
        index,
        supplied,
        onbuild=False,
        problem=problem,
        note="stage-name-case" if cased else None,
        scratch=base.text == SCRATCH,
        is_stage=cased,
        arguments=arguments,
        replaced_by=contexts.of_from(line.name, base.text) if contexts else None,
    )


def _emptiness(base: Resolved) -> str:
    """Say why nothing is left of an expanded word."""
    if base.unset:
        return f"the variable {base.unset[0]} is not set"
    return "the name of the image is empty"


def _missing(base: Resolved) -> str | None:
    """Say which unset variable spoils a name; a name that is whole without it is no problem."""
    try:
        parse_reference(base.text)
    except InvalidReference:
        return f"the variable {base.unset[0]} is not set"
    return None


def _reach(found: Resolution, by_name: Mapping[str, int]) -> None:
    """Find the final stage, the chain that it stands on, and everything that it needs."""
    target = found.request.target
    stages = found.stages
    if target:
        found.final = by_name.get(target.lower())
    elif stages:
        found.final = len(stages) - 1
    if found.final is None:
        return
    chain = [found.final]
    while (base := stages[chain[-1]].base_stage) is not None:
        chain.append(base)
    found.chain = tuple(chain)
    needs = _needs(found) if found.sources else {}
    reached = set(chain)
    waiting = list(chain)
    while waiting:
        stage = waiting.pop()
        base = stages[stage].base_stage
        for need in (*needs.get(stage, ()), *(() if base is None else (base,))):
            if need not in reached:
                reached.add(need)
                waiting.append(need)
    found.reachable = frozenset(reached)


def _needs(found: Resolution) -> dict[int, set[int]]:
    """Map each stage to the stages that its instructions name, run triggers included."""
    needs: dict[int, set[int]] = {}
    triggers: dict[int, set[int]] = {}
    for source in found.sources:
        if source.source is not None and found.stages[source.stage].replaced_by is None:
            table = triggers if source.onbuild else needs
            table.setdefault(source.stage, set()).add(source.source)
    for stage in found.stages if triggers else ():
        if stage.base_stage in triggers:
            needs.setdefault(stage.index, set()).update(triggers[stage.base_stage])
    return needs


def _all_images(found: Resolution, uses: list[tuple[int, ImageUse]]) -> tuple[ImageUse, ...]:
    """List every use in the order of the file, the frontend first."""
    frontend = _frontend(found)
    images = uses
    if found.sources:
        run = {found.stages[stage].base_stage for stage in found.reachable}
        inside = [
            (
                source.instruction.index,
                _onbuild(source.image, run) if source.onbuild else source.image,
            )
            for source in found.sources
            if source.image is not None
        ]
        images = sorted([*uses, *inside], key=itemgetter(0))
    return (*frontend, *[use for _, use in images])


def _onbuild(image: ImageUse, run: set[int | None]) -> ImageUse:
    """Mark the image of a trigger, unless a needed stage runs the triggers of its stage."""
    return image if image.stage in run else image._replace(onbuild=True)


def _frontend(found: Resolution) -> tuple[ImageUse, ...]:
    """Find the image that reads the file; the build argument BUILDKIT_SYNTAX overrides it."""
    written = find_syntax(found.layout.text)
    override = found.request.build_args.get("BUILDKIT_SYNTAX")
    if written is None and not override:
        return ()
    text, span = written or ("", Span(0, 0))
    line = found.layout.line_of(span.start)
    use = ImageUse(text, text, Via.SYNTAX, line, line, span, None)
    if override:
        name = override.partition(" ")[0]
        use = use._replace(reference_text=name, arguments=("BUILDKIT_SYNTAX",))
    return (use,)
