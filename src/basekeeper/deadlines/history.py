"""From moments to episodes: from a detection to the proof that the published image holds the fix.

When it is found again afterwards, that is a new episode. Images that were already known to have it
may be scanned again without beginning one; publishing such an image again, or standing on it again
after it was left, does.

What is in the base alone keeps a finding of a mapped product open until the product leaves that
base, or an image that was built on it is released and proven: a build may take it away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.deadlines.model import Moment, MomentKind
from basekeeper.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

_SAME_INSTANT: Final = {
    MomentKind.DETECTED: 0,
    MomentKind.LEFT: 1,
    MomentKind.MERGED: 2,
    MomentKind.RELEASED: 3,
    MomentKind.VERIFIED: 4,
    MomentKind.GONE: 4,
}
"""A proof of the instant of a detection proves nothing, so the detection comes first; who moves
from one image that has it to another one has it all the time."""

_TOLD: Final = frozenset(_SAME_INSTANT)
_PROOFS: Final = (MomentKind.VERIFIED, MomentKind.GONE)


@dataclass(frozen=True, slots=True)
class Episode:
    """One time that we had it."""

    number: int
    opened: datetime
    """When it was detected."""
    end: datetime | None
    """When the published image was proven; of an unmapped product when merged and proven."""


@dataclass(frozen=True, slots=True)
class ReleaseSeen:
    """One release, and whether it holds the finding."""

    at: datetime
    digest: str
    contains: bool | None
    """None: nobody looked."""


def episodes(moments: Iterable[Moment], *, is_mapped: bool) -> tuple[Episode, ...]:
    """Part what happened to a finding of a product into episodes, the oldest first.

    Args:
        moments: In any order.
        is_mapped: Whether releases tell the end; else a merge and a proof do.
    """
    teller = _Teller(is_mapped=is_mapped)
    for moment in sorted((one for one in moments if one.kind in _TOLD), key=_order):
        teller.tell(moment)
    return teller.finished()


def releases(moments: Sequence[Moment]) -> tuple[ReleaseSeen, ...]:
    """Tell of each release whether it holds the finding, by the last look at its image."""
    detected, verified = _last_looks(moments)
    blind = any(one.kind is MomentKind.DETECTED and one.digest is None for one in moments)
    found = set()
    for moment in moments:
        if moment.kind is not MomentKind.RELEASED or moment.digest is None:
            continue
        seen, proven = detected.get(moment.digest), verified.get(moment.digest)
        contains: bool | None = True if blind else None
        if seen is not None or proven is not None:
            contains = proven is None or (seen is not None and seen >= proven)
        found.add((moment.at, moment.digest, contains))
    return tuple(ReleaseSeen(*one) for one in sorted(found, key=lambda one: one[:2]))


def _last_looks(moments: Sequence[Moment]) -> tuple[dict[str, datetime], dict[str, datetime]]:
    """Return for each image when it was last found to have it, and last proven not to."""
    detected: dict[str, datetime] = {}
    verified: dict[str, datetime] = {}
    for moment in moments:
        last = detected if moment.kind is MomentKind.DETECTED else verified
        if moment.digest is not None and moment.kind in (MomentKind.DETECTED, *_PROOFS):
            last[moment.digest] = max(moment.at, last.get(moment.digest, moment.at))
    return detected, verified


class _Teller:
    """Tells one moment after the other, in the order of time."""

    def __init__(self, *, is_mapped: bool) -> None:
        self._is_mapped = is_mapped
        self._done: list[Episode] = []
        self._opened: datetime | None = None
        self._affected: dict[str | None, datetime] = {}
        """Image → when it was last found to have it."""
        self._proven: set[str | None] = set()
        self._again: dict[str | None, datetime] = {}
        """Image → when it was first found to have it since the last end."""
        self._pending: set[str | None] = set()
        """Images found to have it that no later release has put aside."""
        self._shipped: set[str | None] = set()
        self._published: str | None = None
        self._is_merged = False
        self._is_proven = False
        self._is_gone = False
        self._is_withdrawn = False
        self._is_taken_away = False
        """Whether the build of the published image is proven to take away what its base has."""

    def tell(self, moment: Moment) -> None:
        """Take one moment into account."""
        if moment.kind is MomentKind.DETECTED:
            self._detected(moment)
        elif moment.kind in _PROOFS:
            self._verified(moment)
        elif moment.kind is MomentKind.MERGED:
            self._is_merged = self._opened is not None
        elif moment.kind is MomentKind.LEFT:
            self._left(moment.digest)
        else:
            self._released(moment)
        self._close_if_proven(moment.at)

    def finished(self) -> tuple[Episode, ...]:
        """Return all episodes; the last one may be open."""
        if self._opened is not None:
            self._done.append(Episode(len(self._done) + 1, self._opened, None))
            self._opened = None
        return tuple(self._done)

    def _detected(self, moment: Moment) -> None:
        digest = moment.digest
        self._is_withdrawn = False
        if moment.is_base and self._is_taken_away and self._published in self._proven:
            self._affected[digest] = moment.at
            return
        is_past = digest in self._shipped and digest != self._published
        is_news = digest is None or (digest not in self._affected and not is_past)
        if self._opened is None and (is_news or not self._done):
            self._open(moment.at)
        if self._opened is None:
            self._again.setdefault(digest, moment.at)
        if is_news:
            self._is_proven = self._is_gone = False
        self._affected[digest] = moment.at
        self._proven.discard(digest)
        if not is_past:
            self._pending.add(digest)

    def _verified(self, moment: Moment) -> None:
        if self._affected.get(moment.digest) == moment.at:
            return
        self._affected.pop(moment.digest, None)
        self._pending.discard(moment.digest)
        if moment.digest == self._published and moment.built_on in self._affected:
            self._is_taken_away = True
            self._pending.discard(moment.built_on)
        self._proven.add(moment.digest)
        self._is_proven = self._opened is not None
        self._is_gone = moment.kind is MomentKind.GONE and not self._pending

    def _left(self, digest: str | None) -> None:
        """Forget what an image has on which nothing stands any more, unless it was published."""
        gone = {digest} if digest is not None else self._affected.keys() | self._proven
        for one in gone - self._shipped:
            self._affected.pop(one, None)
            self._pending.discard(one)
            self._proven.discard(one)
        self._is_withdrawn = digest is None

    def _released(self, moment: Moment) -> None:
        self._is_taken_away = self._is_taken_away and moment.digest in self._proven
        self._published = moment.digest
        self._shipped.add(moment.digest)
        self._pending = {moment.digest} & self._affected.keys()
        if self._opened is None and self._done and moment.digest in self._affected:
            self._open(self._again.get(moment.digest, moment.at))

    def _open(self, at: datetime) -> None:
        self._opened = at
        self._is_merged = self._is_proven = self._is_gone = False

    def _close_if_proven(self, at: datetime) -> None:
        if self._opened is None:
            return
        if self._is_mapped:
            is_over = self._published in self._proven and not self._pending
        else:
            is_proven = self._is_merged and self._is_proven
            is_over = self._is_gone or is_proven or self._is_withdrawn
        if is_over:
            self._done.append(Episode(len(self._done) + 1, self._opened, at))
            self._opened = None
            self._again = {}


def _order(moment: Moment) -> tuple[datetime, int, str]:
    return (moment.at, _SAME_INSTANT[moment.kind], moment.digest or "")
