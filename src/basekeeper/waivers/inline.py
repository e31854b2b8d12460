"""Inline waivers: comments directly above the instruction that they cover.

    # basekeeper: ignore[end-of-life] owner=@team until=2027-01-31 reason="moves in January"

A second line `# basekeeper: reason="…"` goes on where the first ends; another `ignore[…]` starts
another waiver. Above a parser directive a waiver would turn the directive into a comment, so there
it is invalid.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from dataclasses import field, replace
from typing import TYPE_CHECKING, Final

from basekeeper.config.table import parse_day
from basekeeper.records import dataclass
from basekeeper.values.waiver import Waiver
from basekeeper.waivers.model import InvalidWaiver, Waivers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date

    from basekeeper.dockerfile.model import Comment as _Line
    from basekeeper.dockerfile.model import Instruction
    from basekeeper.values.use import SourceFile
    from basekeeper.waivers.model import WaiverLimits

MAX_COMMENT_CHARS: Final = 4_096
"""Longest inline waiver, in characters, over all its lines."""

_FORM: Final = 'write # basekeeper: ignore[rule-id] owner=@team until=YYYY-MM-DD reason="…"'
_HINT: Final = re.compile(rb"basekeeper:", re.IGNORECASE)
_VERSION: Final = re.compile(r"[:@][^\s/,]*(?=[\s,]|$)")
_MARK: Final = re.compile(r"[ \t]*#+[ \t]*basekeeper:[ \t]*(.*)", re.IGNORECASE)
_DIRECTIVE: Final = re.compile(r"[ \t]*#[ \t]*(?:syntax|escape|check)[ \t]*=", re.IGNORECASE)
_IGNORE: Final = re.compile(r"ignore[ \t]*\[([^\]]*)\]", re.IGNORECASE)
_FIELD: Final = re.compile(r'[ \t]*([A-Za-z_]+)=(?:"([^"]*)"|([^\s"]+))(?=[ \t]|$)')


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment line, and what it stands above."""

    line: int
    """From 1, in the file that `path` of the block names."""
    text: str
    """The line, `#` included."""


@dataclass(frozen=True, slots=True)
class Block:
    """Comment lines that stand directly above one another, and the instruction below them."""

    path: str
    comments: tuple[Comment, ...]
    target_line: int | None
    """First line of the instruction directly below; None where there is none."""
    target: str = ""
    """What the instruction is about, without versions: see `Waiver.target`."""


def comment_blocks(file: SourceFile) -> Iterator[Block]:
    """Yield the blocks of comments of a file, if any of them may hold a waiver.

    A block inside an instruction, or one that an instruction does not follow at once, stands above
    nothing.
    """
    document = file.document
    if document is None or _HINT.search(document.data) is None:
        return
    starts = {instruction.line: instruction for instruction in document.instructions}
    lines = sorted(starts)
    images = _images(file)
    shift = file.first_line - 1
    for group in _neighbours(document.comments):
        first, last = group[0].line, group[-1].line
        before = bisect_left(lines, first)
        is_inside = before > 0 and starts[lines[before - 1]].end_line >= first
        below = None if is_inside else starts.get(last + 1)
        yield Block(
            file.path,
            tuple(Comment(comment.line + shift, comment.text) for comment in group),
            None if below is None else below.line + shift,
            "" if below is None else _subject_of(below, images),
        )


def _neighbours(comments: Iterable[_Line]) -> Iterator[list[_Line]]:
    """Group comments that stand on lines one after the other."""
    group: list[_Line] = []
    for comment in comments:
        if group and comment.line != group[-1].line + 1:
            yield group
            group = []
        group.append(comment)
    if group:
        yield group


def _images(file: SourceFile) -> dict[int, set[str]]:
    """Return the images that the instruction at a line brings in, in any build; no versions."""
    found: defaultdict[int, set[str]] = defaultdict(set)
    for plan in file.plans:
        for image in plan.build.images:
            found[image.line].add(_VERSION.sub("", image.reference_text))
    return found


def _subject_of(instruction: Instruction, images: Mapping[int, set[str]]) -> str:
    """Return what an instruction is about: its text where it names images, and these resolved."""
    words = [instruction.name, *sorted(images.get(instruction.line, ()))]
    if instruction.name in ("FROM", "COPY"):
        flags = (f"{flag.name}={flag.value}" for flag in instruction.flags)
        words.append(_VERSION.sub("", " ".join((*flags, instruction.text))))
    return " ".join(words)


def read_inline(blocks: Iterable[Block], limits: WaiverLimits) -> Waivers:
    """Read the inline waivers of blocks of comments."""
    accepted = []
    invalid = []
    for block in blocks:
        for found in _block(block, limits):
            if isinstance(found, Waiver):
                accepted.append(found)
            else:
                invalid.append(found)
    return Waivers(tuple(accepted), tuple(invalid))


@dataclass(slots=True)
class _Draft:
    """An inline waiver while its lines are put together."""

    line: int
    parts: list[str] = field(default_factory=list)


def _block(block: Block, limits: WaiverLimits) -> Iterator[Waiver | InvalidWaiver]:
    """Read one block: first which lines belong together, then each waiver."""
    drafts: list[_Draft] = []
    for comment in block.comments:
        mark = _MARK.fullmatch(comment.text.rstrip("\r\n"))
        if mark is None:
            continue
        if drafts and _FIELD.match(mark[1]):
            drafts[-1].parts.append(mark[1])
        else:
            drafts.append(_Draft(comment.line, [mark[1]]))
    directives = (one.line for one in block.comments if drafts and _DIRECTIVE.match(one.text))
    last_directive = max(directives, default=0)
    for draft in drafts:
        yield _draft(draft, block, limits, above_directive=draft.line < last_directive)


def _draft(
    draft: _Draft, block: Block, limits: WaiverLimits, *, above_directive: bool
) -> Waiver | InvalidWaiver:
    """Read one inline waiver, or say what is wrong with it."""

    def wrong(message: str, hint: str = _FORM) -> InvalidWaiver:
        return InvalidWaiver(block.path, draft.line, message, hint)

    text = " ".join(draft.parts).strip()
    if above_directive:
        return wrong(
            "a waiver above a parser directive turns the directive into a comment",
            "move the waiver below the directives, directly above the instruction",
        )
    if not limits.settings.inline:
        return wrong("the policy permits no inline waivers", "write it into the waiver file")
    if block.target_line is None:
        return wrong(
            "a waiver that does not stand directly above an instruction covers nothing",
            "move it directly above the instruction, without an empty line between them",
        )
    if len(text) > MAX_COMMENT_CHARS:
        return wrong(f"is longer than {MAX_COMMENT_CHARS} characters")
    return _read(text, draft, block, limits)


def _read(text: str, draft: _Draft, block: Block, limits: WaiverLimits) -> Waiver | InvalidWaiver:
    """Read the text of an inline waiver."""
    problems: list[tuple[str, str | None]] = []
    rules, rest = _rules(text, limits, problems)
    given = _fields(rest, problems)
    problems.extend(
        (f"lacks {name}", None)
        for name in ("owner", "until", "reason")
        if not given.get(name, "").strip()
    )
    problems.extend(
        (f"{name} {problem}", None)
        for name in ("owner", "reason")
        if given.get(name, "").strip() and (problem := limits.text_problem(given[name]))
    )
    until = _inline_day(given.get("until"), limits, problems)
    if problems or until is None:
        message = "; ".join(message for message, _ in problems)
        hints = [hint for _, hint in problems if hint]
        return InvalidWaiver(block.path, draft.line, message, hints[0] if hints else _FORM)
    return Waiver(
        rules=rules,
        owner=given["owner"],
        reason=given["reason"],
        until=until,
        paths=(block.path,),
        source=block.path,
        line=draft.line,
        target_line=block.target_line,
        target=block.target,
    )


def _rules(
    text: str, limits: WaiverLimits, problems: list[tuple[str, str | None]]
) -> tuple[tuple[str, ...], str]:
    """Read `ignore[…]`; return the rules and the text behind it."""
    match = _IGNORE.match(text)
    if match is None:
        problems.append((f"expected ignore[rule-id], got {text[:40]!r}", None))
        return (), ""
    rules = tuple(rule for rule in re.split(r"[\s,]+", match[1]) if rule)
    if not rules:
        problems.append(("must name at least one rule", None))
    problems.extend(filter(None, map(limits.rule_problem, rules)))
    return rules, text[match.end() :]


def _fields(text: str, problems: list[tuple[str, str | None]]) -> dict[str, str]:
    """Read `key=value` pairs, values in double quotes where they hold blanks."""
    given: dict[str, str] = {}
    at = 0
    while text[at:].strip():
        match = _FIELD.match(text, at)
        if match is None:
            problems.append((f"cannot read {text[at:].strip()[:40]!r}", None))
            break
        name = match[1]
        if name not in ("owner", "until", "reason"):
            problems.append((f"does not know {name!r:.40}", None))
        elif name in given:
            problems.append((f"gives {name} twice", None))
        given[name] = match[2] if match[2] is not None else match[3]
        at = match.end()
    return given


def _inline_day(
    value: str | None, limits: WaiverLimits, problems: list[tuple[str, str | None]]
) -> date | None:
    """Read the last day; None where it is missing or wrong."""
    if not value:
        return None
    until = parse_day(value)
    if until is None:
        problems.append((f"until: expected YYYY-MM-DD, got {value[:40]!r}", None))
        return None
    problem = limits.day_problem(until)
    if problem is not None:
        problems.append((problem, None))
        return None
    return until


def restrict_inline(waivers: Waivers, base_waivers: Waivers) -> Waivers:
    """Keep those inline waivers that another revision has too; for gates of pull requests.

    A proposal may not waive its own findings. The same waiver is one with the same words in the
    same file above the same instruction, versions aside; each counts as often as it stands there.
    Waivers of the waiver file pass: the caller reads that file from the other revision.
    """
    left = Counter(map(_identity, base_waivers.accepted))
    accepted = []
    for waiver in waivers.accepted:
        if waiver.inline:
            if left[_identity(waiver)] <= 0:
                continue
            left[_identity(waiver)] -= 1
        accepted.append(waiver)
    return replace(waivers, accepted=tuple(accepted))


def _identity(waiver: Waiver) -> tuple[object, ...]:
    return (
        waiver.source,
        waiver.rules,
        waiver.owner,
        waiver.reason,
        waiver.until,
        waiver.target,
    )
