from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from basekeeper.errors import Failure, RegistryError
from basekeeper.registry.manifests import (
    MAX_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    Index,
    Manifest,
    matching,
    normalised_platform,
    platform_key,
    read_descriptor,
    read_manifest,
)

DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
ONE, TWO, THREE = (f"sha256:{digit * 64}" for digit in "123")


def descriptor(digest: str = ONE, media_type: str = OCI_MANIFEST, **more: object) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest, "size": 7, **more}


def on(system: str, architecture: str, **more: str) -> dict[str, Any]:
    return {"platform": {"os": system, "architecture": architecture, **more}}


def index(*entries: object, **more: object) -> dict[str, Any]:
    return {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": list(entries), **more}


def manifest(**more: object) -> dict[str, Any]:
    return {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor(ONE, CONFIG),
        "layers": [descriptor(TWO, "application/vnd.oci.image.layer.v1.tar+gzip")],
        **more,
    }


def read(document: object, content_type: str | None = None) -> Index | Manifest:
    return read_manifest(json.dumps(document).encode(), content_type, "r.test/app")


def platforms(document: object) -> list[str | None]:
    found = read(document)
    assert isinstance(found, Index)
    return [entry.platform for entry in found.entries]


def test_a_manifest_is_taken_apart() -> None:
    found = read(manifest(annotations={"a": "b", "odd": 7}), f"{OCI_MANIFEST}; charset=utf-8")
    assert isinstance(found, Manifest)
    assert found.is_image
    assert (found.config.digest, found.annotations) == (ONE, {"a": "b"})
    assert [layer.digest for layer in found.layers] == [TWO]


def test_an_index_is_taken_apart() -> None:
    found = read(index(descriptor(TWO, **on("linux", "amd64")), annotations={"a": "b"}))
    assert isinstance(found, Index)
    assert found.annotations == {"a": "b"}
    assert [(entry.digest, entry.platform) for entry in found.entries] == [(TWO, "linux/amd64")]


@pytest.mark.parametrize(
    ("entry", "kept"),
    [
        (descriptor(**on("linux", "arm64", variant="v8")), ["linux/arm64"]),
        (descriptor(**on("linux", "arm", variant="v6")), ["linux/arm/v6"]),
        (descriptor(**on("linux", "arm")), ["linux/arm/v7"]),
        (descriptor(**on("windows", "amd64", **{"os.version": "10.0.20348.2700"})),
         ["windows/amd64:10.0.20348.2700"]),
        (descriptor(**on("linux", "amd64", **{"os.version": "10.0"})), ["linux/amd64"]),
        (descriptor(**on("unknown", "unknown")), []),
        (descriptor(**on("linux\x1b", "amd64")), []),
        (descriptor(**on("linux", "amd64/x/y")), []),
        (descriptor(), [None]),
        (descriptor(platform=None), [None]),
        (descriptor(platform={"os": "", "architecture": ""}), [None]),
        (descriptor(artifactType="text/x"), []),
        (descriptor(TWO, OCI_INDEX), [None]),
        (descriptor(TWO, "application/vnd.oci.empty.v1+json"), []),
        (descriptor(annotations={"vnd.docker.reference.type": "attestation-manifest"},
                    **on("linux", "amd64")), []),
        (descriptor(annotations={"vnd.docker.reference.type": "other"}), []),
        (descriptor(urls=["http://evil.test/"], **on("linux", "amd64")), ["linux/amd64"]),
    ],
)  # fmt: skip
def test_entries_of_an_index_are_images_or_left_out(entry: object, kept: list[str | None]) -> None:
    assert platforms(index(entry)) == kept


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({}, "schema version None"),
        (index(schemaVersion="2"), "schema version '2'"),
        (index(config=descriptor()), "at once"),
        (index(layers=[]), "at once"),
        (index(mediaType=OCI_MANIFEST), "disagree"),
        (manifest(mediaType=DOCKER_INDEX), "disagree"),
        (manifest(mediaType=7), "no text"),
        (manifest(config=None), "no config"),
        (manifest(config=[]), "no object"),
        (manifest(layers={}), "no list"),
        (manifest(layers=["x"]), "no object"),
        (manifest(annotations=[]), "no object"),
        (index(descriptor("sha256:zz")), "no digest"),
        (index(descriptor(size=-1)), "no size"),
        (index(descriptor(size=True)), "no size"),
        (index(descriptor(size=1.5)), "no size"),
        (index({"digest": ONE, "size": 1}), "no media type"),
        (index(descriptor(platform="linux/amd64")), "no object"),
        ({**index(), "manifests": {}}, "no list"),
    ],
)
def test_a_malformed_document_is_refused(document: object, reason: str) -> None:
    with pytest.raises(RegistryError, match=reason) as caught:
        read(document)
    assert caught.value.failure is Failure.REFUSED


@pytest.mark.parametrize(
    ("document", "content_type"),
    [
        (manifest(), DOCKER_MANIFEST),
        (manifest(), OCI_INDEX),
        (index(), DOCKER_INDEX),
        ({"schemaVersion": 2, "manifests": []}, OCI_MANIFEST),
        ({"schemaVersion": 2, "config": descriptor(ONE, CONFIG)}, OCI_INDEX),
    ],
)
def test_body_and_header_must_agree(document: object, content_type: str) -> None:
    with pytest.raises(RegistryError) as caught:
        read(document, content_type)
    assert caught.value.failure is Failure.REFUSED


@pytest.mark.parametrize("content_type", [None, "", OCI_INDEX, DOCKER_INDEX])
def test_without_a_media_type_the_structure_tells(content_type: str | None) -> None:
    found = read({"schemaVersion": 2, "manifests": []}, content_type)
    assert found.media_type == OCI_INDEX


@pytest.mark.parametrize(
    ("document", "content_type", "reason"),
    [
        ({"schemaVersion": 1, "name": "app"}, None, "schema 1"),
        ({"schemaVersion": 1}, "application/vnd.docker.distribution.manifest.v1+prettyjws",
         "schema 1"),
        ({"schemaVersion": 1}, "application/vnd.docker.distribution.manifest.v1+json", "schema 1"),
        (manifest(), "text/html", "no media type of an image"),
        (manifest(mediaType="text/x"), None, "no media type of an image"),
    ],
)  # fmt: skip
def test_what_is_no_image_of_today_is_not_supported(
    document: object, content_type: str | None, reason: str
) -> None:
    with pytest.raises(RegistryError, match=reason) as caught:
        read(document, content_type)
    assert caught.value.failure is Failure.UNSUPPORTED


def test_a_manifest_above_the_limit_is_refused() -> None:
    with pytest.raises(RegistryError, match="larger"):
        read_manifest(b" " * (MAX_MANIFEST + 1), None, "r.test/app")


@pytest.mark.parametrize(
    "more", [{"artifactType": "text/x"}, {"config": descriptor(ONE, "text/x")}]
)
def test_another_kind_of_artifact_is_no_image(more: dict[str, Any]) -> None:
    found = read(manifest(**more))
    assert isinstance(found, Manifest)
    assert not found.is_image


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("linux/amd64", "linux/amd64"),
        ("linux/amd64/v1", "linux/amd64"),
        ("linux/amd64/v3", "linux/amd64/v3"),
        ("linux/arm64", "linux/arm64"),
        ("linux/arm64/v8", "linux/arm64"),
        ("linux/aarch64", "linux/arm64"),
        ("linux/arm", "linux/arm/v7"),
        ("linux/arm/v7", "linux/arm/v7"),
        ("linux/arm/6", "linux/arm/v6"),
        ("LINUX/AMD64", "linux/amd64"),
        ("windows/amd64", "windows/amd64"),
        ("windows/amd64:10.0.20348", "windows/amd64:10.0.20348"),
        ("windows(10.0.20348)/amd64", "windows/amd64:10.0.20348"),
        ("", None),
        ("a/b/c/d", None),
        ("linux/am d64", None),
    ],
)
def test_platforms_have_one_spelling(text: str, key: str | None) -> None:
    assert normalised_platform(text) == key
    if key is not None:
        assert normalised_platform(key) == key


@pytest.mark.parametrize(
    ("wanted", "key"),
    [
        ("linux/arm64/v8", "linux/arm64"),
        ("windows/amd64", "windows/amd64:10.0.2"),
        ("windows/amd64:10.0.1", "windows/amd64:10.0.1"),
        ("linux/s390x", None),
        ("windows/arm64", None),
        ("windows/amd64:10.0.3", None),
        ("windows(10.0.1)/amd64", "windows/amd64:10.0.1"),
        ("linux/arm", "linux/arm/v6"),
        ("linux/arm/v7", "linux/arm/v6"),
        ("linux/arm/v5", None),
        ("linux/amd64/v3", "linux/amd64"),
        ("linux/arm/v" + "9" * 5000, "linux/arm/v6"),
        ("not a platform/", None),
    ],
)
def test_a_wanted_platform_is_found(wanted: str, key: str | None) -> None:
    linux = ["linux/arm64", "linux/amd64", "linux/arm/v6"]
    there = dict.fromkeys([*linux, "windows/amd64:10.0.2", "windows/amd64:10.0.1"], ONE)
    assert matching(there, wanted) == key


@pytest.mark.parametrize("value", [None, 7, [], {}])
def test_what_is_no_text_is_no_platform(value: object) -> None:
    assert platform_key(value, "amd64") is None
    assert platform_key("linux", value) is None
    assert platform_key("linux", "amd64", value, value) == "linux/amd64"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5) | st.just(ONE),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["digest", "size", "mediaType", "platform", "annotations", "os"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(
    st.dictionaries(
        st.sampled_from(["manifests", "config", "layers", "annotations", "mediaType"]), json_values
    )
)
def test_whatever_is_inside_is_read_or_refused(document: dict[str, object]) -> None:
    try:
        read({"schemaVersion": 2, **document})
    except RegistryError as error:
        assert error.failure in {Failure.REFUSED, Failure.UNSUPPORTED}  # noqa: PT017  # or succeeds


def test_a_descriptor_keeps_what_refers() -> None:
    found = read_descriptor(descriptor(artifactType="text/x", annotations={"a": "b"}), "x")
    assert (found.artifact_type, found.annotations, found.size) == ("text/x", {"a": "b"}, 7)
