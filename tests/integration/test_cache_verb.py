from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.program import run
from tests.unit.cache.test_disk import KEYS, fill

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A directory to run in, below the home of its user."""
    place = tmp_path / "work"
    place.mkdir()
    return place


def test_cache_lies_below_the_users_cache_directory(root: Path) -> None:
    outcome = run(root, "cache", "info")
    assert (outcome.code, outcome.err) == (0, "")
    assert f"directory  {root.parent}/.cache/basekeeper\n" in outcome.out
    assert "0 bytes of 1.0 GiB" in outcome.out
    assert not (root.parent / ".cache").exists()
    named = run(root, "cache", "info", "-f", "json", XDG_CACHE_HOME=f"{root.parent}/xdg").json
    assert named["directory"] == f"{root.parent}/xdg/basekeeper"


def test_environment_wins_over_policy_and_policy_over_own_settings(root: Path) -> None:
    (root.parent / "settings.toml").write_text(
        '[cache]\ndirectory = "/own"\nmax_mib = 2\n', encoding="utf-8"
    )
    (root.parent / "policy.toml").write_text('[cache]\ndirectory = "~/op"\n', encoding="utf-8")
    variables = {"BASEKEEPER_SETTINGS": str(root.parent / "settings.toml")}
    policy = ("--policy", str(root.parent / "policy.toml"))

    def directory(*arguments: str, **more: str) -> str:
        value = run(root, "cache", "info", "-f", "json", *arguments, **variables, **more).json
        assert value["max_bytes"] == 2 * 1024 * 1024
        return str(value["directory"])

    assert directory() == "/own"
    assert directory(*policy) == f"{root.parent}/op"
    assert directory(*policy, BASEKEEPER_CACHE_DIR="/env") == "/env"


def test_repository_never_names_the_cache(root: Path) -> None:
    (root / "basekeeper.toml").write_text('[cache]\ndirectory = "/evil"\n', encoding="utf-8")
    assert "/evil" not in run(root, "cache", "info").out
    told = run(root, "list", "-f", "json").json
    assert "uses" in told or "images" in told


def test_clearing_empties_the_cache_without_asking(root: Path) -> None:
    fill(root.parent / ".cache" / "basekeeper")
    assert run(root, "cache", "info", "-f", "json").json["entries"] == 2 * len(KEYS)
    outcome = run(root, "cache", "clear")
    assert (outcome.code, outcome.err) == (0, "")
    assert "KiB freed" in outcome.out
    assert run(root, "cache", "info", "-f", "json").json["entries"] == 0
    assert run(root, "cache", "clear", "-f", "json").json["freed_bytes"] >= 0


def test_directory_that_is_no_cache_is_not_emptied(root: Path) -> None:
    (root / "file").write_text("mine")
    outcome = run(root, "cache", "clear", BASEKEEPER_CACHE_DIR=str(root))
    assert outcome.code == 2
    assert "holds files that are not of a cache" in outcome.err
    assert (root / "file").exists()


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"BASEKEEPER_CACHE_DIR": "here"}, "BASEKEEPER_CACHE_DIR: 'here' is no absolute path"),
        ({"BASEKEEPER_LEDGER": "mysql://u:s3cr3t@h/d"}, "BASEKEEPER_LEDGER: is no ledger"),
    ],
)
def test_wrong_variable_is_told_of_without_secrets(
    root: Path, variables: dict[str, str], message: str
) -> None:
    outcome = run(root, "cache", "info", **variables)
    assert outcome.code == 2
    assert message in outcome.err
    assert "s3cr3t" not in outcome.err
