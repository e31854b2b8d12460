"""What was done when: the events of a repository and its images, alike ones of an instant as one.

Scans are not among them: there may be one a day of every image. How many there were stands with
each image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.evidence.images import released
from basekeeper.recording import words
from basekeeper.recording.looks import read
from basekeeper.values.event import EventKind
from basekeeper.values.evidence import Deed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from basekeeper.deadlines.identity import Scope
    from basekeeper.evidence.question import Known, Question
    from basekeeper.values.event import Event

MAX_DEEDS: Final = 10_000
"""Most that a report tells of one repository; the newest count."""

_KEPT_DIGITS: Final = 19
"""Of a digest in a sentence: its algorithm and twelve digits. It stands in full elsewhere."""


class _Alike(NamedTuple):
    """What makes events one deed."""

    at: object
    kind: EventKind
    products: tuple[str | None, ...]
    text: str


def deeds(known: Known, question: Question, repository: str) -> tuple[tuple[Deed, ...], int]:
    """Return what was done within the period, in the order of time, and how much found no room."""
    alike: dict[_Alike, list[Event]] = {}
    for event, products in _events(known, question, repository):
        one = _Alike(event.at, event.kind, products, _what(event))
        alike.setdefault(one, []).append(event)
    made = [
        Deed(
            at=same[0].at,
            recorded=max(map(known.recorded, same)),
            product=", ".join(one for one in place.products if one) or None,
            kind=place.kind.value,
            text=_SENTENCES[place.kind](same[0], len(same)),
            count=len(same),
            source=same[0].source,
        )
        for place, same in alike.items()
    ]
    made.sort(key=lambda one: (one.at, one.kind, one.product or "", one.text))
    left_out = max(len(made) - MAX_DEEDS, 0)
    return tuple(made[left_out:]), left_out


def _events(
    known: Known, question: Question, repository: str
) -> Iterator[tuple[Event, tuple[str | None, ...]]]:
    """Yield events that concern the repository within the period, with the products they name."""
    stands = known.stands(repository)
    for event in known.of(repository):
        if event.kind in _SENTENCES and question.period.holds(event.at):
            scope = read(event.subject, known.facts.aliases)
            product = None if scope is None else scope.product
            names = (None,) if product is None else stands.names(product, event.at)
            if product is None or any(map(question.wants, names)):
                yield event, names
    near = _Near(known, question, repository)
    for chain, events in known.chains.items():
        if chain in near.chains:
            for event in events:
                if event.kind in _OF_IMAGES and question.period.holds(event.at):
                    scope = read(event.subject, known.facts.aliases)
                    if scope is not None and near.concerns(event, scope):
                        yield event, (None,)


class _Near:
    """Which facts about images concern the wanted products of a repository."""

    def __init__(self, known: Known, question: Question, repository: str) -> None:
        stands = known.stands(repository)
        stood = [one for one in stands.stood() if question.wants(one.line.product)]
        out = [
            event
            for product, event in released(known, stands, repository)
            if question.wants(product)
        ]
        self._digests = {one.digest for one in stood} | {one.evidence["digest"] for one in out}
        self._lines = {(one.line.lineage, one.line.platform) for one in stood}
        found = known.facts.looks.findings
        self._names = {one.vulnerability for digest in self._digests for one in found(digest)}
        self.chains = {words.ADVISORIES}
        self.chains |= {one.evidence.get("image", "") for one in out}
        self.chains |= {
            event.evidence.get("image", "")
            for event in known.of(repository)
            if event.kind is EventKind.BASED_ON
        }

    def concerns(self, event: Event, scope: Scope) -> bool:
        """Tell whether a fact concerns the repository."""
        if event.kind in (EventKind.DETECTED, EventKind.GONE):
            return event.evidence.get("digest") in self._digests
        if scope.vulnerability not in self._names:
            return False
        return scope.lineage is None or (scope.lineage, scope.platform) in self._lines


def _what(event: Event) -> str:
    """Tell what events of one instant and kind must have in common to be told as one."""
    said = event.evidence
    parts: Mapping[EventKind, tuple[str, ...]] = {
        EventKind.MERGED: ("digest", "how"),
        EventKind.VERIFIED: ("digest", "of", "scanner"),
        EventKind.BREACHED: ("clause",),
        EventKind.WAIVED: ("id",),
        EventKind.WAIVER_ENDED: ("id", "reason"),
        EventKind.EXPIRED: ("id",),
        EventKind.DETECTED: ("digest",),
        EventKind.GONE: ("digest",),
        EventKind.BASE_AVAILABLE: ("digest",),
    }
    named = parts.get(event.kind)
    return event.id if named is None else "\0".join(said.get(name, "") for name in named)


def _short(digest: str | None) -> str:
    return (digest or "an unknown digest")[:_KEPT_DIGITS]


def _findings(count: int) -> str:
    return "1 finding" if count == 1 else f"{count:,} findings"


def _name(event: Event) -> str:
    return event.evidence.get("id") or event.key


def _vulnerability(event: Event) -> str:
    scope = read(event.subject)
    return (scope.vulnerability if scope is not None else None) or "a vulnerability"


def _based_on(event: Event, _: int) -> str:
    said = event.evidence
    if not said.get("digest"):
        scope = read(event.subject)
        line = (scope.lineage if scope is not None else None) or "that line"
        return f"stands on no image of {line} any more"
    return f"stands on {said.get('reference', said['digest'])}, {_short(said['digest'])}"


def _released(event: Event, _: int) -> str:
    said = event.evidence
    return f"published {said.get('reference', 'an image')}, {_short(said.get('digest'))}"


def _merged(event: Event, count: int) -> str:
    said = event.evidence
    how = said.get("how", "the tree changed")
    return f"took the fix of {_findings(count)}: {how}, now {_short(said.get('digest'))}"


def _verified(event: Event, count: int) -> str:
    said = event.evidence
    image = f"{said.get('of', 'image')} {_short(said.get('digest'))}"
    by = said.get("scanner") or said.get("how") or event.source
    return f"proved that {_findings(count)} are not in the {image} ({by})".replace(
        "1 finding are", "1 finding is"
    )


def _breached(event: Event, count: int) -> str:
    return f"{_findings(count)} became overdue by {event.evidence.get('clause', 'the policy')}"


def _waived(event: Event, _: int) -> str:
    said = event.evidence
    approver = said.get("approver") or "nobody recorded"
    until = said.get("until", "no day")
    who = f"{said.get('owner', 'nobody')}, approved by {approver}"
    return f"waiver {_name(event)} until {until} by {who}: {said.get('reason', 'no reason')}"


def _waiver_over(event: Event, _: int) -> str:
    why = event.evidence.get("reason")
    word = "expired" if event.kind is EventKind.EXPIRED else "ended"
    return f"waiver {_name(event)} {word}" + (f": {why}" if why else "")


def _detected(event: Event, count: int) -> str:
    return f"{_findings(count)} in {_image(event)}"


def _gone(event: Event, count: int) -> str:
    return f"{_findings(count)} no longer found in {_image(event)}, though nobody fixed it"


def _image(event: Event) -> str:
    tag = event.evidence.get("tag")
    name = f"{event.chain}:{tag}" if tag else event.chain
    return f"{name}, {_short(event.evidence.get('digest'))}"


def _base_available(event: Event, count: int) -> str:
    return f"a base with the fix of {_findings(count)} is there: {_image(event)}"


def _exploited(event: Event, _: int) -> str:
    return f"{_vulnerability(event)} is exploited, by {event.evidence.get('from', event.source)}"


def _stated(event: Event, _: int) -> str:
    why = event.evidence.get("justification")
    text = f"{event.source} says {event.kind.value.replace('-', ' ')}: {_vulnerability(event)}"
    return f"{text} ({why})" if why else text


def _proposal(event: Event, _: int) -> str:
    word = "opened" if event.kind is EventKind.PULL_REQUEST_OPENED else "closed without a merge"
    return f"pull request {word}: {event.key}"


def _built(event: Event, _: int) -> str:
    word = "rebuilt" if event.kind is EventKind.REBUILT else "put the fixed package over the base"
    return f"{word}: {_short(event.evidence.get('digest'))}"


def _contradicted(event: Event, _: int) -> str:
    said = ", ".join(f"{name} {text}" for name, text in sorted(event.evidence.items()))
    return f"the record contradicts what was seen: {said}"


_OF_IMAGES: Final = frozenset(
    {
        EventKind.DETECTED,
        EventKind.GONE,
        EventKind.BASE_AVAILABLE,
        EventKind.EXPLOITED,
        EventKind.CONTRADICTED,
    }
)

_SENTENCES: Final[Mapping[EventKind, Callable[[Event, int], str]]] = {
    EventKind.BASED_ON: _based_on,
    EventKind.RELEASED: _released,
    EventKind.MERGED: _merged,
    EventKind.VERIFIED: _verified,
    EventKind.BREACHED: _breached,
    EventKind.WAIVED: _waived,
    EventKind.WAIVER_ENDED: _waiver_over,
    EventKind.EXPIRED: _waiver_over,
    EventKind.DETECTED: _detected,
    EventKind.GONE: _gone,
    EventKind.BASE_AVAILABLE: _base_available,
    EventKind.EXPLOITED: _exploited,
    EventKind.NOT_AFFECTED: _stated,
    EventKind.UNDER_INVESTIGATION: _stated,
    EventKind.AFFECTED: _stated,
    EventKind.PULL_REQUEST_OPENED: _proposal,
    EventKind.PULL_REQUEST_CLOSED: _proposal,
    EventKind.REBUILT: _built,
    EventKind.BRIDGED: _built,
    EventKind.CONTRADICTED: _contradicted,
}
