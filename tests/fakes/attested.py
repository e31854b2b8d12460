"""Provenance beside images: in their index, as BuildKit puts it, or referring to them."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.fakes.realregistry.filling import Target

INDEX: Final = "application/vnd.oci.image.index.v1+json"
MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
CONFIG: Final = "application/vnd.oci.image.config.v1+json"
IN_TOTO: Final = "application/vnd.in-toto+json"
EMPTY_TYPE: Final = "application/vnd.oci.empty.v1+json"
V02: Final = "https://slsa.dev/provenance/v0.2"
V1: Final = "https://slsa.dev/provenance/v1"
SBOM: Final = "https://spdx.dev/Document"


def digest_of(data: bytes) -> str:
    """Return the digest of bytes."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def material(uri: str, digest: str | None = None) -> dict[str, Any]:
    """Return an entry as BuildKit writes it."""
    value = {} if digest is None else {"sha256": digest.partition(":")[2]}
    return {"uri": uri, "digest": value}


def statement(
    subject: str, materials: Iterable[Mapping[str, Any]], *, kind: str = V1
) -> dict[str, Any]:
    """Return provenance of an image, in either version."""
    listed = list(materials)
    predicate: dict[str, Any] = {"buildDefinition": {"resolvedDependencies": listed}}
    if kind == V02:
        predicate = {"materials": listed}
    return {
        "_type": "https://in-toto.io/Statement/v0.1",
        "predicateType": kind,
        "subject": [{"name": "_", "digest": {"sha256": subject.partition(":")[2]}}],
        "predicate": predicate,
    }


def push_attested(
    target: Target,
    name: str,
    image: Mapping[str, Any],
    said: Mapping[str, Any] | bytes,
    *,
    platform: str = "linux/amd64",
) -> str:
    """Push an index of an image and what is said of it, under `repository:tag`.

    Args:
        target: Where to.
        name: Where in it; the image must be there.
        image: Descriptor of its manifest.
        said: The statement.
        platform: `os/architecture` of the image.

    Returns:
        The digest of the index.
    """
    repository, _, tag = name.rpartition(":")
    system, _, architecture = platform.partition("/")
    plain = {key: image[key] for key in ("mediaType", "digest", "size")}
    config = _blob(target, repository, _json({"architecture": "unknown", "os": "unknown"}), CONFIG)
    attestation = {
        **_attestation(target, repository, said, config),
        "annotations": {
            "vnd.docker.reference.digest": image["digest"],
            "vnd.docker.reference.type": "attestation-manifest",
        },
        "platform": {"architecture": "unknown", "os": "unknown"},
    }
    shown = {**plain, "platform": {"architecture": architecture, "os": system}}
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [shown, attestation]}
    return target.put(repository, tag, _json(index), INDEX)


def attach_provenance(
    target: Target, repository: str, image: Mapping[str, Any], said: Mapping[str, Any] | bytes
) -> None:
    """Push an artifact with a statement that refers to an image, listed by the fallback tag too."""
    subject = {key: image[key] for key in ("mediaType", "digest", "size")}
    config = _blob(target, repository, b"{}", EMPTY_TYPE)
    artifact = _attestation(target, repository, said, config, artifactType=IN_TOTO, subject=subject)
    listed = {**artifact, "artifactType": IN_TOTO, "annotations": {"made": "by a test"}}
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [listed]}
    target.put(repository, image["digest"].replace(":", "-"), _json(index), INDEX)


def _attestation(
    target: Target,
    repository: str,
    said: Mapping[str, Any] | bytes,
    config: Mapping[str, Any],
    **more: Any,
) -> dict[str, Any]:
    """Push a manifest that holds a statement; return its descriptor."""
    data = said if isinstance(said, bytes) else _json(said)
    kind = said["predicateType"] if not isinstance(said, bytes) else V1
    layer = _blob(target, repository, data, IN_TOTO)
    layer["annotations"] = {"in-toto.io/predicate-type": kind}
    body = {
        "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer], **more,
    }  # fmt: skip
    data = _json(body)
    digest = digest_of(data)
    target.put(repository, digest, data, MANIFEST)
    return {"mediaType": MANIFEST, "digest": digest, "size": len(data)}


def _blob(target: Target, repository: str, data: bytes, kind: str) -> dict[str, Any]:
    digest = digest_of(data)
    target.blob(repository, digest, data)
    return {"mediaType": kind, "digest": digest, "size": len(data)}


def _json(value: object) -> bytes:
    return json.dumps(value).encode()
