"""Which of the possible moves is taken: at most one for each distinct image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.plan.seen import DEFAULT_TAG, digest_in_use
from basekeeper.plan.standings import pin
from basekeeper.values.change import Change, ChangePlan, Withheld
from basekeeper.values.finding import Truth
from basekeeper.values.image import Pointer, Unknown
from basekeeper.values.reference import Reference

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from basekeeper.policy.patterns import ImagePattern
    from basekeeper.tags.updates import Choice
    from basekeeper.values.change import Standing
    from basekeeper.values.resolution import Resolutions

_ORDER: Final = ("major", "minor", "patch", "digest", "os", "runtime", "build", "name")
"""Which step is taken where several are there: the largest; then other axes."""

_LEAVE_OUT: Final = "name the tags that cannot be read under `ignore` of [updates]"

_BY_HAND: Final = "ask for it with --kind {} --kind os, after looking at what changes"


def candidates(
    found: Sequence[Standing],
    resolutions: Resolutions,
    *,
    kinds: Collection[str] | None = None,
    images: Sequence[ImagePattern] = (),
) -> tuple[Reference, ...]:
    """Name what should be looked up before something is changed, and was not yet.

    That is each tag that may be moved to; what is inside the image in use, so that a change of the
    operating system shows; and each tag that waits because its age is not known: a run that
    records what it saw starts its clock. Ask what each points to and what is inside, add the
    answers to the resolutions under `str()` of the reference, and take the standings again; two
    rounds are mostly enough.

    Args:
        found: The standings.
        resolutions: What was looked up.
        kinds: As for `changes`.
        images: As for `changes`.

    Returns:
        References with a tag or a digest, never both, sorted.
    """
    wanted: dict[str, Reference] = {}
    for standing in _selected(found, images):
        for choice in _ordered(standing, _kinds(standing, kinds)):
            for one in _open(standing, choice):
                to = _not_looked_into(one, resolutions)
                if to is not None:
                    wanted[str(to)] = to
            if choice and (choice.os_change is None or "os" in (kinds or ())):
                break
    return tuple(reference for _, reference in sorted(wanted.items()))


def changes(
    found: Sequence[Standing],
    *,
    kinds: Collection[str] | None = None,
    images: Sequence[ImagePattern] = (),
    pin_digests: bool = False,
    unseen: Collection[Reference] = (),
) -> ChangePlan:
    """Choose at most one change for each distinct image.

    The largest step of the wanted kinds is taken (major, minor, patch, digest), only then moves on
    other axes. What is another operating system behind the same tag is never taken; behind another
    tag only where both the kind and `os` are asked for.

    Args:
        found: The standings.
        kinds: Kinds and axes that the user asks for, of `KINDS` and `AXES`; None: those that the
            rules take unasked. The rules' own limits hold in any case.
        images: Patterns of images to change; none: all.
        pin_digests: Whether images without a digest get one; those that have one keep one anyway.
        unseen: Candidates that were not looked up in the rounds that there are; none is taken.
    """
    taken: list[Change] = []
    withheld: list[Withheld] = []
    for standing in _selected(found, images):
        wanted = _kinds(standing, kinds)
        for step in _steps(standing, wanted, kinds or (), pin_digests=pin_digests):
            if isinstance(step, Change) and step.to.with_digest(None) in unseen:
                reason = f"{step.choice.tag} was not looked up: better ones could not be read"
                withheld.append(Withheld(standing, step.choice, reason, _LEAVE_OUT))
            elif isinstance(step, Change):
                taken.append(step)
                break
            else:
                withheld.append(step)
    return ChangePlan(tuple(taken), tuple(withheld))


def _open(standing: Standing, choice: Choice) -> Iterator[Reference]:
    """Yield the tags and digests of a choice of which more should be known."""
    own, resolution = standing.reference, standing.resolution
    digest = digest_in_use(resolution)
    stays = choice.repository is not None or (choice.kind == "digest" and own.digest is None)
    if choice and not stays and resolution.current is None and digest is not None:
        yield own.with_tag(None).with_digest(digest)
    if choice.kind == "digest":
        pointer = resolution.pointer
        is_newest = isinstance(pointer, Pointer) and pointer.digest == choice.digest
        if choice.digest is not None and not is_newest:
            yield own.with_tag(None).with_digest(choice.digest)
        return
    named = _named(own, choice).with_digest(None)
    if choice and choice.tag is not None:
        yield named.with_tag(choice.tag)
    if choice.waiting is not None and choice.waiting_until is None:
        yield named.with_tag(choice.waiting)


def _not_looked_into(reference: Reference, resolutions: Resolutions) -> Reference | None:
    """What is still to be asked of a candidate; of a tag that is in use, only what is inside."""
    known = resolutions.by_image.get(str(reference))
    if known is None:
        return reference
    digest = digest_in_use(known)
    if known.current is not None or reference.digest is not None or digest is None:
        return None
    inside = reference.with_tag(None).with_digest(digest)
    return None if str(inside) in resolutions.by_image else inside


def _selected(found: Sequence[Standing], images: Sequence[ImagePattern]) -> Iterator[Standing]:
    """Yield the standings that a user named."""
    for standing in found:
        reference = standing.reference
        if not images or any(one.matches(reference) is Truth.YES for one in images):
            yield standing


def _kinds(standing: Standing, kinds: Collection[str] | None) -> frozenset[str]:
    """Return the kinds that are wanted of an image."""
    rules = standing.rules
    return rules.taken & rules.kinds if kinds is None else rules.kinds.intersection(kinds)


def _ordered(standing: Standing, wanted: Collection[str]) -> list[Choice]:
    """Return the answers of the wanted kinds, the one that is taken first coming first."""
    updates = standing.updates
    if isinstance(updates, Unknown):
        return []
    choices = (*updates.choices, *updates.moves)
    return sorted(
        (one for one in choices if one.kind in wanted), key=lambda one: _ORDER.index(one.kind)
    )


def _steps(
    standing: Standing, wanted: Collection[str], asked: Collection[str], *, pin_digests: bool
) -> Iterator[Change | Withheld]:
    """Yield what stands in the way of each step, and the first step that nothing does."""
    pins = pin_digests or standing.rules.pinning == "tag@digest"
    for choice in _ordered(standing, wanted):
        if choice:
            yield _judged(standing, choice, asked, pins=pins)
        elif choice.waiting is not None:
            yield Withheld(standing, choice, choice.reason)
    updates = standing.updates
    if isinstance(updates, Unknown) or not (pin_digests and "digest" in standing.rules.kinds):
        return
    first = pin(updates, standing.resolution)
    if first is not None:
        yield Change(standing, first, _target(standing, first, pins=True))


def _judged(
    standing: Standing, choice: Choice, asked: Collection[str], *, pins: bool
) -> Change | Withheld:
    """Make a change of a choice, or say why that is not done."""
    if choice.os_change is not None and choice.tag == _tag(standing):
        return Withheld(
            standing,
            choice,
            f"the operating system behind the same tag changes: {choice.os_change}",
            "build and test with it, then write the new digest by hand",
        )
    if choice.os_change is not None and "os" not in asked:
        reason = f"the operating system behind {choice.tag} is another: {choice.os_change}"
        return Withheld(standing, choice, reason, _BY_HAND.format(choice.kind))
    if choice.kind == "name" and choice.tag is None:
        reason = f"the tag is to be chosen at {choice.repository}"
        return Withheld(standing, choice, reason, "look at its tags, and change the reference")
    is_pinned = standing.reference.digest is not None or pins
    if is_pinned and choice.digest is None:
        reason = f"the digest of {choice.tag} is not known, and tag and digest move together"
        return Withheld(standing, choice, reason, "run again when the registry answers")
    return Change(standing, choice, _target(standing, choice, pins=pins))


def _tag(standing: Standing) -> str | None:
    return standing.reference.tag or DEFAULT_TAG


def _target(standing: Standing, choice: Choice, *, pins: bool) -> Reference:
    """The reference to write; a tag that nobody wrote is added only beside a digest, to follow."""
    reference = _named(standing.reference, choice)
    if reference.digest is not None or pins:
        return reference.with_tag(choice.tag).with_digest(choice.digest)
    is_unwritten = reference.tag is None and choice.tag == DEFAULT_TAG
    return reference if is_unwritten else reference.with_tag(choice.tag)


def _named(reference: Reference, choice: Choice) -> Reference:
    """The reference under the name that a choice moves to."""
    if choice.repository is None:
        return reference
    registry, _, path = choice.repository.partition("/")
    return Reference(registry, path, reference.tag, reference.digest)
