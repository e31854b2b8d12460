"""What is to be done now: what is wanted, held against what the forge has, limits and windows.

Everything is decided anew from what is there, so that a run which was killed is simply repeated.
What a person did counts more: a closed proposal is declined, a branch with somebody else's commit,
a label that holds, another base or a merge queue are left alone. Only a provable fix of what has a
deadline goes before limits and windows, never before a person's word.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from basekeeper.propose.standing import (
    FOREIGN,
    finished_for,
    generation_of,
    is_declined,
    is_same_change,
    rebase_reason,
    untouchable,
)
from basekeeper.propose.strays import strays
from basekeeper.records import dataclass
from basekeeper.render.proposal_mark import read_proposal_mark
from basekeeper.values.deciding import Decided, Decision, DecisionKind
from basekeeper.values.forge import ChangeState
from basekeeper.values.image import Unknown
from basekeeper.values.proposal import Waiting

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from basekeeper.config.proposals import ProposalRules
    from basekeeper.values.deciding import Setting, Usage
    from basekeeper.values.forge import BranchState, ChangeRequest
    from basekeeper.values.proposal import Proposal, Wanted

HOUR: Final = timedelta(hours=1)

UNKNOWN: Final = "what the forge says of earlier proposals is not known"


def decide(wanted: Sequence[Wanted], rules: ProposalRules, setting: Setting) -> Decided:
    """Decide about every proposal of one repository and base.

    Args:
        wanted: What is to be proposed, and groups of which everything waits.
        rules: Limits and windows.
        setting: What holds now.

    Returns:
        Decisions in the order in which they are to be carried out: what is due first, then the
        rest by key, then what is closed; and what limits are used up to afterwards.
    """
    desk = _Desk(rules, setting, setting.usage)
    found = [desk.decide(one) for one in sorted(wanted, key=lambda one: _order(one, setting.now))]
    if rules.mode == "open":
        found += strays(wanted, found, rules, setting)
    return Decided(tuple(found), desk.usage)


def _order(wanted: Wanted, now: datetime) -> tuple[object, ...]:
    due = wanted.group.due
    return (due is None, due or now, wanted.group.identity.key)


@dataclass(slots=True)
class _Desk:
    """Decides about one proposal after the other, and counts."""

    rules: ProposalRules
    setting: Setting
    usage: Usage

    def decide(self, wanted: Wanted) -> Decision:
        """Decide about one."""
        branch = wanted.group.identity.branch(self.rules.branch_prefix)
        told = _Told(branch, wanted)
        if self.rules.mode != "open":
            return told.say(DecisionKind.REPORT, "proposals.mode is 'report': nothing is made")
        earlier = self.setting.earlier.get(branch)
        if earlier is None or isinstance(earlier.requests, Unknown):
            return told.say(DecisionKind.WAIT, UNKNOWN)
        if isinstance(earlier.branch, Unknown):
            return told.say(DecisionKind.WAIT, UNKNOWN)
        requests, state = earlier.requests, earlier.branch
        told = _Told(branch, wanted, None if state is None else state.head)
        present = next((one for one in requests if one.state is ChangeState.OPEN), None)
        if present is not None:
            return self._of_open(told.about(present), present, requests, state)
        return self._of_none(told, requests, state)

    def _of_open(
        self,
        told: _Told,
        present: ChangeRequest,
        requests: tuple[ChangeRequest, ...],
        state: BranchState | None,
    ) -> Decision:
        """Decide where one is open."""
        proposal = told.wanted.proposal
        if proposal is None:
            return told.say(DecisionKind.LEAVE, told.wanted.reason or "nothing else is proposed")
        blocked = untouchable(present, state, self.setting, proposal.identity.base)
        if blocked is not None:
            comment = FOREIGN if blocked.is_foreign else None
            return told.say(DecisionKind.LEAVE, blocked.reason, comment=comment)
        generation = generation_of(proposal, requests)
        if state is None or not is_same_change(present, proposal):
            if is_declined(proposal, requests, self.setting.login):
                reason = "what is wanted now was declined; the open one stays"
                return told.say(DecisionKind.LEAVE, reason)
            return self._written(
                told, DecisionKind.UPDATE, "it is about something else", generation
            )
        again = rebase_reason(present, state, self.setting)
        if again is not None:
            return self._written(told, DecisionKind.REBASE, again, generation)
        return self._text(told, present, proposal, generation)

    def _text(
        self, told: _Told, present: ChangeRequest, proposal: Proposal, generation: int
    ) -> Decision:
        """Decide where the branch is as it is to be."""
        mark = read_proposal_mark(present.body)
        known = {name.lower() for name in present.labels}
        if mark is None or mark.text != proposal.mark.text:
            reason = "what is known has changed"
        elif any(name.lower() not in known for name in proposal.labels):
            reason = "it lacks a label"
        else:
            return told.say(DecisionKind.LEAVE, "it is as it should be")
        return told.say(DecisionKind.REWRITE, reason, generation=generation)

    def _of_none(
        self, told: _Told, requests: tuple[ChangeRequest, ...], state: BranchState | None
    ) -> Decision:
        """Decide where none is open."""
        wanted, proposal = told.wanted, told.wanted.proposal
        if proposal is None:
            if wanted.group.taken:
                return told.say(DecisionKind.REPORT, wanted.reason)
            waits = [one.candidate.waiting for one in wanted.group.held]
            until = min((one.until for one in waits if one and one.until), default=None)
            return told.say(DecisionKind.WAIT, wanted.reason, until=until)
        if state is not None and (state.foreign or not state.is_ours):
            reason = "the branch holds commits that are not ours, and no proposal is open for it"
            return told.say(DecisionKind.LEAVE, reason)
        if is_declined(proposal, requests, self.setting.login):
            last = finished_for(proposal, requests)[0]
            word = "merged and undone" if last.state is ChangeState.MERGED else "closed"
            reason = f"{last.url} was {word}; a newer one may be proposed"
            return told.about(last).say(DecisionKind.DECLINED, reason)
        generation = generation_of(proposal, requests)
        return self._written(told, DecisionKind.OPEN, "it is to be proposed", generation)

    def _written(self, told: _Told, kind: DecisionKind, reason: str, generation: int) -> Decision:
        """Write a branch if limits and windows permit, or a deadline urges."""
        proposal = told.wanted.proposal
        if proposal is None or proposal.due is None:
            hold = self._hold(kind)
            if hold is not None:
                return told.say(DecisionKind.WAIT, hold.reason, until=hold.until)
        self._count(kind)
        return told.say(kind, reason, generation=generation)

    def _hold(self, kind: DecisionKind) -> Waiting | None:
        """Say what holds a branch back that nothing urges."""
        rules, usage, now = self.rules, self.usage, self.setting.now
        if not rules.is_scheduled(now):
            reason = "outside the windows of proposals.schedule"
            return Waiting(reason, rules.next_window(now))
        if usage.written >= rules.max_per_run:
            return Waiting(f"this run wrote {usage.written}: proposals.max_per_run", None)
        if kind is not DecisionKind.OPEN:
            return None
        if usage.open_here >= rules.max_open:
            return Waiting(f"{usage.open_here} are open: proposals.max_open", None)
        if usage.open_fleet >= rules.max_open_fleet:
            return Waiting(f"{usage.open_fleet} are open: proposals.max_open_fleet", None)
        lately = sorted(one for one in usage.opened if one > now - HOUR)
        if len(lately) >= rules.max_per_hour:
            until = lately[-rules.max_per_hour] + HOUR if rules.max_per_hour else None
            reason = f"{len(lately)} were opened within an hour: proposals.max_per_hour"
            return Waiting(reason, until)
        return None

    def _count(self, kind: DecisionKind) -> None:
        usage = replace(self.usage, written=self.usage.written + 1)
        if kind is DecisionKind.OPEN:
            usage = replace(
                usage,
                open_here=usage.open_here + 1,
                open_fleet=usage.open_fleet + 1,
                opened=(*usage.opened, self.setting.now),
            )
        self.usage = usage


@dataclass(frozen=True, slots=True)
class _Told:
    """What all decisions about one proposal say alike."""

    branch: str
    wanted: Wanted
    head: str | None = None
    number: int | None = None

    def about(self, request: ChangeRequest) -> _Told:
        """Name a change request too."""
        return replace(self, number=request.number)

    def say(
        self,
        kind: DecisionKind,
        reason: str,
        *,
        until: datetime | None = None,
        generation: int = 1,
        comment: str | None = None,
    ) -> Decision:
        """Make a decision."""
        proposal = self.wanted.proposal
        return Decision(
            kind=kind,
            branch=self.branch,
            reason=reason,
            proposal=proposal,
            number=self.number,
            head=self.head,
            generation=generation,
            until=until,
            due=None if proposal is None else proposal.due,
            comment=comment,
            key=None if proposal is None else proposal.key(generation),
        )
