"""What was found in the images of products, by when it had to be fixed, and when it was."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.deadlines.evaluate import evaluate, order
from basekeeper.evidence.images import released
from basekeeper.recording.looks import read
from basekeeper.recording.words import split
from basekeeper.values.event import EventKind
from basekeeper.values.evidence import FindingEvidence
from basekeeper.values.stored import RepositoryDeadlines

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from basekeeper.deadlines.identity import FindingKey, Scope
    from basekeeper.deadlines.model import Deadline
    from basekeeper.evidence.question import Known, Question

_STEPS: Final = (EventKind.PULL_REQUEST_OPENED, EventKind.MERGED, EventKind.VERIFIED)


def deadlines(
    known: Known, question: Question, repository: str, stale: Mapping[str | None, str]
) -> RepositoryDeadlines:
    """Work out all deadlines of one repository.

    Args:
        known: What the ledger tells.
        question: By what it is reckoned.
        repository: Its name.
        stale: Product → why its last scan no longer tells what holds.
    """
    moments, unread = known.join.moments(repository)
    texts = sorted({f"{one.kind} {one.subject}: {one.reason}" for one in unread})
    found = evaluate(moments, replace(question.terms, stale=stale))
    return RepositoryDeadlines(repository=repository, deadlines=found, unread=tuple(texts))


def findings(
    known: Known, question: Question, told: RepositoryDeadlines
) -> tuple[FindingEvidence, ...]:
    """Return every episode of the wanted products, whenever it was, the most urgent first."""
    history = _History(known, question, told.repository)
    wanted = (one for one in told.deadlines if question.wants(one.product))
    made = (history.finding(one) for one in order(wanted, {}))
    return tuple(one for one in made if one is not None)


class _Step(NamedTuple):
    """One step towards a fix, of whatever its scope covers."""

    at: datetime
    scope: Scope
    products: tuple[str | None, ...]

    def covers(self, deadline: Deadline) -> bool:
        """Tell whether a finding of a product is meant."""
        is_near = None in self.products or deadline.product in self.products
        return is_near and self.scope.covers(deadline.finding, self.scope.product)


class _History:
    """What was done about the findings of one repository."""

    def __init__(self, known: Known, question: Question, repository: str) -> None:
        self._known, self._repository = known, repository
        self._now = question.now
        self._stands = known.stands(repository)
        self._episodes = known.join.episodes(repository, question.terms.products)
        self._shipped = {
            product: event.evidence["digest"]
            for product, event in released(known, self._stands, repository)
            if event.at <= question.now
        }
        self._steps: defaultdict[tuple[EventKind, str | None], list[_Step]] = defaultdict(list)
        for event in known.of(repository):
            if event.kind in _STEPS and event.at <= question.now:
                self._add(event.kind, event.at, read(event.subject, known.facts.aliases))

    def finding(self, deadline: Deadline) -> FindingEvidence | None:
        """Return one episode; None where nothing tells when it began."""
        opened = self._opened(deadline)
        if opened is None:
            return None
        name, installed, fixed = self._package(deadline.finding)
        shipped = self._shipped.get(deadline.product or "")
        return FindingEvidence(
            repository=self._repository,
            deadline=deadline,
            name=name,
            installed=installed,
            fixed=fixed,
            opened=opened,
            proposed=self._first(EventKind.PULL_REQUEST_OPENED, deadline, opened),
            merged=self._first(EventKind.MERGED, deadline, opened),
            verified=self._first(EventKind.VERIFIED, deadline, opened),
            is_shipped=shipped is not None
            and self._known.facts.looks.is_present(deadline.finding, shipped),
        )

    def _add(self, kind: EventKind, at: datetime, scope: Scope | None) -> None:
        if scope is None:
            return
        product = scope.product
        names = (None,) if product is None else self._stands.names(product, at)
        self._steps[kind, scope.vulnerability].append(_Step(at, scope, names))

    def _opened(self, deadline: Deadline) -> datetime | None:
        """Return when an episode began."""
        told = self._episodes.get(deadline.product or "", {}).get(deadline.finding, ())
        begun = [one.opened for one in told if one.number == deadline.episode]
        if begun:
            return begun[0]
        return deadline.exposure.start

    def _package(self, finding: FindingKey) -> tuple[str, str, tuple[str, ...]]:
        """Return name, installed version and fixed versions, as the last look at any image says."""
        looks = self._known.facts.looks
        seen = [
            look
            for digest in looks.digests(finding)
            for look in looks.seeing(finding, digest).values()
        ]
        if not seen:
            return finding.package, "", ()
        last = max(seen, key=lambda one: (one.at, one.order)).event.evidence
        return (
            last.get("name", finding.package),
            last.get("installed", ""),
            split(last.get("fixed")),
        )

    def _first(self, kind: EventKind, deadline: Deadline, opened: datetime) -> datetime | None:
        """Return when something was first done within an episode."""
        end = deadline.action.end or self._now
        return min(_within(self._near(kind, deadline), opened, end), default=None)

    def _near(self, kind: EventKind, deadline: Deadline) -> Iterable[datetime]:
        named = self._steps.get((kind, deadline.finding.vulnerability), ())
        wide = self._steps.get((kind, None), ())
        return (one.at for one in (*named, *wide) if one.covers(deadline))


def _within(instants: Iterable[datetime], begin: datetime, end: datetime) -> Iterable[datetime]:
    return (at for at in instants if begin <= at <= end)
