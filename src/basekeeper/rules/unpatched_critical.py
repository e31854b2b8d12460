"""`unpatched-critical`: a CRITICAL or exploited vulnerability whose fix was not taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.policy.windows import Urgency
from basekeeper.rules.unpatched import unpatched

if TYPE_CHECKING:
    from basekeeper.rules.rule import UseRule

RULE: Final[UseRule] = unpatched(Urgency.CRITICAL)
