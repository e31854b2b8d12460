"""What nothing asks for any more: open proposals are closed, branches of ended ones deleted.

Only where all that matters is known, and no person has a hand in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from basekeeper.propose.standing import untouchable
from basekeeper.render.proposal_mark import read_proposal_mark
from basekeeper.values.deciding import Decision, DecisionKind
from basekeeper.values.forge import ChangeState
from basekeeper.values.image import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from basekeeper.config.proposals import ProposalRules
    from basekeeper.values.deciding import Setting
    from basekeeper.values.forge import ChangeRequest
    from basekeeper.values.proposal import ProposalMark, Wanted


def strays(
    wanted: Sequence[Wanted], decided: Sequence[Decision], rules: ProposalRules, setting: Setting
) -> list[Decision]:
    """Decide about open proposals of ours whose group is not wanted any more.

    Args:
        wanted: What is wanted.
        decided: What was decided about that.
        rules: Which branches are ours.
        setting: What holds now.
    """
    branches = {one.branch for one in decided}
    left = _left(branches, rules, setting)
    requests = setting.open_requests
    if isinstance(requests, Unknown):
        return left
    places = _places(wanted, decided, rules.branch_prefix)
    found = [
        one
        for one in requests
        if one.is_ours
        and one.state is ChangeState.OPEN
        and one.branch.startswith(f"{rules.branch_prefix}/")
        and one.branch not in branches
    ]
    return [
        *(_about(one, places, setting) for one in sorted(found, key=lambda one: one.branch)),
        *left,
    ]


def _left(wanted: set[str], rules: ProposalRules, setting: Setting) -> list[Decision]:
    """Delete branches of ours that a killed run left, or whose proposal we ended or saw merged."""
    found: list[Decision] = []
    for branch, earlier in sorted(setting.earlier.items()):
        state, requests = earlier.branch, earlier.requests
        if state is None or isinstance(state, Unknown) or isinstance(requests, Unknown):
            continue
        is_ours = branch.startswith(f"{rules.branch_prefix}/") and state.is_ours
        if branch in wanted or not is_ours or state.foreign:
            continue
        # Without a commit of its own it may be anybody's.
        has_own = bool(requests) or state.ahead > 0
        if has_own and all(_is_over(one, setting.login) for one in requests):
            reason = "no proposal is open for it, and nothing asks for one"
            kind = DecisionKind.CLOSE
            found.append(Decision(kind=kind, branch=branch, reason=reason, head=state.head))
    return found


def _is_over(request: ChangeRequest, login: str) -> bool:
    """Tell whether a change request needs its branch no more: a person may still open it again."""
    if request.state is ChangeState.CLOSED:
        return request.closed_by == login
    return request.state is ChangeState.MERGED


def _places(
    wanted: Sequence[Wanted], decided: Sequence[Decision], prefix: str
) -> dict[str, Decision]:
    """Map each image that is wanted to the decision about its group."""
    decisions = {one.branch: one for one in decided}
    groups = (one.group for one in wanted)
    return {
        one.image: decisions[group.identity.branch(prefix)]
        for group in groups
        for one in (*group.taken, *group.held)
    }


def _about(request: ChangeRequest, places: dict[str, Decision], setting: Setting) -> Decision:
    earlier = setting.earlier.get(request.branch)
    state = None if earlier is None else earlier.branch
    head = None if state is None or isinstance(state, Unknown) else state.head
    mark = read_proposal_mark(request.body)

    def said(kind: DecisionKind, reason: str) -> Decision:
        return Decision(
            kind=kind, branch=request.branch, reason=reason, number=request.number, head=head
        )

    if mark is None:
        return said(DecisionKind.LEAVE, "its mark cannot be read")
    if mark.base != setting.base:
        return said(DecisionKind.LEAVE, f"it is for {mark.base}, not for {setting.base}")
    if state is None or isinstance(state, Unknown):
        return said(DecisionKind.LEAVE, "how its branch stands is not known")
    blocked = untouchable(request, state, setting, mark.base)
    if blocked is not None:
        return said(DecisionKind.LEAVE, blocked.reason)
    doubt = next(_doubts(mark, places, setting), None)
    if doubt is not None:
        return said(DecisionKind.LEAVE, doubt)
    others = sorted({places[image].branch for image in mark.images if image in places})
    if others:
        return said(DecisionKind.CLOSE, f"superseded by {', '.join(others)}")
    return said(DecisionKind.CLOSE, "nothing is to be changed any more")


def _doubts(mark: ProposalMark, places: dict[str, Decision], setting: Setting) -> Iterator[str]:
    """Yield why it may still be needed."""
    if mark.left_out:
        yield "its mark does not name every image"
    for image in mark.images:
        if image in setting.unresolved:
            yield f"what {image} can be moved to could not be told"
        other = places.get(image)
        if other is not None and not _is_open(other):
            yield f"{other.branch}, which has {image} too, is not open"


def _is_open(decision: Decision) -> bool:
    """Tell whether a proposal is there once the decision was carried out."""
    if decision.kind.writes_text:
        return True
    is_kept = decision.kind in (DecisionKind.LEAVE, DecisionKind.WAIT)
    return is_kept and decision.number is not None
