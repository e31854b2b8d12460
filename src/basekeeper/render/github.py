"""Annotations of a pull request's lines: workflow commands that GitHub Actions reads from a log.

One command a line, `::error file=…,line=…,title=…::message`. Line breaks and percent signs are
escaped in messages, colons and commas in properties too, so that no outside text can end a
command or begin another.
Source: https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.render.safe import shorten, visible
from basekeeper.render.view import Standing, entries, outer_paths, said, severity_counts, totals
from basekeeper.values.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from basekeeper.render.view import Entry
    from basekeeper.values.finding import Finding, MissingFact, Report
    from basekeeper.values.use import Skipped

MAX_MESSAGE_CHARS: Final = 4_096
"""Longest message, in characters, so that one hostile name cannot fill a log."""

MAX_UNTOLD: Final = 10
"""Most facts that were not told; GitHub shows ten annotations of each level."""

_COMMANDS: Final = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.NOTE: "notice",
}


def render_github(report: Report) -> str:
    """Write one annotation for each finding, the worst first: GitHub shows ten of each level.

    Waived findings get none; known ones become notices. What could not be read is a warning, and
    so is what was not told although an error may hide behind it.
    """
    found = [entry for entry in entries(report) if entry.standing is not Standing.WAIVED]
    found.sort(key=lambda entry: (entry.standing is Standing.KNOWN, -entry.finding.severity))
    outer = outer_paths(report.survey)
    lines = [_annotation(entry, outer) for entry in found]
    lines += [_unread(item) for item in report.skipped if item.fatal]
    lines += [_untold(fact) for fact in report.missing if fact.gates][:MAX_UNTOLD]
    lines.append(f"basekeeper: {severity_counts(totals(report))}")
    return "\n".join(lines) + "\n"


def _annotation(entry: Entry, outer: Mapping[str, str]) -> str:
    """Write the command for one finding."""
    finding = entry.finding
    known = entry.standing is Standing.KNOWN
    command = "notice" if known else _COMMANDS[finding.severity]
    old = " (known)" if known else ""
    lines = [said(finding), finding.remedy] if finding.remedy else [said(finding)]
    return command_line(
        command,
        _place(finding, outer) | {"title": f"{finding.rule}{old}"},
        "\n".join(visible(line) for line in lines),
    )


def _place(finding: Finding, outer: Mapping[str, str]) -> dict[str, str]:
    """Name file, lines and, where the instruction is one line, the column."""
    path = outer.get(finding.path, finding.path)
    place = {"file": path, "line": str(finding.line)}
    if finding.end_line > finding.line:
        return place | {"endLine": str(finding.end_line)}
    return place | {"col": str(finding.column)}


def _unread(item: Skipped) -> str:
    """Write the command for something that could not be read."""
    line = {} if item.line is None else {"line": str(item.line)}
    shown = "\n".join(visible(part) for part in (item.reason, item.hint or "") if part)
    return command_line(
        "warning", {"file": item.path} | line | {"title": "could not be read"}, shown
    )


def _untold(fact: MissingFact) -> str:
    """Write the command for a fact that an error may hide behind."""
    text = f"{fact.fact} of {fact.image} could not be told: {fact.reason}"
    return command_line("warning", {"title": "not told"}, visible(text))


def command_line(name: str, properties: dict[str, str], message: str) -> str:
    """Write one workflow command; the line feeds of `message` are our own."""
    written = ",".join(f"{key}={_property(visible(value))}" for key, value in properties.items())
    return f"::{name} {written}::{_data(shorten(message, MAX_MESSAGE_CHARS))}"


def _data(text: str) -> str:
    """Escape the message of a command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """Escape the value of a property."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")
