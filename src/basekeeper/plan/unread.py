"""Steps to what was looked up in vain: whether anything can be pulled there is not known."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from basekeeper.plan.seen import tag_in_use
from basekeeper.tags.updates import Choice
from basekeeper.values.finding import Truth
from basekeeper.values.image import Pointer, Unknown
from basekeeper.values.reference import Reference

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from basekeeper.tags.updates import TagFacts, Updates
    from basekeeper.values.resolution import Inside, Resolution


def without_unread(
    updates: Updates,
    used: Reference,
    resolutions: Mapping[str, Resolution],
    insides: Mapping[str, Inside],
) -> Updates:
    """Leave open each step to a tag or digest that a registry lists but did not give.

    A list may name what was deleted, what holds no image, or what nobody can read. Where nobody
    asked yet, a step stays as it is.

    Args:
        updates: The choices.
        used: The image in use.
        resolutions: What was looked up, by `str()` of the reference.
        insides: Digest → what is inside, for the digests of the repository that were looked into.
    """

    def told(choice: Choice) -> Choice:
        why = _unread(choice, used, resolutions, insides) if choice else None
        return choice if why is None else _left_open(choice, why)

    return replace(
        updates,
        digest=told(updates.digest),
        patch=told(updates.patch),
        minor=told(updates.minor),
        major=told(updates.major),
        moves=tuple(map(told, updates.moves)),
    )


def _unread(
    choice: Choice,
    used: Reference,
    resolutions: Mapping[str, Resolution],
    insides: Mapping[str, Inside],
) -> Unknown | None:
    """Tell why what a step leads to was looked up in vain; None: it was not."""
    registry, _, path = (choice.repository or used.name).partition("/")
    found = None
    if choice.kind != "digest" and choice.tag is not None:
        found = resolutions.get(str(Reference(registry, path, choice.tag, None)))
    if found is not None and isinstance(found.pointer, Unknown):
        return found.pointer
    behind = insides.get(choice.digest or "") or (None if found is None else found.current)
    return behind.image if behind is not None and isinstance(behind.image, Unknown) else None


def unread_tags(
    resolutions: Iterable[Resolution], listed: Iterable[TagFacts], insides: Mapping[str, Inside]
) -> dict[str, str]:
    """Tell which tags of a repository were looked up in vain for good → why.

    Args:
        resolutions: What was looked up of the repository.
        listed: Its tags.
        insides: Digest → what is inside, for the digests of the repository that were looked into.
    """
    found: dict[str, str] = {}
    digests: dict[str, str] = {}
    for one in resolutions:
        tag = tag_in_use(one.reference)
        if isinstance(one.pointer, Pointer):
            digests[tag] = one.pointer.digest
        elif one.pointer is not None and one.pointer.lasting:
            found[tag] = one.pointer.reason
    broken = {
        digest: inside.image.reason
        for digest, inside in insides.items()
        if isinstance(inside.image, Unknown) and inside.image.lasting
    }
    if broken:
        digests = {one.tag: one.digest for one in listed if one.digest is not None} | digests
        found |= {tag: broken[digest] for tag, digest in digests.items() if digest in broken}
    return found


def _left_open(choice: Choice, why: Unknown) -> Choice:
    what = "a newer digest" if choice.kind == "digest" else choice.tag
    reason = f"{what} is listed, but could not be read: {why.reason}"
    return Choice(kind=choice.kind, value=Truth.UNKNOWN, reason=reason, axis=choice.axis)
