"""`unused-waiver`: a waiver that covers no finding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.rules.rule import Defect, Rule, place_of_waiver

if TYPE_CHECKING:
    from basekeeper.values.waiver import Waiver


def defect(waiver: Waiver) -> Defect:
    """Describe a waiver that nothing needs any more."""
    return Defect(
        place=place_of_waiver(waiver),
        message=f"the waiver of {', '.join(waiver.rules)} by {waiver.owner} covers no finding",
        remedy="remove it, or correct its rules, paths or images",
        evidence=(f"reason given: {waiver.reason}",),
    )


RULE: Final = Rule(id="unused-waiver", summary="a waiver covers no finding")
