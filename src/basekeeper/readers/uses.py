"""From one file and its known builds to the places where it names images."""

from __future__ import annotations

import re
from dataclasses import field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

from basekeeper.errors import InvalidReference
from basekeeper.records import dataclass
from basekeeper.values.reference import parse_reference
from basekeeper.values.use import Kind, Role, Span, Supplier, Use, Via

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from basekeeper.dockerfile.model import ImageUse
    from basekeeper.readers.spec import NamedContext, Place, Text
    from basekeeper.values.reference import Reference
    from basekeeper.values.use import BuildPlan, SourceFile

TEMPLATE_MARK: Final = re.compile(r"\{\{|\}\}|\{%|<%|%%|@[A-Za-z_]+@")
"""What template languages leave in a name: Go, Jinja, ERB, and placeholders of shell scripts."""

_ROLES: Final = tuple(Role)


@dataclass(frozen=True, slots=True)
class Named:
    """What a text names."""

    kind: Kind
    reference: Reference | None = None
    problem: str | None = None


@dataclass(slots=True)
class UseTable:
    """Uses of many builds, merged: one for each place and text, with the strongest role."""

    _uses: dict[tuple[object, ...], Use] = field(default_factory=dict)
    _builds: dict[tuple[object, ...], set[str]] = field(default_factory=dict)

    def add(self, use: Use) -> None:
        """Add what one build says of one place."""
        key = (use.path, use.line, use.column, use.span, use.via, use.raw, use.text, use.onbuild)
        known = self._uses.get(key)
        if known is None or _ROLES.index(use.role) < _ROLES.index(known.role):
            self._uses[key] = use
        self._builds.setdefault(key, set()).update(use.builds)

    def uses(self) -> list[Use]:
        """Return the merged uses, in no order.

        Where some build needs a place, what it would name in builds that do not is left out.
        """
        needed = {_place(use) for use in self._uses.values() if use.role is not Role.UNUSED}
        return [
            _with_builds(use, self._builds[key])
            for key, use in self._uses.items()
            if use.role is not Role.UNUSED or _place(use) not in needed
        ]


def _with_builds(use: Use, builds: set[str]) -> Use:
    return use if len(builds) == len(use.builds) else replace(use, builds=tuple(sorted(builds)))


def _place(use: Use) -> tuple[object, ...]:
    return (use.path, use.line, use.column, use.span, use.via, use.raw)


def named(text: str, *, problem: str | None = None, scratch: bool = False) -> Named:
    """Say what a text names, and why not where it names nothing."""
    if problem is not None:
        return Named(Kind.OPAQUE, problem=problem)
    if scratch:
        return Named(Kind.SCRATCH)
    try:
        return Named(Kind.CONCRETE, parse_reference(text))
    except InvalidReference as error:
        if TEMPLATE_MARK.search(text):
            return Named(Kind.OPAQUE, problem="a template fills in the name")
        return Named(Kind.INVALID, problem=error.reason)


class Reader:
    """Makes uses of the images of one file."""

    def __init__(self, file: SourceFile, data: bytes) -> None:
        """Read a file; `data` is the document, for an inline one the file around it."""
        self.file = file
        self.data = data

    @cached_property
    def _lines(self) -> list[int]:
        """Where each line of the data begins, and the end."""
        starts = [match.end() for match in re.finditer(b"\n", self.data)]
        return [0, *starts, len(self.data)]

    def read(self, plan: BuildPlan, args: Mapping[str, Text]) -> Iterable[Use]:
        """Yield the uses of one build.

        Args:
            plan: The build.
            args: Its arguments with the places that give them.
        """
        for image in plan.build.images:
            if image.is_stage or image.replaced_by is not None:
                continue
            yield self._use(plan, image, role_of(plan, image), args)

    def _use(self, plan: BuildPlan, image: ImageUse, role: Role, args: Mapping[str, Text]) -> Use:
        what = named(image.reference_text, problem=image.problem, scratch=image.scratch)
        stage = plan.build.stages[image.stage] if image.stage is not None else None
        span, column = self._where(image)
        return Use(
            path=self.file.path,
            line=image.line + self.file.first_line - 1,
            end_line=image.end_line + self.file.first_line - 1,
            column=column,
            span=span,
            via=image.via,
            raw=image.raw,
            text=image.reference_text,
            kind=what.kind,
            reference=what.reference,
            problem=what.problem,
            role=role,
            stage=(stage.name or str(stage.index)) if stage is not None else None,
            platform=stage.platform if stage is not None and image.via is Via.FROM else None,
            supplied_by=self._suppliers(image, args),
            onbuild=image.onbuild,
            builds=(plan.name,) if role is not Role.UNUSED else (),
            production=self.file.production,
        )

    def _suppliers(self, image: ImageUse, args: Mapping[str, Text]) -> tuple[Supplier, ...]:
        """Say which ARG defaults and which arguments supplied a reference."""
        inline = self.file.kind != "dockerfile"
        first = self.file.first_line - 1
        found = [
            Supplier(each.name, self.file.path, each.line + first, None if inline else each.span)
            for each in image.supplied_by
        ]
        for name in image.arguments:
            text = args.get(name)
            if text is None:  # given by the user for every build
                found.append(Supplier(name, self.file.path, image.line + first, None))
            else:
                found.append(Supplier(name, text.place.path, text.place.line, text.place.span))
        return tuple(found)

    def _where(self, image: ImageUse) -> tuple[Span | None, int]:
        """Return span and column in the file that a user can open."""
        if self.file.kind == "dockerfile":
            start = self.data.rfind(b"\n", 0, image.span.start) + 1
            return image.span, len(
                self.data[start : image.span.start].decode("utf-8", "replace")
            ) + 1
        return self._outer(image)

    def _outer(self, image: ImageUse) -> tuple[Span | None, int]:
        """Find the text of an inline document in the outer file: on its line, and only once."""
        number = image.line + self.file.first_line - 2
        raw = image.raw.encode("utf-8", "replace")
        if not raw or number + 1 >= len(self._lines):
            return None, 1
        start = self._lines[number]
        line = self.data[start : self._lines[number + 1]]
        if line.count(raw) != 1:
            return None, 1
        at = line.index(raw)
        column = len(line[:at].decode("utf-8", "replace")) + 1
        return Span(start + at, start + at + len(raw)), column


def role_of(plan: BuildPlan, image: ImageUse) -> Role:
    """Say what an image is to one build."""
    build = plan.build
    if image.via is Via.SYNTAX:
        return Role.FRONTEND
    if image.stage is None or image.stage not in build.reachable:
        return Role.UNUSED
    is_final = image.via is Via.FROM and image.stage == build.final_chain[-1]
    return Role.FINAL if is_final and plan.shipped else Role.BUILD


def context_role(plan: BuildPlan, value: str) -> Role:
    """Say what an image is to a build that gets it through a named context."""
    build = plan.build
    stages = {stage.index: Via.FROM for stage in build.stages if stage.replaced_by == value}
    stages |= {
        image.stage: image.via
        for image in build.images
        if image.replaced_by == value and image.stage is not None and image.stage not in stages
    }
    reached = {stage: via for stage, via in stages.items() if stage in build.reachable}
    if not reached:
        return Role.UNUSED
    is_final = reached.get(build.final_chain[-1]) is Via.FROM
    return Role.FINAL if is_final and plan.shipped else Role.BUILD


def context_use(context: NamedContext, plan: BuildPlan, *, production: bool) -> Use:
    """Make the use of an image that comes in as a named context."""
    text = context.image or ""
    role = context_role(plan, context.value.value)
    return _written(
        context.value.place,
        Via.CONTEXT,
        raw=context.value.raw or context.value.value,
        what=(text, named(text, problem=context.value.problem)),
        rest=Rest(role, context.name, () if role is Role.UNUSED else (plan.name,), production),
    )


@dataclass(frozen=True, slots=True)
class Rest:
    """What is known of a use besides its text."""

    role: Role
    stage: str | None
    builds: tuple[str, ...]
    production: bool


def devcontainer_use(image: Text, *, production: bool) -> Use:
    """Make the use of the image of a development container."""
    return _written(
        image.place,
        Via.DEVCONTAINER,
        raw=image.raw or image.value,
        what=(image.value, named(image.value, problem=image.problem)),
        rest=Rest(Role.FINAL, None, (image.place.path,), production),
    )


def _written(place: Place, via: Via, *, raw: str, what: tuple[str, Named], rest: Rest) -> Use:
    """Make the use of an image that stands outside any Dockerfile."""
    text, names = what
    return Use(
        path=place.path,
        line=place.line,
        end_line=place.line,
        column=place.column,
        span=place.span,
        via=via,
        raw=raw,
        text=text,
        kind=names.kind,
        reference=names.reference,
        problem=names.problem,
        role=rest.role,
        stage=rest.stage,
        builds=rest.builds,
        production=rest.production,
    )
