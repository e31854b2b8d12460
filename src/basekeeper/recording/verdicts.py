"""What was missed: a due time that passed is recorded, so that it stays missed whatever follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from basekeeper.recording import words
from basekeeper.recording.batch import SOURCE
from basekeeper.values.event import Event, EventKind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from basekeeper.deadlines.model import Deadline
    from basekeeper.recording.stored import StoredFacts
    from basekeeper.values.stored import RepositoryDeadlines


def verdicts(
    found: RepositoryDeadlines, now: datetime, *, known: StoredFacts, policy: str = ""
) -> tuple[Event, ...]:
    """Return an event for each episode that was overdue and of which that is not recorded.

    Args:
        found: The deadlines of a repository, reckoned for `now`.
        now: The instant of the run.
        known: What is recorded.
        policy: Digest of the policy in force.
    """
    return tuple(_verdicts(found, now, known, policy))


def _verdicts(
    found: RepositoryDeadlines, now: datetime, known: StoredFacts, policy: str
) -> Iterator[Event]:
    for deadline in found.deadlines:
        due = deadline.due
        if due is None or deadline.breached_at is None or deadline.breached_at > now:
            continue
        scope = words.of_product(deadline.finding, deadline.product)
        subject = words.subject(found.repository, scope)
        key = f"episode {deadline.episode}"
        if not known.has(EventKind.BREACHED, subject, key):
            yield Event(
                kind=EventKind.BREACHED,
                subject=subject,
                key=key,
                at=due,
                source=SOURCE,
                evidence=_evidence(deadline, due),
                policy=policy,
            )


def _evidence(deadline: Deadline, due: datetime) -> dict[str, str]:
    return words.evidence(
        clause=str(deadline.clause),
        due=words.written(due),
        breached=words.written(deadline.breached_at),
        severity=None if deadline.severity is None else deadline.severity.word,
    )
