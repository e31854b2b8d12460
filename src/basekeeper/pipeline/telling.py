"""Telling the outside of deadlines: what is new is queued, and what is queued is sent.

1. deadlines  deadlines, what channels were told → events and notices; the ledger takes them at once
2. ledger     notices that are due → claims, each for a while
3. notify     claims → sent, to be tried again, given up; the ledger is told of each
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.deadlines.notices import plan_notices, read_announced, read_header
from basekeeper.records import dataclass
from basekeeper.values.event import Event, EventKind
from basekeeper.values.notifying import Later, Message, Refused, Sent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from basekeeper.deadlines.model import Deadline
    from basekeeper.ports import Channel, Ledger
    from basekeeper.values.event import Claim, Notice
    from basekeeper.values.notifying import Audience, Delivery

LEASE: Final = timedelta(minutes=10)
"""How long a claimed notice is ours: far longer than a run may send on one channel."""

BUDGET_SECONDS: Final = 45.0
"""After so long on one channel the rest is left to the next run; one request may still end."""

BATCH: Final = 20
"""Notices claimed at once, after a first one arrived."""

FIRST_PAUSE: Final = timedelta(minutes=1)
"""Before the second attempt; each further pause is twice as long, up to the longest."""

LONGEST_PAUSE: Final = timedelta(hours=6)

LONGEST_ASKED: Final = timedelta(days=1)
"""The most that a receiver can ask for."""

SHORT_SECONDS: Final = 2.0
"""Before the second attempt of a run, where the receiver does not say: who runs once a day would
else tell a day late what a moment's failure kept back."""

MAX_SHORT_SECONDS: Final = 10.0
"""The longest pause that a receiver can ask for within a run."""

MAX_ATTEMPTS: Final = 40

MIN_ATTEMPTS: Final = 6
"""No age ends a notice before: who runs once a week tries in three of them."""

MAX_AGE: Final = timedelta(days=3)
"""After so long a notice that failed so often is given up."""

OLD_NEWS: Final = timedelta(days=30)
"""After so long a notice is not sent any more: what it says holds no longer."""

_SOURCE: Final = "basekeeper"


@dataclass(frozen=True, slots=True)
class Failed:
    """A notice that did not arrive."""

    id: str
    attempt: int
    reason: str
    """Without secrets."""
    retry_at: datetime | None
    """When to try again; None: given up."""


@dataclass(frozen=True, slots=True)
class ChannelTold:
    """What became of the notices of one channel in one run."""

    name: str
    sent: int
    """Messages that arrived."""
    later: tuple[Failed, ...]
    """Those that are to be tried again."""
    given_up: tuple[Failed, ...]
    """Those that are not; the ledger holds an event for each."""
    left: int
    """Those that were not tried, as one before failed or no time was left."""


def announce(
    ledger: Ledger,
    deadlines: Sequence[Deadline],
    audiences: Iterable[Audience],
    *,
    repository: str,
    now: datetime,
) -> int:
    """Queue what channels are to be told and were not told yet; return how many messages.

    It may be called as often as anybody likes, by several runs at once: each step of each episode
    is told once on each channel.

    Args:
        ledger: Open for writing.
        deadlines: Every episode of every finding of the repository, reckoned at `now`.
        audiences: One for each channel.
        repository: What events and notices are about; the name of its chain.
        now: The instant of the run.

    Raises:
        LedgerError: It cannot be reached or refuses.
    """
    before = read_announced(ledger.events(subject=repository, kinds=(EventKind.ANNOUNCED,))).heard
    plans = [
        plan_notices(deadlines, before.get(one.name), one, repository=repository, now=now)
        for one in audiences
    ]
    events = [event for plan in plans for event in plan.events]
    notices = [notice for plan in plans for notice in plan.notices]
    if events or notices:
        ledger.append(events, notices)
    return len(notices)


def tell(  # noqa: PLR0913  # three of them that tests alone replace
    ledger: Ledger,
    channels: Iterable[Channel],
    *,
    repository: str,
    clock: Callable[[], datetime],
    timer: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
) -> tuple[ChannelTold, ...]:
    """Send what is due on each channel; one that fails keeps no other from being told.

    Args:
        ledger: Open for writing, by the same clock: leases are reckoned by it.
        channels: Those whose notices are sent; notices to others are left alone.
        repository: Whose notices are sent.
        clock: Tells the time: receivers refuse what was signed minutes ago.
        timer: Tells how long it took, in seconds.
        sleep: Waits some seconds, `MAX_SHORT_SECONDS` at most, once for each channel.

    Raises:
        LedgerError: It cannot be reached or refuses. What was sent and could not be settled is
            sent again, with the same id.
    """
    times = _Times(clock, timer, sleep)
    return tuple(_Teller(ledger, channel, repository, times).tell_all() for channel in channels)


class _Times(NamedTuple):
    """How time is told, and passes."""

    clock: Callable[[], datetime]
    timer: Callable[[], float]
    sleep: Callable[[float], object]


class _Asked(NamedTuple):
    """A claimed notice and what it tells."""

    claim: Claim
    items: tuple[Mapping[str, str], ...]


class _Teller:
    """Sends the notices of one channel."""

    def __init__(self, ledger: Ledger, channel: Channel, repository: str, times: _Times) -> None:
        self._ledger = ledger
        self._channel = channel
        self._repository = repository
        self._clock, self._timer, self._sleep = times
        self._end = self._timer() + BUDGET_SECONDS
        self._sent = self._left = 0
        self._has_failed = self._has_waited = False
        self._later: list[Failed] = []
        self._given_up: list[Failed] = []

    def tell_all(self) -> ChannelTold:
        """Send until nothing is due, one fails, or the time is over.

        The first is claimed alone: where the receiver is down, the others lose no attempt, and
        where the address is wrong, no more than one is given up in a run.
        """
        limit = 1
        while not self._must_stop() and (asked := self._claimed(limit)):
            for one in asked:
                if self._must_stop():
                    self._put_off(one.claim)
                else:
                    self._handle(one)
            limit = BATCH if self._sent else 1
        return ChannelTold(
            self._channel.name, self._sent, tuple(self._later), tuple(self._given_up), self._left
        )

    def _must_stop(self) -> bool:
        return self._has_failed or self._timer() >= self._end

    def _claimed(self, limit: int) -> list[_Asked]:
        claims = self._ledger.claim(
            limit=limit, lease=LEASE, subject=self._repository, channels=[self._channel.name]
        )
        if not claims:
            return []
        # After the claim: whoever queued the notice wrote at once what it tells.
        events = self._ledger.events(subject=self._repository, kinds=(EventKind.ANNOUNCED,))
        told = read_announced(events).told
        return [_Asked(claim, told.get(claim.notice.id, ())) for claim in claims]

    def _handle(self, asked: _Asked) -> None:
        """Send one notice, and settle it."""
        claim, now = asked.claim, self._clock()
        if not asked.items:
            self._ledger.settle(claim, problem="all of it was told by others")
            return
        try:
            message = _message(claim, asked.items)
        except ValueError as error:
            self._give_up(claim, f"its body {error}", now)
            return
        if now - message.at > OLD_NEWS:
            self._give_up(claim, f"older than {OLD_NEWS.days} days", now)
            return
        delivery = self._channel.send(message, now=now)
        self._settle(claim, delivery, self._clock(), message.at)

    def _settle(self, claim: Claim, delivery: Delivery, now: datetime, at: datetime) -> None:
        if isinstance(delivery, Sent):
            self._ledger.settle(claim)
            self._sent += 1
        elif isinstance(delivery, Later) and self._can_wait(delivery):
            self._wait(claim, delivery, now)
        else:
            self._has_failed = True
            self._fail(claim, delivery, now, at)

    def _can_wait(self, later: Later) -> bool:
        """Tell whether a second attempt in this run is worth it; there is one for each channel."""
        return not self._has_waited and (later.after or 0) <= MAX_SHORT_SECONDS

    def _wait(self, claim: Claim, later: Later, now: datetime) -> None:
        """Give a notice back for a moment; it is claimed again as any other."""
        self._has_waited = True
        seconds = max(SHORT_SECONDS, later.after or 0)
        retry_at = now + timedelta(seconds=seconds)
        self._ledger.settle(claim, problem=later.reason, retry_at=retry_at)
        self._sleep(seconds)

    def _fail(self, claim: Claim, delivery: Later | Refused, now: datetime, at: datetime) -> None:
        if isinstance(delivery, Refused) or _is_last(claim, now - at):
            self._give_up(claim, delivery.reason, now)
        else:
            retry_at = now + pause_after(claim.attempt, delivery)
            self._ledger.settle(claim, problem=delivery.reason, retry_at=retry_at)
            failed = Failed(claim.notice.id, claim.attempt, delivery.reason, retry_at)
            self._later.append(failed)

    def _give_up(self, claim: Claim, reason: str, now: datetime) -> None:
        """Record that a notice did not arrive, and then try it no more."""
        self._ledger.append([_undelivered(claim.notice, claim.attempt, reason, now)])
        self._ledger.settle(claim, problem=reason)
        self._given_up.append(Failed(claim.notice.id, claim.attempt, reason, None))

    def _put_off(self, claim: Claim) -> None:
        """Give back what was not tried."""
        self._ledger.settle(claim, problem="not tried", retry_at=self._clock())
        self._left += 1


def pause_after(attempt: int, later: Later) -> timedelta:
    """Return how long to wait after an attempt: ever longer, and as long as the receiver asks."""
    pause = min(FIRST_PAUSE * (1 << min(attempt - 1, MAX_ATTEMPTS)), LONGEST_PAUSE)
    asked = timedelta(seconds=later.after or 0)
    return max(pause, min(asked, LONGEST_ASKED))


def _is_last(claim: Claim, age: timedelta) -> bool:
    is_old = age >= MAX_AGE and claim.attempt >= MIN_ATTEMPTS
    return is_old or claim.attempt >= MAX_ATTEMPTS


def _message(claim: Claim, items: tuple[Mapping[str, str], ...]) -> Message:
    """Build a message: the same in every attempt, but for the number of the attempt.

    Raises:
        ValueError: The body of the notice is none that this program wrote.
    """
    header = read_header(claim.notice.body)
    return Message(
        id=claim.notice.id,
        attempt=claim.attempt,
        at=header.at,
        repository=claim.notice.subject,
        product=header.product,
        topic=header.topic,
        items=items,
    )


def _undelivered(notice: Notice, attempt: int, reason: str, now: datetime) -> Event:
    said = {"channel": notice.channel, "reason": reason, "attempts": str(attempt)}
    return Event(
        kind=EventKind.UNDELIVERED,
        subject=notice.subject,
        key=notice.id,
        at=now,
        source=_SOURCE,
        evidence=said,
    )
