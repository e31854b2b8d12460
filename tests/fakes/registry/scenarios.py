"""Odd content: each function pushes one image, whose bytes are as announced, under a tag."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fakes.registry.content import MANIFEST, SCHEMA_1, platform_of, to_json

if TYPE_CHECKING:
    from tests.fakes.registry.content import Content, Manifest


def schema_1(content: Content, repository: str, tag: str) -> str:
    """Push a manifest of Docker's first schema, signatures and all; return its digest."""
    body = {
        "schemaVersion": 1,
        "name": repository,
        "tag": tag,
        "architecture": "amd64",
        "fsLayers": [{"blobSum": f"sha256:{'a' * 64}"}],
        "history": [{"v1Compatibility": "{}"}],
        "signatures": [],
    }
    return content.put(repository, tag, to_json(body), SCHEMA_1)


def nested(content: Content, repository: str, tag: str, depth: int = 1) -> Manifest:
    """Push an index in an index, so many deep, with one image at the bottom."""
    found = content.manifest(repository, seed=tag)
    listed = found.descriptor(platform=platform_of("linux/amd64"))
    for _ in range(depth + 1):
        found = content.index(repository, [listed])
        listed = found.descriptor()
    content.tag(repository, tag, found.digest)
    return found


def twice_the_platform(content: Content, repository: str, tag: str) -> tuple[Manifest, Manifest]:
    """Push an index with two different manifests for one platform."""
    first, second = (content.manifest(repository, seed=f"{tag} {number}") for number in (1, 2))
    platform = platform_of("linux/amd64")
    index = content.index(
        repository, [one.descriptor(platform=platform) for one in (first, second)]
    )
    content.tag(repository, tag, index.digest)
    return index, first


def only_attestations(content: Content, repository: str, tag: str) -> Manifest:
    """Push an index in which nothing is an image."""
    subject = content.manifest(repository, seed=tag)
    index = content.index(repository, [content.attestation(repository, subject)])
    content.tag(repository, tag, index.digest)
    return index


def empty_index(content: Content, repository: str, tag: str) -> Manifest:
    """Push an index of nothing."""
    index = content.index(repository, [])
    content.tag(repository, tag, index.digest)
    return index


def untold_platform(content: Content, repository: str, tag: str) -> tuple[Manifest, Manifest]:
    """Push an index that does not tell the platform of its only manifest; its config does."""
    manifest = content.manifest(repository, "linux/arm64/v8", seed=tag)
    index = content.index(repository, [manifest.descriptor()])
    content.tag(repository, tag, index.digest)
    return index, manifest


def unknown_type(content: Content, repository: str, tag: str) -> str:
    """Push something of a media type that nobody knows; return its digest."""
    media_type = "application/vnd.example.thing.v1+json"
    body = to_json({"schemaVersion": 2, "mediaType": media_type})
    return content.put(repository, tag, body, media_type)


def duplicate_keys(content: Content, repository: str, tag: str) -> str:
    """Push a manifest that names its config twice, differently; return its digest."""
    found = content.manifest(repository, seed=tag)
    other = content.manifest(repository, seed=f"{tag} other")
    start = other.body.index(b'"config"')
    config = other.body[start : other.body.index(b"}", start) + 1]
    body = found.body.replace(b'"layers"', config + b',"layers"', 1)
    return content.put(repository, tag, body, MANIFEST)
