"""What `update` says below its diff: what changes why, what is refused, waiting or not known.

No line of it can be taken for a part of the patch above it.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

from basekeeper.render.layout import (
    fit_image,
    fit_middle,
    short_digest,
    short_digests,
    width_of,
    wrap,
)
from basekeeper.render.markdown import Bounded, code, prose
from basekeeper.render.outdated_view import ageless, remark, remedies, rows, target
from basekeeper.render.safe import visible
from basekeeper.render.update_view import (
    brief,
    drift_words,
    is_drift,
    larger,
    moves,
    summary,
    unknown,
)
from basekeeper.render.view import plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.render.layout import Style
    from basekeeper.render.outdated_view import Row
    from basekeeper.render.update_view import Moved
    from basekeeper.tags.updates import Choice
    from basekeeper.values.change import Change, Proposal, Refusal, Withheld

_INDENT: Final = 4


def render_update_text(found: Proposal, style: Style, *, written: bool) -> str:
    """Write everything but the diff; the totals come last.

    Args:
        found: What was found, told and planned.
        style: Columns, colours and signs of the output.
        written: Whether the files were written.
    """
    lines: list[str] = []
    for move in moves(found):
        if move.edited:
            lines += change_lines(move.change, len(move.edited), style)
    for file in found.edits.files:
        lines += [line for note in file.notes for line in _wrapped(note, style, "note: ")]
    lines += _section("not edited", list(_refused(found, style)), "error", style)
    lines += _section("not taken", list(_withheld(found, style)), "warning", style)
    lines += _section("not asked for", list(_larger(found, style)), "note", style)
    lines += _section("not known", list(_unknown(found, style)), "error", style)
    unread = [item for item in found.standings.survey.skipped if item.fatal]
    for item in unread:
        lines += _wrapped(f"{item.path} {item.reason}", style, "not read: ", "error")
    held = ageless(rows(found.standings))
    noted = (*found.standings.notices, *([held] if held else ()))
    if noted and lines:
        lines.append("")
    for notice in noted:
        lines += _wrapped(notice, style, "note: ")
    lines += ["", style.paint(summary(found, written=written), "bold")]
    return "\n".join(lines).lstrip("\n") + "\n"


def change_lines(change: Change, places: int, style: Style, *, verbose: bool = False) -> list[str]:
    """Write one change: from, to, kind, number of places, and what these do not show.

    Verbose also why it is this one.
    """
    reference, choice = change.standing.reference, change.choice
    old, new = (_short(brief(each), style) for each in (reference, change.to))
    count = f", {plural(places, 'place')}" if places > 1 else ""
    said = visible(short_digests(remark(choice, verbose=verbose), style.ellipsis))
    more = _indented(said, style) if said else []
    step = visible(target(choice, reference))
    forms = (new, step) if change.to.digest is None else (step,)
    return [*_step(old, forms, (choice.kind, count), style), *more]


def _step(old: str, forms: tuple[str, ...], kind: tuple[str, str], style: Style) -> Iterator[str]:
    """Write `old → new  kind` in the longer form if that fits, else in the shorter, else broken."""
    arrow, tail = style.sign("→", "->"), f"  {kind[0]}{kind[1]}"
    painted = f"  {style.paint(kind[0], 'remedy')}{kind[1]}"
    new = next(
        (one for one in forms if width_of(f"{old} {arrow} {one}{tail}") <= style.width), None
    )
    if new is not None:
        yield f"{style.paint(old, 'bold')} {arrow} {style.paint(new, 'bold')}{painted}"
        return
    yield style.paint(fit_image(old, style.width, style.ellipsis), "bold")
    room = style.width - _INDENT - width_of(f"{arrow} {tail}")
    new = fit_middle(forms[-1], room, style.ellipsis)
    yield f"{' ' * _INDENT}{arrow} {style.paint(new, 'bold')}{painted}"


def render_update_markdown(found: Proposal, patch: str, *, written: bool) -> str:
    """Write the totals, a table of changes, the patch and what is not edited."""
    out = Bounded(["## basekeeper: update", "", f"**{summary(found, written=written)}**", ""])
    changed = [move for move in moves(found) if move.edited]
    if changed:
        out.add(["| From | To | Kind | Places | Reason |", "|---|---|---|---|---|"])
        out.add(_row(move) for move in changed)
        fence = "`" * (max(2, _longest_fence(patch)) + 1)
        shown = [visible(line.removesuffix("\r")) for line in patch.split("\n")[:-1]]
        out.add(["", f"{fence}diff", *shown, fence, ""])
    out.add(f"- {prose(note)}" for file in found.edits.files for note in file.notes)
    if found.edits.refused:
        out.add(["", "Not edited:", ""])
        out.add(_refusal_item(refusal) for refusal in found.edits.refused)
    if found.changes.withheld:
        out.add(["", "Not taken:", ""])
        out.add(
            f"- {code(brief(each.standing.reference))}: {prose(each.reason)}"
            for each in found.changes.withheld
        )
    beyond = larger(found)
    if beyond:
        out.add(["", "Not asked for:", ""])
        out.add(
            f"- {code(row.name)} → {code(_goal(row, choice))}: {_how(row, choice)}"
            for row, choice in beyond
        )
    gaps = unknown(found)
    troubles = found.standings.troubles
    if gaps or troubles:
        out.add(["", "Not known:", ""])
        out.add(f"- {code(each.registry)}: {prose(each.reason)}" for each in troubles)
        out.add(f"- {code(row.name)}: {prose('; '.join(reasons))}" for row, reasons in gaps)
    unread = [item for item in found.standings.survey.skipped if item.fatal]
    if unread:
        out.add(["", "Could not be read:", ""])
        out.add(f"- {code(item.path)}: {prose(item.reason)}" for item in unread)
    return out.text()


def _row(move: Moved) -> str:
    cells = (
        code(move.old),
        code(move.new),
        prose(move.change.choice.kind),
        str(len(move.edited)),
        prose(move.change.choice.reason),
    )
    return f"| {' | '.join(cells)} |"


def _refusal_item(refusal: Refusal) -> str:
    place = f"{refusal.use.path}:{refusal.use.line}"
    hint = f" {prose(refusal.hint)}." if refusal.hint else ""
    old = code(refusal.use.text)
    return (
        f"- {code(place)}: {old} → {code(brief(refusal.change.to))}: {prose(refusal.reason)}.{hint}"
    )


def _goal(row: Row, choice: Choice) -> str:
    return target(choice, row.standing.reference)


def _how(row: Row, choice: Choice) -> str:
    """Say in Markdown how a step is asked for."""
    return prose(drift_words(choice)) if is_drift(row, choice) else code(f"--kind {choice.kind}")


def _longest_fence(text: str) -> int:
    """Return the longest run of backticks, which a fence must exceed (CommonMark, 4.5)."""
    longest = run = 0
    for char in text:
        run = run + 1 if char == "`" else 0
        longest = max(longest, run)
    return longest


def _section(title: str, lines: list[str], role: str, style: Style) -> list[str]:
    return ["", style.paint(f"{title}:", role), *lines] if lines else []


def _refused(found: Proposal, style: Style) -> Iterator[str]:
    """Write each use that cannot be edited, and why."""
    arrow = style.sign("→", "->")
    for refusal in found.edits.refused:
        place = visible(f"{refusal.use.path}:{refusal.use.line}")
        old, new = visible(refusal.use.text), brief(refusal.change.to)
        yield f"  {place}  {_short(old, style)} {arrow} {_short(new, style)}"
        yield from _indented(visible(refusal.reason), style)
        if refusal.hint:
            yield from _indented(f"{arrow} {visible(refusal.hint)}", style, "remedy")


def _withheld(found: Proposal, style: Style) -> Iterator[str]:
    """Write what is newer and not taken, each image once."""
    for image, group in groupby(found.changes.withheld, _image):
        yield f"  {fit_image(visible(image), style.width - 2, style.ellipsis)}"
        ageless = []
        for each in group:
            if each.choice.waiting is not None and each.choice.waiting_until is None:
                ageless.append(_newer(each))
                continue
            yield from _indented(visible(each.reason), style)
            if each.hint:
                hint = f"{style.sign('→', '>')} {visible(each.hint)}"
                yield from _indented(hint, style, "remedy")
        if ageless:
            yield from _indented(visible(f"{', '.join(ageless)}: age not known"), style)


def _image(withheld: Withheld) -> str:
    return brief(withheld.standing.reference)


def _newer(withheld: Withheld) -> str:
    """Name what waits."""
    tag = withheld.choice.waiting or ""
    return "a newer digest" if tag == withheld.standing.reference.tag else tag


def _larger(found: Proposal, style: Style) -> Iterator[str]:
    """Write steps that have to be asked for, a line each, as `outdated` names them."""
    arrow = style.sign("→", "->")
    for row, choice in larger(found):
        name, goal = visible(row.name), visible(_goal(row, choice))
        tail = "" if is_drift(row, choice) else f"  --kind {choice.kind}"
        old = f"  {_short(name, style)}"
        if width_of(f"{old} {arrow} {goal}{tail}") <= style.width:
            yield f"{old} {arrow} {goal}{tail}"
        else:
            yield f"  {fit_image(name, style.width - 2, style.ellipsis)}"
            room = style.width - _INDENT - width_of(f"{arrow} {tail}")
            yield f"{' ' * _INDENT}{arrow} {fit_middle(goal, room, style.ellipsis)}{tail}"
        if is_drift(row, choice):
            yield from _indented(visible(drift_words(choice)), style)


def _unknown(found: Proposal, style: Style) -> Iterator[str]:
    """Write what could not be told: of a registry that did not answer once, else of an image."""
    for hint, group in groupby(found.standings.troubles, lambda one: one.hint):
        for trouble in group:
            count = plural(trouble.images, "image")
            yield visible(f"  {trouble.registry}: {trouble.failure.value} ({count})")
            reason = trouble.reason.removeprefix(f"{trouble.registry}: ")
            yield from _indented(visible(reason), style)
        if hint:
            yield from _indented(f"{style.sign('→', '>')} {visible(hint)}", style, "remedy")
    for row, reasons in unknown(found):
        yield f"  {fit_image(visible(row.name), style.width - 2, style.ellipsis)}"
        for reason in reasons:
            yield from _indented(visible(short_digests(reason, style.ellipsis)), style)
    for hint in remedies(rows(found.standings), found.standings):
        yield from _wrapped(hint, style, f"  {style.sign('→', '>')} ", "remedy")


def _short(image: str, style: Style) -> str:
    return short_digest(image, style.ellipsis)


def _indented(text: str, style: Style, role: str = "dim") -> list[str]:
    lines = wrap(text, style.width - _INDENT)
    return [" " * _INDENT + style.paint(line, role) for line in lines]


def _wrapped(text: str, style: Style, head: str, role: str = "note") -> list[str]:
    first, *rest = wrap(visible(text), style.width - len(head))
    return [style.paint(head, role) + first, *(" " * len(head) + line for line in rest)]
