"""From a group and its edited files to a proposal: branch, title, body, commit message."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from basekeeper.policy.windows import duration_words
from basekeeper.propose.merging import merging
from basekeeper.render.proposal_markdown import proposal_body
from basekeeper.render.proposal_text import message, title
from basekeeper.values.proposal import Draft, MovedLine, Proposal, ProposalMark, Wanted, fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.config.proposals import ProposalRules
    from basekeeper.values.change import EditPlan, FileEdit
    from basekeeper.values.proposal import Group

TARGET_TRAILER: Final = "Basekeeper-Target"
"""Trailer of commits that says what they move to, as the mark does."""

_SEPARATORS: Final = frozenset(" \t\"'=,;()[]{}<>")
"""Characters between which a line's part is shown whole."""


def draft(group: Group, edits: EditPlan, rules: ProposalRules, *, clocks: str = "") -> Wanted:
    """Write everything of a proposal; equal values give equal bytes.

    Args:
        group: What is proposed together.
        edits: The files as they would be, of `group.taken` alone.
        rules: How it is to look.
        clocks: A mark from which the ledger's clocks could be restored; empty: none.
    """
    if not group.taken:
        return Wanted(group, None, _waiting(group))
    if not edits.files:
        return Wanted(group, None, "no place can be edited" + _first_refusal(edits))
    found = Draft(
        group=group,
        edits=edits,
        lines=tuple(line for file in edits.files for line in _lines(file)),
        merging=merging(group, edits, rules),
        branch=group.identity.branch(rules.branch_prefix),
        labels=rules.labels,
        rule=_rule(group),
        clocks=clocks,
    )
    prefix = (rules.urgent_commit_prefix if found.proofs else None) or rules.commit_prefix
    heading = title(found, prefix)
    body, mark = proposal_body(found, _mark(found), heading)
    return Wanted(
        group,
        Proposal(
            identity=group.identity,
            branch=found.branch,
            title=heading,
            body=body,
            message=message(found, heading),
            trailers=MappingProxyType(_trailers(mark, rules)),
            labels=rules.labels,
            files=MappingProxyType({file.path: file.after for file in edits.files}),
            changes=tuple(one.candidate.change for one in group.taken),
            mark=mark,
            merging=found.merging,
            proofs=found.proofs,
            notes=tuple(f"{one.use.path}:{one.use.line}: {one.reason}" for one in edits.refused),
            reviewers=rules.reviewers,
        ),
    )


def _mark(found: Draft) -> ProposalMark:
    """Return the mark but for the hash of the text."""
    images = sorted({(one.image, str(one.candidate.change.to)) for one in found.group.taken})
    edits = sorted((line.path, line.old, line.new) for line in found.lines)
    return ProposalMark(
        key=found.group.identity.key,
        base=found.group.identity.base,
        target=fingerprint(images),
        edits=fingerprint(edits),
        text=fingerprint(),
        images=MappingProxyType(dict(images)),
    )


def _trailers(mark: ProposalMark, rules: ProposalRules) -> dict[str, str]:
    # Not the bare hash: a forge would take it for that of a commit.
    trailers = {TARGET_TRAILER: f"target-{mark.target}"}
    if rules.signed_off_by is not None:
        trailers["Signed-off-by"] = rules.signed_off_by
    return trailers


def _rule(group: Group) -> str:
    """Say what of the settings let it be proposed now."""
    young = [one for one in group.taken if one.candidate.waiting is not None and one.proofs]
    if young:
        waiting = young[0].candidate.waiting
        why = "" if waiting is None else waiting.reason
        return f"a deadline beats the waiting time: {young[0].image} {why}".rstrip()
    ages = {one.candidate.change.standing.rules.minimum_age for one in group.taken}
    return f"updates.minimum_age: {duration_words(max(ages))}; it has passed" if max(ages) else ""


def _waiting(group: Group) -> str:
    waits = [one.candidate.waiting for one in group.held]
    return "; ".join(dict.fromkeys(one.reason for one in waits if one is not None))[:500]


def _first_refusal(edits: EditPlan) -> str:
    refused = edits.refused
    return f": {refused[0].use.path}:{refused[0].use.line} {refused[0].reason}" if refused else ""


def _lines(file: FileEdit) -> Iterator[MovedLine]:
    """Yield each line that is edited, with the parts that differ."""
    before = file.before.split(b"\n")
    after = file.after.split(b"\n")
    for number in sorted({edit.line for edit in file.edits}):
        if len(before) == len(after) and 0 < number <= len(before):
            old, new = _text(before[number - 1]), _text(after[number - 1])
            yield MovedLine(file.path, number, *_parts(old, new))
            continue
        for edit in file.edits:
            if edit.line == number:
                old = _text(file.before[edit.start : edit.end])
                yield MovedLine(file.path, number, old, _text(edit.new))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace").strip("\r")


def _parts(old: str, new: str) -> tuple[str, str]:
    """Return what differs of two lines, widened to where a word begins and ends."""
    least = min(len(old), len(new))
    start = next((at for at in range(least) if old[at] != new[at]), least)
    while start and old[start - 1] not in _SEPARATORS:
        start -= 1
    end = 0
    while end < least - start and old[-1 - end] == new[-1 - end]:
        end += 1
    while end and old[len(old) - end] not in _SEPARATORS:
        end -= 1
    return old[start : len(old) - end], new[start : len(new) - end]
