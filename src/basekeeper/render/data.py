"""How old the facts about images are, and what became of a refresh."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from basekeeper.render.encode import dump
from basekeeper.render.json import heading
from basekeeper.render.layout import table, wrap
from basekeeper.render.safe import visible
from basekeeper.render.view import plural

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime, timedelta

    from basekeeper.render.layout import Style


class SourceInfo(Protocol):
    """One source of facts; see `basekeeper.refresh.DataInfo`."""

    @property
    def source(self) -> str:
        """Its name."""

    @property
    def url(self) -> str:
        """Where its facts are from."""

    @property
    def licence(self) -> str:
        """Under which licence."""

    @property
    def as_of(self) -> date | None:
        """The day of its facts; None: there are none."""

    @property
    def age(self) -> timedelta | None:
        """How old they are."""

    @property
    def count(self) -> int:
        """How many products or entries rest on it."""

    @property
    def is_stale(self) -> bool:
        """Whether they are old, or missing though they are wanted."""

    @property
    def origin(self) -> str:
        """`bundled`, `fetched`, `file`, `off` or `missing`."""

    @property
    def problem(self) -> str | None:
        """Why the facts that the settings name are not in use."""


class Outcome(Protocol):
    """What became of one source; see `basekeeper.refresh.SourceOutcome`."""

    @property
    def source(self) -> str:
        """Its name."""

    @property
    def updated(self) -> int:
        """How many entries were taken."""

    @property
    def unit(self) -> str:
        """What an entry is called."""

    @property
    def is_unchanged(self) -> bool:
        """Whether the source has nothing newer."""

    @property
    def problem(self) -> str | None:
        """Why nothing was replaced, or None."""


class Refresh(Protocol):
    """What a refresh did; see `basekeeper.refresh.RefreshReport`."""

    @property
    def outcomes(self) -> Sequence[Outcome]:
        """What became of each source."""

    @property
    def skipped(self) -> Sequence[str]:
        """Data that is not refreshed this way, each with its reason."""


def render_data_text(rows: Sequence[SourceInfo], style: Style) -> str:
    """Write a table of the sources; old and missing ones stand out."""
    head = ("SOURCE", "AS OF", "AGE", "ENTRIES", "FROM", "LICENCE")
    cells = [
        (
            visible(row.source),
            "-" if row.as_of is None else row.as_of.isoformat(),
            _age(row),
            f"{row.count:,}",
            row.origin,
            visible(row.licence),
        )
        for row in rows
    ]
    first, *lines = table([head, *cells])
    painted = [
        style.paint(line, "warning") if row.is_stale else line
        for row, line in zip(rows, lines, strict=True)
    ]
    out = [style.paint(first, "bold"), *painted]
    for row in rows:
        if row.problem is not None:
            out += ["", *wrap(visible(row.problem), style.width)]
    if any(row.is_stale for row in rows):
        out += ["", "Refresh them with `basekeeper data update`."]
    return "\n".join(out) + "\n"


def _age(row: SourceInfo) -> str:
    """Write how old facts are, or why there are none."""
    if row.age is None:
        return "switched off" if row.origin == "off" else "never fetched"
    return plural(row.age.days, "day") + (" (old)" if row.is_stale else "")


def render_data_json(rows: Sequence[SourceInfo], now: datetime) -> str:
    """Write the sources as JSON; the shape is `schemas/data.schema.json`."""
    sources = [
        {
            "source": row.source,
            "url": row.url,
            "licence": row.licence,
            "as_of": None if row.as_of is None else row.as_of.isoformat(),
            "age_days": None if row.age is None else row.age.days,
            "entries": row.count,
            "stale": row.is_stale,
            "origin": row.origin,
            "problem": row.problem,
        }
        for row in rows
    ]
    return dump({**heading(now), "sources": sources})


def render_refresh_text(report: Refresh, style: Style) -> str:
    """Write what became of each source."""
    lines: list[str] = []
    for outcome in report.outcomes:
        name = visible(outcome.source)
        if outcome.problem is None:
            word = "current" if outcome.is_unchanged else "updated"
            count = plural(outcome.updated, outcome.unit)
            lines.append(f"{style.paint(word, 'good')}  {name}: {count}")
        else:
            text = f"{name}: {visible(outcome.problem)}"
            first, *rest = wrap(text, style.width - 9)
            lines.append(f"{style.paint('failed', 'error')}   {first}")
            lines += [" " * 9 + line for line in rest]
    for reason in report.skipped:
        first, *rest = wrap(visible(reason), style.width - 9)
        lines += [style.paint(f"kept     {first}", "dim"), *(" " * 9 + line for line in rest)]
    return "\n".join(lines) + "\n"
