"""Why the builder would refuse a file, or one build of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.dockerfile.directives import check_problem
from basekeeper.dockerfile.dispatch import stage_problem
from basekeeper.dockerfile.grammar import form_problem, shape_problem
from basekeeper.dockerfile.instruction import Instruction
from basekeeper.dockerfile.platforms import split_platform
from basekeeper.dockerfile.scan import ARG, FROM
from basekeeper.errors import InvalidReference
from basekeeper.values.reference import parse_reference
from basekeeper.values.use import Via

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.dockerfile.resolve import Resolution, Source
    from basekeeper.dockerfile.scan import Layout
    from basekeeper.dockerfile.uses import ImageUse

MAX_LINE: Final = 65_535
"""Bytes of one physical line that BuildKit reads."""

_SOUND = re.compile(
    r"(?:RUN|CMD|ENTRYPOINT|WORKDIR|USER|EXPOSE|STOPSIGNAL|MAINTAINER)[ \t]++[^\s\[\\`\x80-\xff-]"
    r"|(?:COPY|ADD)[ \t]++(?![\[-])[^\s\\`<\x80-\xff]++[ \t]++[^\s\\`<\x80-\xff]++[ \t]*+\r?+(?:\n|\Z)"
    r"|(?:ARG|ENV|LABEL)[ \t]++\w++=[^\s\\`'\"\x80-\xff]*+[ \t]*+\r?+(?:\n|\Z)",
    re.IGNORECASE | re.ASCII,
)
"""Instructions of which nothing can be wrong in form; most are, and are looked at no further."""


class Refusal(NamedTuple):
    """Why the builder would refuse a file."""

    reason: str
    line: int

    def __str__(self) -> str:
        """Render as `line 3: reason`."""
        return f"line {self.line}: {self.reason}"


def document_refusal(layout: Layout) -> Refusal | None:
    """Find the first thing for which the builder would refuse a file whatever is built."""
    long_line = _long_line(layout.text)
    if long_line is not None:
        return Refusal(f"a line is longer than {MAX_LINE} bytes", layout.line_of(long_line))
    if layout.problem is not None:
        reason, offset = layout.problem
        return Refusal(reason, layout.line_of(offset))
    doubtful = [
        Instruction(layout, index)
        for index, start in enumerate(layout.starts)
        if _SOUND.match(layout.text, start, layout.ends[index]) is None
    ]
    for check in (shape_problem, form_problem):
        for instruction in doubtful:
            problem = check(instruction)
            if problem is not None:
                return Refusal(problem, instruction.line)
    return _order_refusal(layout)


def _long_line(text: str) -> int | None:
    """Return the offset of the first physical line that is too long, or None."""
    start = 0
    while len(text) - start > MAX_LINE:
        end = text.rfind("\n", start, start + MAX_LINE + 1)
        if end < 0:
            return start
        start = end + 1
    return None


def _order_refusal(layout: Layout) -> Refusal | None:
    problem = check_problem(layout.text)
    if problem is not None:
        return Refusal(problem, 1)
    first = next((at for at, code in enumerate(layout.codes) if code != ARG), None)
    if first is None:
        return Refusal("the file has no stage", layout.line_of(layout.starts[-1]))
    if layout.codes[first] != FROM:
        line = layout.line_of(layout.starts[first])
        return Refusal("only ARG may stand above the first FROM", line)
    return None


def build_refusal(found: Resolution) -> Refusal | None:
    """Find the first thing for which the builder would refuse this build of a sound file."""
    return next(_build_refusals(found), None)


def _build_refusals(found: Resolution) -> Iterator[Refusal]:
    if found.scope is not None and found.scope.problem is not None:
        yield Refusal(*found.scope.problem)
    for stage, problem in sorted(found.problems.items()):
        yield Refusal(problem, found.lines[stage].line)
    yield from _platform_refusals(found)
    if found.final is None:
        yield Refusal(f"there is no stage {found.request.target!r}", 1)
    for source in found.sources:
        if source.problem is not None and not source.onbuild:
            yield Refusal(source.problem, source.instruction.line)
    yield from _cycle_refusals(found)
    for use in found.images:
        problem = _reference_problem(use)
        if problem is not None:
            yield Refusal(problem, use.line)
    yield from _needed_refusals(found)


def _platform_refusals(found: Resolution) -> Iterator[Refusal]:
    for stage in found.stages:
        if stage.platform is None and found.lines[stage.index].platform is None:
            continue
        if split_platform(stage.platform or "") is None:
            yield Refusal(f"{stage.platform!r} is no platform", stage.line)


def _cycle_refusals(found: Resolution) -> Iterator[Refusal]:
    """Find stages that copy from or mount each other, or themselves, in a circle."""
    sources: dict[int, list[Source]] = {}
    for source in found.sources:
        if source.source is not None and not source.onbuild:
            sources.setdefault(source.stage, []).append(source)
    done: set[int] = set()
    for first in sources:
        path: dict[int, Iterator[Source]] = {} if first in done else {first: iter(sources[first])}
        while path:
            stage = next(reversed(path))
            source = next(path[stage], None)
            if source is None:
                done.add(stage)
                del path[stage]
            elif source.source in path:
                yield Refusal("stages copy from each other in a circle", source.instruction.line)
                return
            elif source.source is not None and source.source not in done:
                path[source.source] = iter(sources.get(source.source, ()))


def _reference_problem(use: ImageUse) -> str | None:
    if use.via is Via.SYNTAX or use.onbuild or use.scratch or use.replaced_by:
        return None
    if use.problem is not None:
        return use.problem
    try:
        parse_reference(use.reference_text)
    except InvalidReference as error:
        return error.message
    return None


def _needed_refusals(found: Resolution) -> Iterator[Refusal]:
    """Find what is refused in stages that are built, and in them only."""
    for source in found.sources:
        late = source.source is not None and source.source > source.stage
        if late and source.stage in found.reachable and not source.onbuild:
            yield Refusal(
                "a stage is used above the place where it starts", source.instruction.line
            )
    for stage in sorted(found.reachable):
        problem = stage_problem(found, stage)
        if problem is not None:
            yield Refusal(*problem)
