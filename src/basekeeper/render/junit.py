"""The report as JUnit XML, for the test views of CI systems.

A suite a file. A case for each finding, named by line, image and rule; an image without findings
is one case that passes. Findings that gate are failures, what does not gate passes with its text
as output, what is waived or known is skipped, and what could not be read, or was not told although
an error may hide behind it, is an error.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape, quoteattr

from basekeeper.render.json import instant
from basekeeper.render.safe import shorten, visible
from basekeeper.render.view import Standing, entries, said

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from basekeeper.render.view import Entry
    from basekeeper.values.finding import Report, Severity
    from basekeeper.values.use import Skipped, Use

MAX_TEXT_CHARS: Final = 4_096
"""Longest name or message, in characters, so that one hostile name cannot fill a report."""


class Case:
    """One test case: where it belongs, its name, and what it holds as XML."""

    def __init__(self, path: str, line: int, name: str, *, kind: str = "", body: str = "") -> None:
        """Make a case.

        Args:
            path: The file that it is about.
            line: The line in it.
            name: What is tested.
            kind: `failure`, `error`, `skipped`, or empty for one that passes.
            body: What the case holds, as XML.
        """
        self.path = path
        self.line = line
        self.name = name
        self.kind = kind
        self.body = body

    def xml(self) -> str:
        """Write the case."""
        head = (
            f"    <testcase classname={attribute(self.path)} name={attribute(self.name)}"
            f' file={attribute(self.path)} line="{self.line}" time="0"'
        )
        return f"{head}>{self.body}</testcase>" if self.body else f"{head}/>"


def render_junit(report: Report, *, fail_on: Severity | None) -> str:
    """Write a report as one `testsuites` document.

    Args:
        report: What to write.
        fail_on: The least severity that is a failure; None: no finding is.
    """
    return document(list(_cases(report, fail_on)), report.now)


def document(cases: list[Case], now: datetime) -> str:
    """Write cases, sorted by file, as one document with a suite for each file."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    lines.append(f'<testsuites name="basekeeper" {_counts(cases)} time="0">')
    for path, group in groupby(cases, key=lambda case: case.path):
        suite = list(group)
        stamp = instant(now).removesuffix("Z")
        head = f'  <testsuite name={attribute(path)} {_counts(suite)} timestamp="{stamp}" time="0">'
        lines.append(head)
        lines += [case.xml() for case in suite]
        lines.append("  </testsuite>")
    return "\n".join([*lines, "</testsuites>"]) + "\n"


def _cases(report: Report, fail_on: Severity | None) -> Iterator[Case]:
    """Make all cases, sorted by file, line and name."""
    found = entries(report)
    touched = {(e.finding.path, e.finding.line, e.finding.image) for e in found}
    cases = [_finding(entry, fail_on) for entry in found]
    cases += [
        _clean(use) for use in report.survey.uses if (use.path, use.line, use.text) not in touched
    ]
    cases += [_unread(item) for item in report.skipped]
    cases += _untold(report)
    yield from sorted(cases, key=lambda case: (case.path, case.line, case.name))


def _finding(entry: Entry, fail_on: Severity | None) -> Case:
    """Make the case of one finding."""
    finding = entry.finding
    image = f"{finding.image}: " if finding.image else ""
    name = f"line {finding.line}: {image}{finding.rule}"
    text = f"{visible(finding.message)}\n{visible(finding.remedy)}"
    message = attribute(said(finding))
    if entry.standing is not Standing.NEW:
        waiver = entry.waiver
        why = "known" if waiver is None else f"waived until {waiver.until}: {waiver.reason}"
        body = f"<skipped message={attribute(why)}/>"
        return Case(finding.path, finding.line, name, kind="skipped", body=body)
    if fail_on is not None and finding.severity >= fail_on:
        head = f'<failure type="{finding.severity.word}" message={message}>'
        body = f"{head}{xml_text(text)}</failure>"
        return Case(finding.path, finding.line, name, kind="failure", body=body)
    body = f"<system-out>{xml_text(f'{finding.severity.word}: {text}')}</system-out>"
    return Case(finding.path, finding.line, name, body=body)


def _clean(use: Use) -> Case:
    """Make the case of an image that nothing is wrong with."""
    return Case(use.path, use.line, f"line {use.line}: {use.text}")


def _untold(report: Report) -> Iterator[Case]:
    """Make a case at each place of an image that an error may hide behind, as it was not told."""
    untold = {fact.image: fact for fact in report.missing if fact.gates}
    for use in report.survey.uses:
        fact = untold.get(str(use.reference))
        if fact is not None:
            name = f"line {use.line}: {use.text}: {fact.fact}"
            body = f'<error type="unknown" message={attribute(fact.reason)}/>'
            yield Case(use.path, use.line, name, kind="error", body=body)


def _unread(item: Skipped) -> Case:
    """Make the case of what could not be read, or was left out on purpose."""
    kind = "error" if item.fatal else "skipped"
    name = "could not be read" if item.fatal else "left out"
    type_of = ' type="unreadable"' if item.fatal else ""
    body = f"<{kind}{type_of} message={attribute(item.reason)}/>"
    return Case(item.path, item.line or 1, name, kind=kind, body=body)


def _counts(cases: list[Case]) -> str:
    """Write the numbers of a suite as attributes."""
    kinds = [case.kind for case in cases]
    return (
        f'tests="{len(cases)}" failures="{kinds.count("failure")}"'
        f' errors="{kinds.count("error")}" skipped="{kinds.count("skipped")}"'
    )


def attribute(text: str) -> str:
    """Quote one line of outside text as the value of an attribute."""
    return quoteattr(shorten(visible(text), MAX_TEXT_CHARS))


def xml_text(text: str) -> str:
    """Escape text whose line feeds are our own."""
    return escape(shorten(text, MAX_TEXT_CHARS))
