"""Runs of the step against a forge in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from basekeeper.propose import decide, proposed_targets
from basekeeper.values.deciding import Setting, Usage
from tests.fakes.memory_forge import US, MemoryForge
from tests.unit.propose.made import NOW, OPEN, wanted

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from basekeeper.config.proposals import ProposalRules
    from basekeeper.deadlines.model import Deadline
    from basekeeper.values.deciding import Decided
    from basekeeper.values.proposal import Candidate, Wanted


def asked(
    found: list[Wanted],
    forge: MemoryForge,
    rules: ProposalRules = OPEN,
    now: datetime = NOW,
    **more: Any,
) -> Decided:
    """Decide by what the forge has now."""
    branches = {one.group.identity.branch(rules.branch_prefix) for one in found}
    branches |= {one.branch for one in forge.open_requests} | set(forge.branches)
    values: dict[str, Any] = {
        "now": now,
        "base": "main",
        "login": US,
        "earlier": {branch: forge.earlier(branch) for branch in branches},
        "open_requests": forge.open_requests,
        "usage": Usage(
            open_here=len(forge.open_requests),
            open_fleet=len(forge.open_requests),
            opened=tuple(forge.opened),
        ),
    }
    return decide(found, rules, Setting(**values | more))


def cycle(
    forge: MemoryForge,
    *candidates: Candidate,
    deadlines: Iterable[Deadline] = (),
    rules: ProposalRules = OPEN,
    now: datetime = NOW,
    **more: Any,
) -> Decided:
    """Observe, decide and carry out once."""
    proposed = proposed_targets(forge.open_requests)
    found = wanted(*candidates, deadlines=deadlines, rules=rules, proposed=proposed)
    decided = asked(found, forge, rules, now, **more)
    for decision in decided.decisions:
        forge.apply(decision, now)
    return decided
