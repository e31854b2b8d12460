"""Charts of a report: SVG without text, which stands in HTML beside it and so is never too small.

Every chart has a name that tells what it shows, and a table with the same numbers below it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.render.deadlines_view import span_words
from basekeeper.render.report_markup import Markup, element, joined
from basekeeper.render.report_view import (
    TOO_FEW,
    share_words,
    span_or_not,
    window_words,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from basekeeper.values.evidence import LagMeasure, TrendPoint, UrgencyMeasure

MOST_OF_WINDOW: Final = 3.0
"""Most windows that a bar of the time to patch may be long; what took longer ends at the edge."""

LABELS: Final = 4
"""Most labels below a trend."""

_WIDTH: Final = 1_000
"""Units from the left to the right end of every chart, which stretches."""

_HEIGHT: Final = 18
_PLOT: Final = 150
_MARK: Final = timedelta(hours=48)
_WEEK: Final = timedelta(days=7)


class _Segment(NamedTuple):
    """A part of a bar."""

    size: float
    role: str
    """`good`, `late`, `bad` or `rest`."""


def share_chart(rows: Iterable[UrgencyMeasure]) -> Markup:
    """Draw, for each severity, which part of what was due ended in time, late, or not at all."""
    parts: list[Markup] = []
    for one in rows:
        name = element("div", one.urgency.word)
        if not one.share.whole:
            parts += (name, element("div", "nothing was due", class_="none"))
            continue
        told = f"{one.in_time:,} in time, {one.late:,} late, {one.overdue:,} overdue"
        segments = (
            _Segment(one.in_time / one.share.whole, "good"),
            _Segment(one.late / one.share.whole, "late"),
            _Segment(one.overdue / one.share.whole, "bad"),
        )
        few = "" if one.share.ratio is not None else f"; {TOO_FEW} for a percentage"
        parts += (
            name,
            _bar(f"{one.urgency.word}: {told}", _stacked(segments)),
            element("div", f"{share_words(one.share)} in time{few}", class_="value"),
        )
    return element("div", parts, class_="bars")


def patch_chart(rows: Sequence[UrgencyMeasure]) -> Markup:
    """Draw which part of its window the median, and the slowest tenth, of each severity took."""
    parts: list[Markup] = []
    for one in rows:
        words = span_or_not(one.patch.median, one.patch.count)
        told = f"{words}, window {window_words(one)}, n = {one.patch.count:,}"
        name = element("div", one.urgency.word)
        if one.patch.median is None or not one.window:
            shown = told if one.patch.count else "nothing ended"
            parts += (name, element("div", shown, class_="none"))
            continue
        used = one.patch.median / one.window
        slow = None if one.patch.slow is None else one.patch.slow / one.window
        parts += (
            name,
            _bar(
                f"{one.urgency.word}: median {told}",
                _ranged(used, slow, MOST_OF_WINDOW, "good" if used <= 1 else "bad"),
                _line(1 / MOST_OF_WINDOW),
            ),
            element("div", _patch_words(one, told), class_="value"),
        )
    if any(one.patch.median is not None and one.window for one in rows):
        parts += (element("div"), _axis(("0", "the window", "twice", "three times")))
    return element("div", parts, class_="bars")


def lag_chart(rows: Sequence[LagMeasure]) -> Markup:
    """Draw how long each line of bases took from a fix to an image that holds it."""
    longest = max(
        (span for one in rows for span in (one.arrived.median, one.arrived.slow) if span),
        default=_WEEK,
    )
    most = max(longest, _WEEK) * 1.05
    parts: list[Markup] = []
    for one in rows:
        parts.append(element("div", element("code", one.lineage)))
        if one.arrived.median is not None:
            slow = None if one.arrived.slow is None else one.arrived.slow / most
            parts.append(
                _bar(
                    f"{one.lineage}: median {span_words(one.arrived.median)}",
                    _ranged(one.arrived.median / most, slow, 1, "rest"),
                    _line(_MARK / most),
                    _line(_WEEK / most),
                )
            )
        parts.append(element("div", lag_words(one), class_="value"))
    if any(one.arrived.median is not None for one in rows):
        parts.append(_axis(("0", span_words(most))))
    return element("div", parts, class_="bars lines")


def lag_words(one: LagMeasure) -> str:
    """Say what was measured of a line of bases."""
    told = ["no base with a fix came"]
    if one.arrived.count:
        told = [f"median: {span_or_not(one.arrived.median, one.arrived.count)}"]
    if one.arrived.slow is not None:
        told.append(f"nine of ten within {span_words(one.arrived.slow)}")
    told += [f"{share_words(share)} within {span_words(limit)}" for limit, share in one.within]
    told.append(f"n = {one.arrived.count:,}")
    if one.waiting:
        longest = "" if one.longest_wait is None else f", {span_words(one.longest_wait)} at most"
        told.append(f"{one.waiting:,} still without a base{longest}")
    if one.unwatched:
        told.append(f"{one.unwatched:,} not watched to the end")
    return "; ".join(told)


def trend_chart(points: Sequence[TrendPoint]) -> Markup:
    """Draw what was open at the end of each week or month, and what of it was overdue."""
    most = max((one.open for one in points), default=0)
    top = max(most, 1)
    bars = (
        _column(index, len(points), (one.open / top, one.overdue / top))
        for index, one in enumerate(points)
    )
    last = points[-1].open if points else 0
    return _plot(
        f"open at the end of each: {last:,} at the last, {most:,} at most", most, bars, points
    )


def flow_chart(points: Sequence[TrendPoint]) -> Markup:
    """Draw how many were found and how many ended in each week or month."""
    most = max((max(one.opened, one.closed) for one in points), default=0)
    top = max(most, 1)
    bars = (
        _pair(index, len(points), (one.opened / top, one.closed / top))
        for index, one in enumerate(points)
    )
    opened, closed = sum(one.opened for one in points), sum(one.closed for one in points)
    return _plot(f"{opened:,} found and {closed:,} ended", most, bars, points)


def legend(*entries: tuple[str, str]) -> Markup:
    """Explain colours.

    Args:
        entries: Role of a colour, and what it stands for.
    """
    return element(
        "div",
        [element("span", _square(role), meaning) for role, meaning in entries],
        class_="legend",
    )


def _square(role: str) -> Markup:
    shape = element("rect", width="10", height="10", class_=f"f-{role}")
    return element("svg", shape, viewBox="0 0 10 10", aria_hidden="true")


def _patch_words(one: UrgencyMeasure, told: str) -> str:
    slow = one.patch.slow
    return told if slow is None else f"{told}; nine of ten within {span_words(slow)}"


def _axis(labels: Iterable[str]) -> Markup:
    return element("div", [element("span", label) for label in labels], class_="axis")


def _bar(name: str, *shapes: Markup) -> Markup:
    ground = element("rect", width=str(_WIDTH), height=str(_HEIGHT), class_="f-panel")
    return _svg(name, _HEIGHT, (ground, *shapes))


def _svg(name: str, height: int, shapes: Iterable[Markup]) -> Markup:
    return element(
        "svg",
        element("title", name),
        list(shapes),
        viewBox=f"0 0 {_WIDTH} {height}",
        preserveAspectRatio="none",
        role="img",
        aria_label=name,
    )


def _stacked(segments: Iterable[_Segment]) -> Markup:
    shapes = []
    left = 0.0
    for one in segments:
        if one.size:
            shapes.append(_rect(left, 0, one.size, _HEIGHT, one.role))
        left += one.size
    return joined(shapes)


def _ranged(size: float, reach: float | None, most: float, role: str) -> Markup:
    """Draw a bar, and a thin line on to where nine of ten are."""
    shapes = []
    if reach is not None:
        end = f"{min(reach / most, 1) * _WIDTH:.0f}"
        middle = str(_HEIGHT // 2)
        shapes.append(element("line", x1="0", x2=end, y1=middle, y2=middle, class_="reach"))
    shapes.append(_rect(0, 4, min(size / most, 1), _HEIGHT - 8, role))
    return joined(shapes)


def _rect(left: float, top: float, width: float, height: float, role: str) -> Markup:
    """Draw a rectangle; left and width as parts of the whole width."""
    return element(
        "rect",
        x=f"{left * _WIDTH:.1f}",
        y=f"{top:.1f}",
        width=f"{max(width * _WIDTH, 2):.1f}",
        height=f"{height:.1f}",
        class_=f"f-{role}",
    )


def _line(at: float) -> Markup:
    x = f"{min(at, 1) * _WIDTH:.0f}"
    return element("line", x1=x, x2=x, y1="0", y2=str(_HEIGHT), class_="limit")


def _column(index: int, count: int, sizes: tuple[float, float]) -> Markup:
    """Draw what was open, the overdue part of it below."""
    open_, overdue = sizes
    slot = 1 / count
    left, width = (index + 0.12) * slot, 0.76 * slot
    shapes = []
    if open_ > overdue:
        height = (open_ - overdue) * _PLOT
        shapes.append(_rect(left, _PLOT - open_ * _PLOT, width, height, "rest"))
    if overdue:
        shapes.append(_rect(left, _PLOT - overdue * _PLOT, width, overdue * _PLOT, "bad"))
    return joined(shapes)


def _pair(index: int, count: int, sizes: tuple[float, float]) -> Markup:
    slot = 1 / count
    shapes = []
    for number, (size, role) in enumerate(zip(sizes, ("rest", "good"), strict=True)):
        left = (index + 0.1 + 0.4 * number) * slot
        if size:
            shapes.append(_rect(left, _PLOT - size * _PLOT, 0.38 * slot, size * _PLOT, role))
    return joined(shapes)


def _plot(name: str, most: int, bars: Iterable[Markup], points: Sequence[TrendPoint]) -> Markup:
    middle = str(_PLOT // 2)
    grid = element("line", x1="0", x2=str(_WIDTH), y1=middle, y2=middle, class_="grid")
    scale = [element("span", label) for label in (f"{most:,}", "", "0")]
    return element(
        "div",
        element("div", scale, class_="scale"),
        _svg(name, _PLOT, (grid, *bars)),
        _axis(_labels(points)),
        class_="plot",
    )


def _labels(points: Sequence[TrendPoint]) -> Iterator[str]:
    """Yield labels at even distances, the first and the last among them."""
    count = min(LABELS, len(points))
    for number in range(count):
        yield points[number * (len(points) - 1) // max(count - 1, 1)].label
