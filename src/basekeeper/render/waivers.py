"""Waivers as a list, and what an edit of their file changes as a patch."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final

from basekeeper.deadlines.model import WAIVER_WARNINGS
from basekeeper.render.diff import CONTEXT, file_heads, hunk_line, painted_patch
from basekeeper.render.encode import dump
from basekeeper.render.json import heading
from basekeeper.render.layout import wrap
from basekeeper.render.safe import visible
from basekeeper.render.view import plural
from basekeeper.waivers.writing import file_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    from basekeeper.render.layout import Style
    from basekeeper.values.waiver import Waiver
    from basekeeper.waivers.writing import WaiverEdit

_ROLES: Final = {"holds": "good", "ends soon": "warning", "expired": "error", "ended": "dim"}
_SCOPE: Final = ("images", "packages", "products", "platforms", "paths")


def days_left(waiver: Waiver, now: datetime) -> int:
    """Count the days after today on which a waiver holds; negative: since when it does not."""
    return (waiver.until - now.date()).days


def warning_of(waiver: Waiver, now: datetime) -> int | None:
    """Tell which warning is due: 14, 7 or 1 days before the end; None: none, or it is over."""
    end = datetime.combine(waiver.until, time(), tzinfo=UTC) + timedelta(days=1)
    left = end - now
    if waiver.ended is not None or left <= timedelta(0):
        return None
    return min((days for days in WAIVER_WARNINGS if left <= timedelta(days=days)), default=None)


def state_of(waiver: Waiver, now: datetime) -> str:
    """Say in a word or two where a waiver stands."""
    if waiver.ended is not None:
        return "ended"
    if days_left(waiver, now) < 0:
        return "expired"
    return "holds" if warning_of(waiver, now) is None else "ends soon"


def render_waivers_text(
    waivers: Sequence[Waiver], ended: Sequence[Waiver], now: datetime, style: Style
) -> str:
    """List waivers, those that end first before the others; of those that ended their number."""
    lines: list[str] = []
    for waiver in sorted(waivers, key=lambda one: (one.until, one.source, one.line)):
        lines += [*_waiver_lines(waiver, now, style), ""]
    states = [state_of(waiver, now) for waiver in waivers]
    told = [plural(len(waivers), "waiver")]
    told += [f"{count} {word}" for word in _ROLES if (count := states.count(word))]
    told += [f"{len(ended)} ended before"] if ended else []
    return "\n".join([*lines, ", ".join(told)]) + "\n"


def render_waivers_json(waivers: Iterable[Waiver], ended: Iterable[Waiver], now: datetime) -> str:
    """List every waiver, in the order of their places."""
    every = sorted((*waivers, *ended), key=lambda one: (one.inline, one.source, one.line))
    return dump({**heading(now), "waivers": [waiver_object(one, now) for one in every]})


def waiver_object(waiver: Waiver, now: datetime) -> dict[str, Any]:
    """Write all that is known of a waiver."""
    return {
        "id": waiver.name,
        "state": state_of(waiver, now).replace(" ", "-"),
        "days_left": days_left(waiver, now),
        "warning": warning_of(waiver, now),
        "rules": list(waiver.rules),
        "vulnerabilities": list(waiver.vulnerabilities),
        **{name: list(getattr(waiver, name)) for name in _SCOPE},
        "severity": waiver.severity or None,
        "owner": waiver.owner,
        "reason": waiver.reason,
        "control": waiver.control or None,
        "granted": _day(waiver.granted),
        "until": waiver.until.isoformat(),
        "approved_by": waiver.approved_by or None,
        "renews": waiver.renews or None,
        "ended": _day(waiver.ended),
        "ended_because": waiver.ended_because or None,
        "source": waiver.source,
        "line": waiver.line,
        "inline": waiver.inline,
    }


def waiver_diff(edit: WaiverEdit, *, prefix: str = "") -> bytes:
    """Write an edit as a patch that `git apply` and `patch -p1` take, byte for byte."""
    old = file_lines(edit.before or b"")
    out = [*file_heads(edit.path, prefix=prefix, is_new=edit.before is None)]
    shift = 0
    for first, last in _ranges(edit, len(old)):
        body = list(_hunk(edit, old, first, last))
        size = last - first
        added = sum(line.startswith(b"+") for line in body)
        removed = sum(line.startswith(b"-") for line in body)
        new_size = size + added - removed
        new_first = first + shift
        shift += added - removed
        start = (first + 1 if size else first, size, new_first + 1, new_size)
        out.append(b"@@ -%d,%d +%d,%d @@\n" % start)
        out += body
    return b"".join(out)


def painted_waiver_diff(edit: WaiverEdit, style: Style, *, prefix: str = "") -> Iterator[str]:
    """Write the same for a terminal: coloured, and nothing in it acts."""
    patch = waiver_diff(edit, prefix=prefix).decode("utf-8", "surrogateescape")
    yield from painted_patch(patch, style)


def _waiver_lines(waiver: Waiver, now: datetime, style: Style) -> Iterator[str]:
    """Write what a waiver is called, what it covers, until when, whose it is, and why."""
    state = state_of(waiver, now)
    yield (
        f"{style.paint(state, _ROLES[state])}  {style.paint(visible(waiver.name), 'bold')}"
        f"  {_until(waiver, now)}"
    )
    scope = [f"{name} {', '.join(found)}" for name in _SCOPE if (found := getattr(waiver, name))]
    scope += [f"up to {waiver.severity}"] if waiver.severity else []
    parts = ["; ".join([", ".join(waiver.covered), *scope])]
    parts.append(f"{waiver.owner}: {waiver.reason}")
    parts += [f"meanwhile: {waiver.control}"] if waiver.control else []
    parts += [f"approved by {waiver.approved_by}"] if waiver.approved_by else []
    parts += [f"renews {waiver.renews}"] if waiver.renews else []
    parts.append(f"{waiver.source}:{waiver.line}")
    for part in parts:
        yield from (f"  {line}" for line in wrap(visible(part), style.width - 2))


def _until(waiver: Waiver, now: datetime) -> str:
    """Say when a waiver ends, and in how many days."""
    left = days_left(waiver, now)
    if left < 0:
        return f"ended on {waiver.until}, {plural(-left, 'day')} ago"
    if left == 0:
        return f"until {waiver.until}: today is its last day"
    return f"until {waiver.until}, {plural(left, 'day')} left"


def _ranges(edit: WaiverEdit, count: int) -> Iterator[tuple[int, int]]:
    """Return the lines around each insertion; what touches is one."""
    first = last = -1
    for insertion in edit.insertions:
        begin, end = max(insertion.at - CONTEXT, 0), min(insertion.at + CONTEXT, count)
        if first >= 0 and begin <= last:
            last = end
            continue
        if first >= 0:
            yield first, last
        first, last = begin, end
    if first >= 0:
        yield first, last


def _hunk(edit: WaiverEdit, old: Sequence[bytes], first: int, last: int) -> Iterator[bytes]:
    """Write lines that stay, and those that are put between them."""
    inside = {one.at: one for one in edit.insertions if first <= one.at <= last}
    for at in range(first, last + 1):
        if at in inside:
            if at == len(old) and old and not old[-1].endswith(b"\n"):
                ending = b"\r\n" if inside[at].lines[0].endswith(b"\r\n") else b"\n"
                yield hunk_line(b"-", old[-1])
                yield hunk_line(b"+", old[-1] + ending)
            yield from (hunk_line(b"+", line) for line in inside[at].lines)
        if at < last:
            is_cut = at == len(old) - 1 and len(old) in inside and not old[-1].endswith(b"\n")
            if not is_cut:
                yield hunk_line(b" ", old[at])


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
