"""When a ledger records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from basekeeper.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from basekeeper.ledger.location import Location


def read_clock(location: Location, clock: Callable[[], datetime] | None) -> datetime:
    """Read the clock of a ledger that may be written to.

    Raises:
        LedgerError: It has none, as it is open for reading alone.
    """
    if clock is None:
        raise LedgerError(
            f"ledger {location} is open for reading alone", hint="use a verb that records"
        )
    return clock()
