"""Branches and change requests of one repository in memory, by the rules of `ports.Forge`.

It can be killed between any two things that it does, and then keeps what was done.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from basekeeper.forge.marking import Mark, mark_of, marked
from basekeeper.records import dataclass
from basekeeper.values.deciding import DecisionKind, Earlier
from basekeeper.values.forge import BranchState, ChangeRequest, ChangeState

if TYPE_CHECKING:
    from datetime import datetime

    from basekeeper.values.deciding import Decision
    from basekeeper.values.forge import ChangeProposal, CommitRequest

US = "basekeeper[bot]"
MAX_BODY = 60_000
"""What the forge takes."""


class Killed(Exception):  # noqa: N818  # it is no error
    """The run ended here."""


@dataclass(slots=True)
class Branch:
    """One branch of one commit on some state of its base."""

    commit: CommitRequest
    head: str
    on: int
    foreign: tuple[str, ...] = ()


class MemoryForge:
    """A repository whose base is a number that grows."""

    def __init__(self) -> None:
        self.base = 0
        self.branches: dict[str, Branch] = {}
        self.requests: list[ChangeRequest] = []
        self.left: int | None = None
        self.writes = 0
        self.opened: list[datetime] = []

    def earlier(self, branch: str) -> Earlier:
        """What is known of a branch."""
        found = [one for one in reversed(self.requests) if one.branch == branch]
        known = self.branches.get(branch)
        state = None
        if known is not None:
            state = BranchState(
                name=branch, head=known.head, base=str(known.on), is_ours=not known.foreign,
                foreign=known.foreign, ahead=1, behind=self.base - known.on,
            )  # fmt: skip
        return Earlier(requests=tuple(found), branch=state)

    @property
    def open_requests(self) -> tuple[ChangeRequest, ...]:
        """All open ones."""
        return tuple(one for one in self.requests if one.state is ChangeState.OPEN)

    def apply(self, decision: Decision, now: datetime) -> None:
        """Carry out a decision, in the order that a pipeline keeps."""
        proposal = decision.proposal
        if decision.kind is DecisionKind.CLOSE:
            self._close(decision)
        if proposal is None:
            return
        if decision.kind.writes_branch:
            self._write(proposal.branch, proposal.commit(str(self.base)), decision.head)
        if decision.kind.writes_text:
            self._ensure(proposal.request(decision.generation), now)

    def edit(self, number: int, **changes: object) -> None:
        """Have a person change something."""
        self.requests = [
            replace(one, **changes) if one.number == number else one  # type: ignore[arg-type]
            for one in self.requests
        ]

    def push(self, branch: str) -> None:
        """Have a person push a commit."""
        self.branches[branch].foreign = ("f" * 40,)
        self.branches[branch].head = "f" * 40

    def _step(self) -> None:
        if self.left is not None:
            if not self.left:
                raise Killed
            self.left -= 1
        self.writes += 1

    def _write(self, name: str, commit: CommitRequest, expected: str | None) -> None:
        known = self.branches.get(name)
        assert (None if known is None else known.head) == expected, "it moved meanwhile"
        assert known is None or not known.foreign, "a foreign commit would be lost"
        if known is not None and (known.commit.files, known.on) == (commit.files, self.base):
            return
        self._step()
        self.branches[name] = Branch(commit, f"{self.writes:040x}", self.base)

    def _ensure(self, proposal: ChangeProposal, now: datetime) -> None:
        mark = Mark(proposal.key, proposal.digest)
        body = marked(proposal.body, "proposal", mark, MAX_BODY)
        assert proposal.body in body, "it was cut"
        for one in self.open_requests:
            if one.branch == proposal.branch:
                labels = tuple(dict.fromkeys((*one.labels, *proposal.labels)))
                if mark_of(one.body, "proposal") != mark or labels != one.labels:
                    self._step()
                    self.edit(one.number, title=proposal.title, body=body, labels=labels,
                              key=proposal.key)  # fmt: skip
                return
        assert all(one.key != proposal.key for one in self.requests), "it was declined"
        self._step()
        self.opened.append(now)
        number = len(self.requests) + 1
        self.requests.append(
            ChangeRequest(
                number=number, url=f"https://git.example/pull/{number}", state=ChangeState.OPEN,
                branch=proposal.branch, head=self.branches[proposal.branch].head,
                base=proposal.base, author=US, is_ours=True, title=proposal.title, body=body,
                key=proposal.key, labels=proposal.labels, mergeable=True, in_queue=False,
                auto_merge=False,
            )
        )  # fmt: skip

    def _close(self, decision: Decision) -> None:
        if decision.number is not None:
            self._step()
            self.edit(decision.number, state=ChangeState.CLOSED, closed_by=US)
        known = self.branches.get(decision.branch)
        if known is not None:
            assert known.head == decision.head, "it moved meanwhile"
            self._step()
            del self.branches[decision.branch]
