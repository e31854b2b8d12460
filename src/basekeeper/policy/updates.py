"""What the configuration says of updates: `[updates]` and `[[updates.image]]`.

The first entry that matches an image decides; what it does not say comes from `[updates]`, then
from the files that are extended, then from what is shipped. A repository's own file below an
operator's can only tighten.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from basekeeper.tags.updates import UpdateRules

if TYPE_CHECKING:
    from basekeeper.values.reference import Reference


@dataclass(frozen=True, slots=True)
class UpdatePolicy:
    """The rules of updates for every image."""

    def rules_for(self, reference: Reference) -> UpdateRules:
        """Return the rules that hold for an image."""
        raise NotImplementedError

    def at_any_age(self) -> UpdatePolicy:
        """Return the same rules without waiting: what a user asks for by hand."""
        raise NotImplementedError


SHIPPED_UPDATES = UpdatePolicy()
"""What holds where no configuration says anything."""
