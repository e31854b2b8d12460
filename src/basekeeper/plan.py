"""Planning: what each image can be moved to, and which change is wanted. Pure.

The order of a run: `standings` of what the registries told; `candidates` names the tags that it
would move to; those are resolved too and added to the resolutions; `standings` again, which now
knows their digests and operating systems; `changes`.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from basekeeper.lifecycle.catalogue import Catalogue
    from basekeeper.policy.patterns import ImagePattern
    from basekeeper.policy.updates import UpdatePolicy
    from basekeeper.values.change import ChangePlan, LeftOut, Standing
    from basekeeper.values.event import Sight
    from basekeeper.values.reference import Reference
    from basekeeper.values.resolution import Resolutions
    from basekeeper.values.use import Survey

_NO_SIGHTS: Final[Mapping[str, tuple[Sight, ...]]] = MappingProxyType({})


def standings(  # noqa: PLR0913  # two of them mostly stay as they are
    survey: Survey,
    resolutions: Resolutions,
    rules: UpdatePolicy,
    now: datetime,
    *,
    catalogue: Catalogue | None = None,
    sights: Mapping[str, tuple[Sight, ...]] = _NO_SIGHTS,
) -> tuple[Standing, ...]:
    """Tell how each distinct image stands.

    Args:
        survey: What discovery found.
        resolutions: What the registries told, by `str()` of the reference. An image that is
            missing there was not looked up: its updates are unknown. Resolutions of other tags of
            a repository (see `candidates`) add to what is known of these tags.
        rules: What the configuration says of updates.
        now: The run's instant.
        catalogue: Calendars and replacements; None: the bundled ones.
        sights: Repository (`registry/path`) → what the ledger has seen of it; empty where no
            ledger is configured.

    Returns:
        One standing for each distinct image, in the order of its first use.
    """
    raise NotImplementedError


def left_out(survey: Survey) -> tuple[LeftOut, ...]:
    """Tell which uses name no image that can be looked up: `scratch`, opaque and invalid ones."""
    raise NotImplementedError


def candidates(
    found: Sequence[Standing],
    *,
    kinds: Collection[str] | None = None,
    images: Sequence[ImagePattern] = (),
    pin_digests: bool = False,
) -> tuple[Reference, ...]:
    """Name the tags that `changes` would move to and of which something is not known yet.

    Ask what each points to and what is inside, add the answers to the resolutions under `str()`
    of the reference, and take the standings again. References have a tag and no digest.
    """
    raise NotImplementedError


def changes(
    found: Sequence[Standing],
    *,
    kinds: Collection[str] | None = None,
    images: Sequence[ImagePattern] = (),
    pin_digests: bool = False,
) -> ChangePlan:
    """Choose at most one change for each distinct image.

    The largest step of the wanted kinds is taken (major, minor, patch, digest), only then moves on
    other axes. What is another operating system behind the same tag is never taken.

    Args:
        found: The standings.
        kinds: Kinds and axes that the user asks for, of `KINDS` and `AXES`; None: those that the
            rules take unasked. The rules' own limits hold in any case.
        images: Patterns of images to change; none: all.
        pin_digests: Whether images without a digest get one; those that have one keep one anyway.
    """
    raise NotImplementedError
