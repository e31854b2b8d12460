"""The evidence of a period or a release as one page that needs nothing else: no script, no font.

It prints, reads on a telephone, and says at the end what it rests on. Where there is more than a
person would read it says how much, and the JSON and CSV of the same report hold all of it.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Final

from basekeeper import __version__
from basekeeper.render.report_charts import (
    flow_chart,
    lag_chart,
    legend,
    patch_chart,
    share_chart,
    trend_chart,
)
from basekeeper.render.report_markup import Markup, element, joined
from basekeeper.render.report_parts import repository_parts
from basekeeper.render.report_style import STYLE
from basekeeper.render.report_tables import Column, table
from basekeeper.render.report_view import (
    STATEMENT,
    day,
    not_known,
    percent,
    period_words,
    scope_words,
    share_words,
    span_or_not,
    window_words,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from basekeeper.values.evidence import Evidence, Measures, TrendPoint, UrgencyMeasure

MAX_DOUBTS: Final = 50
"""Most that the page names of what is not known."""

MAX_HEADS: Final = 200
"""Most ends of chains that the page names."""

MAX_MARK_CHARS: Final = 1_000_000
"""Most that hidden marks take of the page."""

METHODS: Final = (
    (
        "In time: ended within the period, proven by a scan of the published image, and never "
        "overdue while nothing paused it. The share is of what ended in time, ended late, or is "
        "overdue; what still has time, is paused, has no fix, or cannot be told is counted beside."
    ),
    (
        "Overdue counts what passed its due time while nothing paused it and has not ended, also "
        "where a waiver was granted afterwards."
    ),
    (
        "Time to patch: from the start of the action clock (found, and a fix there) to the proof "
        "in the published image, of what ended within the period."
    ),
    (
        "Upstream: from the first fix of a vulnerability to the first base image of that line that "
        "holds it, as far as scans of ours saw it; each vulnerability counts once. What waits "
        "longer than a limit has missed it."
    ),
    (
        "A percentage and a median need 5, the ninetieth percentile 10; of fewer the numbers alone "
        "are shown. Medians of an even number are the mean of the two in the middle."
    ),
    (
        "Categories and lifecycle are judged at the instant of the report, by the calendars named "
        "here, not by those of the day on which an image was built."
    ),
)
"""What each number means, in short; docs/reference/report.md says it in full."""


def report_html(found: Evidence) -> Iterator[str]:
    """Write the page, piece by piece."""
    title = f"Patch evidence: {scope_words(found)}"
    yield "<!DOCTYPE html>\n"
    yield '<html lang="en">\n'
    yield element("head", _head(title))
    yield "\n<body>\n"
    for part in _body(found):
        yield part
        yield "\n"
    yield from _marks(found)
    yield "</body>\n</html>\n"


def _head(title: str) -> Iterator[Markup]:
    """Write the head; the policy of contents allows our own style and nothing else."""
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode("ascii")
    rules = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    yield element("meta", charset="utf-8")
    yield element("meta", http_equiv="Content-Security-Policy", content=Markup(rules))
    yield element("meta", name="viewport", content="width=device-width, initial-scale=1")
    yield element("meta", name="color-scheme", content="light dark")
    yield element("meta", name="referrer", content="no-referrer")
    yield element("meta", name="generator", content=f"basekeeper {__version__}")
    yield element("title", title)
    yield element("style", Markup(STYLE))


def _body(found: Evidence) -> Iterator[Markup]:
    yield element("header", _title(found))
    yield _tiles(found.measures)
    if unknown := not_known(found):
        yield _unknown(unknown)
    yield from _charts(found)
    yield element("div", repository_parts(found), class_="detail")
    yield from _basis(found)


def _title(found: Evidence) -> Iterator[Markup]:
    yield element("p", "Patch evidence for base images", class_="soft")
    yield element("h1", scope_words(found))
    facts = [("Period", period_words(found)), ("As of", f"{day(found.now)} UTC, as are all times")]
    if found.release is not None:
        one = found.release
        facts[:0] = [
            ("Repository", one.repository),
            ("Image", element("code", one.digest)),
            ("Published", f"{day(one.at)} UTC, recorded {day(one.recorded)} UTC"),
        ]
    elif found.products:
        facts.append(("Products", ", ".join(found.products)))
    yield _facts(facts)
    yield element("p", STATEMENT, class_="statement small")


def _facts(facts: Sequence[tuple[str, str]]) -> Markup:
    rows = [joined((element("dt", name), element("dd", value))) for name, value in facts]
    return element("dl", rows, class_="facts")


def _tiles(told: Measures) -> Markup:
    """Write the numbers that are read first."""
    share = told.share
    if share.ratio is None:
        first = f"{share.part:,} of {share.whole:,}" if share.whole else "none"
        note = "ended in time; too few for a percentage" if share.whole else "nothing was due"
    else:
        first, note = percent(share.ratio), f"ended in time: {share.part:,} of {share.whole:,} due"
    late = sum(one.late for one in told.urgencies)
    tiles = (
        (first, note),
        (f"{late:,}", "ended late"),
        (f"{told.overdue:,}", "overdue at the end"),
        (f"{told.open:,}", "open, not overdue"),
        (f"{told.excepted:,}", "paused by a waiver or statement"),
        (f"{told.unknown:,}", "outcome unknown or release not proven"),
    )
    made = [
        element("div", element("b", number), element("span", words), class_="tile")
        for number, words in tiles
    ]
    return element("div", made, class_="tiles")


def _unknown(told: Sequence[str]) -> Markup:
    rows = [element("li", one) for one in told[:MAX_DOUBTS]]
    if len(told) > MAX_DOUBTS:
        rows.append(element("li", f"and {len(told) - MAX_DOUBTS:,} more, which the JSON names"))
    return element(
        "section",
        element("h2", "What is not known"),
        element("p", "There may be more than this report shows:", class_="small"),
        element("ul", rows, class_="small"),
        class_="warn",
    )


def _charts(found: Evidence) -> Iterator[Markup]:
    told = found.measures
    rows = [one for one in told.urgencies if one.total or one.patch.count]
    yield element("h2", "Measures")
    if not rows:
        yield element("p", "No finding was known within the period.")
        return
    panels = [
        _panel(
            "Share in time, by severity",
            share_chart(rows),
            legend(("good", "in time"), ("late", "late"), ("bad", "overdue, not ended")),
        ),
        _panel(
            "Time to patch, as part of the window",
            patch_chart(rows),
            legend(("good", "median within it"), ("bad", "beyond it"), ("rest", "nine of ten")),
        ),
        _panel(
            f"Open at the end of each {told.trend_unit}",
            trend_chart(told.trend),
            legend(("rest", "open"), ("bad", "of these overdue")),
        ),
        _panel(
            f"Found and ended in each {told.trend_unit}",
            flow_chart(told.trend),
            legend(("rest", "found"), ("good", "ended")),
        ),
    ]
    if told.lags:
        panels.append(
            _panel(
                "Upstream lag, by line of base images",
                element(
                    "p",
                    "From a fix to a base image that holds it; lines at 48 hours and 7 days.",
                    class_="small soft",
                ),
                lag_chart(told.lags),
                legend(("rest", "median, and nine of ten")),
                wide=True,
            )
        )
    yield element("div", panels, class_="panels")
    yield _numbers(rows)


def _panel(title: str, *parts: Markup, wide: bool = False) -> Markup:
    name = "panel wide" if wide else "panel"
    return element("section", element("h3", title), list(parts), class_=name)


def _numbers(rows: Sequence[UrgencyMeasure]) -> Markup:
    columns: tuple[Column[UrgencyMeasure], ...] = (
        Column("Severity", lambda one: one.urgency.word),
        Column("Window", window_words),
        Column("In time", lambda one: f"{one.in_time:,}", is_number=True),
        Column("Late", lambda one: f"{one.late:,}", is_number=True),
        Column("Overdue", lambda one: f"{one.overdue:,}", is_number=True),
        Column("Share in time", lambda one: share_words(one.share)),
        Column("Time left", lambda one: f"{one.running:,}", is_number=True),
        Column("No fix yet", lambda one: f"{one.waiting:,}", is_number=True),
        Column("Paused", lambda one: f"{one.excepted:,}", is_number=True),
        Column("Not proven", lambda one: f"{one.unproven + one.unknown:,}", is_number=True),
        Column("No clock", lambda one: f"{one.unclocked:,}", is_number=True),
        Column("Median to patch", lambda one: span_or_not(one.patch.median, one.patch.count)),
        Column("Nine of ten", lambda one: span_or_not(one.patch.slow, one.patch.count)),
    )
    return table("Findings of the period by severity; each is counted once", columns, rows)


def _trend(told: Measures) -> Markup:
    columns: tuple[Column[TrendPoint], ...] = (
        Column(told.trend_unit.capitalize(), lambda one: one.label),
        Column("Found", lambda one: f"{one.opened:,}", is_number=True),
        Column("Ended", lambda one: f"{one.closed:,}", is_number=True),
        Column("Open at its end", lambda one: f"{one.open:,}", is_number=True),
        Column("Of these overdue", lambda one: f"{one.overdue:,}", is_number=True),
    )
    return table(None, columns, told.trend, class_="trend")


def _basis(found: Evidence) -> Iterator[Markup]:
    """Say what the report rests on."""
    yield element("h2", "What this rests on", class_="chapter", id="basis")
    data = ", ".join(f"{name} of {as_of}" for name, as_of in sorted(found.data.items()))
    yield _facts(
        (
            ("Program", f"basekeeper {__version__}"),
            ("Policy", joined((found.policy_name, element("code", found.policy_digest)), ", ")),
            ("Ledger", element("code", found.ledger)),
            ("Calendars", data),
        )
    )
    if found.notices:
        yield element("ul", [element("li", one) for one in found.notices], class_="small")
    yield element("h3", "How the numbers are made")
    yield element("ul", [element("li", one) for one in METHODS], class_="small")
    yield element("h3", f"The trend in numbers, by {found.measures.trend_unit}")
    yield _trend(found.measures)
    yield element("h3", "Ends of the chains that were read")
    yield element(
        "p",
        "Each event of the ledger is chained to the one before it by its hash. Whoever keeps these "
        "can prove later that nothing before them was changed: ",
        element("code", "basekeeper ledger verify --head CHAIN@POSITION:HASH"),
        class_="small",
    )
    heads = [
        element("li", element("code", f"{one.chain}@{one.position}:{one.hash}"))
        for one in found.heads[:MAX_HEADS]
    ]
    if len(found.heads) > MAX_HEADS:
        heads.append(element("li", f"and {len(found.heads) - MAX_HEADS:,} more in the JSON"))
    yield element("ul", heads, class_="small")


def _marks(found: Evidence) -> Iterator[str]:
    """Write hidden marks as far as there is room; they are comments made of harmless letters."""
    room = MAX_MARK_CHARS
    for mark in found.marks:
        room -= len(mark)
        if room < 0:
            return
        yield mark + "\n"
