"""Picking the best tag of one kind or axis among those that gates let through."""

from __future__ import annotations

from dataclasses import field
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Final

from basekeeper.records import dataclass
from basekeeper.tags.candidates import History, Matured, matured, release_behind
from basekeeper.tags.slots import Axis
from basekeeper.tags.updates import KINDS, Choice
from basekeeper.values.finding import Truth

if TYPE_CHECKING:
    from basekeeper.tags.question import Question
    from basekeeper.tags.slots import Key, Slot
    from basekeeper.tags.updates import TagFacts, UpdateRules


_NOTHING: Final = timedelta(0)
_UNITS: Final = {
    "day": timedelta(days=1),
    "hour": timedelta(hours=1),
    "minute": timedelta(minutes=1),
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A tag that may be moved to."""

    tag: str
    slot: Slot
    """The slot that moves."""
    builds: tuple[Key, ...]
    history: History
    is_alive: bool = True
    note: str = ""

    @property
    def order(self) -> tuple[object, ...]:
        """The best comes last: supported, newest, newest build, then by text to be the same."""
        return self.is_alive, self.slot.key, self.builds, self.tag


@dataclass(slots=True)
class Bucket:
    """All tags of one kind or axis: those let through, and the newest that was not."""

    kind: str
    axis: str
    own: Slot
    found: list[Candidate] = field(default_factory=list)
    refused: tuple[bool, Key, str, str] | None = None
    """Whether it is a final release, key, tag and reason of the newest tag that a gate refused; a
    final one tells more than a prerelease, which everybody expects to be left out."""
    is_known: bool = True
    """False where some tag was refused only because nothing is known of its line."""
    unread: list[Candidate] = field(default_factory=list)
    """What gates let through, but was looked up in vain for good."""

    def refuse(self, slot: Slot, tag: str, reason: str, *, is_known: bool = True) -> None:
        """Remember the newest refusal, and whether any rests on missing data."""
        self.is_known = self.is_known and is_known
        entry = (not slot.is_prerelease, slot.key, tag, reason)
        if self.refused is None or self.refused < entry:
            self.refused = entry


def pick(bucket: Bucket, question: Question) -> Choice:
    """The best candidate that is old enough, with the reason; or why there is none."""
    if bucket.kind not in question.rules.kinds:
        reason = f"the rules do not ask for {bucket.kind} updates"
        return question.unknown(bucket.kind, reason, bucket.axis)
    young: tuple[Candidate, Matured] | None = None
    for candidate in sorted(bucket.found, key=lambda one: one.order, reverse=True):
        ripe = matured(candidate.history, question.rules, question.now)
        if ripe.facts is not None:
            return _chosen(bucket, question, candidate, ripe, young)
        young = young or (candidate, ripe)
    if young is not None:
        return _waiting(bucket, question, *young)
    if bucket.unread:
        reason = "; ".join((_none(bucket), *_left_out(bucket, question)))
        return question.unknown(bucket.kind, reason, bucket.axis)
    if not bucket.is_known:
        return question.unknown(bucket.kind, _why_none(bucket), bucket.axis)
    return question.nothing(bucket.kind, _why_none(bucket), bucket.axis)


def _chosen(
    bucket: Bucket,
    question: Question,
    candidate: Candidate,
    ripe: Matured,
    young: tuple[Candidate, Matured] | None,
) -> Choice:
    facts = ripe.facts
    is_named = bucket.own.axis is Axis.OS
    change = None if facts is None or is_named else os_change(question, facts)
    head = f"{candidate.slot.text} is the newest {_what(bucket)} above {bucket.own.text}"
    if candidate.slot.text == bucket.own.text:
        head = f"a newer build of {bucket.own.text}"
    remarks, more = _left_out(bucket, question, candidate), []
    if candidate.note:
        remarks.append(candidate.note)
    if change is not None:
        remarks.append(f"the operating system behind it changes: {change}")
    if young is not None:
        more.append(f"{young[0].tag} {_too_young(question, young[1])}")
    elif bucket.refused is not None and bucket.refused[1] > candidate.slot.key:
        is_final, _, tag, why = bucket.refused
        (remarks if is_final else more).append(f"{tag} is left out: {why}")
    if not question.complete:
        remarks.append("the list of tags was not complete, so a newer one may exist")
    return Choice(
        kind=bucket.kind,
        axis=_axis(bucket, candidate),
        value=Truth.YES,
        reason="; ".join((head, *remarks, *more)),
        remark="; ".join(remarks),
        tag=candidate.tag,
        digest=None if facts is None else facts.digest,
        age=ripe.age,
        os_change=change,
        waiting=None if young is None else young[0].tag,
        waiting_until=None if young is None else young[1].until,
    )


def _waiting(bucket: Bucket, question: Question, candidate: Candidate, ripe: Matured) -> Choice:
    """Something newer exists and is not old enough, or may not be."""
    return Choice(
        kind=bucket.kind,
        axis=_axis(bucket, candidate),
        value=Truth.UNKNOWN if ripe.until is None or not question.complete else Truth.NO,
        reason="; ".join(
            (
                f"{candidate.tag} {_too_young(question, ripe)}",
                *_left_out(bucket, question, candidate),
            )
        ),
        waiting=candidate.tag,
        waiting_until=ripe.until,
    )


def _left_out(bucket: Bucket, question: Question, chosen: Candidate | None = None) -> list[str]:
    """Say which better tags were looked up in vain, the best first, and why."""
    return [
        f"{one.tag} is left out, as it could not be read: {question.unread[one.tag]}"
        for one in sorted(bucket.unread, key=lambda one: one.order, reverse=True)
        if chosen is None or one.order > chosen.order
    ]


def _too_young(question: Question, ripe: Matured) -> str:
    if ripe.until is None:
        return "waits: its age is not known, and counts from the day it is first seen"
    until = ripe.until.astimezone(UTC)
    least = waiting_words(question.rules)
    return f"is younger than {least}, it waits until {until:%Y-%m-%d %H:%M}"


def waiting_words(rules: UpdateRules) -> str:
    """How old a digest must be, in words: `3 days`, `6 hours`."""
    least = max(rules.minimum_age, rules.settle)
    for unit, length in _UNITS.items():
        if least % length == _NOTHING:
            count = least // length
            return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
    return str(least)


def os_change(question: Question, facts: TagFacts) -> str | None:
    """`debian 12 → debian 13` where the systems behind two tags are known and differ."""
    old = release_behind(question.current, question.catalogue)
    new = release_behind(facts, question.catalogue)
    return None if old is None or new is None or old == new else f"{old} → {new}"


def _axis(bucket: Bucket, candidate: Candidate) -> str:
    return "build" if candidate.slot.text == bucket.own.text else bucket.axis


def _what(bucket: Bucket) -> str:
    return bucket.kind if bucket.kind in KINDS else f"{bucket.axis} version"


def _none(bucket: Bucket) -> str:
    return f"no newer {_what(bucket)} than {bucket.own.text}"


def _why_none(bucket: Bucket) -> str:
    reason = _none(bucket)
    if bucket.refused is None:
        return reason
    return f"{reason}; {bucket.refused[2]} is left out: {bucket.refused[3]}"
