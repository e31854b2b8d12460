"""What a run does not need it does not load: that, not a clock, is what keeps the start short."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = {
    "alembic", "asyncio", "concurrent.futures", "email", "h11", "http", "jinja2", "logging",
    "multiprocessing", "rich", "socket", "sqlalchemy", "sqlite3", "ssl", "unittest", "xml", "yaml",
}  # fmt: skip
OURS = {
    "basekeeper.baseline", "basekeeper.cache", "basekeeper.edit", "basekeeper.inspect",
    "basekeeper.ledger.sql", "basekeeper.plan", "basekeeper.readers.bake",
    "basekeeper.readers.ci", "basekeeper.readers.compose", "basekeeper.readers.devcontainer",
    "basekeeper.readers.hcl", "basekeeper.refresh", "basekeeper.registry",
    "basekeeper.render.json", "basekeeper.render.sarif", "basekeeper.resolve",
    "basekeeper.tags.choose", "basekeeper.transport.client", "basekeeper.trees.revision",
    "basekeeper.trees.write", "basekeeper.values.change", "basekeeper.values.resolution",
}  # fmt: skip


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for number in range(10):
        folder = tmp_path / f"service{number}"
        folder.mkdir()
        (folder / "Dockerfile").write_text("FROM node:24-bookworm-slim\nUSER node\n")
    for command in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    return tmp_path


def loaded(root: Path, *arguments: str) -> set[str]:
    """Run the program in a process of its own; return the modules that it loaded."""
    code = (
        "import sys; from basekeeper.cli.main import main; main(sys.argv[1:]);"
        "print('loaded', *sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=root, capture_output=True, text=True,
        timeout=60, check=True,
    )  # fmt: skip
    return set(done.stdout.rpartition("loaded ")[2].split())


def test_a_check_offline_of_dockerfiles_loads_what_it_needs(root: Path) -> None:
    modules = loaded(root, "check", "--offline")
    assert "basekeeper.rules.registry" in modules
    assert not (HEAVY | OURS) & modules


def test_looking_for_updates_loads_no_rules(root: Path) -> None:
    modules = loaded(root, "outdated", "--offline")
    assert "basekeeper.plan.standings" in modules
    assert not {"basekeeper.check", "basekeeper.edit", "basekeeper.rules", "sqlalchemy"} & modules
