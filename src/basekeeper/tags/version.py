"""Versions as tags write them: numbers, prerelease with a numeric tail, build numbers.

Order: numbers, then prerelease rank (alpha, beta, milestone, release candidate, final), then its
tail as a number (`rc10` is above `rc2`), then build numbers.
"""

from __future__ import annotations

import re
from typing import Final

from basekeeper.records import dataclass

_RANKS: Final = {
    "dev": 0,
    "nightly": 0,
    "snapshot": 0,
    "canary": 0,
    "ea": 0,
    "a": 1,
    "alpha": 1,
    "b": 2,
    "beta": 2,
    "preview": 2,
    "pre": 2,
    "m": 3,
    "milestone": 3,
    "rc": 4,
    "cr": 4,
}
"""Prerelease words by how near to the final release they are."""

FINAL_RANK: Final = 9
"""Rank of a release that is no prerelease; above every prerelease word."""

_WORDS: Final = "|".join(sorted(_RANKS, key=len, reverse=True))
_VERSION: Final = re.compile(
    rf"""(?P<prefix>[vV]?)
    (?P<numbers>[0-9]+(?:\.[0-9]+)*)
    (?:\.v[0-9a-f][0-9a-f_]{{5,}})?                            # Jenkins: 3192.v713e3b_039fb_e
    (?:u(?P<update>[0-9]+)(?:-b(?P<update_build>[0-9]+))?)?   # Java 8: 8u452-b09
    (?:[._-]?(?P<pre>{_WORDS})[.-]?(?P<tail>[0-9]+(?:\.[0-9]+)*)?
    |[.](?:final|ga|release))?
    (?P<letter>[a-z])?                                        # OpenSSL-like patch letters
    (?P<build>(?:[_-]r?[0-9]+(?:\.[0-9]+)*)*                  # 21.0.5_11, 1.24-3.1736, 3.4.1-r2
    (?:-security-[0-9]+)?)                                    # Grafana: 11.2.2-security-01
    """,
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_NUMBER: Final = re.compile(r"[0-9]+", re.ASCII)

MAX_VERSION_CHARS: Final = 128
"""Longest text read as a version, in characters: the longest tag."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version inside a tag; compare with `key`."""

    text: str
    """As written, a leading `v` included."""
    numbers: tuple[int, ...]
    prerelease: tuple[int, tuple[int, ...]] = (FINAL_RANK, ())
    """Rank of the prerelease word and its numeric tail; `FINAL_RANK` where there is none."""
    build: tuple[int, ...] = ()

    @property
    def plain(self) -> str:
        """The numbers as written, joined by dots, without `v`, prerelease and build."""
        match = _VERSION.match(self.text)
        return "" if match is None else match["numbers"]

    @property
    def precision(self) -> int:
        """How many numbers it has: 2 for `3.12`."""
        return len(self.numbers)

    @property
    def is_prerelease(self) -> bool:
        """Tell whether it comes before a final release."""
        return self.prerelease[0] != FINAL_RANK

    @property
    def key(self) -> tuple[tuple[int, ...], tuple[int, tuple[int, ...]], tuple[int, ...]]:
        """Sort key; total over all versions."""
        return self.numbers, self.prerelease, self.build

    def __str__(self) -> str:
        """The version as written."""
        return self.text


def parse_version(text: str) -> Version | None:
    """Read a text that is a version and nothing else; None for any other text."""
    if len(text) > MAX_VERSION_CHARS:
        return None
    match = _VERSION.fullmatch(text)
    if match is None:
        return None
    numbers = _numbers(match["numbers"])
    if match["update"] is not None:
        numbers = (*numbers, 0, int(match["update"]))
    if match["letter"] is not None:
        numbers = (*numbers, ord(match["letter"].lower()) - ord("a") + 1)
    prerelease = (FINAL_RANK, ())
    if match["pre"] is not None:
        return Version(text, numbers, _prerelease(match), _numbers(match["build"]))
    return Version(text, numbers, prerelease, _numbers(match["update_build"] or match["build"]))


def _prerelease(match: re.Match[str]) -> tuple[int, tuple[int, ...]]:
    """Rank and tail of the prerelease word; `1.0-rc-2` puts the tail behind a hyphen."""
    return _RANKS[match["pre"].lower()], _numbers(match["tail"] or "")


def _numbers(text: str) -> tuple[int, ...]:
    """All numbers of a text, in order."""
    return tuple(int(number) for number in _NUMBER.findall(text))
