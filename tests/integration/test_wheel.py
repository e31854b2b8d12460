"""What is installed from a wheel is whole: data, schemas, the shipped policy, the rules' pages."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from basekeeper.rules.registry import RULES_BY_ID

ROOT = Path(__file__).resolve().parents[2]


def test_wheel_holds_everything_that_the_program_reads(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    source = ROOT / "src"
    expected = {
        path.relative_to(source).as_posix()
        for path in (source / "basekeeper").rglob("*")
        if path.suffix in {".py", ".json", ".toml", ".typed"} or path.name == "py.typed"
    }
    expected |= {f"basekeeper/rules/pages/{rule}.md" for rule in RULES_BY_ID}
    assert expected <= names
