"""What the ledger tells of images without asking anybody, and what it was told already."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Final

from basekeeper.deadlines.identity import Aliases
from basekeeper.recording import words
from basekeeper.recording.looks import Looks, alias_groups, read
from basekeeper.values.event import EventKind, corrected
from basekeeper.values.image import Unknown
from basekeeper.values.sights import DEFAULT_TAG
from basekeeper.values.stored import StoredFinding, StoredImage, StoredScan
from basekeeper.values.vulnerability import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from basekeeper.deadlines.identity import FindingKey
    from basekeeper.recording.looks import Look
    from basekeeper.values.event import Event, Record
    from basekeeper.values.reference import Reference

HINT: Final = "run basekeeper scan"

MAX_SKEW: Final = timedelta(hours=1)
"""How far in the future advisories may have been made: clocks differ."""

MAX_AHEAD: Final = timedelta(minutes=10)
"""How much later than now an event may be; of a later one some clock was wrong."""

CLOCK_HINT: Final = "check the clock of this machine, and those of all that record"

_SEVERITIES: Final = {one.word: one for one in Severity}
_EVER: Final = datetime.min.replace(tzinfo=UTC)
_PROBLEM_MARK: Final = " | "


class StoredFacts:
    """What events tell, corrections in the place of what they correct."""

    def __init__(self, told: Sequence[Event]) -> None:
        """Keep events, in the order of recording; see `read`."""
        self.events: tuple[Event, ...] = corrected(told)
        """Those that stand, in the order of recording."""
        self._told = {(one.kind, one.subject, one.key) for one in told if not one.corrects}
        self.later: Mapping[tuple[EventKind, str, str], Event] = {}
        """What `until` left out, by kind, subject and key."""
        self.every = self.events
        """Those that stand, and what `until` left out."""

    @classmethod
    def read(cls, records: Iterable[Record]) -> StoredFacts:
        """Read what a ledger holds.

        Args:
            records: Of every chain that is asked about, in the order of recording: for an image
                those of `words.image_chain` and `words.ADVISORIES`; what was not read is unknown.
        """
        return cls([record.event for record in records])

    def has(self, kind: EventKind, subject: str, key: str) -> bool:
        """Tell whether an event is recorded, whatever became of it since."""
        return (kind, subject, key) in self._told

    def until(self, moment: datetime) -> StoredFacts:
        """Leave out what happened later; `has` knows it all the same."""
        later = [one for one in self.events if one.at > moment]
        if not later:
            return self
        found = StoredFacts([one for one in self.events if one.at <= moment])
        found._told, found.every = self._told, self.events
        found.later = {(one.kind, one.subject, one.key): one for one in later}
        return found

    @cached_property
    def alias_groups(self) -> tuple[tuple[str, ...], ...]:
        """Names of one vulnerability, as detections told them."""
        return tuple(dict.fromkeys(alias_groups(self.events)))

    @cached_property
    def aliases(self) -> Aliases:
        """Which vulnerabilities are one."""
        return Aliases(self.alias_groups)

    @cached_property
    def looks(self) -> Looks:
        """What scanners saw."""
        return Looks(self.events, self.aliases)

    @cached_property
    def scans(self) -> Mapping[str, tuple[Event, ...]]:
        """Scans by the digest of their image, the last one at the end."""
        found: defaultdict[str, list[Event]] = defaultdict(list)
        for event in self.events:
            if event.kind is EventKind.SCANNED:
                found[event.evidence.get("digest", "")].append(event)
        return {digest: tuple(sorted(same, key=_instant)) for digest, same in found.items()}

    def image(
        self,
        reference: Reference,
        digest: str | None,
        platforms: Iterable[str],
        *,
        now: datetime,
        max_age: timedelta,
    ) -> StoredImage:
        """Tell what is known of one image.

        Args:
            reference: Its repository and tag.
            digest: Which one is in use; None: the one that the tag was last seen to stand for.
            platforms: Those that are built; none: those that were scanned.
            now: The instant of the run.
            max_age: How old advisories may be for absence to prove anything.
        """
        digest = digest or self._last_seen(reference, now)
        if digest is None:
            return StoredImage(digest=None, unknown=Unknown("it was never seen", HINT))
        chain = words.image_chain(reference)
        return self.of_digest(chain, digest, platforms, now=now, max_age=max_age)

    def of_digest(
        self,
        chain: str,
        digest: str,
        platforms: Iterable[str],
        *,
        now: datetime,
        max_age: timedelta,
    ) -> StoredImage:
        """Do the same for a digest of a repository, by the chain of that."""
        every = [one for one in self.scans.get(digest, ()) if one.chain == chain]
        wanted = tuple(dict.fromkeys(words.platform_name(one) for one in platforms))
        wanted = wanted or tuple(sorted({one.evidence.get("platform", "") for one in every}))
        scans = {platform: _best(every, platform, now, max_age) for platform in wanted}
        found = [one for platform in scans for one in self._findings(digest, platform)]
        return StoredImage(
            digest=digest,
            scans=tuple(scan for _, scan in sorted(scans.items()) if scan is not None),
            findings=tuple(sorted(found, key=_order)),
            unknown=_doubt(scans, now, max_age),
        )

    def _last_seen(self, reference: Reference, now: datetime) -> str | None:
        """Return the digest that a tag was last seen to stand for."""
        tag = reference.tag or DEFAULT_TAG
        sights = self._tags.get((f"{reference.registry}/{reference.repository}", tag), ())
        last = max(sights, key=lambda one: (not _is_ahead(one, now), one.at), default=None)
        return None if last is None else last.key.partition("@")[2]

    @cached_property
    def _tags(self) -> Mapping[tuple[str, str], list[Event]]:
        """Repository and tag → what it was first seen to stand for, the last recorded first."""
        found: defaultdict[tuple[str, str], list[Event]] = defaultdict(list)
        for event in reversed(self.events):
            tag, _, digest = event.key.partition("@")
            if event.kind is EventKind.FIRST_SEEN and digest:
                found[event.subject, tag].append(event)
        return found

    def _findings(self, digest: str, platform: str) -> Iterable[StoredFinding]:
        """Return what is in an image for a platform, by whatever name of its lineage."""
        found: dict[tuple[str, str], StoredFinding] = {}
        for finding in self.looks.findings(digest):
            seeing = self.looks.seeing(finding, digest)
            place = finding.vulnerability, finding.package
            if finding.platform == platform and seeing and place not in found:
                found[place] = self._finding(finding, digest, list(seeing.values()))
        return found.values()

    def _finding(self, finding: FindingKey, digest: str, seeing: Sequence[Look]) -> StoredFinding:
        said = seeing[-1].event.evidence
        severity, source = self._severity(finding, digest, said)
        fixed = (words.split(one.event.evidence.get("fixed")) for one in seeing)
        return StoredFinding(
            vulnerability=finding.vulnerability,
            package=finding.package,
            name=said.get("name", finding.package),
            platform=finding.platform,
            installed=said.get("installed", ""),
            fixed=next((one for one in fixed if one), ()),
            severity=severity,
            severity_source=source,
            since=self._since(finding, digest),
            exploited=True if finding.vulnerability in self._exploited else None,
        )

    def _since(self, finding: FindingKey, digest: str) -> datetime:
        turns = self.looks.turns(finding, digest)
        return max(turn.at for turn in turns if turn.is_present)

    def _severity(
        self, finding: FindingKey, digest: str, said: Mapping[str, str]
    ) -> tuple[Severity, str]:
        """Return the severity that counts: the pinned choice of the last scan of the image."""
        for where in (digest, ""):
            word = self._pinned.get((finding, where))
            if word is not None:
                return _SEVERITIES.get(word.get("severity", ""), Severity.UNKNOWN), word.get(
                    "of", ""
                )
        word_of_scan = _SEVERITIES.get(said.get("severity", ""), Severity.UNKNOWN)
        return word_of_scan, said.get("severity_source", "")

    @cached_property
    def _pinned(self) -> Mapping[tuple[FindingKey, str], Mapping[str, str]]:
        """Finding and digest, or no digest for any, → the last pinned word on its severity."""
        found: dict[tuple[FindingKey, str], tuple[datetime, Mapping[str, str]]] = {}
        for event in self.events:
            said = event.evidence
            if event.kind is not EventKind.SEVERITY_CHANGED or said.get("from") != words.PINNED:
                continue
            scope = read(event.subject, self.aliases)
            finding = None if scope is None else scope.finding
            if finding is None:
                continue
            for where in {said.get("digest", ""), ""}:
                if event.at >= found.get((finding, where), (_EVER,))[0]:
                    found[finding, where] = event.at, said
        return {place: said for place, (_, said) in found.items()}

    @cached_property
    def _exploited(self) -> frozenset[str]:
        scopes = (
            read(event.subject, self.aliases)
            for event in self.events
            if event.kind is EventKind.EXPLOITED
        )
        return frozenset(
            one.vulnerability for one in scopes if one is not None and one.vulnerability is not None
        )


def scan_of(event: Event) -> StoredScan:
    """Read what a scan was, without what it found."""
    said = event.evidence
    problems = tuple(part for part in said.get("problems", "").split(_PROBLEM_MARK) if part)
    if said.get("complete") != "yes" and not problems:
        problems = ("it does not say that it is whole",)
    return StoredScan(
        digest=said.get("digest", ""),
        platform=said.get("platform", ""),
        at=event.at,
        scanner=f"{said.get('scanner', '')} {said.get('scanner_version', '')}".strip(),
        database=words.read_instant(said, "database"),
        severity_order=words.split(said.get("severity_order")),
        packages=words.read_number(said, "packages"),
        problems=problems,
    )


def problem_text(problems: Iterable[Unknown]) -> str:
    """Write why a scan is not whole."""
    return _PROBLEM_MARK.join(one.reason.replace("|", "/") for one in problems)


def _best(
    scans: Iterable[Event], platform: str, now: datetime, max_age: timedelta
) -> StoredScan | None:
    """Return the last scan of each scanner that proves most: without doubts, then the newest."""
    last: dict[str, Event] = {}
    told = [event for event in scans if event.evidence.get("platform") == platform]
    for event in sorted(told, key=lambda one: not _is_ahead(one, now)):  # of a wrong clock first
        last[event.evidence.get("scanner", "")] = event
    found = [scan_of(event) for event in last.values()]
    return max(found, key=lambda one: (_doubt_of(one, now, max_age) is None, one.at), default=None)


def _doubt(
    scans: Mapping[str, StoredScan | None], now: datetime, max_age: timedelta
) -> Unknown | None:
    """Say why absence proves nothing; None: it does."""
    if not scans:
        return Unknown("it was never scanned", HINT)
    for platform, scan in scans.items():
        if scan is None:
            return Unknown(f"it was never scanned for {platform}", HINT)
        doubt = _doubt_of(scan, now, max_age)
        if doubt is not None:
            return Unknown(doubt, HINT)
    return None


def _doubt_of(scan: StoredScan, now: datetime, max_age: timedelta) -> str | None:
    if scan.problems:
        return f"its last scan for {scan.platform} is not whole: {scan.problems[0]}"
    if scan.database is None:
        return f"its last scan for {scan.platform} does not tell how old its advisories were"
    if scan.database - now > MAX_SKEW:
        return f"its last scan for {scan.platform} knew advisories that are from the future"
    if scan.at - now > MAX_AHEAD:
        when = f"{scan.at:%Y-%m-%d %H:%M} UTC"
        return f"its last scan for {scan.platform} was recorded at {when}, later than now"
    if now - scan.database > max_age:
        day = scan.database.strftime("%Y-%m-%d %H:%M")
        return f"its last scan for {scan.platform} knew advisories of {day} UTC alone"
    return None


def _is_ahead(event: Event, now: datetime) -> bool:
    return event.at - now > MAX_AHEAD


def _order(one: StoredFinding) -> tuple[int, bool, str, str, str]:
    """Worst first; of equally bad ones those that can be fixed."""
    return (-one.severity, not one.fixed, one.vulnerability, one.package, one.platform)


def _instant(event: Event) -> datetime:
    return event.at
