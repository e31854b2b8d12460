"""Bringing facts up to date from their sources, and telling how old they are.

Each source is fetched and checked alone: one that fails leaves what it owns as it was, and says so.
New data is written beside the old and renamed over it only after it was read back whole; data that
is empty, malformed or implausibly small never replaces good data.
"""

from __future__ import annotations

from basekeeper.lifecycle.fetched import (
    DISTRO_INFO,
    END_OF_LIFE,
    EXPLOITED,
    OFFICIAL_IMAGES,
    SCORES,
    Validators,
)
from basekeeper.refresh.info import DataInfo, data_info
from basekeeper.refresh.model import (
    DEFAULT_URLS,
    GROUPS,
    Fetch,
    Fetched,
    RefreshReport,
    SourceOutcome,
)
from basekeeper.refresh.run import refresh

__all__ = [
    "DEFAULT_URLS",
    "DISTRO_INFO",
    "END_OF_LIFE",
    "EXPLOITED",
    "GROUPS",
    "OFFICIAL_IMAGES",
    "SCORES",
    "DataInfo",
    "Fetch",
    "Fetched",
    "RefreshReport",
    "SourceOutcome",
    "Validators",
    "data_info",
    "refresh",
]
