"""The report of a check for people at a terminal.

    api/Dockerfile
       3  node:20-bookworm                                      restricted · final
          error    end-of-life
                   Node.js 20 reached its end of life on 2026-04-30
                   → use node:26-bookworm-slim

Grouped by file, then by the line and its image; the worst finding first. What was told in full
before is only named, with the place that tells it, and so is what does not count. Below: the notes,
one line a rule, since they ask for nothing; what could not be read, waivers, notices and the
totals. Only places with errors or warnings are shown; `list` shows all.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

from basekeeper.errors import EXIT_FINDINGS, EXIT_OK, EXIT_UNKNOWN
from basekeeper.render.layout import (
    brief_image,
    fit_end,
    fit_image,
    fit_middle,
    pad,
    short_digest,
    table,
    width_of,
    wrap,
)
from basekeeper.render.safe import visible
from basekeeper.render.view import (
    Standing,
    entries,
    places,
    plural,
    severity_counts,
    totals,
)
from basekeeper.values.finding import Severity
from basekeeper.values.use import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from basekeeper.render.layout import Style
    from basekeeper.render.view import Entry, Place, Totals
    from basekeeper.values.finding import Finding, Report
    from basekeeper.values.use import Skipped
    from basekeeper.values.waiver import Waiver

MAX_PLACES: Final = 2_000
"""Most places that text shows; a person reads no more, and other formats hold them all."""

_LINE_COLUMN: Final = 6
_SEVERITY_COLUMN: Final = 9
_INDENT: Final = " " * (_LINE_COLUMN)
_BODY: Final = " " * (_LINE_COLUMN + _SEVERITY_COLUMN)
_UNTOLD: Final = {
    "contents": "what is inside",
    "known vulnerabilities": "what is known of vulnerabilities in",
}
"""Facts that an error may hide behind, as the verdict names them."""

_LEAST_PLACE: Final = 8
"""Columns that a place gets in any case: enough for its line."""


def render_text(
    report: Report, style: Style, *, exit_code: int, quiet: bool = False, verbose: bool = False
) -> str:
    """Write a report for people.

    Args:
        report: What to write.
        style: Columns, colours and signs of the output.
        exit_code: How the run ends; the last line says so in words.
        quiet: Only errors and warnings that count, and the last line.
        verbose: Everything at its place and in full: also notes, waived findings, evidence, and
            what was left out on purpose.
    """
    shown = [entry for entry in entries(report) if _is_shown(entry, quiet=quiet, verbose=verbose)]
    lines = list(_files(report, shown, style, verbose=verbose))
    if not quiet:
        lines += _notes(report.findings, style) if not verbose else ()
        lines += _skipped(report.skipped, style, verbose=verbose)
        lines += _waivers(report, style)
        lines += _notices(report.notices, style)
    sums = totals(report)
    if not quiet:
        lines += _summary(sums, style)
    lines.append(_verdict(report, sums, style, exit_code))
    return "\n".join(lines) + "\n"


def _is_shown(entry: Entry, *, quiet: bool, verbose: bool) -> bool:
    """Tell whether a finding is listed at its place."""
    if verbose:
        return True
    if entry.finding.severity is Severity.NOTE or entry.standing is Standing.WAIVED:
        return False
    return entry.standing is Standing.NEW or not quiet


def _files(report: Report, shown: list[Entry], style: Style, *, verbose: bool) -> Iterator[str]:
    """Write every file that has findings, an empty line after each."""
    found = list(places(report, shown))
    told: dict[tuple[str, ...], str] = {}
    for path, group in groupby(found[:MAX_PLACES], key=lambda place: place.path):
        yield style.paint(fit_middle(visible(path), style.width, style.ellipsis), "path")
        for place in group:
            yield _place_line(place, style)
            for entry in place.entries:
                where = None if verbose else _told_at(entry.finding, told)
                yield _headline(entry, style, told_at=where)
                if verbose or (where is None and entry.standing is Standing.NEW):
                    yield from _body(entry.finding, style, verbose=verbose)
        yield ""
    if len(found) > MAX_PLACES:
        rest = plural(len(found) - MAX_PLACES, "more place")
        yield f"{rest} with findings; --format json lists all."
        yield ""


def _place_line(place: Place, style: Style) -> str:
    """Write line, image, and on the right its category and what it is to the product."""
    category = place.category
    words = [category.value] if category is not None else []
    if place.use is not None:
        words.append(place.use.role.value)
        words += [] if place.use.production else ["not production"]
    right = f" {style.dot} ".join(words)
    room = style.width - _LINE_COLUMN - (len(right) + 2 if right else 0)
    name = visible(_name(place))
    left = pad(fit_image(name, room, style.ellipsis), room)
    if not right:
        left = left.rstrip()
    number = style.paint(f"{place.line:>4}", "dim")
    painted = right
    if category is not None:
        painted = right.replace(category.value, style.paint(category.value, category.value), 1)
    return f"{number}  {style.paint(left, 'bold')}{'  ' if right else ''}{painted}".rstrip()


def _name(place: Place) -> str:
    """Name the image, as written where it could not be resolved; without one, the stage."""
    if place.image is not None:
        use = place.use
        return use.raw if use is not None and use.kind is Kind.OPAQUE else place.image
    stage = next((entry.finding.stage for entry in place.entries if entry.finding.stage), None)
    return "" if stage is None else f"(stage {stage})"


def _told_at(finding: Finding, told: dict[tuple[str, ...], str]) -> str | None:
    """Tell where the same was said above of the same image; remember it where it was not."""
    key = (finding.rule, finding.image or "", finding.message, finding.remedy)
    here = f"{finding.path}:{finding.line}"
    at = told.setdefault(key, here)
    return None if at == here or finding.image is None else at


def _headline(entry: Entry, style: Style, *, told_at: str | None) -> str:
    """Write severity and rule of a finding, and where it is told in full if that is not here."""
    finding = entry.finding
    severity = pad(finding.severity.word, _SEVERITY_COLUMN)
    rule = visible(finding.rule)
    if entry.standing is not Standing.NEW:
        return _INDENT + style.paint(f"{severity}{rule} ({_standing(entry)})", "dim")
    head = _INDENT + style.paint(severity, finding.severity.word) + style.paint(rule, "bold")
    if told_at is None:
        return head
    room = style.width - len(_BODY) - width_of(rule) - len(" (see )")
    place = fit_middle(visible(told_at), max(room, _LEAST_PLACE), style.ellipsis)
    return head + style.paint(f" (see {place})", "dim")


def _body(finding: Finding, style: Style, *, verbose: bool) -> Iterator[str]:
    """Write what is wrong, then what to do."""
    room = style.width - len(_BODY)
    for line in wrap(visible(_under_its_image(finding)), room):
        yield _BODY + line
    yield from _remedy(finding.remedy, style, indent=len(_BODY))
    for fact in finding.evidence if verbose else ():
        for line in wrap(f"{style.dot} {visible(fact)}", room):
            yield _BODY + style.paint(line, "dim")


def _remedy(text: str, style: Style, *, indent: int) -> Iterator[str]:
    """Write what to do behind an arrow; nothing where nothing is known."""
    if not text:
        return
    arrow = style.sign("→ ", "> ")
    for number, line in enumerate(wrap(visible(text), style.width - indent - 2)):
        yield " " * indent + style.paint((arrow if number == 0 else "  ") + line, "remedy")


def _under_its_image(finding: Finding) -> str:
    """Say what is wrong without repeating the name that stands above."""
    if finding.image is None:
        return finding.message
    whole = finding.message.removeprefix(f"{finding.image} ")
    return whole.removeprefix(f"{short_digest(finding.image)} ")


def _standing(entry: Entry) -> str:
    """Say why a finding does not count."""
    if entry.waiver is None:
        return "known"
    return f"waived until {entry.waiver.until} by {visible(entry.waiver.owner)}"


def _notes(findings: Sequence[Finding], style: Style) -> Iterator[str]:
    """Name the rules that left notes: how many, and on what, as much as fits one line."""
    found: dict[str, list[str]] = {}
    for finding in findings:
        if finding.severity is Severity.NOTE:
            name = finding.image or f"{finding.path}:{finding.line}"
            found.setdefault(finding.rule, []).append(brief_image(name, style.ellipsis))
    if not found:
        return
    yield style.paint("Notes", "bold") + style.paint(" (--verbose tells more)", "dim")
    rows: list[tuple[str, ...]] = [
        (visible(rule), str(len(names)), ", ".join(map(visible, dict.fromkeys(names))))
        for rule, names in sorted(found.items())
    ]
    yield from (fit_end(line, style.width, style.ellipsis) for line in table(rows, indent=2))
    yield ""


def _skipped(skipped: tuple[Skipped, ...], style: Style, *, verbose: bool) -> Iterator[str]:
    """List what could not be read; what was left out on purpose only when asked for."""
    for title, fatal in (("Could not be read", True), ("Left out", False)):
        chosen = [item for item in skipped if item.fatal is fatal]
        if not chosen or not (fatal or verbose):
            continue
        yield style.paint(title, "error" if fatal else "bold")
        for item in chosen[:MAX_PLACES]:
            place = item.path if item.line is None else f"{item.path}:{item.line}"
            yield f"  {fit_middle(visible(place), style.width - 2, style.ellipsis)}"
            yield from (f"      {line}" for line in wrap(visible(item.reason), style.width - 6))
            yield from _remedy(item.hint or "", style, indent=6)
        if len(chosen) > MAX_PLACES:
            yield f"  and {len(chosen) - MAX_PLACES:,} more; --format json lists all."
        yield ""


def _waivers(report: Report, style: Style) -> Iterator[str]:
    """List the waivers: used, unused, expired."""
    used = dict.fromkeys(item.waiver for item in report.waived)
    groups = (
        ("used", "good", [waiver for waiver in report.waivers if waiver in used]),
        ("unused", "warning", list(report.unused_waivers)),
        ("expired", "error", list(report.expired_waivers)),
    )
    if not any(waivers for _, _, waivers in groups):
        return
    yield style.paint("Waivers", "bold")
    for word, role, waivers in groups:
        for waiver in waivers:
            yield from _waiver(waiver, style.paint(f"  {word:<9}", role), style)
    yield ""


def _waiver(waiver: Waiver, head: str, style: Style) -> Iterator[str]:
    """Write where a waiver stands, what it covers, until when, whose it is, and why."""
    where = fit_middle(visible(f"{waiver.source}:{waiver.line}"), style.width - 11, style.ellipsis)
    yield head + where
    until = f"until {waiver.until}, {visible(waiver.owner)}: {visible(waiver.reason)}"
    text = f"{visible(', '.join(waiver.covered))} {until}"
    yield from (" " * 11 + line for line in wrap(text, style.width - 11))


def _notices(notices: tuple[str, ...], style: Style) -> Iterator[str]:
    """Write the facts about the run itself."""
    for notice in notices:
        for number, line in enumerate(wrap(visible(notice), style.width - 6)):
            yield (style.paint("note: ", "note") if number == 0 else " " * 6) + line
    if notices:
        yield ""


def _summary(sums: Totals, style: Style) -> Iterator[str]:
    """Write the totals."""
    yield style.paint(style.sign("─", "-") * style.width, "dim")
    uses = plural(sums.uses, "use")
    images = plural(sums.images, "image")
    yield f"{uses} of {images} in {plural(sums.files, 'file')}"
    parts = [
        style.paint(f"{count:,} {category.value}", category.value)
        for category, count in sums.categories.items()
        if count
    ]
    if parts:
        yield f" {style.dot} ".join(parts)
    aside = (
        (sums.waived, "waived"),
        (sums.known, "known, not counted"),
        (sums.unreadable, "could not be read"),
        (sums.left_out, "left out"),
    )
    rest = [f"{count:,} {words}" for count, words in aside if count]
    if rest:
        yield style.paint(f" {style.dot} ".join(rest), "dim")


def _verdict(report: Report, sums: Totals, style: Style, exit_code: int) -> str:
    """Say in one line how the run ends and why."""
    counts = severity_counts(sums)
    if not report.survey.uses and not report.findings and exit_code == EXIT_OK:
        return style.paint("nothing to check: no file here names an image", "warning")
    if exit_code == EXIT_OK:
        return style.paint(f"{style.sign('✓ ', '')}passed", "good") + f": {counts}"
    if exit_code == EXIT_UNKNOWN:
        words = f"{style.sign('? ', '')}not decided"
        return style.paint(words, "warning") + f": {counts}, {_missing(report, sums)}"
    word = f"{style.sign('✗ ', '')}failed" if exit_code == EXIT_FINDINGS else "ended"
    return style.paint(word, "error") + f": {counts}"


def _missing(report: Report, sums: Totals) -> str:
    """Say what kept the run from an answer."""
    if sums.unreadable:
        return f"{plural(sums.unreadable, 'item')} could not be read"
    for fact, words in _UNTOLD.items():
        images = sum(one.gates and one.fact == fact for one in report.missing)
        if images:
            return f"{words} {plural(images, 'image')} was not told (--allow-unknown passes)"
    return "a fact that was asked for is missing"
