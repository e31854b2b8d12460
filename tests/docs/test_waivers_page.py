"""The page of waivers, held to the program: what it shows is read, and no key is left out."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path

from basekeeper.render.waivers import waiver_object
from basekeeper.waivers import WaiverLimits, load_waivers
from basekeeper.waivers.writing import KEYS
from tests.unit.waivers.making import limits, of_cve

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "waivers.md"
BLOCK = re.compile(r"^```toml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| ((?:`\w+`(?:, )?)+) \|", re.MULTILINE)


def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def test_the_example_is_read() -> None:
    (example,) = BLOCK.findall(page())
    there: WaiverLimits = limits(today=date(2026, 11, 26))
    found = load_waivers(example.encode(), "w.toml", there)
    assert [len(one.vulnerabilities) for one in found.accepted] == [1, 0]


def test_every_key_of_the_file_is_described() -> None:
    rows = [name for row in ROW.findall(page()) for name in re.findall(r"`(\w+)`", row)]
    assert sorted(set(KEYS) - set(rows)) == []


def test_every_key_of_the_list_is_described() -> None:
    keys = waiver_object(of_cve(), datetime(2026, 11, 23, tzinfo=UTC))
    assert [name for name in keys if f"`{name}`" not in page()] == []
