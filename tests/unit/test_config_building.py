from __future__ import annotations

import json
import tomllib
from datetime import timedelta
from importlib.resources import files

import pytest
from jsonschema import Draft202012Validator

from basekeeper.config.building import RunnerSettings, parse_building
from basekeeper.config.document import read_document
from basekeeper.config.settings import own_settings, parse_settings
from basekeeper.config.table import Table
from basekeeper.values.building import BuildLimits

ALL = """
[runner]
builder = "buildah"
program = "/opt/buildah"
directory = "/var/tmp/builds"
network = true
timeout = "20 minutes"
memory_mib = 1024
disk_mib = 2048
processes = 500
context_files = 1000
"""
SCHEMA = Draft202012Validator(
    json.loads((files("basekeeper.policy") / "schema.json").read_text(encoding="utf-8"))
)


def read(text: str) -> tuple[RunnerSettings, list[str]]:
    document = read_document(text.encode(), "x.toml")
    top = Table(document, document.data)
    return parse_building(top), [str(problem) for problem in top.problems]


def test_reads_every_key() -> None:
    SCHEMA.validate(tomllib.loads(ALL))
    settings, problems = read(ALL)
    assert problems == []
    assert settings == RunnerSettings(
        builder="buildah",
        program="/opt/buildah",
        directory="/var/tmp/builds",  # noqa: S108
        network=True,
        timeout=timedelta(minutes=20),
        memory_mib=1024,
        disk_mib=2048,
        processes=500,
        context_files=1000,
    )
    assert settings.limits == BuildLimits(
        seconds=1200, memory_bytes=1024**3, disk_bytes=2 * 1024**3, processes=500,
        context_files=1000,
    )  # fmt: skip


def test_nothing_is_built_unless_somebody_says_so() -> None:
    assert read("")[0] == RunnerSettings()
    assert RunnerSettings().builder is None
    assert RunnerSettings().limits == BuildLimits()


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('builder = "kaniko"', "expected one of buildah"),
        ('program = "buildah"', "no absolute path"),
        ('timeout = "2 days"', "not between 1 minute and 24 hours"),
        ('timeout = "0 minutes"', "not between"),
        ("memory_mib = 1", "expected a number from 128"),
        ("network = 1", "expected true or false"),
        ("isolation = 1", "is not known here"),
    ],
)
def test_tells_what_is_wrong(line: str, problem: str) -> None:
    _, problems = read(f"[runner]\n{line}\n")
    assert len(problems) == 1
    assert problem in problems[0]


def test_what_stands_above_counts_key_by_key() -> None:
    user = RunnerSettings(builder="buildah", memory_mib=1)
    operator = RunnerSettings(memory_mib=2, disk_mib=3)
    assert user.over(operator) == RunnerSettings(builder="buildah", memory_mib=1, disk_mib=3)


def test_a_repository_cannot_turn_it_on() -> None:
    document = read_document(b'[runner]\nbuilder = "buildah"\n', "basekeeper.toml")
    said = parse_settings(Table(document, document.data))
    assert said.storage.runner == RunnerSettings(builder="buildah")
    settings, notices = own_settings(said, "basekeeper.toml")
    assert settings.storage.runner is None
    assert notices == (
        "runner.builder of basekeeper.toml is ignored: it is to be set in your own settings",
    )
