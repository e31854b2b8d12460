"""Reports of Trivy 0.69.3 in small: the fields that it writes for a Debian image, cut down."""

from __future__ import annotations

import json
from typing import Any

LAYER = "sha256:" + 64 * "a"
IMAGE_ID = "sha256:" + 64 * "b"
DIGEST = "sha256:" + 64 * "c"
ORDER = ("advisory", "nvd", "highest")


def package(name: str = "libssl1.1", **changes: Any) -> dict[str, Any]:
    return {
        "ID": f"{name}@1.1.1w-0+deb11u1",
        "Name": name,
        "Identifier": {"PURL": f"pkg:deb/debian/{name}@1.1.1w?arch=amd64", "UID": f"uid-{name}"},
        "Version": "1.1.1w",
        "Release": "0+deb11u1",
        "Arch": "amd64",
        "SrcName": "openssl",
        "Layer": {"DiffID": LAYER},
        **changes,
    }


def vulnerability(name: str = "libssl1.1", **changes: Any) -> dict[str, Any]:
    return {
        "VulnerabilityID": "CVE-2026-1",
        "VendorIDs": ["DSA-1-1"],
        "PkgID": f"{name}@1.1.1w-0+deb11u1",
        "PkgName": name,
        "PkgIdentifier": {"PURL": f"pkg:deb/debian/{name}@1.1.1w?arch=amd64", "UID": f"uid-{name}"},
        "InstalledVersion": "1.1.1w-0+deb11u1",
        "FixedVersion": "1.1.1w-0+deb11u2",
        "Status": "fixed",
        "Layer": {"DiffID": LAYER},
        "SeveritySource": "nvd",
        "DataSource": {"ID": "debian", "Name": "Debian Security Tracker"},
        "Severity": "CRITICAL",
        "VendorSeverity": {"nvd": 4, "ubuntu": 2},
        "PublishedDate": "2026-11-01T02:03:04.123456789Z",
        **changes,
    }


def report(**changes: Any) -> dict[str, Any]:
    return {
        "SchemaVersion": 2,
        "Trivy": {"Version": "0.69.3"},
        "CreatedAt": "2026-11-25T12:00:00.123456789Z",
        "ArtifactName": "debian",
        "ArtifactType": "container_image",
        "Metadata": {
            "OS": {"Family": "debian", "Name": "11.11", "EOSL": True},
            "ImageID": IMAGE_ID,
            "DiffIDs": [LAYER],
            "RepoDigests": [f"127.0.0.1:5000/library/debian@{DIGEST}"],
            "ImageConfig": {"architecture": "amd64", "os": "linux"},
        },
        "Results": [result()],
        **changes,
    }


def result(**changes: Any) -> dict[str, Any]:
    return {
        "Target": "debian (debian 11.11)",
        "Class": "os-pkgs",
        "Type": "debian",
        "Packages": [package()],
        "Vulnerabilities": [vulnerability()],
        **changes,
    }


def encoded(value: object) -> bytes:
    return json.dumps(value).encode()
