"""The tables of the ledger, as the newest migration leaves them.

Instants are whole microseconds since 1970 in UTC: exact, ordered, and the same in every database.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

REVISIONS: Final = ("0001",)
"""Every revision that this program knows, oldest first; a test holds them to the migrations."""

READABLE: Final = frozenset(REVISIONS)
"""Those from which this program can read without migrating."""

HEAD: Final = REVISIONS[-1]
"""The revision that this program writes."""

VERSION_TABLE: Final = "basekeeper_version"
"""Where the revision stands; not the usual name, as a database may be shared."""

METADATA: Final = MetaData()

VERSION: Final = Table(VERSION_TABLE, MetaData(), Column("version_num", String(32)))
"""The table that Alembic keeps; no part of the metadata."""

EVENT: Final = Table(
    "basekeeper_event",
    METADATA,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("id", LargeBinary, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("recorded", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
    Column("evidence", Text, nullable=False),
    UniqueConstraint("id", name="basekeeper_event_id"),
    CheckConstraint("length(id) = 32", name="basekeeper_event_id_length"),
    sqlite_autoincrement=True,
)
"""One row an event: `seq` the order in which they were recorded, `id` the hash that names the
fact, `at` when it happened, `recorded` when that was written down, `evidence` a JSON object."""

Index("basekeeper_event_subject", EVENT.c.subject, EVENT.c.kind, EVENT.c.seq)
