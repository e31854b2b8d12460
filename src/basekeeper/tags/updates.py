"""What choosing updates takes and gives: facts about tags, rules, choices with their reasons.

Every value is frozen. What is not known is None, or `Truth.UNKNOWN` with its reason; it is never
read as "fine" and never as "up to date".
"""

from __future__ import annotations

from dataclasses import field
from datetime import UTC, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from basekeeper.errors import InputError
from basekeeper.records import dataclass
from basekeeper.tags.ranges import VersionRange
from basekeeper.values.finding import Truth

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

KINDS: Final = ("digest", "patch", "minor", "major")
"""Sizes of an update on the main axis, smallest first."""

AXES: Final = ("application", "os", "runtime", "build", "name")
"""What a proposal can move; one at a time."""

CHANNELS: Final = ("lts", "stable")
"""`lts`: only LTS lines where a product has them; `stable`: every released line."""

PINNINGS: Final = ("tag", "tag@digest")
"""How a reference is written: by its tag alone, or with the digest behind it."""

DIGEST_CHANGES: Final = ("any", "relevant-platform")
"""Which moves of an index count: every one, or those that change the image of a platform that is
built."""

TAKEN: Final = frozenset({"digest", "patch", "minor"})
"""Kinds that are taken unasked, where nothing else is said: steps that upstream means to be safe.
"""


class Flag(StrEnum):
    """What a person should know beside the choices."""

    OS_DRIFT = "os_drift"
    """The same tag now stands on another operating system release; never to be merged unseen."""
    SUFFIX_FROZEN = "suffix_frozen"
    """Newer versions are built without the operating system release that the tag names."""
    VANISHED = "vanished"
    """The tag in use is missing from a complete list."""
    DEPRECATED = "deprecated"
    """The publisher ended or moved the repository."""
    INCOMPLETE = "incomplete"
    """The list of tags was not complete, so that "nothing newer" cannot be told."""
    UNSUPPORTED = "unsupported"
    """A release line in use, of the application, a runtime or the system, is past its end."""


@dataclass(frozen=True, slots=True)
class TagFacts:
    """One tag as it was seen once; the same tag may come several times, once for each digest.

    A time without a zone is in UTC.
    """

    tag: str
    digest: str | None = None
    pushed: datetime | None = None
    """When the registry says that the tag was moved to this digest."""
    first_seen: datetime | None = None
    """When we saw the tag with this digest for the first time; stands in for `pushed`."""
    os_release: str | None = None
    """Name and version of the operating system behind it, such as `debian 12`, or the text of its
    os-release file."""
    platforms: tuple[str, ...] | None = None
    """Platforms of the index, such as `linux/amd64`; None: not known."""

    def __post_init__(self) -> None:
        """Make values comparable, so that sights can be put in order."""
        if self.pushed is not None:
            object.__setattr__(self, "pushed", in_zone(self.pushed))
        if self.first_seen is not None:
            object.__setattr__(self, "first_seen", in_zone(self.first_seen))
        if self.platforms is not None:
            object.__setattr__(self, "platforms", tuple(self.platforms))

    @property
    def is_bare(self) -> bool:
        """Tell whether nothing but the tag is known."""
        return (
            self.digest is None
            and self.pushed is None
            and self.first_seen is None
            and self.os_release is None
            and self.platforms is None
        )


@dataclass(frozen=True, slots=True)
class TagList:
    """The tags of a repository, as a registry listed them."""

    tags: tuple[TagFacts, ...]
    """In no order; names that are no tags, and tags under which signatures hang, are left out."""
    problem: str | None = None
    """Why tags may be missing from the list; None: it is complete."""

    @property
    def complete(self) -> bool:
        """Tell whether "not in the list" means "not there"."""
        return self.problem is None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateRules:
    """What may be proposed.

    Raises:
        InputError: A value is none of those that its field knows.
    """

    kinds: frozenset[str] = frozenset((*KINDS, *AXES))
    """Kinds and axes that are wanted, of `KINDS` and `AXES`."""
    allowed: str | None = None
    """Range of versions on the main axis, such as `>=3.10,<3.14`; None: every version."""
    ignored: frozenset[str] = frozenset()
    """Tags, versions or lines left out: `3.14` leaves out every 3.14.x."""
    minimum_age: timedelta = timedelta(0)
    """How old a tag's digest must be. The newest one that is old enough is proposed, so that
    daily re-pushes do not start the waiting anew."""
    pinning: str = "tag"
    """`tag`, or `tag@digest`: then a digest is proposed also where none is pinned yet."""
    allow_prerelease: bool = False
    """Whether a stable version may move to a prerelease."""
    channel: str = "lts"
    """`lts` or `stable`, see `CHANNELS`."""
    platforms: frozenset[str] = frozenset()
    """Platforms that are built; a tag known to lack one is left out."""
    settle: timedelta = timedelta(0)
    """How long a tag must have rested on a digest: one that moved on sooner was a part of a longer
    rebuild, and is never proposed. A digest of unknown age is held to `minimum_age` alone."""
    digest_change: str = "relevant-platform"
    """Which moves of an index count, see `DIGEST_CHANGES`. Planning judges it; choosing among tags
    does not know what is inside."""
    taken: frozenset[str] = TAKEN
    """Kinds and axes that are taken without being asked for by name."""
    group: str | None = None
    """Name under which changes are proposed together; None: each on its own."""

    def __post_init__(self) -> None:
        """Refuse what no rule knows."""
        choices = (
            ("channel", CHANNELS),
            ("pinning", PINNINGS),
            ("digest_change", DIGEST_CHANGES),
        )
        for name, known in choices:
            value = getattr(self, name)
            if value not in known:
                raise _wrong(name, known, value)
        for name in ("kinds", "taken"):
            for kind in sorted(getattr(self, name)):
                if kind not in (*KINDS, *AXES):
                    raise _wrong(name, (*KINDS, *AXES), kind)
        for name in ("minimum_age", "settle"):
            if getattr(self, name) < timedelta(0):
                raise InputError(f"{name} is negative: {getattr(self, name)}")
        if self.allowed is not None:
            VersionRange.parse(self.allowed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The answer for one kind or axis."""

    kind: str
    """One of `KINDS`; for moves on other axes the axis itself."""
    value: Truth
    """Yes: there is one, named here. No: there is none. Unknown: it could not be told."""
    reason: str
    axis: str = "application"
    """What moves, one of `AXES`; everything else stays character by character."""
    repository: str | None = None
    """`registry/path`, where the name of the image changes; None: it stays."""
    tag: str | None = None
    digest: str | None = None
    age: timedelta | None = None
    """Age of that digest, by its push or our first sight; None: not known."""
    remark: str | None = None
    """What of the reason cannot be seen from kind, tag and waiting tag; empty: nothing of it.
    None: all of it is to be told."""
    os_change: str | None = None
    """`debian 12 → debian 13` where the operating system behind the tag changes unnamed."""
    waiting: str | None = None
    """A newer tag that is too young, or whose age is not known."""
    waiting_until: datetime | None = None
    """When that one is old enough; None: not known."""

    def __bool__(self) -> bool:
        """Tell whether there is something to move to."""
        return self.value is Truth.YES


@dataclass(frozen=True, slots=True, kw_only=True)
class Updates:
    """Everything that an image can be moved to."""

    repository: str
    """`registry/path` of the image in use."""
    current: TagFacts
    digest: Choice
    patch: Choice
    minor: Choice
    major: Choice
    moves: tuple[Choice, ...] = ()
    """Moves on other axes, each on its own: operating system, runtime, date, repository name."""
    flags: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Flag (see `Flag`) → its reason."""
    complete: bool = True
    """Whether the list of tags was complete."""
    replacement: str | None = None
    """What the publisher advises instead of the repository, in words a person can act on."""

    @property
    def choices(self) -> tuple[Choice, ...]:
        """The four sizes, smallest first."""
        return self.digest, self.patch, self.minor, self.major


def in_zone(time: datetime) -> datetime:
    """A time with its zone; without one it is in UTC."""
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time


def _wrong(name: str, known: tuple[str, ...], value: str) -> InputError:
    return InputError(f"{name}: {value!r:.80} is unknown", hint=f"write one of {', '.join(known)}")
