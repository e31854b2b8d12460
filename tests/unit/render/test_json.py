from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from basekeeper.render.json import json_pieces
from basekeeper.render.listing import list_pieces
from tests.unit.render.made import HOSTILE, full_report, judgement, report, use
from tests.unit.render.strategies import reports

if TYPE_CHECKING:
    from basekeeper.values.finding import Report


def validator(name: str) -> Draft202012Validator:
    """Validate by a published schema, and forbid keys that it does not name."""
    text = (files("basekeeper.render") / "schemas" / name).read_text(encoding="utf-8")
    schema = json.loads(text)
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(closed(schema), format_checker=Draft202012Validator.FORMAT_CHECKER)


def closed(schema: Any) -> Any:
    """Copy a schema so that objects with named keys have no others."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    out = {key: closed(value) for key, value in schema.items()}
    if "properties" in out and "required" in out:
        out["unevaluatedProperties"] = "state" in out["properties"] or "rules" in out["properties"]
    return out


REPORT = validator("report.schema.json")
LIST = validator("list.schema.json")


def rendered(made: Report) -> str:
    return "".join(json_pieces(made))


def test_full_report_has_the_published_shape() -> None:
    REPORT.validate(json.loads(rendered(full_report())))


def test_list_has_the_published_shape() -> None:
    LIST.validate(json.loads("".join(list_pieces(full_report()))))


def test_schema_would_notice_a_wrong_report() -> None:
    value = json.loads(rendered(full_report()))
    value["findings"][0]["severity"] = "fatal"
    value["surprise"] = 1
    assert len(list(REPORT.iter_errors(value))) == 2


@given(reports())
def test_any_report_has_the_published_shape(made: Any) -> None:
    REPORT.validate(json.loads(rendered(made)))
    LIST.validate(json.loads("".join(list_pieces(made))))


def test_numbers_of_the_summary_are_those_of_the_lists() -> None:
    value = json.loads(rendered(full_report()))
    sums = value["summary"]
    assert sums["errors"] + sums["warnings"] + sums["notes"] == len(value["findings"])
    assert (sums["waived"], sums["known"]) == (len(value["waived"]), len(value["known"]))
    assert sums["uses"] == len(value["uses"]) == sum(sums["categories"].values())
    assert sums["unreadable"] + sums["left_out"] == len(value["skipped"])


def test_every_waiver_is_listed_once_with_its_state() -> None:
    value = json.loads(rendered(full_report()))
    assert [item["state"] for item in value["waivers"]] == ["used", "unused", "expired"]


def test_same_report_gives_the_same_bytes() -> None:
    assert rendered(full_report()) == rendered(full_report())


@pytest.mark.parametrize("key", ["files", "uses", "findings", "waived", "skipped", "notices"])
def test_every_item_has_a_line_of_its_own(key: str) -> None:
    text = rendered(full_report())
    lines = text.partition(f'\n  "{key}": [\n')[2].partition("\n  ]")[0].splitlines()
    assert lines
    assert [json.loads(line.rstrip(",")) for line in lines] == json.loads(text)[key]


def test_use_carries_reference_and_judgement() -> None:
    value = json.loads(rendered(full_report()))["uses"][0]
    assert value["reference"]["canonical"] == "docker.io/library/node:20-bookworm"
    assert value["judgement"]["quality"]["supported"]["value"] == "no"
    assert value["judgement"]["axes"][0]["end_of_life"] == "2026-04-30"


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_names_are_valid_json_in_ascii(hostile: str) -> None:
    image = use(hostile, 1, hostile)
    text = rendered(report((image, judgement(image))))
    assert text.isascii()
    shown = json.loads(text)["uses"][0]["text"]
    assert shown == hostile.encode("utf-8", "backslashreplace").decode()
