"""Within what time a fix must be taken: the table `[policy.deadlines]`.

Every file may say some of it; the first layer that speaks of a key decides. A repository's own
file below an operator's only adds: the shorter window, every start, the higher severity.
"""

from __future__ import annotations

from dataclasses import field, fields
from datetime import timedelta
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Any, Final

from basekeeper.config.durations import parse_duration
from basekeeper.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from basekeeper.config.table import Table

NEXT_RELEASE: Final = "next release"
"""What `low` says where the due time is an event."""


class Urgency(IntEnum):
    """How fast a finding must be dealt with: its severity, or that it is exploited."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4
    EXPLOITED = 5
    """Whatever the severity."""

    @property
    def word(self) -> str:
        """The lower-case name used in policies and every format."""
        return self.name.lower()

    def __str__(self) -> str:
        """Show the word."""
        return self.word


SEVERITY_WORDS: Final = ("low", "medium", "high", "critical")
"""What `unknown` may say."""

URGENCY_WORDS: Final = (*SEVERITY_WORDS, "exploited")
"""Keys that hold a window."""


class Start(StrEnum):
    """What lets the action clock start. A fix must be known for each of them."""

    ACTIONABLE = "actionable"
    """Detected, and a fix available: the later of the two."""
    DETECTED = "detected"
    PUBLISHED = "published"
    FIX_AVAILABLE = "fix-available"
    BASE_AVAILABLE = "base-available"


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowChange:
    """What one file says of deadlines; None: nothing."""

    low: timedelta | str | None = None
    """A window, or `NEXT_RELEASE`."""
    medium: timedelta | None = None
    high: timedelta | None = None
    critical: timedelta | None = None
    exploited: timedelta | None = None
    unknown: str | None = None
    under_investigation_pauses: bool | None = None
    start: Mapping[Urgency, Start] = field(default_factory=dict)

    def said(self) -> dict[str, Any]:
        """Return what was said, by key."""
        found = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "start"}
        return {name: value for name, value in found.items() if value is not None}


@dataclass(frozen=True, slots=True)
class WindowClause:
    """The line of a policy that sets a window."""

    name: str
    """`policy.deadlines.critical`."""
    value: str
    """As a person would write it: `48 hours`."""
    origin: str
    """Path of the file, or `shipped default`."""

    def __str__(self) -> str:
        """Show line, value and file."""
        return f"{self.name} = {self.value!r} ({self.origin})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """Within what time a fix must be taken, after all layers were put together."""

    windows: Mapping[Urgency, timedelta]
    """Elapsed time; no entry for LOW where only the next release counts."""
    low_at_release: bool
    """Whether a LOW is due with the next release."""
    unknown: Urgency
    """What an unknown severity counts as."""
    under_investigation_pauses: bool
    """Whether the VEX status `under_investigation` pauses a clock."""
    starts: Mapping[Urgency, frozenset[Start]]
    """What lets the clock of each start; of several the earliest."""
    origins: Mapping[Urgency, str]
    """The file that sets each window."""
    release_origin: str
    """The file that says whether the next release counts."""

    def clause(self, urgency: Urgency, *, at_release: bool = False) -> WindowClause:
        """Name the line that sets a window.

        Args:
            urgency: Whose window.
            at_release: Whether the part about the next release is meant.
        """
        window = self.windows.get(urgency)
        name = f"policy.deadlines.{urgency.word}"
        if at_release or window is None:
            return WindowClause(name, NEXT_RELEASE, self.release_origin)
        return WindowClause(name, duration_words(window), self.origins[urgency])


def parse_windows(policy: Table) -> WindowChange:
    """Read `[policy.deadlines]`; what is wrong is noted in the table's `problems`."""
    section = policy.table("deadlines")
    if section is None:
        return WindowChange()
    change = WindowChange(
        low=section.parsed("low", _low),
        medium=section.parsed("medium", _window),
        high=section.parsed("high", _window),
        critical=section.parsed("critical", _window),
        exploited=section.parsed("exploited", _window),
        unknown=section.choice("unknown", SEVERITY_WORDS),
        under_investigation_pauses=section.flag("under_investigation_pauses"),
        start=_starts(section),
    )
    section.finish()
    return change


def merged_windows(layers: Sequence[tuple[str, WindowChange]]) -> Windows:
    """Put layers together, the strongest first; the last one says everything.

    Args:
        layers: Name of each file, and what it says.
    """
    said: dict[str, Any] = {}
    starts: dict[Urgency, Start] = {}
    origins: dict[Urgency, str] = {}
    for name, change in reversed(layers):
        said |= change.said()
        starts |= change.start
        origins |= dict.fromkeys(_windows(change), name)
    return Windows(
        windows={one: said[one.word] for one in Urgency if said[one.word] != NEXT_RELEASE},
        low_at_release=said["low"] == NEXT_RELEASE,
        unknown=Urgency[said["unknown"].upper()],
        under_investigation_pauses=said["under_investigation_pauses"],
        starts={one: frozenset({starts[one]}) for one in Urgency},
        origins=origins,
        release_origin=origins[Urgency.LOW],
    )


def stricter_windows(windows: Windows, own: Sequence[tuple[str, WindowChange]]) -> Windows:
    """Return windows with every field the stricter of the given one and what `own` says.

    Args:
        windows: What holds without it.
        own: Name of each file of a repository, and what it says, the strongest first.
    """
    merged, origins = dict(windows.windows), dict(windows.origins)
    starts, said = dict(windows.starts), dict[str, Any]()
    own_starts: dict[Urgency, Start] = {}
    places: dict[Urgency, str] = {}
    for name, change in reversed(own):
        said |= change.said()
        own_starts |= change.start
        places |= dict.fromkeys(_windows(change), name)
    for urgency, place in places.items():
        window = said[urgency.word]
        if window != NEXT_RELEASE and window < merged.get(urgency, timedelta.max):
            merged[urgency], origins[urgency] = window, place
    for urgency, start in own_starts.items():
        starts[urgency] |= {start}
    unknown = Urgency[said.get("unknown", "low").upper()]
    adds_release = not windows.low_at_release and said.get("low") == NEXT_RELEASE
    return Windows(
        windows=merged,
        low_at_release=windows.low_at_release or adds_release,
        unknown=max(windows.unknown, unknown),
        under_investigation_pauses=windows.under_investigation_pauses
        and said.get("under_investigation_pauses") is not False,
        starts=starts,
        origins=origins,
        release_origin=places[Urgency.LOW] if adds_release else windows.release_origin,
    )


def duration_words(duration: timedelta) -> str:
    """Write a duration as a policy would: `48 hours`, `7 days`.

    Whole days from three on are days, whole hours are hours, all else is minutes.
    """
    minutes = int(duration.total_seconds()) // 60
    for unit, length, least in (("day", 1440, 3), ("hour", 60, 1)):
        if minutes % length == 0 and minutes >= least * length:
            count = minutes // length
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{minutes} minute{'' if minutes == 1 else 's'}"


def window_content(windows: Windows) -> dict[str, object]:
    """Return what is said, without where, in a form that hashes alike everywhere."""
    return {
        "windows": {one.word: int(found.total_seconds()) for one, found in windows.windows.items()},
        "low_at_release": windows.low_at_release,
        "unknown": windows.unknown.word,
        "under_investigation_pauses": windows.under_investigation_pauses,
        "starts": {one.word: sorted(found) for one, found in windows.starts.items()},
    }


def _windows(change: WindowChange) -> list[Urgency]:
    return [one for one in Urgency if getattr(change, one.word) is not None]


def _window(text: str) -> timedelta:
    window = parse_duration(text)
    if not window:
        raise ValueError(f"{text!r:.80} leaves no time at all")
    return window


def _low(text: str) -> timedelta | str:
    return NEXT_RELEASE if text.strip() == NEXT_RELEASE else _window(text)


def _starts(section: Table) -> dict[Urgency, Start]:
    """Read `[policy.deadlines.start]`."""
    table = section.table("start")
    if table is None:
        return {}
    words = tuple(Start)
    found = {one: word for one in Urgency if (word := table.choice(one.word, words)) is not None}
    table.finish()
    return {one: Start(word) for one, word in found.items()}
