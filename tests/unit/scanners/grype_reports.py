"""Reports of Grype 0.121.3 in small: the fields that it writes for a Debian image, cut down."""

from __future__ import annotations

import base64
import json
from typing import Any

LAYER = "sha256:" + 64 * "a"
IMAGE_ID = "sha256:" + 64 * "b"
ORDER = ("advisory", "nvd", "highest")
BUILT = "2026-11-25T00:00:00Z"
CONFIG = {"architecture": "amd64", "os": "linux"}
PURL = "pkg:deb/debian/libssl1.1@1.1.1w-0%2Bdeb11u1?arch=amd64&distro=debian-11.11&upstream=openssl"


def encoded_config(**changes: Any) -> str:
    return base64.b64encode(json.dumps({**CONFIG, **changes}).encode()).decode()


def vulnerability(**changes: Any) -> dict[str, Any]:
    return {
        "id": "CVE-2026-1",
        "namespace": "debian:distro:debian:11",
        "severity": "Critical",
        "fix": {
            "versions": ["1.1.1w-0+deb11u2"],
            "state": "fixed",
            "available": [
                {"version": "1.1.1w-0+deb11u2", "date": "2026-11-20", "kind": "advisory"}
            ],
        },
        "advisories": [{"id": "DSA-1-1", "link": "https://example.com/DSA-1-1"}],
        **changes,
    }


def related(name: str = "CVE-2026-1", severity: str = "High", **changes: Any) -> dict[str, Any]:
    return {"id": name, "namespace": "nvd:cpe", "severity": severity, **changes}


def match(
    about: dict[str, Any] | None = None, others: list[dict[str, Any]] | None = None, **changes: Any
) -> dict[str, Any]:
    return {
        "vulnerability": vulnerability() if about is None else about,
        "relatedVulnerabilities": [related()] if others is None else others,
        "artifact": {
            "id": "c60b234fb1bc66a8",
            "name": "libssl1.1",
            "version": "1.1.1w-0+deb11u1",
            "type": "deb",
            "purl": PURL,
        },
        **changes,
    }


def report(**changes: Any) -> dict[str, Any]:
    target = {
        "imageID": IMAGE_ID,
        "layers": [{"digest": LAYER, "size": 1}],
        "config": encoded_config(),
    }
    return {
        "matches": [match()],
        "source": {"type": "image", "target": target},
        "distro": {"name": "debian", "version": "11.11", "idLike": []},
        "descriptor": descriptor(),
        **changes,
    }


def descriptor(**changes: Any) -> dict[str, Any]:
    providers = {"debian": {"captured": BUILT}, "kev": {"captured": BUILT}}
    status = {"schemaVersion": "v6.1.10", "built": BUILT, "valid": True}
    return {
        "name": "grype",
        "version": "0.121.3",
        "db": {"status": status, "providers": providers},
        **changes,
    }


def component(**changes: Any) -> dict[str, Any]:
    return {
        "bom-ref": f"{PURL}&package-id=c60b234fb1bc66a8",
        "type": "library",
        "name": "libssl1.1",
        "version": "1.1.1w-0+deb11u1",
        "purl": PURL,
        "properties": [
            {"name": "syft:package:type", "value": "deb"},
            {"name": "syft:location:0:path", "value": "/var/lib/dpkg/status"},
            {"name": "syft:location:0:layerID", "value": LAYER},
        ],
        **changes,
    }


def listing(*components: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.7",
        "metadata": {"component": {"type": "container", "name": "x"}},
        "components": list(components or (component(),)),
        "vulnerabilities": [{"id": "CVE-2026-1"}],
        **changes,
    }
