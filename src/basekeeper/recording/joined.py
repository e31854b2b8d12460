"""Facts about images and facts about a repository, joined to the deadlines of its products.

What was found in an image concerns a product while it stands on that image, and from the instant on
at which it published it. All else that is said of a finding concerns every product that has it.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.deadlines.evaluate import evaluate, histories
from basekeeper.deadlines.history import episodes
from basekeeper.deadlines.model import Moment, MomentKind
from basekeeper.deadlines.reading import SEVERITIES, read_moments
from basekeeper.recording import words
from basekeeper.recording.looks import read
from basekeeper.recording.stands import Stands
from basekeeper.recording.stored import StoredFacts
from basekeeper.values.event import EventKind
from basekeeper.values.stored import RepositoryDeadlines

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from basekeeper.deadlines.history import Episode
    from basekeeper.deadlines.identity import FindingKey, Scope
    from basekeeper.deadlines.model import Terms, Unread
    from basekeeper.recording.looks import Turn
    from basekeeper.recording.stands import Stood
    from basekeeper.values.event import Event

REPOSITORY_KINDS: Final = frozenset(
    {
        EventKind.BASED_ON,
        EventKind.INTRODUCED,
        EventKind.PULL_REQUEST_OPENED,
        EventKind.PULL_REQUEST_CLOSED,
        EventKind.MERGED,
        EventKind.BRIDGED,
        EventKind.REBUILT,
        EventKind.VERIFIED,
        EventKind.RELEASED,
        EventKind.BREACHED,
        EventKind.WAIVED,
        EventKind.WAIVER_ENDED,
        EventKind.EXPIRED,
    }
)
"""Kinds that only the chain of a source repository has."""

_LOOKS: Final = frozenset({EventKind.DETECTED, EventKind.GONE})
_WAIVERS: Final = frozenset({MomentKind.WAIVED, MomentKind.WAIVER_ENDED})
_OBSERVED: Final = frozenset({"observed", "grype"})
"""Witnesses of a fix that are looks at an image: each image may have another one."""


def repository_deadlines(
    events: Iterable[Event], terms_of: Callable[[str], Terms] | Terms
) -> tuple[RepositoryDeadlines, ...]:
    """Return the deadlines of every repository that events tell of, in the order of their names.

    Args:
        events: In the order of recording: the chain of each repository, those of the images that
            it stands on and publishes (`image_chains`), and that of advisories.
        terms_of: By what deadlines are reckoned; of each repository, or of all.

    Raises:
        ValueError: `now` has no time zone.
    """
    join = Join(StoredFacts(tuple(events)))
    found = []
    for name in join.repositories:
        moments, unread = join.moments(name)
        terms = terms_of(name) if callable(terms_of) else terms_of
        texts = sorted({f"{one.kind} {one.subject}: {one.reason}" for one in unread})
        deadlines = evaluate(moments, terms)
        found.append(RepositoryDeadlines(repository=name, deadlines=deadlines, unread=tuple(texts)))
    return tuple(found)


def image_chains(events: Iterable[Event]) -> frozenset[str]:
    """Name the chains of all images that the events of a repository stand on or publish."""
    kinds = (EventKind.BASED_ON, EventKind.RELEASED)
    found = {event.evidence.get("image", "") for event in events if event.kind in kinds}
    return frozenset(found - {""})


class Concern(NamedTuple):
    """One finding of one product, and an image that has it."""

    product: str
    finding: FindingKey
    digest: str


class Join:
    """Facts about images and repositories, by repository."""

    def __init__(self, facts: StoredFacts) -> None:
        """Keep the facts; what they mean is worked out for each repository that is asked for."""
        self._facts = facts
        self._chains: defaultdict[str, list[Event]] = defaultdict(list)
        for event in facts.events:
            self._chains[event.chain].append(event)
        self.repositories: tuple[str, ...] = tuple(
            sorted({one.chain for one in facts.events if one.kind in REPOSITORY_KINDS})
        )

    def moments(self, repository: str) -> tuple[tuple[Moment, ...], tuple[Unread, ...]]:
        """Return what concerns the products of a repository, and what could not be read."""
        return _Repository(self._facts, self._chains, repository, self._general).moments()

    def episodes(
        self, repository: str, products: Collection[str]
    ) -> Mapping[str, Mapping[FindingKey, tuple[Episode, ...]]]:
        """Return product → finding → its episodes, the oldest first.

        Args:
            repository: Its name.
            products: Names of what `[[product]]` maps.
        """
        found: defaultdict[str, dict[FindingKey, tuple[Episode, ...]]] = defaultdict(dict)
        for finding, product, history in histories(self.moments(repository)[0]):
            told = episodes(history, is_mapped=product in products)
            if told and product is not None:
                found[product][finding] = told
        return found

    @cached_property
    def _general(self) -> _General:
        return _General(self._facts, self._chains)


class _General:
    """What is said of findings, whoever has them."""

    def __init__(self, facts: StoredFacts, chains: Mapping[str, Sequence[Event]]) -> None:
        self.by_lineage: defaultdict[str | None, list[Moment]] = defaultdict(list)
        self.fixes: defaultdict[FindingKey, list[Moment]] = defaultdict(list)
        self.bases: defaultdict[FindingKey, list[Moment]] = defaultdict(list)
        self.unread: dict[str, tuple[Unread, ...]] = {}
        for chain, events in chains.items():
            if any(one.kind in REPOSITORY_KINDS for one in events):
                continue
            told = [one for one in events if one.kind not in _LOOKS]
            moments, self.unread[chain] = read_moments(told, facts.aliases)
            for moment in moments:
                self._add(moment)

    def _add(self, moment: Moment) -> None:
        finding = moment.scope.finding
        is_seen = moment.kind is MomentKind.FIX_AVAILABLE and moment.witness in _OBSERVED
        if is_seen and finding is not None:
            self.fixes[finding].append(moment)
        elif moment.kind is MomentKind.BASE_AVAILABLE and finding is not None:
            self.bases[finding].append(moment)
        else:
            self.by_lineage[moment.scope.lineage].append(moment)


class _Repository:
    """The join for one repository."""

    def __init__(
        self,
        facts: StoredFacts,
        chains: Mapping[str, Sequence[Event]],
        name: str,
        general: _General,
    ) -> None:
        self._facts, self._name, self._general = facts, name, general
        self._events = chains.get(name, ())
        self._stands = Stands(self._events)
        self._scopes: dict[tuple[str, FindingKey], Scope] = {}
        self._found: list[Moment] = []
        self._concerns: dict[Concern, None] = {}

    def moments(self) -> tuple[tuple[Moment, ...], tuple[Unread, ...]]:
        """Return what concerns its products."""
        unread = self._own()
        for stood in self._stands.stood():
            self._stood(stood)
        for product, platform, at in self._stands.withdrawn():
            scope = words.scope(product=product, platform=platform)
            self._found.append(Moment(kind=MomentKind.LEFT, scope=scope, at=at))
        for event in self._events:
            if event.kind is EventKind.RELEASED:
                self._released(event)
        self._add_fixes()
        self._add_general()
        chains = {words.ADVISORIES, *image_chains(self._events)}
        unread += tuple(
            one for chain in sorted(chains) for one in self._general.unread.get(chain, ())
        )
        return tuple(self._found), unread

    def _own(self) -> tuple[Unread, ...]:
        """Add what its own chain says, under the present names of its products."""
        told = [one for one in self._events if one.kind is not EventKind.BASED_ON]
        moments, unread = read_moments(told, self._facts.aliases)
        for moment in moments:
            self._found += self._renamed(moment)
        return unread

    def _renamed(self, moment: Moment) -> Iterator[Moment]:
        product = moment.scope.product
        names = () if product is None else self._stands.names(product, moment.at)
        if product is None or moment.kind in _WAIVERS or names == (product,):
            yield moment
            return
        for name in names:
            yield _moved(moment, words.of_product(moment.scope, name), moment.at)

    def _stood(self, stood: Stood) -> None:
        """Add what was found in an image while a product stood on it."""
        line = stood.line
        for finding in self._facts.looks.findings(stood.digest):
            if (finding.lineage, finding.platform) != (line.lineage, line.platform):
                continue
            turns = self._facts.looks.turns(finding, stood.digest)
            if stood.end is not None:
                turns = [one for one in turns if one.at < stood.end]
            concern = Concern(line.product, finding, stood.digest)
            if self._turns(concern, turns, stood.begin, is_base=True) and stood.end is not None:
                self._found.append(
                    Moment(
                        kind=MomentKind.LEFT,
                        scope=self._scope(line.product, finding),
                        at=stood.end,
                        digest=stood.digest,
                    )
                )

    def _released(self, event: Event) -> None:
        """Add what was found in an image that a product published."""
        scope, digest = read(event.subject), event.evidence.get("digest")
        if scope is None or scope.product is None or not digest:
            return
        own = event.evidence.get("image", "")
        findings = self._of_image(digest, own)
        for product in self._stands.names(scope.product, event.at):
            for finding in findings:
                concern = Concern(product, finding, digest)
                if concern not in self._concerns:
                    turns = self._facts.looks.turns(finding, digest)
                    self._turns(concern, turns, event.at, is_base=False)

    def _of_image(self, digest: str, own: str) -> list[FindingKey]:
        """Return what was found in a published image.

        Others may stand on it, and call all that it holds by its name. Where we know that
        something comes from its base, that is what it is called.
        """
        every = [
            one
            for one in self._facts.looks.findings(digest)
            if not one.lineage.startswith(f"{own}:")
        ]
        inherited = {
            (one.vulnerability, one.package, one.platform) for one in every if one.lineage != own
        }
        return [
            one
            for one in every
            if one.lineage != own or (one.vulnerability, one.package, one.platform) not in inherited
        ]

    def _turns(
        self, concern: Concern, turns: Sequence[Turn], since: datetime, *, is_base: bool
    ) -> bool:
        """Add the turns of a finding in an image, none before an instant; tell if it was there."""
        before = [one for one in turns if one.at <= since]
        after = [one for one in turns if one.at > since]
        told = [*(before[-1:] if before and before[-1].is_present else ()), *after]
        if not any(one.is_present for one in told):
            return False
        self._concerns[concern] = None
        for turn in told:
            self._found.append(self._look(concern, turn, max(turn.at, since), is_base=is_base))
        return True

    def _look(self, concern: Concern, turn: Turn, at: datetime, *, is_base: bool) -> Moment:
        said = turn.event.evidence
        return Moment(
            kind=MomentKind.DETECTED if turn.is_present else MomentKind.GONE,
            scope=self._scope(concern.product, concern.finding),
            at=at,
            key=turn.event.key,
            source=turn.event.source,
            digest=concern.digest,
            is_base=is_base,
            severity=SEVERITIES.get(said.get("severity", "")),
            witness=said.get("from", ""),
        )

    def _add_fixes(self) -> None:
        """Add since when a fix, and a base with it, is there for what each product has."""
        digests: defaultdict[tuple[str, FindingKey], list[str]] = defaultdict(list)
        for concern in self._concerns:
            digests[concern.product, concern.finding].append(concern.digest)
        for (product, finding), images in digests.items():
            scope = self._scope(product, finding)
            fixes = self._general.fixes.get(finding)
            if fixes and self._facts.looks.is_fixable(finding, images):
                self._found += [_moved(one, scope, one.at) for one in fixes]
            for moment in self._general.bases.get(finding, ()):
                if moment.key.partition("/")[0] in images:  # whose place it could take
                    self._found.append(_moved(moment, scope, moment.at))

    def _add_general(self) -> None:
        """Add what is said of its findings, whoever has them."""
        findings = {concern.finding for concern in self._concerns}
        names = {one.vulnerability for one in findings}
        for lineage in (None, *sorted({one.lineage for one in findings})):
            self._found += [
                one
                for one in self._general.by_lineage.get(lineage, ())
                if one.scope.vulnerability in names
            ]

    def _scope(self, product: str, finding: FindingKey) -> Scope:
        place = product, finding
        scope = self._scopes.get(place)
        if scope is None:
            scope = self._scopes[place] = words.of_product(finding, product)
        return scope


def _moved(moment: Moment, scope: Scope, at: datetime) -> Moment:
    """Return a moment about something else."""
    return Moment(
        kind=moment.kind,
        scope=scope,
        at=at,
        key=moment.key,
        source=moment.source,
        digest=moment.digest,
        is_base=moment.is_base,
        built_on=moment.built_on,
        severity=moment.severity,
        witness=moment.witness,
        until=moment.until,
        owner=moment.owner,
        reason=moment.reason,
        control=moment.control,
        justification=moment.justification,
    )
