"""Everything that can be told offline about an image by its name, its tag and given facts.

Facts beat the tag, for a digest decides what is pulled and a tag is only its label. Where a tag
leaves a version open, the list of tags built today tells which one it stood for on the day of the
list; that is said in the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from basekeeper.records import dataclass
from basekeeper.tags.axes import TagAxes, split_tag
from basekeeper.tags.find_axes import find_axes
from basekeeper.tags.named import name_image
from basekeeper.tags.roles import (
    has_version_tags,
    is_builder,
    is_minimal_repository,
)
from basekeeper.tags.states import ended_state
from basekeeper.tags.successor import find_successor
from basekeeper.tags.variants import is_minimal_tag, knows_variants, smaller_variant
from basekeeper.tags.words import DEBUG_WORDS
from basekeeper.values.facts import NO_FACTS
from basekeeper.values.finding import Answer, AxisState, Truth

if TYPE_CHECKING:
    from datetime import datetime

    from basekeeper.lifecycle.catalogue import Catalogue
    from basekeeper.tags.find_axes import FoundAxes
    from basekeeper.tags.named import NamedImage
    from basekeeper.tags.variants import SmallerVariant
    from basekeeper.values.facts import Facts
    from basekeeper.values.reference import Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageDescription:
    """What is known offline about one image at one instant."""

    reference: Reference
    tag: TagAxes
    """The tag, split; without parts where there is none."""
    product: str | None
    """Product of the repository itself, if it has a calendar."""
    axes: tuple[AxisState, ...]
    """Application, runtimes, operating system and generation, as far as they could be told."""
    undetermined: tuple[str, ...]
    """Axes that could not be told from name, tag and facts, each `axis: reason`."""
    official: Answer
    publisher: Answer
    """Whether the publisher is first-party or verified."""
    listed: Answer
    """Whether the tag is built today, by the publisher's list."""
    is_minimal_variant: bool
    """True for slim, alpine, chiseled, distroless and other small images."""
    minimal: Answer
    """Yes: a small variant, or none smaller exists; no: a smaller one of this version exists."""
    minimal_alternative: str | None
    """Tag of that smaller variant."""
    minimal_moves_to: str | None
    """Product of the operating system that the smaller variant moves to; None: it stays."""
    is_lts: Answer
    """Whether the product's line is an LTS line at that instant."""
    variants: tuple[str, ...]
    """Words of the tag that are no version: `slim`, `fpm`, `jre`, `nonroot` …"""
    is_debug: bool
    """True where the tag names a variant with debugging or development tools."""
    is_sdk: bool
    """True for an image whose purpose is to compile or package."""
    floating: bool
    """True where neither tag nor digest names a version."""
    suggestion: str | None
    """What replaces the repository, where its publisher ended or moved it."""
    successor: Reference | None
    """The listed image of the same variant to move to, where this one is past its end or behind;
    named as this one, without digest."""
    tags_are_versions: bool
    """False where tags name variants, and only a digest holds a version fast (distroless)."""
    confidence: str
    """`high`, or `medium` where versions rest on the label beside a digest or on a list's day."""


def describe_image(
    reference: Reference, catalogue: Catalogue, facts: Facts = NO_FACTS, *, now: datetime
) -> ImageDescription:
    """Describe an image; reads nothing but the catalogue's own files.

    Args:
        reference: The image as it is used.
        catalogue: Calendars and lists.
        facts: What is known beyond the name; it beats what the tag claims.
        now: The instant at which to judge.
    """
    image = name_image(reference, catalogue)
    found = find_axes(image, catalogue, facts, now=now)
    listed = _listed(image)
    suggestion, ended = _replacement(image, catalogue, now, is_listed=listed.value is Truth.YES)
    small = _is_small(image)
    smaller = None if small else _smaller(image)
    return ImageDescription(
        reference=reference,
        tag=image.tag,
        product=None if image.product is None else image.product.name,
        axes=found.states + ended,
        undetermined=found.undetermined,
        official=_by_fact(
            facts, facts.official, catalogue.is_official(reference), "an official image"
        ),
        publisher=_by_fact(
            facts,
            facts.verified_publisher,
            catalogue.publisher(reference),
            "by a verified publisher",
        ),
        listed=listed,
        is_minimal_variant=small,
        minimal=_minimal(image, smaller, is_small=small),
        minimal_alternative=None if smaller is None else smaller.tag,
        minimal_moves_to=None if smaller is None else smaller.moves_to,
        is_lts=_lts(image, found, now),
        variants=image.tag.variants,
        is_debug=any(word in DEBUG_WORDS for word in image.tag.variants),
        is_sdk=is_builder(image.name, image.tag),
        floating=_floating(image),
        suggestion=suggestion,
        successor=None if suggestion else find_successor(image, found.states, catalogue, now),
        tags_are_versions=has_version_tags(image.name),
        confidence=_confidence(image, found, facts),
    )


def _replacement(
    image: NamedImage, catalogue: Catalogue, now: datetime, *, is_listed: bool
) -> tuple[str | None, tuple[AxisState, ...]]:
    """The successor, and an axis of its own where the repository ended."""
    found = catalogue.replacement(image.reference)
    if found is None:
        return None, ()
    if found.unless_listed and is_listed:
        return found.replacement, ()
    state = ended_state(image.name, image.tag_text, found, now)
    return found.replacement, () if state is None else (state,)


def _listed(image: NamedImage) -> Answer:
    """Whether the tag is built today."""
    tags = image.tags
    if tags is None or not image.tag_text:
        return Answer(Truth.UNKNOWN, "no list of tags is known for it")
    if image.tag.arch is not None and not image.aliases:
        return Answer(Truth.UNKNOWN, "tags of one architecture are not in the list")
    truth = Truth.YES if image.aliases else Truth.NO
    what = "is" if truth is Truth.YES else "is not"
    return Answer(truth, f"{image.tag_text} {what} built today", tags.source, tags.as_of)


def _is_small(image: NamedImage) -> bool:
    """Tell whether the image is a small variant, by its name or another name of it."""
    if is_minimal_repository(image.name) or is_minimal_tag(image.tag):
        return True
    return any(is_minimal_tag(split_tag(image.path, alias)) for alias in image.aliases)


def _smaller(image: NamedImage) -> SmallerVariant | None:
    if image.tags is None or not image.tag_text:
        return None
    return smaller_variant(image.tags, image.path, image.tag_text)


def _minimal(image: NamedImage, smaller: SmallerVariant | None, *, is_small: bool) -> Answer:
    """Whether nothing smaller of the same version exists."""
    tags = image.tags
    if is_small:
        return Answer(Truth.YES, "a minimal variant")
    unknown = Answer(Truth.UNKNOWN, "it is not known which variants of this version exist")
    if tags is None:
        return unknown
    if smaller is None:
        if not knows_variants(tags, image.path, image.tag_text):
            return unknown
        reason = "no smaller variant of this version exists"
        return Answer(Truth.YES, reason, tags.source, tags.as_of)
    reason = f"{smaller.tag} is smaller"
    if smaller.moves_to is not None:
        reason += f" (it moves to {smaller.moves_to})"
    return Answer(Truth.NO, reason, tags.source, tags.as_of)


def _lts(image: NamedImage, found: FoundAxes, now: datetime) -> Answer:
    """Whether the line of the image's own product is an LTS line."""
    product = image.product
    if product is not None:
        state = next((one for one in found.states if one.product == product.name), None)
        line = None if state is None else product.line_of(state.cycle)
        if line is not None:
            truth = Truth.YES if line.is_lts(now) else Truth.NO
            what = "an" if truth is Truth.YES else "no"
            reason = f"{line.cycle} is {what} LTS line of {product.title}"
            return Answer(truth, reason, product.source, product.as_of)
    what = f"the tag {image.tag_text!r}" if image.tag_text else "a digest"
    whose = "a product with a calendar" if product is None else product.title
    return Answer(Truth.UNKNOWN, f"{what} names no known line of {whose}")


def _floating(image: NamedImage) -> bool:
    """Tell whether neither tag nor digest names a version."""
    tag, product = image.tag, image.product
    if image.reference.digest is not None:
        return False
    if tag.application or tag.date or tag.commit or tag.runtimes:
        return False
    if image.reference.tag is None or tag.channel == "latest":
        return True
    if tag.os is not None and tag.os.release is not None:
        return product is not None and product.axis == "application"
    if product is not None and any(map(product.by_codename, tag.variants)):
        return False
    return tag.channel is not None or (product is not None and image.in_name.os is None)


def _confidence(image: NamedImage, found: FoundAxes, facts: Facts) -> str:
    pinned = image.reference.digest is not None
    known = facts.resolved_version is not None or facts.os_release is not None
    return "medium" if (pinned and not known) or found.rests_on_list else "high"


def _by_fact(facts: Facts, fact: bool | None, known: Answer, what: str) -> Answer:  # noqa: FBT001  # a fact's value
    """A given fact beats our list; None leaves the list's answer."""
    if fact is None:
        return known
    truth = Truth.YES if fact else Truth.NO
    source = facts.source or "given facts"
    return Answer(truth, f"{'' if fact else 'not '}{what}", source, facts.as_of)
