"""Findings made up for tests, of which only what matters is said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from basekeeper.deadlines.identity import FindingKey
from basekeeper.deadlines.model import Clock, Deadline, MomentKind, Pause, Progress, State
from basekeeper.policy.windows import Urgency, WindowClause
from basekeeper.values.evidence import FindingEvidence, Period

if TYPE_CHECKING:
    from collections.abc import Sequence

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
BEGIN = datetime(2026, 7, 1, tzinfo=UTC)
END = BEGIN + 30 * DAY
PERIOD = Period(BEGIN, END)
NOW = END
LINE = "docker.io/library/debian:slim"


def at(days: float) -> datetime:
    """An instant, in days since the begin of the period."""
    return BEGIN + days * DAY


def clock(start: float | None, end: float | None) -> Clock:
    """A clock, in days since the begin of the period."""
    begin = None if start is None else at(start)
    until = None if end is None else at(end)
    elapsed = timedelta(0) if begin is None else (until or NOW) - begin
    return Clock(begin, until, elapsed, is_running=begin is not None and until is None)


def paused(start: float = 1) -> Pause:
    """A waiver without an end."""
    return Pause(
        kind=MomentKind.WAIVED, name="w", start=at(start), end=None, reason="because", owner="me"
    )


def finding(  # noqa: PLR0913  # each test says one or two of them
    opened: float = 0,
    *,
    name: str = "CVE-2026-1",
    line: str = LINE,
    package: str = "openssl",
    product: str | None = "api",
    urgency: Urgency = Urgency.CRITICAL,
    start: float | None = 0,
    end: float | None = None,
    breached: float | None = None,
    mapped: bool = True,
    state: State = State.OPEN,
    pause: Pause | None = None,
    upstream: Sequence[float | None] = (None, None),
    episode: int = 1,
    **more: Any,
) -> FindingEvidence:
    """One episode; instants in days since the begin of the period."""
    deadline = Deadline(
        finding=FindingKey(line, name, f"pkg:deb/debian/{package}", "linux/amd64"),
        product=product,
        is_mapped=mapped,
        episode=episode,
        is_latest=True,
        severity=None if urgency is Urgency.EXPLOITED else urgency,
        severities=(("nvd", Urgency.HIGH),),
        urgency=urgency,
        exposure=clock(opened, end),
        total_exposure=clock(opened, end).elapsed,
        action=Clock(*_ends(clock(start, end), end)),
        upstream=clock(upstream[0], upstream[1]),
        due=None if start is None else at(start + 2),
        at_next_release=False,
        clause=WindowClause(f"policy.deadlines.{urgency.word}", "48 hours", "shipped default"),
        state=state,
        progress=Progress.NOTHING,
        steps=(),
        breached_at=None if breached is None else at(breached),
        overdue_by=None if breached is None or end is not None else NOW - at(breached),
        pause=pause,
        propose_bridge=False,
        notes=(),
    )
    told: dict[str, Any] = {
        "repository": "github.com/acme/shop",
        "name": package,
        "installed": "1.0-1",
        "fixed": ("1.0-2",),
        "proposed": None,
        "merged": None,
        "verified": None if end is None else at(end),
        "is_shipped": end is None,
        **more,
    }
    return FindingEvidence(deadline=deadline, opened=at(opened), **told)


def _ends(made: Clock, end: float | None) -> tuple[Any, ...]:
    """A clock that never started ends as well."""
    return (made.start, None if end is None else at(end), made.elapsed, made.is_running)
