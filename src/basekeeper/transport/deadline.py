"""The time that a request has, by the monotonic clock."""

from __future__ import annotations

import time


class OutOfTime(TimeoutError):  # noqa: N818  # reads as what happened
    """The time for the whole request is over."""


class Deadline:
    """Bounds a whole request and every single wait within it; used by one thread at a time."""

    __slots__ = ("_end", "timeout", "total")

    def __init__(self, total: float, timeout: float) -> None:
        """Start now.

        Args:
            total: Seconds for everything.
            timeout: Seconds for one wait; may be changed between two.
        """
        self._end = time.monotonic() + total
        self.total = total
        self.timeout = timeout

    def left(self) -> float:
        """Seconds that the next wait may take, more than 0.

        Raises:
            OutOfTime: None are left.
        """
        return min(self.rest(), self.timeout)

    def rest(self) -> float:
        """Seconds left for everything, more than 0.

        Raises:
            OutOfTime: None are left.
        """
        rest = self._end - time.monotonic()
        if rest <= 0:
            raise OutOfTime
        return rest

    @property
    def is_over(self) -> bool:
        """Tell whether no time is left."""
        return time.monotonic() >= self._end

    def extend(self, seconds: float) -> None:
        """Take a pause out of the account."""
        self._end += seconds
