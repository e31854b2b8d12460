"""Lists of tags that a publisher builds today, grouped by what is one image.

The official list is the authority on which tags are still built, which tags are other names of the
same image, and which variants of a version exist. A tag that is missing from it may still be
pulled, but nobody refreshes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from basekeeper.records import dataclass

if TYPE_CHECKING:
    from datetime import date


@dataclass(frozen=True, slots=True)
class TagList:
    """The tags of one repository on the day of the data."""

    name: str
    """`registry/path` of the repository."""
    source: str
    as_of: date
    lines: tuple[str, ...]
    """One image a line: its tags, separated by blanks, in the publisher's order."""

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """The tags of each image."""
        return tuple(tuple(line.split(" ")) for line in self.lines)

    def aliases(self, tag: str) -> tuple[str, ...]:
        """All tags of the image that a tag names; empty where the tag is not listed."""
        return next((group for group in self.groups if tag in group), ())

    def __contains__(self, tag: str) -> bool:
        """Tell whether a tag is built today."""
        return bool(self.aliases(tag))


@dataclass(frozen=True, slots=True)
class Replacement:
    """What the publisher of a repository that ended, or moved, advises instead."""

    image: str
    """`registry/path`, or `registry/path/*` for all below."""
    replacement: str | None
    """The successor in words a person can act on; None: nothing is named. Where a namespace moved
    (`…/*`), the name of this repository in the new one."""
    ended: date | None
    """Last day of updates; None: it goes on, or the day is not known."""
    reason: str
    source: str
    unless_listed: bool = False
    """True where tags on today's official list are still updated."""
