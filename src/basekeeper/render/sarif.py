"""The report in SARIF 2.1.0, for code hosts and viewers of analysis results.

A result points at the line that names the image. What a waiver accepts is a suppressed result,
what a baseline knows is `unchanged`, and what could not be read is a notification of the tool.
Source: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html, and for the caps
https://docs.github.com/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from basekeeper import __version__
from basekeeper.records import dataclass
from basekeeper.render.encode import pieces
from basekeeper.render.json import instant
from basekeeper.render.safe import shorten, visible
from basekeeper.render.view import Standing, entries, judged_places, outer_paths, plural, said
from basekeeper.values.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from basekeeper.render.view import Entry, RuleText
    from basekeeper.values.finding import Finding, Judgement, Report
    from basekeeper.values.use import Skipped, Use

MAX_RESULTS: Final = 25_000
"""Most results of one run; code scanning refuses a file with more."""

MAX_NOTIFICATIONS: Final = 1_000
"""Most notifications of one run, so that an unreadable tree cannot fill the 10 MB there are."""

MAX_MESSAGE_CHARS: Final = 1_000
"""Longest message, in characters; code scanning shows no more."""

SCHEMA_URI: Final = "https://json.schemastore.org/sarif-2.1.0.json"

_LEVELS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}
_SCORES: Final = {Severity.ERROR: "8.0", Severity.WARNING: "5.0", Severity.NOTE: "2.0"}
"""`security-severity` of a rule: high, medium, low as code scanning sorts them."""

_ROOT: Final = "SRCROOT"
ROOT_ID: Final = {_ROOT: {"description": {"text": "The root of the tree that was checked."}}}
"""What paths are relative to."""

_NO_BYTE: Final = re.compile("[\ud800-\udc7f\udd00-\udfff]")
"""Surrogates that stand for no byte of a file name (PEP 383)."""


def render_sarif(report: Report, rules: Mapping[str, RuleText]) -> str:
    """Write a report as one run.

    Args:
        report: What to write.
        rules: Every rule by its id, for the texts that a viewer shows beside a result.
    """
    found = entries(report)
    kept = _kept(found)
    ids = sorted({*rules, *(entry.finding.rule for entry in kept)})
    context = _Context(
        numbers={rule: index for index, rule in enumerate(ids)},
        judged=judged_places(report),
        outer=outer_paths(report.survey),
        compared=any(entry.standing is Standing.KNOWN for entry in kept),
    )
    run: dict[str, Any] = {
        "tool": {"driver": _driver(ids, rules)},
        "automationDetails": {"id": "basekeeper/check/"},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": ROOT_ID,
        "invocations": [_invocation(report, len(found) - len(kept))],
        "results": (_result(entry, context) for entry in kept),
        "properties": {"policy": visible(report.policy_name), "policyDigest": report.policy_digest},
    }
    return "".join(pieces({"$schema": SCHEMA_URI, "version": "2.1.0", "runs": [run]}, depth=4))


def _kept(found: list[Entry]) -> list[Entry]:
    """Keep what a code host takes: the worst of those that count, in the report's order."""
    if len(found) <= MAX_RESULTS:
        return found
    ranked = sorted(
        range(len(found)),
        key=lambda index: (
            found[index].standing is not Standing.NEW,
            -found[index].finding.severity,
        ),
    )
    return [found[index] for index in sorted(ranked[:MAX_RESULTS])]


def _driver(ids: list[str], rules: Mapping[str, RuleText]) -> dict[str, Any]:
    """Describe the program and its rules."""
    return {
        "name": "basekeeper",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": [_rule(rule, rules.get(rule)) for rule in ids],
    }


def _rule(rule: str, text: RuleText | None) -> dict[str, Any]:
    """Describe one rule."""
    described: dict[str, Any] = {"id": rule}
    if text is None:
        return described
    level = "none" if text.severity is None else _LEVELS[text.severity]
    words = text.text or text.summary
    properties: dict[str, Any] = {
        "tags": ["security", "container", "base-image"],
        "precision": "high",
    }
    if text.severity is not None:
        properties["security-severity"] = text.score or _SCORES[text.severity]
    return described | {
        "name": "".join(word.capitalize() for word in rule.split("-")),
        "shortDescription": {"text": text.summary},
        "fullDescription": {"text": text.summary},
        "help": {"text": words, "markdown": words},
        "defaultConfiguration": {"enabled": text.severity is not None, "level": level},
        "properties": properties,
    }


@dataclass(frozen=True, slots=True)
class _Context:
    """What all results of a run refer to."""

    numbers: Mapping[str, int]
    """Rule → its index among the described rules."""
    judged: Mapping[tuple[str, int, str], tuple[Use, Judgement]]
    outer: Mapping[str, str]
    compared: bool
    """Whether results say if they are new."""

    def path(self, finding: Finding) -> str:
        """Return the file that a finding is in."""
        return self.outer.get(finding.path, finding.path)

    def use(self, finding: Finding) -> Use | None:
        """Return the use that a finding is about, if any."""
        found = self.judged.get((finding.path, finding.line, finding.image or ""))
        return None if found is None else found[0]


def _result(entry: Entry, context: _Context) -> dict[str, Any]:
    """Write one finding."""
    finding = entry.finding
    region = _region(finding, context.use(finding))
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": context.numbers[finding.rule],
        "level": _LEVELS[finding.severity],
        "message": {"text": _message(finding)},
        "locations": [{"physicalLocation": location(context.path(finding), region)}],
        "properties": _properties(finding),
    }
    if finding.fingerprint:
        result["partialFingerprints"] = {"basekeeper/v1": finding.fingerprint}
    if context.compared:
        result["baselineState"] = "unchanged" if entry.standing is Standing.KNOWN else "new"
    if entry.waiver is not None:
        waiver = entry.waiver
        why = f"{waiver.reason} ({waiver.owner}, until {waiver.until})"
        result["suppressions"] = [
            {
                "kind": "inSource" if waiver.inline else "external",
                "status": "accepted",
                "justification": visible(why),
            }
        ]
    return result


def _message(finding: Finding) -> str:
    """Say what is wrong with which image, and what to do, in plain text."""
    text = shorten(visible(said(finding)), MAX_MESSAGE_CHARS)
    remedy = f"\n{shorten(visible(finding.remedy), MAX_MESSAGE_CHARS)}" if finding.remedy else ""
    return plain(text + remedy)


def plain(text: str) -> str:
    """Escape text whose lines are our own.

    Brackets, braces and backslashes mean links and placeholders there (SARIF 2.1.0, sections
    3.11.5 and 3.11.6).
    """
    return (
        text.replace("\\", "\\\\")
        .replace("[", "\\[")
        .replace("]", "\\]")
        .replace("{", "{{")
        .replace("}", "}}")
    )


def location(path: str, region: dict[str, int]) -> dict[str, Any]:
    """Name file and region; the path is relative to the root and percent-encoded."""
    return {"artifactLocation": {"uri": _uri(path), "uriBaseId": _ROOT}, "region": region}


def _uri(path: str) -> str:
    """Write a relative path as a URI reference; a colon must not look like a scheme."""
    return quote(_NO_BYTE.sub("\ufffd", path).encode("utf-8", "surrogateescape"), safe="/")


def _region(finding: Finding, use: Use | None) -> dict[str, int]:
    """Tell the lines and, where the instruction is a single line, the columns of the image."""
    region = {"startLine": max(finding.line, 1)}
    if finding.end_line > finding.line:
        return region | {"endLine": finding.end_line}
    region["startColumn"] = max(finding.column, 1)
    if use is not None and use.span is not None and use.column == finding.column:
        region["endColumn"] = region["startColumn"] + max(len(use.raw), 1)
    return region


def _properties(finding: Finding) -> dict[str, Any]:
    """Keep what SARIF has no place for."""
    properties: dict[str, Any] = {"confidence": finding.confidence, "unknown": finding.unknown}
    if finding.image is not None:
        properties["image"] = visible(finding.image)
    if finding.category is not None:
        properties["category"] = finding.category.value
    if finding.evidence:
        properties["evidence"] = [visible(fact) for fact in finding.evidence]
    return properties


def _invocation(report: Report, dropped: int) -> dict[str, Any]:
    """Describe the run: its time, what could not be read, and what was left out."""
    unread = [item for item in report.skipped if item.fatal]
    notes = [_unread(item) for item in unread[:MAX_NOTIFICATIONS]]
    if len(unread) > MAX_NOTIFICATIONS:
        notes.append(
            _notification(f"{plural(len(unread) - MAX_NOTIFICATIONS, 'more item')} skipped")
        )
    if dropped:
        text = f"{plural(dropped, 'result')} left out: a file may hold {MAX_RESULTS:,}"
        notes.append(_notification(text))
    notes += [_notification(visible(notice), "note") for notice in report.notices]
    return {
        "executionSuccessful": not unread,
        "endTimeUtc": instant(report.now),
        "toolExecutionNotifications": notes,
    }


def _unread(item: Skipped) -> dict[str, Any]:
    """Tell of one item that could not be read."""
    text = f"{item.reason}: {item.hint}" if item.hint else item.reason
    note = _notification(shorten(visible(text), MAX_MESSAGE_CHARS), "error")
    region = {"startLine": max(item.line or 1, 1)}
    return note | {"locations": [{"physicalLocation": location(item.path, region)}]}


def _notification(text: str, level: str = "warning") -> dict[str, Any]:
    """Write one message about the run itself."""
    return {"level": level, "message": {"text": text}}
