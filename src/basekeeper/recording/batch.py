"""The events of one run, as they come together: each fact once, what comes again with a number."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.deadlines.identity import Aliases, FindingKey
from basekeeper.recording import words
from basekeeper.recording.looks import Looks, read
from basekeeper.values.event import Event, EventKind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from basekeeper.recording.observation import Observation
    from basekeeper.recording.stored import StoredFacts
    from basekeeper.values.vulnerability import Match, Scan

SOURCE: Final = "basekeeper"
"""Who says what no scanner and no registry said."""


class Fact(NamedTuple):
    """What makes an event this one."""

    kind: EventKind
    subject: str
    key: str


class Batch:
    """What is new, and what is known with it."""

    def __init__(self, observation: Observation, known: StoredFacts) -> None:
        """Begin with nothing new."""
        self.seen, self.known = observation, known
        self.events: list[Event] = []
        self._own: set[Fact] = set()

    @cached_property
    def aliases(self) -> Aliases:
        """Which vulnerabilities are one, by all detections, those of this run included."""
        scans = [one.scan for one in self.seen.looked_at]
        scans += [scan for one in self.seen.published for _, scan in one.scans]
        groups = {tuple(sorted(one.names)) for scan in scans for one in scan.matches if one.aliases}
        return Aliases([*self.known.alias_groups, *sorted(groups)])

    @cached_property
    def looks(self) -> Looks:
        """What scanners saw, this run included as far as it is told."""
        return Looks([*self.known.events, *self.events], self.aliases)

    def has(self, fact: Fact) -> bool:
        """Tell whether a fact is recorded, or told in this run."""
        return fact in self._own or self.known.has(*fact)

    def pass_on(self, event: Event) -> None:
        """Add an event that was made elsewhere, if it is new."""
        fact = Fact(event.kind, event.subject, event.key)
        wrong = self._wrong(fact)
        if event.corrects or wrong or not self.has(fact):
            self._own.add(fact)
            self.events.append(replace(event, corrects=wrong) if wrong else event)

    def add(
        self,
        fact: Fact,
        said: Mapping[str, str],
        *,
        at: datetime | None = None,
        scan: Scan | None = None,
        source: str = "",
    ) -> None:
        """Add a fact, if it is new.

        Args:
            fact: What happened.
            said: Evidence.
            at: When; None: now. Nothing happens later than now.
            scan: What it rests on, if it is a scan.
            source: Who says so; empty: the scanner, else we.
        """
        wrong = self._wrong(fact)
        if self.has(fact) and not wrong:
            return
        now = self.seen.now
        name = source or (SOURCE if scan is None else scan.scanner.name)
        event = Event(
            kind=fact.kind,
            subject=fact.subject,
            key=fact.key,
            at=now if at is None else min(at, now),
            source=words.fitted(name, words.MAX_SOURCE_BYTES),
            evidence=said,
            policy=self.seen.policy,
            tool="" if scan is None else scan.scanner.digest,
            data="" if scan is None else self.seen.databases.get(scan.scanner.name, ""),
            corrects=wrong,
        )
        self._own.add(fact)
        self.events.append(event)
        if "looks" in self.__dict__:
            self.looks.add(event)

    def add_again(
        self,
        fact: Fact,
        said: Mapping[str, str],
        *,
        at: datetime | None = None,
        scan: Scan | None = None,
        source: str = "",
    ) -> None:
        """Add what may happen several times, and did now: under the first free number."""
        count, again = 1, fact
        while self.has(again):
            count += 1
            again = fact._replace(key=words.again(fact.key, count))
        self.add(again, said, at=at, scan=scan, source=source)

    def _wrong(self, fact: Fact) -> str:
        """Return the id of the same fact as a clock that was ahead told it; empty: none did."""
        told = None if fact in self._own else self.known.later.get(fact)
        return "" if told is None else told.id

    def finding(self, match: Match, lineage: str, platform: str) -> FindingKey:
        """Name what a scanner found."""
        scope = words.scope(
            lineage=lineage,
            vulnerability=self.aliases.first(match.vulnerability),
            package=match.package.identity,
            platform=platform,
        )
        return FindingKey(*(part or "" for part in words.finding_parts(scope)))

    @cached_property
    def last_scans(self) -> dict[tuple[str, str, str, str], Mapping[str, str]]:
        """Chain, digest, platform and scanner → evidence of the last scan."""
        found: dict[tuple[str, str, str, str], Mapping[str, str]] = {}
        for digest, scans in self.known.scans.items():
            for event in scans:
                said = event.evidence
                place = said.get("platform", ""), said.get("scanner", "")
                found[event.chain, digest, *place] = said
        return found

    @cached_property
    def severities(self) -> dict[tuple[FindingKey, str], dict[str, str]]:
        """Finding and source → its word by the scan that told it, and under no name the last."""
        found: defaultdict[tuple[FindingKey, str], dict[str, str]] = defaultdict(dict)
        for event in self.known.events:
            if event.kind is not EventKind.SEVERITY_CHANGED:
                continue
            scope, said = read(event.subject, self.aliases), event.evidence
            finding = None if scope is None else scope.finding
            if finding is not None:
                told = found[finding, said.get("from", "")]
                teller = words.teller(said.get("digest", ""), said.get("scanner", ""))
                told[teller] = told[""] = said.get("severity", "")
        return found
