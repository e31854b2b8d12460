"""The text of a proposal: why, what moves, what is better and worse for it, and a hidden mark.

Nothing in it depends on when it is written, but for facts that changed, so that a run that finds
nothing new rewrites nothing. What is too long for a forge is cut where it matters least, and the
cut is said.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.markers import read_marks, write_mark
from basekeeper.render.cache import size_text
from basekeeper.render.deadlines_view import instant_words, package_name
from basekeeper.render.layout import short_digests
from basekeeper.render.markdown import code
from basekeeper.render.proposal_mark import without_marks, write_proposal_mark
from basekeeper.render.proposal_text import advisory, words
from basekeeper.render.view import plural
from basekeeper.values.image import Unknown
from basekeeper.values.proposal import (
    HOLD_LABEL,
    REBASE_LABEL,
    RECREATE_LABEL,
    MergePolicy,
    fingerprint,
)
from basekeeper.values.vulnerability import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from basekeeper.compare import Comparison, Difference, Finding, PackageChange
    from basekeeper.values.change import Change
    from basekeeper.values.finding import Judgement
    from basekeeper.values.proposal import Compared, Draft, Proof, ProposalMark, Weighed

MAX_BODY_BYTES: Final = 58_000
"""Most bytes of a body, and so characters: GitHub takes 65,536, and adds nothing to them."""

MAX_CLOCK_CHARS: Final = 24_000
"""Most that the mark of the clocks may take of it."""

MAX_ROWS: Final = 400
"""Most rows of one list; nobody reads more."""

MAX_PLACES: Final = 150
"""The same of places that are edited; the change itself shows all."""

MAX_FIRST_ROWS: Final = 10
"""The same of what is never cut away, each of which may be long."""

_NOTE_BYTES: Final = 80
"""Room for saying how many rows were left out."""

_ELLIPSIS_BYTES: Final = 200
_URGENT: Final = (
    "These deadlines run, and two whole scans prove that this fixes their findings. So neither"
    " waiting times nor limits hold it back."
)
_DUE_HEAD: Final = (
    "| Due | Severity | Vulnerability | Package | Product | Clause |",
    "|---|---|---|---|---|---|",
)
_STEERING: Final = (
    f"Labels: {code(HOLD_LABEL)} leaves this as it is, {code(REBASE_LABEL)} makes it anew on the"
    " present base. Closed without merging, it is not proposed again until something newer is"
    f" there; {code(RECREATE_LABEL)} takes that back. A branch that holds somebody else's commit is"
    " not touched any more."
)
_SEVERITIES: Final = tuple(sorted(Severity, reverse=True))
_SIGN: Final = {MergePolicy.AUTO: "by itself", MergePolicy.REVIEW: "by a person",
                MergePolicy.NEVER: "by a person, whatever passes"}  # fmt: skip


class Block(NamedTuple):
    """A part of the text."""

    rank: int
    """What matters most is 0; the highest are cut first."""
    head: tuple[str, ...]
    rows: tuple[str, ...] = ()
    tail: tuple[str, ...] = ("",)
    total: int | None = None
    """Rows that there would be; None: all are here."""
    part: str = ""
    """What it is about; where the first block about the same is cut, the others are too."""


def proposal_body(draft: Draft, mark: ProposalMark, title: str) -> tuple[str, ProposalMark]:
    """Write the text of a proposal.

    Args:
        draft: What it is made from.
        mark: What is hidden in it; the hash of the text is put in here.
        title: Beside the text, for the hash.

    Returns:
        At most `MAX_BODY_BYTES` bytes that end with the mark, and the mark as written.
    """
    clocks = _clocks(draft.clocks)
    hidden = len(write_proposal_mark(mark)) + len(clocks) + 4
    text = fitted(tuple(_blocks(draft)), MAX_BODY_BYTES - hidden)
    written = replace(mark, text=fingerprint(title, text, sorted(draft.labels)))
    marks = "\n".join(one for one in (clocks, write_proposal_mark(written)) if one)
    return f"{text}\n{marks}\n", written


def fitted(blocks: Sequence[Block], room: int) -> str:
    """Join blocks in their order; those of the highest rank lose their rows first.

    Args:
        blocks: In the order in which they are shown.
        room: Most bytes, UTF-8.
    """
    room -= _ELLIPSIS_BYTES
    blocks = [one for one in blocks if one.head]
    kept: dict[int, list[str]] = {}
    cut: set[str] = set()
    for index, block in sorted(enumerate(blocks), key=lambda one: (one[1].rank, one[0])):
        lines, room = _cut(block, room) if block.part not in cut else ([], room)
        if lines:
            kept[index] = lines
        elif block.part:
            cut.add(block.part)
    shown = [line for index in sorted(kept) for line in kept[index]]
    lost = len(blocks) - len(kept)
    if lost:
        shown.append(
            f"*{plural(lost, 'part')} left out: a text may have {MAX_BODY_BYTES:,} bytes.*"
        )
    return "\n".join(shown).rstrip("\n") + "\n"


def _cut(block: Block, room: int) -> tuple[list[str], int]:
    """Return as much of a block as there is room for, and the room that is left."""
    left = room - _size(block.head) - _size(block.tail)
    total = len(block.rows) if block.total is None else block.total
    whole = _size(block.rows)
    if left >= whole and total == len(block.rows):
        return [*block.head, *block.rows, *block.tail], left - whole
    left -= _NOTE_BYTES
    rows: list[str] = []
    for row in block.rows:
        if left < _size((row,)):
            break
        left -= _size((row,))
        rows.append(row)
    if left < 0 or (block.rows and not rows):
        return [], room
    note = f"*{plural(total - len(rows), 'more row')} left out.*"
    return [*block.head, *rows, "", note, *block.tail], left


def _size(lines: Iterable[str]) -> int:
    return sum(len(line.encode("utf-8", "replace")) + 1 for line in lines)


def _clocks(text: str) -> str:
    """Return the mark of the clocks, made shorter where it takes too much."""
    if len(text) <= MAX_CLOCK_CHARS:
        return without_marks(text)
    marks = read_marks(text).marks
    return write_mark(marks[-1], max_chars=MAX_CLOCK_CHARS) if marks else ""


def _blocks(draft: Draft) -> Iterator[Block]:
    """Yield every part in the order of reading."""
    taken = draft.group.taken
    yield _lead(draft)
    if draft.proofs:
        yield _urgent(draft.proofs)
    yield _lines(draft)
    yield _listed(3, "### Why", [line for one in taken for line in _why(one)] + _rule(draft))
    for one in taken:
        yield from _inside(one)
    yield _listed(6, "### Support", [line for one in taken for line in _support(one)])
    yield _listed(3, "### Not edited", _refused(draft))
    yield _merging(draft)
    yield _listed(8, "### How to see the same", _commands(taken))
    yield _steering()


def _lead(draft: Draft) -> Block:
    """Say in a line or two what this is."""
    images, files = (
        plural(len(draft.group.taken), "base image"),
        plural(len(draft.edits.files), "file"),
    )
    drifts = [line for one in draft.group.taken for line in _drift(one.candidate.change)]
    rows = tuple(drifts[:MAX_FIRST_ROWS])
    return Block(0, (f"This moves {images} in {files}.", ""), rows, (), total=len(drifts))


def _drift(change: Change) -> Iterator[str]:
    """Warn of another operating system."""
    if change.choice.os_change is not None:
        name = code(change.standing.reference.with_digest(None).familiar)
        what = f"**Another operating system** is behind {name}: {words(change.choice.os_change)}."
        yield f"> {what} Packages and paths may be others; build and test before merging.\n"


def _urgent(proofs: tuple[Proof, ...]) -> Block:
    """Say what is due, by which clause, and how it is known that this ends it."""
    head = ("### Why now", "", _URGENT, "", *_DUE_HEAD)
    basis = dict.fromkeys(
        f"Proof: {code(one.scanner)} with advisories of {instant_words(one.database)} finds them"
        f" before, and not in {code(one.digest)}."
        for one in proofs[:MAX_ROWS]
    )
    rows = tuple(map(_due, proofs[:MAX_ROWS]))
    return Block(1, head, rows, ("", *list(basis)[:5], ""), total=len(proofs))


def _due(proof: Proof) -> str:
    deadline = proof.deadline
    due = "" if deadline.due is None else instant_words(deadline.due)
    missed = "" if deadline.breached_at is None else " (missed)"
    finding = deadline.finding
    product = code(deadline.product) if deadline.product else ""
    return (
        f"| **{due}**{missed} | {deadline.urgency.word} | {advisory(finding.vulnerability)}"
        f" | {code(package_name(finding.package))} | {product} | {code(str(deadline.clause))} |"
    )


def _lines(draft: Draft) -> Block:
    """List each place that is edited."""
    head = ("### What moves", "", "| Where | Before | After |", "|---|---|---|")
    rows = tuple(
        f"| {code(f'{one.path}:{one.line}')} | {code(short_digests(one.old))}"
        f" | {code(short_digests(one.new))} |"
        for one in draft.lines[:MAX_PLACES]
    )
    return Block(1, head, rows, total=len(draft.lines))


def _listed(rank: int, heading: str, lines: Sequence[str]) -> Block:
    if not lines:
        return Block(0, (), (), ())
    rows = tuple(f"- {line}" for line in lines[:MAX_ROWS])
    return Block(rank, (heading, ""), rows, total=len(lines))


def _why(weighed: Weighed) -> Iterator[str]:
    """Say why an image is to move: the choice, and what the policy holds against it."""
    change = weighed.candidate.change
    name = code(change.standing.reference.with_digest(None).familiar)
    yield f"{name}, {change.choice.kind}: {words(change.choice.reason)}"
    judged = weighed.candidate.judged[0]
    if judged is not None:
        yield f"{name}: {judged.category.value} by {code(judged.clause)}: {words(judged.reason)}"


def _rule(draft: Draft) -> list[str]:
    return [words(draft.rule)] if draft.rule else []


def _inside(weighed: Weighed) -> Iterator[Block]:
    """Yield what changes inside one image, for each platform."""
    change = weighed.candidate.change
    name = change.standing.reference.with_digest(None).familiar
    if not weighed.compared:
        text = f"What changes inside {code(name)} is not known: nobody looked."
        yield Block(2, ("### Findings", "", text))
    for one in weighed.compared:
        yield from _of_platform(f"{code(name)} on {code(one.platform)}", one)


def _of_platform(what: str, compared: Compared) -> Iterator[Block]:
    answer = compared.answer
    if isinstance(answer, Unknown):
        yield Block(2, (f"### {what}", "", f"Not known: {words(answer.reason)}"))
        return
    doubts = tuple(f"> This proves nothing: {words(one.reason)}" for one in answer.problems[:10])
    head = (f"### {what}", "", *doubts, *(("",) if doubts else ()), *_counts(answer))
    yield Block(2, head, part=what)
    differences = [_difference(one) for one in answer.differences]
    for block in (
        _findings(3, "New", answer.introduced),
        _findings(5, "Fixed", answer.fixed),
        _listed(4, "Other differences:", differences),
        _packages(answer),
    ):
        yield block._replace(part=what)


def _counts(answer: Comparison) -> Iterator[str]:
    """Write the findings before and after by severity."""
    yield "| Findings | Before | After | Fixed | New |"
    yield "|---|--:|--:|--:|--:|"
    for severity in _SEVERITIES:
        fixed, new, after = answer.count(severity)
        before = fixed + sum(one.before.severity is severity for one in answer.unchanged)
        if before or after or new:
            yield f"| {severity.word} | {before} | {after + new} | {fixed} | {new} |"
    total = len(answer.unchanged)
    fixed, new = len(answer.fixed), len(answer.introduced)
    yield f"| all | {total + fixed} | {total + new} | {fixed} | {new} |"


def _findings(rank: int, word: str, found: tuple[Finding, ...]) -> Block:
    """List findings, folded away where there are many."""
    if not found:
        return Block(0, (), (), ())
    head = ("<details>", f"<summary>{word}: {plural(len(found), 'finding')}</summary>", "")
    table = ("| Severity | Vulnerability | Package | Version | Fixed in |", "|---|---|---|---|---|")
    rows = tuple(map(_finding, found[:MAX_ROWS]))
    return Block(rank, (*head, *table), rows, ("", "</details>", ""), total=len(found))


def _finding(finding: Finding) -> str:
    versions = sorted({one.package.version for one in finding.matches})
    fixed = sorted({version for one in finding.matches for version in one.fixed_versions})
    return (
        f"| {finding.severity.word} | {advisory(finding.vulnerability)}"
        f" | {code(package_name(finding.package))} | {code(', '.join(versions))}"
        f" | {code(', '.join(fixed)) if fixed else ''} |"
    )


def _difference(one: Difference) -> str:
    if one.what == "size" and one.before.isdigit() and one.after.isdigit():
        before, after = int(one.before), int(one.after)
        sizes = f"{size_text(before)} → {size_text(after)}"
        more = "more" if after >= before else "less"
        return f"size: {sizes} ({size_text(abs(after - before))} {more})"
    return f"{one.what}: {code(one.before)} → {code(one.after)}"


def _packages(answer: Comparison) -> Block:
    """List packages that differ, folded away."""
    changes = (*answer.changed, *answer.added, *answer.removed)
    if not changes:
        return Block(0, (), (), ())
    summary = ", ".join(
        f"{len(found):,} {word}"
        for found, word in ((answer.changed, "changed"), (answer.added, "added"),
                            (answer.removed, "removed"))
    )  # fmt: skip
    head = ("<details>", f"<summary>Packages: {summary}</summary>", "",
            "| Package | Before | After |", "|---|---|---|")  # fmt: skip
    rows = tuple(map(_package, changes[:MAX_ROWS]))
    return Block(9, head, rows, ("", "</details>", ""), total=len(changes))


def _package(change: PackageChange) -> str:
    before, after = (code(", ".join(one)) if one else "" for one in (change.before, change.after))
    return f"| {code(change.name)} | {before} | {after} |"


def _support(weighed: Weighed) -> Iterator[str]:
    """Say until when the image is supported before and after."""
    for when, judged in zip(("before", "after"), weighed.candidate.judged, strict=True):
        if judged is not None:
            yield from _axes(f"{code(judged.text)} ({when})", judged)


def _axes(name: str, judged: Judgement) -> Iterator[str]:
    for axis in judged.axes:
        until = "no end is known" if axis.end_of_life is None else f"until {axis.end_of_life}"
        yield f"{name}: {words(axis.title)} {words(axis.cycle)}, {until}"


def _refused(draft: Draft) -> list[str]:
    return [
        f"{code(f'{one.use.path}:{one.use.line}')}: {words(one.reason)}"
        for one in draft.edits.refused
    ]


def _merging(draft: Draft) -> Block:
    """Say who merges; it is never cut away."""
    reasons = draft.merging.reasons
    rows = tuple(f"- {words(reason)}" for reason in reasons[:MAX_FIRST_ROWS])
    return Block(0, (f"### Merging: {_SIGN[draft.merging.policy]}", ""), rows, total=len(reasons))


def _commands(taken: tuple[Weighed, ...]) -> list[str]:
    return [line for one in taken for line in _command(one)]


def _command(weighed: Weighed) -> Iterator[str]:
    change = weighed.candidate.change
    old, new = change.standing.reference, change.to
    if change.choice.os_change is None:  # another system is never taken by a command unseen
        aged = " --any-age" if weighed.candidate.waiting is not None else ""
        pins = " --pin-digests" if old.digest is None and new.digest is not None else ""
        image = old.with_digest(None)
        yield code(f"basekeeper update --image {image} --kind {change.choice.kind}{aged}{pins}")
    yield code(f"basekeeper scan --reference {old} --reference {new}")


def _steering() -> Block:
    """Say how a person steers it."""
    return Block(7, ("---", _STEERING))
