"""What discovery finds: files that name images, and each place where one is named."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from basekeeper.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from basekeeper.dockerfile.model import Build, Dockerfile
    from basekeeper.values.reference import Reference


class Span(NamedTuple):
    """A half-open range of bytes in a file."""

    start: int
    end: int


class Via(StrEnum):
    """The door through which an image enters a build."""

    FROM = "FROM"
    COPY_FROM = "COPY --from"
    RUN_MOUNT = "RUN --mount"
    SYNTAX = "syntax"
    CONTEXT = "build context"
    """A named context of Compose or bake that replaces a stage or image by another image."""
    DEVCONTAINER = "devcontainer image"


class Role(StrEnum):
    """What an image is to the product; where several builds differ, the first of these holds."""

    FINAL = "final"
    """The image at the start of the final chain: what is shipped stands on it."""
    BUILD = "build"
    """Needed to build, not part of the final chain (copied from, mounted, another stage)."""
    FRONTEND = "frontend"
    """Runs as the builder itself (`# syntax=`)."""
    UNUSED = "unused"
    """Named in the file, but no known build needs it."""


class Kind(StrEnum):
    """How much is known about the name of an image."""

    CONCRETE = "concrete"
    """A valid reference, every variable resolved; `Use.reference` is set."""
    SCRATCH = "scratch"
    """The empty base."""
    OPAQUE = "opaque"
    """Not resolvable from files and arguments; `Use.problem` says why."""
    INVALID = "invalid"
    """Resolved, but no valid reference; `Use.problem` says why."""


@dataclass(frozen=True, slots=True)
class Supplier:
    """The ARG default (or argument in a Compose or bake file) that supplied a reference."""

    name: str
    path: str
    line: int
    span: Span | None
    """Bytes of the supplying value, without quotes; None where it came from the command line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One place where a file names an image."""

    path: str
    """File that names it; POSIX form, relative to the root of the survey."""
    line: int
    """First line of the instruction, from 1."""
    end_line: int
    column: int
    """Column of the reference in its own line, in characters, from 1."""
    span: Span | None
    """Bytes of the reference as written, quotes and all; None where it has no place of its own."""
    via: Via
    raw: str
    """As written, variables included."""
    text: str
    """As the builder sees it: variables expanded; equals `raw` where that failed."""
    kind: Kind
    reference: Reference | None
    problem: str | None
    role: Role
    stage: str | None = None
    """Name of the stage that the instruction opens or stands in, else its number as text."""
    platform: str | None = None
    """The constant of `--platform`, expanded, if any."""
    supplied_by: tuple[Supplier, ...] = ()
    onbuild: bool = False
    builds: tuple[str, ...] = ()
    """Names of the builds that reach it (`BuildPlan.name`), sorted."""
    production: bool = True
    """False below a non-production path (tests, examples, development containers)."""


@dataclass(frozen=True, slots=True)
class BuildPlan:
    """One way in which a Dockerfile is built, as far as files tell."""

    name: str
    """`default`, or for example `compose.yaml: web` or `docker-bake.hcl: app`."""
    args: Mapping[str, str]
    target: str | None
    platform: str
    build: Build
    shipped: bool = True
    """False for a build that is made to develop, test or compile, and for one that a file below a
    non-production path describes: its images are build images, and no final chain."""
    platforms: tuple[str, ...] = ()
    """Every platform that it is made for, where the file asks for none of them and `platform`
    stands for all; empty: `platform` alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A file that was read, with every build of it that is known."""

    path: str
    """POSIX form, relative to the root; an inline Dockerfile is `compose.yaml#services.web`."""
    kind: str
    """`dockerfile`, `compose`, `bake` or `devcontainer`."""
    production: bool
    template: str | None = None
    """Why this is a template (its findings are notes at most), or None."""
    document: Dockerfile | None = None
    """Only for `dockerfile`, and for inline Dockerfiles in others."""
    plans: tuple[BuildPlan, ...] = ()
    first_line: int = 1
    """Line of the outer file at which an inline document starts; 1 otherwise."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """One item that could not be read or judged, and why; counted and shown, never dropped."""

    path: str
    line: int | None
    reason: str
    hint: str | None = None
    fatal: bool = True
    """True where the user must be told that the answer is incomplete (exit code 3);
    False for what was left out on purpose."""


@dataclass(frozen=True, slots=True)
class Survey:
    """Everything that discovery found below one root, sorted by path and line."""

    root: str
    files: tuple[SourceFile, ...]
    uses: tuple[Use, ...]
    skipped: tuple[Skipped, ...] = ()
