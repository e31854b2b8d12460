"""What registries under test hold: real images under the names that projects use."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from tools import images

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Protocol

    class Target(Protocol):
        """Where images can be put."""

        def push(
            self, layout: Path, repository: str, tag: str, image: Mapping[str, Any], /
        ) -> None: ...

        def put(self, repository: str, name: str, body: bytes, media_type: str, /) -> str: ...

        def blob(self, repository: str, digest: str, data: bytes, /) -> None: ...


FILLED: Mapping[str, Mapping[str, str]] = {
    "library/debian": {
        "11-slim": "debian-11",
        "bullseye-slim": "debian-11",
        "11.11-slim": "debian-11-old",
        "12-slim": "debian-12",
        "bookworm-slim": "debian-12",
        "13-slim": "debian-13",
        "trixie-slim": "debian-13",
        "stable-slim": "debian-13",
    },
    "docker/debian": {"12": "debian-12-docker"},
    "acme/hello": {"1.0.0": "app-on-12", "1.1.0": "app-on-13", "latest": "app-on-13"},
    "private/hello": {"1.0.0": "app-on-12"},
}
"""Repository → tag → name of the image in the layout of `tools/images.py`."""

ATTACHED_TO = ("acme/hello", "app-on-12")
LIFECYCLE = "application/vnd.microsoft.artifact.lifecycle"
EMPTY = b"{}"
EMPTY_TYPE = "application/vnd.oci.empty.v1+json"


def fill(target: Target, layout: Path) -> None:
    """Push everything, and attach one artifact by the fallback tag."""
    named = images.named(layout)
    for repository, tags in FILLED.items():
        for tag, image in tags.items():
            target.push(layout, repository, tag, named[image])
    repository, image = ATTACHED_TO
    _attach(target, repository, named[image])


def _attach(target: Target, repository: str, subject: Mapping[str, Any]) -> None:
    """Attach an artifact as clients do where a registry has no referrers API."""
    empty = f"sha256:{hashlib.sha256(EMPTY).hexdigest()}"
    target.blob(repository, empty, EMPTY)
    nothing = {"mediaType": EMPTY_TYPE, "digest": empty, "size": len(EMPTY)}
    ends = {"vnd.microsoft.artifact.lifecycle.end-of-life.date": "2026-11-10"}
    artifact = {
        "schemaVersion": 2,
        "mediaType": images.MANIFEST,
        "artifactType": LIFECYCLE,
        "config": nothing,
        "layers": [nothing],
        "subject": {name: subject[name] for name in ("mediaType", "digest", "size")},
        "annotations": ends,
    }
    body = json.dumps(artifact).encode()
    digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
    target.put(repository, digest, body, images.MANIFEST)
    descriptor = {
        "mediaType": images.MANIFEST, "digest": digest, "size": len(body),
        "artifactType": LIFECYCLE, "annotations": ends,
    }  # fmt: skip
    index = {"schemaVersion": 2, "mediaType": images.INDEX, "manifests": [descriptor]}
    tag = subject["digest"].replace(":", "-")
    target.put(repository, tag, json.dumps(index).encode(), images.INDEX)
