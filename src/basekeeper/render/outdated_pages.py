"""How images stand, for CI systems: Markdown, GitHub annotations, JUnit XML and SARIF.

That something newer exists is no defect by itself, so that annotations are notices and SARIF
results notes. In JUnit such an image is a failure, for that is what turns a view of tests red; one
about which it could not be told is an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from basekeeper import __version__
from basekeeper.render.encode import pieces
from basekeeper.render.github import MAX_MESSAGE_CHARS, command_line
from basekeeper.render.json import instant
from basekeeper.render.junit import Case, attribute, document
from basekeeper.render.layout import short_digest
from basekeeper.render.markdown import Bounded, code, prose
from basekeeper.render.outdated_view import (
    Status,
    age_words,
    notes,
    rows,
    summary,
    target,
    trouble_words,
    waiting,
)
from basekeeper.render.safe import shorten, visible
from basekeeper.render.sarif import MAX_RESULTS, ROOT_ID, SCHEMA_URI, location, plain
from basekeeper.render.view import outer_paths

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from basekeeper.render.outdated_view import Row
    from basekeeper.tags.updates import Choice
    from basekeeper.values.resolution import Standings
    from basekeeper.values.use import Use

_TITLES: Final = {
    Status.OUTDATED: "a newer version or digest of the image exists",
    Status.UNKNOWN: "whether something newer exists could not be told",
}
"""What SARIF calls a rule, by its id."""


def outdated_markdown(found: Standings, *, kinds: Collection[str] = ()) -> str:
    """Write a line of totals, a table of images, and what kept registries from answering."""
    shown = rows(found, kinds)
    out = Bounded(["## basekeeper: outdated", "", f"**{summary(shown)}**", ""])
    out.add(["| Image | Status | Move to | Support | Where |", "|---|---|---|---|---|"])
    out.add(_line(row) for row in shown)
    out.add([""])
    out.add(f"> {prose(trouble_words(trouble))}" for trouble in found.troubles)
    out.add(f"> {prose(notice)}" for notice in found.notices)
    unread = [item for item in found.survey.skipped if item.fatal]
    out.add(["", "Could not be read:", ""] if unread else [])
    out.add(f"- {code(item.path)}: {prose(item.reason)}" for item in unread)
    return out.text()


def outdated_github(found: Standings, *, kinds: Collection[str] = ()) -> str:
    """Write a notice at each place of an image that something is newer than or not told of."""
    shown = rows(found, kinds)
    outer = outer_paths(found.survey)
    lines = [
        command_line(
            "notice" if row.status is Status.OUTDATED else "warning",
            {
                "file": outer.get(use.path, use.path),
                "line": str(use.line),
                "title": f"{row.status.value} image",
            },
            visible(_sentence(row)),
        )
        for row in shown
        if row.status is not Status.CURRENT
        for use in row.standing.uses
    ]
    lines += [
        command_line("warning", {"title": "registry"}, visible(trouble_words(trouble)))
        for trouble in found.troubles
    ]
    return "\n".join([*lines, f"basekeeper: {summary(shown)}"]) + "\n"


def outdated_junit(found: Standings, *, kinds: Collection[str] = ()) -> str:
    """Write a case for each place of each image."""
    cases = [_case(row, use) for row in rows(found, kinds) for use in row.standing.uses]
    cases.sort(key=lambda case: (case.path, case.line, case.name))
    return document(cases, found.now)


def outdated_sarif(found: Standings, *, kinds: Collection[str] = ()) -> str:
    """Write a result for each place of an image that something is newer than or not told of."""
    shown = rows(found, kinds)
    outer = outer_paths(found.survey)
    results = [
        _result(row, use, outer.get(use.path, use.path))
        for row in shown
        if row.status is not Status.CURRENT
        for use in row.standing.uses
    ]
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "basekeeper",
                "version": __version__,
                "semanticVersion": __version__,
                "rules": [
                    {"id": status.value, "shortDescription": {"text": title}}
                    for status, title in _TITLES.items()
                ],
            }
        },
        "automationDetails": {"id": "basekeeper/outdated/"},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": ROOT_ID,
        "invocations": [
            {
                "executionSuccessful": not found.troubles,
                "endTimeUtc": instant(found.now),
                "toolExecutionNotifications": [
                    {"level": "warning", "message": {"text": visible(trouble_words(trouble))}}
                    for trouble in found.troubles
                ],
            }
        ],
        "results": results[:MAX_RESULTS],
    }
    return "".join(pieces({"$schema": SCHEMA_URI, "version": "2.1.0", "runs": [run]}, depth=4))


def _line(row: Row) -> str:
    """Write one image as a row of the table."""
    steps = [
        f"{choice.kind}: {code(target(choice, row.standing.reference))}{_age(choice)}"
        for choice in row.steps
    ]
    steps += [
        f"waiting: {code(tag)} ({f'until {until:%Y-%m-%d}' if until else 'age not known'})"
        for tag, until in waiting(row)
    ]
    steps += [prose(gap.reason) for gap in row.gaps]
    steps += [f"{prose(kind)}: {prose(text)}" for kind, text in notes(row)]
    support = row.support.value.value
    if row.support.until is not None:
        support = f"{support}, {row.support.until}"
    where = "<br>".join(code(f"{use.path}:{use.line}") for use in row.standing.uses)
    cells = (code(short_digest(row.name)), row.status.value, "<br>".join(steps), support, where)
    return f"| {' | '.join(cells)} |"


def _age(choice: Choice) -> str:
    """Write the age of a choice behind its name."""
    words = age_words(choice.age)
    return f" ({words})" if words else ""


def _sentence(row: Row) -> str:
    """Say in one line what an image can be moved to, or why that is not known."""
    said = [f"{choice.kind} {target(choice, row.standing.reference)}" for choice in row.steps]
    said += [text for _, text in notes(row)]
    said += [gap.reason for gap in row.gaps]
    if not said:
        said = [choice.reason for choice in row.rest]
    return shorten(f"{short_digest(row.name)}: {'; '.join(said)}", MAX_MESSAGE_CHARS)


def _case(row: Row, use: Use) -> Case:
    """Make the case of one place."""
    name = f"line {use.line}: {use.text}"
    message = attribute(_sentence(row))
    if row.status is Status.OUTDATED:
        body = f'<failure type="outdated" message={message}/>'
        return Case(use.path, use.line, name, kind="failure", body=body)
    if row.status is Status.UNKNOWN:
        body = f'<error type="unknown" message={message}/>'
        return Case(use.path, use.line, name, kind="error", body=body)
    return Case(use.path, use.line, name)


def _result(row: Row, use: Use, path: str) -> dict[str, Any]:
    """Write one place as a result."""
    region = {"startLine": max(use.line, 1)}
    if use.end_line > use.line:
        region["endLine"] = use.end_line
    return {
        "ruleId": row.status.value,
        "ruleIndex": list(_TITLES).index(row.status),
        "level": "note" if row.status is Status.OUTDATED else "warning",
        "message": {"text": plain(visible(_sentence(row)))},
        "locations": [{"physicalLocation": location(path, region)}],
        "properties": {"image": visible(use.text), "steps": list(_kinds(row))},
    }


def _kinds(row: Row) -> Iterator[str]:
    return (choice.kind for choice in row.steps)
