"""How the parts of an adapter tell each other that an answer cannot be had."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from basekeeper.errors import Error
from basekeeper.transport.redaction import shown_text
from basekeeper.values.image import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class NotTold(Exception):  # noqa: N818  # carries a value; never leaves this package
    """Ends a look at an image; the adapter returns the `Unknown` that it carries."""

    def __init__(self, reason: str, *, hint: str | None = None) -> None:
        """Keep the reason, made printable and cut."""
        super().__init__(reason)
        self.unknown = Unknown(shown_text(reason), hint)


def told(look: Callable[[], T]) -> T | Unknown:
    """Return what a look tells, or why it tells nothing."""
    try:
        return look()
    except NotTold as failed:
        return failed.unknown
    except Error as failed:
        return Unknown(shown_text(failed.message), failed.hint)
    except OSError as error:
        return Unknown(f"the scanner could not be served: {shown_text(str(error))}")
