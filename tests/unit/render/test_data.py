from __future__ import annotations

import json
from datetime import date, timedelta
from importlib.resources import files

from jsonschema import Draft202012Validator

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


MISSING = DataInfo("EPSS", "https://z", "terms", None, None, 0, True, "missing")  # noqa: FBT003
OFF = DataInfo("CISA KEV", "https://k", "CC0", None, None, 0, False, "off")  # noqa: FBT003
BROKEN = DataInfo(
    "CISA KEV",
    "https://k",
    "CC0",
    date(2025, 8, 25),
    timedelta(458),
    1404,
    is_stale=True,
    problem="it cannot be read: " + "why " * 20,
)


def test_what_is_missing_or_switched_off_has_no_age() -> None:
    lines = render_data_text([OFF, MISSING], Style(80)).splitlines()
    assert lines[1:3] == [
        "CISA KEV  -      switched off   0        off      CC0",
        "EPSS      -      never fetched  0        missing  terms",
    ]
    assert "data update" not in render_data_text([OFF], Style(80))


def test_why_facts_are_not_in_use_stands_below() -> None:
    lines = render_data_text([BROKEN], Style(80)).splitlines()
    assert lines[3].startswith("it cannot be read: why")
    assert max(map(len, lines)) <= 80


def test_json_has_the_published_shape() -> None:
    schema = (files("basekeeper.render") / "schemas" / "data.schema.json").read_text("utf-8")
    document = json.loads(render_data_json([OLD, NEW, MISSING, OFF, BROKEN], NOW))
    assert list(Draft202012Validator(json.loads(schema)).iter_errors(document)) == []
    assert [row["as_of"] for row in document["sources"]][2:4] == [None, None]
    assert document["sources"][4]["problem"] == BROKEN.problem


def test_a_source_that_has_nothing_newer_is_current() -> None:
    outcome = SourceOutcome("kev", 1, None, "CVE", is_unchanged=True)
    assert render_refresh_text(RefreshReport((outcome,), ()), Style(80)) == "current  kev: 1 CVE\n"


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
