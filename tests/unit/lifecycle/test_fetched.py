from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from basekeeper.lifecycle.fetched import (
    FETCHED,
    Kept,
    Validators,
    digest_of,
    read_fetches,
    write_fetches,
)

if TYPE_CHECKING:
    from pathlib import Path

AT = datetime(2026, 11, 26, 5, 30, tzinfo=UTC)
KEPT = Kept(digest_of(b"https://x/"), AT, digest_of(b"data"), Validators('W/"1"', "Thu, 26 Nov"))


def test_what_was_written_reads_back(tmp_path: Path) -> None:
    known = {"kev": KEPT, "epss": KEPT._replace(validators=Validators())}
    (tmp_path / FETCHED).write_text(json.dumps(write_fetches(known)))
    assert read_fetches(tmp_path) == known


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        '{"schema": 9, "sources": {}}',
        '{"schema": 1, "sources": []}',
        '{"schema": 1, "sources": {"kev": 1}}',
        '{"schema": 1, "sources": {"kev": {"at": "soon"}}}',
        '{"schema": 1, "sources": {"kev": {"at": "2026-11-26T05:30:00"}}}',
        '{"schema": 1, "sources": {"kev": {"at": "0001-01-01T00:00:00+23:00"}}}',
        '{"schema": 1, "sources": {"kev": {"at": "2026-11-26T05:30:00Z", "etag": 1}}}',
    ],
)
def test_an_unusable_file_is_as_none(tmp_path: Path, content: str) -> None:
    assert read_fetches(tmp_path) == {}
    (tmp_path / FETCHED).write_text(content)
    assert read_fetches(tmp_path) == {}
