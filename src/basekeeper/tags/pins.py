"""Tags beside digests that say another version than the digest holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from basekeeper.errors import InputError
from basekeeper.tags.axes import split_tag
from basekeeper.tags.words import OS_RELEASE_PRODUCTS
from basekeeper.values.facts import read_os_release

if TYPE_CHECKING:
    from collections.abc import Sequence


def contradiction(
    repository: str, tag: str, version: str | None, os_release: str | None
) -> str | None:
    """Say how what is inside a digest contradicts the tag beside it; None: it does not.

    Args:
        repository: Path of the image, an official one as `library/…`.
        tag: The tag.
        version: The application's version inside; None: not known.
        os_release: The system inside, such as `debian 12`; None: not known.
    """
    axes = split_tag(repository, tag)
    claimed = None if axes.application is None else axes.application.plain
    if claimed and version and not _agree(version, claimed):
        return f"holds version {version}"
    system = axes.os
    if system is None or system.release is None or os_release is None:
        return None
    try:
        inside = read_os_release(os_release)
    except InputError:
        return None
    release = inside.get("VERSION_ID")
    if release is None or OS_RELEASE_PRODUCTS.get(inside["ID"]) != system.product:
        return None
    return None if _agree(release, system.release) else f"stands on {inside['ID']} {release}"


def other_version(repository: str, tag: str, tags: Sequence[str]) -> str | None:
    """Say that a digest belongs to tags of another version than the tag beside it.

    Only where it belongs to no tag of the same version; tags without a version say nothing.
    """
    own = split_tag(repository, tag).application
    if own is None or tag in tags:
        return None
    versions = {one: split_tag(repository, one).application for one in tags}
    told = {one: version.plain for one, version in versions.items() if version is not None}
    if not told or any(_agree(version, own.plain) for version in told.values()):
        return None
    return f"is that of {max(told, key=lambda one: (len(one), one))}"


def _agree(one: str, other: str) -> bool:
    """Tell whether one version belongs to the line of the other: `3.12.7` and `3.12`."""
    shorter, longer = sorted((one.split("."), other.split(".")), key=len)
    return longer[: len(shorter)] == shorter
