from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from basekeeper.config.sources import directory_reader, find_config, read_named
from basekeeper.errors import ConfigError, InputError

if TYPE_CHECKING:
    from pathlib import Path


OWN = b"[discover]\n"
TOOL = b"[tool.basekeeper.discover]\n"


@pytest.mark.parametrize(
    ("files", "source"),
    [
        ({}, None),
        ({"basekeeper.toml": OWN}, "basekeeper.toml"),
        ({".github/basekeeper.toml": OWN}, ".github/basekeeper.toml"),
        ({"pyproject.toml": TOOL}, "pyproject.toml"),
        ({"pyproject.toml": b"[project]\nname = 'x'\n"}, None),
        ({"pyproject.toml": b"[project]\ndependencies = ['basekeeper']\n"}, None),
        ({"pyproject.toml": b"tool = 'basekeeper'\n"}, None),
        ({"pyproject.toml": b"this is = = no TOML"}, None),
        (
            {"pyproject.toml": b"[project]\nname = 'basekeeper'\n", "basekeeper.toml": OWN},
            "basekeeper.toml",
        ),
    ],
)
def test_finds_the_one_configuration(files: dict[str, bytes], source: str | None) -> None:
    document = find_config(files.get)
    found = None if document is None else document.path
    assert found == source


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("basekeeper.toml", ".github/basekeeper.toml"),
        ("basekeeper.toml", "pyproject.toml"),
        (".github/basekeeper.toml", "pyproject.toml"),
    ],
)
def test_refuses_two_configurations_and_names_both(first: str, second: str) -> None:
    files = {first: OWN, second: TOOL if second == "pyproject.toml" else OWN}
    with pytest.raises(ConfigError, match=f"{second}: is a second configuration beside {first}"):
        find_config(files.get)


def test_reports_a_broken_pyproject_that_may_hold_our_table() -> None:
    with pytest.raises(ConfigError, match=r"pyproject.toml:2: is not valid TOML"):
        find_config({"pyproject.toml": b"[tool.basekeeper]\nx = = 1\n"}.get)


def test_reads_files_below_a_directory(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"x = 1")
    (tmp_path / "folder").mkdir()
    read = directory_reader(tmp_path)
    assert read("a.toml") == b"x = 1"
    assert read("missing.toml") is None
    assert read("folder") is None


def test_refuses_a_link_that_leaves_the_directory(tmp_path: Path) -> None:
    (tmp_path / "outside.toml").write_bytes(b"x = 1")
    root = tmp_path / "root"
    root.mkdir()
    (root / "basekeeper.toml").symlink_to(tmp_path / "outside.toml")
    with pytest.raises(ConfigError, match="is a link that leaves the repository"):
        directory_reader(root)("basekeeper.toml")


@pytest.mark.parametrize("target", ["basekeeper.toml", "missing.toml"])
def test_a_link_that_leads_nowhere_is_a_problem_of_the_file(tmp_path: Path, target: str) -> None:
    (tmp_path / "basekeeper.toml").symlink_to(target)
    with pytest.raises(ConfigError, match=r"basekeeper.toml: is a link that leads nowhere"):
        directory_reader(tmp_path)("basekeeper.toml")


def test_says_why_the_system_refuses_a_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: File name too long"):
        directory_reader(tmp_path)("x" * 300)


@pytest.mark.parametrize("name", ["missing.toml", ".", "a\0b"])
def test_says_why_a_named_file_cannot_be_read(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_named(str(tmp_path / name) if "\0" not in name else name)


def test_a_name_that_no_file_can_have_is_a_problem_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot be read: .*embedded null"):
        directory_reader(tmp_path)("a\0b")
