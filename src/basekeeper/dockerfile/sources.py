"""Places inside stages that name stages or images: `COPY --from` and `RUN --mount`."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

from basekeeper.dockerfile.instruction import Instruction
from basekeeper.dockerfile.mounts import is_variable, mount_source
from basekeeper.dockerfile.resolution import SCRATCH, Source, make_scope
from basekeeper.dockerfile.scan import ARG, ONBUILD
from basekeeper.dockerfile.scope import Resolved, Scope, needs_expansion, suppliers
from basekeeper.dockerfile.text import readable
from basekeeper.dockerfile.uses import ImageUse
from basekeeper.values.use import Span, Via

if TYPE_CHECKING:
    from collections.abc import Mapping

    from basekeeper.dockerfile.resolution import Resolution
    from basekeeper.dockerfile.scan import Layout

_NUMBER = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_PLAIN_COPY = re.compile(
    r"COPY[ \t]++--from=([^\s\\`'\"$\x80-\xff]++)[ \t]++[^\s\\`\x80-\xff-]",
    re.IGNORECASE | re.ASCII,
)
"""A COPY whose only flag is `--from`, without quotes, escapes and variables."""
NO_VARIABLES: Final = "the builder expands no variables here"
"""Why a variable in `--from` is a problem."""


def resolve_sources(found: Resolution, by_name: Mapping[str, int]) -> None:
    """Read `COPY --from` and `RUN --mount` inside the stages."""
    for stage, index in found.inner:
        code = found.layout.codes[index]
        if code == ARG or (code != ONBUILD and _has_no_source(found.layout, index)):
            continue
        plain = _PLAIN_COPY.match(found.layout.text, *_range(found.layout, index))
        outer = Instruction(found.layout, index)
        if plain is not None:
            span, text = Span(*plain.span(1)), plain[1]
            source = Source(outer, stage, Via.COPY_FROM, text, text, span, onbuild=False)
            found.sources.append(source)
            continue
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


def _range(layout: Layout, index: int) -> tuple[int, int]:
    return layout.starts[index], layout.ends[index]


@cache
def _no_flags(escape: str) -> re.Pattern[str]:
    mark = re.escape(escape)
    # The group ends in `(?!)`, so that a pass that fails moves nothing (Python below 3.11.5).
    return re.compile(rf"[A-Za-z]++(?:[ \t]++|{mark}[ \t]*+\r?+\n|(?!))*+[^\s\#\-{mark}\x80-\xff]")


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
        contexts = found.request.contexts
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
            replaced_by=contexts.of_image(text) if contexts else None,
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
    outer = found.scope or make_scope(found)
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
