"""Pushes images of an OCI layout to a registry, over its own protocol."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class PushError(Exception):
    """A registry refused what was pushed."""


@dataclass(slots=True)
class Pusher:
    """Pushes to one registry without authentication, each blob once."""

    address: str
    """`host:port`, spoken to without TLS."""
    _there: set[tuple[str, str]] = field(default_factory=set)

    def push(self, layout: Path, repository: str, tag: str, image: Mapping[str, Any]) -> None:
        """Push what a descriptor of the layout names, and all it refers to, under a tag."""
        self._manifest(layout, repository, image, tag)

    def put(self, repository: str, name: str, body: bytes, media_type: str) -> str:
        """Put one manifest under a tag or digest; return its digest."""
        path = f"/v2/{repository}/manifests/{name}"
        status, headers = self._send("PUT", path, body, {"Content-Type": media_type})
        if status != 201:
            raise PushError(f"{path}: {status}")
        return headers["docker-content-digest"]

    def blob(self, repository: str, digest: str, data: bytes) -> None:
        """Upload a blob in one piece, unless this pusher did before."""
        if (repository, digest) in self._there:
            return
        status, headers = self._send("POST", f"/v2/{repository}/blobs/uploads/", b"", {})
        if status != 202:
            raise PushError(f"{repository}: {status}")
        target = urlsplit(headers["location"])
        query = f"{target.query}&{urlencode({'digest': digest})}"
        kind = {"Content-Type": "application/octet-stream"}
        status, _ = self._send("PUT", f"{target.path}?{query}", data, kind)
        if status != 201:
            raise PushError(f"{repository}@{digest}: {status}")
        self._there.add((repository, digest))

    def _manifest(self, layout: Path, repository: str, image: Mapping[str, Any], name: str) -> None:
        """Push everything below a manifest or index first, as registries demand."""
        body = _read(layout, image["digest"])
        manifest = json.loads(body)
        for child in manifest.get("manifests", ()):
            self._manifest(layout, repository, child, child["digest"])
        if "config" in manifest:
            for blob in (manifest["config"], *manifest["layers"]):
                self.blob(repository, blob["digest"], _read(layout, blob["digest"]))
        self.put(repository, name, body, image["mediaType"])

    def _send(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, dict[str, str]]:
        connection = HTTPConnection(self.address, timeout=60)
        try:
            connection.request(method, path, body, dict(headers))
            answer = connection.getresponse()
            answer.read()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}
        finally:
            connection.close()


def _read(layout: Path, digest: str) -> bytes:
    return layout.joinpath("blobs", *digest.split(":")).read_bytes()
