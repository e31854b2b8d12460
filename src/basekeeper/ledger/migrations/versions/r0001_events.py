"""The table of events, to which the database itself lets rows only be added."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_REFUSAL = "the ledger is append-only"

# REPLACE deletes without a DELETE trigger, so an insert over an existing row is ignored first.
_SQLITE = (
    f"""
    CREATE TRIGGER basekeeper_event_no_update BEFORE UPDATE ON basekeeper_event
    BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END
    """,
    f"""
    CREATE TRIGGER basekeeper_event_no_delete BEFORE DELETE ON basekeeper_event
    BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END
    """,
    """
    CREATE TRIGGER basekeeper_event_no_replace BEFORE INSERT ON basekeeper_event
    WHEN EXISTS (SELECT 1 FROM basekeeper_event WHERE id = NEW.id OR seq = NEW.seq)
    BEGIN SELECT RAISE(IGNORE); END
    """,
)
_POSTGRESQL = (
    f"""
    CREATE FUNCTION basekeeper_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$
    """,
    """
    CREATE TRIGGER basekeeper_event_no_change BEFORE UPDATE OR DELETE ON basekeeper_event
    FOR EACH ROW EXECUTE FUNCTION basekeeper_refuse()
    """,
    """
    CREATE TRIGGER basekeeper_event_no_truncate BEFORE TRUNCATE ON basekeeper_event
    FOR EACH STATEMENT EXECUTE FUNCTION basekeeper_refuse()
    """,
)


def upgrade() -> None:
    """Create the table, its index and the triggers."""
    op.create_table(
        "basekeeper_event",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("id", sa.LargeBinary, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("recorded", sa.BigInteger, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("evidence", sa.Text, nullable=False),
        sa.UniqueConstraint("id", name="basekeeper_event_id"),
        sa.CheckConstraint("length(id) = 32", name="basekeeper_event_id_length"),
        sqlite_autoincrement=True,
    )
    op.create_index("basekeeper_event_subject", "basekeeper_event", ["subject", "kind", "seq"])
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in _SQLITE if is_sqlite else _POSTGRESQL:
        op.execute(statement)
