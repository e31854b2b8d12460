"""What checking says: answers, judgements, findings and the report that carries them."""

from __future__ import annotations

from dataclasses import field
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

from basekeeper.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from basekeeper.values.reference import Reference
    from basekeeper.values.use import Skipped, Span, Survey, Use
    from basekeeper.values.waiver import Waiver


class Severity(IntEnum):
    """How much a finding matters; ordered, so that thresholds compare."""

    NOTE = 1
    WARNING = 2
    ERROR = 3

    @property
    def word(self) -> str:
        """The lower-case name used in policies and every format."""
        return self.name.lower()


class Category(StrEnum):
    """The policy category of an image, from best to worst."""

    PREFERRED = "preferred"
    PERMITTED = "permitted"
    RESTRICTED = "restricted"
    PROHIBITED = "prohibited"


class Truth(StrEnum):
    """Yes, no, or could not be told; unknown is never read as yes."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one question about an image, with what it rests on."""

    value: Truth
    reason: str
    source: str | None = None
    """Where the fact is from, for example `endoflife.date`."""
    as_of: date | None = None
    """The day of that fact's data."""


@dataclass(frozen=True, slots=True)
class AxisState:
    """Where one version of an image stands in its product's calendar, judged at one instant."""

    axis: str
    """`application`, `os` or `generation`."""
    product: str
    """Product name in the lifecycle data, for example `nodejs`."""
    title: str
    cycle: str
    """The release line, for example `22` or `3.20`."""
    supported: Answer
    current: Answer
    """Whether this is the newest LTS line (or newest stable line where there are no LTS lines)."""
    end_of_life: date | None = None
    """The day support (a distribution's own LTS phase included) ends or ended; None: not known."""
    newest: str | None = None
    """The line that would be current."""
    newest_since: date | None = None
    """The day that line became current (released, or became LTS)."""
    named: bool = True
    """Whether the image's own name or tag says this version; False where its publisher picks it."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a policy says of one image."""

    text: str
    reference: Reference | None
    category: Category
    category_known: bool
    """False where the image is prohibited only because its source could not be verified."""
    reason: str
    """Why it falls in that category, in words."""
    clause: str
    """The entry of the policy that decided, for example `policy.permitted[0]`, or `default`."""
    explicit: bool
    """True where an entry of the policy names the image as prohibited, not merely nothing else."""
    quality: Mapping[str, Answer]
    """Keys: official_source, current_version, supported, minimal_size; of a check that asked the
    ledger also known_vulnerabilities."""
    axes: tuple[AxisState, ...] = ()
    minimal_alternative: str | None = None
    """A smaller tag of the same version, where one is known."""
    suggestion: str | None = None
    """A replacement, where the policy or the replacement catalogue names one."""
    next_reference: str | None = None
    """Where the image is past its end or behind: the listed image of the same variant to move to,
    named as the author named this one, without digest. None where no list has one."""
    tags_are_versions: bool = True
    """False where tags name variants, and only a digest holds a version fast (distroless)."""
    clause_origin: str | None = None
    """The policy that holds the clause: its path, or `shipped default`; None for `default`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One violation, at one place."""

    rule: str
    """Rule id in kebab case; also the name of its page below `docs/rules/`."""
    severity: Severity
    message: str
    """What is wrong, in one line, lower case, without a final stop."""
    remedy: str
    """What to do about it, one imperative sentence."""
    path: str
    line: int
    end_line: int
    column: int = 1
    span: Span | None = None
    image: str | None = None
    """The image concerned as the builder sees it, if any."""
    stage: str | None = None
    unknown: bool = False
    """True where the fact could not be determined: the source is unverifiable, not proven bad."""
    confidence: str = "high"
    """`high` (from facts), `medium` (from conventions of tags) or `low` (a guess by text)."""
    category: Category | None = None
    evidence: tuple[str, ...] = ()
    """Facts it rests on, each with source and date."""
    fingerprint: str = ""
    """Stable across line moves and rebuilds: rule, path, image lineage and occurrence."""


@dataclass(frozen=True, slots=True)
class WaivedFinding:
    """A finding that a waiver accepts until its expiry."""

    finding: Finding
    waiver: Waiver


@dataclass(frozen=True, slots=True)
class MissingFact:
    """A fact about an image that was asked for and not told; the image was judged without it."""

    image: str
    """The canonical reference."""
    fact: str
    """`publisher status`, `contents` or `known vulnerabilities`."""
    reason: str
    hint: str | None = None
    gates: bool = False
    """Whether an error may stay hidden without it, so that the run cannot pass."""


@dataclass(frozen=True, slots=True)
class Report:
    """The whole result of a check; every total that a format prints is derivable from it."""

    survey: Survey
    now: datetime
    policy_name: str
    """Path of the policy file, or `shipped default`."""
    policy_digest: str
    """`sha256:…` of the effective policy, for evidence."""
    judgements: tuple[tuple[Use, Judgement], ...]
    """One for each use, in the survey's order."""
    findings: tuple[Finding, ...]
    """Those that count, sorted by path, line, rule."""
    waived: tuple[WaivedFinding, ...] = ()
    known: tuple[Finding, ...] = ()
    """Old findings by baseline or `--since`: shown, but they do not gate."""
    waivers: tuple[Waiver, ...] = ()
    unused_waivers: tuple[Waiver, ...] = ()
    expired_waivers: tuple[Waiver, ...] = ()
    notices: tuple[str, ...] = ()
    """Facts about the run itself, for example how old the lifecycle data is."""
    data_as_of: Mapping[str, date] = field(default_factory=dict)
    """Source of facts → day of its data."""
    unconfigured: tuple[str, ...] = ()
    """Facts nobody asked for in this run (they need the network), by name."""
    missing: tuple[MissingFact, ...] = ()
    """Facts that were asked for in vain, sorted by image."""

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """What could not be read."""
        return self.survey.skipped
