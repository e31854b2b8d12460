"""`build-tools`: the final chain of a multi-stage build installs build tools and keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.rules.builds import chains, place_of_step
from basekeeper.rules.rule import Defect, FileRule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.policy.model import RuleSetting
    from basekeeper.rules.rule import FileView


def _inspect(view: FileView, _setting: RuleSetting) -> Iterator[Defect]:
    """Yield a defect for each RUN of a final chain that leaves tools behind."""
    for chain in chains(view):
        if not chain.is_multi_stage:
            continue
        for leak in chain.leaks:
            yield Defect(
                place=place_of_step(chain, leak.step),
                message=f"the final image keeps build tools: {leak.named}",
                remedy="install them in a build stage, or remove them in the same RUN: a later "
                "one leaves them in the layers",
                confidence=leak.confidence,
            )


RULE: Final = FileRule(
    id="build-tools",
    summary="the final chain of a multi-stage build keeps build tools",
    inspect=_inspect,
)
