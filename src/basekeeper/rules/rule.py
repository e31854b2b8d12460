"""What a rule is, and how its defects become findings.

A rule yields `Defect` values; only the classes here make findings of them, so every finding
carries the id of its rule, a place and a fingerprint. Kept here for all rules: where a rule
applies (its setting), that findings in templates are notes at most, and that what no known build
needs counts one step less, unless the rule is about trust.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final

from basekeeper.records import dataclass
from basekeeper.values.finding import Finding, Severity
from basekeeper.values.use import Kind, Role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from basekeeper.policy.model import RuleSetting
    from basekeeper.rules.patching import StoredUse
    from basekeeper.rules.stage_names import StageNames
    from basekeeper.values.finding import Answer, Judgement
    from basekeeper.values.use import SourceFile, Span, Use
    from basekeeper.values.waiver import Waiver


_DIGEST: Final = re.compile(r"(@[a-z0-9]+:[0-9a-f]{12})[0-9a-f]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a defect stands, and what identifies it when lines move."""

    path: str
    line: int
    end_line: int
    column: int = 1
    span: Span | None = None
    image: str | None = None
    subject: str = ""
    """What the defect is about, without versions: a lineage, a stage, a rule of a waiver."""
    stage: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """What a rule found wrong, before it is known as a finding of that rule."""

    place: Place
    message: str
    remedy: str
    severity: Severity | None = None
    """None: as the policy sets it for the rule."""
    confidence: str = "high"
    unknown: bool = False
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One use with everything that rules may ask about it."""

    use: Use
    judgement: Judgement
    file: SourceFile | None
    """The file that names it."""
    now: datetime
    is_sdk: bool = False
    """Whether the image is made to build with: a compiler or a development kit."""
    stage_names: StageNames | None = None
    """The names of the stages of that file."""
    runtime: str | None = None
    """A preferred or permitted image that runs the same, for a restricted one."""
    stored: StoredUse | None = None
    """What the ledger holds of it; None: it was not asked."""

    @property
    def template(self) -> bool:
        """Whether the file is a template, which nothing builds as it stands."""
        return self.file is not None and self.file.template is not None


@dataclass(frozen=True, slots=True, eq=False)
class FileView:
    """One file with its judged uses."""

    file: SourceFile
    subjects: tuple[Subject, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule: id, summary and page. Waivers' own rules are nothing more; `check` feeds them."""

    id: str
    """Kebab case; the file of the rule is named alike."""
    summary: str
    """What it reports, in one line."""
    yields_to: tuple[str, ...] = ()
    """Rules that report the same cause better: where one of them reports the same line at least
    as severely, this one is silent."""
    once_for_an_image: bool = False
    """Whether its notes tell each file of an image once only, at the first line that names it."""
    score: str = ""
    """How severe code scanning shows what it reports, from 0.1 to 10.0; empty: by its severity."""
    is_stored: bool = False
    """Whether it rests on what the ledger holds, so that without a ledger it says nothing."""

    @property
    def page(self) -> str:
        """Path of its documentation, relative to the root of the project."""
        return f"docs/rules/{self.id}.md"

    def finding(
        self, defect: Defect, severity: Severity, *, about: Subject | None = None
    ) -> Finding:
        """Make the finding of a defect, with what is known of the use that it is about."""
        place = defect.place
        return Finding(
            rule=self.id,
            severity=severity,
            message=defect.message,
            remedy=defect.remedy,
            path=place.path,
            line=place.line,
            end_line=place.end_line,
            column=place.column,
            span=place.span,
            image=place.image,
            stage=place.stage,
            unknown=defect.unknown,
            confidence=defect.confidence,
            category=None if about is None else about.judgement.category,
            evidence=defect.evidence if about is None else defect.evidence + _origin(about.use),
            fingerprint=fingerprint(self.id, place),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UseRule(Rule):
    """A rule about one use of an image."""

    inspect: Callable[[Subject, RuleSetting], Iterator[Defect]]
    """Yields what is wrong with one use, whatever its stage."""
    counts_when_unused: bool = False
    """Whether it counts in full for an image that no known build needs."""

    def findings(self, subject: Subject, setting: RuleSetting) -> Iterator[Finding]:
        """Yield the findings of one use as far as the policy lets the rule apply."""
        use = subject.use
        if setting.severity is None or not setting.applies(
            final=use.role is Role.FINAL, production=use.production
        ):
            return
        for defect in self.inspect(subject, setting):
            severity = defect.severity or setting.severity
            if use.role is Role.UNUSED and not self.counts_when_unused:
                severity = Severity(max(severity - 1, Severity.NOTE))
            if subject.template:
                severity = Severity.NOTE
            yield self.finding(defect, severity, about=subject)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRule(Rule):
    """A rule about a whole file and its builds."""

    inspect: Callable[[FileView, RuleSetting], Iterator[Defect]]
    """Yields what is wrong with one file."""

    def findings(self, view: FileView, setting: RuleSetting) -> Iterator[Finding]:
        """Yield the findings of one file as far as the policy lets the rule apply.

        Such a rule says itself which stages it looks at: mostly the final chain.
        """
        if setting.severity is None or not setting.applies(
            final=True, production=view.file.production
        ):
            return
        for defect in self.inspect(view, setting):
            severity = defect.severity or setting.severity
            if view.file.template is not None:
                severity = Severity.NOTE
            yield self.finding(defect, severity)


def place_of(use: Use) -> Place:
    """Return the place of a use: its reference."""
    return Place(
        path=use.path,
        line=use.line,
        end_line=use.end_line,
        column=use.column,
        span=use.span,
        image=use.text,
        subject=lineage(use),
        stage=use.stage,
    )


def place_of_waiver(waiver: Waiver) -> Place:
    """Return the place of a waiver: its first line."""
    subject = " ".join((*waiver.covered, waiver.owner, *waiver.paths, *waiver.images))
    return Place(path=waiver.source, line=waiver.line, end_line=waiver.line, subject=subject)


def lineage(use: Use) -> str:
    """Return what stays of an image when its version changes: registry and repository."""
    if use.kind is Kind.CONCRETE and use.reference is not None:
        return f"{use.reference.registry}/{use.reference.repository}"
    return use.raw


def brief(use: Use) -> str:
    """Write the image of a use for a message: as the builder sees it, digests cut short."""
    return _DIGEST.sub(r"\1…", use.text)


def with_tag(use: Use, tag: str) -> str:
    """Write the image of a use with another tag, as its author wrote the name; no digest."""
    name = use.text.partition("@")[0]
    head, slash, last = name.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}:{tag}"


def fingerprint(rule: str, place: Place) -> str:
    """Hash what identifies a finding when lines move and tags change.

    Rule, path, lineage of the image and stage; 64 hexadecimal digits. `check` adds the
    number of the occurrence.
    """
    parts = (rule, place.path, place.subject, place.stage or "")
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def said(answer: Answer) -> str:
    """Write an answer as evidence: the reason, its source and the day of its data."""
    rests_on = [answer.source] if answer.source else []
    if answer.as_of is not None:
        rests_on.append(f"data of {answer.as_of}")
    return f"{answer.reason} ({', '.join(rests_on)})" if rests_on else answer.reason


def _origin(use: Use) -> tuple[str, ...]:
    """Tell where a reference comes from and who needs it, as far as that is not plain to see."""
    lines = [
        f"supplied by {supplier.name} in {supplier.path}, line {supplier.line}"
        if supplier.span is not None
        else f"supplied by the build argument {supplier.name}"
        for supplier in use.supplied_by
    ]
    if use.onbuild:
        lines.append("taken by whoever builds on this image (ONBUILD)")
    if use.role is Role.UNUSED:
        lines.append("no known build needs it")
    return tuple(lines)
