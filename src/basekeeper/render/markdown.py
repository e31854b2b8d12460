r"""The report as Markdown, for the summary of a CI job or a comment.

Outside text cannot leave its place there: markup characters become entities, and nothing in it
turns into a link, a mention or a reference to an issue.
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING, Final

from basekeeper.render.layout import short_digest
from basekeeper.render.safe import shorten, visible
from basekeeper.render.view import Standing, entries, plural, severity_counts, totals
from basekeeper.values.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from basekeeper.render.view import Entry, Totals
    from basekeeper.values.finding import Report
    from basekeeper.values.use import Skipped

MAX_BYTES: Final = 1_000_000
"""Most bytes written: a job's summary may have 1 MiB, and other steps' text needs none of ours."""

MAX_CELL_CHARS: Final = 500
"""Longest outside text in one cell, in characters."""

_ACTIVE: Final = re.compile(
    r"[\\`*_{}\[\]<>()|~&$!]"  # markup
    r"|#(?=\d)|@(?=\w)"  # references to issues and mentions of people
    r"|(?<=[A-Za-z]):(?=//)|(?<=www)\.",  # addresses that become links by themselves
    re.IGNORECASE,
)
_ICONS: Final = {"error": "❌", "warning": "⚠️", "note": "🔹"}


def render_markdown(report: Report) -> str:
    """Write a report as a heading, a line of totals, a table a file, and what else there is."""
    shown = [entry for entry in entries(report) if entry.standing is not Standing.WAIVED]
    notes = [entry for entry in shown if entry.finding.severity is Severity.NOTE]
    found = [entry for entry in shown if entry.finding.severity is not Severity.NOTE]
    sums = totals(report)
    out = Bounded(["## basekeeper", "", _headline(sums), ""])
    for path, group in groupby(found, key=lambda entry: entry.finding.path):
        block = list(group)
        out.add([f"### {code(path)}", "", *_HEAD])
        out.add(_row(entry) for entry in block)
        out.add([""])
    out.add(_notes(notes))
    out.add(_unread(report.skipped))
    out.add(_waived(report))
    out.add(f"> {prose(notice)}" for notice in report.notices)
    return out.text()


_HEAD: Final = ("| Line | Image | Category | Finding | What to do |", "|--:|---|---|---|---|")


class Bounded:
    """Lines up to `MAX_BYTES`; what does not fit is counted and said."""

    def __init__(self, lines: list[str]) -> None:
        """Begin with lines that always fit."""
        self._lines = lines
        self._room = MAX_BYTES - 1_000 - sum(_size(line) for line in lines)
        self._dropped = 0

    def add(self, lines: Iterable[str]) -> None:
        """Add lines while there is room; once one did not fit, none follows."""
        for line in lines:
            self._room -= _size(line)
            if self._room < 0 or self._dropped:
                self._dropped += 1
            else:
                self._lines.append(line)

    def text(self) -> str:
        """Join the lines."""
        lines = self._lines
        if self._dropped:
            rest = plural(self._dropped, "line")
            lines = [*lines, "", f"{rest} left out: this page may have {MAX_BYTES:,} bytes."]
        return "\n".join(lines).rstrip("\n") + "\n"


def code(text: str) -> str:
    """Write outside text as code; safe inside a table, whatever it holds.

    Hosts look for no mentions in code, so a digest stays free of breaks and can be copied.
    """
    shown = shorten(visible(text), MAX_CELL_CHARS)
    return f"<code>{_ACTIVE.sub(lambda match: f'&#{ord(match[0])};', shown)}</code>"


def prose(text: str) -> str:
    """Write outside text as plain words."""
    return _ACTIVE.sub(_entity, shorten(visible(text), MAX_CELL_CHARS))


def _entity(match: re.Match[str]) -> str:
    """Write one character as an entity; what a host reads after entities gets a break behind it."""
    char = match[0]
    return f"{char}&#8203;" if char in "#@" else f"&#{ord(char)};"


def _size(line: str) -> int:
    """Count the bytes of a line with its line feed."""
    return len(line.encode("utf-8", "replace")) + 1


def _headline(sums: Totals) -> str:
    """Write the totals."""
    where = f"{plural(sums.uses, 'use')} of {plural(sums.images, 'image')}"
    kinds = ", ".join(
        f"{count:,} {category.value}" for category, count in sums.categories.items() if count
    )
    tail = f": {kinds}" if kinds else ""
    text = f"**{severity_counts(sums)}** in {where} in {plural(sums.files, 'file')}{tail}."
    aside = (
        (sums.waived, "waived"),
        (sums.known, "known"),
        (sums.unreadable, "could not be read"),
    )
    rest = ", ".join(f"{count:,} {word}" for count, word in aside if count)
    return f"{text} {rest}." if rest else text


def _row(entry: Entry) -> str:
    """Write one finding as a row."""
    finding = entry.finding
    image = code(short_digest(finding.image)) if finding.image else ""
    category = "" if finding.category is None else finding.category.value
    word = finding.severity.word
    known = " (known)" if entry.standing is Standing.KNOWN else ""
    what = f"{_ICONS[word]} **{prose(finding.rule)}**{known}: {prose(finding.message)}"
    return f"| {finding.line} | {image} | {category} | {what} | {prose(finding.remedy)} |"


def _notes(notes: list[Entry]) -> Iterator[str]:
    """List the notes folded away: they ask for nothing."""
    if not notes:
        return
    yield from ("<details>", f"<summary>{plural(len(notes), 'note')}</summary>", "")
    yield from ("| Where | Image | Note |", "|---|---|---|")
    for entry in notes:
        finding = entry.finding
        where = code(f"{finding.path}:{finding.line}")
        image = code(short_digest(finding.image)) if finding.image else ""
        yield f"| {where} | {image} | **{prose(finding.rule)}**: {prose(finding.message)} |"
    yield from ("", "</details>", "")


def _unread(skipped: tuple[Skipped, ...]) -> Iterator[str]:
    """List what could not be read."""
    unread = [item for item in skipped if item.fatal]
    if not unread:
        return
    yield from ("### Could not be read", "")
    for item in unread:
        place = item.path if item.line is None else f"{item.path}:{item.line}"
        yield f"- {code(place)}: {prose(item.reason)}"
    yield ""


def _waived(report: Report) -> Iterator[str]:
    """List what waivers accept."""
    if not report.waived:
        return
    yield from (
        "### Waived",
        "",
        "| Where | Rule | Until | Owner | Reason |",
        "|---|---|---|---|---|",
    )
    for item in report.waived:
        finding, waiver = item.finding, item.waiver
        where = code(f"{finding.path}:{finding.line}")
        owner, reason = prose(waiver.owner), prose(waiver.reason)
        yield f"| {where} | {prose(finding.rule)} | {waiver.until} | {owner} | {reason} |"
    yield ""
