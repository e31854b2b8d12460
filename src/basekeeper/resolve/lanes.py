"""Threads for work that waits on many hosts: few for each host, few in all, none left behind.

A lane is the right to do one piece of a host's work. Each host has at most `PER_HOST` of them. A
thread takes a lane that is free, does one piece, gives the lane back behind the others, and ends
where none is free: whoever holds a lane goes on with it, so no work is left. Nothing is handed to
a thread before it asks, and results wait in a short queue, so that memory does not grow with work.

Threads are daemons: one that hangs in a system call cannot keep the process from ending.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping, Sequence

PER_HOST: Final = 4
"""Pieces of work at the same time for one host; the usual limit of registry clients."""

MAX_THREADS: Final = 32
"""Threads in all, however many hosts there are."""

MAX_WAITING: Final = 256
"""Results that wait for the consumer; then threads wait."""

PATIENCE: Final = 2.0
"""Seconds that threads get to end after they were told to."""

MANY: Final = 64
"""Results to come with which the consumer is woken only now and then: to wake it for each one made
the threads give way to each other three times as often."""

GATHERING: Final = 0.005
"""Seconds for which results gather then."""

_BEAT: Final = 0.1
"""Seconds between two looks at whether to stop, for a thread whose result nobody takes."""

Job = TypeVar("Job")
Result = TypeVar("Result")


class Lanes(Generic[Job, Result]):
    """One round of work, its results to be read once."""

    def __init__(
        self,
        jobs: Mapping[str, Sequence[Job]],
        work: Callable[[Job], Result],
        *,
        abort: Callable[[], object] = lambda: None,
    ) -> None:
        """Start nothing yet.

        Args:
            jobs: Host → its pieces of work, started in this order.
            work: Does one piece, in a thread. What it raises is raised by `results`.
            abort: Wakes what hangs; called where the round ends early.
        """
        self._waiting = {host: deque(pieces) for host, pieces in jobs.items()}
        self._lanes = deque(_shuffled(jobs))
        self._count = sum(map(len, jobs.values()))
        self._work = work
        self._abort = abort
        self._done: queue.Queue[Result | BaseException] = queue.Queue(MAX_WAITING)
        self._stopped = False
        self._threads: list[threading.Thread] = []

    def results(self, *, seconds: float | None = None) -> Generator[Result, None, None]:
        """Do the work and yield results as they come; ends early when the time is over.

        Leaving the loop early, by an exception too, ends all threads.
        """
        end = None if seconds is None else time.monotonic() + seconds
        self._start()
        left = self._count
        try:
            while left:
                if left > MANY and self._done.empty():
                    time.sleep(GATHERING)
                result = self._next(end)
                if result is None:
                    return
                if isinstance(result, BaseException):
                    raise result
                left -= 1
                yield result
        finally:
            self._finish(early=left > 0)

    def _start(self) -> None:
        """Start as many threads as can be busy."""
        for number in range(min(len(self._lanes), MAX_THREADS)):
            thread = threading.Thread(target=self._run, name=f"registry-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _next(self, end: float | None) -> Result | BaseException | None:
        """Wait for a result; None when the time is over."""
        try:
            return self._done.get(timeout=None if end is None else max(end - time.monotonic(), 0))
        except queue.Empty:
            return None

    def _finish(self, *, early: bool) -> None:
        """Let all threads end, and wait for them as long as is decent."""
        self._stopped = True
        if early:
            self._abort()
        end = time.monotonic() + PATIENCE
        for thread in self._threads:
            thread.join(max(end - time.monotonic(), 0))

    def _run(self) -> None:
        """Work as long as there is a free lane."""
        while not self._stopped:
            try:
                host = self._lanes.popleft()
            except IndexError:
                return
            try:
                job = self._waiting[host].popleft()
            except IndexError:  # the lane has no more work
                continue
            self._hand_over(self._result(job))
            self._lanes.append(host)

    def _result(self, job: Job) -> Result | BaseException:
        """Do one piece of work; what it raises belongs to the consumer."""
        try:
            return self._work(job)
        except BaseException as error:  # noqa: BLE001  # raised again by `results`
            return error

    def _hand_over(self, result: Result | BaseException) -> None:
        """Put a result where the consumer finds it."""
        while not self._stopped:
            with suppress(queue.Full):
                self._done.put(result, timeout=_BEAT)
                break


def _shuffled(jobs: Mapping[str, Sequence[object]]) -> Iterable[str]:
    """List the lanes: the first of each host, then the second of each, and so on."""
    for number in range(PER_HOST):
        for host, pieces in jobs.items():
            if number < len(pieces):
                yield host
