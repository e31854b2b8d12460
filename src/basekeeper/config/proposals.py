"""What is proposed, when and how: the table `[proposals]`.

Whoever runs basekeeper says whether branches and pull requests are made at all. Below an operator's
policy a repository's own table only tightens; how its texts look stays its own.
"""

from __future__ import annotations

import re
from dataclasses import fields, replace
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from basekeeper.records import dataclass
from basekeeper.values.forge import is_branch

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from basekeeper.config.table import Table

MODES: Final = ("report", "open")
"""`report`: nothing is made, what would be is told. `open`: branches and pull requests are made."""

GROUPINGS: Final = ("image", "repository")
ON_UNPINNED: Final = ("report", "pin", "rebuild")
"""What is done about new content behind a tag without a digest; the least first."""

AUTOMERGE_KINDS: Final = ("digest", "patch", "minor", "major", "runtime", "build")
"""Kinds that can be merged without a person; another operating system or image never is."""

MAX_OPEN: Final = 10_000
MAX_PER_HOUR: Final = 500
"""What GitHub puts up with: content-creating requests an hour."""

MAX_LABELS: Final = 50
MAX_LABEL_CHARS: Final = 50
MAX_REVIEWERS: Final = 15
"""Most that GitHub lets ask at once."""

MAX_WINDOWS: Final = 50

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_MINUTES: Final = 24 * 60
_DAY: Final = f"({'|'.join(_DAYS)})"
_TIME: Final = "([0-9]{2}):([0-9]{2})"
_WINDOW: Final = re.compile(f"{_DAY}(?:-{_DAY})? {_TIME}-{_TIME}")
_PREFIX: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/():!\[\]-]{0,59}")
_LABEL: Final = re.compile(r"[^\x00-\x1f\x7f,]{1,50}")
_NAME: Final = "[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
_REVIEWER: Final = re.compile(f"{_NAME}(?:/{_NAME})?")
_PERSON: Final = re.compile(r"[^\x00-\x1f\x7f<>]{1,100} <[^\s<>@]{1,100}@[^\s<>@]{1,100}>")
_BRANCH: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,59}")
_WORKFLOW: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}\.ya?ml")


class Window(NamedTuple):
    """A part of some days of the week, UTC."""

    days: frozenset[int]
    """0 is Monday."""
    start: int
    """Minute of the day."""
    end: int
    """First minute after it; not above `start`: of the next day."""

    def holds(self, at: datetime) -> bool:
        """Tell whether an instant is in it."""
        minute, today = at.hour * 60 + at.minute, at.weekday()
        if self.end > self.start:
            return today in self.days and self.start <= minute < self.end
        is_late = today in self.days and minute >= self.start
        return is_late or ((today - 1) % 7 in self.days and minute < self.end)


Schedule = tuple[Window, ...]
"""One of the windows must hold; none: at any time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalRules:
    """What holds, with the shipped values where nobody says."""

    mode: str = "report"
    branch_prefix: str = "basekeeper"
    commit_prefix: str = "chore(deps)"
    urgent_commit_prefix: str | None = None
    """Where a deadline urges; None: the same."""
    signed_off_by: str | None = None
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    """People (`name`) and teams (`owner/team`)."""
    group_by: str = "image"
    schedules: tuple[Schedule, ...] = ()
    """All of them must hold."""
    max_open: int = 10
    """Open proposals of one repository."""
    max_open_fleet: int = 200
    """Open proposals of all repositories."""
    max_per_hour: int = 4
    """Proposals opened in one repository within an hour."""
    max_per_run: int = 50
    """Branches that one run writes, of all repositories."""
    automerge: frozenset[str] = frozenset()
    """Kinds that are merged without a person."""
    on_unpinned: str = "report"
    rebuild_workflow: str | None = None

    def is_scheduled(self, at: datetime) -> bool:
        """Tell whether an instant is within the windows."""
        utc = at.astimezone(UTC)
        return all(
            not windows or any(window.holds(utc) for window in windows)
            for windows in self.schedules
        )

    def next_window(self, at: datetime) -> datetime | None:
        """Return the first instant from now on within the windows; None: there is none."""
        if self.is_scheduled(at):
            return at
        midnight = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        minutes = {window.start for windows in self.schedules for window in windows} | {0}
        starts = (
            midnight + timedelta(days=day, minutes=minute)
            for day in range(9)
            for minute in sorted(minutes)
        )
        return next((one for one in starts if one > at and self.is_scheduled(one)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalSettings:
    """What one file says; None: nothing."""

    mode: str | None = None
    branch_prefix: str | None = None
    commit_prefix: str | None = None
    urgent_commit_prefix: str | None = None
    signed_off_by: str | None = None
    labels: tuple[str, ...] | None = None
    reviewers: tuple[str, ...] | None = None
    group_by: str | None = None
    schedules: tuple[Schedule, ...] | None = None
    max_open: int | None = None
    max_open_fleet: int | None = None
    max_per_hour: int | None = None
    max_per_run: int | None = None
    automerge: frozenset[str] | None = None
    on_unpinned: str | None = None
    rebuild_workflow: str | None = None

    def said(self) -> dict[str, Any]:
        """Return what was said, by the name of the field."""
        values = ((one.name, getattr(self, one.name)) for one in fields(self))
        return {name: value for name, value in values if value is not None}

    @property
    def rules(self) -> ProposalRules:
        """What holds by it."""
        rules = replace(ProposalRules(), **self.said())
        if self.on_unpinned is None and rules.rebuild_workflow is not None:
            rules = replace(rules, on_unpinned="rebuild")
        return rules


_LIMITS: Final = ("max_open", "max_open_fleet", "max_per_hour", "max_per_run")
_TEXTS: Final = ("commit_prefix", "urgent_commit_prefix", "signed_off_by", "group_by")
"""What a repository says of itself: how its proposals read and are cut."""
_OPERATORS: Final = ("branch_prefix", "rebuild_workflow")
"""By these proposals are found again, and programs started."""


def parse_proposals(top: Table) -> ProposalSettings | None:
    """Read `[proposals]`; what is wrong is noted in the table's `problems`."""
    table = top.table("proposals")
    if table is None:
        return None
    automerge = table.texts("automerge", AUTOMERGE_KINDS)
    found = ProposalSettings(
        mode=table.choice("mode", MODES),
        branch_prefix=table.parsed("branch_prefix", _branch_prefix),
        commit_prefix=table.parsed("commit_prefix", _commit_prefix),
        urgent_commit_prefix=table.parsed("urgent_commit_prefix", _commit_prefix),
        signed_off_by=table.parsed("signed_off_by", _person),
        labels=_listed(table, "labels", _label, MAX_LABELS),
        reviewers=_listed(table, "reviewers", _reviewer, MAX_REVIEWERS),
        group_by=table.choice("group_by", GROUPINGS),
        schedules=_schedules(table),
        max_open=table.number("max_open", least=0, most=MAX_OPEN),
        max_open_fleet=table.number("max_open_fleet", least=0, most=MAX_OPEN),
        max_per_hour=table.number("max_per_hour", least=0, most=MAX_PER_HOUR),
        max_per_run=table.number("max_per_run", least=0, most=MAX_OPEN),
        automerge=None if automerge is None else frozenset(automerge),
        on_unpinned=table.choice("on_unpinned", ON_UNPINNED),
        rebuild_workflow=table.parsed("rebuild_workflow", _workflow),
    )
    if found.on_unpinned == "rebuild" and "rebuild_workflow" not in table:
        hint = "add rebuild_workflow, the name of its file below .github/workflows"
        table.wrong("on_unpinned", "names no workflow that rebuilds", hint)
    table.finish()
    return found


def tightened_proposals(
    operator: ProposalSettings | None, own: ProposalSettings | None, source: str
) -> tuple[ProposalSettings | None, tuple[str, ...]]:
    """Return an operator's settings, tightened by a repository's own.

    Returns:
        The settings, and a notice for each key of the repository that is ignored.
    """
    if own is None:
        return operator, ()
    base = operator or ProposalSettings()
    rules, said = base.rules, own.said()
    changes: dict[str, Any] = {name: said[name] for name in _TEXTS if name in said}
    changes |= {name: min(said[name], getattr(rules, name)) for name in _LIMITS if name in said}
    for name, words in (("mode", MODES), ("on_unpinned", ON_UNPINNED)):
        if name in said:
            changes[name] = min(said[name], getattr(rules, name), key=words.index)
    for name in ("labels", "reviewers"):
        if name in said:
            changes[name] = tuple(dict.fromkeys((*getattr(rules, name), *said[name])))
    if own.schedules is not None:
        changes["schedules"] = rules.schedules + own.schedules
    if own.automerge is not None:
        changes["automerge"] = rules.automerge & own.automerge
    ignored = tuple(_ignored(said, changes))
    notices = tuple(
        f"proposals.{name} of {source} is ignored: it is the operator's to set" for name in ignored
    )
    return replace(base, **changes), notices


def _ignored(said: dict[str, Any], changes: dict[str, Any]) -> Iterable[str]:
    """Name what a repository asks for beyond what the operator permits."""
    for name, value in said.items():
        is_narrowed = name in (*_LIMITS, "mode", "on_unpinned") and changes[name] != value
        if name in _OPERATORS or is_narrowed or (name == "automerge" and value - changes[name]):
            yield name


def _listed(table: Table, name: str, parse: Any, most: int) -> tuple[str, ...] | None:
    """Read a list of texts, each once; None where there is none."""
    if name not in table:
        table.raw(name)
        return None
    found = tuple(dict.fromkeys(table.parsed_texts(name, parse)))
    if len(found) > most:
        table.wrong(name, f"has more than {most} entries")
    return found[:most]


def _schedules(table: Table) -> tuple[Schedule, ...] | None:
    if "schedule" not in table:
        table.raw("schedule")
        return None
    windows = table.parsed_texts("schedule", parse_window)
    if len(windows) > MAX_WINDOWS:
        table.wrong("schedule", f"has more than {MAX_WINDOWS} entries")
    return (windows[:MAX_WINDOWS],) if windows else ()


def parse_window(text: str) -> Window:
    """Read a part of a week, UTC: `mon-fri 06:00-18:00`, `sat 22:00-04:00`.

    Raises:
        ValueError: It is none; a second argument is a hint.
    """
    found = _WINDOW.fullmatch(text)
    hint = "write days and times in UTC: mon-fri 06:00-18:00"
    if found is None:
        raise ValueError(f"{text!r:.80} is no part of a week", hint)
    first = _DAYS.index(found[1])
    last = first if found[2] is None else _DAYS.index(found[2])
    days = frozenset((first + step) % 7 for step in range((last - first) % 7 + 1))
    start, end = int(found[3]) * 60 + int(found[4]), int(found[5]) * 60 + int(found[6])
    is_time = start < _DAY_MINUTES and end <= _DAY_MINUTES
    if not is_time or int(found[4]) > 59 or int(found[6]) > 59 or start == end:  # noqa: PLR2004
        raise ValueError(f"{text!r:.80} has a time that no day has, or lasts no time", hint)
    return Window(days, start, end)


def _branch_prefix(text: str) -> str:
    if _BRANCH.fullmatch(text) is None or not is_branch(f"{text}/x"):
        raise ValueError(f"{text!r:.80} is nothing that the name of a branch can begin with")
    return text


def _commit_prefix(text: str) -> str:
    if _PREFIX.fullmatch(text) is None:
        raise ValueError(f"{text!r:.80} is no prefix: write it as chore(deps), without a colon")
    return text.rstrip(": ")


def _label(text: str) -> str:
    if _LABEL.fullmatch(text) is None or text != text.strip():
        raise ValueError(f"{text!r:.80} is no label of at most {MAX_LABEL_CHARS} characters")
    return text


def _reviewer(text: str) -> str:
    if _REVIEWER.fullmatch(text) is None:
        raise ValueError(f"{text!r:.80} is nobody: write a name, or a team as owner/team")
    return text


def _person(text: str) -> str:
    if _PERSON.fullmatch(text) is None:
        raise ValueError(f"{text!r:.80} is nobody: write Name <name@example.org>")
    return text


def _workflow(text: str) -> str:
    if _WORKFLOW.fullmatch(text) is None:
        raise ValueError(f"{text!r:.80} is no workflow: write the name of its file, release.yml")
    return text
