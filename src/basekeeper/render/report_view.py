"""What every format of a report shares: words for outcomes, numbers and names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.deadlines.model import State
from basekeeper.render.deadlines_view import STATE_WORDS, span_words

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta

    from basekeeper.values.evidence import (
        Evidence,
        FindingEvidence,
        ImageState,
        Share,
        UrgencyMeasure,
    )
    from basekeeper.values.finding import Answer

STATEMENT: Final = (
    "This is evidence: what was recorded, worked out by the policy named below. It does not say "
    "that any law, standard or contract is met; a person judges that."
)

TOO_FEW: Final = "not enough data"

UNNAMED: Final = "(no product)"
"""In the place of the name of what is not even known by its place."""


def share_words(share: Share) -> str:
    """Write a share with the numbers that it is made of; of a small whole these alone."""
    if not share.whole:
        return "none"
    told = f"{share.part:,} of {share.whole:,}"
    return told if share.ratio is None else f"{percent(share.ratio)} ({told})"


def percent(ratio: float) -> str:
    """Write a ratio in whole percent; what is not all is never 100 %."""
    rounded = int(ratio * 100) if ratio > 0.99 else round(ratio * 100)  # noqa: PLR2004
    return f"{rounded} %"


def span_or_not(span: timedelta | None, count: int) -> str:
    """Write a duration; where there is none, why."""
    if span is not None:
        return span_words(span)
    return TOO_FEW if count else "none"


def window_words(one: UrgencyMeasure) -> str:
    """Write what the policy gives."""
    return "next release" if one.window is None else span_words(one.window)


def day(at: datetime | None) -> str:
    """Write an instant to the minute; nothing where there is none."""
    return "" if at is None else f"{at:%Y-%m-%d %H:%M}"


def period_words(found: Evidence) -> str:
    """Write the period."""
    begin, end = found.period.begin, found.period.end
    return f"{begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC"


def scope_words(found: Evidence) -> str:
    """Say what the report is about."""
    if found.release is not None:
        one = found.release
        named = f" ({one.tag})" if one.tag else ""
        return f"Release of {one.product}{named}"
    names = [one.name for one in found.repositories]
    if len(names) == 1:
        return names[0]
    return f"{len(names):,} repositories" if names else "nothing"


def state_words(one: FindingEvidence) -> str:
    """Say where an episode stands."""
    state = one.deadline.state
    if state is State.BREACHED and one.deadline.overdue_by is not None:
        return f"overdue by {span_words(one.deadline.overdue_by)}"
    words = STATE_WORDS[state]
    if state in (State.CLOSED_IN_TIME, State.CLOSED_LATE):
        return words
    is_late = one.deadline.breached_at is not None
    return f"{words}, was overdue" if is_late and state is not State.BREACHED else words


def counts_words(state: ImageState) -> str:
    """Count what an image has, by severity."""
    told = [
        f"{one.fixable + one.others:,} {one.severity}"
        + (f" ({one.fixable:,} with a fix)" if one.fixable else " (no fix)")
        for one in state.counts
    ]
    if told:
        return ", ".join(told)
    return "nothing found" if state.scans else ""


def answer_words(answer: Answer) -> str:
    """Write an answer with its source and the day of its data."""
    rests_on = ", ".join(
        part
        for part in (answer.source or "", f"data of {answer.as_of}" if answer.as_of else "")
        if part
    )
    return f"{answer.reason} ({rests_on})" if rests_on else answer.reason


def not_known(found: Evidence) -> list[str]:
    """Say in sentences what is not known; empty: nothing that we know of."""
    told = []
    for one in found.doubts:
        what = f"{one.repository}, {one.product}" if one.product else one.repository
        image = f", {one.image}" if one.image else ""
        told.append(f"{what}{image}: {one.reason}")
    told += [f"an event cannot be read: {text}" for text in found.unread]
    return told


def findings(found: Evidence) -> Iterable[FindingEvidence]:
    """Yield every episode of a report, by repository and product."""
    for part in found.repositories:
        for product in part.products:
            yield from product.findings
