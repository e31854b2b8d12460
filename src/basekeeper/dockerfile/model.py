"""The values that reading a Dockerfile yields.

`Dockerfile` is the document: every instruction, flag and word with its bytes. `Build` is one
way of building it: a target, a platform and build arguments applied. Spans are computed when
asked for, never while parsing.
"""

from __future__ import annotations

from basekeeper.dockerfile.build import Build
from basekeeper.dockerfile.copies import Copy
from basekeeper.dockerfile.document import Comment, Directive, Dockerfile
from basekeeper.dockerfile.instruction import Flag, Heredoc, Instruction, Word
from basekeeper.dockerfile.uses import ImageUse, Stage, Supplied

__all__ = [
    "Build",
    "Comment",
    "Copy",
    "Directive",
    "Dockerfile",
    "Flag",
    "Heredoc",
    "ImageUse",
    "Instruction",
    "Stage",
    "Supplied",
    "Word",
]
