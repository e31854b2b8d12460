"""What the rules about vulnerabilities share: one finding for all of one severity in one use.

They rest on what the ledger holds of earlier scans; where nobody asked it they are silent. A
vulnerability without a fix asks for nothing, but is shown; so is one that is excepted.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from basekeeper.policy.windows import Urgency
from basekeeper.rules.patching import Standing, count_words
from basekeeper.rules.rule import Defect, UseRule, brief, place_of
from basekeeper.values.finding import Severity
from basekeeper.values.use import Role

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from basekeeper.policy.model import RuleSetting
    from basekeeper.rules.patching import Hole, StoredUse
    from basekeeper.rules.rule import Subject
    from basekeeper.values.stored import StoredScan

MAX_NAMED: Final = 3
"""Most vulnerabilities that a message names; the evidence has more."""

MAX_TOLD: Final = 100
"""Most that the evidence of one finding tells of; `deadlines` and `scan` list all."""

_STOOD_ON: Final = (Role.FINAL, Role.BUILD)
"""What is scanned: what builds stand on."""

_SCORES: Final = {
    Urgency.CRITICAL: "9.5",
    Urgency.HIGH: "8.0",
    Urgency.MEDIUM: "5.5",
    Urgency.LOW: "2.0",
}
"""As code scanning sorts them: critical from 9.0, high from 7.0, medium from 4.0."""


def unpatched(urgency: Urgency) -> UseRule:
    """Make the rule of one severity; what is exploited belongs to that of CRITICAL."""
    also = " or exploited" if urgency is Urgency.CRITICAL else ""
    return UseRule(
        id=f"unpatched-{urgency.word}",
        summary=f"a {urgency.word}{also} vulnerability whose fix was not taken",
        inspect=partial(_inspect, urgency),
        score=_SCORES[urgency],
        is_stored=True,
    )


def _inspect(urgency: Urgency, subject: Subject, setting: RuleSetting) -> Iterator[Defect]:
    """Yield one defect for all vulnerabilities of a severity in one use."""
    stored, use = subject.stored, subject.use
    if stored is None or setting.severity is None or use.role not in _STOOD_ON:
        return
    found = [one for one in stored.holes if _level(one) is urgency]
    late = [one for one in found if one.term.standing is Standing.OVERDUE]
    if setting.options.get("overdue_only"):
        found = late
    untaken = [one for one in found if one.is_open]
    shown = untaken or [one for one in found if one.term.standing is not Standing.TAKEN]
    if not shown:
        return
    yield Defect(
        place=place_of(use),
        message=f"{brief(use)} {_message(shown, is_new=stored.is_new is True)}",
        remedy=_remedy(subject, untaken),
        severity=_severity(setting.severity, subject, untaken, late),
        evidence=tuple(_evidence(found, stored)),
    )


def _level(hole: Hole) -> Urgency:
    return min(hole.urgency, Urgency.CRITICAL)


def _severity(
    full: Severity, subject: Subject, untaken: Sequence[Hole], late: Sequence[Hole]
) -> Severity:
    """Count in full what is overdue or new, one step less what has time, and a build image."""
    if not untaken or subject.stored is None:
        return Severity.NOTE
    steps = 0 if late or subject.stored.is_new else 1
    if subject.use.role is not Role.FINAL:
        steps += 1
    return Severity(max(full - steps, Severity.NOTE))


def _message(shown: Sequence[Hole], *, is_new: bool) -> str:
    """Say how many there are, and name the first few."""
    first: dict[str, Hole] = {}
    for one in shown:
        first.setdefault(one.finding.vulnerability, one)
    what = "vulnerability" if len(first) == 1 else "vulnerabilities"
    fixable = " with a fix" if shown[0].is_open else ""
    head = f"{'brings' if is_new else 'has'} {count_words(shown)} {what}{fixable}"
    named = [_said(one) for one in list(first.values())[:MAX_NAMED]]
    more = f"; and {len(first) - len(named):,} more" if len(first) > len(named) else ""
    return f"{head}: {'; '.join(named)}{more}"


def _said(hole: Hole) -> str:
    """Name one: what it is in, what mends it, and until when."""
    one = hole.finding
    packages = ", ".join(hole.packages[:MAX_NAMED])
    rest = len(hole.packages) - MAX_NAMED
    packages += f" and {rest} more" if rest > 0 else ""
    fix = f", fixed in {' or '.join(one.fixed)}" if one.fixed else ""
    when = _when(hole)
    return f"{one.vulnerability} in {packages} {one.installed}{fix}{', ' if when else ''}{when}"


def _when(hole: Hole) -> str:
    """Say until when it must be dealt with."""
    term = hole.term
    match term.standing:
        case Standing.EXCEPTED:
            return f"excepted: {term.note}" if term.note else "excepted"
        case Standing.UNFIXED:
            return "no fix yet"
        case Standing.TAKEN:
            return "fixed in the published image"
        case Standing.OVERDUE:
            return "overdue" if term.due is None else f"overdue since {_instant(term.due)}"
        case _:
            pass
    if term.due is not None:
        return f"due {_instant(term.due)}"
    return "due with the next release" if term.at_next_release else ""


def _remedy(subject: Subject, untaken: Sequence[Hole]) -> str:
    """Say how the fix is taken."""
    if not untaken:
        return ""
    reference = subject.use.reference
    if reference is not None and reference.digest is not None:
        return "take a base that holds the fixes (basekeeper update), build and release"
    return "build and release anew, on what the tag stands for today, then scan again"


def _evidence(found: Sequence[Hole], stored: StoredUse) -> Iterator[str]:
    """Tell what was found by whom, then every vulnerability with the line of the policy."""
    yield from map(_scan, stored.image.scans)
    for hole in found[:MAX_TOLD]:
        yield _told(hole)
    if len(found) > MAX_TOLD:
        yield f"{len(found) - MAX_TOLD:,} more; basekeeper deadlines lists all"


def _scan(scan: StoredScan) -> str:
    made = "unknown" if scan.database is None else _instant(scan.database)
    return (
        f"scanned for {scan.platform} {_instant(scan.at)} by {scan.scanner},"
        f" database of {made}: {scan.digest}"
    )


def _told(hole: Hole) -> str:
    """Tell all of one vulnerability."""
    one, term = hole.finding, hole.term
    parts = [f"{one.severity.word}{f' ({one.severity_source})' if one.severity_source else ''}"]
    if term.urgency is Urgency.EXPLOITED:
        parts.append("exploited")
    fix = f", fixed in {' or '.join(one.fixed)}" if one.fixed else ""
    parts.append(f"{one.vulnerability} in {', '.join(hole.packages)} {one.installed}{fix}")
    parts.append(f"found {_instant(one.since)}")
    when = _when(hole)
    parts += [when] if when else []
    parts += [f"by {term.clause}"] if term.clause else []
    parts += [f"for {term.product}"] if term.product else []
    return ", ".join(parts)


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
