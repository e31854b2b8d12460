"""Hash chains in a database: made with each batch of events, and looked over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, select

from basekeeper.ledger.chain import FIELDS, Checker, End, Link, chain_of, link
from basekeeper.ledger.schema import END, EVENT, LINK
from basekeeper.values.event import Head

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection, Insert

    from basekeeper.values.event import Verification

ROWS_AT_ONCE: Final = 2_000
"""Events that `verify_chains` holds at once."""


class ChainWriter:
    """Adds events to their chains within one transaction, while nobody else writes."""

    def __init__(self, connection: Connection, insert: Insert) -> None:
        """Begin.

        Args:
            connection: In a transaction that holds the lock of writers.
            insert: The statement that adds an event.
        """
        self._connection = connection
        self._insert = insert
        self._ends: dict[str, End] = {}
        self._grown: set[str] = set()
        self._old: set[str] = set()

    def add(self, rows: list[dict[str, Any]]) -> int:
        """Add those that are not there yet, and return how many that were."""
        by_id = {row["id"]: row for row in reversed(rows)}  # of equal ones the first stays
        there = self._connection.scalars(select(EVENT.c.id).where(EVENT.c.id.in_(list(by_id))))
        known = set(there)
        new = [row for key, row in reversed(by_id.items()) if key not in known]
        if new:
            self._load({chain_of(row["subject"]) for row in new})
            links = [self._link(row) for row in new]
            self._connection.execute(self._insert, new)
            self._connection.execute(LINK.insert(), links)
        return len(new)

    def finish(self) -> None:
        """Write where the chains end now."""
        ends = [{"name": name, **self._ends[name]._asdict()} for name in sorted(self._grown)]
        old = [end for end in ends if end["name"] in self._old]
        new = [{"chain": end.pop("name"), **end} for end in ends if end["name"] not in self._old]
        if new:
            self._connection.execute(END.insert(), new)
        if old:
            names: dict[str, Any] = {column: bindparam(column) for column in End._fields}
            moved = END.update().where(END.c.chain == bindparam("name")).values(names)
            self._connection.execute(moved, old)

    def _load(self, chains: set[str]) -> None:
        """Read where chains end."""
        asked = sorted(chains - set(self._ends))
        for row in self._connection.execute(select(END).where(END.c.chain.in_(asked))):
            self._ends[row.chain] = End(row.position, row.hash, row.recorded)
            self._old.add(row.chain)

    def _link(self, row: dict[str, Any]) -> dict[str, Any]:
        """Put an event at the end of its chain."""
        made = link(row, self._ends.get(chain_of(row["subject"]), End()))
        self._ends[made.chain] = End(made.position, made.hash, row["recorded"])
        self._grown.add(made.chain)
        return {"id": row["id"], **made._asdict()}


def read_heads(connection: Connection) -> tuple[Head, ...]:
    """Return where each chain ends, in the order of their names."""
    rows = connection.execute(select(END.c.chain, END.c.position, END.c.hash))
    heads = [Head(chain, position, hashed.hex()) for chain, position, hashed in rows]
    return tuple(sorted(heads, key=lambda head: head.chain))


def verify_chains(connection: Connection, noted: Collection[Head]) -> Verification:
    """Look at every event in its place.

    Args:
        connection: In a transaction that sees one picture.
        noted: Heads that somebody noted before.
    """
    checker = Checker(noted)
    joined = LINK.outerjoin(EVENT, EVENT.c.id == LINK.c.id)
    columns = [LINK.c[name] for name in Link._fields]
    fields = [EVENT.c[name] for name in FIELDS]
    places = select(*columns, EVENT.c.seq, *fields).select_from(joined)
    ordered = places.order_by(LINK.c.chain, LINK.c.position)
    for row in connection.execution_options(yield_per=ROWS_AT_ONCE).execute(ordered):
        chain, position, previous, hashed, seq, *values = row
        event = None if seq is None else dict(zip(FIELDS, values, strict=True))
        checker.see(Link(chain, position, previous, hashed), event, seq or 0)
    outside = EVENT.outerjoin(LINK, EVENT.c.id == LINK.c.id)
    strays = select(EVENT.c.subject, EVENT.c.seq).select_from(outside).where(LINK.c.id.is_(None))
    for subject, seq in connection.execute(strays.order_by(EVENT.c.seq)):
        checker.see_stray(subject, f"number {seq} was inserted outside of the chain")
    return checker.finish(read_heads(connection))
