"""A small real vulnerability database of Trivy, with advisories for the images of the tests.

The advisories are invented; their shape is that of trivy-db: a bucket for each release of a
distribution, in it one for each source package, in it a value for each vulnerability. Versions
stand between the two patch states of Debian 11 that `tools/images.py` makes.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import subprocess
import tarfile
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.fakes.realregistry.push import Pusher

CRITICAL: Final = "CVE-2026-90001"
"""Of openssl and libssl1.1: fixed in the newer Debian 11, in both images of Debian 12 and 13."""
HIGH: Final = "CVE-2026-90002"
"""Of libc6, in every Debian: nobody has fixed it."""
LOW: Final = "CVE-2026-90003"
"""Of bash, in every Debian: Debian will not fix it, and disagrees with NVD."""
MEDIUM: Final = "CVE-2026-90004"
"""Of the newer libc6 of Debian 12 alone; nobody but a vendor gives it a severity."""
LATER: Final = "CVE-2026-90005"
"""Of tar; in the later database alone."""

UPDATED: Final = datetime(2026, 11, 25, 0, 0, tzinfo=UTC)
"""When the database says that it was made."""
NOW: Final = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
"""An instant at which it is fresh."""
MEDIA_TYPE: Final = "application/vnd.aquasec.trivy.db.layer.v1.tar+gzip"
JAVA_MEDIA_TYPE: Final = "application/vnd.aquasec.trivy.javadb.layer.v1.tar+gzip"
_SOURCE: Final = {
    "ID": "debian",
    "Name": "Debian Security Tracker",
    "URL": "https://salsa.debian.org/security-tracker-team/security-tracker",
}
_WILL_NOT_FIX: Final = 5
"""Number of the status in trivy-db's `pkg/types/status.go`."""

Buckets = dict[str, dict[str, Any]]


def advisories(*, later: bool = False) -> Buckets:
    """The content; `later` adds an advisory that was published after the first database."""
    releases = {f"debian {number}": _release(number, later=later) for number in (11, 12, 13)}
    details: dict[str, Any] = {
        CRITICAL: _detail("CRITICAL", {"nvd": 4, "ubuntu": 2}),
        HIGH: _detail("HIGH", {"nvd": 3}),
        LOW: _detail("CRITICAL", {"nvd": 4}),
        MEDIUM: {"VendorSeverity": {"ubuntu": 2}},
    }
    if later:
        details[LATER] = _detail("HIGH", {"nvd": 3})
    return {
        **releases,
        "data-source": {"pairs": dict.fromkeys(releases, _SOURCE)},
        "vulnerability": {"pairs": details},
    }


def _release(number: int, *, later: bool) -> dict[str, Any]:
    fixed = {11: "1.1.1w-0+deb11u2", 12: "3.0.0-1", 13: "3.0.0-1"}[number]
    packages: dict[str, dict[str, Any]] = {
        "openssl": {CRITICAL: {"FixedVersion": fixed, "VendorIDs": ["DSA-9001-1"]}},
        "glibc": {HIGH: {"Status": 2}},
        "bash": {LOW: {"Severity": 1, "Status": _WILL_NOT_FIX}},
    }
    if number == 12:
        packages["glibc"][MEDIUM] = {"Status": 2}
    if later:
        packages["tar"] = {LATER: {"FixedVersion": "99"}}
    return {"buckets": {name: {"pairs": pairs} for name, pairs in packages.items()}}


def _detail(severity: str, vendors: Mapping[str, int]) -> dict[str, Any]:
    return {
        "Title": f"a {severity.lower()} flaw of the tests",
        "Severity": severity,
        "VendorSeverity": dict(vendors),
        "PublishedDate": "2026-11-01T02:03:04Z",
    }


def write_database(
    writer: Path, cache_dir: Path, content: Buckets, *, updated: datetime = UPDATED
) -> Path:
    """Make a cache directory of Trivy with a database in it.

    Args:
        writer: The component "advisories".
        cache_dir: The folder; made where it is not there.
        content: Buckets, see `advisories`.
        updated: When it says that it was made.
    """
    folder = cache_dir / "db"
    folder.mkdir(parents=True)
    subprocess.run(
        [writer, folder / "trivy.db"],
        input=json.dumps(content).encode(),
        check=True,
        timeout=60,
    )
    write_metadata(cache_dir, updated)
    return cache_dir


def write_metadata(cache_dir: Path, updated: datetime, *, schema: int = 2) -> None:
    """Say when the database was made."""
    metadata = {
        "Version": schema,
        "UpdatedAt": updated.isoformat().replace("+00:00", "Z"),
        "NextUpdate": (updated + timedelta(hours=6)).isoformat().replace("+00:00", "Z"),
        "DownloadedAt": "0001-01-01T00:00:00Z",
    }
    (cache_dir / "db" / "metadata.json").write_text(json.dumps(metadata), encoding="utf-8")


def push_database(pusher: Pusher, cache_dir: Path, repository: str, tag: str = "2") -> str:
    """Push a database as Trivy's publisher does; returns `host:port/repository:tag`."""
    names = ("trivy.db", "metadata.json")
    files = {name: (cache_dir / "db" / name).read_bytes() for name in names}
    return _push(pusher, files, MEDIA_TYPE, f"{repository}:{tag}")


def push_java_database(pusher: Pusher, repository: str, tag: str = "1") -> str:
    """Push a list of Java archives that is empty, but says that it is one."""
    metadata = {"Version": 1, "UpdatedAt": UPDATED.isoformat(), "NextUpdate": UPDATED.isoformat()}
    files = {"trivy-java.db": b"", "metadata.json": json.dumps(metadata).encode()}
    return _push(pusher, files, JAVA_MEDIA_TYPE, f"{repository}:{tag}")


def _push(pusher: Pusher, files: Mapping[str, bytes], media_type: str, name: str) -> str:
    repository, _, tag = name.partition(":")
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for file, data in files.items():
            member = tarfile.TarInfo(file)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    layer, config = gzip.compress(archive.getvalue(), mtime=0), b"{}"
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {
            **_descriptor(config),
            "mediaType": "application/vnd.aquasec.trivy.config.v1+json",
        },
        "layers": [
            {
                **_descriptor(layer),
                "mediaType": media_type,
                "annotations": {"org.opencontainers.image.title": "db.tar.gz"},
            }
        ],
    }
    for blob in (config, layer):
        pusher.blob(repository, _descriptor(blob)["digest"], blob)
    pusher.put(repository, tag, json.dumps(manifest).encode(), str(manifest["mediaType"]))
    return f"{pusher.address}/{name}"


def _descriptor(data: bytes) -> dict[str, Any]:
    return {"digest": f"sha256:{hashlib.sha256(data).hexdigest()}", "size": len(data)}
