"""Steps of which nobody could tell whether they bring another operating system."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from basekeeper.tags.digests import SYSTEM_UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from basekeeper.tags.updates import Choice, Updates
    from basekeeper.values.image import Unknown
    from basekeeper.values.resolution import Inside

_OS: Final = "os"


def with_unread(updates: Updates, current: Inside | None, insides: Mapping[str, Inside]) -> Updates:
    """Say of each step whose system was looked for in vain that it was, and why.

    Args:
        updates: The choices.
        current: What is inside the image in use.
        insides: Digest → what is inside, for the digests of the repository that were looked into.
    """
    own = None if current is None else current.os_unread

    def told(choice: Choice) -> Choice:
        behind = insides.get(choice.digest or "")
        unread = own or (None if behind is None else behind.os_unread)
        is_open = choice and behind is not None and choice.axis != _OS
        return _remarked(choice, unread) if is_open and unread is not None else choice

    return replace(
        updates,
        digest=told(updates.digest),
        patch=told(updates.patch),
        minor=told(updates.minor),
        major=told(updates.major),
    )


def _remarked(choice: Choice, unread: Unknown) -> Choice:
    """A choice that says what is not known of it."""
    known = SYSTEM_UNKNOWN in choice.reason
    words = unread.reason if known else f"{SYSTEM_UNKNOWN}: {unread.reason}"
    remark = choice.remark
    return replace(
        choice,
        reason=f"{choice.reason}; {words}",
        remark=remark if remark is None else "; ".join(filter(None, (remark, words))),
    )
