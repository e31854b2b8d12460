"""What a person should know of an image beside what it can be moved to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.plan.moved import Moved, lost_platforms, what_moved
from basekeeper.plan.seen import tag_in_use
from basekeeper.tags.inside import version
from basekeeper.tags.pins import contradiction, other_version
from basekeeper.tags.updates import TagList
from basekeeper.values.change import Note, NoteKind
from basekeeper.values.image import Pointer, Publisher, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.plan.seen import SeenTags
    from basekeeper.tags.updates import UpdateRules
    from basekeeper.values.resolution import Resolution

MAX_NAMED_TAGS: Final = 5
"""Most tags that a note names; an official image has up to a dozen for one digest."""


class Named(NamedTuple):
    """What a repository is known as."""

    path: str
    """Without its registry; copies of official images as `library/…`."""
    product: str | None
    """Name of its calendar, if it has one."""


def notes_of(
    resolution: Resolution,
    seen: SeenTags,
    rules: UpdateRules,
    platforms: tuple[str, ...],
    named: Named,
) -> Iterator[Note]:
    """Yield the notes about one image."""
    yield from _unresolved(resolution)
    yield from _ghost(resolution, seen)
    yield from _lying(resolution, seen, named)
    yield from _tag_of_digest(resolution, seen)
    yield from _moved_back(resolution, seen)
    yield from _moved(resolution, rules, platforms)
    yield from _replaced(resolution)
    publisher = resolution.publisher
    if isinstance(publisher, Publisher) and publisher.archived:
        yield Note(NoteKind.ENDED, f"{resolution.reference.name} is archived by its owner")


def _unresolved(resolution: Resolution) -> Iterator[Note]:
    """What was asked in vain, and what the list of tags may lack."""
    tag = tag_in_use(resolution.reference)
    for what, answer in ((f"what {tag} points to", resolution.pointer), ("tags", resolution.tags)):
        if isinstance(answer, Unknown):
            yield Note(NoteKind.UNRESOLVED, f"{what}: {answer.reason}")
    for inside in (resolution.current, resolution.newest):
        if inside is not None and isinstance(inside.image, Unknown):
            yield Note(NoteKind.UNRESOLVED, f"what {inside.digest} names: {inside.image.reason}")
    tags = resolution.tags
    if isinstance(tags, TagList) and tags.problem is not None:
        yield Note(NoteKind.INCOMPLETE, f"the list of tags may lack some: {tags.problem}")


def _ghost(resolution: Resolution, seen: SeenTags) -> Iterator[Note]:
    tag = tag_in_use(resolution.reference)
    if seen.complete and tag and tag not in seen.listed and isinstance(resolution.pointer, Pointer):
        yield Note(
            NoteKind.GHOST_TAG,
            f"{tag} can be pulled, but is no longer on the list of tags: it gets no updates",
        )


def _lying(resolution: Resolution, seen: SeenTags, named: Named) -> Iterator[Note]:
    """A digest decides what is pulled, so that a tag of another version misleads its readers."""
    reference = resolution.reference
    if reference.tag is None or reference.digest is None:
        return
    reason = _by_inside(resolution, named) or other_version(
        named.path, reference.tag, _tags_of(seen, reference.digest)
    )
    if reason is not None:
        yield Note(NoteKind.LYING_PIN, f"the digest beside {reference.tag} {reason}")


def _by_inside(resolution: Resolution, named: Named) -> str | None:
    """What the digest's own configuration says against the tag."""
    inside, reference = resolution.current, resolution.reference
    if inside is None or inside.digest != reference.digest:
        return None
    configs = (one for one in inside.configs.values() if not isinstance(one, Unknown))
    told = (version(config, named.product, named.path) for config in configs)
    exact = next((one for one in told if one is not None), None)
    return contradiction(named.path, reference.tag or "", exact, inside.os_release)


def _replaced(resolution: Resolution) -> Iterator[Note]:
    """Where the registry itself did not answer, another note says so."""
    day = resolution.replaced_on
    if isinstance(day, Unknown):
        if not isinstance(resolution.pointer, Unknown):
            text = f"whether this digest is replaced is not known: {day.reason}"
            yield Note(NoteKind.REPLACED_UNKNOWN, text)
    elif day is not None:
        text = f"this digest is replaced as of {day}, which is not the end of its product"
        yield Note(NoteKind.REPLACED, text)


def _tags_of(seen: SeenTags, digest: str) -> tuple[str, ...]:
    """The tags that stand for a digest, or stood; sorted."""
    return tuple(sorted({one.tag for one in seen.facts if one.digest == digest}))


def _tag_of_digest(resolution: Resolution, seen: SeenTags) -> Iterator[Note]:
    reference = resolution.reference
    if reference.tag is not None or reference.digest is None:
        return
    # The longest name is the most precise one.
    tags = sorted(_tags_of(seen, reference.digest), key=lambda tag: (-len(tag), tag))
    if tags:
        more = len(tags) - MAX_NAMED_TAGS
        named = ", ".join(tags[:MAX_NAMED_TAGS]) + (f" and {more} more" if more > 0 else "")
        yield Note(NoteKind.TAG_OF_DIGEST, f"this digest is, or was, tagged {named}")


def _moved_back(resolution: Resolution, seen: SeenTags) -> Iterator[Note]:
    if not seen.taken_back:
        return
    last = max(seen.taken_back, key=lambda one: one.at)
    text = f"{last.tag} was moved back to older content; on {last.at:%Y-%m-%d} it was {last.digest}"
    if last.digest == resolution.reference.digest:
        text += ", which is pinned here"
    yield Note(NoteKind.MOVED_BACK, text)


def _moved(
    resolution: Resolution, rules: UpdateRules, platforms: tuple[str, ...]
) -> Iterator[Note]:
    """What the newer digest of a pinned tag changes, where that is nothing to us, or a loss."""
    if resolution.newest is None:
        return
    tag = tag_in_use(resolution.reference)
    lost = lost_platforms(resolution.current, resolution.newest, platforms)
    if lost:
        text = f"what {tag} stands for now lacks {', '.join(lost)}"
        yield Note(NoteKind.PLATFORM_LOST, text)
    moved = what_moved(resolution.current, resolution.newest, platforms)
    if moved in (Moved.OTHERS, Moved.BESIDE):
        said = "" if rules.digest_change == "any" else ": no update"
        yield Note(NoteKind.NO_RELEVANT_CHANGE, f"the new digest of {tag} brings {moved}{said}")
