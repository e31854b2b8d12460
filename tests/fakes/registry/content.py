"""What a simulated registry holds, and helpers to make images out of nothing."""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tests.fakes.tars import tar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1+prettyjws"
EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
INDEXES = frozenset({INDEX, DOCKER_INDEX})
DOCKER_TYPES = {MANIFEST: DOCKER_MANIFEST, INDEX: DOCKER_INDEX, CONFIG: DOCKER_CONFIG}
PUSHED = datetime(2026, 11, 1, 12, tzinfo=UTC)
"""When things were pushed, unless a test says otherwise."""


def digest_of(data: bytes) -> str:
    """Return the digest of bytes."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def to_json(value: object) -> bytes:
    """Return compact JSON."""
    return json.dumps(value, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class Manifest:
    """One manifest or index as it is served."""

    digest: str
    media_type: str
    body: bytes

    def descriptor(self, **more: Any) -> dict[str, Any]:
        """Return a descriptor of it, with more fields."""
        found = {"mediaType": self.media_type, "digest": self.digest, "size": len(self.body)}
        return {**found, **more}


@dataclass(slots=True)
class Repository:
    """One repository."""

    manifests: dict[str, Manifest] = field(default_factory=dict)
    """By digest."""
    tags: dict[str, str] = field(default_factory=dict)
    """Tag → digest, in the order in which the tags were first pushed."""
    pushed: dict[str, datetime] = field(default_factory=dict)
    """Tag or digest → when it was pushed last."""
    blobs: dict[str, bytes] = field(default_factory=dict)


@dataclass(slots=True)
class Content:
    """All repositories of one registry."""

    repositories: dict[str, Repository] = field(default_factory=dict)

    def repository(self, name: str) -> Repository:
        """Return a repository, making it where it is not there."""
        return self.repositories.setdefault(name, Repository())

    def blob(self, repository: str, digest: str, data: bytes) -> None:
        """Keep a blob under a digest, which is not checked."""
        self.repository(repository).blobs[digest] = data

    def put(
        self,
        repository: str,
        name: str,
        body: bytes,
        media_type: str,
        pushed: datetime = PUSHED,
    ) -> str:
        """Keep a manifest and, unless the name is a digest, tag it; return its digest."""
        found = self.repository(repository)
        digest = digest_of(body)
        found.manifests[digest] = Manifest(digest, media_type, body)
        found.pushed[digest] = pushed
        if ":" not in name:
            self.tag(repository, name, digest, pushed)
        return digest

    def tag(self, repository: str, tag: str, digest: str, pushed: datetime = PUSHED) -> None:
        """Let a tag point to a digest; moves it where it is there."""
        found = self.repository(repository)
        found.tags[tag] = digest
        found.pushed[tag] = pushed

    def tag_many(self, repository: str, tags: Iterable[str], digest: str) -> None:
        """Let many tags point to one digest."""
        for tag in tags:
            self.tag(repository, tag, digest)

    def image(
        self, repository: str, tag: str, *platforms: str, pushed: datetime = PUSHED, **options: Any
    ) -> Manifest:
        """Make an image and push it under a tag.

        With one platform or none (linux/amd64) it is a single manifest; with several, or
        `attested=True`, an index. More options: those of `manifest`.
        """
        attested = options.pop("attested", False)
        options.setdefault("seed", tag)
        named = platforms or ("linux/amd64",)
        made = [self.manifest(repository, one, **options) for one in named]
        top = made[0]
        if len(made) > 1 or attested:
            children = [
                one.descriptor(platform=platform_of(name))
                for one, name in zip(made, named, strict=True)
            ]
            if attested:
                children += [self.attestation(repository, one) for one in made]
            top = self.index(repository, children, docker=options.get("docker", False))
        self.tag(repository, tag, top.digest, pushed)
        self.repository(repository).pushed[top.digest] = pushed
        return top

    def manifest(
        self,
        repository: str,
        platform: str = "linux/amd64",
        *,
        seed: str = "",
        docker: bool = False,
        config: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Manifest:
        """Make a single manifest with a config and one layer.

        Args:
            repository: Where it is kept.
            platform: `os/architecture[/variant]`.
            seed: Other text, other content.
            docker: Whether media types are Docker's.
            config: Fields of the config over the usual ones.
            more: Fields of the manifest, such as `annotations` or `subject`.
        """
        archive = tar({"layer": f"{repository} {platform} {seed}"})
        layer = gzip.compress(archive, mtime=0)
        fields = {
            **platform_of(platform),
            "created": "2026-10-01T00:00:00Z",
            "config": {"Env": ["PATH=/usr/bin"], "Cmd": ["sh"], "Labels": {"seed": seed}},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(archive)]},
            "history": [{"created_by": f"ADD {seed}"}],
            **(config or {}),
        }
        types = DOCKER_TYPES if docker else {}
        body = {
            "schemaVersion": 2,
            "mediaType": types.get(MANIFEST, MANIFEST),
            "config": self._blob(repository, to_json(fields), types.get(CONFIG, CONFIG)),
            "layers": [self._blob(repository, layer, LAYER)],
            **more,
        }
        return self.keep(repository, body)

    def index(
        self, repository: str, children: Sequence[Any], *, docker: bool = False, **more: Any
    ) -> Manifest:
        """Make an index of descriptors."""
        media_type = DOCKER_INDEX if docker else INDEX
        body = {"schemaVersion": 2, "mediaType": media_type, "manifests": children, **more}
        return self.keep(repository, body)

    def attestation(self, repository: str, subject: Manifest) -> dict[str, Any]:
        """Make what BuildKit puts beside a manifest; return its descriptor for the index."""
        statement = to_json({"predicateType": "https://slsa.dev/provenance/v0.2"})
        config = to_json({"architecture": "unknown", "os": "unknown", "of": subject.digest})
        body = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self._blob(repository, config, CONFIG),
            "layers": [self._blob(repository, statement, "application/vnd.in-toto+json")],
        }
        return self.keep(repository, body).descriptor(
            platform=platform_of("unknown/unknown"),
            annotations={
                "vnd.docker.reference.type": "attestation-manifest",
                "vnd.docker.reference.digest": subject.digest,
            },
        )

    def attach(
        self,
        repository: str,
        subject: Manifest,
        artifact_type: str,
        annotations: Mapping[str, str] | None = None,
        *,
        fallback: bool = False,
    ) -> Manifest:
        """Make an artifact that refers to a manifest.

        With `fallback` it is listed under the tag `sha256-<hex>` too, as clients do where the
        registry has no referrers API.
        """
        nothing = self._blob(repository, b"{}", EMPTY_TYPE)
        artifact = self.keep(
            repository,
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "artifactType": artifact_type,
                "config": nothing,
                "layers": [nothing],
                "subject": subject.descriptor(),
                "annotations": dict(annotations or {}),
            },
        )
        if fallback:
            tag = subject.digest.replace(":", "-")
            listed = self.index(repository, self.referrers(repository, subject.digest))
            self.tag(repository, tag, listed.digest)
        return artifact

    def referrers(self, repository: str, digest: str) -> list[dict[str, Any]]:
        """Return descriptors of all that refers to a digest."""
        found = []
        for manifest in self.repository(repository).manifests.values():
            body = _object(manifest.body)
            if (body.get("subject") or {}).get("digest") == digest:
                kind = body.get("artifactType") or body["config"]["mediaType"]
                notes = body.get("annotations", {})
                found.append(manifest.descriptor(artifactType=kind, annotations=notes))
        return found

    def push(self, layout: Path, repository: str, tag: str, image: Mapping[str, Any]) -> None:
        """Push what a descriptor of an OCI layout names, and all it refers to, under a tag."""
        self._copy(layout, repository, image)
        self.tag(repository, tag, image["digest"])

    def keep(self, repository: str, body: Mapping[str, Any]) -> Manifest:
        """Keep a manifest or index without a tag."""
        data = to_json(body)
        digest = self.put(repository, digest_of(data), data, body["mediaType"])
        return self.repository(repository).manifests[digest]

    def _copy(self, layout: Path, repository: str, image: Mapping[str, Any]) -> None:
        body = layout.joinpath("blobs", *image["digest"].split(":")).read_bytes()
        self.put(repository, image["digest"], body, image["mediaType"])
        manifest = json.loads(body)
        for child in manifest.get("manifests", ()):
            self._copy(layout, repository, child)
        for blob in (manifest["config"], *manifest["layers"]) if "config" in manifest else ():
            path = layout.joinpath("blobs", *blob["digest"].split(":"))
            self.blob(repository, blob["digest"], path.read_bytes())

    def _blob(self, repository: str, data: bytes, media_type: str) -> dict[str, Any]:
        digest = digest_of(data)
        self.blob(repository, digest, data)
        return {"mediaType": media_type, "digest": digest, "size": len(data)}


def platform_of(text: str) -> dict[str, str]:
    """Return `os/architecture[/variant]` as an index has it; `os/arch:version` for Windows."""
    text, _, version = text.partition(":")
    names = ("os", "architecture", "variant")
    found = dict(zip(names, text.split("/"), strict=False))
    return {**found, "os.version": version} if version else found


def _object(body: bytes) -> dict[str, Any]:
    """Read a manifest that may be broken on purpose."""
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
