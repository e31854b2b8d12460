"""The names of a file's stages, and which of them another name is nearest to."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from basekeeper.values.use import SourceFile

MAX_STAGES_COMPARED: Final = 100
"""Most stage names that one name is compared with; the largest real file known has 60 stages."""

MAX_NAME_CHARS: Final = 64
"""Longest name compared, in characters: comparing takes time with the product of both lengths."""

MAX_COMPARISONS: Final = 1_000
"""Comparisons letter by letter after which no more names of a file are looked at, about 0.2 s;
real files need fewer than 200."""

_SHARED_CHARS: Final = 4
"""Least length of a name that counts as part of another (`build` in `builder`)."""


class StageNames:
    """The names of the stages of one file; remembers what it was asked."""

    def __init__(self, file: SourceFile) -> None:
        """Take the stages of all builds of a file; they are read when first asked for."""
        self._file = file
        self._known: dict[str, str | None] = {}
        self._comparisons = 0

    def closest(self, name: str) -> str | None:
        """Return the stage whose name is nearest, or None where none is near.

        Near: no more than one wrong letter in three (three at most), or one name within the other.
        """
        if len(name) > MAX_NAME_CHARS:
            return None
        if name not in self._known:
            self._known[name] = self._nearest(name)
        return self._known[name]

    def _nearest(self, name: str) -> str | None:
        if name in self._all:
            return name
        if self._comparisons >= MAX_COMPARISONS:
            return None
        best: tuple[int, str] | None = None
        for stage in self._compared:
            wrong = self._wrong(name, stage)
            if wrong is not None and (best is None or wrong < best[0]):
                best = (wrong, stage)
        return None if best is None else best[1]

    def _wrong(self, name: str, stage: str) -> int | None:
        """Count wrong letters; a name within the other counts as three of them."""
        shorter, longer = sorted((name, stage), key=len)
        allowed = min(3, len(longer) // 3)
        if len(longer) - len(shorter) <= allowed:
            self._comparisons += 1
            wrong = edits(name, stage, allowed)
            if wrong is not None:
                return wrong
        return 3 if len(shorter) >= _SHARED_CHARS and shorter in longer else None

    @cached_property
    def _all(self) -> dict[str, None]:
        """The names of all builds, each once, in the order of the file."""
        plans = self._file.plans
        names = (stage.name for plan in plans for stage in plan.build.stages if stage.name)
        return dict.fromkeys(names)

    @cached_property
    def _compared(self) -> list[str]:
        first = list(self._all)[:MAX_STAGES_COMPARED]
        return [name for name in first if len(name) <= MAX_NAME_CHARS]


def edits(first: str, second: str, most: int) -> int | None:
    """Count the letters to insert, delete, change or swap with their neighbour.

    Returns:
        The least number of such changes, or None where it is more than `most`.
    """
    if abs(len(first) - len(second)) > most:
        return None
    beyond = most + 1
    before: list[int] = []
    row = [min(count, beyond) for count in range(len(second) + 1)]
    for i, letter in enumerate(first, 1):
        older, before, row = before, row, [beyond] * (len(second) + 1)
        row[0] = min(i, beyond)
        # Further from the diagonal than `most`, every way costs more than `most`.
        for j in range(max(1, i - most), min(len(second), i + most) + 1):
            other = second[j - 1]
            cost = min(row[j - 1] + 1, before[j] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == second[j - 2] and first[i - 2] == other:
                cost = min(cost, older[j - 2] + 1)
            row[j] = min(cost, beyond)
        if min(row) > most:
            return None
    return row[-1] if row[-1] <= most else None
