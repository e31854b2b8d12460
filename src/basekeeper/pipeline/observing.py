"""From a tree to what the ledger is told of it: what stands where, what is in it, what is newer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.pipeline.identifying import (
    PublishedAs,
    earlier_bases,
    identify_published,
    present_bases,
)
from basekeeper.pipeline.releases import last_releases
from basekeeper.pipeline.run import survey
from basekeeper.pipeline.scanning import Further, scan_survey
from basekeeper.pipeline.updating import Wanted, look_ahead
from basekeeper.plan import changes
from basekeeper.recording.observation import (
    LookedAt,
    Observation,
    Published,
    Stand,
)
from basekeeper.recording.observation import Part as Why
from basekeeper.recording.words import product_name
from basekeeper.shipped import shipped
from basekeeper.values.image import ImageConfig, Pointer, Unknown
from basekeeper.values.scanrun import Part
from basekeeper.values.sights import sights
from basekeeper.values.use import Role
from basekeeper.values.vulnerability import Scan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from basekeeper.config.products import Product
    from basekeeper.pipeline.identifying import Found, KnownBase
    from basekeeper.pipeline.looking import Scanning
    from basekeeper.pipeline.run import Run
    from basekeeper.ports import Ledger
    from basekeeper.shipped import Shipped, StandsOn
    from basekeeper.trees.tree import Tree
    from basekeeper.values.change import Standing
    from basekeeper.values.reference import Reference
    from basekeeper.values.resolution import Inside, Resolutions
    from basekeeper.values.scanrun import ScannedImage, ScanRun
    from basekeeper.values.use import Survey

FIRST_YEAR: Final = 2013
"""Images that say they are older than Docker were made so that their bytes can be reproduced."""


class Seen(NamedTuple):
    """What a run saw, before anything of it is recorded."""

    run: ScanRun
    observation: Observation


def observe(  # noqa: PLR0913  # four that cannot be left out, three that mostly are
    tree: Tree,
    run: Run,
    work: Scanning,
    ledger: Ledger,
    *,
    repository: str | None,
    images: Sequence[str] = (),
    progress: Callable[[int], None] | None = None,
) -> Seen:
    """Scan what builds stand on, what they could stand on, and what products are published as.

    Args:
        tree: Where to look.
        run: What all steps share.
        work: What it works with; its registries are asked, so that it must not be offline.
        ledger: Where first sights and earlier bases are read from.
        repository: Name of the source repository; None: only facts about images are told.
        images: Patterns of images to look at; empty: all that builds stand on.
        progress: Called now and then with the number of files read so far.

    Raises:
        InputError: The scanner cannot be used.
        LedgerError: The ledger cannot be read.
    """
    found = survey(tree, run, progress=progress)
    products = run.config.settings.products
    ships = shipped(found, products, run.config.settings.discover.platforms)
    built_for = run.config.settings.discover.platforms
    published, unreleased = last_releases(products, built_for, work.registry)
    ahead = _Ahead.of(found, run, work, ledger, images)
    further = [*ahead.further, *(() if images else _published_questions(published, ships, run))]
    earlier = earlier_bases(ledger, repository, work.registry)  # before the long part: may fail
    scanned, told = scan_survey(found, run, work, images=images, further=further)
    told = ahead.told.with_more(told)
    known = present_bases(ships, told), earlier
    bases = identify_published([*_unidentified(published, scanned, told, known)], work.registry)
    shown = replace(
        scanned,
        notices=(*scanned.notices, *ships.notices, *unreleased),
        further=tuple(_with_base(one, published, bases) for one in scanned.further),
    )
    is_whole = not run.only and not images and not any(one.fatal for one in found.skipped)
    return Seen(
        shown,
        Observation(
            now=run.now,
            repository=repository,
            policy=run.config.policy.digest,
            sights=tuple(sights(told, run.now)),
            looked_at=tuple(_looked_at((*scanned.images, *scanned.further), told, ahead)),
            stands=tuple(_stands(ships, told)) if not images else (),
            is_whole=is_whole,
            published=tuple(_published(published, scanned, told, bases)),
            products=frozenset(product.name for product in products),
        ),
    )


class _Ahead(NamedTuple):
    """What the images that are shipped could become."""

    further: tuple[Further, ...]
    told: Resolutions
    replaces: Mapping[str, tuple[str, ...]]
    """Candidate → digests in use whose place it could take."""

    @classmethod
    def of(
        cls, found: Survey, run: Run, work: Scanning, ledger: Ledger, images: Sequence[str]
    ) -> _Ahead:
        """Choose as `update` would, whatever the age: an urgent fix does not wait."""
        uses = tuple(use for use in found.uses if use.role is Role.FINAL and use.production)
        ahead = look_ahead(
            replace(found, uses=uses),
            run,
            work.registry,
            Wanted(images=tuple(images), any_age=True),
            ledger=ledger,
            asking=work.asking,
        )
        named: dict[Reference, list[Standing]] = {}
        for standing in ahead.stand.standings:
            newest = standing.resolution.newest
            if newest is not None:
                to = standing.reference.with_digest(newest.digest)
                named.setdefault(to, []).append(standing)
        for change in changes(ahead.stand.standings, unseen=ahead.unseen).changes:
            digest = change.to.digest or _digest(change.to, ahead.told)
            if digest is not None:
                named.setdefault(change.to.with_digest(digest), []).append(change.standing)
        further = tuple(
            Further(to, _platforms_of(standings), Part.CANDIDATE) for to, standings in named.items()
        )
        replaces = {str(to): _digests_of(standings) for to, standings in named.items()}
        return cls(further, ahead.told, replaces)


def _platforms_of(standings: Iterable[Standing]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for one in standings for name in one.platforms))


def _digests_of(standings: Iterable[Standing]) -> tuple[str, ...]:
    """Return the digests in use."""
    current = (one.resolution.current for one in standings)
    return tuple(dict.fromkeys(one.digest for one in current if one is not None))


def _digest(reference: Reference, told: Resolutions) -> str | None:
    """Tell what a tag points to now."""
    resolution = told.by_image.get(str(reference))
    pointer = None if resolution is None else resolution.pointer
    return pointer.digest if isinstance(pointer, Pointer) else None


def _published_questions(
    products: Iterable[Product], ships: Shipped, run: Run
) -> Iterator[Further]:
    """Yield the published image of each product, for the platforms that it is built for."""
    built: dict[str, dict[str, None]] = {}
    for one in ships.stands_on:
        built.setdefault(one.product, {}).update(dict.fromkeys(one.platforms))
    shipped_for = run.config.settings.discover.platforms
    for product in products:
        platforms = tuple(built.get(product.name, ())) or shipped_for
        yield Further(product.image, platforms, Part.PUBLISHED)


def _looked_at(
    images: Iterable[ScannedImage], told: Resolutions, ahead: _Ahead
) -> Iterator[LookedAt]:
    """Yield every answer about a base or a candidate, of each scanner."""
    for image in images:
        if image.part is Part.PUBLISHED:
            continue
        if image.reference is None or image.digest is None or image.platform is None:
            continue
        for scan in (image.answer, image.second):
            if isinstance(scan, Scan):
                yield LookedAt(
                    reference=image.reference,
                    digest=image.digest,
                    platform=image.platform,
                    scan=scan,
                    part=Why.CURRENT if image.part is Part.CURRENT else Why.CANDIDATE,
                    since=_since(image.reference, image.digest, told),
                    replaces=ahead.replaces.get(str(image.reference), ()),
                )


def _since(reference: Reference, digest: str, told: Resolutions) -> datetime | None:
    """Tell when the registry says that a tag was moved to a digest."""
    for one in (reference, reference.with_digest(None)):
        resolution = told.by_image.get(str(one))
        if resolution is None:
            continue
        pointer = resolution.pointer
        if isinstance(pointer, Pointer) and pointer.digest == digest and pointer.modified:
            return pointer.modified
    return None


def _stands(ships: Shipped, told: Resolutions) -> Iterator[Stand]:
    """Yield what every product and place stands on, for each of its platforms."""
    for one in ships.stands_on:
        reference = one.use.reference
        assert reference is not None  # noqa: S101  # `shipped` leaves others out
        for platform in one.platforms:
            yield Stand(
                product=one.product,
                place=_place(one),
                is_mapped=one.mapped is not None,
                use=one.use,
                reference=reference,
                digest=reference.digest or _digest(reference, told),
                platform=platform,
            )


def _place(one: StandsOn) -> str:
    if one.mapped is None:
        return one.product
    target = one.mapped.target
    return one.mapped.dockerfile if target is None else f"{one.mapped.dockerfile}:{target}"


def _unidentified(
    products: Iterable[Product],
    scanned: ScanRun,
    told: Resolutions,
    known: tuple[Mapping[str, Sequence[KnownBase]], Mapping[str, Sequence[KnownBase]]],
) -> Iterator[PublishedAs]:
    """Yield what products are published as, with their present and earlier bases."""
    present, earlier = known
    for product in products:
        resolution = told.by_image.get(str(product.image))
        inside = None if resolution is None else resolution.current
        own = (*present.get(product.name, ()), *earlier.get(product_name(product.name), ()))
        for platform in dict.fromkeys(_platforms_scanned(product, scanned)):
            if inside is not None:
                yield PublishedAs(product.name, product.image, inside, platform, own)


def _platforms_scanned(product: Product, scanned: ScanRun) -> Iterator[str]:
    for one in scanned.further:
        if _is_published_as(one, product) and one.platform is not None:
            yield one.platform


def _is_published_as(image: ScannedImage, product: Product) -> bool:
    return image.part is Part.PUBLISHED and image.reference == product.image


def _with_base(
    image: ScannedImage, products: Iterable[Product], found: Mapping[tuple[str, str], Found]
) -> ScannedImage:
    """Add what a published image was built on."""
    for product in products:
        told = found.get((product.name, image.platform or ""))
        if told is not None and _is_published_as(image, product):
            return replace(image, base=told.base)
    return image


def _published(
    products: Iterable[Product],
    scanned: ScanRun,
    told: Resolutions,
    found: Mapping[tuple[str, str], Found],
) -> Iterator[Published]:
    """Yield what each product is published as, where that could be told."""
    for product in products:
        resolution = told.by_image.get(str(product.image))
        pointer = None if resolution is None else resolution.pointer
        if resolution is None or not isinstance(pointer, Pointer):
            continue
        created = _created(resolution.current)
        own = [(platform, one) for (name, platform), one in found.items() if name == product.name]
        scans = (
            (one.platform, answer)
            for one in scanned.further
            for answer in (one.answer, one.second)
            if one.part is Part.PUBLISHED
            and one.reference == product.image
            and one.platform is not None
        )
        yield Published(
            product=product.name,
            reference=product.image,
            digest=pointer.digest,
            since=pointer.modified or created,
            created=created,
            platforms=_platforms(resolution.current),
            scans=tuple((name, scan) for name, scan in scans if isinstance(scan, Scan)),
            bases=tuple(base for _, one in own for base in one.layers),
            identified=tuple((platform, one.base) for platform, one in own),
        )


def _created(inside: Inside | None) -> datetime | None:
    """Tell when an image was made; of several platforms the last one."""
    configs = () if inside is None else inside.configs.values()
    made = [one.created for one in configs if isinstance(one, ImageConfig)]
    real = [one for one in made if one is not None and one.year >= FIRST_YEAR]
    return max(real, default=None)


def _platforms(inside: Inside | None) -> tuple[str, ...] | None:
    if inside is None or isinstance(inside.image, Unknown):
        return None
    if inside.image.is_index:
        return tuple(inside.image.platforms)
    return tuple(inside.configs) or None
