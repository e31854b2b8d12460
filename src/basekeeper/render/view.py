"""What all formats share: the findings of a report grouped by place, and its totals."""

from __future__ import annotations

from enum import StrEnum
from itertools import groupby
from typing import TYPE_CHECKING

from basekeeper.records import dataclass
from basekeeper.render.layout import short_digest
from basekeeper.values.finding import Category, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from basekeeper.values.finding import Finding, Judgement, Report
    from basekeeper.values.use import Survey, Use
    from basekeeper.values.waiver import Waiver


@dataclass(frozen=True, slots=True)
class RuleText:
    """What a rule says about itself."""

    id: str
    summary: str
    """What it reports, in one line."""
    severity: Severity | None
    """What a finding of it is under the policy; None: switched off."""
    page: str
    """Path of its documentation, relative to the root of the project."""
    text: str = ""
    """Why it matters and how to fix it, in Markdown; empty where the page is not at hand."""
    score: str = ""
    """How severe code scanning shows what it reports, 0.1 to 10.0; empty: by its severity."""


class Standing(StrEnum):
    """Whether a finding gates."""

    NEW = "new"
    """It counts."""
    KNOWN = "known"
    """An old finding, by baseline or by comparison: shown, does not count."""
    WAIVED = "waived"
    """Accepted by a waiver: listed, does not count."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One finding of a report with its standing."""

    finding: Finding
    standing: Standing
    waiver: Waiver | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """One line of a file that findings concern, with the image named there."""

    path: str
    line: int
    image: str | None
    use: Use | None
    judgement: Judgement | None
    entries: tuple[Entry, ...]

    @property
    def category(self) -> Category | None:
        """The image's category, from its judgement or else from its findings."""
        if self.judgement is not None:
            return self.judgement.category
        return next((e.finding.category for e in self.entries if e.finding.category), None)


@dataclass(frozen=True, slots=True)
class Totals:
    """The numbers of a report; each is derivable from its lists."""

    errors: int
    warnings: int
    notes: int
    waived: int
    known: int
    unreadable: int
    """Items that should have been read and could not be."""
    left_out: int
    """Items left out on purpose."""
    files: int
    uses: int
    images: int
    """Distinct images among the uses."""
    categories: Mapping[Category, int]
    """Uses in each category, best first; every category has a number."""


def totals(report: Report) -> Totals:
    """Count what a report holds."""
    severities = [finding.severity for finding in report.findings]
    categories = [judgement.category for _, judgement in report.judgements]
    unreadable = sum(item.fatal for item in report.skipped)
    return Totals(
        errors=severities.count(Severity.ERROR),
        warnings=severities.count(Severity.WARNING),
        notes=severities.count(Severity.NOTE),
        waived=len(report.waived),
        known=len(report.known),
        unreadable=unreadable,
        left_out=len(report.skipped) - unreadable,
        files=len(report.survey.files),
        uses=len(report.survey.uses),
        images=len({use.text for use in report.survey.uses}),
        categories={category: categories.count(category) for category in Category},
    )


def entries(report: Report) -> list[Entry]:
    """List every finding with its standing, sorted by path, line, image, severity and rule."""
    found = [Entry(finding, Standing.NEW) for finding in report.findings]
    found += [Entry(finding, Standing.KNOWN) for finding in report.known]
    found += [Entry(item.finding, Standing.WAIVED, item.waiver) for item in report.waived]
    return sorted(found, key=_order)


def places(report: Report, chosen: list[Entry]) -> Iterator[Place]:
    """Group findings, sorted as by `entries`, by the place that they concern."""
    judged = judged_places(report)
    for (path, line, image), group in groupby(chosen, key=lambda entry: _place(entry.finding)):
        use, judgement = judged.get((path, line, image), (None, None))
        yield Place(path, line, image or None, use, judgement, tuple(group))


def judged_places(report: Report) -> dict[tuple[str, int, str], tuple[Use, Judgement]]:
    """Index the judgements of a report by path, line and image; the first use of a line wins."""
    index: dict[tuple[str, int, str], tuple[Use, Judgement]] = {}
    for use, judgement in report.judgements:
        index.setdefault((use.path, use.line, use.text), (use, judgement))
    return index


def outer_paths(survey: Survey) -> dict[str, str]:
    """Map the path of each inline document (`compose.yaml#services.web`) to the file it is in.

    Formats that point into files need it; lines are those of the outer file already.
    """
    kinds = {file.path: file.kind for file in survey.files}
    found = {}
    for path, kind in kinds.items():
        at = path.find("#")
        while at >= 0:
            if kinds.get(path[:at]) == kind:
                found[path] = path[:at]
            at = path.find("#", at + 1)
    return found


def said(finding: Finding) -> str:
    """Say what is wrong, with the image's name where the message leaves it out."""
    if finding.image is None or short_digest(finding.image).rstrip("…") in finding.message:
        return finding.message
    return f"{finding.image}: {finding.message}"


def plural(count: int, noun: str) -> str:
    """Write a number with its noun: `1 error`, `2 errors`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def severity_counts(sums: Totals) -> str:
    """Write the findings that count in words: `2 errors, 1 warning, 1 note`."""
    parts = ((sums.errors, "error"), (sums.warnings, "warning"), (sums.notes, "note"))
    words = [plural(count, noun) for count, noun in parts if count]
    return ", ".join(words) or "no findings"


def _place(finding: Finding) -> tuple[str, int, str]:
    """Tell which place a finding concerns."""
    return finding.path, finding.line, finding.image or ""


def _order(entry: Entry) -> tuple[str, int, str, int, str, int, str]:
    """Sort by place, then the worst first; complete, so that the order never depends on the run."""
    finding = entry.finding
    return (
        *_place(finding),
        -finding.severity,
        finding.rule,
        finding.column,
        finding.message,
    )
