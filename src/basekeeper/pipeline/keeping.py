"""From what a run saw to what the ledger keeps: events, waivers, verdicts, in one transaction."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from basekeeper.errors import ConfigError, InputError
from basekeeper.pipeline.excusing import mirrored_waivers
from basekeeper.pipeline.marking import mark_of
from basekeeper.pipeline.stored import terms_of
from basekeeper.policy.windows import Urgency
from basekeeper.recording.joined import image_chains, repository_deadlines
from basekeeper.recording.observed import events_of
from basekeeper.recording.stored import CLOCK_HINT, MAX_AHEAD, StoredFacts
from basekeeper.recording.verdicts import verdicts
from basekeeper.recording.words import ADVISORIES, chain_name, image_chain
from basekeeper.records import dataclass
from basekeeper.values.scanrun import Recorded

if TYPE_CHECKING:
    from datetime import datetime

    from basekeeper.advisories.exploited import ExploitedCatalogue
    from basekeeper.advisories.openvex import VexDocument
    from basekeeper.deadlines.identity import FindingKey
    from basekeeper.deadlines.model import Deadline
    from basekeeper.pipeline.observing import Seen
    from basekeeper.pipeline.run import Run
    from basekeeper.ports import Ledger
    from basekeeper.recording.observation import Observation
    from basekeeper.trees.tree import Tree
    from basekeeper.values.event import Event, Head
    from basekeeper.values.scanrun import ScanRun
    from basekeeper.values.stored import RepositoryDeadlines


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What is known beside what a run saw."""

    exploited: ExploitedCatalogue | None
    """None: nobody is asked."""
    vex: tuple[VexDocument, ...]


def keep(
    tree: Tree, seen: Seen, run: Run, recording: tuple[Ledger, str], beside: Beside
) -> ScanRun:
    """Record what is new, and tell it.

    Args:
        tree: Where the waiver file is.
        seen: What the run saw.
        run: What all steps share.
        recording: The ledger, open to record, and where it lies, for people.
        beside: What is known beside.

    Raises:
        LedgerError: It cannot be read, or refuses.
    """
    ledger, place = recording
    observation = replace(seen.observation, exploited=beside.exploited, vex=beside.vex)
    known = StoredFacts.read(ledger.records(chains=sorted(_chains(observation, ledger))))
    kept = _Keeping(run, known, observation)
    notes = kept.decide(tree)
    added = ledger.append(kept.new)
    head = kept.head(ledger)
    recorded = Recorded(
        place=place,
        repository=observation.repository,
        events=added,
        head=head,
        mark=kept.mark(head),
    )
    notes = (*_ahead(known, run.now), *notes)
    return replace(seen.run, notices=(*seen.run.notices, *notes), recorded=recorded)


def _ahead(known: StoredFacts, now: datetime) -> tuple[str, ...]:
    """Say that what is recorded is later than now."""
    last = max((event.at for event in known.events), default=now)
    if last - now <= MAX_AHEAD:
        return ()
    when = f"{last:%Y-%m-%d %H:%M} UTC"
    return (f"the ledger holds events of {when}, later than now: {CLOCK_HINT}",)


def _chains(observation: Observation, ledger: Ledger) -> set[str]:
    """Name every chain that an observation may concern."""
    chains = {ADVISORIES}
    chains |= {image_chain(one.reference) for one in observation.looked_at}
    chains |= {image_chain(one.reference) for one in observation.stands}
    chains |= {image_chain(one.reference) for one in observation.published}
    chains |= {event.chain for event in observation.sights}
    if observation.repository is not None:
        own = chain_name(observation.repository)
        chains |= {own, *image_chains(ledger.events(chains=[own]))}
    return chains


class _Keeping:
    """Decides what is recorded of one observation."""

    def __init__(self, run: Run, known: StoredFacts, observation: Observation) -> None:
        self._run = run
        self._known = known
        self._seen = observation
        self.new: tuple[Event, ...] = events_of(observation, known)
        self._deadlines: RepositoryDeadlines | None = None

    def decide(self, tree: Tree) -> tuple[str, ...]:
        """Mirror the waivers, then judge what is overdue; return what is to be said."""
        if self._seen.repository is None:
            return ()
        found = self._reckoned()
        before = len(self.new)
        notes = self._mirror(tree, chain_name(self._seen.repository), found)
        if len(self.new) > before:
            found = self._reckoned()
        if found is not None:
            policy = self._seen.policy
            self.new += verdicts(found, self._run.now, known=self._known, policy=policy)
        self._deadlines = found
        return notes

    def _mirror(
        self, tree: Tree, repository: str, found: RepositoryDeadlines | None
    ) -> tuple[str, ...]:
        """Record what the waiver file changes; where it is wrong, what is recorded stays."""
        severities = {} if found is None else dict(map(_severity, found.deadlines))
        try:
            mirrored = mirrored_waivers(
                tree,
                self._run,
                repository,
                (event for event in self._known.events if event.chain == repository),
                known=severities,
                aliases=self._known.aliases,
            )
        except (ConfigError, InputError) as error:
            why = " ".join(error.message.split())
            return (f"waivers stay as they were recorded before: {why}",)
        self.new += mirrored.events
        return mirrored.notes

    def _reckoned(self) -> RepositoryDeadlines | None:
        """Return the deadlines as they are with what is new."""
        terms = terms_of(self._run.config, self._run.now)
        own = chain_name(self._seen.repository or "")
        found = repository_deadlines((*self._known.events, *self.new), terms)
        return next((one for one in found if one.repository == own), None)

    def head(self, ledger: Ledger) -> Head | None:
        """Return the end of the repository's chain."""
        if self._seen.repository is None:
            return None
        own = chain_name(self._seen.repository)
        return next((one for one in ledger.heads() if one.chain == own), None)

    def mark(self, head: Head | None) -> str:
        """Write what would have to be known if the ledger were lost; empty: nothing is open."""
        found = self._deadlines
        if found is None:
            return ""
        return mark_of(found, (*self._known.events, *self.new), head)


def _severity(deadline: Deadline) -> tuple[FindingKey, Urgency | None]:
    is_exploited = deadline.urgency is Urgency.EXPLOITED
    return deadline.finding, deadline.urgency if is_exploited else deadline.severity
