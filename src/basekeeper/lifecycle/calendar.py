"""The calendar of one product: its release lines, judged at an instant that the caller gives.

Rules kept here:

- The last day of support still counts as supported; all days are UTC.
- A distribution's own LTS phase (`lts_until`) counts as support. Paid or third-party extensions
  (`extended_until`) never do.
- A line is current when it is the newest supported LTS line, or, where no LTS line is supported,
  the newest supported stable line.
- A date planned after the data was made may be judged; a line announced after it is unknown.
"""

from __future__ import annotations

import re
from dataclasses import field
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from basekeeper.records import dataclass
from basekeeper.values.finding import Answer, Truth

if TYPE_CHECKING:
    from datetime import date, datetime

MAX_CYCLE_CHARS: Final = 64
"""Longest name of a release line; it bounds the numbers read from it."""

_EVEN: Final = 2
_LEADING_NUMBERS: Final = re.compile(r"v?(\d+(?:\.\d+)*)")
_PLACES: Final = {"newest": 0, "second": 1, "third": 2}
"""Channel targets that count back from the newest stable line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One release line of a product."""

    cycle: str
    """Name of the line, for example `22`, `3.20` or `debian13`."""
    source: str
    as_of: date
    codename: str | None = None
    released: date | None = None
    """First day of the line; None: out, on a day that is not known."""
    lts_since: date | None = None
    """The day from which the line is an LTS line; None: it never is."""
    active_support_until: date | None = None
    end_of_life: date | None = None
    """Last day of regular support; None: not known, see `ended`."""
    ended: bool = False
    """True where support has ended on a day that is not known."""
    lts_until: date | None = None
    """Last day of the distribution's own long-term support, which counts as support."""
    extended_until: date | None = None
    """Last day of paid or third-party extensions, which do not count."""
    latest: str | None = None
    """Newest version of the line when the data was made."""
    latest_released: date | None = None

    @property
    def supported_until(self) -> date | None:
        """The last day of support, a distribution's own LTS phase included; None: not known."""
        if self.lts_until is None or self.end_of_life is None:
            return self.end_of_life or self.lts_until
        return max(self.end_of_life, self.lts_until)

    def is_released(self, now: datetime) -> bool:
        """Tell whether the line was out at `now`."""
        return self.released is None or self.released <= now.date()

    def is_lts(self, now: datetime) -> bool:
        """Tell whether the line was an LTS line at `now`."""
        return self.lts_since is not None and self.lts_since <= now.date()

    def supported(self, now: datetime) -> Answer:
        """Answer whether the line has support at `now`; support lasts through its last day."""
        if not self.is_released(now):
            return self._answer(
                Truth.UNKNOWN, f"{self.cycle} is not released before {self.released}"
            )
        if self.ended:
            return self._answer(Truth.NO, "support has ended")
        until = self.supported_until
        if until is None:
            return self._answer(Truth.YES, "no end of support is announced")
        if until < now.date():
            return self._answer(Truth.NO, f"support ended on {until}")
        if self.end_of_life is not None and self.end_of_life < now.date():
            return self._answer(Truth.YES, f"in its own long-term support until {until}")
        return self._answer(Truth.YES, f"supported until {until}")

    def _answer(self, value: Truth, reason: str) -> Answer:
        return Answer(value, reason, self.source, self.as_of)


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A product with its calendar."""

    name: str
    title: str
    source: str
    as_of: date
    axis: str
    """The axis on which its versions count: `application`, `os` or `generation`."""
    images: tuple[str, ...]
    """Repositories that are this product: `registry/path`, `…/*` for all below, or `…name*`."""
    releases: tuple[Release, ...]
    """All known lines, newest first; not the order of the data, which may list branches apart."""
    channels: dict[str, str] = field(default_factory=dict)
    """Documented meaning of a tag word: `current`, `newest`, `second` or `third` line."""
    has_lts_lines: bool = True
    """False where LTS lines exist only for old environments and upstream advises the newest."""
    even_minor_is_stable: bool = False
    """True where an odd minor number marks the development line (nginx)."""
    default_cycle: str | None = None
    """The line behind a repository that names none, as of `as_of`."""
    repositories: tuple[str, ...] = ()
    """For a family of images, the repositories (`registry/path`) that it builds as of `as_of`."""

    def __hash__(self) -> int:
        """Tell products apart cheaply: there is one of each name and day."""
        return hash((self.name, self.as_of))

    def released_lines(self, now: datetime) -> tuple[Release, ...]:
        """Lines that are out at `now` and not dead, newest first."""
        return tuple(
            release
            for release in self.releases
            if release.is_released(now) and release.supported(now).value is not Truth.NO
        )

    def current_line(self, now: datetime) -> Release | None:
        """The newest supported LTS line, else the newest supported stable line; None: no such."""
        return _current_line(self, now)

    def current_since(self, now: datetime) -> date | None:
        """The day from which the current line is the one to use: its release, or its LTS start."""
        line = self.current_line(now)
        if line is None:
            return None
        return line.lts_since if self._judged_as_lts(line, now) else line.released

    def is_current(self, release: Release, now: datetime) -> Answer:
        """Answer whether a line is the newest LTS line (or newest stable line) at `now`.

        Without LTS lines, a line newer than the newest stable one (nginx mainline) is not behind.
        """
        line = self.current_line(now)
        if line is None:
            return self._answer(Truth.NO, f"no line of {self.title} is supported any more")
        if release.cycle == line.cycle:
            kind = "LTS" if self._judged_as_lts(line, now) else "stable"
            return self._answer(Truth.YES, f"{line.cycle} is the newest {kind} line")
        if self._judged_as_lts(line, now):
            what = "" if release.is_lts(now) else f"{release.cycle} is no LTS line; "
            return self._answer(Truth.NO, f"{what}the newest LTS line is {line.cycle}")
        alive = self.released_lines(now)
        if release in alive and alive.index(release) < alive.index(line):
            return self._answer(Truth.YES, f"newer than the newest stable line {line.cycle}")
        return self._answer(Truth.NO, f"the newest stable line is {line.cycle}")

    def channel(self, word: str, now: datetime) -> Release | None:
        """The line that a channel word (`lts`, `stable` …) stands for at `now`, if documented."""
        target = self.channels.get(word)
        if target is None:
            return None
        if target == "current":
            return self.current_line(now)
        out = [release for release in self.releases if release.is_released(now)]
        place = _PLACES.get(target, len(out))
        return out[place] if place < len(out) else None

    def line_of(self, version: str) -> Release | None:
        """The line that a version or codename belongs to.

        The longest line that is a prefix of the numbers wins (`22.11.0` is in `22`). None for a
        version that is in no known line, or is shorter than every line (`3` of Python).
        """
        named = self.by_codename(version)
        if named is not None:
            return named
        exact = next((one for one in self.releases if one.cycle == version), None)
        match = _LEADING_NUMBERS.match(version)
        if exact is not None or match is None:
            return exact
        numbers = match[1].split(".")
        for count in range(len(numbers), 0, -1):
            wanted = ".".join(numbers[:count])
            found = next((one for one in self.releases if _same_line(one.cycle, wanted)), None)
            if found is not None:
                return found
        return None

    def outlived_by(self, version: str, now: datetime) -> Release | None:
        """The next newer line, where a version older than it has no data and it is dead itself.

        Calendars often begin late; what is older than a dead line is dead too, unless a line
        still older has support.
        """
        key = _numbers(version)
        older = [one for one in self.releases if _numbers(one.cycle) < key]
        newer = [one for one in self.releases if _numbers(one.cycle) > key]
        if not key or not newer or any(one.supported(now).value is Truth.YES for one in older):
            return None
        return newer[-1] if newer[-1].supported(now).value is Truth.NO else None

    def by_codename(self, word: str) -> Release | None:
        """The line with a codename; its first word suffices (`noble` for Noble Numbat)."""
        wanted = word.lower()
        return next(
            (
                release
                for release in self.releases
                if release.codename is not None
                and wanted in (release.codename.lower(), release.codename.lower().split(" ")[0])
            ),
            None,
        )

    def newest_within(self, version: str, now: datetime) -> Release | None:
        """The newest released line that a shorter version stands for (`3` of Python), if any."""
        match = _LEADING_NUMBERS.match(version)
        prefix = version if match is None else match[1]
        return next(
            (
                release
                for release in self.releases
                if release.cycle.startswith(prefix + ".") and release.is_released(now)
            ),
            None,
        )

    def _judged_as_lts(self, line: Release, now: datetime) -> bool:
        return self.has_lts_lines and line.is_lts(now)

    def is_stable(self, release: Release) -> bool:
        """Tell whether a line is no development line."""
        if not self.even_minor_is_stable:
            return True
        minor = release.cycle.split(".")[1:2]
        return bool(minor) and minor[0].isdigit() and int(minor[0]) % _EVEN == 0

    def _answer(self, value: Truth, reason: str) -> Answer:
        return Answer(value, reason, self.source, self.as_of)


@lru_cache(maxsize=512)  # asked for every axis of every candidate, always at the run's one instant
def _current_line(product: Product, now: datetime) -> Release | None:
    alive = product.released_lines(now)
    if product.has_lts_lines:
        lts = next((release for release in alive if release.is_lts(now)), None)
        if lts is not None:
            return lts
    return next((release for release in alive if product.is_stable(release)), None)


def newest_first(releases: list[Release]) -> tuple[Release, ...]:
    """Sort lines by version, newest first; lines without a number come last.

    Versions, not release days: a bug-fix branch released late is not newer.
    """
    return tuple(sorted(releases, key=lambda release: _numbers(release.cycle), reverse=True))


def _numbers(version: str) -> tuple[int, ...]:
    """Numbers of a line's name or a version; `debian13` counts as 13."""
    return tuple(int(number) for number in re.findall(r"\d+", version[:MAX_CYCLE_CHARS])[:6])


def _same_line(cycle: str, wanted: str) -> bool:
    """Compare a line with numbers; `8.0` names line `8`, but `8` does not name line `8.0`."""
    return wanted in (cycle, cycle + ".0")
