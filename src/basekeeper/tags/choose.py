"""Choosing what an image can be moved to, as a careful platform engineer would.

One axis moves for each proposal; everything else stays character by character, and precision is
kept. A date or build number belongs to the version beside it and may move with it. Nothing here
reads a network or a clock: the list of tags and the instant come from the caller.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC
from itertools import zip_longest
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from basekeeper.lifecycle.catalogue import Catalogue
from basekeeper.tags.candidates import RuleGate, age_of, gather
from basekeeper.tags.digests import choose_digest, drift, with_known_release
from basekeeper.tags.frozen import FrozenWatch
from basekeeper.tags.likeness import Likeness
from basekeeper.tags.masks import Masks
from basekeeper.tags.pick import Bucket, Candidate, pick
from basekeeper.tags.question import Question, read_current
from basekeeper.tags.renames import name_moves, replacement_of
from basekeeper.tags.slots import Axis, Frame, Slot
from basekeeper.tags.updates import Choice, Flag, UpdateRules, Updates, in_zone
from basekeeper.tags.words import ARCHITECTURES
from basekeeper.values.finding import Truth

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from basekeeper.tags.candidates import History
    from basekeeper.tags.channels import Verdict
    from basekeeper.tags.updates import TagFacts

_SIZES: Final = ("major", "minor", "patch")
_BUILD_COUNT: Final = 100
"""Numbers from here on count builds (`1.24-3.1736`, `9.4-1227.1725849298`), smaller ones are
versions."""
_NUMBER: Final = re.compile(r"[0-9]+", re.ASCII)
_NAMES: Final = re.compile(
    rf"(?<![a-z0-9])(?:{'|'.join(sorted(ARCHITECTURES))}|openj9|s6|h2)(?![a-z0-9])", re.ASCII
)
"""Words with digits that are no versions."""
_NO_RULES: Final = UpdateRules()
_NONE_UNREAD: Final[Mapping[str, str]] = MappingProxyType({})


def choose_updates(  # noqa: PLR0913  # four facts that cannot be left out, four that mostly are
    repository: str,
    current: str | TagFacts,
    available: Iterable[str | TagFacts],
    now: datetime,
    *,
    rules: UpdateRules | None = None,
    complete: bool = True,
    catalogue: Catalogue | None = None,
    unread: Mapping[str, str] = _NONE_UNREAD,
) -> Updates:
    """Choose the best tag of each kind that an image can be moved to.

    Never proposes a downgrade; choosing again from what was chosen gives nothing of that kind;
    the order of `available` does not matter.

    Args:
        repository: The repository, with or without registry: `python`, `gcr.io/distroless/cc`.
        current: The tag in use, `tag@digest`, a digest alone, or facts about it.
        available: Tags of the repository. The same tag may come once for each digest that it had.
        now: The instant at which ages and calendars are judged; without a zone it is UTC.
        rules: What may be proposed; None: everything, at any age.
        complete: False where the list may lack tags: then "nothing newer" is unknown.
        catalogue: Calendars and replacements; None: the bundled ones.
        unread: Tags that were looked up in vain for good → why. They are left out; where nothing
            else is newer, the answer is unknown.

    Returns:
        A choice for each of digest, patch, minor and major, moves on other axes, and flags, each
        with its reason.

    Raises:
        InvalidReference: Repository and current tag are no reference.
    """
    reference, facts = read_current(repository, current)
    now = in_zone(now).astimezone(UTC)  # days of calendars are in UTC
    question = Question(
        reference,
        facts,
        gather(available, now),
        now,
        rules or _NO_RULES,
        complete,
        catalogue or Catalogue.bundled(),
        unread,
    )
    return _Chooser(replace(question, current=with_known_release(question))).run()


class _Chooser:
    """One pass over the list, which fills a bucket for each kind and axis."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self._own = question.frame
        self._dates = self._own.dates
        self._has_builds = bool(self._own.builds)
        self._rules = RuleGate(question.rules)
        self._gates = [question.gate(slot) for slot in self._own.slots]
        listed = question.catalogue.tags_of(question.reference)
        self._masks = Masks(question.path, question.available, listed)
        self._own_age = age_of(question.current, question.now)
        if self._own_age is None and question.is_listed:
            self._own_age = age_of(question.available[question.current.tag][-1], question.now)
        self._shape = _shape(self._own, question.current.tag)
        self._unlike: tuple[tuple[int, ...], str] = ((), "")
        self._buckets: dict[str, Bucket] = {}
        self._axes: dict[int, Bucket] = {}
        main = self._own.main
        line = None if main is None else self._gates[main].own_line
        self._watch = FrozenWatch(self._own, line)

    def run(self) -> Updates:
        """Read the list, then answer."""
        self._open_buckets()
        likeness = Likeness(self._own, self._question.path)
        for tag, history in self._question.available.items():
            frame = likeness.frame(tag)
            if frame is None:
                self._see_unlike(tag)
                continue
            self._watch.see(frame, tag)
            self._sort_in(tag, frame, history)
        question, drifted = self._question, drift(self._question)
        replacement = replacement_of(question)
        moves = [pick(bucket, question) for _, bucket in sorted(self._axes.items())]
        found = [move for move in moves if move]
        if drifted is not None and drifted[1] is not None and "os" in question.rules.kinds:
            found.append(drifted[1])
        return Updates(
            repository=question.name,
            current=question.current,
            digest=choose_digest(question),
            patch=self._sized("patch"),
            minor=self._sized("minor"),
            major=self._sized("major"),
            moves=(*found, *name_moves(question)),
            flags=self._flags(None if drifted is None else drifted[0]),
            complete=question.complete and bool(question.available),
            replacement=None if replacement is None else replacement.replacement,
        )

    def _see_unlike(self, tag: str) -> None:
        """Remember a tag of higher numbers, some of them in words that have no order.

        Whether it is the newer one cannot be told, so that "nothing newer" cannot be said either.
        """
        if self._shape is not None and _NUMBER.sub("#", tag) == self._shape:
            self._unlike = max(self._unlike, (_numbers(tag), tag))

    def _open_buckets(self) -> None:
        """One for each size, and for each further axis."""
        own = self._own
        for at, slot in enumerate(own.slots):
            if at == own.main:
                self._buckets = {size: Bucket(size, slot.axis.value, slot) for size in _SIZES}
            elif slot.axis is not Axis.BUILD or own.main is None:
                self._axes[at] = Bucket(slot.axis.value, slot.axis.value, slot)

    def _sort_in(self, tag: str, frame: Frame, history: tuple[TagFacts, ...]) -> None:
        """Put one tag into the bucket of what it moves, if it is one and goes upwards."""
        at = self._step(frame)
        if at is None:
            return
        slot, old = frame.slots[at], self._own.slots[at]
        is_main = at == self._own.main
        bucket = self._buckets[_size(old, slot)] if is_main else self._axes.get(at)
        if bucket is None:
            return
        refusal = self._rules.refusal(tag, slot, old, is_main=is_main)
        verdict = self._gates[at].verdict(slot)
        is_known = refusal is not None or verdict.is_known or self._is_stale(verdict, history)
        refusal = refusal or (None if verdict.allowed else verdict.reason)
        usable = history
        if self._question.rules.platforms:
            usable = tuple(one for one in history if self._rules.lacks(one) is None)
        if refusal is None and not usable:
            refusal = self._rules.lacks(history[0])
        if refusal is None and is_main and not slot.is_prerelease:
            refusal, is_known = self._masked(tag, slot)
        if refusal is not None:
            bucket.refuse(slot, tag, refusal, is_known=is_known)
            return
        note = "" if verdict.allowed and slot.text == old.text else verdict.reason
        builds = frame.builds if self._has_builds else ()
        candidate = Candidate(tag, slot, builds, usable, verdict.is_alive, note)
        (bucket.unread if tag in self._question.unread else bucket.found).append(candidate)

    def _step(self, frame: Frame) -> int | None:
        """The one slot that a tag moves upwards, builds alone counting for the main slot."""
        own = self._own
        moved = frame.moved_from(own)
        if moved is None or len(moved) > 1 or (self._dates and frame.dates < self._dates):
            return None
        for new, old in zip(frame.slots, own.slots, strict=True):
            if new is not old and not new.is_of_form(old):
                return None
        if not moved:
            return self._build_step(frame) if frame.builds > own.builds else None
        at = moved[0]
        return at if frame.slots[at].key > own.slots[at].key else None

    def _masked(self, tag: str, slot: Slot) -> tuple[str | None, bool]:
        """Why a tag that looks final is none, and whether that is sure."""
        if self._question.rules.allow_prerelease:
            return None, True
        found = self._masks.behind(tag, slot)
        if found is None:
            return None, True
        early, is_known = found
        return f"it stands for {early}, a prerelease", is_known

    def _is_stale(self, verdict: Verdict, history: History) -> bool:
        """Tell whether a tag of another scheme is known to be older than the tag in use."""
        if not verdict.is_counted or self._own_age is None:
            return False
        age = age_of(history[0], self._question.now)
        return age is not None and age > self._own_age

    def _build_step(self, frame: Frame) -> int | None:
        """Where a move of builds alone belongs: to the main slot, else to the first build."""
        if self._own.main is not None:
            return self._own.main
        axes = [slot.axis for slot in frame.slots]
        return axes.index(Axis.BUILD)

    def _sized(self, size: str) -> Choice:
        question, tag = self._question, self._question.current.tag
        if size in self._buckets:
            found = pick(self._buckets[size], question)
            numbers, unlike = self._unlike
            if found.value is not Truth.NO or found.waiting or numbers <= _numbers(tag):
                return found
            reason = f"{found.reason}; whether {unlike} is newer cannot be told"
            return replace(found, value=Truth.UNKNOWN, reason=reason)
        what = f"{tag} names no version" if tag else "a digest alone names no version"
        return question.unknown(size, f"{what}, so what is newer cannot be told")

    def _flags(self, drifted: str | None) -> MappingProxyType[str, str]:
        """Everything that a person should know, each with its reason."""
        question = self._question
        found: dict[str, str | None] = {Flag.OS_DRIFT.value: drifted}
        found[Flag.SUFFIX_FROZEN.value] = self._watch.reason()
        tag = question.current.tag
        if not question.complete or not question.available:
            reason = "the list of tags was not complete" if question.available else "no tags known"
            found[Flag.INCOMPLETE.value] = reason
        elif tag and not question.is_listed:
            found[Flag.VANISHED.value] = f"{tag} is missing from the complete list of tags"
        ends = [gate.ended for gate in self._gates]
        found[Flag.UNSUPPORTED.value] = "; ".join(end for end in ends if end is not None) or None
        ended = replacement_of(question)
        if ended is not None:
            advice = f"; use {ended.replacement}" if ended.replacement else ""
            found[Flag.DEPRECATED.value] = f"{question.name}: {ended.reason}{advice}"
        return MappingProxyType({name: why for name, why in found.items() if why is not None})


def _shape(own: Frame, tag: str) -> str | None:
    """A tag with its numbers left open, where some of them are in words that have no order."""
    has_numbers = any(_NUMBER.search(_NAMES.sub("", text)) is not None for text in own.fixed)
    return _NUMBER.sub("#", tag) if has_numbers and own.slots else None


def _numbers(tag: str) -> tuple[int, ...]:
    return tuple(int(number) for number in _NUMBER.findall(tag))


def _size(old: Slot, new: Slot) -> str:
    """The size of a step: by the first number that differs; builds and prereleases are patches.

    A short build with a dot is a second version (`1-3.12` of development containers, `17-3.4` of
    PostGIS), so that its own numbers tell the size.
    """
    numbers, others = old.numbers, new.numbers
    if numbers == others and _is_version(old.build) and _is_version(new.build):
        numbers, others = old.build, new.build
    for at, (one, other) in enumerate(zip_longest(numbers, others, fillvalue=0)):
        if one != other:
            return _SIZES[min(at, len(_SIZES) - 1)]
    return _SIZES[-1]


def _is_version(build: tuple[int, ...]) -> bool:
    return len(build) > 1 and max(build[:2]) < _BUILD_COUNT
