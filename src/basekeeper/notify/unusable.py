"""A channel whose secrets are missing: others are told, and its notices wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.values.notifying import Later

if TYPE_CHECKING:
    from datetime import datetime

    from basekeeper.values.notifying import Delivery, Message


PAUSE_SECONDS: Final = 60.0
"""A moment later nothing will be else."""


class Unusable:
    """Says of every message why it cannot be sent; see `ports.Channel`."""

    def __init__(self, name: str, reason: str) -> None:
        """Keep what is missing.

        Args:
            name: Of the channel.
            reason: Without secrets.
        """
        self.name = name
        self._reason = reason

    def send(self, message: Message, *, now: datetime) -> Delivery:
        """Send nothing."""
        del message, now
        return Later(self._reason, PAUSE_SECONDS)
