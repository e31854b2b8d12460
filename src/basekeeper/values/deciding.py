"""What is to be done about proposals now, and what that is decided by. Pure values."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from basekeeper.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from basekeeper.values.forge import BranchState, ChangeRequest
    from basekeeper.values.image import Unknown
    from basekeeper.values.proposal import Proposal


class DecisionKind(StrEnum):
    """What is to be done about one proposal now."""

    OPEN = "open"
    UPDATE = "update"
    """Another target, or other files: the branch is written anew, then the text."""
    REBASE = "rebase"
    """The same on the present base."""
    REWRITE = "rewrite"
    """The text alone; the branch stays, so that nothing is built again."""
    LEAVE = "leave"
    CLOSE = "close"
    """Nothing is to be changed any more, or another proposal has it: its change request, if there
    is one, is closed, then its branch deleted."""
    WAIT = "wait"
    DECLINED = "declined"
    REBUILD = "rebuild"
    """The files name the new content already: the build is to run again."""
    REPORT = "report"
    """Nothing is done; a person is told."""

    @property
    def writes_branch(self) -> bool:
        """Tell whether the branch gets a commit."""
        return self in (DecisionKind.OPEN, DecisionKind.UPDATE, DecisionKind.REBASE)

    @property
    def writes_text(self) -> bool:
        """Tell whether title, body and labels are to be as the proposal has them."""
        return self.writes_branch or self is DecisionKind.REWRITE


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """What the forge says of earlier proposals on one branch."""

    requests: tuple[ChangeRequest, ...] | Unknown = ()
    """In every state, the newest first."""
    branch: BranchState | Unknown | None = None
    """Compared with its base; None: there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """How much was proposed already."""

    open_here: int = 0
    """Open proposals of the repository."""
    open_fleet: int = 0
    """Open proposals of all repositories."""
    opened: tuple[datetime, ...] = ()
    """When proposals were opened lately in the repository."""
    written: int = 0
    """Branches that this run has written, of all repositories."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What holds in one repository while decisions are made."""

    now: datetime
    base: str
    """Branch to merge into."""
    login: str
    """Who we are at the forge; what we closed ourselves was not declined."""
    earlier: Mapping[str, Earlier] = field(default_factory=lambda: MappingProxyType({}))
    """Branch → what the forge says of it; of a branch that is missing here nothing is known. Also
    branches that are ours by their name and that nothing asks for: they are cleaned up."""
    open_requests: tuple[ChangeRequest, ...] | Unknown = ()
    """All open ones of ours in the repository, whatever their branch."""
    usage: Usage = Usage()
    has_queue: bool = False
    """Whether the forge may merge by a queue."""
    needs_current: bool = False
    """Whether the base takes only branches that are up to date with it."""
    unresolved: frozenset[str] = frozenset()
    """Images (name and tag) of which it could not be told what they can be moved to."""
    dispatched: frozenset[str] = frozenset()
    """Keys of rebuilds that were started already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is to be done about one proposal now, and why."""

    kind: DecisionKind
    branch: str
    reason: str
    proposal: Proposal | None = None
    """None where there is nothing to propose."""
    number: int | None = None
    """Of the change request that it is about; None: there is none."""
    head: str | None = None
    """What the branch was when this was decided; None: there was none."""
    generation: int = 1
    until: datetime | None = None
    """When it is to be looked at again; None: with the next run."""
    due: datetime | None = None
    """When the first deadline is due that it would end for sure."""
    comment: str | None = None
    """What is to be said once under the change request."""
    workflow: str | None = None
    """What is to be dispatched, once for the same `key`."""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """What is to be done in one repository, in this order."""

    decisions: tuple[Decision, ...]
    usage: Usage
    """What it comes to once all that is done."""
