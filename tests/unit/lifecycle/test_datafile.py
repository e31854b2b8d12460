from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from basekeeper.errors import InputError
from basekeeper.lifecycle import datafile
from basekeeper.lifecycle.datafile import (
    MAX_RELEASES,
    read_data,
    read_day,
    read_product,
    read_rows,
    read_table,
    read_text,
    read_words,
)

if TYPE_CHECKING:
    from pathlib import Path

PRODUCT: dict[str, Any] = {
    "title": "App",
    "source": "test",
    "as_of": "2026-08-22",
    "images": ["docker.io/library/app"],
    "releases": [
        {"cycle": "1", "released": "2020-01-01", "end_of_life": True},
        {"cycle": "2", "released": "2024-01-01", "lts": True, "end_of_life": False},
        {"cycle": "3", "released": None, "lts": "2026-10-28", "end_of_life": "2029-04-30"},
        {"cycle": "4", "lts": True},
    ],
}


def test_reads_a_product_newest_line_first() -> None:
    product = read_product("app", PRODUCT)
    assert [line.cycle for line in product.releases] == ["4", "3", "2", "1"]
    four, three, two, one = product.releases
    assert one.ended
    assert one.end_of_life is None
    assert (two.ended, two.end_of_life, two.lts_since) == (False, None, date(2024, 1, 1))
    assert (three.released, three.lts_since) == (None, date(2026, 10, 28))
    assert three.end_of_life == date(2029, 4, 30)
    assert four.lts_since == date.min
    assert product.axis == "application"
    assert product.default_cycle is None


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"releases": []}, "app: expected 1 to 2000 releases, got 0"),
        ({"releases": [{"cycle": "1"}] * (MAX_RELEASES + 1)}, "got 2001"),
        ({"releases": {}}, "releases: expected a list of objects"),
        ({"releases": [1]}, "releases: expected a list of objects"),
        ({"releases": [{}]}, "app: a release has no usable cycle"),
        ({"releases": [{"cycle": "1" * 65}]}, "app: a release has no usable cycle"),
        ({"releases": [{"cycle": 1}]}, "cycle: expected text, got 1"),
        ({"releases": [{"cycle": "1", "released": "soon"}]}, "app 1: released: expected a day"),
        ({"releases": [{"cycle": "1", "end_of_life": 2029}]}, "app 1: end_of_life: expected"),
        ({"as_of": None}, "app.as_of: expected a day"),
        ({"images": "app"}, "images: expected a list of texts"),
        ({"images": [1]}, "images: expected a list of texts"),
        ({"channels": []}, "channels: expected an object"),
        ({"title": 3}, "title: expected text"),
    ],
)
def test_refuses_a_product_of_the_wrong_shape(change: dict[str, Any], match: str) -> None:
    with pytest.raises(InputError, match=match):
        read_product("app", PRODUCT | change)


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"\xff\xfe{}", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b"[]", "expected an object of schema 1"),
        (b"{}", "expected an object of schema 1"),
        (b'{"schema": 2}', "expected an object of schema 1"),
    ],
)
def test_refuses_a_file_that_is_no_data(tmp_path: Path, data: bytes, match: str) -> None:
    path = tmp_path / "data.json"
    path.write_bytes(data)
    with pytest.raises(InputError, match=match) as caught:
        read_data(path)
    assert caught.value.hint is not None


def test_refuses_a_file_above_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datafile, "MAX_DATA_BYTES", 20)
    path = tmp_path / "data.json"
    path.write_text('{"schema": 1, "x": "' + "y" * 20 + '"}')
    with pytest.raises(InputError, match="larger than 20 bytes"):
        read_data(path)


def test_names_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.json: No such file or directory"):
        read_data(tmp_path / "none.json")


def test_missing_keys_are_empty() -> None:
    assert read_table({}, "x") == {}
    assert read_rows({}, "x") == []
    assert read_words({}, "x") == ()
    assert read_text({"x": None}, "x", "default") == "default"
    assert read_day("2026-04-30", "x") == date(2026, 4, 30)
