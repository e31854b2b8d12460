"""On which images products stood and which they published, each with its last scan."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final

from basekeeper.errors import InvalidReference
from basekeeper.recording import words
from basekeeper.recording.looks import read
from basekeeper.values.event import EventKind
from basekeeper.values.evidence import (
    BaseEvidence,
    ImageState,
    PublishedEvidence,
    SeverityCount,
)
from basekeeper.values.facts import Facts
from basekeeper.values.image import Unknown
from basekeeper.values.reference import parse_reference

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from basekeeper.evidence.question import Known, Question
    from basekeeper.recording.stands import Stands, Stood
    from basekeeper.values.event import Event
    from basekeeper.values.finding import Judgement
    from basekeeper.values.vulnerability import Severity

BY_DIGEST: Final = "the file names its digest"
BY_TAG: Final = "the file names its tag; the registry told the digest"
"""How a base is identified: the file says what is meant, and the digest what that was."""

BY_LAYERS: Final = "its layers begin with those of the base"
BY_SOME_LAYERS: Final = "its layers begin with those of a base of this product"
NOT_BY_LAYERS: Final = "its layers could not be attributed to a base of this product"
NOT_TOLD: Final = "nothing was found in it that would tell"
"""How the base of a published image is known."""

_UNREADABLE: Final = "its name cannot be read"
_Place = tuple["datetime", str, str, str]
"""Instant, digest, lineage and platform of what a product stood on."""


def bases(known: Known, question: Question, repository: str) -> Iterator[BaseEvidence]:
    """Yield the images that products stood on within the period, the present ones first."""
    events = _based_on(known.of(repository))
    stood = [
        one
        for one in known.stands(repository).stood()
        if question.wants(one.line.product)
        and one.begin <= question.now
        and question.period.meets(one.begin, one.end)
    ]
    for one in sorted(stood, key=_newest):
        told = events.get((one.begin, one.digest, one.line.lineage, one.line.platform), {})
        own = told.get(one.line.product)  # a product that was renamed since has told by another
        yield _base(known, question, one, own or next(iter(told.values()), None))


def published(known: Known, question: Question, repository: str) -> Iterator[PublishedEvidence]:
    """Yield the images that products published within the period, the newest first."""
    stands = known.stands(repository)
    every = [one for one in released(known, stands, repository) if one[1].at <= question.now]
    following: dict[str, datetime] = {}
    for product, event in reversed(every):
        end = following.get(product)
        following[product] = event.at
        if question.wants(product) and question.period.meets(event.at, end):
            yield _published(known, question, (product, event), end)


def released(known: Known, stands: Stands, repository: str) -> list[tuple[str, Event]]:
    """Return every release by the present name of its product, in the order of time."""
    found = []
    for event in known.of(repository):
        scope = read(event.subject) if event.kind is EventKind.RELEASED else None
        if scope is not None and scope.product is not None and event.evidence.get("digest"):
            found += [(name, event) for name in stands.names(scope.product, event.at)]
    return sorted(found, key=lambda one: one[1].at)


def _newest(stood: Stood) -> tuple[object, ...]:
    return (stood.end is not None, stood.line, -stood.begin.timestamp(), stood.digest)


def _based_on(events: Sequence[Event]) -> Mapping[_Place, Mapping[str, Event]]:
    """Return what said that somebody stands on an image, by who did."""
    found: dict[_Place, dict[str, Event]] = {}
    for event in events:
        scope = read(event.subject) if event.kind is EventKind.BASED_ON else None
        if scope is not None:
            for digest in words.digests(event.evidence):
                place = event.at, digest, scope.lineage or "", scope.platform or ""
                found.setdefault(place, {})[scope.product or ""] = event
    return found


def _base(known: Known, question: Question, stood: Stood, event: Event | None) -> BaseEvidence:
    said = {} if event is None else event.evidence
    reference = said.get("reference", "")
    if said.get("digest") != stood.digest or not reference:
        reference = f"{said.get('image') or stood.line.lineage.partition(':')[0]}@{stood.digest}"
    return BaseEvidence(
        product=stood.line.product,
        lineage=stood.line.lineage,
        platform=stood.line.platform,
        reference=reference,
        digest=stood.digest,
        begin=stood.begin,
        end=stood.end if stood.end is None or stood.end <= question.now else None,
        path=said.get("path", ""),
        line=words.read_number(said, "line"),
        identified=BY_DIGEST if "@" in reference else BY_TAG,
        judgement=_judgement(question, reference),
        state=_state(known, question, (reference, stood.digest), (stood.line.platform,), stood.end),
    )


def _judgement(question: Question, reference: str) -> Judgement | None:
    try:
        named = parse_reference(reference)
    except InvalidReference:
        return None
    facts = Facts(stage="final")
    return question.policy.judge(named, facts, now=question.now, catalogue=question.catalogue)


def _state(
    known: Known,
    question: Question,
    image: tuple[str, str],
    platforms: tuple[str, ...],
    end: datetime | None,
) -> ImageState:
    """Return what the newest scans of an image told; of one out of use, if they did by then."""
    reference, digest = image
    horizon = question.now if end is None else min(end, question.now)
    try:
        named = parse_reference(reference)
    except InvalidReference:
        return ImageState(unknown=Unknown(_UNREADABLE))
    stored = known.facts.image(named, digest, platforms, now=horizon, max_age=question.max_age)
    counts: defaultdict[Severity, Counter[bool]] = defaultdict(Counter)
    for one in stored.findings:
        counts[one.severity][bool(one.fixed)] += 1
    return ImageState(
        scans=stored.scans,
        looks=_looks(known, question, digest, platforms),
        counts=tuple(
            SeverityCount(
                severity=level.word, fixable=counts[level][True], others=counts[level][False]
            )
            for level in sorted(counts, reverse=True)
        ),
        unknown=stored.unknown,
    )


def _looks(known: Known, question: Question, digest: str, platforms: tuple[str, ...]) -> int:
    """Count the scans of an image within the period."""
    return sum(
        question.period.holds(event.at)
        and (not platforms or event.evidence.get("platform") in platforms)
        for event in known.facts.scans.get(digest, ())
    )


def _published(
    known: Known, question: Question, told: tuple[str, Event], end: datetime | None
) -> PublishedEvidence:
    product, event = told
    said = event.evidence
    digest = said["digest"]
    reference = said.get("reference") or f"{said.get('image', '')}@{digest}"
    base, proven = _origin(known, event.chain, digest)
    return PublishedEvidence(
        product=product,
        reference=reference,
        digest=digest,
        tag=said.get("tag"),
        at=event.at,
        recorded=known.recorded(event),
        end=end,
        base=base,
        proven=proven,
        state=_state(known, question, (reference, digest), (), end),
    )


def _origin(known: Known, repository: str, digest: str) -> tuple[str | None, str]:
    """Tell the base of a published image, and how it is known."""
    for event in known.of(repository):
        said = event.evidence
        if event.kind is EventKind.VERIFIED and said.get("digest") == digest:
            base = said.get("built_on")
            if base:
                return base, BY_LAYERS
    origins = {
        look.event.evidence.get("origin")
        for finding in known.facts.looks.findings(digest)
        for look in known.facts.looks.seeing(finding, digest).values()
    } - {None}
    if not origins:
        return None, NOT_TOLD
    return None, NOT_BY_LAYERS if origins == {"unknown"} else BY_SOME_LAYERS
