"""From the ledger to a report of evidence; nothing is written, and nobody else is asked.

1. ledger    the chains of repositories and of their images, as recorded by some instant → records
2. evidence  records, policy, calendars and a period → images, findings, waivers, deeds, measures
3. markers   what started the clocks that run → hidden marks
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from basekeeper.errors import InputError
from basekeeper.evidence import gather
from basekeeper.evidence.images import released
from basekeeper.evidence.question import Known, Question
from basekeeper.pipeline.marking import mark_of
from basekeeper.pipeline.stored import read_chains, terms_of
from basekeeper.recording.words import chain_name, product_name
from basekeeper.records import dataclass
from basekeeper.values.event import Head
from basekeeper.values.evidence import Evidence, Period, Release

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from basekeeper.evidence import Gathered
    from basekeeper.lifecycle.catalogue import Catalogue
    from basekeeper.policy.load import Config
    from basekeeper.ports import Ledger
    from basekeeper.values.event import Event, Record

MIN_DIGEST_CHARS: Final = 12
"""Fewest characters by which a release may be named with the beginning of its digest."""

_ALGORITHM: Final = "sha256:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a report is to be about."""

    repositories: tuple[str, ...] | None
    """None: all that the ledger knows."""
    period: Period | None
    """None: since the release before the one that is asked for."""
    as_of: datetime | None = None
    """Leaves out what was recorded later; None: nothing, unless it is about a release."""
    products: tuple[str, ...] = ()
    """None of them: all."""
    release: str | None = None
    """Tag, digest or the beginning of one; of the one product that is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """By what it is judged."""

    config: Config
    catalogue: Catalogue
    now: datetime
    """The instant of which the report tells, UTC; of a release it is that of its record."""
    max_age: timedelta
    """How old advisories may be for the absence of a finding to mean something."""


def evidence(ledger: Ledger, basis: Basis, asked: Asked, *, place: str) -> Evidence:
    """Gather the evidence.

    Args:
        ledger: Where to read.
        basis: By what it is judged.
        asked: What it is to be about.
        place: Where the ledger lies, for people.

    Raises:
        InputError: There is no such release, or more than one product has it.
        LedgerError: The ledger cannot be read.
    """
    records = read_chains(ledger, asked.repositories, basis.config, asked.as_of)
    release = None
    if asked.release is not None:
        release, begin = _release(records, asked, asked.release)
        now = release.recorded if asked.as_of is None else basis.now
        records = tuple(one for one in records if one.recorded <= now)
        asked = replace(asked, repositories=(release.repository,), products=(release.product,))
        period = Period(begin, now)
    else:
        now = basis.now
        period = asked.period or Period(now, now)
    if period.end >= now:  # what happens at the very instant of the report is part of it
        period = Period(period.begin, now + timedelta.resolution)
    known = Known(records)
    question = Question(
        period=period,
        terms=terms_of(basis.config, now),
        policy=basis.config.policy,
        catalogue=basis.catalogue,
        max_age=basis.max_age,
        products=asked.products,
    )
    names = None if asked.repositories is None else tuple(map(chain_name, asked.repositories))
    found = gather(known, question, names)
    heads = _heads(records)
    return Evidence(
        now=now,
        period=period,
        release=release,
        ledger=place,
        policy_name=basis.config.policy.name,
        policy_digest=basis.config.policy.digest,
        data=basis.catalogue.as_of,
        products=asked.products,
        repositories=found.repositories,
        measures=found.measures,
        heads=heads,
        marks=tuple(_marks(found, known, heads)),
        doubts=found.doubts,
        unread=found.unread,
        notices=(*basis.config.notices, *basis.catalogue.stale(now)),
    )


def _release(records: Sequence[Record], asked: Asked, wanted: str) -> tuple[Release, datetime]:
    """Find a release, the last one of that name, and since when its evidence counts."""
    known = Known(records)
    names = known.join.repositories
    if asked.repositories is not None:
        names = tuple(sorted(set(names) & set(map(chain_name, asked.repositories))))
    products = {*asked.products, *map(product_name, asked.products)}
    every = [
        (name, product, event)
        for name in names
        for product, event in released(known, known.stands(name), name)
        if not products or product in products
    ]
    found = [one for one in every if _is_meant(one[2], wanted)]
    if not found:
        raise InputError(
            f"no release {wanted!r} is recorded",
            hint="name a tag or a digest that the ledger has; `basekeeper report --last 365d`"
            " lists what was published",
        )
    if len({one[:2] for one in found}) > 1:
        raise InputError(
            f"release {wanted!r} is of more than one product: "
            + ", ".join(sorted({f"{product} of {name}" for name, product, _ in found})),
            hint="name the product with --product, and its repository with --repository",
        )
    name, product, event = max(found, key=lambda one: one[2].at)
    before = [
        other.at
        for owner, of, other in every
        if (owner, of) == (name, product) and other.at < event.at
    ]
    release = Release(
        repository=name,
        product=product,
        digest=event.evidence["digest"],
        tag=event.evidence.get("tag"),
        at=event.at,
        recorded=known.recorded(event),
    )
    return release, max(before, default=min(one.at for one in known.of(name)))


def _is_meant(event: Event, wanted: str) -> bool:
    """Tell whether a release is named by its tag, its digest, or the beginning of that."""
    digest = event.evidence.get("digest", "")
    if wanted in (event.evidence.get("tag"), digest):
        return True
    start = wanted if wanted.startswith(_ALGORITHM) else _ALGORITHM + wanted
    is_long = len(start) - len(_ALGORITHM) >= MIN_DIGEST_CHARS
    return is_long and digest.startswith(start)


def _heads(records: Sequence[Record]) -> tuple[Head, ...]:
    """Tell how far each chain was read."""
    last = {record.event.chain: record for record in records}
    return tuple(Head(chain, last[chain].position, last[chain].hash) for chain in sorted(last))


def _marks(found: Gathered, known: Known, heads: Sequence[Head]) -> Iterator[str]:
    """Yield a mark for each repository with an open finding."""
    ends = {head.chain: head for head in heads}
    for told in found.deadlines:
        mark = mark_of(told, known.facts.events, ends.get(told.repository))
        if mark:
            yield mark
