"""What two builds prove: that each stands on its base, and what the other base changed. Pure.

A layer is known by its DiffID, the digest of its unpacked content. An image that was built on a
base starts with the base's layers; one that does not was squashed, or stands on another base.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from basekeeper.compare import compare_scans
from basekeeper.records import dataclass
from basekeeper.values.building import Built, Failure, NotBuilt
from basekeeper.values.image import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from basekeeper.compare import Comparison
    from basekeeper.values.building import BuildOutcome
    from basekeeper.values.vulnerability import Scan


@dataclass(frozen=True, slots=True)
class BaseProof:
    """That an image stands on a base."""

    base: tuple[str, ...]
    """DiffIDs of the base, lowest first: the image's first ones."""
    own: tuple[str, ...]
    """The others of the image."""


def prove_base(diff_ids: Sequence[str], base: Sequence[str]) -> BaseProof | Unknown:
    """Prove that an image stands on a base.

    Args:
        diff_ids: DiffIDs of the image, lowest first.
        base: Those of the base.

    Returns:
        The proof; Unknown where the layers prove nothing, or prove the contrary.
    """
    if not base:
        return Unknown("the base has no layers, so that every image starts with them")
    if not diff_ids:
        return Unknown("the layers of the image are not known")
    whole, first = tuple(diff_ids), tuple(base)
    if whole[: len(first)] != first:
        return Unknown(
            "the image does not start with the layers of the base",
            "build it without squashing, and on this very base",
        )
    return BaseProof(first, whole[len(first) :])


class Result(StrEnum):
    """What two builds of one tree, on the old and on the new base, tell of the new one."""

    BOTH = "both build"
    BROKEN = "the new base breaks the build"
    REPAIRED = "only the new base builds"
    UNKNOWN = "unknown"
    """Neither builds, or one could not be tried: nothing is told of the new base."""


@dataclass(frozen=True, slots=True)
class Told:
    """What two builds tell, and why."""

    result: Result
    reason: str


def judge_builds(before: BuildOutcome, after: BuildOutcome) -> Told:
    """Tell whether the new base breaks a build.

    A build that fails tells of the new base only where the old one builds here, by the same
    builder in the same way: else it may want a network, a secret, or another builder.
    """
    if isinstance(before, Built) and isinstance(after, Built):
        if before.builder != after.builder or before.isolation != after.isolation:
            return Told(Result.UNKNOWN, "the two were built in different ways")
        return Told(Result.BOTH, "")
    if isinstance(after, Built):
        failed = isinstance(before, NotBuilt) and before.failure is Failure.BUILD
        return Told(Result.REPAIRED if failed else Result.UNKNOWN, _why("old", before))
    if isinstance(before, Built) and after.failure is Failure.BUILD:
        return Told(Result.BROKEN, _why("new", after))
    if isinstance(before, Built):
        return Told(Result.UNKNOWN, _why("new", after))
    return Told(Result.UNKNOWN, f"{_why('old', before)}; {_why('new', after)}")


def _why(which: str, outcome: BuildOutcome) -> str:
    assert isinstance(outcome, NotBuilt)  # noqa: S101  # the callers' other cases are told before
    return f"on the {which} base, {outcome.failure}: {outcome.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildDelta:
    """What a build on another base changed in the built image."""

    before: BaseProof | Unknown
    after: BaseProof | Unknown
    comparison: Comparison
    """Of findings and packages, and of how the images are run."""
    problems: tuple[Unknown, ...]
    """Why it proves nothing."""

    @property
    def proven(self) -> bool:
        """Tell whether both images stand on their bases, and the comparison can be relied on."""
        return not self.problems


def build_delta(
    before: tuple[Built, Scan], after: tuple[Built, Scan], bases: tuple[str, str]
) -> BuildDelta:
    """Compare an image built on its old base with one built on the new one.

    Args:
        before: Built on the old base, and what a scanner found in it.
        after: The same of the new base.
        bases: Canonical references of the old and the new base of the final stage.
    """
    proofs = [
        _proof_of(built, base) for (built, _), base in zip((before, after), bases, strict=True)
    ]
    compared = compare_scans(before[1], after[1], configs=(before[0].config, after[0].config))
    problems = [proof for proof in proofs if isinstance(proof, Unknown)]
    problems += [*_other_image("before", *before), *_other_image("after", *after)]
    return BuildDelta(
        before=proofs[0],
        after=proofs[1],
        comparison=compared,
        problems=(*problems, *compared.problems),
    )


def _proof_of(built: Built, base: str) -> BaseProof | Unknown:
    layers = built.bases.get(base)
    if layers is None:
        return Unknown(f"{base} was not used in this build")
    return prove_base(built.config.diff_ids, layers)


def _other_image(which: str, built: Built, scan: Scan) -> Iterator[Unknown]:
    """Tell where a scan is of something else than what was built."""
    if scan.diff_ids and scan.diff_ids != built.config.diff_ids:
        yield Unknown(f"{which}: the scan is of another image than the one that was built")
