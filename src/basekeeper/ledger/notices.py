"""The outbox as events, where a ledger has no tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.errors import LedgerError
from basekeeper.values.event import Claim, Event, EventKind, Notice

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

SOURCE: Final = "basekeeper"
"""Who says so."""


MAX_PUT_OFF: Final = timedelta(days=2)
"""Nobody puts a notice off for longer: one that is due later is due now, as a clock was ahead."""


class Wanted(NamedTuple):
    """Which notices a sender takes."""

    subject: str | None = None
    """None: whatever they are about."""
    channels: Collection[str] = ()
    """None of them: all."""

    def has(self, notice: Notice) -> bool:
        """Tell whether a notice is one of them."""
        return (self.subject is None or notice.subject == self.subject) and (
            not self.channels or notice.channel in self.channels
        )


class _Standing(NamedTuple):
    """What became of a notice so far."""

    notice: Notice
    due: datetime
    attempts: int = 0
    is_settled: bool = False


def queued(notice: Notice, now: datetime) -> Event:
    """Tell that a notice is to be sent."""
    evidence = {"channel": notice.channel, "body": notice.body}
    return _event(EventKind.NOTICE_QUEUED, notice, notice.id, now, evidence)


def known(events: Iterable[Event]) -> frozenset[str]:
    """Return the ids of all notices that were ever queued."""
    return frozenset(event.key for event in events if event.kind is EventKind.NOTICE_QUEUED)


def claims(
    events: Iterable[Event], now: datetime, limit: int, lease: timedelta, wanted: Wanted
) -> tuple[tuple[Claim, Event], ...]:
    """Return the oldest notices that are due and wanted, each with the event that takes it.

    The event of an attempt has the same id whoever makes it: of two that take the same notice
    at the same time, only one adds it. What else it says is another with each claim, so that
    the two never look alike.
    """
    by = token_hex(8)
    due = [
        one
        for one in _standings(events).values()
        if not one.is_settled
        and (one.due <= now or one.due > now + MAX_PUT_OFF)
        and wanted.has(one.notice)
    ]
    until = (now + lease).astimezone(UTC).isoformat()
    found = []
    for notice, _, attempts, _ in due[:limit]:
        key = f"{notice.id}/{attempts + 1}"
        event = _event(EventKind.NOTICE_TRIED, notice, key, now, {"until": until, "by": by})
        found.append((Claim(notice, attempts + 1), event))
    return tuple(found)


def settled(claim: Claim, now: datetime, problem: str | None, retry_at: datetime | None) -> Event:
    """Tell what became of an attempt."""
    evidence = {} if problem is None else {"problem": problem}
    if retry_at is None:
        return _event(EventKind.NOTICE_SETTLED, claim.notice, claim.notice.id, now, evidence)
    evidence["until"] = retry_at.astimezone(UTC).isoformat()
    key = f"{claim.notice.id}/{claim.attempt}"
    return _event(EventKind.NOTICE_PUT_OFF, claim.notice, key, now, evidence)


def _standings(events: Iterable[Event]) -> Mapping[str, _Standing]:
    """Follow every notice through its events."""
    try:
        return _follow(events)
    except (KeyError, ValueError, TypeError) as error:
        raise LedgerError(
            "the outbox of the ledger cannot be read",
            hint="nobody but basekeeper may write to the ledger",
        ) from error


def _follow(events: Iterable[Event]) -> dict[str, _Standing]:
    found: dict[str, _Standing] = {}
    for event in events:
        name, _, number = event.key.rpartition("/")
        if event.kind is EventKind.NOTICE_QUEUED:
            notice = Notice(
                id=event.key, subject=event.subject, channel=event.evidence["channel"],
                body=event.evidence["body"],
            )  # fmt: skip
            found.setdefault(event.key, _Standing(notice, event.at))
        elif event.kind is EventKind.NOTICE_SETTLED and event.key in found:
            found[event.key] = found[event.key]._replace(is_settled=True)
        elif name in found and int(number) >= found[name].attempts:
            until = datetime.fromisoformat(event.evidence["until"])
            found[name] = found[name]._replace(due=until, attempts=int(number))
    return found


def _event(
    kind: EventKind, notice: Notice, key: str, now: datetime, evidence: Mapping[str, str]
) -> Event:
    return Event(
        kind=kind, subject=notice.subject, key=key, at=now, source=SOURCE, evidence=evidence
    )
