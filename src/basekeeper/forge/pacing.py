"""How often a forge is asked, and above all how often it is changed.

- Changes go one at a time, at least a second apart; so many that make content a minute and an hour.
- Every question costs points, of which there are so many a minute; so many are under way at once.
- A limit that was reached is waited for where that is short. Else nothing is asked before its end.
- A secondary limit ends all changes of the run; reading goes on when the wait is over.
- What may pass is repeated if it is a question, never if it is a change.

Numbers: https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api and
…/best-practices-for-using-the-rest-api (read 2026-11).
"""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.errors import ForgeError, ForgeFailure
from basekeeper.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

FIRST_PAUSE: Final = 1.0
"""Seconds before the first repetition of a question; doubled each time."""

SECONDARY_PAUSE: Final = 60.0
"""Seconds to wait after a secondary limit that names no time; doubled each time."""

_MINUTE: Final = 60.0
_HOUR: Final = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What a forge puts up with."""

    gap: float = 1.0
    """Seconds from the end of one change to the next."""
    content_a_minute: int = 80
    content_an_hour: int = 500
    points_a_minute: int = 900
    question: int = 1
    """Points of a question."""
    change: int = 5
    """Points of a change."""
    places: int = 8
    """Questions under way at once; the forge takes 100, of all programs with that token."""
    tries: int = 4
    """Most times that a question is sent."""
    longest: float = 90.0
    """Seconds that are waited for a limit; a longer one is told."""


class Setback(NamedTuple):
    """Why an answer is none, and what may be done about it."""

    error: ForgeError
    wait: float | None = None
    """Seconds that the forge asks to wait; None: it does not say."""
    is_secondary: bool = False


class _Window:
    """So many within so many seconds, reckoned back from any instant."""

    __slots__ = ("length", "most", "taken", "used")

    def __init__(self, most: int, length: float) -> None:
        self.most = most
        self.length = length
        self.taken: deque[tuple[float, int]] = deque()
        self.used = 0

    def wait(self, now: float, cost: int) -> float:
        """Tell how long to wait until there is room."""
        while self.taken and self.taken[0][0] <= now - self.length:
            self.used -= self.taken.popleft()[1]
        over = self.used + cost - self.most
        if over <= 0 or not self.taken:
            return 0.0
        for at, points in self.taken:
            over -= points
            if over <= 0:
                return at + self.length - now
        return self.taken[-1][0] + self.length - now

    def take(self, now: float, cost: int) -> None:
        self.taken.append((now, cost))
        self.used += cost


class Pacer:
    """Who may ask now, and who may change something; safe to share between threads."""

    def __init__(  # all but the first have a default that serves
        self,
        now: datetime,
        *,
        pace: Pace | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Ask nothing yet.

        Args:
            now: The instant of the run.
            pace: What the forge puts up with; None: the defaults.
            clock: Seconds that only ever grow.
            sleep: Waits so many seconds, or until `stop`; None: it does just that.
            jitter: Gives numbers from 0 to 1, by which pauses differ.
        """
        self._now = now
        self.pace = pace or Pace()
        self._clock = clock
        self._start = clock()
        self._stopped = threading.Event()
        self._sleep = sleep or self._stopped.wait
        self._jitter = jitter
        self._lock = threading.Lock()
        self._changing = threading.Lock()
        self._places = threading.BoundedSemaphore(self.pace.places)
        self._points = _Window(self.pace.points_a_minute, _MINUTE)
        self._content = (
            _Window(self.pace.content_a_minute, _MINUTE),
            _Window(self.pace.content_an_hour, _HOUR),
        )
        self._next_change = 0.0
        self._not_before = 0.0
        self._secondary = 0
        self._shut: ForgeError | None = None
        """Why nothing is asked before `_not_before`."""
        self._unchanging: ForgeError | None = None
        """Why nothing is changed any more in this run."""

    def now(self) -> datetime:
        """Tell the time: the instant of the run, and what has passed since."""
        return self._now + timedelta(seconds=self._clock() - self._start)

    def stop(self) -> None:
        """Wake everybody who waits; they and whoever comes later get an error."""
        self._stopped.set()

    @contextmanager
    def question(self) -> Iterator[None]:
        """Hold a place for one question."""
        with self._places:
            self._pay(self.pace.question)
            yield

    @contextmanager
    def change(self, *, makes_content: bool) -> Iterator[None]:
        """Be the only one to change something."""
        with self._changing:
            self._check_changes()
            self._await(self._next_change - self._clock())
            for window in self._content if makes_content else ():
                self._await_limited(window.wait(self._clock(), 1))
            self._pay(self.pace.change)
            self._check_changes()
            for window in self._content if makes_content else ():
                window.take(self._clock(), 1)
            try:
                yield
            finally:
                self._next_change = self._clock() + self.pace.gap

    def hold(self, setback: Setback, *, tries: int, is_change: bool) -> bool:
        """Note a setback, and tell whether the same may be tried again.

        Waiting for it is done when it is tried.

        Args:
            setback: What went wrong.
            tries: How many times it was tried.
            is_change: Whether it was a change, which is never tried again here.
        """
        if setback.error.failure is ForgeFailure.LIMITED:
            self._note_limit(setback)
        elif setback.error.failure is ForgeFailure.TRANSIENT and not is_change:
            if tries < self.pace.tries:
                own = FIRST_PAUSE * 2 ** (tries - 1) * (1 + self._jitter()) / 2
                self._await(max(setback.wait or 0.0, own))
        else:
            return False
        return not is_change and tries < self.pace.tries

    def pause(self, tries: int) -> None:
        """Wait a little before something is looked at again."""
        self._await(FIRST_PAUSE * 2 ** (tries - 1) * (1 + self._jitter()) / 2)

    def _note_limit(self, setback: Setback) -> None:
        """Let everybody wait, and nobody change anything after a secondary limit."""
        with self._lock:
            wait = setback.wait
            if setback.is_secondary:
                self._secondary += 1
                own = SECONDARY_PAUSE * 2 ** (self._secondary - 1)
                wait = own if wait is None else wait
            elif wait is None:
                wait = SECONDARY_PAUSE
            setback.error.until = self.now() + timedelta(seconds=wait)
            if setback.is_secondary:
                self._unchanging = setback.error
            self._shut = setback.error
            self._not_before = max(self._not_before, self._clock() + wait)

    def _check_changes(self) -> None:
        if self._unchanging is not None:
            raise _again(self._unchanging, "nothing more is changed in this run")

    def _pay(self, cost: int) -> None:
        """Wait until there is no limit in the way, and until the points are there."""
        while True:
            with self._lock:
                now = self._clock()
                limited = self._not_before - now
                if limited > self.pace.longest and self._shut is not None:
                    raise _again(self._shut, "nothing is asked before its limit ends")
                wait = max(limited, self._points.wait(now, cost))
                if wait <= 0:
                    self._points.take(now, cost)
                    self._check_stopped()
                    return
            self._await(wait)

    def _await_limited(self, wait: float) -> None:
        """Wait for one of our own limits, unless that takes too long."""
        if wait > self.pace.longest:
            raise ForgeError(
                f"the most changes an hour are made; the next may be made in {wait:.0f} s",
                ForgeFailure.LIMITED,
                hint="run again later, or change less in one run",
                until=self.now() + timedelta(seconds=wait),
            )
        self._await(wait)

    def _await(self, wait: float) -> None:
        if wait > 0:
            self._sleep(wait)
        self._check_stopped()

    def _check_stopped(self) -> None:
        if self._stopped.is_set():
            raise ForgeError("not asked, as the run was ended", ForgeFailure.TRANSIENT)


def _again(error: ForgeError, consequence: str) -> ForgeError:
    """Return the same error for somebody else."""
    return ForgeError(
        f"{error.message}; {consequence}", error.failure, hint=error.hint, until=error.until
    )
