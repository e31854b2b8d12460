"""Hash chains: one for each repository, so that no event can change, vanish or move unseen.

Each event is hashed with its place in the chain and the hash before it. Whoever can rewrite a
ledger can rehash it: what proves the past are heads that were noted elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from basekeeper.values.event import CHAIN_END, Break, Head, Verification, netstring_hash

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    Row = Mapping[Any, Any]

GENESIS: Final = bytes(32)
"""Stands before the first event of a chain."""

FORMAT: Final = "basekeeper ledger 1"
"""Begins what is hashed; another encoding would have another name."""

MAX_STEP: Final = 10 * 60 * 1_000_000
"""Microseconds by which clocks of machines may differ: a smaller step back is evened out."""

FIELDS: Final = (
    "id", "kind", "subject", "key", "at", "recorded", "source", "evidence", "policy", "tool",
    "data", "corrects",
)  # fmt: skip
"""The columns of an event, in the order in which they are hashed."""


class End(NamedTuple):
    """Where a chain ends now."""

    position: int = 0
    hash: bytes = GENESIS
    recorded: int | None = None


class Link(NamedTuple):
    """The place of an event in its chain."""

    chain: str
    position: int
    previous: bytes
    hash: bytes


def chain_of(subject: str) -> str:
    """Name the chain of a subject, see `Event.chain`."""
    return subject.partition(CHAIN_END)[0]


def link(row: dict[str, Any], end: End) -> Link:
    """Put an event behind the end of its chain.

    A clock that went back a little since the event before is evened out, so that questions about
    what was known get the answer that was given then. A larger step is recorded as it is: one
    clock that was years ahead must not date all that follows.
    """
    if end.recorded is not None and 0 < end.recorded - row["recorded"] <= MAX_STEP:
        row["recorded"] = end.recorded
    chain, position = chain_of(row["subject"]), end.position + 1
    return Link(chain, position, end.hash, hash_of(row, chain, position, end.hash))


def hash_of(row: Row, chain: str, position: int, previous: bytes) -> bytes:
    """Hash an event in its place."""
    fields = (row[name] for name in FIELDS)
    parts = (part if isinstance(part, bytes) else str(part) for part in fields)
    return netstring_hash((FORMAT, chain, str(position), previous, *parts))


class Checker:
    """Walks along the chains of a ledger and notes the first bad event of each."""

    def __init__(self, noted: Collection[Head] = ()) -> None:
        """Begin with nothing seen.

        Args:
            noted: Heads that somebody noted before, which must be places of these chains.
        """
        self.events = 0
        self._noted = {(head.chain, head.position): head.hash for head in noted}
        self._ends: dict[str, End] = {}
        self._last: dict[str, int] = {}
        self._breaks: dict[str, Break] = {}
        self._strays: list[Break] = []

    @property
    def broken(self) -> Break | None:
        """The first bad event that was seen in any chain; None: there is none."""
        return next(iter(self._breaks.values()), None)

    def see(self, linked: Link, row: Row | None, seq: int) -> None:
        """Look at one place of a chain; places come in their order.

        Args:
            linked: What is kept of the place.
            row: The event there; None where it is gone.
            seq: Its number in the order of recording.
        """
        self.events += row is not None
        if linked.chain in self._breaks:
            return
        reason = self._reason(linked, row, seq)
        if reason is None:
            reason = self._compare(linked)
        if reason is None:
            self._ends[linked.chain] = End(linked.position, linked.hash)
            self._last[linked.chain] = seq
            return
        position = self._ends.get(linked.chain, End()).position + 1
        self._breaks[linked.chain] = Break(linked.chain, position, reason)

    def note(self, found: Break) -> None:
        """Note what was found bad before it could be seen; an earlier find of the chain stays."""
        self._breaks.setdefault(found.chain, found)

    def see_stray(self, subject: str, what: str) -> None:
        """Note an event that has no place in any chain."""
        self.events += 1
        self._strays.append(Break(chain_of(subject), 0, what))

    def finish(self, heads: Iterable[Head]) -> Verification:
        """Compare the ends of the chains with the heads that the ledger keeps."""
        kept = {head.chain: head for head in heads}
        for chain in sorted({*self._ends, *kept} - set(self._breaks)):
            found = _end_break(chain, self._ends.get(chain, End()), kept.get(chain))
            if found is not None:
                self._breaks[chain] = found
        for chain, position in self._noted:  # those that were not met on the way
            self._breaks.setdefault(chain, Break(chain, position, "is missing"))
        sound = tuple(
            Head(chain, end.position, end.hash.hex())
            for chain, end in sorted(self._ends.items())
            if chain not in self._breaks
        )
        breaks = [self._breaks[chain] for chain in sorted(self._breaks)]
        return Verification(self.events, sound, (*breaks, *self._strays))

    def _compare(self, linked: Link) -> str | None:
        """Tell whether a place is another than was noted."""
        noted = self._noted.pop((linked.chain, linked.position), None)
        is_other = noted is not None and noted != linked.hash.hex()
        return "is another than was noted" if is_other else None

    def _reason(self, linked: Link, row: Row | None, seq: int) -> str | None:
        """Tell what is wrong with one place; None where nothing is."""
        end = self._ends.get(linked.chain, End())
        if linked.position > end.position + 1 or row is None:
            return "is missing"
        if linked.position <= end.position:
            return "is there twice"
        if chain_of(row["subject"]) != linked.chain:
            return "belongs to another chain"
        if linked.previous != end.hash:
            return "does not follow the event before it"
        if hash_of(row, *linked[:3]) != linked.hash:
            return "was changed after it was recorded"
        if seq <= self._last.get(linked.chain, 0):
            return "was moved to another place"
        return None


def _end_break(chain: str, end: End, head: Head | None) -> Break | None:
    """Tell what is wrong with the end of a chain."""
    if head is None:
        return Break(chain, end.position, "was inserted: the ledger knows no head of its chain")
    if head.position > end.position:
        return Break(chain, end.position + 1, "is missing")
    if head.position < end.position:
        return Break(chain, head.position + 1, "was inserted behind the end of its chain")
    if bytes.fromhex(head.hash) != end.hash:
        return Break(chain, end.position, "is another than the end of its chain")
    return None
