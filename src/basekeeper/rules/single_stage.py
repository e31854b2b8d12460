"""`single-stage`: a production image of a single stage that holds build tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.rules.builds import chains, place_of_step
from basekeeper.rules.chain import named, told
from basekeeper.rules.rule import Defect, FileRule, brief, place_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.policy.model import RuleSetting
    from basekeeper.rules.builds import Chain
    from basekeeper.rules.rule import FileView


def _inspect(view: FileView, _setting: RuleSetting) -> Iterator[Defect]:
    """Yield one defect for each build whose single stage holds tools."""
    for chain in chains(view):
        if not chain.is_multi_stage:
            yield from _defects(chain)


def _defects(chain: Chain) -> Iterator[Defect]:
    """Look at the base first: on a base for building, what is installed is no surprise."""
    base = chain.base
    why = "its other stages give nothing to the last one" if chain.has_other_stages else ""
    if base is not None and base.is_sdk:
        yield Defect(
            place=place_of(base.use),
            message=f"the product is shipped on {brief(base.use)}, an image made for building"
            + (f"; {why}" if why else ""),
            remedy="build in a first stage and copy the result into a final stage on a smaller "
            "base",
            confidence="medium",
            evidence=told(chain.leaks),
        )
    elif chain.leaks:
        first = chain.leaks[0]
        tools = [tool for leak in chain.leaks for tool in leak.tools]
        yield Defect(
            place=place_of_step(chain, first.step),
            message=f"the only stage keeps build tools: {named(dict.fromkeys(tools))}"
            + (f"; {why}" if why else ""),
            remedy="build in a first stage and copy the result into a final one, or remove the "
            "tools in the same RUN",
            confidence=chain.confidence,
            evidence=told(chain.leaks),
        )


RULE: Final = FileRule(
    id="single-stage",
    summary="a production image of a single stage holds build tools",
    inspect=_inspect,
)
