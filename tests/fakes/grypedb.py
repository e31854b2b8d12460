"""A small real vulnerability database of Grype, with the advisories of `trivydb`.

As where Grype's own is made, a severity that Debian does not give is filled in with NVD's.
"""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from tests.fakes.trivydb import CRITICAL, HIGH, LATER, LOW, MEDIUM, UPDATED

if TYPE_CHECKING:
    from pathlib import Path

FIX_AVAILABLE: Final = datetime(2026, 11, 20, tzinfo=UTC)
"""Since when `CRITICAL` is fixed."""
PROBABILITY: Final = 0.25
"""EPSS of `CRITICAL`, which is exploited."""
_RELEASES: Final = ("11", "12", "13")
_TWELVE: Final = ("12",)


def advisories(*, later: bool = False, updated: datetime = UPDATED) -> dict[str, Any]:
    """The content; `later` adds an advisory that was published after the first database."""
    found = [
        _debian(CRITICAL, "critical", [_fixed(release) for release in _RELEASES]),
        _debian(HIGH, "high", _open("glibc", "not-fixed")),
        _debian(LOW, "low", _open("bash", "wont-fix")),
        _debian(MEDIUM, "", _open("glibc", "not-fixed", _TWELVE)),
        _nvd(CRITICAL, "critical"),
        _nvd(HIGH, "high"),
        _nvd(LOW, "critical"),
    ]
    if later:
        tar = [_affected(release, "tar", "fixed", fixed="99") for release in _RELEASES]
        found += [_debian(LATER, "high", tar), _nvd(LATER, "high")]
    return {
        "built": _text(updated),
        "providers": dict.fromkeys(("debian", "nvd", "kev", "epss"), _text(updated)),
        "vulnerabilities": found,
        "exploited": [CRITICAL],
        "probabilities": {CRITICAL: PROBABILITY},
    }


def _debian(name: str, severity: str, affected: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": name, "provider": "debian", "severity": severity, "affected": affected}


def _nvd(name: str, severity: str) -> dict[str, Any]:
    return {"name": name, "provider": "nvd", "severity": severity}


def _fixed(release: str) -> dict[str, Any]:
    version = {"11": "1.1.1w-0+deb11u2"}.get(release, "3.0.0-1")
    return _affected(
        release,
        "openssl",
        "fixed",
        fixed=version,
        available=_text(FIX_AVAILABLE),
        advisory="DSA-9001-1",
    )


def _open(package: str, state: str, releases: tuple[str, ...] = _RELEASES) -> list[dict[str, Any]]:
    return [_affected(release, package, state) for release in releases]


def _affected(release: str, package: str, state: str, **rest: Any) -> dict[str, Any]:
    return {"release": release, "package": package, "state": state, **rest}


def _text(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")


def write_database(writer: Path, cache_dir: Path, content: dict[str, Any]) -> Path:
    """Make a directory of databases as Grype keeps it.

    Args:
        writer: The component "grypedb".
        cache_dir: The folder; made where it is not there.
        content: See `advisories`.
    """
    folder = cache_dir / "6"
    folder.mkdir(parents=True)
    subprocess.run([writer, folder], input=json.dumps(content).encode(), check=True, timeout=60)
    return cache_dir


def publish_database(cache_dir: Path, folder: Path, updated: datetime) -> Path:
    """Lay a database out as its publisher does: an archive, and a listing that names it.

    Args:
        cache_dir: Made by `write_database`.
        folder: What is published; a listing that is there is replaced.
        updated: When the database was made.

    Returns:
        The listing.
    """
    place = folder / "v6"
    place.mkdir(parents=True, exist_ok=True)
    archive = place / f"vulnerability-db_v6_{updated:%Y%m%dT%H%M%S}.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        data = (cache_dir / "6" / "vulnerability.db").read_bytes()
        member = tarfile.TarInfo("vulnerability.db")
        member.size = len(data)
        tar.addfile(member, io.BytesIO(data))
    listing = {
        "status": "active",
        "schemaVersion": "v6.1.0",
        "built": _text(updated),
        "path": archive.name,
        "checksum": f"sha256:{sha256(archive.read_bytes()).hexdigest()}",
    }
    latest = place / "latest.json"
    latest.write_text(json.dumps(listing), encoding="utf-8")
    return latest
