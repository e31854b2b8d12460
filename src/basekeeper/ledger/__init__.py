"""Times and verdicts as append-only events in a database."""

from __future__ import annotations
