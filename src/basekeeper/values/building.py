"""What is built of a tree by our own runner, what runs in it, and what comes of that."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

from basekeeper.records import dataclass
from basekeeper.values.image import Unknown
from basekeeper.values.settings import DEFAULT_PLATFORM

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from basekeeper.values.image import ImageConfig
    from basekeeper.values.scanning import LayoutImage

_MIB: Final = 1024**2
_GIB: Final = 1024**3


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildLimits:
    """What one build, or one run in an image, may use."""

    seconds: float = 1800.0
    memory_bytes: int = 4 * _GIB
    """Of all its processes together, as far as resident; looked at ten times a second at most."""
    disk_bytes: int = 16 * _GIB
    """Of everything that it writes, images unpacked; looked at once a second at most."""
    spare_bytes: int = 512 * _MIB
    """What must stay free on the disk beside it: others write there too."""
    output_bytes: int = 16 * _MIB
    """Of what its programs say."""
    processes: int = 2048
    """At a time, threads counted as well."""
    context_files: int = 250_000
    """Files, folders and links of the build context, those of `.git` not counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRequest:
    """One build: a tree, how it is built, and images in the place of those that its file names."""

    context: Path
    """The folder that is sent to the builder; `.git` at its top is left out."""
    dockerfile: str
    """POSIX path; of a file below the context, or one of `replaced`."""
    output: Path
    """Where the layout of the built image is put; must not be there yet."""
    images: Mapping[str, LayoutImage]
    """Canonical reference (`str(Reference)`) → the image that takes its place. The builder asks no
    registry, so that every image that the build needs must be here."""
    replaced: Mapping[str, bytes] = field(default_factory=lambda: MappingProxyType({}))
    """POSIX path below the context → content in the place of what is there."""
    contexts: Mapping[str, Path] = field(default_factory=lambda: MappingProxyType({}))
    """Further folders, by the names under which the file copies from them."""
    args: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    target: str | None = None
    """The stage that is built; None: the last one."""
    platform: str = DEFAULT_PLATFORM
    network: bool = False
    """Whether its commands reach what this machine reaches, this machine itself included."""
    limits: BuildLimits = field(default_factory=BuildLimits)


@dataclass(frozen=True, slots=True)
class Log:
    """What programs said."""

    digest: str
    """`sha256:…` of all of it, after secret build arguments were struck out."""
    size: int
    """Bytes of the same."""
    tail: str
    """Its end: printable text, lines kept."""


NO_LOG: Final = Log("", 0, "")
"""Where nothing was run."""


@dataclass(frozen=True, slots=True)
class Isolation:
    """How what was run was kept from everything else; for evidence."""

    kind: str
    """In words."""
    limits: tuple[str, ...] = ()
    """What it does not hold back."""


@dataclass(frozen=True, slots=True)
class BuilderIdentity:
    """Which program builds."""

    name: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """An image that was built."""

    image: LayoutImage
    """The only one in the layout; `digest` is that of its manifest."""
    config: ImageConfig
    """With the DiffIDs; `digest` is what other tools call the image id."""
    bases: Mapping[str, tuple[str, ...]]
    """Canonical reference → DiffIDs of the image that was used in its place, lowest first."""
    builder: BuilderIdentity
    isolation: Isolation
    log: Log
    seconds: float
    """That it took."""


class Failure(StrEnum):
    """Why there is no image, or no answer of a command."""

    BUILD = "the build failed"
    """An instruction did: of the file, or for want of something that this builder lacks."""
    LIMIT = "a limit was passed"
    INPUT = "it cannot be built here"
    """Something that the build needs is missing or refused; nothing was run."""
    BUILDER = "the builder could not be used"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotBuilt:
    """Why there is no image."""

    failure: Failure
    reason: str
    hint: str | None = None
    log: Log = NO_LOG
    builder: BuilderIdentity | None = None
    seconds: float = 0.0

    @property
    def unknown(self) -> Unknown:
        """Say it as what could not be told."""
        return Unknown(f"{self.failure}: {self.reason}", self.hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command that is run in an image."""

    argv: tuple[str, ...]
    """Run as it is, without the image's entrypoint and without a shell."""
    user: str | None = None
    """None: the image's."""
    directory: str | None = None
    """None: the image's, or that of the context where one is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """Commands that are run one after the other in one container of an image; no network."""

    image: LayoutImage
    commands: tuple[Command, ...]
    context: Path | None = None
    """A folder whose copy is found under `CONTEXT_DIRECTORY`; `.git` at its top is left out."""
    replaced: Mapping[str, bytes] = field(default_factory=lambda: MappingProxyType({}))
    """As of `BuildRequest`, for that folder."""
    limits: BuildLimits = field(default_factory=BuildLimits)
    """Of all commands together."""


CONTEXT_DIRECTORY: Final = "/basekeeper/context"
"""Where a command finds the context that it was given."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended."""

    status: int
    """Exit status; 128 + number, where a signal ended it; 127, where it could not be started."""
    log: Log
    output: bytes = field(repr=False)
    """All that it said, as it came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """What became of the commands of a request."""

    ran: tuple[Ran | Unknown, ...]
    """One for each command; what follows one that passed a limit was not run."""
    builder: BuilderIdentity
    isolation: Isolation


@dataclass(frozen=True, slots=True)
class ImageFile:
    """A file, folder or link of an image."""

    kind: str
    """`file`, `folder`, `link` or `other`."""
    mode: int
    """Permission bits."""
    user: int
    group: int
    size: int
    link: str = ""
    """Where a link leads."""


BuildOutcome: TypeAlias = "Built | NotBuilt"
