from __future__ import annotations

import json

import pytest

from basekeeper.cache.care import CacheInfo
from basekeeper.render.cache import (
    render_cache_json,
    render_cache_text,
    render_cleared_json,
    render_cleared_text,
    size_text,
)
from basekeeper.render.layout import Style
from tests.unit.render.made import NOW

USED = CacheInfo("/home/x/.cache/basekeeper", 1234, 5_242_880, 1 << 30)
UNUSED = CacheInfo("/x\x1b[31m", 0, 0, 1 << 30, "it is a link")


def test_place_entries_and_size_are_shown() -> None:
    assert render_cache_text(USED, Style(80)).splitlines() == [
        "directory  /home/x/.cache/basekeeper",
        "entries    1,234",
        "size       5.0 MiB of 1.0 GiB",
    ]


def test_cache_that_is_not_used_stands_out_and_hostile_names_are_harmless() -> None:
    text = render_cache_text(UNUSED, Style(80, colour=True))
    assert "\x1b[33mnot used: it is a link" in text
    assert "\x1b[31m" not in text


def test_json_holds_the_same() -> None:
    value = json.loads(render_cache_json(USED, NOW))
    assert (value["directory"], value["entries"], value["bytes"]) == (
        "/home/x/.cache/basekeeper",
        1234,
        5_242_880,
    )
    assert (value["max_bytes"], value["problem"]) == (1 << 30, None)


def test_emptying_tells_what_it_gave_back() -> None:
    assert render_cleared_text("/x", 2048) == "emptied /x: 2.0 KiB freed\n"
    assert json.loads(render_cleared_json("/x", 2048, NOW))["freed_bytes"] == 2048


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (1023, "1,023 bytes"),
        (1024, "1.0 KiB"),
        (1536 * 1024, "1.5 MiB"),
        (1 << 40, "1.0 TiB"),
        (1 << 60, "1,048,576.0 TiB"),
    ],
)
def test_sizes_are_written_in_units_of_1024(size: int, text: str) -> None:
    assert size_text(size) == text
