"""How the parts of an adapter tell each other that an answer cannot be had."""

from __future__ import annotations

from basekeeper.transport.redaction import shown_text
from basekeeper.values.image import Unknown


class NotTold(Exception):  # noqa: N818  # carries a value; never leaves this package
    """Ends a look at an image; the adapter returns the `Unknown` that it carries."""

    def __init__(self, reason: str, *, hint: str | None = None) -> None:
        """Keep the reason, made printable and cut."""
        super().__init__(reason)
        self.unknown = Unknown(shown_text(reason), hint)
