"""From texts with marks to a ledger that has its clocks back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from basekeeper.markers import Recovery, contradictions, read_marks, recovered

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from basekeeper.markers import Mark
    from basekeeper.ports import Ledger
    from basekeeper.values.event import Head


def recover(
    texts: Iterable[tuple[str, str]], ledger: Ledger, now: datetime, *, dry_run: bool = False
) -> Recovery:
    """Add to a ledger what started clocks, as marks tell it.

    Args:
        texts: Name and content of each.
        ledger: Open to record.
        now: The instant of the run.
        dry_run: Whether nothing is recorded.

    Raises:
        LedgerError: It cannot be reached.
    """
    marks: list[Mark] = []
    problems: list[str] = []
    for name, text in texts:
        found = read_marks(text)
        marks += found.marks
        problems += [f"{name}: {problem}" for problem in found.problems]
    facts = recovered(marks, now)
    heads = ledger.heads()
    known = list(ledger.events(chains={fact.chain for fact in facts})) if facts else []
    ids = {event.id for event in known}
    added = tuple(fact for fact in facts if fact.id not in ids)
    contradicted = contradictions(facts, known, now)
    if not dry_run:
        ledger.append((*added, *contradicted))
    return Recovery(
        marks=len(marks),
        facts=len(facts),
        added=added,
        left_out=max((mark.left_out for mark in marks), default=0),
        contradictions=contradicted,
        lost=_lost(marks, heads),
        problems=tuple(problems),
        is_dry=dry_run,
    )


def _lost(marks: Iterable[Mark], heads: Sequence[Head]) -> tuple[Head, ...]:
    """Return the furthest head of each chain that the ledger does not reach."""
    reached = {head.chain: head.position for head in heads}
    furthest: dict[str, Head] = {}
    for mark in marks:
        head = mark.head
        if head is not None and head.position > reached.get(head.chain, 0):
            known = furthest.get(head.chain)
            furthest[head.chain] = max(known or head, head, key=lambda one: one.position)
    return tuple(furthest[chain] for chain in sorted(furthest))
