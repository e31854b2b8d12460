"""Facts about images: what was scanned, found, and not found any more."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final

from basekeeper.recording import words
from basekeeper.recording.batch import Fact
from basekeeper.recording.looks import read
from basekeeper.recording.sightings import Sighting, lineage_of
from basekeeper.recording.stored import problem_text
from basekeeper.values.event import EventKind
from basekeeper.values.sights import DEFAULT_TAG
from basekeeper.values.vulnerability import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from basekeeper.deadlines.identity import FindingKey
    from basekeeper.recording.batch import Batch
    from basekeeper.recording.observation import LookedAt
    from basekeeper.recording.proofs import Proofs
    from basekeeper.values.reference import Reference
    from basekeeper.values.vulnerability import Match

GRYPE: Final = "grype"
OBSERVED: Final = "observed"
"""Witnesses of a fix: a scanner that knows its date, and our own first look."""

_PASSING: Final = frozenset({"problems", "reference", "tag"})
"""An image may have several names; the words for a problem may tell an age."""


def tell_available(
    batch: Batch, bases: Iterable[tuple[LookedAt, Sighting]], proofs: Proofs
) -> None:
    """Tell which base holds a fix that an image lacks whose place it could take, the first alone.

    Another release of the same lineage is no base for who may not move to it.
    """
    told: defaultdict[tuple[FindingKey, str], set[str]] = defaultdict(set)
    for event in batch.known.events:
        scope = read(event.subject, batch.aliases)
        finding = None if scope is None else scope.finding
        if event.kind is EventKind.BASE_AVAILABLE and finding is not None:
            said = event.evidence
            told[finding, said.get("replaces", "")].add(said.get("digest", ""))
    by_line: defaultdict[tuple[str, str], list[FindingKey]] = defaultdict(list)
    for finding in batch.looks.every():
        if proofs.is_fixable(finding):
            by_line[finding.lineage, finding.platform].append(finding)
    stood = _stood_for(batch)
    for image, seen in bases:
        line = words.scope(lineage=lineage_of(image.reference)).lineage or ""
        before = _earlier(stood[_tag_of(image.reference)], seen.digest)
        older = {*map(words.digest_name, image.replaces), *before} - {seen.digest}
        for finding in sorted(by_line[line, seen.platform], key=lambda one: one.parts):
            lacking = [one for one in sorted(older) if batch.looks.is_present(finding, one)]
            waiting = [one for one in lacking if _waits(batch, finding, told[finding, one])]
            if waiting and proofs.proof(finding, seen.digest) is not None:
                for digest in waiting:
                    told[finding, digest].add(seen.digest)
                    _tell_base(batch, (image, seen), finding, digest)


def _waits(batch: Batch, finding: FindingKey, told: Iterable[str]) -> bool:
    """Tell whether no base that was told of is still free of a finding."""
    return all(batch.looks.is_present(finding, one) for one in told)


def _stood_for(batch: Batch) -> Mapping[str, dict[str, datetime]]:
    """Return what each tag stood for, ever, and when it was first seen to."""
    found: defaultdict[str, dict[str, datetime]] = defaultdict(dict)
    for event in (*batch.known.events, *batch.events):
        if event.kind is EventKind.FIRST_SEEN:
            tag, _, digest = event.key.partition("@")
            found[f"{event.subject}:{tag}"].setdefault(words.digest_name(digest), event.at)
    return found


def _earlier(stood: Mapping[str, datetime], digest: str) -> list[str]:
    """Return what a tag stood for before a digest; what came later it does not replace."""
    since = stood.get(digest)
    return [other for other, at in stood.items() if since is not None and at < since]


def _tag_of(reference: Reference) -> str:
    return f"{reference.registry}/{reference.repository}:{reference.tag or DEFAULT_TAG}"


def _tell_base(
    batch: Batch, base: tuple[LookedAt, Sighting], finding: FindingKey, replaced: str
) -> None:
    image, seen = base
    chain = words.image_chain(image.reference)
    subject = words.subject(chain, words.of_product(finding, None))
    said = words.evidence(digest=seen.digest, tag=image.reference.tag, replaces=replaced)
    fact = Fact(EventKind.BASE_AVAILABLE, subject, words.key(replaced, seen.digest))
    batch.add(fact, said, at=image.since, scan=seen.scan)


def tell_image(batch: Batch, seen: Sighting) -> None:
    """Tell of one scan: that it was made, and what it found and found no more."""
    chain = words.image_chain(seen.reference)
    _tell_scan(batch, seen, chain)
    for finding, matches in seen.found.items():
        subject = words.subject(chain, words.of_product(finding, None))
        _tell_published(batch, seen, subject, matches)
        _tell_detected(batch, seen, finding, subject)
        _tell_fix(batch, seen, finding, subject)
        _tell_severities(batch, seen, finding, subject)
    if seen.scan.complete:
        _tell_gone(batch, seen, chain)


def _tell_scan(batch: Batch, seen: Sighting, chain: str) -> None:
    """Tell that an image was scanned, if anything of it differs from the last time."""
    scan = seen.scan
    database = None if scan.database is None else words.written(scan.database.updated)
    counts = Counter((match.severity, match.fixable) for match in scan.matches)
    said = words.evidence(
        digest=seen.digest,
        reference=str(seen.reference),
        repository=f"{seen.reference.registry}/{seen.reference.repository}",
        tag=seen.reference.tag,
        platform=seen.platform,
        scanner=scan.scanner.name,
        scanner_version=scan.scanner.version,
        database=database,
        severity_order=words.listed(scan.severity_order),
        packages=str(len(scan.packages)),
        complete="yes" if scan.complete else "no",
        problems=problem_text(scan.problems),
        **{one.word: f"{counts[one, True]}+{counts[one, False]}" for one in Severity},
    )
    last = batch.last_scans.get((chain, seen.digest, seen.platform, scan.scanner.name))
    if last is not None and _lasting(last) == _lasting(said):
        return
    batch.last_scans[chain, seen.digest, seen.platform, scan.scanner.name] = said
    key = words.key(
        seen.digest,
        scan.scanner.name,
        scan.scanner.version,
        database or "-",
        said["packages"],
        said["complete"],
    )
    subject = words.scan_subject(chain, seen.platform)
    batch.add_again(Fact(EventKind.SCANNED, subject, key), said, scan=scan)


def _lasting(said: Mapping[str, str]) -> dict[str, str]:
    """Return evidence of a scan without what may change from hour to hour, or has two names."""
    return {name: text for name, text in said.items() if name not in _PASSING}


def _tell_published(batch: Batch, seen: Sighting, subject: str, matches: Iterable[Match]) -> None:
    """Tell when a vulnerability became public."""
    instants = [one.published for one in matches if one.published is not None]
    if instants:
        said = words.evidence(from_=seen.scan.scanner.name)
        at = min(instants)
        batch.add(Fact(EventKind.PUBLISHED, subject, "published"), said, at=at, scan=seen.scan)


def _tell_detected(batch: Batch, seen: Sighting, finding: FindingKey, subject: str) -> None:
    """Tell that it was found, where that scanner's last word on that image was another one."""
    scan, scanner = seen.scan, seen.scan.scanner.name
    said = _detection(seen, finding)
    last = batch.looks.last(finding, seen.digest, scanner)
    if last is not None and not last.is_absent:
        before = last.event.evidence
        if all(before.get(one) == said.get(one) for one in ("fixed", "status")):
            return
    if scan.database is not None:
        at, source = scan.database.updated, words.evidence(from_=scanner)
        batch.add(Fact(EventKind.DATABASE_KNOWN, subject, scanner), source, at=at, scan=scan)
    key = words.teller(seen.digest, scanner)
    batch.add_again(Fact(EventKind.DETECTED, subject, key), said, scan=scan)


def _detection(seen: Sighting, finding: FindingKey) -> dict[str, str]:
    matches = seen.found[finding]
    worst = max(matches, key=lambda one: one.severity)
    origin = seen.origins.get(finding)
    names = {words.vulnerability_name(name) for one in matches for name in one.names}
    return words.evidence(
        digest=seen.digest,
        from_=seen.scan.scanner.name,
        name=worst.package.name,
        installed=words.listed(_each(one.package.version for one in matches)),
        fixed=words.listed(_each(version for one in matches for version in one.fixed_versions)),
        status=words.listed(_each(one.status.value for one in matches)),
        severity=worst.severity.word,
        severity_source=worst.severity_source,
        aliases=words.listed(sorted(names - {finding.vulnerability})),
        announcements=words.listed(sorted({name for one in matches for name in one.announcements})),
        layer=worst.package.layer,
        tag=seen.reference.tag,
        origin=None if origin is None else origin.value,
    )


def _tell_fix(batch: Batch, seen: Sighting, finding: FindingKey, subject: str) -> None:
    """Tell since when there is a version with the fix."""
    versions = _each(version for one in seen.found[finding] for version in one.fixed_versions)
    if not versions:
        return
    fixed, dates = words.listed(versions), batch.seen.fix_dates
    known = [
        date
        for one in seen.found[finding]
        for name in one.names
        if (date := dates.get((name, one.package.identity))) is not None
    ]
    kind = EventKind.FIX_AVAILABLE
    if known:
        said = words.evidence(from_=GRYPE, fixed=fixed)
        batch.add(Fact(kind, subject, GRYPE), said, at=min(known), scan=seen.scan)
    said = words.evidence(from_=OBSERVED, fixed=fixed)
    batch.add(Fact(kind, subject, OBSERVED), said, scan=seen.scan)


def _tell_severities(batch: Batch, seen: Sighting, finding: FindingKey, subject: str) -> None:
    """Tell what sources say of the severity, where that differs from what they said before.

    Images of one lineage may be judged differently: a word is new if it is another one than that
    scanner told of that image before, or of any image where it never told of this one.
    """
    scanner = seen.scan.scanner.name
    teller = words.teller(seen.digest, scanner)
    matches = seen.found[finding]
    worst = max(matches, key=lambda one: one.severity)
    said: dict[str, Severity] = {}
    for match in matches:
        for source, severity in match.severities.items():
            said[source] = max(severity, said.get(source, severity))
    said.pop(words.PINNED, None)
    of = {words.PINNED: worst.severity_source}
    for source, severity in (*said.items(), (words.PINNED, worst.severity)):
        name = words.clean(source)
        told = batch.severities.setdefault((finding, name), {})
        if told.get(teller, told.get("")) == severity.word:
            told.setdefault(teller, severity.word)
            continue
        told[teller] = told[""] = severity.word
        key = words.key(f"{source}:{severity.word}")
        batch.add_again(
            Fact(EventKind.SEVERITY_CHANGED, subject, key),
            words.evidence(
                severity=severity.word,
                from_=source,
                of=of.get(source),
                digest=seen.digest,
                scanner=scanner,
            ),
            scan=seen.scan,
        )


def _tell_gone(batch: Batch, seen: Sighting, chain: str) -> None:
    """Tell what the same scanner no longer finds in the same image, whoever stands on it."""
    scanner, places = seen.scan.scanner.name, seen.places
    for finding in sorted(batch.looks.findings(seen.digest), key=lambda one: one.parts):
        if finding.platform != seen.platform:
            continue
        if (finding.vulnerability, finding.package) in places:
            continue
        last = batch.looks.last(finding, seen.digest, scanner)
        if last is None or last.is_absent:
            continue
        subject = words.subject(chain, words.of_product(finding, None))
        said = words.evidence(digest=seen.digest, from_=scanner)
        key = words.teller(seen.digest, scanner)
        batch.add_again(Fact(EventKind.GONE, subject, key), said, scan=seen.scan)


def _each(texts: Iterable[str]) -> tuple[str, ...]:
    """Return each text once, in their order."""
    return tuple(dict.fromkeys(texts))
