"""How images stand, for people at a terminal.

    node:20.11-bookworm-slim                     outdated · ended 2026-04-30
        patch   20.19.5-bookworm-slim   14 months  20.19 is the newest of 20
        major   24.11-bookworm-slim     20 days    24 is the newest LTS line
        os-drift  …
        api/Dockerfile:1 and 3 more places

An image that nothing is newer than takes one line. Below: registries that did not answer, each once
for all images, and the totals.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

from basekeeper.render.layout import (
    fit_image,
    fit_middle,
    pad,
    short_digests,
    table,
    width_of,
    wrap,
)
from basekeeper.render.outdated_view import (
    Status,
    age_of,
    age_words,
    ageless,
    notes,
    own_gaps,
    pointed,
    remark,
    remedies,
    rows,
    summary,
    target,
    trouble_words,
    waiting,
)
from basekeeper.render.safe import visible
from basekeeper.render.view import plural
from basekeeper.values.finding import Truth

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime

    from basekeeper.render.layout import Style
    from basekeeper.render.outdated_view import Row, Support
    from basekeeper.tags.updates import Choice
    from basekeeper.values.resolution import Standings

MAX_PLACES: Final = 3
"""Most places that are named of an image; `--verbose` names all."""

_INDENT: Final = 4
_LABEL: Final = 9
"""Columns of what a line is about."""

_AGE: Final = 14
"""Columns that are left to an age, with the gaps beside it."""

_ROLES: Final = {Status.OUTDATED: "warning", Status.CURRENT: "good", Status.UNKNOWN: "error"}


def render_outdated_text(
    found: Standings, style: Style, *, kinds: Collection[str] = (), verbose: bool = False
) -> str:
    """Write how every image stands.

    Args:
        found: What was found and told.
        style: Columns, colours and signs of the output.
        kinds: Kinds and axes to show; empty: all that the rules want.
        verbose: Also why there is nothing newer, what tags point to, and every place.
    """
    shown = rows(found, kinds)
    lines: list[str] = []
    for row in shown:
        lines.append(_headline(row, style))
        lines += _body(row, found, style, verbose=verbose)
    if lines:
        lines.append("")
    lines += _troubles(found, style)
    lines += _remedies(remedies(shown, found), style)
    lines += _unread(found, style)
    held = ageless(shown)
    for notice in (*found.notices, *([held] if held else ())):
        lines += _labelled("note", notice, "note", style, indent=0)
    totals = summary(shown) if shown else "nothing to ask: no file here names an image"
    lines += wrap(totals, style.width)
    return "\n".join(lines) + "\n"


def _headline(row: Row, style: Style) -> str:
    """Write the image and, on the right, its status and its support."""
    support = _support_words(row.support)
    right = f"{row.status.value} {style.dot} {support}"
    room = style.width - width_of(right) - 2
    name = pad(fit_image(visible(row.name), room, style.ellipsis), room)
    role = {Truth.NO: "error", Truth.UNKNOWN: "dim", Truth.YES: "good"}[row.support.value]
    status = style.paint(row.status.value, _ROLES[row.status])
    return f"{style.paint(name, 'bold')}  {status} {style.dot} {style.paint(support, role)}"


def _support_words(support: Support) -> str:
    """Say in few words whether and how long an image is supported."""
    if support.value is Truth.UNKNOWN:
        return "support unknown"
    if support.value is Truth.NO:
        return f"ended {support.until}" if support.until else "ended"
    return f"until {support.until}" if support.until else "supported"


def _body(row: Row, found: Standings, style: Style, *, verbose: bool) -> Iterator[str]:
    """Write what an image can be moved to, what to know of it, and where it is."""
    gaps = list(row.gaps) if verbose else own_gaps(row, found)
    is_told = row.status is Status.CURRENT or (row.gaps and not gaps and not row.steps)
    if is_told and not (verbose or any(notes(row)) or any(waiting(row))):
        return
    if verbose:
        yield from _now(row, found.now, style)
    yield from _steps(row, style, verbose=verbose)
    yield from _waiting(row, style)
    yield from _rest(row, style, verbose=verbose)
    for gap in gaps:
        yield from _labelled("unknown", short_digests(gap.reason, style.ellipsis), "error", style)
    for kind, text in notes(row):
        yield from _labelled(kind, text, "warning", style)
    yield from _places(row, style, verbose=verbose)


def _now(row: Row, now: datetime, style: Style) -> Iterator[str]:
    """Write what the tag points to, and how old what is in use is."""
    digest = pointed(row)
    if digest is not None:
        yield from _labelled("now", digest, "dim", style)
    age = age_words(age_of(row, now))
    if age:
        yield from _labelled("age", age, "dim", style)


def _waiting(row: Row, style: Style) -> Iterator[str]:
    """Write what is newer and not old enough, on one line for each day on which it will be."""
    days: dict[str, list[str]] = {}
    for tag, until in waiting(row):
        since = f"too young until {until:%Y-%m-%d}" if until else "age not known"
        name = "a newer digest" if tag == row.standing.reference.tag else tag
        days.setdefault(since, []).append(name)
    for since, names in days.items():
        yield from _labelled("waiting", f"{', '.join(names)}: {since}", "dim", style)


def _steps(row: Row, style: Style, *, verbose: bool) -> Iterator[str]:
    """Write what it can be moved to, one line each, and below what that does not show."""
    if not row.steps:
        return
    room = style.width - _INDENT - _LABEL - _AGE
    cells: list[tuple[str, ...]] = [
        (
            _kind(choice),
            fit_middle(visible(target(choice, row.standing.reference)), room, style.ellipsis),
            age_words(choice.age),
            "",
        )
        for choice in row.steps
    ]
    for line, choice in zip(table(cells, indent=_INDENT), row.steps, strict=True):
        yield style.paint(line, "remedy")
        said = visible(short_digests(remark(choice, verbose=verbose), style.ellipsis))
        for part in wrap(said, style.width - _INDENT - _LABEL) if said else ():
            yield " " * (_INDENT + _LABEL) + style.paint(part, "dim")


def _rest(row: Row, style: Style, *, verbose: bool) -> Iterator[str]:
    """Write why there is nothing else, or why that is not known; equal reasons once."""
    kinds: dict[str, list[str]] = {}
    for choice in row.rest:
        if verbose or (choice.value is Truth.UNKNOWN and not row.gaps and not choice.waiting):
            kinds.setdefault(choice.reason, []).append(choice.kind)
    for reason, named in kinds.items():
        yield from _labelled(", ".join(named), reason, "dim", style)


def _kind(choice: Choice) -> str:
    """Name what moves."""
    return pad(choice.kind, _LABEL - 2)


def _places(row: Row, style: Style, *, verbose: bool) -> Iterator[str]:
    """Name the places that use an image."""
    uses = row.standing.uses
    named = uses if verbose else uses[:MAX_PLACES]
    room = style.width - _INDENT - _LABEL - 1
    places = [visible(f"{use.path}:{use.line}") for use in named]
    if not verbose:
        places = [fit_middle(place, room, style.ellipsis) for place in places]
    more = len(uses) - len(named)
    text = ", ".join(places) + (f" and {plural(more, 'more place')}" if more else "")
    yield from _labelled("used in", text, "dim", style)


def _labelled(
    label: str, text: str, role: str, style: Style, *, indent: int = _INDENT
) -> Iterator[str]:
    """Write a text beside its label, over as many lines as it needs."""
    head = pad(f"{label}:" if width_of(label) >= _LABEL else label, _LABEL)
    width = width_of(head) + (1 if width_of(head) > _LABEL else 0)
    for number, line in enumerate(wrap(visible(text), style.width - indent - width)):
        before = pad(head, width) if number == 0 else " " * width
        yield " " * indent + style.paint(before, role) + line


def _troubles(found: Standings, style: Style) -> Iterator[str]:
    """Tell once for each registry why it did not answer."""
    for hint, group in groupby(found.troubles, lambda one: one.hint):
        for trouble in group:
            for line in wrap(visible(trouble_words(trouble)), style.width):
                yield style.paint(line, "error")
        for line in wrap(visible(hint), style.width - 2) if hint else ():
            yield style.paint(f"{style.sign('→', '>')} {line}", "remedy")
    if found.troubles:
        yield ""


def _remedies(hints: Sequence[str], style: Style) -> Iterator[str]:
    """Tell what helps against what was asked in vain."""
    for hint in hints:
        first, *rest = wrap(visible(hint), style.width - 2)
        yield style.paint(f"{style.sign('→', '>')} {first}", "remedy")
        yield from (style.paint(f"  {line}", "remedy") for line in rest)
    if hints:
        yield ""


def _unread(found: Standings, style: Style) -> Iterator[str]:
    """List files that could not be read."""
    unread = [item for item in found.survey.skipped if item.fatal]
    for item in unread:
        text = visible(f"could not be read: {item.path}: {item.reason}")
        yield style.paint(fit_middle(text, style.width, style.ellipsis), "error")
    if unread:
        yield ""
