"""From the ledger to what has to be patched by when.

1. ledger     the chain of a repository, then those of the images that it stood on → records
2. recording  records → what each product stands on, whether that was looked at lately → doubts
3. deadlines  events, windows and products → deadlines, in the order of what is to be done first
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.deadlines.evaluate import order
from basekeeper.pipeline.stored import read_chains, terms_of
from basekeeper.recording.joined import repository_deadlines
from basekeeper.recording.stands import Stands, words_ahead
from basekeeper.recording.stored import CLOCK_HINT, MAX_AHEAD, StoredFacts
from basekeeper.recording.words import chain_name, product_name
from basekeeper.records import dataclass
from basekeeper.values.agenda import Agenda, Doubt, Due
from basekeeper.values.event import EventKind, Head

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime, timedelta

    from basekeeper.advisories.opening import Likelihoods
    from basekeeper.deadlines.model import Deadline, Terms
    from basekeeper.policy.load import Config
    from basekeeper.ports import Ledger
    from basekeeper.recording.stands import Stood
    from basekeeper.values.event import Event, Record
    from basekeeper.values.stored import RepositoryDeadlines

_NEVER_SCANNED: Final = "nothing was ever recorded of it"
_HINT: Final = "run basekeeper scan there, with the same ledger"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which deadlines are wanted; what is empty asks for nothing."""

    repositories: tuple[str, ...] | None
    """None: all that the ledger knows."""
    products: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    urgencies: tuple[str, ...] = ()
    closed: bool = False
    """Whether those that have ended are wanted too."""
    as_of: datetime | None = None
    """Leaves out what was recorded later; None: nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """By what deadlines are reckoned and put in order."""

    config: Config
    """Its policy has the windows, its settings the products."""
    now: datetime
    """The instant of the run, UTC."""
    max_age: timedelta
    """How old advisories may be for the absence of a finding to mean something."""
    scores: Callable[[Collection[str]], Likelihoods]
    """Gives the probabilities of exploitation of some CVEs, by which equally due ones are ordered.
    """


def agenda(ledger: Ledger, basis: Basis, asked: Asked, *, place: str) -> Agenda:
    """Tell what is due; nothing is written.

    Args:
        ledger: Where to read.
        basis: By what it is reckoned.
        asked: Which deadlines are wanted.
        place: Where the ledger lies, for people.

    Raises:
        LedgerError: The ledger cannot be read.
    """
    records = read_chains(ledger, asked.repositories, basis.config, asked.as_of)
    facts = StoredFacts.read(records)
    standing = _standing(facts, basis.now + MAX_AHEAD)
    doubts = [*_doubts(standing, facts, basis), *_ahead(facts, basis)]
    events = tuple(record.event for record in records)
    every = repository_deadlines(events, lambda name: _terms(name, basis, doubts))
    named = None if asked.repositories is None else set(map(chain_name, asked.repositories))
    wanted = [one for one in every if named is None or one.repository in named]
    known = {one.repository for one in wanted}
    doubts += _unread(wanted)
    doubts += [
        Doubt(name, None, _NEVER_SCANNED, _HINT) for name in sorted((named or set()) - known)
    ]
    found, ended = _chosen(wanted, asked)
    told = basis.scores({one.deadline.finding.vulnerability for one in found})
    return Agenda(
        now=basis.now,
        as_of=asked.as_of,
        ledger=place,
        policy_name=basis.config.policy.name,
        policy_digest=basis.config.policy.digest,
        repositories=tuple(sorted(known)),
        due=tuple(_ordered(found, told.probabilities)),
        ended=ended,
        doubts=tuple(sorted(_wanted_doubts(doubts, named, asked), key=_doubt_key)),
        heads=tuple(_heads(records, known)),
        scored=told.as_of,
        notices=(*basis.config.notices, *told.notices),
    )


class _Standing(NamedTuple):
    """What a product stands on now."""

    repository: str
    image: str
    """Name of the chain of the image."""
    stood: Stood


def _standing(facts: StoredFacts, now: datetime) -> Iterator[_Standing]:
    """Yield what every product stands on at an instant."""
    for chain, events in _stands_by_chain(facts).items():
        stands = Stands(events)
        for one in stands.stood():
            if one.begin <= now and (one.end is None or one.end > now):
                line = one.line.lineage
                yield _Standing(chain, stands.images.get(line) or _image_of(line), one)


def _stands_by_chain(facts: StoredFacts) -> Mapping[str, list[Event]]:
    """Return what is said of what products stand on, by repository."""
    found: defaultdict[str, list[Event]] = defaultdict(list)
    for event in facts.events:
        if event.kind is EventKind.BASED_ON:
            found[event.chain].append(event)
    return found


def _doubts(standing: Iterable[_Standing], facts: StoredFacts, basis: Basis) -> Iterator[Doubt]:
    """Tell which image that is stood on was not looked at lately, or not as a whole."""
    for repository, chain, (line, digest, _, _) in standing:
        stored = facts.of_digest(
            chain, digest, (line.platform,), now=basis.now, max_age=basis.max_age
        )
        if stored.unknown is not None:
            why = stored.unknown
            yield Doubt(repository, line.product, why.reason, why.hint, f"{chain}@{digest}")


def _ahead(facts: StoredFacts, basis: Basis) -> Iterator[Doubt]:
    """Tell where the last word on what is stood on is later than now: it counts for nothing yet."""
    for chain, events in _stands_by_chain(facts).items():
        for line, event in words_ahead(events, basis.now + MAX_AHEAD).items():
            why = f"what it stands on was recorded at {event.at:%Y-%m-%d %H:%M} UTC, later than now"
            yield Doubt(chain, line.product, why, CLOCK_HINT)


def _image_of(lineage: str) -> str:
    """Return the image of a lineage, as `registry/repository`: what is before its variant words."""
    head, slash, last = lineage.rpartition("/")
    return head + slash + last.partition(":")[0]


def _terms(repository: str, basis: Basis, doubts: Iterable[Doubt]) -> Terms:
    """Return by what the deadlines of a repository are reckoned."""
    stale = {one.product: one.reason for one in doubts if one.repository == repository}
    return replace(terms_of(basis.config, basis.now), stale=stale)


def _unread(found: Iterable[RepositoryDeadlines]) -> Iterator[Doubt]:
    """Tell of events that may hide something."""
    for one in found:
        for text in one.unread:
            yield Doubt(one.repository, None, f"an event cannot be read: {text}")


def _chosen(found: Iterable[RepositoryDeadlines], asked: Asked) -> tuple[list[Due], int]:
    """Leave out what nobody asked for; count what is left out as it has ended."""
    chosen, ended = [], 0
    for one in found:
        for deadline in one.deadlines:
            if not _is_wanted(deadline, asked):
                continue
            if deadline.is_closed and not (asked.closed or asked.states):
                ended += 1
            else:
                chosen.append(Due(one.repository, deadline))
    return chosen, ended


def _is_wanted(deadline: Deadline, asked: Asked) -> bool:
    products = {*asked.products, *map(product_name, asked.products)}
    return (
        (not products or deadline.product in products)
        and (not asked.states or deadline.state.value in asked.states)
        and (not asked.urgencies or deadline.urgency.word in asked.urgencies)
    )


def _ordered(found: Iterable[Due], scores: Mapping[str, float]) -> Iterator[Due]:
    """Put first what is to be done first."""
    of_deadline = {id(one.deadline): one for one in found}
    for deadline in order((one.deadline for one in of_deadline.values()), scores):
        score = scores.get(deadline.finding.vulnerability)
        yield replace(of_deadline[id(deadline)], probability=score)


def _wanted_doubts(
    doubts: Iterable[Doubt], named: Collection[str] | None, asked: Asked
) -> Iterator[Doubt]:
    """Leave out what concerns neither the repositories nor the products that were asked for."""
    products = {*asked.products, *map(product_name, asked.products)}
    for one in doubts:
        is_near = named is None or one.repository in named
        if is_near and (not products or one.product is None or one.product in products):
            yield one


def _doubt_key(doubt: Doubt) -> tuple[str, str, str, str]:
    return (doubt.repository, doubt.product or "", doubt.image or "", doubt.reason)


def _heads(records: Sequence[Record], chains: Collection[str]) -> Iterator[Head]:
    """Tell how far the chains of the repositories were read."""
    last = {record.event.chain: record for record in records}
    for chain in sorted(set(chains) & set(last)):
        yield Head(chain, last[chain].position, last[chain].hash)
