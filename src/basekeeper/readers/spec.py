"""What the readers say: how images are built, and which images a file names by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

from basekeeper.records import dataclass

if TYPE_CHECKING:
    from basekeeper.values.use import Skipped, Span

MAX_READER_BYTES: Final = 1024 * 1024
"""Largest Compose, bake, devcontainer or CI file understood: 1 MiB; real ones have a few kB."""

MAX_BUILDS: Final = 1024
"""Builds taken from one file; a matrix or an alias bomb is cut off there, and says so."""

Lookup: TypeAlias = Callable[[str], "bytes | None"]
"""Returns the content of a file by its path relative to the root; None where there is none that
can be read."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands in a file."""

    path: str
    line: int
    """First line, from 1."""
    column: int
    """In characters, from 1."""
    span: Span | None
    """Bytes of the value as written, without quotes where it has them; None where unknown."""


@dataclass(frozen=True, slots=True)
class Text:
    """A value and where it stands."""

    value: str
    place: Place
    raw: str = ""
    """As written, variables included."""
    problem: str | None = None
    """Why the value could not be resolved; then `value` is as written."""


@dataclass(frozen=True, slots=True)
class NamedContext:
    """A named context: it replaces the stage or image of that name."""

    name: str
    value: Text
    """As given, for example `docker-image://alpine:3.22`, `target:base`, `./lib`."""

    @property
    def image(self) -> str | None:
        """The image that replaces, without its scheme; None where it is no image."""
        prefix = "docker-image://"
        value = self.value.value
        return value[len(prefix) :] if value.startswith(prefix) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSpec:
    """One build that a file describes."""

    name: str
    """For example `compose.yaml: web`; unique within a file."""
    place: Place
    dockerfile: str | None
    """Relative to the root; None where it is inline."""
    inline: Text | None = None
    """The text of an inline Dockerfile."""
    inline_line: int = 1
    """Line of the outer file on which that text begins."""
    inline_key: str = ""
    """What an inline Dockerfile is called: `compose.yaml#services.web`."""
    args: Mapping[str, Text] = field(default_factory=lambda: MappingProxyType({}))
    """Build arguments whose values are known; the others are left out."""
    target: str | None = None
    platforms: tuple[str, ...] = ()
    contexts: tuple[NamedContext, ...] = ()
    dockerfile_given: bool = True
    """False where the file names only a context, so that `Dockerfile` in it is meant."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything that one file says."""

    builds: tuple[BuildSpec, ...] = ()
    images: tuple[Text, ...] = ()
    """Images that the file names as the base itself (`image` of a development container)."""
    skipped: tuple[Skipped, ...] = ()
    more: tuple[str, ...] = ()
    """Further files of the same kind that it includes, relative to the root."""
