from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import basekeeper

ROOT = Path(__file__).parents[2]


def test_version_is_that_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert basekeeper.__version__ == project["version"]


@pytest.mark.parametrize("name", basekeeper.__all__)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    value = getattr(basekeeper, name)
    assert name == "__version__" or value.__doc__
    assert name in dir(basekeeper)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'parse'"):
        _ = basekeeper.parse


def test_importing_the_package_loads_nothing_else() -> None:
    code = "import sys, basekeeper; print(*(m for m in sys.modules if m.startswith('basekeeper')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["basekeeper"]


@pytest.mark.parametrize("verb", ["--version", "--help"])
def test_start_loads_no_heavy_library(verb: str) -> None:
    code = (
        "import sys; from basekeeper.cli.main import main; main([sys.argv[1]]);"
        "print('loaded', *sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, verb], capture_output=True, text=True, check=True
    )
    loaded = done.stdout.rpartition("loaded ")[2].split()
    assert not {"rich", "h11", "yaml", "hcl2", "basekeeper.pipeline"} & set(loaded)
