"""What the registries told about the images that a tree uses; one value for each distinct image."""

from __future__ import annotations

from dataclasses import field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from basekeeper.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from basekeeper.errors import Failure
    from basekeeper.tags.updates import TagList
    from basekeeper.values.change import Standing
    from basekeeper.values.finding import Judgement
    from basekeeper.values.image import Image, ImageConfig, Pointer, Publisher, Unknown
    from basekeeper.values.reference import Reference
    from basekeeper.values.use import Survey


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked about one distinct image; nothing that is not wanted costs a request."""

    reference: Reference
    platforms: tuple[str, ...]
    """Those that are built of it, in the order of first mention; never empty."""
    pointer: bool = False
    """What its tag points to; no tag and no digest means the tag `latest`."""
    tags: bool = False
    """Which tags its repository has."""
    inside: bool = False
    """What is inside the digest in use, even where that is the one that its tag points to. Where
    they differ, both are looked into without being asked to."""
    publisher: bool = False
    system: bool = False
    """Where the configuration of what is looked into does not tell the operating system, whether
    it is read out of the layers. That costs up to 64 MiB, so it is asked only where two digests
    are compared."""
    replaced: bool = False
    """Since when the digest in use is replaced; asked only of the registry that tells."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a registry did not answer, told once for all images that it concerns."""

    registry: str
    failure: Failure
    reason: str
    """What the first failure said."""
    hint: str | None
    images: int
    """Distinct images about which something stays unknown for this reason."""


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
    os_unread: Unknown | None = None
    """Why the layers did not tell it, where they were asked."""


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
    replaced_on: date | Unknown | None = None
    """The day on which the digest in use was replaced, or will be, by its publisher's notice; None
    also where there is no notice. It says nothing of whether the product is supported."""


@dataclass(frozen=True, slots=True)
class Resolutions:
    """Everything that was asked in one run."""

    by_image: Mapping[str, Resolution]
    """`str()` of a reference → what was told; equal references share one."""
    asked: int = 0
    """How many questions were put to the registries' client; its cache may have answered some."""
    troubles: tuple[Trouble, ...] = ()
    """What kept registries from answering, sorted by registry."""

    def with_more(self, other: Resolutions) -> Resolutions:
        """Add answers to further questions; of one image the later answer counts."""
        troubles: dict[tuple[str, Failure], Trouble] = {}
        for one in (*self.troubles, *other.troubles):
            known = troubles.get((one.registry, one.failure))
            count = one.images + (known.images if known is not None else 0)
            troubles[one.registry, one.failure] = replace(known or one, images=count)
        return Resolutions(
            {**self.by_image, **other.by_image},
            self.asked + other.asked,
            tuple(troubles[key] for key in sorted(troubles)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Standings:
    """How every image that a tree uses stands: what `outdated` shows and `update` starts from."""

    survey: Survey
    now: datetime
    """The instant of the run, UTC."""
    standings: tuple[Standing, ...]
    """One for each distinct image, sorted by `str()` of its reference."""
    judgements: Mapping[str, Judgement]
    """`str()` of a reference → what policy and calendars say of it."""
    troubles: tuple[Trouble, ...] = ()
    asked: int = 0
    notices: tuple[str, ...] = ()
    """Facts about the run itself."""
