"""Which published image of a product is its last release, where its tags say so."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from basekeeper.resolve import resolve
from basekeeper.tags.updates import TagList
from basekeeper.tags.version import parse_version
from basekeeper.values.resolution import Question

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from basekeeper.config.products import Product
    from basekeeper.ports import Registry

_NUMBER: Final = re.compile(r"[0-9]+", re.ASCII)


def last_releases(
    products: Sequence[Product], platforms: tuple[str, ...], registry: Registry
) -> tuple[tuple[Product, ...], tuple[str, ...]]:
    """Put the tag of the last release in the place of each image whose product names such tags.

    The last one is that with the highest version. What else is behind the tag of `image` is no
    release of such a product, unless `digest_change` says that it is one too: then it is what is
    looked at.

    Args:
        products: What the settings say.
        platforms: Those that are built; at least one.
        registry: Whom to ask for tags.

    Returns:
        The products whose published image is known by name, and a notice for each other one.
    """
    asked = [one for one in products if _by_tags(one)]
    questions = {
        str(one.image): Question(reference=one.image, platforms=platforms, tags=True)
        for one in asked
    }
    told = resolve(tuple(questions.values()), registry) if asked else None
    found: list[Product] = []
    notices: list[str] = []
    for product in products:
        if told is None or not _by_tags(product):
            found.append(product)
            continue
        listed = told.by_image[str(product.image)].tags
        if not isinstance(listed, TagList):
            reason = "not asked" if listed is None else listed.reason
            notices.append(f"releases of product {product.name!r} are not known: {reason}")
            continue
        if listed.problem is not None:
            notices.append(f"releases of product {product.name!r} may lack some: {listed.problem}")
        tag = _last(product, (facts.tag for facts in listed.tags))
        if tag is None:
            notices.append(f"product {product.name!r} has no release: no tag is one")
        else:
            found.append(replace(product, image=product.image.with_tag(tag)))
    return tuple(found), tuple(notices)


def _by_tags(product: Product) -> bool:
    return product.release.tags is not None and not product.release.digest_change


def _last(product: Product, tags: Iterable[str]) -> str | None:
    """Return the tag with the highest version among the releases; None: there is none."""
    before = len((product.release.tags or "").partition("*")[0])
    releases = [tag for tag in tags if product.release.is_release(tag)]
    return max(releases, key=lambda tag: _order(tag, before), default=None)


def _order(tag: str, before: int) -> tuple[object, ...]:
    """Order tags by the version behind the fixed beginning, else by their numbers."""
    version = parse_version(tag[before:]) or parse_version(tag)
    numbers = tuple(int(one) for one in _NUMBER.findall(tag))
    return (version is not None, () if version is None else version.key, numbers, tag)
