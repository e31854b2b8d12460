"""The findings of a report as CSV (RFC 4180): one row for each episode, for spreadsheets.

A spreadsheet takes a cell that begins with `=`, `+`, `-` or `@` for a formula, so that such a cell,
and one that begins with what a spreadsheet skips, gets an apostrophe in front.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final

from basekeeper.render.json import instant
from basekeeper.render.report_view import findings
from basekeeper.render.safe import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime, timedelta

    from basekeeper.values.evidence import Evidence, FindingEvidence

_FORMULA: Final = (
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
    " ",
    "'",
    "\uff1d",
    "\uff0b",
    "\uff0d",
    "\uff20",
)
"""The last four are the first four in the width of Chinese letters, which some programs take."""

_ROWS_AT_ONCE: Final = 500


def report_csv(found: Evidence) -> Iterator[str]:
    """Write one row of names, then one for each episode, in the order of the page."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for number, one in enumerate(findings(found), 1):
        writer.writerow([cell(read(one)) for read in COLUMNS.values()])
        if number % _ROWS_AT_ONCE == 0:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def cell(text: str) -> str:
    """Make a text harmless to look at, and no formula."""
    shown = visible(text)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown


def _instant(at: datetime | None) -> str:
    return "" if at is None else instant(at)


def _hours(span: timedelta | None) -> str:
    return "" if span is None else f"{span.total_seconds() / 3600:.2f}"


def _severity(one: FindingEvidence) -> str:
    return "unknown" if one.deadline.severity is None else one.deadline.severity.word


def _to_patch(one: FindingEvidence) -> timedelta | None:
    action = one.deadline.action
    return None if action.start is None or action.end is None else action.end - action.start


def _pause(one: FindingEvidence) -> str:
    pause = one.deadline.pause
    return "" if pause is None else f"{pause.kind.value}: {pause.name}"


COLUMNS: Final[Mapping[str, Callable[[FindingEvidence], str]]] = {
    "repository": lambda one: one.repository,
    "product": lambda one: one.deadline.product or "",
    "vulnerability": lambda one: one.deadline.finding.vulnerability,
    "package": lambda one: one.deadline.finding.package,
    "name": lambda one: one.name,
    "lineage": lambda one: one.deadline.finding.lineage,
    "platform": lambda one: one.deadline.finding.platform,
    "installed": lambda one: one.installed,
    "fixed": lambda one: ", ".join(one.fixed),
    "episode": lambda one: str(one.deadline.episode),
    "severity": _severity,
    "urgency": lambda one: one.deadline.urgency.word,
    "state": lambda one: one.deadline.state.value,
    "in_published_image": lambda one: "yes" if one.is_shipped else "no",
    "clause": lambda one: one.deadline.clause.name,
    "window": lambda one: one.deadline.clause.value,
    "opened": lambda one: _instant(one.opened),
    "fix_available": lambda one: _instant(one.deadline.upstream.start),
    "base_available": lambda one: _instant(one.deadline.upstream.end),
    "action_start": lambda one: _instant(one.deadline.action.start),
    "due": lambda one: _instant(one.deadline.due),
    "proposed": lambda one: _instant(one.proposed),
    "merged": lambda one: _instant(one.merged),
    "verified": lambda one: _instant(one.verified),
    "closed": lambda one: _instant(one.deadline.action.end),
    "breached": lambda one: _instant(one.deadline.breached_at),
    "hours_to_patch": lambda one: _hours(_to_patch(one)),
    "hours_overdue": lambda one: _hours(one.deadline.overdue_by),
    "hours_exposed": lambda one: _hours(one.deadline.exposure.elapsed),
    "paused_by": _pause,
    "notes": lambda one: "; ".join(one.deadline.notes),
}
"""Name of each column → what stands there. Columns are only added, at the end."""
