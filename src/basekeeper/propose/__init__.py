"""Proposing: from what could be changed and what is known to what is to be done now. Pure.

`weigh_groups` puts changes together, the edit step makes files of each group, `draft` writes the
texts, `decide` holds them against what the forge says of earlier proposals, limits and windows.
"""

from __future__ import annotations

from basekeeper.propose.deciding import decide
from basekeeper.propose.drafting import draft
from basekeeper.propose.grouping import proposed_targets, weigh_groups
from basekeeper.propose.unpinned import drifts, pin_of, rebuild
from basekeeper.propose.weighing import weigh

__all__ = [
    "decide",
    "draft",
    "drifts",
    "pin_of",
    "proposed_targets",
    "rebuild",
    "weigh",
    "weigh_groups",
]
