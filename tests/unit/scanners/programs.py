"""Scripts that stand in for a scanner which does not behave."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from basekeeper.scanners.trivy import Trivy
from basekeeper.values.scanning import ArchiveImage, ScannerSettings

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
UPDATED = datetime(2026, 11, 25, tzinfo=UTC)

_HEAD = """#!{python} -IS
import os, sys
if sys.argv[1] == "version":
    print({version!r})
    sys.exit()
"""


def script(folder: Path, body: str, *, version: str = "0.69.3") -> str:
    """Write a scanner that tells a version, and else does what `body` says."""
    path = folder / "trivy"
    head = _HEAD.format(python=sys.executable, version=json.dumps({"Version": version}))
    path.write_text(head + body, encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def database(folder: Path, updated: datetime = UPDATED) -> Path:
    """A cache directory that looks like one with a database."""
    place = folder / "cache"
    (place / "db").mkdir(parents=True, exist_ok=True)
    (place / "db" / "trivy.db").write_bytes(b"bolt")
    metadata = {"Version": 2, "UpdatedAt": updated.isoformat(), "NextUpdate": updated.isoformat()}
    (place / "db" / "metadata.json").write_text(json.dumps(metadata), encoding="utf-8")
    return place


def scanner(folder: Path, program: str, **settings: Any) -> Trivy:
    """A scanner with a database."""
    return Trivy(program, ScannerSettings(cache_dir=database(folder), **settings))


def archive(folder: Path) -> ArchiveImage:
    """Something to scan that scripts do not look at."""
    path = folder / "image.tar"
    path.touch()
    return ArchiveImage(path=path, platform="linux/amd64")
