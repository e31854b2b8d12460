"""Applies arguments, target and platform to a document: stages, images and what needs what."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cache
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from basekeeper.dockerfile.contexts import Contexts
from basekeeper.dockerfile.directives import find_syntax
from basekeeper.dockerfile.instruction import Instruction
from basekeeper.dockerfile.mounts import is_variable, mount_source
from basekeeper.dockerfile.scan import ARG, FROM, ONBUILD
from basekeeper.dockerfile.scope import Resolved, Scope, needs_expansion, suppliers
from basekeeper.dockerfile.stages import read_from
from basekeeper.dockerfile.text import readable
from basekeeper.dockerfile.uses import ImageUse, Stage
from basekeeper.errors import InvalidReference
from basekeeper.values.reference import parse_reference
from basekeeper.values.use import Span, Via

if TYPE_CHECKING:
    from collections.abc import Mapping

    from basekeeper.dockerfile.scan import Layout
    from basekeeper.dockerfile.stages import FromLine

SCRATCH: Final = "scratch"
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
NO_VARIABLES: Final = "the builder expands no variables here"


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
    contexts: Contexts


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
    """Stage → why its FROM line cannot be resolved."""
    inner: list[tuple[int, int]] = field(default_factory=list)
    """Stage and instruction of each instruction that may name images inside a stage."""
    global_args: list[int] = field(default_factory=list)


def resolve(layout: Layout, request: Request) -> Resolution:
    """Find the stages and images of a build."""
    found = Resolution(layout, request)
    _read_lines(found)
    if found.global_args or any(_needs_scope(line, layout.escape) for line in found.lines):
        found.scope = _make_scope(found)
    uses = _resolve_stages(found)
    by_name = {stage.name: stage.index for stage in found.stages if stage.name is not None}
    if found.inner:
        _resolve_sources(found, by_name)
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


def _make_scope(found: Resolution) -> Scope:
    layout, request = found.layout, found.request
    target = request.target or (found.lines[-1].name if found.lines else None) or "default"
    scope = Scope(layout.escape, request.build_args, request.platform, target)
    for index in found.global_args:
        scope.declare(Instruction(layout, index))
    return scope


def _resolve_stages(found: Resolution) -> list[tuple[int, ImageUse]]:
    """Resolve every FROM line; return the uses that are images, with their instruction."""
    uses: list[tuple[int, ImageUse]] = []
    earlier: dict[str, int] = {}
    scope = found.scope
    for index, line in enumerate(found.lines):
        base, platform = Resolved(line.word), line.platform
        if scope is not None:
            base = scope.resolve(line.word)
            if platform is not None:
                wanted = scope.resolve(platform)
                platform = wanted.text
                if wanted.problem is not None:
                    found.problems[index] = f"--platform: {wanted.problem}"
        text = base.text
        parent = earlier.get(text)
        cased = None if parent is not None else earlier.get(text.lower())
        context = found.request.contexts.of_stage(line.name)
        if context is not None:
            parent = cased = None
        above = parent if parent is not None else cased
        found.stages.append(
            Stage(index, line.name, text, above is not None, above, platform, line.line, context)
        )
        if parent is None:
            use = _from_use(found, index, base, cased=cased is not None)
            uses.append((line.index, use))
        if line.name is not None:
            earlier[line.name] = index
    return uses


def _from_use(found: Resolution, index: int, base: Resolved, *, cased: bool) -> ImageUse:
    """Make the use of a FROM line that is not FROM a stage, or is so but for its case."""
    line = found.lines[index]
    problem = base.problem or _emptiness(base)
    if problem is not None:
        found.problems[index] = problem
    supplied, arguments = suppliers(base.values) if base.values else ((), ())
    contexts = found.request.contexts
    return ImageUse(
        base.text if problem is None else line.word,
        line.word,
        Via.FROM,
        line.line,
        line.end_line,
        line.span,
        index,
        supplied_by=supplied,
        problem=problem or _missing(base),
        note="stage-name-case" if cased else None,
        scratch=base.text == SCRATCH,
        is_stage=cased,
        arguments=arguments,
        replaced_by=contexts.of_stage(line.name) or contexts.of_image(base.text),
    )


def _emptiness(base: Resolved) -> str | None:
    """Say why an expanded word names nothing at all."""
    if base.text:
        return None
    if base.unset:
        return f"the variable {base.unset[0]} is not set"
    return "the name of the image is empty"


def _missing(base: Resolved) -> str | None:
    """Say which unset variable spoils a name; a name that is whole without it is no problem."""
    if not base.unset:
        return None
    try:
        parse_reference(base.text)
    except InvalidReference:
        return f"the variable {base.unset[0]} is not set"
    return None


def _resolve_sources(found: Resolution, by_name: Mapping[str, int]) -> None:
    """Read `COPY --from` and `RUN --mount` inside the stages."""
    for stage, index in found.inner:
        code = found.layout.codes[index]
        if code == ARG or (code != ONBUILD and _has_no_source(found.layout, index)):
            continue
        outer = Instruction(found.layout, index)
        instruction = outer.trigger if code == ONBUILD else outer
        if instruction is None:
            continue
        name = instruction.name
        if name == "COPY":
            _read_copy(found, stage, instruction, onbuild=code == ONBUILD)
        elif name == "RUN":
            _read_mounts(found, stage, instruction, onbuild=code == ONBUILD)
    for source in found.sources:
        _judge_source(found, source, by_name)


@cache
def _no_flags(escape: str) -> re.Pattern[str]:
    mark = re.escape(escape)
    return re.compile(rf"[A-Za-z]++(?:[ \t]++|{mark}[ \t]*+\r?+\n)*+[^\s\#\-{mark}\x80-\xff]")


def _has_no_source(layout: Layout, index: int) -> bool:
    """Tell quickly, for most instructions, that none of their flags names a stage or image."""
    text, start, end = layout.text, layout.starts[index], layout.ends[index]
    if _no_flags(layout.escape).match(text, start, end) is not None:
        return True
    return text.find("from", start, end) < 0 and text.find(layout.escape, start, end) < 0


def _read_copy(found: Resolution, stage: int, instruction: Instruction, *, onbuild: bool) -> None:
    flag = instruction.flag("from")
    if flag is None or not flag.value or flag.value_span is None:
        return
    span = flag.value_span
    raw = readable(found.layout.text[span.start : span.end])
    found.sources.append(Source(instruction, stage, Via.COPY_FROM, raw, flag.value, span, onbuild))


def _read_mounts(found: Resolution, stage: int, instruction: Instruction, *, onbuild: bool) -> None:
    for flag in instruction.command.flags:
        name, _, value = flag.text[2:].partition("=")
        place = mount_source(value) if name == "mount" else None
        if place is None or place.value is None:
            continue
        offset = flag.start + len(name) + 3
        span = instruction.joined.span(flag.start, flag.end)
        if flag.end - flag.start == len(flag.text):  # neither quotes nor escapes were removed
            span = instruction.joined.span(offset + place.start, offset + place.end)
        raw = readable(found.layout.text[span.start : span.end])
        text = readable(place.value)
        found.sources.append(Source(instruction, stage, Via.RUN_MOUNT, raw, text, span, onbuild))


def _judge_source(found: Resolution, source: Source, by_name: Mapping[str, int]) -> None:
    """Tell which stage or image a source is."""
    text, values = source.text, Resolved("")
    if _holds_variable(source, found.layout.escape):
        source.problem = NO_VARIABLES
        values = _guess(found, source)
        text = values.text
    elif source.via is Via.COPY_FROM and _NUMBER.fullmatch(text) is not None:
        number = int(text)
        if 0 <= number < len(found.stages):
            source.source = number
        else:
            source.problem = f"there is no stage {text}"
    if source.source is None and source.problem is None:
        source.source = by_name.get(text.lower())
    if source.source is None:
        supplied, arguments = suppliers(values.values)
        source.image = ImageUse(
            text,
            source.raw,
            source.via,
            source.instruction.line,
            source.instruction.end_line,
            source.span,
            source.stage,
            supplied_by=supplied,
            problem=source.problem,
            scratch=text == SCRATCH,
            is_stage=source.problem is not None and text.lower() in by_name,
            arguments=arguments,
            replaced_by=found.request.contexts.of_image(text),
        )


def _holds_variable(source: Source, escape: str) -> bool:
    if source.via is Via.RUN_MOUNT:
        return is_variable(source.text)
    if not needs_expansion(source.text, escape):
        return False
    return Scope(escape, {}, "", "").resolve(source.text).text != source.text


def _guess(found: Resolution, source: Source) -> Resolved:
    """Expand a source as builders do that expand it: with the ARGs of its stage up to there."""
    request = found.request
    scope = Scope(found.layout.escape, request.build_args, request.platform, "default")
    outer = found.scope or _make_scope(found)
    for stage, index in found.inner:
        if stage != source.stage or index >= source.instruction.index:
            continue
        if found.layout.codes[index] == ARG:
            scope.inherit(Instruction(found.layout, index), outer)
    resolved = scope.resolve(source.text)
    if resolved.problem is None and resolved.text and not resolved.unset:
        return resolved
    resolved = outer.resolve(source.text, record=False)
    return resolved if resolved.problem is None and resolved.text else Resolved(source.text)


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
    return (*frontend, *(use for _, use in images))


def _onbuild(image: ImageUse, run: set[int | None]) -> ImageUse:
    """Mark the image of a trigger, unless a needed stage runs the triggers of its stage."""
    return image if image.stage in run else replace(image, onbuild=True)


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
        use = replace(use, reference_text=name, arguments=("BUILDKIT_SYNTAX",))
    return (use,)
