from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import basekeeper

SOURCE = Path(basekeeper.__file__).parent
LIBRARIES = ("sqlalchemy", "alembic", "psycopg")


@pytest.mark.parametrize(
    "module",
    [
        "basekeeper.ledger",
        "basekeeper.ledger.branch",
        "basekeeper.ledger.location",
        "basekeeper.ledger.opening",
        "basekeeper.policy.load",
        "basekeeper.wiring",
    ],
)
def test_database_libraries_are_not_loaded_with(module: str) -> None:
    code = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(LIBRARIES) & set(done.stdout.split())


@pytest.mark.parametrize("verb", [["check", "--offline"], ["outdated", "--offline"]])
def test_verb_without_a_configured_ledger_loads_no_database_library(
    verb: list[str], tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text("FROM python:3.12-slim\n")
    code = (
        "import sys; from basekeeper.cli.main import main; main(sys.argv[1:]);"
        "print('loaded', *sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *verb],
        capture_output=True, text=True, check=True, cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )  # fmt: skip
    assert not set(LIBRARIES) & set(done.stdout.rpartition("loaded ")[2].split())


@pytest.mark.parametrize("library", LIBRARIES)
def test_only_the_ledger_names_a_database_library(library: str) -> None:
    users = {
        path.relative_to(SOURCE).parts[0]
        for path in SOURCE.rglob("*.py")
        if f"import {library}" in path.read_text() or f"from {library}" in path.read_text()
    }
    assert users == {"ledger"}
