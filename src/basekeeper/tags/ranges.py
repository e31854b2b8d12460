"""Ranges of versions as rules write them: `>=3.10,<3.14`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from basekeeper.errors import InputError
from basekeeper.records import dataclass
from basekeeper.tags.version import MAX_VERSION_CHARS

if TYPE_CHECKING:
    from collections.abc import Callable

    from basekeeper.tags.version import Version

MAX_BOUNDS: Final = 16
"""Most bounds of one range; a useful one has two."""

_BOUND: Final = re.compile(r"(>=|<=|!=|>|<|=)?\s*v?([0-9]+(?:\.[0-9]+)*)", re.ASCII)

_TESTS: Final[dict[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]]] = {
    ">=": lambda own, bound: own >= bound,
    "<=": lambda own, bound: own[: len(bound)] <= bound,
    ">": lambda own, bound: own[: len(bound)] > bound,
    "<": lambda own, bound: own < bound,
    "=": lambda own, bound: own[: len(bound)] == bound,
    "!=": lambda own, bound: own[: len(bound)] != bound,
}
"""A bound names a whole line: `<=3.13` and `=3.13` hold for 3.13.4, `>3.13` does not."""


@dataclass(frozen=True, slots=True)
class VersionRange:
    """Bounds that must all hold; the numbers of a version are compared, prereleases alike."""

    bounds: tuple[tuple[str, tuple[int, ...]], ...]

    @classmethod
    def parse(cls, text: str) -> VersionRange:
        """Read bounds separated by commas.

        Raises:
            InputError: A bound is no operator and version.
        """
        pieces = text[: MAX_BOUNDS * MAX_VERSION_CHARS].split(",")
        found = [_BOUND.fullmatch(piece.strip()) for piece in pieces[:MAX_BOUNDS]]
        if None in found or len(pieces) > MAX_BOUNDS:
            raise InputError(
                f"allowed: {text!r:.80} is no range of versions",
                hint="write bounds separated by commas, for example >=3.10,<3.14",
            )
        return cls(tuple((m[1] or "=", _numbers(m[2])) for m in found if m is not None))

    def holds(self, version: Version | tuple[int, ...]) -> bool:
        """Tell whether a version is within all bounds."""
        numbers = version if isinstance(version, tuple) else version.numbers
        return all(_TESTS[mark](numbers, bound) for mark, bound in self.bounds)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number[:MAX_VERSION_CHARS]) for number in text.split("."))
