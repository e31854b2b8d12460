"""From the ledger to what rules ask of it: images in use, and the deadlines of a repository."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from basekeeper.deadlines.model import Terms
from basekeeper.pipeline.excusing import mirrored_waivers
from basekeeper.policy.windows import Urgency
from basekeeper.recording.joined import image_chains, repository_deadlines
from basekeeper.recording.stored import StoredFacts
from basekeeper.recording.words import (
    ADVISORIES,
    PINNED,
    chain_name,
    image_chain,
    product_name,
)
from basekeeper.rules.patching import StoredUses, use_place
from basekeeper.shipped import shipped
from basekeeper.values.platforms import BuiltPlatforms
from basekeeper.values.use import Kind, Role

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime, timedelta

    from basekeeper.deadlines.identity import FindingKey
    from basekeeper.deadlines.model import Deadline
    from basekeeper.pipeline.run import Run
    from basekeeper.policy.load import Config
    from basekeeper.ports import Ledger
    from basekeeper.trees.tree import Tree
    from basekeeper.values.event import Event, Record
    from basekeeper.values.reference import Reference
    from basekeeper.values.use import Survey

_STOOD_ON: Final = (Role.FINAL, Role.BUILD)


def stored_uses(  # noqa: PLR0913  # none can be left out
    surveys: tuple[Survey, ...],
    run: Run,
    ledger: Ledger,
    waiving: Tree,
    *,
    repository: str | None,
    max_age: timedelta,
) -> StoredUses:
    """Read what is known of the images that builds stand on, without asking anybody else.

    Waivers of vulnerabilities count as their file has them, whether the ledger knows them or not.

    Args:
        surveys: What was found; a second one is what there was before.
        run: What all steps share.
        ledger: Where to read.
        waiving: The tree whose waiver file counts.
        repository: Whose deadlines count; None: nobody's.
        max_age: How old advisories may be.

    Raises:
        ConfigError: The waiver file is wrong.
        InputError: It cannot be read.
        LedgerError: The ledger cannot be read.
    """
    wanted = _wanted(surveys, run)
    places = {image_chain(reference) for reference in wanted}
    places |= {f"{one.registry}/{one.repository}" for one in wanted}  # tags are seen by whole names
    places |= {image_chain(product.image) for product in run.config.settings.products}
    chains = {ADVISORIES, *places, *(() if repository is None else (chain_name(repository),))}
    facts = StoredFacts.read(ledger.records(chains=sorted(chains)) if wanted else ())
    now = run.now
    images = {
        str(reference): facts.image(
            reference, reference.digest, tuple(platforms), now=now, max_age=max_age
        )
        for reference, platforms in wanted.items()
    }
    return StoredUses(
        images,
        run.config.policy.deadlines,
        deadlines=() if repository is None else _deadlines(repository, facts, run, waiving),
        products=_products(surveys, run),
        before=None if len(surveys) == 1 else frozenset(map(use_place, surveys[1].uses)),
    )


def read_chains(
    ledger: Ledger, repositories: Collection[str] | None, config: Config, as_of: datetime | None
) -> tuple[Record, ...]:
    """Read the chains of repositories, then those of all images that they stand on or publish.

    Args:
        ledger: Where to read.
        repositories: Their names; None: everything that there is.
        config: Its settings name products.
        as_of: Leaves out what was recorded later; None: nothing.

    Raises:
        LedgerError: It cannot be read.
    """
    if repositories is None:
        return tuple(ledger.records(as_of=as_of))
    own = sorted(set(map(chain_name, repositories)))
    first = tuple(ledger.records(chains=own, as_of=as_of))
    images = set(image_chains(record.event for record in first))
    images |= {image_chain(product.image) for product in config.settings.products}
    rest = sorted({*images, ADVISORIES} - set(own))
    return (*first, *ledger.records(chains=rest, as_of=as_of))


def terms_of(config: Config, now: datetime) -> Terms:
    """Return by what deadlines of a repository are reckoned: its policy and its products."""
    policy = config.policy
    return Terms(
        now=now,
        windows=policy.deadlines,
        products=tuple(product_name(one.name) for one in config.settings.products),
        max_waiver_days=policy.waivers.max_days,
        severity_source=PINNED,
    )


def _severity(deadline: Deadline) -> tuple[FindingKey, Urgency | None]:
    """Return a finding and how severe it is now, as waivers compare it."""
    is_exploited = deadline.urgency is Urgency.EXPLOITED
    return deadline.finding, deadline.urgency if is_exploited else deadline.severity


def _deadlines(
    repository: str, facts: StoredFacts, run: Run, waiving: Tree
) -> tuple[Deadline, ...]:
    """Work out the deadlines of one repository, with the waivers as their file has them."""
    own = chain_name(repository)
    found = _reckoned(own, facts.events, run)
    if not found:
        return ()
    mirrored = mirrored_waivers(
        waiving,
        run,
        own,
        (event for event in facts.events if event.chain == own),
        known=dict(map(_severity, found)),
        aliases=facts.aliases,
    )
    if not mirrored.events:
        return found
    return _reckoned(own, (*facts.events, *mirrored.events), run)


def _reckoned(chain: str, events: Iterable[Event], run: Run) -> tuple[Deadline, ...]:
    every = repository_deadlines(events, terms_of(run.config, run.now))
    return next((one.deadlines for one in every if one.repository == chain), ())


def _products(surveys: Iterable[Survey], run: Run) -> dict[tuple[str, str], frozenset[str]]:
    """Return what is shipped, as deadlines name it, by the image that it stands on."""
    named: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    settings = run.config.settings
    for survey in surveys:
        for one in shipped(survey, settings.products, settings.discover.platforms).stands_on:
            named[one.use.path, str(one.use.reference)].add(product_name(one.product))
    return {place: frozenset(names) for place, names in named.items()}


def _wanted(surveys: Iterable[Survey], run: Run) -> dict[Reference, dict[str, None]]:
    """Return the images that builds stand on, each with the platforms that are built."""
    wanted: dict[Reference, dict[str, None]] = {}
    for survey in surveys:
        built = BuiltPlatforms(survey, run.config.settings.discover.platforms)
        for use in survey.uses:
            if use.kind is Kind.CONCRETE and use.reference is not None and use.role in _STOOD_ON:
                wanted.setdefault(use.reference, {}).update(dict.fromkeys(built.of(use)))
    return wanted
