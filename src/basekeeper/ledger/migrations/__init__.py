"""The ledger's migrations: an Alembic environment, run by the program itself."""

from __future__ import annotations
