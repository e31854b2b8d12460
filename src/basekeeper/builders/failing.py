"""How the parts of a builder tell each other that there will be no image."""

from __future__ import annotations

import errno
from typing import Final

from basekeeper.transport.redaction import shown_text
from basekeeper.values.building import Failure

_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class NoImage(Exception):  # noqa: N818  # carries an outcome; never leaves this package
    """Ends a build; the adapter makes a `NotBuilt` of it."""

    def __init__(self, failure: Failure, reason: str, *, hint: str | None = None) -> None:
        """Keep why, in words for a person."""
        super().__init__(reason)
        self.failure = failure
        self.reason = reason
        self.hint = hint


def refused(reason: str, hint: str | None = None) -> NoImage:
    """Return what to raise where the input cannot be built here."""
    return NoImage(Failure.INPUT, reason, hint=hint)


def not_served(error: OSError) -> NoImage:
    """Return what to raise where this machine failed us: its disk is full, or worse."""
    said = shown_text(str(error))
    if error.errno in _FULL:
        return NoImage(Failure.LIMIT, f"disk: {said}", hint="make room, or name another directory")
    return NoImage(Failure.BUILDER, said)
