"""The ledger on a branch of a git repository, for machines that lose their disk.

All events are read into memory when it is opened. What is appended becomes one commit, pushed
only as the next one of the branch: where another writer was first, everything is read again and
computed anew, so that no event is lost or there twice.
"""

from __future__ import annotations

import os
import random
import time
from pathlib import Path
from secrets import token_hex
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from basekeeper.errors import LedgerError
from basekeeper.ledger import notices as outbox
from basekeeper.ledger.chain import chain_of
from basekeeper.ledger.clock import read_clock
from basekeeper.ledger.git import PushRefused, RemoteBranch
from basekeeper.ledger.rows import event_of, microseconds, record_of, row_of, sights_of
from basekeeper.ledger.state import State
from basekeeper.values.event import NOTICE_KINDS, EventKind, Head

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from datetime import datetime, timedelta

    from basekeeper.ledger.location import Location
    from basekeeper.ledger.state import Grown
    from basekeeper.values.event import Claim, Event, Notice, Record, Sight, Verification

ATTEMPTS: Final = 30
"""How often a push is tried that others were faster than."""

UNMOVED_ATTEMPTS: Final = 3
"""How often a push is tried that was refused though nobody was faster."""

PAUSE_SECONDS: Final = (0.02, 2.0)
"""Shortest and longest pause between two attempts."""

_SIGHTS: Final = (EventKind.FIRST_SEEN, EventKind.RETRACTED)


def open_branch(
    location: Location, *, clock: Callable[[], datetime] | None, start: Path | None = None
) -> BranchLedger:
    """Open a ledger on a branch; the branch is made by the first append.

    Args:
        location: Names the branch.
        clock: Tells when something is recorded. None: to read alone.
        start: A directory in the clone whose remote has the branch; None: the current one.

    Raises:
        LedgerError: The remote cannot be reached, the branch is no ledger or newer than this
            program, or, for reading, is not there.
        ProgramMissing: git is not installed.
    """
    where = start or Path.cwd()
    remote = RemoteBranch(where, location.branch, os.environ, url=location.remote)
    ledger = BranchLedger(location, remote, clock)
    try:
        ledger.load()
    except BaseException:
        ledger.close()
        raise
    return ledger


class BranchLedger:
    """Events in memory, and on a branch; see `ports.Ledger`. Safe to share between threads."""

    def __init__(
        self, location: Location, remote: RemoteBranch, clock: Callable[[], datetime] | None
    ) -> None:
        """Keep what `open_branch` opened."""
        self._location = location
        self._remote = remote
        self._clock = clock
        self._lock = Lock()
        self._state = State(None, {}, {})
        self._broken: Verification | None = None
        self._read: dict[str, bytes] = {}  # by the object ids of git

    def load(self) -> None:
        """Read the branch as it is now.

        Raises:
            LedgerError: It cannot be read, or, for reading alone, is not there.
        """
        tip = self._remote.tip()
        if tip is None:
            self._forget()
            return
        if tip == self._state.commit:
            return
        commit = self._remote.fetch()
        listed = self._remote.files(commit)
        read = self._remote.read(set(listed.values()) - set(self._read))
        known = self._read | read
        self._read = {object_id: known[object_id] for object_id in listed.values()}
        contents = {path: self._read[object_id] for path, object_id in listed.items()}
        state = State.read(commit, contents, self._state, self._remote.name)
        found = state.check(tuple(self._state.heads.values()))
        self._broken = None if found.is_sound else found
        self._state = state

    def append(self, events: Iterable[Event], notices: Iterable[Notice] = ()) -> int:
        """Add events and notices in one commit; return how many events were new."""
        now = self._now()
        rows = [row_of(event, microseconds(now)) for event in events]
        queue = list(notices)
        with self._lock:
            added = self._record(lambda: [*rows, *self._queued(queue, now)], now)
        return sum(row["id"] in added for row in {row["id"]: row for row in rows}.values())

    def events(
        self,
        *,
        subject: str | None = None,
        chains: Collection[str] = (),
        kinds: Collection[EventKind] = (),
        as_of: datetime | None = None,
    ) -> Iterator[Event]:
        """Yield events in the order in which they were recorded, as of the last reading."""
        return map(event_of, self._rows(subject, chains, kinds, as_of))

    def records(
        self,
        *,
        subject: str | None = None,
        chains: Collection[str] = (),
        kinds: Collection[EventKind] = (),
        as_of: datetime | None = None,
    ) -> Iterator[Record]:
        """Yield the same events with their places."""
        return map(record_of, self._rows(subject, chains, kinds, as_of))

    def first_seen(self, repositories: Collection[str]) -> Mapping[str, tuple[Sight, ...]]:
        """Return the first sights of each repository, earliest first; none: an empty tuple."""
        wanted = sorted(set(repositories))
        found = sights_of(self._rows(None, (), _SIGHTS, None))
        return {name: found.get(name, ()) for name in wanted}

    def heads(self) -> tuple[Head, ...]:
        """Return the end of each chain, in the order of their names."""
        self._check_sound()
        heads = self._state.heads
        return tuple(heads[chain] for chain in sorted(heads))

    def verify(self, noted: Collection[Head] = ()) -> Verification:
        """Look at every event; see `ports.Ledger`."""
        return self._broken or self._state.check(noted)

    def claim(
        self,
        *,
        limit: int,
        lease: timedelta,
        subject: str | None = None,
        channels: Collection[str] = (),
    ) -> tuple[Claim, ...]:
        """Take notices that are due; see `ports.Ledger`."""
        now, wanted = self._now(), outbox.Wanted(subject, channels)
        with self._lock:
            self.load()
            made = outbox.claims(self._notices(), now, limit, lease, wanted)
            rows = [row_of(event, microseconds(now)) for _, event in made]
            added = self._record(lambda: rows, now) if rows else frozenset()
        return tuple(claim for claim, event in made if bytes.fromhex(event.id) in added)

    def settle(
        self, claim: Claim, *, problem: str | None = None, retry_at: datetime | None = None
    ) -> None:
        """Say what became of a notice; see `ports.Ledger`."""
        now = self._now()
        with self._lock:
            if claim.notice.id not in outbox.known(self._notices()):
                raise LedgerError(f"notice {claim.notice.id!r:.80} was never queued")
            event = outbox.settled(claim, now, problem, retry_at)
            self._record(lambda: [row_of(event, microseconds(now))], now)

    def close(self) -> None:
        """Remove what was fetched."""
        self._remote.close()

    def _rows(
        self,
        subject: str | None,
        chains: Collection[str],
        kinds: Collection[EventKind],
        as_of: datetime | None,
    ) -> Iterator[Mapping[str, Any]]:
        """Yield rows of events; those of the outbox only when asked for."""
        self._check_sound()
        wanted = {kind.value for kind in kinds}
        hidden = {kind.value for kind in NOTICE_KINDS}
        end = None if as_of is None else microseconds(as_of)
        for entry in self._state.entries:
            row = entry.row
            if (
                (subject is None or row["subject"] == subject)
                and (not chains or chain_of(row["subject"]) in chains)
                and (row["kind"] in wanted if wanted else row["kind"] not in hidden)
                and (end is None or row["recorded"] <= end)
            ):
                yield entry.columns

    def _record(self, rows: Callable[[], list[dict[str, Any]]], now: datetime) -> frozenset[bytes]:
        """Push what is not there yet, and return the ids of what this call added."""
        tried: dict[bytes, bytes] = {}  # id → hash, of what may have arrived, as nobody told
        unmoved = 0
        for attempt in range(ATTEMPTS):
            self._check_sound()
            there = {
                entry.row["id"]
                for entry in self._state.entries
                if tried.get(entry.row["id"]) == entry.link.hash
            }
            grown = self._state.grow(rows())
            if not grown.added:
                return frozenset(there)
            mine = {entry.row["id"]: entry.link.hash for entry in grown.added}
            before = self._state.commit
            problem = self._push(grown, now)
            if problem is None:
                return frozenset({*there, *mine})
            if not isinstance(problem, PushRefused):
                tried |= mine
            self.load()
            unmoved = unmoved + 1 if self._state.commit == before else 0
            if unmoved == UNMOVED_ATTEMPTS:
                raise problem
            least, most = PAUSE_SECONDS
            time.sleep(random.uniform(least, min(most, least * 2**attempt)))  # noqa: S311  # no secret
        raise LedgerError(
            f"ledger {self._location} was moved on by others {ATTEMPTS} times in a row",
            hint="let fewer jobs record at the same time, or use a database",
        )

    def _push(self, grown: Grown, now: datetime) -> LedgerError | None:
        """Push one commit; return why it did not arrive, or may not have."""
        count = len(grown.added)
        title = f"ledger: add {count} event{'' if count == 1 else 's'}"
        # Two writers of the same events must not make the same commit: both would think it theirs.
        message = f"{title}\n\n[skip ci]\nWriter: {token_hex(8)}\n"
        commit = self._remote.commit(self._state.commit, grown.changed, message, now)
        try:
            self._remote.push(commit)
        except LedgerError as error:
            return error
        grown.state.commit = commit
        self._state = grown.state
        return None

    def _queued(self, notices: list[Notice], now: datetime) -> list[dict[str, Any]]:
        """Write the notices that are not there yet as rows."""
        known = outbox.known(self._notices()) if notices else frozenset()
        new = [notice for notice in notices if notice.id not in known]
        return [row_of(outbox.queued(notice, now), microseconds(now)) for notice in new]

    def _notices(self) -> list[Event]:
        return list(self.events(kinds=NOTICE_KINDS))

    def _forget(self) -> None:
        """Begin anew where the remote has no such branch."""
        if self._state.commit is not None:
            raise LedgerError(
                f"ledger {self._location} was deleted while it was open",
                hint="restore the branch from a clone, or from the last job that pushed it",
            )
        if self._clock is None:
            raise LedgerError(
                f"ledger {self._location} is not on the remote",
                hint="record something first, or name the right branch",
            )

    def _check_sound(self) -> None:
        """Refuse to read from, or to add to, a chain that somebody changed."""
        if self._broken is not None:
            first = self._broken.breaks[0]
            raise LedgerError(
                f"ledger {self._location}: event {first.position} of {first.chain!r:.200}"
                f" {first.reason}",
                hint="restore the branch from a commit before; basekeeper ledger verify tells more",
            )

    def _now(self) -> datetime:
        return read_clock(self._location, self._clock)
