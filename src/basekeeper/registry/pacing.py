"""How often each host is asked: never too much at once, never again what was just asked.

- At most so many questions to one host at the same time.
- A failure that may pass is repeated, with pauses that all questions to that host share: who fails
  makes everybody wait. Where the host says how long, that is how long.
- A host that asks for more patience than we have, or that refuses for its limit until all tries
  are used up, is not asked again in this run. Other hosts go on.
- A host to which no connection can be made, several times in a row, is left alone for a while; one
  that never answered in this run, sooner.

There are no threads here; whoever waits can be woken by `Pacer.stop`.
"""

from __future__ import annotations

import random
import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NoReturn

from basekeeper.errors import Failure, NetworkError, RegistryError, TransportError
from basekeeper.records import dataclass
from basekeeper.registry.flights import copy_of
from basekeeper.registry.hosts import find_host
from basekeeper.transport.client import retry_after

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from basekeeper.registry.keyring import Keyring
    from basekeeper.transport.client import Response
    from basekeeper.values.settings import RegistrySettings

TOO_MANY: Final = 429
_REPEATED: Final = frozenset({408, TOO_MANY, 499})
_SERVER_ERRORS: Final = range(500, 600)
_NOT_IMPLEMENTED: Final = 501
_TRIES: Final = {504: 2}
"""Status → most tries, where that is less than usual: a gateway that waited in vain for as long as
it may (for the whole list of a large repository, say) is likely to do so again."""
_UNREACHABLE: Final = Failure.UNREACHABLE

FIRST_PAUSE: Final = 0.5
"""Seconds before the first repetition where the host names no time; doubled each time."""
LONGEST_PAUSE: Final = 30.0
"""Seconds at which that doubling ends."""
SHORTEST_PAUSE: Final = 0.1
"""Seconds that are waited even where a host asks for less: GHCR names the microseconds until its
counter moves on, which says nothing about who takes that place. Four times as long each time."""
MAX_FAILURES: Final = 8
"""Connections to one host that may fail in a row: twice as many as are tried at the same time."""
MAX_UNMET: Final = 3
"""The same for a host that has not answered yet: with no network at all, a run ends in seconds."""
COOL_DOWN: Final = 30.0
"""Seconds for which a host is left alone after that many."""
SLOW_SECONDS: Final = 30.0
"""An answer that takes longer is slow: whole lists of tags come in a few seconds."""
MAX_SLOW: Final = 4
"""Slow answers of one host after which it is not asked again: one that drips each of a thousand
answers for as long as it may would hold a run for hours."""
PLACES: Final = 4
"""Questions that may be under way to one host, where nobody says otherwise."""
_ONE_PLACE: Final = frozenset({"ghcr.io", "lscr.io"})
"""Hosts that count anonymous questions of many against each other."""


def usual_places(address: str) -> int:
    """Tell how many questions may be under way to a host (with port, if any), unknown to us."""
    return 1 if address in _ONE_PLACE else PLACES


def places_for(settings: RegistrySettings, keyring: Keyring) -> Callable[[str], int]:
    """Tell how many questions may be under way to each host: as the settings say, else as usual.

    Where only anonymous questions of many are counted together, a login is worth more places.
    """
    hosts = (find_host(name, settings) for name in settings.hosts)
    said = {host.address: host.concurrency for host in hosts if host.concurrency is not None}

    def places(address: str) -> int:
        if address in said:
            return said[address]
        if address in _ONE_PLACE and keyring.credential(find_host(address, settings)) is not None:
            return PLACES
        return usual_places(address)

    return places


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a host is waited for."""

    tries: int = 5
    """Most times that one question is sent."""
    longest: float = 60.0
    """Seconds; a host that asks to wait longer is not asked again in this run."""
    budget: float = 120.0
    """Seconds for one question, from its first try to the start of its last."""


class Pacer:
    """Who may be asked now; safe to share between threads."""

    def __init__(  # noqa: PLR0913  # all but the first have a default that serves
        self,
        now: datetime,
        *,
        patience: Patience | None = None,
        places: Callable[[str], int] = usual_places,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Ask nobody yet.

        Args:
            now: The instant of the run.
            patience: How long hosts are waited for; None: the defaults.
            places: Tells how many questions may be under way to a host.
            clock: Seconds that only ever grow.
            sleep: Waits so many seconds, or until `stop`; None: it does just that.
            jitter: Gives numbers from 0 to 1, by which pauses differ.
        """
        self._now = now
        self._patience = patience or Patience()
        self._places = places
        self._stopped = threading.Event()
        self._sleep = sleep or self._stopped.wait
        self._jitter = jitter
        self._clock = clock
        self._start = clock()
        self._gates: dict[str, _Gate] = {}
        self._lock = threading.Lock()

    def send(
        self,
        host: str,
        request: Callable[[], Response],
        *,
        repeat: bool = True,
        is_long: bool = False,
    ) -> Response:
        """Send a question when its host may be asked, and repeat it while that may help.

        Args:
            host: To whom it goes.
            request: Sends it once.
            repeat: Whether it may be sent again: a GET or HEAD.
            is_long: Whether the answer may take its time: a layer.

        Returns:
            The last answer; one with status 429 only of what must not be sent again.

        Raises:
            RegistryError: LIMITED once the host's limit is reached; UNREACHABLE where there is no
                connection; whatever else the request raised.
        """
        gate = self._gates.get(host) or self._new_gate(host)
        end = self._clock() + (self._patience.budget if repeat else 0)
        tries = 1
        while True:
            self._enter(gate)
            began = self._clock()
            try:
                answer = request()
            except TransportError as error:
                if not isinstance(error, NetworkError):
                    raise
                wait = self._note_failure(gate, tries, error)
                if self._is_over(tries, wait, end):
                    raise _unreachable(error) from error
            else:
                if not _is_repeated(answer.status):
                    gate.answered()
                    if not is_long and self._clock() - began > SLOW_SECONDS:
                        self._note_slow(gate)
                    return answer
                wait = self._note_refusal(gate, answer, tries)
                if tries >= _TRIES.get(answer.status, tries + 1) or self._is_over(tries, wait, end):
                    return self._given_up(gate, answer) if repeat else answer
            finally:
                gate.leave()
            tries += 1

    def stop(self) -> None:
        """Wake everybody who waits; they and whoever comes later get an error."""
        self._stopped.set()
        with self._lock:
            gates = tuple(self._gates.values())
        for gate in gates:
            gate.wake()

    def _new_gate(self, host: str) -> _Gate:
        gate = _Gate(host, max(1, self._places(host)))  # may ask a program for credentials
        with self._lock:
            return self._gates.setdefault(host, gate)

    def _enter(self, gate: _Gate) -> None:
        """Wait for a place and for the end of a pause."""
        while True:
            with gate.ready:
                now = self._clock()
                self._check(gate, now)
                until = gate.not_before
                if until <= now:
                    if gate.free > 0:
                        gate.free -= 1
                        return
                    gate.ready.wait()
                    continue
            self._sleep(until - now)
            gate.waited(until)

    def _check(self, gate: _Gate, now: float) -> None:
        if self._stopped.is_set():
            raise RegistryError(f"{gate.host}: not asked, as the run was ended", _UNREACHABLE)
        if gate.shut is not None:
            raise copy_of(gate.shut)
        if now < gate.open_until and gate.cause is not None:
            raise copy_of(gate.cause)

    def _note_failure(self, gate: _Gate, tries: int, error: NetworkError) -> float:
        """Count a failed connection, and tell how long to wait."""
        wait = self._own_pause(tries)
        with gate.ready:
            gate.failures += 1
            if gate.failures == 1:
                gate.cause = RegistryError(
                    f"{gate.host}: {error.reason or error.message}", _UNREACHABLE, hint=error.hint
                )
            if gate.failures >= (MAX_FAILURES if gate.met else MAX_UNMET):
                gate.open_until = self._clock() + COOL_DOWN
                gate.ready.notify_all()
        gate.hold(self._clock() + wait)
        return wait

    def _note_refusal(self, gate: _Gate, answer: Response, tries: int) -> float:
        """Tell how long to wait after an answer, or that the host is not to be asked again."""
        gate.answered()
        now = self._now + timedelta(seconds=self._clock() - self._start)
        asked = retry_after(answer.headers, answer.body, now)
        if asked is None:
            wait = self._own_pause(tries)
        elif asked > self._patience.longest:
            self._shut(gate, answer.status, f"it asks to wait {asked:.0f} s")
        else:
            shortest = min(SHORTEST_PAUSE * 4 ** (tries - 1), LONGEST_PAUSE)
            wait = max(asked, shortest) * (1 + self._jitter() / 10)
        gate.hold(self._clock() + wait)
        return wait

    def _note_slow(self, gate: _Gate) -> None:
        """Count a slow answer; whose answers are slow too often is not asked again."""
        with gate.ready:
            gate.slow += 1
            if gate.slow >= MAX_SLOW and gate.shut is None:
                gate.shut = RegistryError(
                    f"{gate.host}: {gate.slow} answers took more than {SLOW_SECONDS:.0f} s each;"
                    " it is not asked again in this run",
                    _UNREACHABLE,
                    hint="run again later, or use a mirror",
                )
                gate.ready.notify_all()

    def _own_pause(self, tries: int) -> float:
        return float(min(FIRST_PAUSE * 2 ** (tries - 1), LONGEST_PAUSE) * (1 + self._jitter()) / 2)

    def _is_over(self, tries: int, wait: float, end: float) -> bool:
        return tries >= self._patience.tries or self._clock() + wait > end

    def _given_up(self, gate: _Gate, answer: Response) -> Response:
        """Return the last answer of a host in trouble; one that has enough is left alone."""
        if answer.status == TOO_MANY:
            self._shut(gate, answer.status, "it refused every try")
        return answer

    def _shut(self, gate: _Gate, status: int, reason: str) -> NoReturn:
        """Ask a host no more."""
        is_limit = status == TOO_MANY
        error = RegistryError(
            f"{gate.host}: {'its rate limit is reached' if is_limit else 'it is in trouble'}"
            f" (status {status}, {reason}); it is not asked again in this run",
            Failure.LIMITED if is_limit else _UNREACHABLE,
            hint="log in to the registry, or use a mirror, to be allowed more; or run again later"
            if is_limit
            else "run again later",
        )
        with gate.ready:
            gate.shut = gate.shut or error
            gate.ready.notify_all()
        raise error


class _Gate:
    """The state of one host; its fields are guarded by `ready`."""

    __slots__ = (
        "cause", "failures", "free", "host", "met", "not_before", "open_until", "ready", "shut",
        "slow",
    )  # fmt: skip

    def __init__(self, host: str, places: int) -> None:
        self.host = host
        self.free = places
        self.ready = threading.Condition()
        self.not_before = 0.0
        self.met = False
        self.failures = 0
        self.slow = 0
        self.cause: RegistryError | None = None
        """How the row of failures began."""
        self.open_until = 0.0
        self.shut: RegistryError | None = None

    def leave(self) -> None:
        with self.ready:
            self.free += 1
            self.ready.notify()

    def wake(self) -> None:
        with self.ready:
            self.ready.notify_all()

    def answered(self) -> None:
        """Forget failed connections: there is somebody."""
        self.met = True
        if self.failures or self.open_until:
            with self.ready:
                self.failures, self.open_until = 0, 0.0

    def waited(self, until: float) -> None:
        """End a pause that somebody slept through, unless it was made longer meanwhile."""
        with self.ready:
            if self.not_before == until:
                self.not_before = 0.0

    def hold(self, until: float) -> None:
        """Make everybody wait."""
        with self.ready:
            self.not_before = max(self.not_before, until)


def _is_repeated(status: int) -> bool:
    return status in _REPEATED or (status in _SERVER_ERRORS and status != _NOT_IMPLEMENTED)


def _unreachable(error: TransportError) -> RegistryError:
    return RegistryError(error.message, _UNREACHABLE, hint=error.hint)
