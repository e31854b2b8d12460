"""From events of the ledger to evidence: images, findings with their clocks, waivers, deeds. Pure.

What was published and stood on, what was found in it, by when it had to be fixed and when it was,
is all worked out from records for one instant; no tree and no registry is asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.evidence.deeds import deeds
from basekeeper.evidence.findings import deadlines, findings
from basekeeper.evidence.images import bases, published
from basekeeper.evidence.measures import measures
from basekeeper.evidence.waivers import waivers
from basekeeper.values.agenda import Doubt
from basekeeper.values.evidence import ProductEvidence, RepositoryEvidence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from basekeeper.evidence.question import Known, Question
    from basekeeper.values.evidence import (
        BaseEvidence,
        FindingEvidence,
        Measures,
        PublishedEvidence,
    )
    from basekeeper.values.stored import RepositoryDeadlines

NEVER_SCANNED: Final = "nothing was recorded of it by then"
_HINT: Final = "run basekeeper scan there, with the same ledger"


class Gathered(NamedTuple):
    """What was found out about some repositories."""

    repositories: tuple[RepositoryEvidence, ...]
    deadlines: tuple[RepositoryDeadlines, ...]
    """All of them, wanted or not, in the same order."""
    measures: Measures
    doubts: tuple[Doubt, ...]
    unread: tuple[str, ...]


def gather(known: Known, question: Question, repositories: Sequence[str] | None) -> Gathered:
    """Work out the evidence about some repositories.

    Args:
        known: What the ledger tells.
        question: What is asked.
        repositories: Their names as chains have them; None: all that the ledger knows.
    """
    told = known.join.repositories
    wanted = told if repositories is None else tuple(sorted(set(repositories)))
    parts = [_repository(known, question, name) for name in wanted if name in told]
    doubts = [one for part in parts for one in part.doubts]
    doubts += [Doubt(name, None, NEVER_SCANNED, _HINT) for name in wanted if name not in told]
    return Gathered(
        tuple(part.evidence for part in parts),
        tuple(part.deadlines for part in parts),
        measures(
            [one for part in parts for one in part.findings],
            question.period,
            question.terms.windows,
            _watched(known, question, [part.evidence.name for part in parts]),
        ),
        tuple(sorted(doubts, key=_doubt_key)),
        tuple(f"{one.name}: {text}" for part in parts for one, text in part.unread),
    )


class _Part(NamedTuple):
    """What was found out about one repository."""

    evidence: RepositoryEvidence
    deadlines: RepositoryDeadlines
    findings: tuple[FindingEvidence, ...]
    """Of whatever time."""
    doubts: tuple[Doubt, ...]

    @property
    def unread(self) -> Iterator[tuple[RepositoryEvidence, str]]:
        """Yield what could not be read."""
        return ((self.evidence, text) for text in self.deadlines.unread)


def _repository(known: Known, question: Question, name: str) -> _Part:
    stood = tuple(bases(known, question, name))
    out = tuple(published(known, question, name))
    doubts = tuple(_doubts(name, stood, out))
    stale: dict[str | None, str] = {
        one.product: one.state.unknown.reason
        for one in stood
        if one.end is None and one.state.unknown is not None
    }
    told = deadlines(known, question, name, stale)
    every = findings(known, question, told)
    done, left_out = deeds(known, question, name)
    evidence = RepositoryEvidence(
        name=name,
        products=tuple(_products(question, stood, out, every)),
        waivers=waivers(known, question, name),
        deeds=done,
        deeds_left_out=left_out,
    )
    return _Part(evidence, told, every, doubts)


def _products(
    question: Question,
    stood: Sequence[BaseEvidence],
    out: Sequence[PublishedEvidence],
    every: Iterable[FindingEvidence],
) -> Iterator[ProductEvidence]:
    """Yield every product of which anything is told, sorted by name."""
    listed = [one for one in every if question.period.meets(one.opened, one.deadline.action.end)]
    names = {one.product for one in stood} | {one.product for one in out}
    names |= {one.deadline.product or "" for one in listed}
    for name in sorted(names):
        yield ProductEvidence(
            name=name,
            is_mapped=name in question.terms.products,
            bases=tuple(one for one in stood if one.product == name),
            published=tuple(one for one in out if one.product == name),
            findings=tuple(one for one in listed if (one.deadline.product or "") == name),
        )


def _doubts(
    repository: str, stood: Iterable[BaseEvidence], out: Iterable[PublishedEvidence]
) -> Iterator[Doubt]:
    """Tell which image in use was not looked at lately, or not as a whole."""
    every: list[BaseEvidence | PublishedEvidence] = [*stood, *out]
    for one in every:
        why = one.state.unknown
        if one.end is None and why is not None:
            image = one.reference if "@" in one.reference else f"{one.reference}@{one.digest}"
            yield Doubt(repository, one.product, why.reason, why.hint, image)


def _watched(known: Known, question: Question, repositories: Iterable[str]) -> dict[str, bool]:
    """Return every line of bases, and whether a product stands on it at the end of the period."""
    found: dict[str, bool] = {}
    for name in repositories:
        for one in known.stands(name).stood():
            if question.wants(one.line.product) and one.begin < question.period.end:
                stands = one.end is None or one.end >= question.period.end
                found[one.line.lineage] = found.get(one.line.lineage, False) or stands
    return found


def _doubt_key(doubt: Doubt) -> tuple[str, str, str, str]:
    return (doubt.repository, doubt.product or "", doubt.image or "", doubt.reason)
