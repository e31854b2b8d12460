"""Planned edits: which image becomes which, and the bytes of the files that say so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from basekeeper.tags.updates import Choice, Updates
    from basekeeper.values.image import Unknown
    from basekeeper.values.reference import Reference
    from basekeeper.values.resolution import Resolution
    from basekeeper.values.use import Use


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one distinct image stands: what it can be moved to, and where it is used."""

    reference: Reference
    uses: tuple[Use, ...]
    """In the order of path and line; at least one."""
    updates: Updates | Unknown
    resolution: Resolution
    notes: tuple[str, ...] = ()
    """What a person should know beside the choices: a lying pin, a ghost tag, a stale calendar."""


@dataclass(frozen=True, slots=True)
class Change:
    """One image becomes another, in every file that names it."""

    standing: Standing
    choice: Choice
    to: Reference
    """The reference to write: registry, repository, tag and digest as they will stand."""


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


@dataclass(frozen=True, slots=True)
class EditPlan:
    """What `update` would write."""

    files: tuple[FileEdit, ...]
    """In the order of their paths."""
    refused: tuple[Refusal, ...] = ()
