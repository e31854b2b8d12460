"""The summary of a report for a terminal, and where the report itself is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.render.layout import table, wrap
from basekeeper.render.report_view import (
    STATEMENT,
    not_known,
    period_words,
    scope_words,
    share_words,
    span_or_not,
    window_words,
)
from basekeeper.render.safe import visible
from basekeeper.render.view import plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.render.layout import Style
    from basekeeper.values.evidence import Evidence

MAX_DOUBTS: Final = 10
"""Most that a summary names of what is not known."""

_HEAD: Final = ("", "in time", "late", "overdue", "open", "unknown", "median to patch", "window")


def report_text(found: Evidence, style: Style, *, file: str | None) -> str:
    """Write the summary.

    Args:
        found: The report.
        style: How text may look.
        file: Where the report was written to; None: nowhere.
    """
    lines = [
        style.paint(f"Evidence: {visible(scope_words(found))}", "bold"),
        f"{period_words(found)}, as of {found.now:%Y-%m-%d %H:%M} UTC",
        "",
        *_measures(found),
        "",
        f"ended in time: {share_words(found.measures.share)} of what was due",
        *_unknown(found, style),
        *(f"notice: {visible(text)}" for text in found.notices),
    ]
    if file is not None:
        lines.append(f"written to {visible(file)}")
    else:
        lines += ["", *wrap(STATEMENT, style.width)]
    return "\n".join(lines) + "\n"


def _measures(found: Evidence) -> list[str]:
    rows: list[tuple[str, ...]] = [_HEAD]
    rows += [
        (
            one.urgency.word,
            f"{one.in_time:,}",
            f"{one.late:,}",
            f"{one.overdue:,}",
            f"{one.running + one.waiting + one.excepted:,}",
            f"{one.unproven + one.unknown:,}",
            span_or_not(one.patch.median, one.patch.count),
            window_words(one),
        )
        for one in found.measures.urgencies
        if one.total
    ]
    return table(rows) if len(rows) > 1 else ["no finding was known in that time"]


def _unknown(found: Evidence, style: Style) -> Iterator[str]:
    told = not_known(found)
    if told:
        yield style.paint(f"not known: {plural(len(told), 'thing')}", "warning")
        yield from (f"  {visible(text)}" for text in told[:MAX_DOUBTS])
        if len(told) > MAX_DOUBTS:
            yield f"  and {len(told) - MAX_DOUBTS:,} more, which the report names"
