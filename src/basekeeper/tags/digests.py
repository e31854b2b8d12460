"""The digest behind an unchanged tag: a refresh, or another operating system below it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.tags.candidates import RuleGate, age_of, matured, release_behind
from basekeeper.tags.pick import os_change, waiting_words
from basekeeper.tags.updates import Choice, TagFacts
from basekeeper.values.finding import Truth

if TYPE_CHECKING:
    from basekeeper.tags.candidates import History, Matured
    from basekeeper.tags.question import Question

SYSTEM_UNKNOWN: Final = "whether the operating system behind it changes is not known"
"""What is said of a step where the system is not known on both sides."""

_KIND = "digest"


def with_known_release(question: Question) -> TagFacts:
    """The tag in use, its system filled in from the sight of the list with the same digest."""
    current = question.current
    if current.os_release is not None or current.digest is None:
        return current
    sights = question.available.get(current.tag, ())
    same = next((one for one in sights if one.digest == current.digest), None)
    if same is None:
        return current
    return TagFacts(
        current.tag,
        current.digest,
        current.pushed or same.pushed,
        current.first_seen or same.first_seen,
        same.os_release,
        current.platforms or same.platforms,
    )


def choose_digest(question: Question) -> Choice:
    """The newest digest of the tag in use that is old enough and keeps the operating system."""
    current = question.current
    if _KIND not in question.rules.kinds:
        return question.unknown(_KIND, "the rules do not ask for digest updates", "build")
    if not current.tag:
        return question.unknown(_KIND, "a digest alone names no tag to follow", "build")
    if current.digest is None and question.rules.pinning == "tag":
        return Choice(
            kind=_KIND, axis="build", value=Truth.NO, reason="no digest is pinned", tag=None
        )
    sights = tuple(one for one in question.available.get(current.tag, ()) if one.digest)
    if not sights:
        reason = f"the digest behind {current.tag} is not known"
        return question.unknown(_KIND, reason, "build")
    newer = _newer(sights, question)
    keeping = _keeping_system(newer, question)
    if not keeping:
        return _none(question, newer, sights)
    return _refresh(question, keeping)


def _keeping_system(newer: History, question: Question) -> History:
    """The sights on the same operating system; where one is on another, only those known to be."""
    changes = [os_change(question, one) for one in newer]
    if not any(changes):
        return newer
    return tuple(
        one
        for one, change in zip(newer, changes, strict=True)
        if change is None and release_behind(one, question.catalogue) is not None
    )


def drift(question: Question) -> tuple[str, Choice | None] | None:
    """What changed behind the tag: the change, and the digest to review; None: nothing known.

    Where no digest is pinned there is nothing to choose, for the next pull brings the change.
    """
    current = question.current
    sights = question.available.get(current.tag, ())
    told = (one for one in _newer(sights, question) if one.os_release is not None)
    facts = next(told, None)
    change = None if facts is None else os_change(question, facts)
    if facts is None or change is None:
        return None
    reason = f"{current.tag} moved to another operating system: {change}"
    ripe = matured((facts,), question.rules, question.now)
    if current.digest is None or facts.digest is None or ripe.facts is None:
        return reason, None
    return reason, Choice(
        kind="os",
        axis="os",
        value=Truth.YES,
        reason=f"{reason}; review it, it is no digest refresh",
        tag=current.tag,
        digest=facts.digest,
        age=ripe.age,
        os_change=change,
    )


def _newer(sights: History, question: Question) -> History:
    """The sights of other digests that are newer than the one in use and lack no platform."""
    gate = RuleGate(question.rules)
    return tuple(one for one in _later(sights, question) if gate.lacks(one) is None)


def _later(sights: History, question: Question) -> History:
    """The sights of other digests that are newer than the one in use.

    The one in use is placed by its own sight in the list, else by the time given with it; where
    neither is known, every other digest counts as newer, for the tag has moved on.
    """
    current = question.current
    digests = [one.digest for one in sights]
    if current.digest in digests and current.digest is not None:
        sights = sights[: digests.index(current.digest)]
    else:
        age = age_of(current, question.now)
        ages = ((one, age_of(one, question.now)) for one in sights)
        sights = tuple(one for one, its in ages if age is None or its is None or its < age)
    return sights


def _refresh(question: Question, sights: History) -> Choice:
    current, rules = question.current, question.rules
    ripe = matured(sights, rules, question.now)
    if ripe.facts is None:
        return _young(question, ripe)
    verb = "pins what" if current.digest is None else "is the newest digest that"
    head, remarks = f"{verb} {current.tag} stands for", []
    if release_behind(ripe.facts, question.catalogue) is None or (
        release_behind(current, question.catalogue) is None and current.digest is not None
    ):
        remarks.append(SYSTEM_UNKNOWN)
    newest = sights[0] if ripe.facts != sights[0] else None
    if newest is not None:
        remarks.append("a newer one is too young")
    return Choice(
        kind=_KIND,
        axis="build",
        value=Truth.YES,
        reason="; ".join((head, *remarks)),
        remark="; ".join(remarks) if current.digest is not None else None,
        tag=current.tag,
        digest=ripe.facts.digest,
        age=ripe.age,
        waiting=None if newest is None else current.tag,
    )


def _young(question: Question, ripe: Matured) -> Choice:
    known = ripe.until is not None
    reason = (
        f"the newer digest is younger than {waiting_words(question.rules)}"
        if known
        else "the age of the newer digest is not known, and counts from the day it is first seen"
    )
    return Choice(
        kind=_KIND,
        axis="build",
        value=Truth.NO if known else Truth.UNKNOWN,
        reason=reason,
        waiting=question.current.tag,
        waiting_until=ripe.until,
    )


def _none(question: Question, newer: History, sights: History) -> Choice:
    """Nothing newer, or only what stands on another system or lacks a platform."""
    tag = question.current.tag
    gate = RuleGate(question.rules)
    lacking = next(filter(None, (gate.lacks(one) for one in _later(sights, question))), None)
    if newer:
        reason = f"the newer digest of {tag} stands on another operating system release"
    elif lacking is not None:
        reason = f"the newer digest of {tag} {lacking.removeprefix('it ')}"
    else:
        reason = f"no newer digest of {tag} was seen"
    return Choice(kind=_KIND, axis="build", value=Truth.NO, reason=reason)
