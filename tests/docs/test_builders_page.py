"""The page on building is held to the program."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from basekeeper.builders.bench import NAME
from basekeeper.config.building import BUILDERS, RunnerSettings, parse_building
from basekeeper.config.document import read_document
from basekeeper.config.table import Table
from basekeeper.config.testing import parse_tests
from basekeeper.values.building import CONTEXT_DIRECTORY, BuildLimits, Failure

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "builders.md").read_text("utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
ROWS = dict(re.findall(r"^\| `([a-z_]+)` \|.*\| ([^|]+) \|$", PAGE, re.MULTILINE))


def test_every_setting_is_told_with_its_default() -> None:
    assert set(ROWS) == {field.name for field in fields(RunnerSettings)}
    limits, mib = BuildLimits(), 1024**2
    assert int(ROWS["memory_mib"]) == limits.memory_bytes // mib
    assert int(ROWS["disk_mib"]) == limits.disk_bytes // mib
    assert int(ROWS["processes"]) == limits.processes
    assert int(ROWS["context_files"]) == limits.context_files
    assert ROWS["timeout"] == f'`"{limits.seconds / 60:g} minutes"`'
    assert f"{limits.spare_bytes // mib} MiB must stay free" in PAGE


def test_examples_can_be_read() -> None:
    read = {"runner": 0, "test": 0}
    for example in EXAMPLES:
        document = read_document(example.encode(), "page.toml")
        top = Table(document, document.data)
        read["runner"] += parse_building(top) != RunnerSettings()
        read["test"] += len(parse_tests(top))
        top.finish()
        assert top.problems == []
    assert read == {"runner": 1, "test": 2}


def test_every_reason_is_told() -> None:
    assert [failure for failure in Failure if f"| *{failure}* |" not in PAGE] == []
    assert CONTEXT_DIRECTORY in PAGE
    assert BUILDERS == (NAME,)
