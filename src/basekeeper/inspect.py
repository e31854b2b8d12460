"""Inspecting: what registries told about an image in, the facts that judging asks for out. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.tags.axes import split_tag
from basekeeper.tags.inside import version
from basekeeper.tags.words import OS_RELEASE_PRODUCTS
from basekeeper.values.facts import Facts, read_os_release
from basekeeper.values.image import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.lifecycle.catalogue import Catalogue
    from basekeeper.values.image import ImageConfig
    from basekeeper.values.reference import Reference
    from basekeeper.values.resolution import Resolution

_OFFICIAL: Final = "docker.io/library/"
"""Where official images are, and nothing else."""


def facts_of(resolution: Resolution, catalogue: Catalogue) -> Facts:
    """Gather the facts about one image; what was not told stays unknown.

    A registry's word that an image is official counts below `docker.io/library` alone.
    """
    reference = resolution.reference
    name = catalogue.name_of(reference)
    publisher = resolution.publisher
    official = verified = None
    source = as_of = None
    if publisher is not None and not isinstance(publisher, Unknown):
        official = publisher.official if name.startswith(_OFFICIAL) else None
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


def lying_pin(reference: Reference, facts: Facts) -> str | None:
    """Say how the digest of an image contradicts the tag beside it; None: it does not, or no fact.

    The digest decides what is pulled, so that such a tag misleads whoever reads it.
    """
    if reference.tag is None or reference.digest is None:
        return None
    tag = split_tag(reference.repository, reference.tag)
    claimed = None if tag.application is None else tag.application.plain
    if claimed and facts.resolved_version and not _within(facts.resolved_version, claimed):
        return f"its digest holds version {facts.resolved_version}"
    release = (facts.os_release or {}).get("VERSION_ID")
    system = (facts.os_release or {}).get("ID", "")
    if tag.os is None or tag.os.release is None or release is None:
        return None
    if tag.os.product != OS_RELEASE_PRODUCTS.get(system):
        return None
    if _within(release, tag.os.release) or _within(tag.os.release, release):
        return None
    return f"its digest stands on {system} {release}"


def _configs(resolution: Resolution) -> Iterator[ImageConfig]:
    """The configurations of the digest in use that could be read."""
    if resolution.current is not None:
        for config in resolution.current.configs.values():
            if not isinstance(config, Unknown):
                yield config


def _within(exact: str, line: str) -> bool:
    """Tell whether a version belongs to a line: `3.12.7` to `3.12`."""
    return exact == line or exact.startswith(f"{line}.")
