"""How an earlier proposal stands to what is wanted now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.render.proposal_mark import read_proposal_mark
from basekeeper.values.forge import ChangeState
from basekeeper.values.proposal import HOLD_LABEL, REBASE_LABEL, RECREATE_LABEL

if TYPE_CHECKING:
    from basekeeper.values.deciding import Setting
    from basekeeper.values.forge import BranchState, ChangeRequest
    from basekeeper.values.proposal import Proposal

FOREIGN: Final = (
    "This branch holds a commit that is not ours, so it is not touched any more. Remove the commit,"
    " or close this and delete the branch, to have it kept up to date again."
)
"""What is said once where somebody else's commit is in the branch."""


class Blocked(NamedTuple):
    """Why an open proposal is left alone."""

    reason: str
    is_foreign: bool = False


def untouchable(
    present: ChangeRequest, state: BranchState | None, setting: Setting, base: str
) -> Blocked | None:
    """Say why an open proposal is not to be touched; None: it may be.

    Args:
        present: The open one.
        state: Its branch.
        setting: What holds now.
        base: Branch that it was to be merged into.
    """
    if not present.is_ours:
        return Blocked(f"{present.url} is for the same branch, and not by us")
    if state is not None and (state.foreign or not state.is_ours):
        return Blocked("the branch holds a commit that is not ours", is_foreign=True)
    if HOLD_LABEL in present.labels:
        return Blocked(f"it bears the label {HOLD_LABEL}")
    if present.base != base:
        return Blocked(f"somebody had it merge into another branch, {present.base}")
    if present.in_queue:
        return Blocked("it is in the merge queue")
    if setting.has_queue and present.in_queue is None:
        return Blocked("whether it is in the merge queue is not known")
    return None


def is_same_change(present: ChangeRequest, proposal: Proposal) -> bool:
    """Tell whether an open one proposes the same target by the same edits."""
    mark = read_proposal_mark(present.body)
    own = proposal.mark
    return mark is not None and (mark.key, mark.base, mark.target, mark.edits) == (
        own.key, own.base, own.target, own.edits,
    )  # fmt: skip


def rebase_reason(present: ChangeRequest, state: BranchState, setting: Setting) -> str | None:
    """Say why the same is to be made on the present base; None: it need not.

    A branch that is on it gains nothing: then it is left, whatever the forge still says.
    """
    if not state.behind:
        return None
    if present.mergeable is False:
        return "it conflicts with its base"
    if REBASE_LABEL in present.labels:
        return f"it bears the label {REBASE_LABEL}"
    if setting.needs_current:
        return "its base takes only what is up to date with it"
    return "it is to be merged by itself, and is behind its base" if present.auto_merge else None


def finished_for(
    proposal: Proposal, requests: tuple[ChangeRequest, ...]
) -> tuple[ChangeRequest, ...]:
    """Return those of ours that ended with the same target, the newest first.

    Where the mark was removed the title, which names the target, stands in for it.
    """
    return tuple(
        one
        for one in requests
        if one.is_ours and one.state is not ChangeState.OPEN and _is_for(proposal, one)
    )


def _is_for(proposal: Proposal, request: ChangeRequest) -> bool:
    mark = read_proposal_mark(request.body)
    return request.title == proposal.title if mark is None else mark.target == proposal.mark.target


def is_declined(proposal: Proposal, requests: tuple[ChangeRequest, ...], login: str) -> bool:
    """Tell whether a person declined this very target, or undid it.

    Whoever closed the last one but us declined it, and so did somebody who is not known. A label
    takes it back.
    """
    ended = finished_for(proposal, requests)
    if not ended or RECREATE_LABEL in ended[0].labels:
        return False
    return ended[0].state is ChangeState.MERGED or ended[0].closed_by != login


def generation_of(proposal: Proposal, requests: tuple[ChangeRequest, ...]) -> int:
    """Return how often the same target is proposed, this time included."""
    return 1 + len(finished_for(proposal, requests))
