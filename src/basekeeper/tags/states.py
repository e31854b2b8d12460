"""From versions to axis states: where each version of an image stands in its calendar."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from basekeeper.records import dataclass
from basekeeper.values.finding import Answer, AxisState, Truth

if TYPE_CHECKING:
    from datetime import datetime

    from basekeeper.lifecycle.calendar import Product, Release
    from basekeeper.lifecycle.taglist import Replacement


@dataclass(frozen=True, slots=True)
class Claim:
    """A line of a product that something says an image is of."""

    product: Product
    line: Release | None
    """None where the calendar has no such line."""
    version: str
    """The version as the tag, the fact or the list gives it."""
    because: str = ""
    """Why the line is that one, where it is not what the tag says itself."""
    named: bool = True
    """Whether the author of the reference picks that line, by the name or the tag."""


def state_of(claim: Claim, axis: str, now: datetime) -> AxisState:
    """Judge a claim at an instant; a line without data is unknown, never fine."""
    product, line = claim.product, claim.line
    current = product.current_line(now)
    if line is None:
        supported = newest = _without_line(claim, now)
    else:
        supported, newest = line.supported(now), product.is_current(line, now)
    return AxisState(
        axis=axis,
        product=product.name,
        title=product.title,
        cycle=claim.version if line is None else line.cycle,
        supported=_with_reason(supported, claim.because),
        current=_with_reason(newest, claim.because),
        end_of_life=None if line is None else line.supported_until,
        newest=None if current is None else current.cycle,
        newest_since=product.current_since(now),
        named=claim.named,
    )


def _without_line(claim: Claim, now: datetime) -> Answer:
    """What can be said of a version that the calendar does not know."""
    product = claim.product
    newer = product.outlived_by(claim.version, now)
    if newer is None:
        reason = f"no data on {claim.version} of {product.title}"
        return Answer(Truth.UNKNOWN, reason, product.source, product.as_of)
    reason = f"older than {newer.cycle} of {product.title}, which is not supported any more"
    return Answer(Truth.NO, reason, product.source, product.as_of)


def ended_state(name: str, tag: str, ended: Replacement, now: datetime) -> AxisState | None:
    """The state of a repository that its publisher ended; None where it had not ended at `now`."""
    if ended.ended is None or ended.ended >= now.date():
        return None
    reason = f"{name} gets no updates since {ended.ended}: {ended.reason}"
    no = Answer(Truth.NO, reason, ended.source, ended.ended)
    return AxisState(
        axis="generation",
        product=name,
        title=name,
        cycle=tag,
        supported=no,
        current=no,
        end_of_life=ended.ended,
    )


def _with_reason(answer: Answer, because: str) -> Answer:
    """An answer that also says why the line is the one it is."""
    return replace(answer, reason=f"{answer.reason} ({because})") if because else answer
