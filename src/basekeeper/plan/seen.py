"""Everything that is known of the tags of one repository, from all who told.

A tag's list entry, what it points to now, what other images of the run say of it, and what the
ledger saw earlier are facts about it. What a tag stood for only after it had stood for what it
stands for now was taken back, and is no fact of use.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from basekeeper.records import dataclass
from basekeeper.tags.updates import TagFacts, TagList
from basekeeper.values.image import Image, Pointer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from basekeeper.values.event import Sight
    from basekeeper.values.reference import Reference
    from basekeeper.values.resolution import Inside, Resolution

DEFAULT_TAG: Final = "latest"
"""What a builder takes where neither tag nor digest is given."""


@dataclass(frozen=True, slots=True)
class SeenTags:
    """What is known of the tags of one repository, seen from one image."""

    facts: tuple[TagFacts, ...]
    complete: bool
    """Whether a tag that is missing here is not there."""
    listed: frozenset[str]
    """The tags on the list that was fetched."""
    taken_back: tuple[Sight, ...]
    """What the image's own tag stood for, before it was moved back to older content."""


def tag_in_use(reference: Reference) -> str:
    """The tag that is followed; empty for a digest alone."""
    return reference.tag or (DEFAULT_TAG if reference.digest is None else "")


def digest_in_use(resolution: Resolution) -> str | None:
    """The digest that is pulled: the pinned one, else what the tag points to; None: not known."""
    pointer = resolution.pointer
    pointed = pointer.digest if isinstance(pointer, Pointer) else None
    return resolution.reference.digest or pointed


def pointed_facts(resolution: Resolution) -> TagFacts | None:
    """What the registry told of the tag itself; None: nothing."""
    pointer = resolution.pointer
    if not isinstance(pointer, Pointer):
        return None
    return TagFacts(tag_in_use(resolution.reference), pointer.digest, pointer.modified)


def seen_tags(
    resolution: Resolution,
    others: Iterable[TagFacts],
    insides: Mapping[str, Inside],
    sights: Sequence[Sight],
) -> SeenTags:
    """Bring together what is known of the tags of an image's repository.

    Args:
        resolution: What was told of the image.
        others: What was told of other tags of the repository, of none by a digest.
        insides: Digest → what is inside, for the digests of the repository that were looked into.
        sights: What the ledger saw of the repository.
    """
    tags = resolution.tags
    listed = tags.tags if isinstance(tags, TagList) else ()
    complete = isinstance(tags, TagList) and tags.complete and bool(listed)
    names = frozenset(facts.tag for facts in listed)
    pointed = pointed_facts(resolution)
    facts = [*([] if pointed is None else [pointed]), *others]
    own = tag_in_use(resolution.reference)
    kept = [one for one in sights if not complete or one.tag in names or one.tag == own]
    back = _taken_back((*listed, *facts), kept)
    facts += [TagFacts(one.tag, one.digest, first_seen=one.at) for one in kept if one not in back]
    own_back = tuple(one for one in kept if one in back and one.tag == own)
    known = (
        _looked_into(one, insides) if one.digest in insides else one for one in (*listed, *facts)
    )
    return SeenTags(tuple(known), complete, names, own_back)


def current_facts(resolution: Resolution, sights: Sequence[Sight]) -> TagFacts:
    """What is known of the image in use itself."""
    reference = resolution.reference
    inside, pointer = resolution.current, resolution.pointer
    tag, digest = tag_in_use(reference), reference.digest
    known = digest_in_use(resolution)
    times = [one.at for one in sights if one.tag == tag and one.digest == known]
    pushed = None
    if isinstance(pointer, Pointer) and pointer.digest == known:
        pushed = pointer.modified
    return TagFacts(
        tag,
        digest,
        pushed,
        min(times, default=None),
        None if inside is None else inside.os_release,
        platforms_of(inside),
    )


def platforms_of(inside: Inside | None) -> tuple[str, ...] | None:
    """The platforms of what is inside a digest; None: not known."""
    if inside is None or not isinstance(inside.image, Image) or not inside.image.platforms:
        return None
    return tuple(inside.image.platforms)


def _looked_into(facts: TagFacts, insides: Mapping[str, Inside]) -> TagFacts:
    """Facts with what is inside their digest."""
    inside = insides[facts.digest or ""]
    return replace(
        facts,
        os_release=facts.os_release or inside.os_release,
        platforms=platforms_of(inside) or facts.platforms,
    )


def _taken_back(present: Sequence[TagFacts], sights: Sequence[Sight]) -> frozenset[Sight]:
    """The sights of a tag that came after the first sight of what it stands for now."""
    if not sights:
        return frozenset()
    now: Mapping[str, str] = {one.tag: one.digest for one in present if one.digest is not None}
    since: dict[str, datetime] = {}
    for one in sights:
        if now.get(one.tag) == one.digest:
            since[one.tag] = min(one.at, since.get(one.tag, one.at))
    return frozenset(
        one
        for one in sights
        if one.tag in since and one.at > since[one.tag] and one.digest != now[one.tag]
    )
