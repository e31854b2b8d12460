"""Moves of the image's name: versions in repository names, and repositories that ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from basekeeper.tags.pick import Bucket, Candidate, pick
from basekeeper.tags.slots import frame_of_name, frame_of_tag
from basekeeper.tags.updates import Choice, TagFacts
from basekeeper.values.finding import Truth

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.lifecycle.taglist import Replacement
    from basekeeper.tags.question import Question


def name_moves(question: Question) -> Iterator[Choice]:
    """Repositories of the same family that differ in one version of their names.

    The tag stays where it names no version (`nonroot`); else it must be chosen there.
    """
    product = question.product
    if product is None or "name" not in question.rules.kinds:
        return
    registry = question.name.partition("/")[0]
    own = frame_of_name(question.path)
    buckets: dict[int, Bucket] = {}
    gates = [question.gate(slot) for slot in own.slots]
    names = {*product.repositories, *(one for one in product.images if "*" not in one)}
    for name in names:
        host, _, path = name.partition("/")
        frame = frame_of_name(path)
        moved = frame.moved_from(own)
        if host != registry or moved is None or len(moved) != 1:
            continue
        at = moved[0]
        old, new = own.slots[at], frame.slots[at]
        bucket = buckets.setdefault(at, Bucket("name", old.axis.value, old))
        verdict = gates[at].verdict(new)
        if not new.is_of_form(old) or new.key <= old.key:
            continue
        if not verdict.allowed:
            bucket.refuse(new, name, verdict.reason)
            continue
        sights = (TagFacts(name, first_seen=question.now - question.rules.minimum_age),)
        bucket.found.append(Candidate(name, new, (), sights, verdict.is_alive, verdict.reason))
    for at in sorted(buckets):
        choice = pick(buckets[at], question)
        if choice.tag is not None:
            yield _renamed(choice, question)


def _renamed(choice: Choice, question: Question) -> Choice:
    """A choice of a name: the tag is kept where it names no version."""
    tag = question.current.tag
    keeps = not frame_of_tag(question.path, tag).slots
    reason = choice.reason.split("; the list of tags", maxsplit=1)[0]
    if not keeps:
        reason += "; its tag is to be chosen there"
    return Choice(
        kind="name",
        axis=choice.axis,
        value=Truth.YES,
        reason=reason,
        repository=choice.tag,
        tag=(tag or None) if keeps else None,
    )


def replacement_of(question: Question) -> Replacement | None:
    """What the publisher says of a repository that ended or moved, as of the instant asked for."""
    found = question.catalogue.replacement(question.reference)
    if found is None or (found.ended is not None and found.ended > question.now.date()):
        return None
    listed = question.catalogue.tags_of(question.reference)
    if found.unless_listed and listed is not None and question.current.tag in listed:
        return None
    return found
