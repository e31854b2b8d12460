from __future__ import annotations

import json
from datetime import date, timedelta

from basekeeper.refresh import DataInfo, RefreshReport, SourceOutcome
from basekeeper.render.data import render_data_json, render_data_text, render_refresh_text
from basekeeper.render.layout import Style
from tests.unit.render.made import NOW

OLD = DataInfo("endoflife.date", "https://x", "MIT", date(2026, 8, 22), timedelta(93), 1200, True)  # noqa: FBT003
NEW = DataInfo("publishers", "https://y", "facts", date(2026, 11, 22), timedelta(1), 22, False)  # noqa: FBT003


def test_table_names_old_data_and_the_remedy() -> None:
    assert render_data_text([OLD, NEW], Style(80)).splitlines() == [
        "SOURCE          AS OF       AGE            ENTRIES  FROM     LICENCE",
        "endoflife.date  2026-08-22  93 days (old)  1,200    bundled  MIT",
        "publishers      2026-11-22  1 day          22       bundled  facts",
        "",
        "Refresh them with `basekeeper data update`.",
    ]


def test_fresh_data_needs_no_remedy() -> None:
    assert "data update" not in render_data_text([NEW], Style(80))


def test_old_data_stands_out_in_colour() -> None:
    assert "\x1b[33mendoflife.date" in render_data_text([OLD, NEW], Style(80, colour=True))


def test_json_holds_the_same() -> None:
    (source,) = json.loads(render_data_json([OLD], NOW))["sources"]
    assert (source["source"], source["age_days"], source["stale"]) == ("endoflife.date", 93, True)


def test_each_source_of_a_refresh_has_its_outcome() -> None:
    report = RefreshReport(
        (SourceOutcome("a", 1), SourceOutcome("b", 0, "no answer " * 12)), (), ("c: kept " * 12,)
    )
    lines = render_refresh_text(report, Style(80)).splitlines()
    assert lines[0] == "updated  a: 1 product"
    assert lines[1].startswith("failed   b: no answer")
    assert lines[2].startswith("         ")
    assert lines[3].startswith("kept     c: kept")
    assert max(map(len, lines)) <= 80
