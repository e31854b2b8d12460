"""What the registries told about the images that a tree uses; one value for each distinct image."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from basekeeper.tags.updates import TagList
    from basekeeper.values.image import Image, ImageConfig, Pointer, Publisher, Unknown
    from basekeeper.values.reference import Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """What is inside one digest, for the platforms that are built."""

    digest: str
    image: Image | Unknown
    configs: Mapping[str, ImageConfig | Unknown] = field(
        default_factory=lambda: MappingProxyType({})
    )
    """Platform → its configuration; platforms that the index lacks are missing here."""
    os_release: str | None = None
    """Name and version of the operating system behind it, such as `debian 12`; None: not told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """What a reference points to now. None: not asked; `Unknown`: asked in vain."""

    reference: Reference
    """Registry, repository, tag and digest; its text is that of the first use."""
    pointer: Pointer | Unknown | None = None
    """What the tag points to; not asked where there is no tag."""
    tags: TagList | Unknown | None = None
    """Not asked where only a digest is to be refreshed."""
    current: Inside | None = None
    """What is inside the digest in use: the pinned one, else the one that the tag points to."""
    newest: Inside | None = None
    """What is inside the digest that the tag points to, where another one is pinned."""
    publisher: Publisher | Unknown | None = None


@dataclass(frozen=True, slots=True)
class Resolutions:
    """Everything that was asked in one run."""

    by_image: Mapping[str, Resolution]
    """`str()` of a reference → what was told; equal references share one."""
    asked: int = 0
    """How many questions went to registries, cached answers not counted."""
