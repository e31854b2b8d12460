"""Suffixes that upstream stopped building: newer versions exist, but not for this system release.

`3.12.4-bullseye` is frozen where 3.12.11 is built for bookworm and no later than 3.12.4 for
bullseye. Only the line in use counts, and only versions of one precision are compared.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from basekeeper.records import dataclass
from basekeeper.tags.slots import Axis

if TYPE_CHECKING:
    from basekeeper.lifecycle.calendar import Release
    from basekeeper.tags.slots import Frame, Key, Slot

_LINE_NUMBERS = 2
"""How many numbers make a line where no calendar tells: 3.12 of 3.12.4."""


@dataclass(slots=True)
class FrozenWatch:
    """Collects the newest version for each system release while a list is read."""

    own: Frame
    line: Release | None
    """The line in use, where a calendar knows it."""
    newest: dict[tuple[int, Key], tuple[Key, str]] = field(default_factory=dict)
    """Precision and system release → newest version's key, and its tag."""
    places: tuple[int, int] | None = field(init=False)
    """Where application and system stand in the tag in use; None: it does not name both."""

    def __post_init__(self) -> None:
        """Find the places once."""
        axes = [slot.axis for slot in self.own.slots]
        both = Axis.APPLICATION in axes and Axis.OS in axes
        self.places = (axes.index(Axis.APPLICATION), axes.index(Axis.OS)) if both else None

    def see(self, frame: Frame, tag: str) -> None:
        """Take note of a tag that differs in application and system alone."""
        at = self.places
        if at is None or frame.fixed != self.own.fixed or len(frame.slots) != len(self.own.slots):
            return
        application, system = at
        for place, (new, old) in enumerate(zip(frame.slots, self.own.slots, strict=True)):
            if place not in at and new.axis is not Axis.BUILD and new.text != old.text:
                return
            if new.axis is not old.axis or (place == system and new.form != old.form):
                return
        version, release = frame.slots[application], frame.slots[system]
        if version.is_prerelease or not self._is_of_line(version):
            return
        key = (len(version.numbers), release.key)
        if key not in self.newest or self.newest[key] < (version.key, tag):
            self.newest[key] = (version.key, tag)

    def reason(self) -> str | None:
        """Why the suffix is frozen; None where nothing shows that it is."""
        at = self.places
        if at is None:
            return None
        system = self.own.slots[at[1]]
        mine = [count for count, release in self.newest if release == system.key]
        if not mine:
            return None
        precision = max(mine)
        own = self.newest[precision, system.key]
        ahead = [
            entry
            for (count, release), entry in self.newest.items()
            if count == precision and release > system.key and entry[0][0] > own[0][0]
        ]
        if not ahead:
            return None
        return f"nothing newer than {own[1]} is built for {system.text}; {max(ahead)[1]} exists"

    def _is_of_line(self, version: Slot) -> bool:
        """Tell whether a version is of the line in use."""
        own = self.own.slots[(self.places or (0, 0))[0]].numbers
        cycle = "" if self.line is None else self.line.cycle
        count = cycle.count(".") + 1 if cycle else _LINE_NUMBERS
        return version.numbers[: min(count, len(own))] == own[: min(count, len(own))]
