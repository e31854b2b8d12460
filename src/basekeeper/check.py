"""Checking: what was found and a policy in, a report out. Pure; equal input gives an equal report.

Each distinct image is judged once. Then, in this order: rules, one finding for one cause,
fingerprints, waivers, findings about waivers, baseline or comparison.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from dataclasses import field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from basekeeper.errors import EXIT_FINDINGS, EXIT_OK, EXIT_UNKNOWN
from basekeeper.records import dataclass
from basekeeper.rules import (
    expired_waiver,
    invalid_waiver,
    unused_waiver,
)
from basekeeper.rules.patching import FACT
from basekeeper.rules.registry import FILE_RULES, RULES_BY_ID, STORED_RULES, USE_RULES
from basekeeper.rules.rule import FileView
from basekeeper.rules.subjects import Judge
from basekeeper.values.finding import MissingFact, Report, Severity, Truth, WaivedFinding
from basekeeper.values.use import Role
from basekeeper.waivers import WaiverIndex, Waivers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from basekeeper.baseline import Baseline
    from basekeeper.lifecycle.catalogue import Catalogue
    from basekeeper.policy.policy import Policy
    from basekeeper.rules.patching import StoredUses
    from basekeeper.rules.rule import Defect, Rule, Subject
    from basekeeper.values.facts import Facts
    from basekeeper.values.finding import Finding
    from basekeeper.values.use import Survey
    from basekeeper.values.waiver import Waiver

OF_THE_LEDGER: Final = (FACT,)
"""Facts that are not asked for where there is no ledger."""

OF_REGISTRIES: Final = ("registry digests", "publisher status")
"""Facts that are not asked for where registries are not."""

MAX_NAMES: Final = 3
"""Most images that a notice names; a listing shows all."""

MAX_NAME_CHARS: Final = 120
"""Most characters of each, more than nearly all names have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemptions:
    """What keeps findings from gating."""

    waivers: Waivers = field(default_factory=Waivers)
    baseline: Baseline | None = None
    since: tuple[Finding, ...] | None = None
    """Findings of the revision to compare with; None: no comparison."""
    partial: bool = False
    """Whether only a part of the tree is judged, so that a waiver may cover what is left out."""


@dataclass(frozen=True, slots=True)
class Network:
    """What the registries told for a check."""

    facts: Mapping[str, Facts]
    """`str()` of a reference → facts."""
    missing: tuple[MissingFact, ...] = ()
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Waived:
    """Findings told apart by waivers."""

    counting: tuple[Finding, ...]
    waived: tuple[WaivedFinding, ...]
    unused: tuple[Waiver, ...]
    """Those of a rule that was applied, none of whose findings they covered."""
    expired: tuple[Waiver, ...]


_NOTHING_TOLD: Final = Network(MappingProxyType({}))


def check(  # noqa: PLR0913  # three that cannot be left out, four that mostly are
    survey: Survey,
    policy: Policy,
    *,
    now: datetime,
    exemptions: Exemptions | None = None,
    catalogue: Catalogue | None = None,
    network: Network | None = None,
    stored: StoredUses | None = None,
) -> Report:
    """Judge everything that discovery found.

    Args:
        survey: Files and uses.
        policy: The effective policy.
        now: The instant of the run; aware, UTC.
        exemptions: Waivers, and what was there before; None: nothing is exempt.
        catalogue: Calendars and publishers; None: those inside the package.
        network: What the registries told; None: they were not asked.
        stored: What the ledger told; None: it was not asked.
    """
    exempt = exemptions or Exemptions()
    told = network or _NOTHING_TOLD
    judge = Judge(policy, now, catalogue=catalogue, facts=told.facts, stored=stored)
    files = {file.path: file for file in survey.files}
    subjects = tuple(judge.subject(use, files) for use in survey.uses)
    found = _numbered(_one_for_a_cause(_run_rules(survey, subjects, policy)))
    sorted_out = _apply_waivers(found, exempt.waivers.accepted, now)
    silent = STORED_RULES if stored is None else frozenset[str]()
    unused = () if exempt.partial else _of_applied_rules(sorted_out.unused, policy, silent)
    sorted_out = replace(sorted_out, unused=unused)
    about_waivers = _numbered(_waiver_findings(sorted_out, exempt.waivers, policy))
    counting = tuple(_told_once(sorted((*sorted_out.counting, *about_waivers), key=_place)))
    new, known, notices = _without_old(counting, exempt, now, silent)
    unseen = tuple(_unseen(subjects, policy))
    return Report(
        survey=survey,
        now=now,
        policy_name=policy.name,
        policy_digest=policy.digest,
        judgements=tuple((subject.use, subject.judgement) for subject in subjects),
        findings=new,
        waived=sorted_out.waived,
        known=known,
        waivers=exempt.waivers.accepted,
        unused_waivers=sorted_out.unused,
        expired_waivers=sorted_out.expired,
        notices=(
            *policy.notices,
            *judge.catalogue.stale(now),
            *told.notices,
            *_unknown_support(subjects),
            *_unseen_words(unseen),
            *notices,
        ),
        data_as_of=judge.catalogue.as_of,
        unconfigured=(
            *(OF_THE_LEDGER if stored is None else ()),
            *(OF_REGISTRIES if network is None else ()),
        ),
        missing=tuple(sorted((*told.missing, *unseen), key=lambda one: (one.image, one.fact))),
    )


def exit_code(report: Report, fail_on: Severity | None, *, allow_unknown: bool = False) -> int:
    """Say what the command line exits with.

    Args:
        report: The result of a check.
        fail_on: Least severity that gates; None: findings never gate.
        allow_unknown: Whether sources that could not be verified, files that could not be read
            and facts that registries did not tell pass.

    Returns:
        1 where a finding gates, an unverifiable source included; else 3 where something that
        should have been read could not be, or a fact that an error waits for was not told; else 0.
    """
    gating = (
        finding
        for finding in report.findings
        if fail_on is not None
        and finding.severity >= fail_on
        and not (allow_unknown and finding.unknown)
    )
    if any(gating):
        return EXIT_FINDINGS
    unread = any(skipped.fatal for skipped in report.skipped)
    untold = any(fact.gates for fact in report.missing)
    if not allow_unknown and (unread or untold):
        return EXIT_UNKNOWN
    return EXIT_OK


def _run_rules(survey: Survey, subjects: Sequence[Subject], policy: Policy) -> Iterator[Finding]:
    """Run every rule on every use and every file."""
    of_file: defaultdict[str, list[Subject]] = defaultdict(list)
    use_rules = [(rule, policy.rules[rule.id]) for rule in USE_RULES]
    file_rules = [(rule, policy.rules[rule.id]) for rule in FILE_RULES]
    for subject in subjects:
        of_file[subject.use.path].append(subject)
        for use_rule, setting in use_rules:
            yield from use_rule.findings(subject, setting)
    for file in survey.files:
        view = FileView(file, tuple(of_file[file.path]))
        for file_rule, setting in file_rules:
            yield from file_rule.findings(view, setting)


def _one_for_a_cause(findings: Iterable[Finding]) -> list[Finding]:
    """Drop findings whose cause another rule reports better, at the same line for the same image.

    A severer finding never yields to a milder one. The same finding of two builds counts once.
    """
    unique = list(dict.fromkeys(findings))
    strongest: dict[tuple[str, int, str | None, str], Severity] = {}
    for finding in unique:
        key = (finding.path, finding.line, finding.image, finding.rule)
        strongest[key] = max(finding.severity, strongest.get(key, finding.severity))
    return [
        finding
        for finding in unique
        if not any(
            strongest.get((finding.path, finding.line, finding.image, better), 0)
            >= finding.severity
            for better in RULES_BY_ID[finding.rule].yields_to
        )
    ]


def _numbered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sort, and tell apart findings with the same fingerprint by their number in the file."""
    seen: Counter[str] = Counter()
    out = []
    for finding in sorted(findings, key=_place):
        seen[finding.fingerprint] += 1
        number = seen[finding.fingerprint]
        if number > 1:
            text = f"{finding.fingerprint}\0{number}"
            own = hashlib.sha256(text.encode()).hexdigest()
            out.append(replace(finding, fingerprint=own))
        else:
            out.append(finding)
    return tuple(out)


def _place(finding: Finding) -> tuple[str, int, str, int, str]:
    """Order findings by path, line and rule."""
    return (finding.path, finding.line, finding.rule, finding.column, finding.message)


def _apply_waivers(
    findings: Sequence[Finding], waivers: Sequence[Waiver], now: datetime
) -> _Waived:
    """Take out what a waiver covers. The last day itself still holds, UTC."""
    today = now.date()
    expired = tuple(waiver for waiver in waivers if waiver.until < today)
    active = [waiver for waiver in waivers if waiver.until >= today]
    index = WaiverIndex(active)
    counting = []
    waived = []
    used: set[int] = set()
    for finding in findings:
        covering = index.covering(finding)
        used.update(map(id, covering))
        if covering:
            waived.append(WaivedFinding(finding, covering[0]))
        else:
            counting.append(finding)
    unused = tuple(waiver for waiver in active if id(waiver) not in used)
    return _Waived(tuple(counting), tuple(waived), unused, expired)


def _told_once(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Leave out notes that only say again what the same file was told of the same image.

    After waivers: one that covers the first line does not cover the next.
    """
    told: set[tuple[str, str, str | None]] = set()
    for finding in findings:
        key = (finding.rule, finding.path, finding.image)
        is_note = finding.severity is Severity.NOTE
        if is_note and RULES_BY_ID[finding.rule].once_for_an_image:
            if key in told:
                continue
            told.add(key)
        yield finding


def _of_applied_rules(
    waivers: Iterable[Waiver], policy: Policy, silent: frozenset[str]
) -> tuple[Waiver, ...]:
    """Leave out waivers of nothing but rules that are switched off or were not told anything."""
    return tuple(
        waiver
        for waiver in waivers
        if any(
            policy.rules[rule].severity is not None and rule not in silent for rule in waiver.rules
        )
    )


def _unseen(subjects: Iterable[Subject], policy: Policy) -> Iterator[MissingFact]:
    """Tell of which images the ledger knows too little, each once; where a rule waits for it."""
    rules = [policy.rules[rule] for rule in STORED_RULES]
    found: dict[str, MissingFact] = {}
    for subject in subjects:
        use, stored = subject.use, subject.stored
        if stored is None or stored.image.unknown is None or subject.template:
            continue
        final = use.role is Role.FINAL
        asking = [one for one in rules if one.applies(final=final, production=use.production)]
        if not asking:
            continue
        old = stored.is_new is False
        gates = final and not old and any(one.severity is Severity.ERROR for one in asking)
        image, why = str(use.reference), stored.image.unknown
        if image not in found or gates:
            found[image] = MissingFact(image, FACT, why.reason, why.hint, gates)
    yield from found.values()


def _unseen_words(unseen: Iterable[MissingFact]) -> Iterator[str]:
    """Say so in words, once for each reason."""
    of_reason: defaultdict[tuple[str, str | None], list[str]] = defaultdict(list)
    for fact in unseen:
        of_reason[fact.reason, fact.hint].append(fact.image)
    for (reason, hint), images in of_reason.items():
        remedy = f"; {hint}" if hint else ""
        yield f"{FACT} could not be told for {_some(images)}: {reason}{remedy}"


def _waiver_findings(result: _Waived, waivers: Waivers, policy: Policy) -> Iterator[Finding]:
    """Report waivers that are past their day, not needed, or wrong; nothing waives these."""
    found: list[tuple[Rule, Defect]] = []
    found += [(expired_waiver.RULE, expired_waiver.defect(one)) for one in result.expired]
    found += [(unused_waiver.RULE, unused_waiver.defect(one)) for one in result.unused]
    found += [
        (
            invalid_waiver.RULE,
            invalid_waiver.defect(one.path, one.line, message=one.message, hint=one.hint),
        )
        for one in waivers.invalid
    ]
    for rule, defect in found:
        severity = policy.rules[rule.id].severity
        if severity is not None:
            yield rule.finding(defect, severity)


def _without_old(
    findings: tuple[Finding, ...], exempt: Exemptions, now: datetime, silent: frozenset[str]
) -> tuple[tuple[Finding, ...], tuple[Finding, ...], tuple[str, ...]]:
    """Set old findings apart; return new ones, old ones and notices."""
    if exempt.since is None and exempt.baseline is None:
        return findings, (), ()
    from basekeeper.baseline import split, split_since  # noqa: PLC0415  # most runs need neither

    known: tuple[Finding, ...] = ()
    notices: list[str] = []
    if exempt.since is not None:
        compared = split_since(findings, exempt.since)
        findings, known = compared.new, compared.known
    if exempt.baseline is not None:
        old = split(findings, exempt.baseline, now)
        findings, known = old.new, tuple(sorted((*known, *old.known), key=_place))
        source = exempt.baseline.source
        owners = ", ".join(sorted({entry.owner for entry in old.expired}))
        if old.expired:
            notices.append(
                f"{len(old.expired)} entries of {source} have expired (owned by {owners}): "
                "their findings count again"
            )
        stale = sum(entry.rule not in silent for entry in old.stale)
        if stale:
            notices.append(f"{stale} entries of {source} match no finding any more: write it again")
    return findings, known, tuple(notices)


def _unknown_support(subjects: Sequence[Subject]) -> tuple[str, ...]:
    """Say for which images support could not be told, so that silence is not taken for yes."""
    unknown = {
        subject.use.text if subject.use.reference is not None else subject.use.raw
        for subject in subjects
        if (answer := subject.judgement.quality.get("supported")) is not None
        and answer.value is Truth.UNKNOWN
    }
    if not unknown:
        return ()
    return (f"whether it is still supported could not be told for {_some(unknown)}",)


def _some(images: Iterable[str]) -> str:
    """Count images, and name the first few."""
    names = sorted(images)
    shown = ", ".join(text[:MAX_NAME_CHARS] for text in names[:MAX_NAMES])
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    count = "1 image" if len(names) == 1 else f"{len(names)} images"
    return f"{count}: {shown}{more}"
