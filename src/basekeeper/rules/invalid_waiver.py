"""`invalid-waiver`: a comment that looks like a waiver and is none."""

from __future__ import annotations

from typing import Final

from basekeeper.rules.rule import Defect, Place, Rule


def defect(path: str, line: int, *, message: str, hint: str) -> Defect:
    """Describe a comment that waives nothing, although it was meant to."""
    return Defect(
        place=Place(path=path, line=line, end_line=line),
        message=f"this waiver does not count: {message}",
        remedy=hint,
    )


RULE: Final = Rule(id="invalid-waiver", summary="a comment looks like a waiver and is none")
