"""One way of building a Dockerfile: a target, a platform and build arguments applied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from basekeeper.dockerfile.copies import Copy, paths
from basekeeper.dockerfile.instruction import Instruction
from basekeeper.dockerfile.refusal import Refusal, build_refusal
from basekeeper.dockerfile.scan import COPY, FROM

if TYPE_CHECKING:
    from collections.abc import Callable

    from basekeeper.dockerfile.resolution import Resolution
    from basekeeper.dockerfile.uses import ImageUse, Stage

_UNKNOWN = Refusal("", 0)
"""Stands for a refusal that was not looked for yet."""


class Build:
    """The stages and images of one build of a Dockerfile."""

    __slots__ = ("_document_refusal", "_refusal", "_resolution", "images", "stages")

    def __init__(
        self, resolution: Resolution, document_refusal: Callable[[], Refusal | None]
    ) -> None:
        """Show a finished resolution."""
        self._resolution = resolution
        self._document_refusal = document_refusal
        self._refusal: Refusal | None = _UNKNOWN
        self.stages: tuple[Stage, ...] = tuple(resolution.stages)
        """All stages in the order of the file, needed or not."""
        self.images: tuple[ImageUse, ...] = resolution.images
        """Every place that names an image, in the order of the file, the frontend first."""

    @property
    def final_stage(self) -> Stage | None:
        """The stage that is built: the target, else the last; None where there is none."""
        final = self._resolution.final
        return None if final is None else self.stages[final]

    @property
    def final_chain(self) -> tuple[int, ...]:
        """The final stage and the stages that it is FROM, back to the first; by index."""
        return self._resolution.chain

    @property
    def reachable(self) -> frozenset[int]:
        """Indices of the stages that building the final stage needs, itself included."""
        return self._resolution.reachable

    @property
    def unresolved(self) -> tuple[ImageUse, ...]:
        """The uses whose image could not be told; each has its `problem`."""
        return tuple(use for use in self.images if use.problem is not None)

    @property
    def unset_vars(self) -> tuple[str, ...]:
        """Variables that FROM lines and global ARG defaults use though they have no value."""
        scope = self._resolution.scope
        return () if scope is None else tuple(scope.unset)

    @property
    def rejected(self) -> str | None:
        """Why the builder would refuse the file or the target, with the line; else None."""
        refusal = self._refused()
        return None if refusal is None else str(refusal)

    @property
    def rejected_line(self) -> int | None:
        """The line for which the builder would refuse the file; None where it would not."""
        refusal = self._refused()
        return None if refusal is None else refusal.line

    def _refused(self) -> Refusal | None:
        if self._refusal is _UNKNOWN:
            self._refusal = self._document_refusal() or build_refusal(self._resolution)
        return self._refusal

    def instructions_of(self, stage: int) -> tuple[Instruction, ...]:
        """Return the instructions of a stage, without its FROM.

        Raises:
            IndexError: When there is no such stage.
        """
        found = self._resolution
        first = found.lines[stage].instruction + 1
        after = stage + 1
        end = (
            found.lines[after].instruction if after < len(found.lines) else len(found.layout.codes)
        )
        return tuple(Instruction(found.layout, index) for index in range(first, end))

    def from_of(self, stage: int) -> Instruction:
        """Return the FROM instruction of a stage.

        Raises:
            IndexError: When there is no such stage.
        """
        found = self._resolution
        assert found.layout.codes[found.lines[stage].instruction] == FROM  # noqa: S101 (as scanned)
        return Instruction(found.layout, found.lines[stage].instruction)

    def copies_of(self, stage: int) -> tuple[Copy, ...]:
        """Return what the COPY instructions of a stage copy; triggers are left out.

        Raises:
            IndexError: When there is no such stage.
        """
        sources = {
            source.instruction.index: source
            for source in self._resolution.sources
            if source.stage == stage and not source.onbuild
        }
        copies = []
        codes = self._resolution.layout.codes
        for instruction in self.instructions_of(stage):
            if codes[instruction.index] != COPY:
                continue
            files, destination = paths(instruction)
            source = sources.get(instruction.index)
            if source is None:
                copies.append(Copy(instruction, files, destination, None))
            else:
                copies.append(
                    Copy(instruction, files, destination, source.text, source.source, source.image)
                )
        return tuple(copies)
