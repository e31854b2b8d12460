"""What to move to, in words: one sentence for all rules about lines that end or lag."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from basekeeper.values.finding import AxisState, Judgement


def move(axes: Iterable[AxisState], judgement: Judgement, *, otherwise: str) -> str:
    """Name what replaces the image, the image to move to, or else the line for each axis.

    Args:
        axes: The axes that must move.
        judgement: What is known of the image.
        otherwise: The sentence where nothing has a name.
    """
    if judgement.suggestion:
        return f"use {judgement.suggestion} instead"
    if judgement.next_reference:
        return f"move to {judgement.next_reference}"
    moves = [f"{axis.title} {axis.newest}" for axis in axes if axis.newest]
    return f"move to {' on '.join(moves)}" if moves else otherwise
