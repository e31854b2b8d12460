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

REVISIONS: Final = ("0001", "0002")
"""Every revision that this program knows, oldest first; a test holds them to the migrations."""

READABLE: Final = frozenset({"0002"})
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
    Column("policy", Text, nullable=False, server_default=""),
    Column("tool", Text, nullable=False, server_default=""),
    Column("data", Text, nullable=False, server_default=""),
    Column("corrects", Text, nullable=False, server_default=""),
    UniqueConstraint("id", name="basekeeper_event_id"),
    CheckConstraint("length(id) = 32", name="basekeeper_event_id_length"),
    sqlite_autoincrement=True,
)
"""One row an event: `seq` the order in which they were recorded, `id` the hash that names the
fact, `at` when it happened, `recorded` when that was written down, `evidence` a JSON object;
`policy`, `tool` and `data` are digests, `corrects` the hexadecimal `id` of another event."""

Index("basekeeper_event_subject", EVENT.c.subject, EVENT.c.kind, EVENT.c.seq)

LINK: Final = Table(
    "basekeeper_link",
    METADATA,
    Column("id", LargeBinary, primary_key=True),
    Column("chain", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("previous", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    UniqueConstraint("chain", "position", name="basekeeper_link_place"),
)
"""The place of each event in the chain of its repository; append-only as well."""

END: Final = Table(
    "basekeeper_head",
    METADATA,
    Column("chain", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("recorded", BigInteger, nullable=False),
)
"""Where each chain ends: only ever moves on. Without it, events removed from the end of a chain
would not be missed."""

OUTBOX: Final = Table(
    "basekeeper_outbox",
    METADATA,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("id", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("queued", BigInteger, nullable=False),
    Column("attempts", BigInteger, nullable=False),
    Column("due", BigInteger, nullable=False),
    Column("settled", BigInteger),
    Column("problem", Text),
    UniqueConstraint("id", name="basekeeper_outbox_id"),
    sqlite_autoincrement=True,
)
"""Notices: `due` when the next attempt may begin, `settled` when no more is to come, `problem` why
the last attempt failed."""
