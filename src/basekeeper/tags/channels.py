"""Which release lines may be moved to, by the calendar at an instant.

LTS lines only, where the newest supported line is an LTS line (Node even after its October, Java,
.NET even, Ubuntu of April in even years, MySQL LTS); even minors only from even minors (nginx).
The line in use is always open. A dead line is open only to those on a dead line.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from basekeeper.lifecycle.catalogue import STALE_AFTER
from basekeeper.records import dataclass
from basekeeper.tags.slots import Axis
from basekeeper.values.finding import Truth

if TYPE_CHECKING:
    from datetime import datetime

    from basekeeper.lifecycle.calendar import Product, Release
    from basekeeper.tags.slots import Slot

_EVEN: Final = 2
_MINOR: Final = 2
"""How many numbers a version needs to have a minor one."""
_COUNTED: Final = 1_000
"""First numbers from here on are dates or counts of builds, not versions."""
_LEAP: Final = 10
"""How many times as large a first number must be to be of another scheme."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a version may be moved to."""

    allowed: bool
    reason: str = ""
    is_alive: bool = True
    """False where its line is known to be past its end."""
    is_known: bool = True
    """False where it is refused only because the calendar has no data on its line."""
    is_counted: bool = False
    """True where it is refused because it counts otherwise than the version in use."""


_OPEN: Final = Verdict(allowed=True)


class ChannelGate:
    """Judges versions on one axis, seen from the version in use; remembers each line."""

    def __init__(
        self,
        own: Slot,
        product: Product | None,
        now: datetime,
        *,
        channel: str,
        is_even: bool = False,
    ) -> None:
        """Look the version in use up.

        Args:
            own: The version in use.
            product: Its calendar, if there is one.
            now: The instant at which to judge.
            channel: `lts` or `stable`.
            is_even: Whether odd minor numbers mark development lines, by the repository's habit.
        """
        by_habit = is_even or (product is not None and product.even_minor_is_stable)
        self._stays_even = by_habit and _is_even(own)
        self._own = own
        self._product = product
        self._now = now
        self._known: dict[tuple[int, str], Verdict] = {}
        self._depth = _depth(product)
        self._own_line = self._line(own)
        self._lts_only = channel == "lts" and product is not None and self._has_lts(product)

    @property
    def own_line(self) -> Release | None:
        """The line in use, where the calendar knows it."""
        return self._own_line

    @property
    def ended(self) -> str | None:
        """Why the line in use has no support any more; None where it has, or that is unknown."""
        return self._dead(self._own_line)

    def verdict(self, slot: Slot) -> Verdict:
        """Judge one version; the same line is looked up once.

        Releases of a system are few, and named as they are written.
        """
        is_system = slot.axis is Axis.OS
        line = slot.text if is_system else _cut(slot.version, self._depth)
        key = (slot.numbers[0] if slot.numbers else 0, line)
        if key not in self._known:
            numbers = slot.numbers[: self._depth]
            one = slot if is_system else replace(slot, text=line, version=line, numbers=numbers)
            self._known[key] = self._judge(one)
        return self._known[key]

    def _judge(self, slot: Slot) -> Verdict:
        product, line = self._product, self._line(slot)
        if self._is_new_scheme(slot, line):
            reason = f"{slot.version} is counted otherwise than {self._own.version}"
            return Verdict(allowed=False, reason=reason, is_known=False, is_counted=True)
        odd = self._odd(slot, line)
        if odd is not None:
            return Verdict(allowed=False, reason=odd)
        if product is None or self._is_same_unknown(slot):
            return _OPEN
        dead = self._dead(line)
        if line is not None and self._own_line is not None and line.cycle == self._own_line.cycle:
            return Verdict(allowed=True, is_alive=dead is None)
        refusal = (
            self._not_out(line)
            or (dead if dead is not None and self.ended is None else None)
            or self._no_lts(slot, line)
            or self._untold(slot, line)
        )
        if refusal is not None:
            is_known = line is not None or self._is_fresh(product)
            return Verdict(allowed=False, reason=refusal, is_known=is_known)
        note = f"no data on {slot.version} of {product.title}" if line is None else dead or ""
        return Verdict(allowed=True, reason=note, is_alive=dead is None)

    def _is_fresh(self, product: Product) -> bool:
        """Tell whether what a calendar does not list is not there: its facts are not old."""
        return self._now.date() - product.as_of <= STALE_AFTER

    def _line(self, slot: Slot) -> Release | None:
        """The line of a version; a short one stands for the newest line below it."""
        if self._product is None or not slot.version:
            return None
        found = self._product.line_of(slot.version)
        return found or self._product.newest_within(slot.version, self._now)

    def _is_new_scheme(self, slot: Slot, line: Release | None) -> bool:
        """Tell whether a first number is a date or count where that in use is none.

        Repositories keep old tags of another scheme (`2021.12.16` beside `0.6.24`), and some count
        builds beside versions. Only a calendar tells which of them is the newer one.
        """
        if line is not None or not slot.numbers or not self._own.numbers:
            return False
        new, old = slot.numbers[0], self._own.numbers[0]
        return new >= _COUNTED and new >= _LEAP * max(old, 1)

    def _is_same_unknown(self, slot: Slot) -> bool:
        """Two versions without data on their line are of one line where the first numbers agree."""
        if self._own_line is not None or slot.numbers[:1] != self._own.numbers[:1]:
            return False
        return self._line(slot) is None

    def _has_lts(self, product: Product) -> bool:
        line = product.current_line(self._now)
        return product.has_lts_lines and line is not None and line.is_lts(self._now)

    def _dead(self, line: Release | None) -> str | None:
        if line is None or self._product is None or not line.is_released(self._now):
            return None
        answer = line.supported(self._now)
        what = f"{self._product.title} {line.cycle}"
        return f"{what}: {answer.reason}" if answer.value is Truth.NO else None

    def _not_out(self, line: Release | None) -> str | None:
        if line is None or line.is_released(self._now):
            return None
        return f"{line.cycle} is not released before {line.released}"

    def _no_lts(self, slot: Slot, line: Release | None) -> str | None:
        if not self._lts_only:
            return None
        if line is None:
            return f"{slot.version} is not known to be an LTS line"
        return None if line.is_lts(self._now) else f"{line.cycle} is no LTS line"

    def _odd(self, slot: Slot, line: Release | None) -> str | None:
        """An even minor number stays even."""
        if not self._stays_even or (line is None and len(slot.numbers) < _MINOR):
            return None
        product = self._product
        is_stable = _is_even(slot) if line is None or product is None else product.is_stable(line)
        return None if is_stable and _is_even(slot) else f"{slot.version} is a development line"

    def _untold(self, slot: Slot, line: Release | None) -> str | None:
        """Distributions have tags for a release long before it is out."""
        if line is None and slot.axis is Axis.OS:
            return f"{slot.text} is not known to be released"
        return None


def _depth(product: Product | None) -> int:
    """How many numbers tell the line of a version, at least two, which tell even from odd."""
    lines = () if product is None else product.releases
    return max(2, 1 + max((line.cycle.count(".") for line in lines), default=0))


def _cut(version: str, count: int) -> str:
    """A version cut to its first numbers."""
    return ".".join(version.split(".", count)[:count])


def _is_even(slot: Slot) -> bool:
    return len(slot.numbers) > 1 and slot.numbers[1] % _EVEN == 0
