"""A dated, owned, reasoned and expiring acceptance of findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from basekeeper.records import dataclass

if TYPE_CHECKING:
    from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """An accepted deviation. Owner, reason, scope and expiry are never empty."""

    rules: tuple[str, ...]
    """Rule ids that it covers; never a wildcard."""
    owner: str
    reason: str
    until: date
    """The last day, UTC, on which it holds."""
    paths: tuple[str, ...] = ()
    """Glob patterns of files that it covers; empty: every file."""
    images: tuple[str, ...] = ()
    """Image patterns (as in the policy) that it covers; empty: every image."""
    source: str = ""
    """File that holds the waiver."""
    line: int = 1
    """Line of the waiver in that file."""
    target_line: int | None = None
    """For an inline waiver: the first line of the instruction below it, which alone it covers."""

    target: str = ""
    """For an inline waiver: the instruction that it stands above, without versions."""

    @property
    def inline(self) -> bool:
        """True where it stands as a comment above an instruction."""
        return self.target_line is not None
