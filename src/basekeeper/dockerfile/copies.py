"""What a COPY copies, and from where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from basekeeper.dockerfile.heredoc import heredoc_word
from basekeeper.dockerfile.text import readable
from basekeeper.records import dataclass

if TYPE_CHECKING:
    from basekeeper.dockerfile.instruction import Instruction
    from basekeeper.dockerfile.uses import ImageUse


@dataclass(frozen=True, slots=True)
class Copy:
    """A COPY instruction of a stage."""

    instruction: Instruction
    sources: tuple[str, ...]
    """As written; inline files (heredocs) are left out."""
    destination: str
    """As written; empty where there is none."""
    source_text: str | None
    """The value of `--from`; None: it copies from the build context."""
    source_stage: int | None = None
    """The stage that `--from` names."""
    image: ImageUse | None = None
    """What `--from` names, where it is no stage."""


def paths(instruction: Instruction) -> tuple[tuple[str, ...], str]:
    """Return sources and destination of a COPY or ADD, as written."""
    words = [piece.text for piece in instruction.pieces()]
    if not words:
        return (), ""
    sources = [word for word in words[:-1] if heredoc_word(word) is None]
    return tuple(map(readable, sources)), readable(words[-1])
