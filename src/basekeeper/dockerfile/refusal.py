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
    from collections.abc import Callable, Iterator

    from basekeeper.dockerfile.resolution import Resolution, Source
    from basekeeper.dockerfile.scan import Layout
    from basekeeper.dockerfile.uses import ImageUse

MAX_LINE: Final = 65_535
"""Bytes of one physical line that BuildKit reads."""

_END: Final = r"[ \t]*+\r?+(?:\n|\Z)"
_PLAIN: Final = r"[^\s\\`'\"<$\x80-\xff]++"
_STRING: Final = r'"[^"\\\x00-\x1f\x80-\xff]*+"'
# A possessive group ends in `(?!)`, so that a pass that fails moves nothing (Python below 3.11.5).
_PAIR: Final = (
    r"[A-Za-z_][\w.-]*+="
    r"(?:[^\s\\`'\"\x80-\xff]++|\"[^\"\\`\x80-\xff]*+\"|'[^'\\`\x80-\xff]*+'|(?!))*+"
)
_GAP: Final = r"(?:[ \t]++|\\[ \t]*+\r?+\n[ \t]*+(?!\#)|(?!))++"
_SOUND = re.compile(
    r"(?:RUN|CMD|ENTRYPOINT|WORKDIR|USER|EXPOSE|STOPSIGNAL|MAINTAINER)[ \t]++[^\s\[\\`\x80-\xff-]"
    r"|RUN[ \t]++\\\r?\n[ \t]*+[^\s\[\\`\#\x80-\xff-]"
    rf"|(?:RUN|CMD|ENTRYPOINT|SHELL)[ \t]++"
    rf"\[[ \t]*+{_STRING}(?:[ \t]*+,[ \t]*+{_STRING}|(?!))*+[ \t]*+\]{_END}"
    rf"|(?:COPY[ \t]++(?>--(?:from|chown|chmod)={_PLAIN}[ \t]++|)|ADD[ \t]++)(?![\[-])"
    rf"{_PLAIN}[ \t]++{_PLAIN}{_END}"
    rf"|(?:ARG[ \t]++\w++|FROM[ \t]++(?!-){_PLAIN}(?>[ \t]++AS[ \t]++[a-z][a-z0-9_.-]*+|)){_END}"
    rf"|(?:ARG|ENV|LABEL)[ \t]++(?:{_PAIR}(?:{_GAP}|(?=[\r\n]|\Z))|(?!))++{_END}"
    r"|(?:ENV|LABEL)[ \t]++[A-Za-z_][\w.-]*+[ \t]++[^\s\\=-]",
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


def parser_refusal(layout: Layout) -> Refusal | None:
    """Find the first thing that the builder's parser refuses, before it looks at any meaning."""
    long_line = _long_line(layout.text)
    if long_line is not None:
        return Refusal(f"a line is longer than {MAX_LINE} bytes", layout.line_of(long_line))
    if layout.problem is not None:
        reason, offset = layout.problem
        return Refusal(reason, layout.line_of(offset))
    return _first_problem(layout, shape_problem)


def document_refusal(layout: Layout) -> Refusal | None:
    """Find the first thing for which the builder would refuse a file whatever is built."""
    return parser_refusal(layout) or _first_problem(layout, form_problem) or _order_refusal(layout)


def _first_problem(layout: Layout, check: Callable[[Instruction], str | None]) -> Refusal | None:
    for index, start in enumerate(layout.starts):
        if _SOUND.match(layout.text, start, layout.ends[index]) is None:
            instruction = Instruction(layout, index)
            problem = check(instruction)
            if problem is not None:
                return Refusal(problem, instruction.line)
    return None


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
        wrong = _reference_problem(use) if use.stage not in found.limited else None
        if wrong is not None:
            yield Refusal(wrong, use.line)
    yield from _needed_refusals(found)


def _platform_refusals(found: Resolution) -> Iterator[Refusal]:
    for stage in found.stages:
        if stage.platform is None and found.lines[stage.index].platform is None:
            continue
        known = stage.index not in found.problems and "$" not in (stage.platform or "")
        if known and split_platform(stage.platform or "") is None:
            yield Refusal(f"{stage.platform!r} is no platform", stage.line)


def _cycle_refusals(found: Resolution) -> Iterator[Refusal]:
    """Find stages that copy from or mount each other, or themselves, in a circle."""
    sources: dict[int, list[Source]] = {}
    for source in found.sources:
        if source.source is not None and not source.onbuild:
            sources.setdefault(source.stage, []).append(source)
    done: set[int] = set()
    for first, below in sources.items():
        path = {first: iter(below)} if first not in done else {}
        while path:
            stage, rest = next(reversed(path.items()))
            step = next(rest, None)
            if step is None or step.source is None:
                done.add(stage)
                del path[stage]
            elif step.source in path:
                yield Refusal("stages copy from each other in a circle", step.instruction.line)
                return
            elif step.source not in done:
                path[step.source] = iter(sources.get(step.source, ()))


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
        refused = stage_problem(found, stage)
        if refused is not None:
            yield Refusal(*refused)
