"""Inspecting: what registries told about an image in, the facts that judging asks for out. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.tags.inside import version
from basekeeper.tags.pins import contradiction
from basekeeper.values.facts import NO_FACTS, Facts, read_os_release
from basekeeper.values.finding import MissingFact
from basekeeper.values.image import Unknown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from basekeeper.lifecycle.catalogue import Catalogue
    from basekeeper.values.image import ImageConfig
    from basekeeper.values.resolution import Resolution, Resolutions, Trouble

PUBLISHER: Final = "publisher status"
CONTENTS: Final = "contents"
"""What a fact that is missing is called."""

MAX_TOLD: Final = 5
"""Most images whose missing facts are told one by one."""

_OFFICIAL: Final = "docker.io/library/"
"""Where official images are, and nothing else."""


def facts_of(resolution: Resolution, catalogue: Catalogue) -> Facts:
    """Gather the facts about one image; what was not told stays unknown.

    That an image is official counts below `docker.io/library` alone, and only where Docker Hub was
    asked: a mirror knows no more than the name shows.
    """
    reference = resolution.reference
    name = catalogue.name_of(reference)
    publisher = resolution.publisher
    official = verified = None
    source = as_of = None
    if publisher is not None and not isinstance(publisher, Unknown):
        was_asked = publisher.as_of is not None and name.startswith(_OFFICIAL)
        official = publisher.official if was_asked else None
        verified = publisher.verified
        source = publisher.source or reference.registry
        as_of = None if publisher.as_of is None else publisher.as_of.date()
    config = next(_configs(resolution), None)
    if config is None:
        return Facts(official=official, verified_publisher=verified, source=source, as_of=as_of)
    product = catalogue.product_for(reference)
    path = name.partition("/")[2]
    release = None if resolution.current is None else resolution.current.os_release
    return Facts(
        official=official,
        verified_publisher=verified,
        resolved_version=version(config, None if product is None else product.name, path),
        os_release=None if release is None else read_os_release(release),
        labels=dict(config.labels),
        source=source,
        as_of=as_of,
    )


class Told(NamedTuple):
    """What the registries told for a check."""

    facts: dict[str, Facts]
    """`str()` of a reference → facts; images of which nothing is known are left out."""
    missing: tuple[MissingFact, ...]
    """Sorted by image."""
    notices: tuple[str, ...]


def told_of(found: Resolutions, catalogue: Catalogue, *, gating: Collection[str]) -> Told:
    """Gather what registries told about all images, and what they did not.

    Args:
        found: What was asked and answered.
        catalogue: Calendars and lists.
        gating: Images of which an error may stay hidden where their contents are not known.
    """
    facts = {name: facts_of(one, catalogue) for name, one in found.by_image.items()}
    missing = tuple(
        replace(gap, gates=gap.fact == CONTENTS and gap.image in gating)
        for _, one in sorted(found.by_image.items())
        for gap in _gaps(one)
    )
    lies = (
        f"{one.reference.familiar}: its digest {lie}, not what its tag says"
        for name, one in sorted(found.by_image.items())
        if (lie := _lie(one, facts[name], catalogue)) is not None
    )
    known = {name: one for name, one in facts.items() if one != NO_FACTS}
    return Told(known, missing, (*lies, *_notices(found.troubles, missing)))


def _gaps(resolution: Resolution) -> Iterator[MissingFact]:
    """Tell what was asked about one image in vain."""
    name = str(resolution.reference)
    if isinstance(resolution.publisher, Unknown):
        yield MissingFact(name, PUBLISHER, resolution.publisher.reason, resolution.publisher.hint)
    inside = resolution.current
    if inside is None:
        found: tuple[object, ...] = (resolution.pointer,)
    else:
        found = (inside.image, *inside.configs.values())
    unknown = next((one for one in found if isinstance(one, Unknown)), None)
    if unknown is not None:
        yield MissingFact(name, CONTENTS, unknown.reason, unknown.hint)


def _notices(troubles: tuple[Trouble, ...], missing: tuple[MissingFact, ...]) -> Iterator[str]:
    """Say once for each registry what went wrong, then what concerns single images."""
    for trouble in troubles:
        count = "1 image was" if trouble.images == 1 else f"{trouble.images} images were"
        yield (
            f"{trouble.registry}: {trouble.failure.value}, so that {count} judged by name alone:"
            f" {trouble.reason}"
        )
    shared = tuple(f"{trouble.registry} " for trouble in troubles)
    single = [gap for gap in missing if not (shared and gap.reason.startswith(shared))]
    for gap in single[:MAX_TOLD]:
        yield f"{gap.fact} of {gap.image} could not be told: {gap.reason}"
    if len(single) > MAX_TOLD:
        yield f"facts of {len(single) - MAX_TOLD} more images could not be told"


def _lie(resolution: Resolution, facts: Facts, catalogue: Catalogue) -> str | None:
    """Say how the digest of an image contradicts the tag beside it; None: it does not, or no fact.

    The digest decides what is pulled, so that such a tag misleads whoever reads it.
    """
    reference, inside = resolution.reference, resolution.current
    if reference.tag is None or reference.digest is None or inside is None:
        return None
    path = catalogue.name_of(reference).partition("/")[2]
    return contradiction(path, reference.tag, facts.resolved_version, inside.os_release)


def _configs(resolution: Resolution) -> Iterator[ImageConfig]:
    """The configurations of the digest in use that could be read."""
    if resolution.current is not None:
        for config in resolution.current.configs.values():
            if not isinstance(config, Unknown):
                yield config
