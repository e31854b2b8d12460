"""How each distinct image stands: what it can be moved to, and what else is to be known."""

from __future__ import annotations

from dataclasses import replace
from itertools import zip_longest
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from basekeeper.lifecycle.catalogue import Catalogue
from basekeeper.plan.moved import what_moved
from basekeeper.plan.notes import Named, notes_of
from basekeeper.plan.seen import (
    current_facts,
    digest_in_use,
    platforms_of,
    pointed_facts,
    seen_tags,
    tag_in_use,
)
from basekeeper.plan.systems import with_unread
from basekeeper.plan.unread import unread_tags, without_unread
from basekeeper.records import dataclass
from basekeeper.tags.choose import choose_updates
from basekeeper.tags.updates import Choice, Flag, TagList
from basekeeper.values.change import LeftOut, Standing
from basekeeper.values.finding import Truth
from basekeeper.values.image import Pointer, Unknown
from basekeeper.values.platforms import BuiltPlatforms, find_platform
from basekeeper.values.resolution import Resolution
from basekeeper.values.settings import DEFAULT_PLATFORM
from basekeeper.values.use import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from basekeeper.plan.seen import SeenTags
    from basekeeper.policy.updates import UpdatePolicy
    from basekeeper.tags.updates import TagFacts, UpdateRules, Updates
    from basekeeper.values.event import Sight
    from basekeeper.values.reference import Reference
    from basekeeper.values.resolution import Inside, Resolutions
    from basekeeper.values.use import Survey, Use

_NO_SIGHTS: Final[Mapping[str, tuple[Sight, ...]]] = MappingProxyType({})

_NOT_LOOKED_UP: Final = Unknown("was not looked up")

_REASONS: Final = {
    Kind.SCRATCH: "the empty base has no versions",
    Kind.OPAQUE: "cannot be told from files and arguments",
    Kind.INVALID: "is no valid reference",
}


def standings(  # noqa: PLR0913  # three of them mostly stay as they are
    survey: Survey,
    resolutions: Resolutions,
    rules: UpdatePolicy,
    now: datetime,
    *,
    catalogue: Catalogue | None = None,
    sights: Mapping[str, tuple[Sight, ...]] = _NO_SIGHTS,
    platforms: Sequence[str] = (DEFAULT_PLATFORM,),
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
        platforms: Those of uses for which no file says others.

    Returns:
        One standing for each distinct image, sorted by `str()` of its reference.
    """
    built = BuiltPlatforms(survey, platforms)
    uses: dict[str, list[Use]] = {}
    for use in survey.uses:
        if use.kind is Kind.CONCRETE and use.reference is not None:
            uses.setdefault(str(use.reference), []).append(use)
    planner = _Planner(resolutions, rules, now, catalogue or Catalogue.bundled(), sights)
    found = []
    for _, group in sorted(uses.items()):
        wanted = sorted({platform for use in group for platform in built.of(use)})
        found.append(planner.standing(tuple(group), tuple(wanted)))
    return tuple(found)


def left_out(survey: Survey) -> tuple[LeftOut, ...]:
    """Tell which uses name no image that can be looked up: `scratch`, opaque and invalid ones."""
    return tuple(
        LeftOut(use, use.problem or _REASONS.get(use.kind, _NOT_LOOKED_UP.reason))
        for use in survey.uses
        if use.kind is not Kind.CONCRETE or use.reference is None
    )


@dataclass(frozen=True, slots=True)
class _Image:
    """One image with everything that its answer rests on."""

    reference: Reference
    canonical: Reference
    """What a mirror's name stands for; calendars know that name alone."""
    resolution: Resolution
    seen: SeenTags
    sights: Sequence[Sight]
    rules: UpdateRules
    platforms: tuple[str, ...]


class _Planner:
    """Answers for one image after the other."""

    def __init__(
        self,
        resolutions: Resolutions,
        rules: UpdatePolicy,
        now: datetime,
        catalogue: Catalogue,
        sights: Mapping[str, tuple[Sight, ...]],
    ) -> None:
        self._resolutions = resolutions.by_image
        self._rules = rules
        self._now = now
        self._catalogue = catalogue
        self._sights = sights
        self._pointed: dict[str, dict[str, TagFacts]] = {}
        self._insides: dict[str, dict[str, Inside]] = {}
        self._of_name: dict[str, list[Resolution]] = {}
        for key, one in sorted(self._resolutions.items()):
            name = one.reference.name
            self._of_name.setdefault(name, []).append(one)
            pointed = pointed_facts(one)
            if one.reference.digest is None and pointed is not None:
                self._pointed.setdefault(name, {})[key] = pointed
            for inside in (one.current, one.newest):
                if inside is not None:
                    self._learn(name, inside)

    def _learn(self, name: str, inside: Inside) -> None:
        """Keep what is inside a digest; of several tellings the first that knows the system."""
        known = self._insides.setdefault(name, {})
        before = known.get(inside.digest)
        if before is None or (before.os_release is None and inside.os_release is not None):
            known[inside.digest] = inside

    def standing(self, uses: tuple[Use, ...], platforms: tuple[str, ...]) -> Standing:
        """Answer for one image and all its uses."""
        reference = uses[0].reference
        assert reference is not None  # noqa: S101 (the caller grouped by it)
        rules = self._rules.rules_for(reference)
        key = str(reference)
        resolution = self._resolutions.get(key)
        if resolution is None:
            return Standing(
                reference=reference,
                uses=uses,
                updates=_NOT_LOOKED_UP,
                resolution=Resolution(reference=reference),
                rules=rules,
                platforms=platforms,
            )
        sights = self._sights.get(reference.name, ())
        pointed = self._pointed.get(reference.name, {})
        others = [facts for image, facts in pointed.items() if image != key]
        insides = self._insides.get(reference.name, {})
        if resolution.current is None:
            resolution = replace(resolution, current=insides.get(digest_in_use(resolution) or ""))
        seen = seen_tags(resolution, others, insides, sights)
        canonical = self._rules.aliases.canonical(reference)
        image = _Image(reference, canonical, resolution, seen, sights, rules, platforms)
        product = self._catalogue.product_for(canonical)
        path = self._catalogue.name_of(canonical).partition("/")[2]
        named = Named(path, None if product is None else product.name)
        return Standing(
            reference=reference,
            uses=uses,
            updates=self._updates(image),
            resolution=resolution,
            rules=rules,
            platforms=platforms,
            notes=tuple(notes_of(resolution, seen, rules, platforms, named)),
        )

    def _updates(self, image: _Image) -> Updates | Unknown:
        """Choose; unknown only where neither the tag nor the list could be asked."""
        resolution = image.resolution
        if not isinstance(resolution.tags, TagList) and not isinstance(resolution.pointer, Pointer):
            asked = (resolution.pointer, resolution.tags)
            return next((one for one in asked if isinstance(one, Unknown)), _NOT_LOOKED_UP)
        name = image.reference.name
        insides = self._insides.get(name, {})
        listed = resolution.tags.tags if isinstance(resolution.tags, TagList) else ()
        updates = choose_updates(
            image.canonical.name,
            current_facts(resolution, image.sights),
            image.seen.facts,
            self._now,
            rules=replace(image.rules, platforms=_needed(image)),
            complete=image.seen.complete,
            catalogue=self._catalogue,
            unread=unread_tags(self._of_name.get(name, ()), listed, insides),
        )
        updates = with_unread(updates, resolution.current, insides)
        updates = _by_used_name(_with_vanished(updates, image), image)
        updates = without_unread(updates, image.reference, self._resolutions, insides)
        return _with_pin(_without_irrelevant(updates, image), image)


def _needed(image: _Image) -> frozenset[str]:
    """The platforms that a newer image must have: those that are built and that this one has."""
    present = platforms_of(image.resolution.current) or _listed_platforms(image)
    if present is None:
        return frozenset()
    return frozenset(one for one in image.platforms if find_platform(one, present) is not None)


def _listed_platforms(image: _Image) -> tuple[str, ...] | None:
    """The platforms that the list tells of the tag in use; None: it does not."""
    tag = tag_in_use(image.reference)
    if tag not in image.seen.listed:
        return None
    return next((one.platforms for one in image.seen.facts if one.tag == tag), None)


def _by_used_name(updates: Updates, image: _Image) -> Updates:
    """Name other repositories by the mirror that is used: only the parts that differ change."""
    used, known = image.reference.name, image.canonical.name
    if used == known:
        return updates
    moves = tuple(
        replace(one, repository=_on_mirror(used, known, one.repository)) if one.repository else one
        for one in updates.moves
    )
    return replace(updates, repository=used, moves=moves)


def _on_mirror(used: str, known: str, new: str) -> str:
    """The new name of a repository by the mirror whose name for the known one is in use."""
    old, parts = known.split("/"), new.split("/")
    pairs = zip_longest(old, parts)
    first = next((at for at, (one, other) in enumerate(pairs) if one != other), 0)
    tail = "/".join(old[first:])
    if not tail or not used.endswith(f"/{tail}"):
        return new
    return used.removesuffix(tail) + "/".join(parts[first:])


def _with_vanished(updates: Updates, image: _Image) -> Updates:
    """Say that the list lacks the tag, which choosing cannot tell where the tag can be pulled."""
    tag = tag_in_use(image.reference)
    if not image.seen.complete or not tag or tag in image.seen.listed:
        return updates
    reason = f"{tag} is missing from the complete list of tags"
    flags = MappingProxyType({**updates.flags, Flag.VANISHED.value: reason})
    return replace(updates, flags=flags)


def _without_irrelevant(updates: Updates, image: _Image) -> Updates:
    """Take back a new digest that changes nothing that is built here."""
    if image.rules.digest_change == "any" or image.resolution.newest is None:
        return updates
    moved = what_moved(image.resolution.current, image.resolution.newest, image.platforms)
    choice = updates.digest
    if moved.counts or not (choice or choice.waiting):
        return updates
    reason = f"the new digest of {updates.current.tag} brings {moved}"
    none = Choice(kind="digest", axis="build", value=Truth.NO, reason=reason)
    return replace(updates, digest=none)


def _with_pin(updates: Updates, image: _Image) -> Updates:
    """Where a digest is wanted and there is none, the one that the tag stands for now.

    That changes nothing of what is pulled, so that it needs no age.
    """
    if image.rules.pinning != "tag@digest" or "digest" not in image.rules.kinds:
        return updates
    choice = pin(updates, image.resolution)
    return updates if choice is None else replace(updates, digest=choice)


def pin(updates: Updates, resolution: Resolution) -> Choice | None:
    """The digest that an unpinned tag stands for; None: it has one, or that is not known."""
    pointer = resolution.pointer
    if resolution.reference.digest is not None or not isinstance(pointer, Pointer):
        return None
    return Choice(
        kind="digest",
        axis="build",
        value=Truth.YES,
        reason=f"pins what {updates.current.tag} stands for now",
        remark="",
        tag=updates.current.tag,
        digest=pointer.digest,
    )
