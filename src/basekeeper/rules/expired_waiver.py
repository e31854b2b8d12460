"""`expired-waiver`: a waiver is past its last day, so its findings count again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.rules.rule import Defect, Rule, place_of_waiver

if TYPE_CHECKING:
    from basekeeper.values.waiver import Waiver


def defect(waiver: Waiver) -> Defect:
    """Describe a waiver past its last day."""
    covered = ", ".join(waiver.covered)
    return Defect(
        place=place_of_waiver(waiver),
        message=f"the waiver of {covered} by {waiver.owner} ended on {waiver.until}",
        remedy="fix what it covered, or decide anew and give it a later day",
        evidence=(f"reason given: {waiver.reason}",),
    )


RULE: Final = Rule(id="expired-waiver", summary="a waiver is past its last day")
