"""From a file's builds to the final chain that rules look at."""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Final

from basekeeper.records import dataclass
from basekeeper.rules.chain import CONFIDENCE, copies, leaks, sources
from basekeeper.rules.rule import Place, brief
from basekeeper.rules.steps import Variables, step_of
from basekeeper.values.use import Via

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from basekeeper.dockerfile.model import Build, Dockerfile, Stage
    from basekeeper.rules.chain import Leak
    from basekeeper.rules.rule import FileView, Subject
    from basekeeper.rules.steps import Copy, Step

MAX_SOURCES: Final = 50
"""Most stages whose tools are looked for, for one build; real builds copy from fewer than 20."""

MAX_CHAIN: Final = 100
"""Most stages of the chain of a source that are looked at; real chains have fewer than 10."""

SCRATCH: Final = "scratch"
"""The builder's word for the empty base."""


@dataclass(frozen=True)
class Chain:
    """The final chain of one build of a file."""

    view: FileView
    build: Build
    given: Mapping[str, str]
    """Build arguments and global defaults."""

    @cached_property
    def stages(self) -> tuple[Stage, ...]:
        """Its stages, the one that starts on an image first."""
        return tuple(self.build.stages[index] for index in reversed(self.build.final_chain))

    @cached_property
    def base(self) -> Subject | None:
        """The image at its start; None for the empty base, and where it is not among the uses."""
        return self._image_of(self.stages[0])

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """Its instructions in the order in which they run."""
        return tuple(self._steps_of(self.stages))

    @cached_property
    def leaks(self) -> tuple[Leak, ...]:
        """Build tools that it keeps."""
        return leaks(self.steps, self.given)

    @cached_property
    def copies(self) -> tuple[tuple[Step, Copy], ...]:
        """What is copied into it from elsewhere."""
        return copies(self.steps, self.given)

    @property
    def confidence(self) -> str:
        """How surely it keeps build tools: as the surest leak."""
        return max((leak.confidence for leak in self.leaks), key=CONFIDENCE.index, default="low")

    @property
    def has_other_stages(self) -> bool:
        """Whether the file has stages besides this chain."""
        return len(self.build.stages) > len(self.stages)

    @cached_property
    def is_multi_stage(self) -> bool:
        """Whether the final stage builds on another one or takes something from it."""
        if len(self.stages) > 1:
            return True
        return any(self._stage(name) is not None for name in sources(self.steps))

    def tools_of(self, source: str) -> str | None:
        """Name what is there to build with in the stage of a copy, or None."""
        stage = self._stage(source.lower())
        if stage is None:
            return None
        if stage.index not in self._tools and len(self._tools) < MAX_SOURCES:
            self._tools[stage.index] = self._found_tools(stage)
        return self._tools.get(stage.index)

    def _found_tools(self, stage: Stage) -> str | None:
        chain = self._chain_of(stage)
        kept = leaks(self._steps_of(chain), self.given)
        if kept:
            return kept[0].named
        image = self._image_of(self._roots[stage.index])
        return brief(image.use) if image is not None and image.is_sdk else None

    def is_untouched(self, source: str) -> bool:
        """Tell whether a copy takes from an image as it is published, of which nothing is known."""
        stage = self._stage(source.lower())
        return stage is None or not self._changed[stage.index]

    def starts_empty(self, source: str) -> bool:
        """Tell whether the stage of a copy started from nothing."""
        stage = self._stage(source.lower())
        return stage is not None and self._roots[stage.index].base == SCRATCH

    @cached_property
    def _roots(self) -> list[Stage]:
        """For each stage, the one at the start of its chain; bases come before what they carry."""
        roots: list[Stage] = []
        for stage in self.build.stages:
            roots.append(stage if stage.base_stage is None else roots[stage.base_stage])
        return roots

    @cached_property
    def _changed(self) -> list[bool]:
        """For each stage, whether its chain does anything to the image at its start."""
        changed: list[bool] = []
        for stage in self.build.stages:
            own = bool(self.build.instructions_of(stage.index))
            changed.append(own or (stage.base_stage is not None and changed[stage.base_stage]))
        return changed

    def _stage(self, name: str) -> Stage | None:
        """Find the stage that a copy or mount names: the last of a name, or a number."""
        if name.isdecimal() and name.isascii():
            number = int(name[:9])
            return self.build.stages[number] if number < len(self.build.stages) else None
        return self._names.get(name)

    @cached_property
    def _tools(self) -> dict[int, str | None]:
        """Stage → what is there to build with, as far as that was asked for."""
        return {}

    @cached_property
    def _names(self) -> dict[str, Stage]:
        return {stage.name: stage for stage in self.build.stages if stage.name}

    def _chain_of(self, stage: Stage) -> tuple[Stage, ...]:
        """Follow FROM down to the start of a stage, which comes first, but not without end."""
        chain = [stage]
        while stage.base_stage is not None and len(chain) < MAX_CHAIN:
            stage = self.build.stages[stage.base_stage]
            chain.append(stage)
        return tuple(reversed(chain))

    def _steps_of(self, stages: tuple[Stage, ...]) -> Iterator[Step]:
        first_line = self.view.file.first_line
        for stage in stages:
            for instruction in self.build.instructions_of(stage.index):
                yield step_of(instruction, stage=stage.index, first_line=first_line)

    def _image_of(self, stage: Stage) -> Subject | None:
        """Find the use of the FROM line of a stage."""
        return self._by_line.get(stage.line + self.view.file.first_line - 1)

    @cached_property
    def _by_line(self) -> dict[int, Subject]:
        return {
            subject.use.line: subject
            for subject in self.view.subjects
            if subject.use.via is Via.FROM
        }


@lru_cache(maxsize=1)  # the rules look at one file after the other
def chains(view: FileView) -> tuple[Chain, ...]:
    """Return the final chain of each build that is shipped."""
    return tuple(
        Chain(view, plan.build, _given(view.file.document, plan.args))
        for plan in view.file.plans
        if plan.shipped and plan.build.final_chain
    )


def _given(document: Dockerfile | None, args: Mapping[str, str]) -> Mapping[str, str]:
    """Return what an ARG of a stage takes: build arguments, and the ARGs above the first FROM."""
    seen = Variables(args)
    for instruction in document.instructions if document is not None else ():
        if instruction.name == "FROM":
            break
        seen.follow(step_of(instruction, stage=0))
    return {**seen.values, **args}


def place_of_step(chain: Chain, step: Step) -> Place:
    """Return the place of an instruction."""
    stage = chain.build.stages[step.stage]
    name = stage.name or str(stage.index)
    return Place(
        path=chain.view.file.path,
        line=step.line,
        end_line=step.end_line,
        subject=step.keyword,
        stage=name,
    )
