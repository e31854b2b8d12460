"""The pages that are written from the program, or about its output, are current."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest

from tools import reference

DOCS = Path(__file__).parents[2] / "docs" / "reference"


def test_page_of_the_commands_is_the_programs_help() -> None:
    assert reference.PAGE.read_text(encoding="utf-8") == reference.page()


@pytest.mark.parametrize(
    "word", ["check", "list", "explain", "outdated", "data info", "data update"]
)
def test_page_holds_every_verb(word: str) -> None:
    assert f"\n## `basekeeper {word}`\n" in reference.page()


def test_every_key_of_the_report_is_described() -> None:
    schema = json.loads(
        (files("basekeeper.render") / "schemas" / "report.schema.json").read_text(encoding="utf-8")
    )
    page = (DOCS / "json.md").read_text(encoding="utf-8")
    assert [key for key in schema["required"] if f"`{key}`" not in page] == []
