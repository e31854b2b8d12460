"""What published images were built on: first of what is known, then of what they claim.

What the tree names and what the ledger knows mostly proves it, and costs nothing. Only where it
does not are provenance and annotations followed, which costs requests; of each published image for
at most `MAX_CLAIMS` images.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.deadlines.identity import read_scope
from basekeeper.errors import Error, InvalidReference
from basekeeper.identify import FRONTENDS, identify
from basekeeper.recording.observation import BaseLayers
from basekeeper.recording.words import chain_name
from basekeeper.resolve import resolve
from basekeeper.values.bases import Built, Candidate, Clue, Identified, Method
from basekeeper.values.event import EventKind
from basekeeper.values.image import ImageConfig, Pointer, Unknown
from basekeeper.values.platforms import find_platform
from basekeeper.values.reference import parse_reference
from basekeeper.values.resolution import Question

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from basekeeper.ports import Ledger, Registry
    from basekeeper.shipped import Shipped
    from basekeeper.values.event import Event
    from basekeeper.values.reference import Reference
    from basekeeper.values.resolution import Inside, Resolution, Resolutions

BASE_NAME: Final = "org.opencontainers.image.base.name"
BASE_DIGEST: Final = "org.opencontainers.image.base.digest"
"""Annotations of the OCI image specification: the reference of the base, and its digest, of which
it does not say whether it is that of the index or of the manifest."""

EARLIER_BASES: Final = 8
"""How many bases that a product stood on before are compared with its published image: one that
was built longer ago is told apart no more."""
MAX_CLAIMS: Final = 12
"""Images that a published image claims to be built of, and that registries are asked about."""
MAX_DEPTH: Final = 4
"""Bases of bases that are looked for."""

_SCRATCH: Final = "scratch"


class KnownBase(NamedTuple):
    """What a product stands on, or stood on, for one platform."""

    platform: str
    clue: Clue

    @property
    def layers(self) -> BaseLayers | None:
        """What recording needs of it; None where its layers are not known."""
        if not self.clue.diff_ids or not self.clue.digests:
            return None
        return BaseLayers(
            reference=self.clue.reference,
            digest=self.clue.digests[0],
            platform=self.platform,
            diff_ids=self.clue.diff_ids,
        )


class PublishedAs(NamedTuple):
    """What a product is published as, for one platform, and what is known beside."""

    product: str
    reference: Reference
    inside: Inside
    platform: str
    known: Sequence[KnownBase]
    """Of that product, for whatever platform; the present ones first."""


class Found(NamedTuple):
    """What it was built on."""

    base: Identified | Unknown
    layers: tuple[BaseLayers, ...]
    """Everything whose layers are known, what it was proven to be built on first."""


def present_bases(ships: Shipped, told: Resolutions) -> dict[str, list[KnownBase]]:
    """Return what each product stands on now."""
    found: dict[str, list[KnownBase]] = {}
    for one in ships.stands_on:
        reference = one.use.reference
        resolution = None if reference is None else told.by_image.get(str(reference))
        if reference is not None and resolution is not None:
            known = (
                KnownBase(platform, _clue(Method.DOCKERFILE, reference, resolution, platform))
                for platform in one.platforms
            )
            found.setdefault(one.product, []).extend(known)
    return found


def _clue(
    method: Method, reference: Reference, resolution: Resolution | None, platform: str
) -> Clue:
    """Write down what is known of an image that a source names."""
    inside = None if resolution is None else resolution.current
    if inside is None:
        pointer = None if resolution is None else resolution.pointer
        digest = reference.digest or (pointer.digest if isinstance(pointer, Pointer) else None)
        return Clue(
            method=method,
            reference=reference,
            digests=(digest,) if digest else (),
            problem=pointer.reason if isinstance(pointer, Unknown) else None,
        )
    config = _config(inside, platform)
    if not isinstance(config, ImageConfig):
        problem = None if config is None else config.reason
        return Clue(method=method, reference=reference, digests=(inside.digest,), problem=problem)
    return Clue(
        method=method,
        reference=reference,
        digests=tuple(dict.fromkeys((inside.digest, config.manifest))),
        diff_ids=config.diff_ids or None,
        history=config.history,
    )


def _config(inside: Inside, platform: str) -> ImageConfig | Unknown | None:
    """Return what is inside an image for a platform; None: it has nothing for it."""
    if isinstance(inside.image, Unknown):
        return inside.image
    present = find_platform(platform, inside.configs)
    return None if present is None else inside.configs[present]


class _Stood(NamedTuple):
    """What a product stood on once."""

    product: str
    reference: Reference
    digest: str
    platform: str


def earlier_bases(
    ledger: Ledger, repository: str | None, registry: Registry
) -> dict[str, list[KnownBase]]:
    """Return what each product, by its name in the ledger, stood on before, the last one first.

    What a digest names does not change, so that the cache mostly answers.
    """
    if repository is None:
        return {}
    events = ledger.events(chains=[chain_name(repository)], kinds=[EventKind.BASED_ON])
    by_product: dict[tuple[str, str], dict[str, _Stood]] = {}
    for one in filter(None, map(_stood, events)):
        own = by_product.setdefault((one.product, one.platform), {})
        own.pop(one.digest, None)  # stood on again: the last time counts
        own[one.digest] = one
    last = [one for own in by_product.values() for one in [*reversed(own.values())][:EARLIER_BASES]]
    told = _resolved([(one.reference, one.platform) for one in last], registry)
    found: dict[str, list[KnownBase]] = {}
    for one in last:
        resolution = told.by_image[str(one.reference)]
        clue = _clue(Method.DOCKERFILE, one.reference, resolution, one.platform)
        if clue.diff_ids is not None:
            known = KnownBase(one.platform, replace(clue, is_past=True))
            found.setdefault(one.product, []).append(known)
    return found


def _stood(event: Event) -> _Stood | None:
    """Read what a product stood on; None where the event says too little."""
    said = event.evidence
    try:
        scope = read_scope(event.subject.partition("#")[2])
        reference = parse_reference(said.get("reference", "")).with_digest(said.get("digest"))
    except (InvalidReference, ValueError):
        return None
    if scope.product is None or scope.platform is None or reference.digest is None:
        return None
    return _Stood(scope.product, reference, reference.digest, scope.platform)


def _resolved(wanted: Iterable[tuple[Reference, str]], registry: Registry) -> Resolutions:
    """Ask what is inside images, each once for all its platforms."""
    platforms: dict[str, dict[str, None]] = {}
    references: dict[str, Reference] = {}
    for reference, platform in wanted:
        references[str(reference)] = reference
        platforms.setdefault(str(reference), {})[platform] = None
    asked = [
        Question(
            reference=reference,
            platforms=tuple(platforms[text]),
            pointer=reference.digest is None,
            inside=True,
        )
        for text, reference in references.items()
    ]
    return resolve(asked, registry)


def identify_published(
    images: Sequence[PublishedAs], registry: Registry
) -> dict[tuple[str, str], Found]:
    """Tell what images were built on, by product and platform.

    Args:
        images: What to tell it of.
        registry: Asked about what images claim, and about the bases of bases.
    """
    told = [_Case(one, registry) for one in images]
    open_ = [one for one in told if not one.is_proven]
    claims = {id(one): one.claims() for one in open_}
    wanted = [(claim.reference, one.platform) for one in open_ for claim in claims[id(one)]]
    answers = _resolved(wanted, registry) if wanted else None
    for one in open_:
        one.compare(claims[id(one)], answers)
    return {(one.image.product, one.platform): one.finish() for one in told}


class _Case:
    """One published image, on the way to its base."""

    def __init__(self, image: PublishedAs, registry: Registry) -> None:
        """Compare it with what is known."""
        self.image, self.platform = image, image.platform
        self._registry = registry
        self._known = [one for one in image.known if one.platform == image.platform]
        self._built: Built | None = None
        self._problem: Unknown | None = None
        self._said: tuple[Clue, ...] = ()
        self.found: Identified | Unknown = Unknown(f"it has no image for {image.platform}")
        config = _config(image.inside, image.platform)
        if isinstance(config, Unknown):
            self.found = config
        elif config is not None:
            digests = (image.inside.digest, config.manifest)
            self._built = Built(diff_ids=config.diff_ids, history=config.history, digests=digests)
            said = _said(self._registry, image.reference, image.inside.digest, config)
            self._said = () if said is None else (said,)
            self._identify(self._said)

    @property
    def is_proven(self) -> bool:
        """Tell whether nothing more has to be asked."""
        return isinstance(self.found, Identified) and self.found.proven

    def _identify(self, more: Iterable[Clue]) -> None:
        if self._built is not None:
            self.found = identify(self._built, (*(one.clue for one in self._known), *more))

    def claims(self) -> tuple[Clue, ...]:
        """Return what the image claims, its layers not known yet."""
        if self._built is None:
            return ()
        listed = islice(self._listed(), MAX_CLAIMS - len(self._said))
        return (*map(_asked, self._said), *listed)

    def _listed(self) -> Iterator[Clue]:
        """Yield the images that provenance lists for the platform."""
        reference = self.image.reference.with_digest(self.image.inside.digest)
        try:
            materials = self._registry.provenance(reference, self.platform)
        except Error as error:
            self._problem = Unknown(error.message, error.hint)
            return
        for one in materials:
            is_other = one.platform is not None and not find_platform(self.platform, [one.platform])
            if not is_other and one.reference.name not in FRONTENDS:
                yield Clue(method=Method.PROVENANCE, reference=one.reference)

    def compare(self, claims: Iterable[Clue], told: Resolutions | None) -> None:
        """Compare it with what it claims."""
        compared = []
        for claim in claims:
            known = None if told is None else told.by_image.get(str(claim.reference))
            inside = None if known is None else known.current
            if inside is not None and _config(inside, self.platform) is None:
                continue  # nobody builds on what there is not
            clue = _clue(claim.method, claim.reference, known, self.platform)
            compared.append(replace(clue, is_inherited=claim.is_inherited))
        self._identify(compared)
        if self._problem is not None and isinstance(self.found, Unknown):
            reason = f"{self.found.reason}; its provenance could not be read"
            self.found = Unknown(f"{reason}: {self._problem.reason}", self._problem.hint)

    def finish(self) -> Found:
        """Return the base, what it stands on, and everything whose layers are known."""
        layers = list(filter(None, (one.layers for one in self._known)))
        found = self.found
        if self._built is None or not isinstance(found, Identified) or not found.proven:
            return Found(found, tuple(layers))
        below = tuple(islice(_below(self._registry, found.base, self.platform), MAX_DEPTH))
        proven = [self._layers(one, self._built) for one in found.candidates]
        first = [one for one in proven if one is not None]
        digests = {one.digest for one in first}
        rest = [one for one in layers if one.digest not in digests]
        return Found(replace(found, below=below), (*first, *rest))

    def _layers(self, candidate: Candidate, built: Built) -> BaseLayers | None:
        if candidate.digest is None or candidate.layers is None:
            return None
        return BaseLayers(
            reference=self._called(candidate.reference),
            digest=candidate.digest,
            platform=self.platform,
            diff_ids=built.diff_ids[: candidate.layers],
        )

    def _called(self, reference: Reference) -> Reference:
        """Name a base as the Dockerfile does, which may have it from a mirror."""
        known = [one.clue.reference.with_digest(None) for one in self._known]
        last = reference.path_parts[-1], reference.tag
        alike = [one for one in known if (one.path_parts[-1], one.tag) == last]
        return reference if reference in known or not alike else alike[0]


def _asked(clue: Clue) -> Clue:
    """Return a clue whose reference names the digest, so that it is what is asked about."""
    digest = clue.digests[0] if clue.digests else None
    return replace(clue, reference=clue.reference.with_digest(digest))


def _said(
    registry: Registry, reference: Reference, digest: str, config: ImageConfig
) -> Clue | None:
    """Read what an image says of its base: by annotations, else by a label."""
    own: dict[str, str] = {}
    try:
        for one in dict.fromkeys((digest, config.manifest)):
            own.update(registry.image(reference.with_digest(one)).annotations)
    except Error:  # its labels are there
        own = {}
    is_label = BASE_NAME not in own
    said: Mapping[str, str] = config.labels if is_label else own
    name = said.get(BASE_NAME)
    if name is None or name == _SCRATCH:
        return None
    try:
        named = parse_reference(name)
        found = named.with_digest(said.get(BASE_DIGEST) or named.digest)
    except InvalidReference:
        return None
    return Clue(
        method=Method.ANNOTATION,
        reference=found,
        digests=(found.digest,) if found.digest is not None else (),
        is_inherited=is_label,
    )


def _below(registry: Registry, base: Candidate, platform: str) -> Iterator[Candidate]:
    """Yield what a base says that it stands on, and that on, as long as layers prove it."""
    if base.digest is None:
        return
    reference: Reference | None = base.reference.with_digest(base.digest)
    try:
        config = registry.config(base.reference.with_digest(base.digest), platform)
        while reference is not None and reference.digest is not None:
            said = _said(registry, reference, reference.digest, config)
            reference = None if said is None else said.reference
            if reference is None or reference.digest is None:
                return
            lower = registry.config(reference, platform)
            count = len(lower.diff_ids)
            if not 0 < count < len(config.diff_ids) or lower.diff_ids != config.diff_ids[:count]:
                return
            yield Candidate(
                reference=reference.with_digest(None),
                digest=reference.digest,
                layers=count,
                named_by=(Method.ANNOTATION,),
            )
            config = lower
    except Error:  # what lies below is shown where it can be had
        return
