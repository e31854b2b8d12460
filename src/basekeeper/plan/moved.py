"""What changed when an index moved: an image that we build upon, or only what stands beside it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from basekeeper.values.image import Image
from basekeeper.values.platforms import find_platform

if TYPE_CHECKING:
    from collections.abc import Collection

    from basekeeper.values.resolution import Inside


class Moved(StrEnum):
    """What a new digest brings."""

    RELEVANT = "an image of a platform that is built here"
    OTHERS = "images of platforms that are not built here"
    BESIDE = "attestations or annotations, but no image"
    UNKNOWN = "what is not known"

    @property
    def counts(self) -> bool:
        """Tell whether it may change what is built."""
        return self in (Moved.RELEVANT, Moved.UNKNOWN)


def what_moved(current: Inside | None, newest: Inside | None, platforms: Collection[str]) -> Moved:
    """Compare what is inside two digests, for the platforms that are built."""
    if current is None or newest is None:
        return Moved.UNKNOWN
    old, new = current.image, newest.image
    if not isinstance(old, Image) or not isinstance(new, Image):
        return Moved.UNKNOWN
    pairs = [(_manifest(old, one), _manifest(new, one)) for one in platforms]
    if not any(first for first, _ in pairs):
        return Moved.UNKNOWN
    if any(first != second for first, second in pairs):
        return Moved.RELEVANT
    alike = set(old.platforms.items()) == set(new.platforms.items())
    return Moved.BESIDE if alike else Moved.OTHERS


def lost_platforms(
    current: Inside | None, newest: Inside | None, platforms: Collection[str]
) -> tuple[str, ...]:
    """The platforms that are built, were there, and are gone; sorted."""
    if current is None or newest is None:
        return ()
    old, new = current.image, newest.image
    if not isinstance(old, Image) or not isinstance(new, Image) or not new.is_index:
        return ()
    return tuple(
        sorted(one for one in platforms if _manifest(old, one) and not _manifest(new, one))
    )


def _manifest(image: Image, platform: str) -> str | None:
    """The digest of what a builder takes for a platform; a single manifest serves as it is."""
    if not image.is_index:
        return image.digest
    found = find_platform(platform, image.platforms)
    return None if found is None else image.platforms[found]
