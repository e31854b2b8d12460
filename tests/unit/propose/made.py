"""Candidates, scans, deadlines and drafts made by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from basekeeper.compare import compare_scans
from basekeeper.config.proposals import ProposalRules
from basekeeper.deadlines.identity import FindingKey
from basekeeper.propose import draft, weigh_groups
from basekeeper.tags.updates import Choice, UpdateRules
from basekeeper.values.change import Change, Edit, EditPlan, FileEdit, Refusal
from basekeeper.values.finding import AxisState, Judgement, Truth
from basekeeper.values.image import ImageConfig, Pointer
from basekeeper.values.proposal import Candidate, Look, Waiting
from basekeeper.values.reference import parse_reference
from basekeeper.values.resolution import Resolution
from basekeeper.values.vulnerability import (
    Database,
    FixStatus,
    Match,
    OperatingSystem,
    Package,
    PackageKind,
    Scan,
    ScannerIdentity,
    Severity,
    Subject,
    SubjectKind,
)
from tests.unit.render.made import answer, judgement, use
from tests.unit.render.standings import standing
from tests.unit.rules import storing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from basekeeper.deadlines.model import Deadline
    from basekeeper.values.proposal import Group, Wanted

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)  # a Wednesday
HOUR = timedelta(hours=1)
OLD, NEW, NEWER = (f"sha256:{letter * 64}" for letter in "abc")
KNOWN = Database(schema=2, updated=NOW - 6 * HOUR)
TRIVY = ScannerIdentity(name="trivy", version="0.69.3", digest="sha256:x")
OPEN = ProposalRules(mode="open", labels=("dependencies",))
CVE = "CVE-2026-1001"


def package(name: str, version: str = "1") -> Package:
    return Package(
        name=name,
        version=version,
        kind=PackageKind.OS,
        ecosystem="debian",
        purl=f"pkg:deb/debian/{name}@{version}",
    )


def match(name: str, of: Package, severity: Severity = Severity.CRITICAL, **more: Any) -> Match:
    values: dict[str, Any] = {
        "vulnerability": name,
        "package": of,
        "status": FixStatus.FIXED,
        "severity": severity,
        "severity_source": "nvd",
        "fixed_versions": ("2",),
    }
    return Match(**values | more)


def scan(*matches: Match, **changes: Any) -> Scan:
    packages = changes.pop("packages", tuple({one.package: None for one in matches}))
    made = Scan(
        subject=Subject(kind=SubjectKind.REGISTRY, name="x", platform="linux/amd64"),
        now=NOW,
        scanner=TRIVY,
        database=KNOWN,
        severity_order=("nvd",),
        system=OperatingSystem("debian", "12.8"),
        packages=packages,
        matches=matches,
    )
    return replace(made, **changes)


VULNERABLE = scan(
    match(CVE, package("openssl")),
    match("CVE-2026-2002", package("zlib"), Severity.LOW),
    match("GHSA-aaaa-bbbb-cccc", package("libxml2"), Severity.MEDIUM, fixed_versions=()),
)
FIXED = scan(
    match("CVE-2026-2002", package("zlib"), Severity.LOW),
    match("CVE-2026-3003", package("curl", "8"), Severity.LOW),
    packages=(package("zlib"), package("curl", "8"), package("openssl", "2")),
    system=OperatingSystem("debian", "12.9"),
)


def config(**more: Any) -> ImageConfig:
    values: dict[str, Any] = {
        "digest": "sha256:c",
        "manifest": "sha256:m",
        "platform": "linux/amd64",
        "user": "node",
        "entrypoint": ("docker-entrypoint.sh",),
        "command": ("node",),
        "size": 80_000_000,
    }
    return ImageConfig(**values | more)


def look(before: Any = VULNERABLE, after: Any = FIXED, **more: Any) -> Look:
    values: dict[str, Any] = {
        "platform": "linux/amd64",
        "before": before,
        "after": after,
        "digests": (OLD, NEW),
        "configs": (config(), config(size=78_500_000)),
    }
    return Look(**values | more)


def judged(text: str, cycle: str, until: date | None) -> Judgement:
    axis = AxisState(
        axis="application", product="nodejs", title="Node.js", cycle=cycle, supported=answer(),
        current=answer(), end_of_life=until,
    )  # fmt: skip
    return judgement(use(text=text), axes=(axis,))


def change(
    old: str = f"node:20.11-slim@{OLD}",
    new: str = f"node:20.19-slim@{NEW}",
    kind: str = "patch",
    *places: str,
    **more: Any,
) -> Change:
    """One image becomes another; `rules` and what `Choice` takes may be given."""
    rules = more.pop("rules", UpdateRules(minimum_age=timedelta(days=3)))
    was, to = parse_reference(old), parse_reference(new)
    told = Resolution(reference=was, pointer=Pointer(was.digest or OLD))
    made = standing(old, *places, resolution=told, rules=rules)
    values: dict[str, Any] = {
        "kind": kind,
        "value": Truth.YES,
        "reason": f"{to.tag} is the newest of its line",
        "tag": to.tag,
        "digest": to.digest or NEW,
    }
    return Change(made, Choice(**values | more), to)


def candidate(of: Change | None = None, *looks: Look, **more: Any) -> Candidate:
    return Candidate(change=change() if of is None else of, looks=looks or (look(),), **more)


YOUNG = Waiting("is younger than 3 days, it waits until 2026-11-27 12:00", NOW + 48 * HOUR)


def deadline(hours: float = 24, **more: Any) -> Deadline:
    """One that is due in so many hours, of what `VULNERABLE` has and `FIXED` has not."""
    finding = more.pop(
        "finding",
        FindingKey("docker.io/library/node:slim", CVE, "pkg:deb/debian/openssl", "linux/amd64"),
    )
    due = NOW + hours * HOUR
    return storing.deadline(hours=hours, finding=finding, **{"due": due, **more})


def edits_of(changes: Iterable[Change], *, refused: bool = False) -> EditPlan:
    """One line `FROM …` for each place."""
    files = []
    for one in changes:
        for place in one.standing.uses:
            old, new = place.text.encode(), one.to.text.encode()
            edit = Edit(5, 5 + len(old), new, 1, one)
            files.append(
                FileEdit(place.path, b"FROM " + old + b"\n", b"FROM " + new + b"\n", (edit,))
            )
    left = tuple(
        Refusal(one.standing.uses[0], one, "the file is a template")
        for one in (changes if refused else ())
    )
    return EditPlan(tuple(sorted(files, key=lambda file: file.path)), left)


def grouped(
    *candidates: Candidate,
    deadlines: Iterable[Deadline] = (),
    rules: ProposalRules = OPEN,
    proposed: Mapping[str, str] | None = None,
) -> tuple[Group, ...]:
    return weigh_groups(candidates, tuple(deadlines), rules, "main", proposed or {})


def wanted(
    *candidates: Candidate,
    deadlines: Iterable[Deadline] = (),
    rules: ProposalRules = OPEN,
    proposed: Mapping[str, str] | None = None,
    clocks: str = "",
) -> list[Wanted]:
    """Groups with their drafts."""
    return [
        draft(group, edits_of(one.candidate.change for one in group.taken), rules, clocks=clocks)
        for group in grouped(*candidates, deadlines=deadlines, rules=rules, proposed=proposed)
    ]


COMPARED = compare_scans(VULNERABLE, FIXED)
