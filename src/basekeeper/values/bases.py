"""What an image was built on: which images that can be, who says so, and how sure it is."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from basekeeper.records import dataclass

if TYPE_CHECKING:
    from basekeeper.values.reference import Reference


class Method(StrEnum):
    """How a base is told, the most trusted first."""

    DOCKERFILE = "dockerfile"
    """The final stage names it; nothing else tells what was meant."""
    PROVENANCE = "provenance"
    """An attestation at the registry lists it among all images that the build used."""
    ANNOTATION = "annotation"
    """The image says so: `org.opencontainers.image.base.name` and `.base.digest`."""
    LAYERS = "layers"
    """The image begins with its layers, which proves it whoever names it."""
    HISTORY = "history"
    """The image begins with the same commands: a guess."""

    @property
    def rank(self) -> int:
        """Its place in the order of trust, 0 first."""
        return list(Method).index(self)


class Confidence(StrEnum):
    """How sure an identification is."""

    HIGH = "high"
    """Layers prove it, and which name is meant is clear."""
    MEDIUM = "medium"
    """Layers prove it, but the name is not clear; or one source names it that was not refuted."""
    LOW = "low"
    """A guess, one of several, or a name whose present layers are others."""


class Material(NamedTuple):
    """One image that a build used, as its provenance lists it: a claim of whoever pushed it."""

    reference: Reference
    """With its tag and digest, as far as they are told."""
    platform: str | None
    """For which platform it was used; None: not told."""
    statement: str
    """Type of the predicate, such as `https://slsa.dev/provenance/v1`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clue:
    """One source's word for one image that may be the base."""

    method: Method
    """Who names it; `LAYERS`: nobody, it is only known."""
    reference: Reference
    """Its digest is not looked at."""
    digests: tuple[str, ...] = ()
    """Of the index where there is one, of the manifest for the platform; either may be missing."""
    diff_ids: tuple[str, ...] | None = None
    """Digests of its unpacked layers, lowest first; None: not known."""
    problem: str | None = None
    """Why they are not known; None: nobody asked, or they are."""
    history: tuple[str, ...] = ()
    """The commands that made it, oldest first."""
    is_past: bool = False
    """Whether the Dockerfile named it once; that it does no more contradicts nothing."""
    is_inherited: bool = False
    """Whether a label says so, which images inherit: it may speak of the base's own base."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """An image whose base is to be told, for one platform."""

    diff_ids: tuple[str, ...] = ()
    """Digests of the unpacked layers, lowest first; empty: not known."""
    history: tuple[str, ...] = ()
    """The commands that made it, oldest first."""
    digests: tuple[str, ...] = ()
    """Of index and manifest: an image is not its own base."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An image that may be the base."""

    reference: Reference
    """With its tag, if any, and without a digest."""
    digest: str | None
    """Of the index where that is known, else of the manifest; None: not told which."""
    layers: int | None
    """How many layers of the image are proven to be its; None: none."""
    named_by: tuple[Method, ...] = ()
    """Who names it, the most trusted first; empty: it is only known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identified:
    """What an image was built on, as far as it can be told."""

    candidates: tuple[Candidate, ...]
    """Never empty, the most trusted first. All those that layers prove have the same layers."""
    method: Method
    """By which the first one is told."""
    confidence: Confidence
    reasons: tuple[str, ...]
    """What it rests on, in words for a person."""
    agreeing: tuple[Method, ...] = ()
    """Further methods that come to the same."""
    contradicting: tuple[Method, ...] = ()
    """Methods that come to something else."""
    below: tuple[Candidate, ...] = ()
    """What the first candidate stands on itself, and so on down; only what layers prove."""

    @property
    def base(self) -> Candidate:
        """The candidate that is trusted most."""
        return self.candidates[0]

    @property
    def proven(self) -> bool:
        """Tell whether layers prove it."""
        return self.base.layers is not None

    @property
    def ambiguous(self) -> bool:
        """Tell whether another candidate is as good as the first one."""
        if len(self.candidates) == 1:
            return False
        first, second = (one.named_by[:1] for one in self.candidates[:2])
        return first == second
