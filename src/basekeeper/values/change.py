"""Planned edits: which image becomes which, and the bytes of the files that say so."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from basekeeper.records import dataclass

if TYPE_CHECKING:
    from basekeeper.tags.updates import Choice, UpdateRules, Updates
    from basekeeper.values.image import Unknown
    from basekeeper.values.reference import Reference
    from basekeeper.values.resolution import Resolution, Standings
    from basekeeper.values.use import Use


class NoteKind(StrEnum):
    """What a note is about."""

    GHOST_TAG = "ghost-tag"
    """The tag can be pulled, but is not on a complete list that was fetched in this run."""
    LYING_PIN = "lying-pin"
    """The pinned digest is another version than the tag beside it says."""
    MOVED_BACK = "moved-back"
    """The tag stands again for content that it had stood for before."""
    NO_RELEVANT_CHANGE = "no-relevant-change"
    """The digest moved, but the images of the platforms that are built did not."""
    PLATFORM_LOST = "platform-lost"
    """A platform that is built is missing from what the tag stands for now."""
    TAG_OF_DIGEST = "tag-of-digest"
    """The tags that the list gives for a digest that is used without one."""
    ENDED = "ended"
    """The publisher ended, moved or archived the repository."""
    INCOMPLETE = "incomplete"
    """The list of tags may lack some, so that "nothing newer" cannot be told."""
    REPLACED = "replaced"
    """The publisher marked the digest in use as replaced, which says nothing of the product."""
    REPLACED_UNKNOWN = "replaced-unknown"
    """Whether it did could not be asked."""
    UNRESOLVED = "unresolved"
    """Something was asked of the registry in vain."""


@dataclass(frozen=True, slots=True)
class Note:
    """What a person should know beside the choices."""

    kind: NoteKind
    text: str

    def __str__(self) -> str:
        """The text alone."""
        return self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one distinct image stands: what it can be moved to, and where it is used."""

    reference: Reference
    """As the first use writes it; other uses may write the same image otherwise."""
    uses: tuple[Use, ...]
    """In the order of path and line; at least one."""
    updates: Updates | Unknown
    resolution: Resolution
    rules: UpdateRules
    """What the configuration says of this image."""
    platforms: tuple[str, ...]
    """Platforms that the tree builds upon it, sorted; never empty."""
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A use that names no image that could be looked up, and why; told, never dropped."""

    use: Use
    reason: str


@dataclass(frozen=True, slots=True)
class Change:
    """One image becomes another, in every file that names it."""

    standing: Standing
    choice: Choice
    to: Reference
    """The reference to write: registry, repository, tag and digest as they will stand. Its text is
    in the style of the standing's reference; each use keeps its own way of writing the name, unless
    the name itself changes (`choice.repository`)."""

    @property
    def group(self) -> str | None:
        """Name of the group that it is proposed with; None: on its own."""
        return self.standing.rules.group


@dataclass(frozen=True, slots=True)
class Withheld:
    """Something newer that is not taken, and why."""

    standing: Standing
    choice: Choice
    reason: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class ChangePlan:
    """What is to be changed: at most one change for each distinct image."""

    changes: tuple[Change, ...]
    """In the order of the standings."""
    withheld: tuple[Withheld, ...] = ()


@dataclass(frozen=True, slots=True)
class Edit:
    """One replacement of bytes in a file."""

    start: int
    end: int
    new: bytes
    line: int
    """Line of the replaced bytes, from 1."""
    change: Change


@dataclass(frozen=True, slots=True)
class Refusal:
    """A use that a change cannot edit, and why; never dropped in silence."""

    use: Use
    change: Change
    reason: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class FileEdit:
    """A file before and after; proven to differ in those references alone."""

    path: str
    before: bytes
    after: bytes
    edits: tuple[Edit, ...]
    """In the order of their places in `before`, never overlapping."""
    notes: tuple[str, ...] = ()
    """What else the edited values are used for: `NODE_VERSION is also used in line 7 of …`."""


@dataclass(frozen=True, slots=True)
class EditPlan:
    """What `update` would write."""

    files: tuple[FileEdit, ...]
    """In the order of their paths."""
    refused: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Everything that `update` found out: what would be written, and what would not, and why."""

    standings: Standings
    changes: ChangePlan
    left_out: tuple[LeftOut, ...]
    """Uses that name no image that could be looked up."""
    edits: EditPlan
