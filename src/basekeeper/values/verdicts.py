"""What all checks of a commit say together; pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from basekeeper.values.forge import CheckState, Verdict

if TYPE_CHECKING:
    from datetime import datetime

    from basekeeper.values.forge import Checks

GRACE: Final = timedelta(minutes=15)
"""How long checks may take to appear at all: runners are waited for, workflows start workflows."""


def judge(checks: Checks, *, since: datetime, now: datetime, grace: timedelta = GRACE) -> Verdict:
    """Judge every check, required or not.

    One bad check is bad, whatever still runs. A check that runs is waited for without end here;
    how long is the caller's to say. Checks that are missing are waited for as long as the grace
    period lasts; after it the answer is `NONE`, never `GOOD`.

    Args:
        checks: All but our own.
        since: When the commit was pushed, UTC.
        now: The instant of the run.
        grace: How long checks may take to appear.
    """
    if any(checks.of(CheckState.BAD)):
        return Verdict.BAD
    if any(checks.of(CheckState.PENDING)):
        return Verdict.WAITING
    if checks.missing or not checks.checks:
        return Verdict.WAITING if now - since < grace else Verdict.NONE
    return Verdict.GOOD
