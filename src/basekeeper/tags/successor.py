"""Which image takes the place of one that is past its end, or behind: same name, same words.

Only images that a publisher's list names are proposed, and only where the numbers and codenames
differ from the image in use; a tag that leaves the operating system to its publisher may gain the
name of one. What is dead moves to the newest line; what still has support stays where the list has
such an image. Where nothing is dead, what is behind moves.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from basekeeper.tags.axes import PartKind, split_tag
from basekeeper.tags.find_axes import find_axes
from basekeeper.tags.named import name_image
from basekeeper.tags.words import DEBIAN_CODENAMES, UBUNTU_CODENAMES
from basekeeper.values.facts import NO_FACTS
from basekeeper.values.finding import AxisState, Truth

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from basekeeper.lifecycle.catalogue import Catalogue
    from basekeeper.lifecycle.taglist import TagList
    from basekeeper.tags.axes import TagAxes
    from basekeeper.tags.named import NamedImage
    from basekeeper.values.reference import Reference

_NUMBERS: Final = re.compile(r"\d+(?:\.\d+)*", re.ASCII)
_NUMBER: Final = re.compile(r"\d+", re.ASCII)
_CODENAMES: Final = dict.fromkeys(DEBIAN_CODENAMES, "@debian") | dict.fromkeys(
    UBUNTU_CODENAMES, "@ubuntu"
)

_APPLICATION: Final = "application"

_Rank = tuple[object, ...]


def find_successor(
    image: NamedImage, states: Sequence[AxisState], catalogue: Catalogue, now: datetime
) -> Reference | None:
    """Find the image to move to, named as the one in use, without digest.

    Args:
        image: The image in use.
        states: Where its versions stand.
        catalogue: Calendars and lists.
        now: The instant at which to judge.

    Returns:
        None where nothing is past its end or behind, or no list names such an image.
    """
    moving = _moving(states)
    if not moving:
        return None
    ranked = []
    for candidate in _candidates(image, states, catalogue):
        if not _is_of_wanted_line(candidate, states):
            continue
        found = find_axes(candidate, catalogue, NO_FACTS, now=now).states
        rank = _rank(found, states, moving)
        if rank is not None:
            detail = abs(_detail(candidate, found) - _detail(image, states))
            ranked.append(((rank, detail), candidate.reference))
    return min(ranked, key=lambda entry: entry[0])[1] if ranked else None


def _moving(states: Sequence[AxisState]) -> frozenset[str]:
    """The products to move: those past their end, else those behind a newer line.

    A line that is newer than the newest LTS line is not led back to it.
    """
    dead = frozenset(one.product for one in states if one.supported.value is Truth.NO)
    return dead or frozenset(
        one.product
        for one in states
        if one.current.value is Truth.NO and _numbers(one.cycle) < _numbers(one.newest or "")
    )


def _candidates(
    image: NamedImage, states: Sequence[AxisState], catalogue: Catalogue
) -> Iterator[NamedImage]:
    """Listed images whose names differ from the image in use in numbers and codenames alone.

    Where the publisher picked a system that is not current, also those that name one.
    """
    if image.product is not None and image.product.repositories:
        yield from _siblings(image, image.product.repositories, catalogue)
        return
    yield from _other_tags(image)
    if any(not one.named and one.current.value is Truth.NO for one in states):
        yield from _with_system(image)


def _siblings(
    image: NamedImage, names: Sequence[str], catalogue: Catalogue
) -> Iterator[NamedImage]:
    """Repositories of the same family, with the same tag."""
    shape, reference = _shape(image.name), image.reference.with_digest(None)
    tag = f":{reference.tag}" if reference.tag else ""
    for name in names:
        if name != image.name and _shape(name) == shape:
            registry, _, path = name.partition("/")
            text = f"{name}{tag}"
            sibling = replace(reference, registry=registry, repository=path, text=text)
            yield name_image(sibling, catalogue)


def _other_tags(image: NamedImage) -> Iterator[NamedImage]:
    """Tags that are built today."""
    if image.tags is None or not image.tag_text:
        return
    shape = _shape(image.tag_text)
    hyphens = len(shape) - 1
    for tag in _listed_tags(image.tags):
        if tag.count("-") == hyphens and tag != image.tag_text and _shape(tag) == shape:
            yield _tagged(image, tag)


def _with_system(image: NamedImage) -> Iterator[NamedImage]:
    """Tags built today that say what the one in use says, and a release of its system."""
    if image.tags is None or image.tag.application is None:
        return
    start, own = image.tag.application.text, _without_system(image.tag)
    for tag in _listed_tags(image.tags):
        if tag.startswith(start) and tag != image.tag_text:
            candidate = _tagged(image, tag)
            if _names_system(candidate.tag, image.tag) and _without_system(candidate.tag) == own:
                yield candidate


def _names_system(tag: TagAxes, own: TagAxes) -> bool:
    """Tell whether a tag names a release, of the family that the one in use names, if any."""
    if tag.os is None or tag.os.release is None:
        return False
    return own.os is None or own.os.family == tag.os.family


def _listed_tags(tags: TagList) -> Iterator[str]:
    return (tag for line in tags.lines for tag in line.split(" "))


def _tagged(image: NamedImage, tag: str) -> NamedImage:
    """The same image by another tag, without digest."""
    reference = image.reference.with_digest(None).with_tag(tag)
    return replace(image, reference=reference, tag_text=tag, tag=split_tag(image.path, tag))


def _without_system(tag: TagAxes) -> list[str]:
    """The words of a tag but for those of its operating system."""
    left_out = (PartKind.SEPARATOR, PartKind.OS)
    return [part.text for part in tag.parts if part.kind not in left_out]


def _is_of_wanted_line(image: NamedImage, states: Sequence[AxisState]) -> bool:
    """A quick test that spares the calendars most candidates: the same line, or the newest.

    A version that is in no line, or none, needs the slow way.
    """
    product = image.product
    own = next((one for one in states if product is not None and one.product == product.name), None)
    line = None if product is None else product.line_of(_version(image))
    return own is None or line is None or line.cycle in (own.cycle, own.newest)


def _version(image: NamedImage) -> str:
    """The version of a tag, or the release of a distribution; empty where a tag names none."""
    if image.tag.application is not None:
        return image.tag.application.plain
    return (image.tag.os.release if image.tag.os is not None else None) or ""


def _shape(name: str) -> tuple[str, ...]:
    """The words of a name, numbers and codenames left open."""
    return tuple(_CODENAMES.get(word) or _NUMBERS.sub("#", word) for word in name.split("-"))


def _rank(
    found: Sequence[AxisState], states: Sequence[AxisState], moving: frozenset[str]
) -> _Rank | None:
    """How near a candidate is to what is wanted; None where it would not do."""
    there = {one.product: one for one in found}
    wanted = [state for state in states if state.product in moving]
    if any(state.axis == _APPLICATION for state in wanted):
        # A newer system below is welcome, but the newest line need not stand on it.
        needed = [state for state in wanted if state.axis == _APPLICATION]
    else:
        needed = wanted
    if any(one.supported.value is Truth.NO for one in found):
        return None
    if not all(_serves(there.get(state.product), state) for state in needed):
        return None
    return tuple(_place(there, state, moves=state in wanted) for state in states)


def _serves(found: AxisState | None, state: AxisState) -> bool:
    """Tell whether a candidate mends what is wrong with an axis."""
    if found is None:
        return False
    if state.supported.value is Truth.NO:
        return found.supported.value is Truth.YES
    return found.cycle == state.newest


def _place(there: Mapping[str, AxisState], state: AxisState, *, moves: bool) -> _Rank:
    """Rank one axis: the line wanted first, then the newest."""
    found = there.get(state.product)
    if found is None:
        return (2,)
    is_wanted = found.cycle == (state.newest if moves else state.cycle)
    return not is_wanted, tuple(-number for number in _numbers(found.cycle))


def _numbers(cycle: str) -> tuple[int, ...]:
    """The numbers of a line's name, which put lines in order."""
    return tuple(map(int, _NUMBER.findall(cycle)))


def _detail(image: NamedImage, states: Sequence[AxisState]) -> int:
    """How many numbers a tag has beyond the line that it is of: 1 for `3.12.4` of line 3.12."""
    own = None if image.product is None else image.product.name
    cycle = next((one.cycle for one in states if one.product == own), "")
    return _version(image).count(".") - cycle.count(".")
