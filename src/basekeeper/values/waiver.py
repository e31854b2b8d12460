"""A dated, owned, reasoned and expiring acceptance of findings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.records import dataclass
from basekeeper.values.event import netstring_hash

if TYPE_CHECKING:
    from datetime import date

NAME_DIGITS: Final = 12
"""Hexadecimal digits by which a waiver without an id is called, and its content told apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """An accepted deviation: of rules or of vulnerabilities, never of both.

    Owner, reason, scope and expiry are never empty; of vulnerabilities neither is `control`.
    """

    rules: tuple[str, ...] = ()
    """Rule ids that it covers; never a wildcard."""
    vulnerabilities: tuple[str, ...] = ()
    """Names of vulnerabilities that it covers, in capitals; never a wildcard."""
    owner: str
    reason: str
    until: date
    """The last day, UTC, on which it holds."""
    paths: tuple[str, ...] = ()
    """Glob patterns of files that it covers; empty: every file. Of rules only."""
    images: tuple[str, ...] = ()
    """Image patterns (as in the policy) that it covers; empty: every image."""
    packages: tuple[str, ...] = ()
    """Packages that it covers, as package URLs without version or as plain names; empty: all.
    This and the next three are of vulnerabilities only."""
    products: tuple[str, ...] = ()
    """Products, or places of what no `[[product]]` maps; empty: all."""
    platforms: tuple[str, ...] = ()
    """Empty: all."""
    severity: str = ""
    """It covers nothing severer; empty: whatever it is."""
    control: str = ""
    """What protects meanwhile."""
    granted: date | None = None
    """The day of the decision, UTC; None: not said."""
    approved_by: str = ""
    """Who approved it, where the file says so."""
    id: str = ""
    """What the file calls it; empty: nothing."""
    renews: str = ""
    """What the waiver is called whose place it took; empty: none."""
    ended: date | None = None
    """The day on which it was taken back, UTC; None: it was not."""
    ended_because: str = ""
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

    @property
    def covered(self) -> tuple[str, ...]:
        """What it accepts: its rules or its vulnerabilities."""
        return self.rules or self.vulnerabilities

    @property
    def digest(self) -> str:
        """A hash of all that was decided, in hexadecimal: another decision has another one.

        Where it stands, what it is called, the order within lists, and how it ended do not matter.
        """
        lists = (
            self.rules,
            self.vulnerabilities,
            self.paths,
            self.images,
            self.packages,
            self.products,
            self.platforms,
        )
        parts = [part for one in lists for part in (str(len(set(one))), *sorted(set(one)))]
        granted = "" if self.granted is None else self.granted.isoformat()
        parts += [self.severity, self.owner, self.reason, self.control, self.approved_by]
        parts += [granted, self.until.isoformat(), self.renews, self.target]
        return netstring_hash(parts).hex()

    @property
    def name(self) -> str:
        """What it is called: its id, else the beginning of a hash of its content."""
        return self.id or self.digest[:NAME_DIGITS]
