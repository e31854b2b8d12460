"""Hash chains over all events, digests with each event, corrections, and the outbox."""

from __future__ import annotations

from itertools import groupby, islice
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from alembic import op

from basekeeper.ledger.chain import End, chain_of, hash_of

if TYPE_CHECKING:
    from collections.abc import Iterator

revision = "0002"
down_revision = "0001"

_BATCH = 1_000
_REFUSAL = "the ledger is append-only"
_ADDED = ("policy", "tool", "data", "corrects")

_SQLITE = (
    f"""
    CREATE TRIGGER basekeeper_link_no_update BEFORE UPDATE ON basekeeper_link
    BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END
    """,
    f"""
    CREATE TRIGGER basekeeper_link_no_delete BEFORE DELETE ON basekeeper_link
    BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END
    """,
    f"""
    CREATE TRIGGER basekeeper_link_no_replace BEFORE INSERT ON basekeeper_link
    WHEN EXISTS (
        SELECT 1 FROM basekeeper_link
        WHERE id = NEW.id OR (chain = NEW.chain AND position = NEW.position)
    )
    BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END
    """,  # noqa: S608  # no outside text
    f"""
    CREATE TRIGGER basekeeper_head_only_on BEFORE UPDATE ON basekeeper_head
    WHEN NEW.chain <> OLD.chain OR NEW.position <= OLD.position
    BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END
    """,
    f"""
    CREATE TRIGGER basekeeper_head_no_delete BEFORE DELETE ON basekeeper_head
    BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END
    """,
    f"""
    CREATE TRIGGER basekeeper_head_no_replace BEFORE INSERT ON basekeeper_head
    WHEN EXISTS (SELECT 1 FROM basekeeper_head WHERE chain = NEW.chain)
    BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END
    """,  # noqa: S608
)
_POSTGRESQL = (
    """
    CREATE TRIGGER basekeeper_link_no_change BEFORE UPDATE OR DELETE ON basekeeper_link
    FOR EACH ROW EXECUTE FUNCTION basekeeper_refuse()
    """,
    """
    CREATE TRIGGER basekeeper_link_no_truncate BEFORE TRUNCATE ON basekeeper_link
    FOR EACH STATEMENT EXECUTE FUNCTION basekeeper_refuse()
    """,
    """
    CREATE TRIGGER basekeeper_head_only_on BEFORE UPDATE ON basekeeper_head
    FOR EACH ROW WHEN (NEW.chain <> OLD.chain OR NEW.position <= OLD.position)
    EXECUTE FUNCTION basekeeper_refuse()
    """,
    """
    CREATE TRIGGER basekeeper_head_no_delete BEFORE DELETE ON basekeeper_head
    FOR EACH ROW EXECUTE FUNCTION basekeeper_refuse()
    """,
    """
    CREATE TRIGGER basekeeper_head_no_truncate BEFORE TRUNCATE ON basekeeper_head
    FOR EACH STATEMENT EXECUTE FUNCTION basekeeper_refuse()
    """,
)


def upgrade() -> None:
    """Add columns and tables, and chain the events that are there in the order of recording."""
    for name in _ADDED:
        column = sa.Column(name, sa.Text, nullable=False, server_default="")
        op.add_column("basekeeper_event", column)
    _create_tables()
    _chain()
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in _SQLITE if is_sqlite else _POSTGRESQL:
        op.execute(statement)


def _create_tables() -> None:
    op.create_table(
        "basekeeper_link",
        sa.Column("id", sa.LargeBinary, primary_key=True),
        sa.Column("chain", sa.Text, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("previous", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("chain", "position", name="basekeeper_link_place"),
    )
    op.create_table(
        "basekeeper_head",
        sa.Column("chain", sa.Text, primary_key=True),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("recorded", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "basekeeper_outbox",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("queued", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.BigInteger, nullable=False),
        sa.Column("due", sa.BigInteger, nullable=False),
        sa.Column("settled", sa.BigInteger),
        sa.Column("problem", sa.Text),
        sa.UniqueConstraint("id", name="basekeeper_outbox_id"),
        sqlite_autoincrement=True,
    )


def _chain() -> None:
    """Fill the new tables from the events, a page at a time."""
    links = sa.table("basekeeper_link", *map(sa.column, ("id", *_LINK_COLUMNS)))
    heads = sa.table("basekeeper_head", *map(sa.column, ("chain", "position", "hash", "recorded")))
    connection = op.get_bind()
    ends: dict[str, End] = {}
    rows = _rows(connection)
    while page := list(islice(rows, _BATCH)):
        made = []
        for row in page:
            chain = chain_of(row["subject"])
            end = ends.get(chain, End())
            place = (chain, end.position + 1, end.hash)
            hashed = hash_of(row, *place)
            ends[chain] = End(end.position + 1, hashed, row["recorded"])
            made.append(dict(zip(("id", *_LINK_COLUMNS), (row["id"], *place, hashed), strict=True)))
        connection.execute(links.insert(), made)
    for _, group in groupby(enumerate(ends.items()), lambda numbered: numbered[0] // _BATCH):
        connection.execute(
            heads.insert(), [{"chain": chain, **end._asdict()} for _, (chain, end) in group]
        )


_LINK_COLUMNS = ("chain", "position", "previous", "hash")


def _rows(connection: sa.Connection) -> Iterator[Any]:
    """Yield the events in the order of recording."""
    last = 0
    query = sa.text("SELECT * FROM basekeeper_event WHERE seq > :last ORDER BY seq LIMIT :count")
    while True:
        page = connection.execute(query, {"last": last, "count": _BATCH}).mappings().all()
        yield from page
        if len(page) < _BATCH:
            return
        last = page[-1]["seq"]
