from __future__ import annotations

import json
from datetime import timedelta
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator

from basekeeper.config.document import read_document
from basekeeper.config.scanning import ScanningSettings, parse_scanning
from basekeeper.config.table import Table
from basekeeper.policy.load import load_config
from basekeeper.values.scanning import PullLimits

if TYPE_CHECKING:
    from pathlib import Path

ALL = """
[scanner]
engines = ["trivy", "grype"]
program = "/opt/trivy"
database = "/var/lib/trivy"
database_repository = "mirror.corp:5000/aquasec/trivy-db:2"
java = true
java_repository = "mirror.corp:5000/aquasec/trivy-java-db"
max_age = "2 days"
severity_order = ["debian", "nvd"]
timeout = "20 minutes"
memory_mib = 4096
image_mib = 512
grype_program = "/opt/grype"
grype_database = "/var/lib/grype"
grype_database_url = "https://mirror.corp/grype/databases"
grype_max_age = "3 days"
"""
SCHEMA = Draft202012Validator(
    json.loads((files("basekeeper.policy") / "schema.json").read_text(encoding="utf-8"))
)


def _read(text: str) -> tuple[ScanningSettings, list[str]]:
    document = read_document(text.encode(), "x.toml")
    top = Table(document, document.data)
    return parse_scanning(top), [str(problem) for problem in top.problems]


def test_reads_every_key() -> None:
    settings, problems = _read(ALL)
    assert problems == []
    assert settings == ScanningSettings(
        program="/opt/trivy",
        database="/var/lib/trivy",
        database_repository="mirror.corp:5000/aquasec/trivy-db:2",
        java=True,
        java_repository="mirror.corp:5000/aquasec/trivy-java-db",
        max_age=timedelta(days=2),
        severity_order=("debian", "nvd"),
        timeout=timedelta(minutes=20),
        memory_mib=4096,
        image_mib=512,
        engines=("trivy", "grype"),
        grype_program="/opt/grype",
        grype_database="/var/lib/grype",
        grype_database_url="https://mirror.corp/grype/databases",
        grype_max_age=timedelta(days=3),
    )
    assert SCHEMA.is_valid(read_document(ALL.encode(), "x.toml").data)


def test_says_nothing_without_a_table() -> None:
    assert _read("") == (ScanningSettings(), [])
    assert ScanningSettings().given == ()


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('program = "trivy"', "scanner.program: 'trivy' is no absolute path"),
        ('database = "db"', "scanner.database: 'db' is no absolute path"),
        ('database_repository = "trivy-db"', "scanner.database_repository: 'trivy-db' is not host"),
        ('database_repository = "h.x/A"', "scanner.database_repository: "),
        ('max_age = "soon"', "scanner.max_age: 'soon' is no duration"),
        ('timeout = "0 hours"', "scanner.timeout: '0 hours' is not between"),
        ('timeout = "2 days"', "scanner.timeout: '2 days' is not between"),
        ("severity_order = []", "scanner.severity_order: severity order () names no source"),
        ('severity_order = ["N V D"]', "scanner.severity_order: 'N V D' is no source"),
        ("memory_mib = 1", "scanner.memory_mib: expected a number from 256"),
        ("image_mib = 0", "scanner.image_mib: expected a number from 1"),
        ("engines = []", "scanner.engines: expected 'trivy'"),
        ('engines = ["grype"]', "scanner.engines: expected 'trivy'"),
        ('engines = ["trivy", "trivy"]', "scanner.engines: expected 'trivy'"),
        ('grype_program = "grype"', "scanner.grype_program: 'grype' is no absolute path"),
        ('grype_database_url = "x"', "scanner.grype_database_url: 'x' is neither a URL nor"),
        (
            'grype_database_url = "https://me:secret@x/y"',
            "scanner.grype_database_url: holds a user or a password",
        ),
        ("offline = true", "scanner.offline: is not known here"),
    ],
)
def test_mistakes_are_told_of(line: str, problem: str) -> None:
    _, (found,) = _read(f"[scanner]\n{line}")
    assert found.startswith(f"x.toml:2: {problem}")


def test_a_scanner_that_there_is_not_is_told_of() -> None:
    _, problems = _read('[scanner]\nengines = ["trivy", "clair"]')
    assert any("clair" in problem for problem in problems)


@pytest.mark.parametrize(
    "line",
    ['engines = ["trivy"]', 'grype_database_url = "/srv/grype.tar.zst"', 'grype_max_age = "1 day"'],
)
def test_what_is_right_is_right_by_the_schema(line: str) -> None:
    _, problems = _read(f"[scanner]\n{line}")
    assert problems == []
    assert SCHEMA.is_valid(read_document(f"[scanner]\n{line}".encode(), "x.toml").data)


@pytest.mark.parametrize(
    "line", ["engines = []", 'engines = ["grype"]', 'grype_database_url = "https://me:pw@x/y"']
)
def test_what_is_wrong_is_wrong_by_the_schema(line: str) -> None:
    assert not SCHEMA.is_valid(read_document(f"[scanner]\n{line}".encode(), "x.toml").data)


def test_an_image_may_be_as_large_as_the_settings_say() -> None:
    settings, _ = _read(ALL)
    assert settings.pull_limits.image_bytes == settings.pull_limits.layer_bytes == 512 * 1024**2
    assert ScanningSettings().pull_limits == PullLimits()


def test_each_key_falls_back_by_itself() -> None:
    first = ScanningSettings(java=False, memory_mib=512)
    second = ScanningSettings(java=True, program="/x")
    assert first.over(second) == ScanningSettings(java=False, memory_mib=512, program="/x")


def test_repository_has_no_say(tmp_path: Path) -> None:
    (tmp_path / "basekeeper.toml").write_text(ALL)
    config = load_config(tmp_path)
    assert config.settings.storage.scanner == ScanningSettings()
    assert len(config.notices) == 15
    assert config.notices[1] == (
        "scanner.program of basekeeper.toml is ignored: it is to be set in your own settings"
    )


def test_operator_says_it_whatever_the_repository_says(tmp_path: Path) -> None:
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo" / "basekeeper.toml").write_text(ALL)
    (tmp_path / "policy.toml").write_text("[scanner]\nmemory_mib = 999\n")
    config = load_config(tmp_path / "repo", policy_path=tmp_path / "policy.toml")
    assert config.settings.storage.scanner == ScanningSettings(memory_mib=999)
    notice = "scanner.program of basekeeper.toml is ignored: it is the operator's to set"
    assert notice in config.notices
