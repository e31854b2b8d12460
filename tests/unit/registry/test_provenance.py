from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from basekeeper.errors import Failure, RegistryError
from basekeeper.registry.provenance import (
    MAX_ATTESTATIONS,
    MAX_MATERIALS,
    MAX_STATEMENT,
    read_purl,
    read_statement,
)
from tests.fakes import attested
from tests.fakes.attested import SBOM, V1, material, statement
from tests.fakes.registry import Simulator
from tests.unit.registry.asking import asking, reference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fakes.registry import Host

NAME = "registry.test"
SUBJECT, BASE = (f"sha256:{char * 64}" for char in "ab")
AMD64 = {"os": "linux", "architecture": "amd64"}
PURL = "pkg:docker/debian@12?platform=linux%2Famd64"


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture
def host(simulator: Simulator) -> Host:
    return simulator.host(NAME)


def read(document: object, subject: str = SUBJECT) -> list[str]:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    return [str(one.reference) for one in read_statement(data, subject, "a statement")]


@pytest.mark.parametrize(
    ("uri", "image", "platform"),
    [
        ("pkg:docker/debian@12-slim", "docker.io/library/debian:12-slim", None),
        (PURL, "docker.io/library/debian:12", "linux/amd64"),
        ("pkg:docker/debian@12?platform=linux%2Farm64%2Fv8", "docker.io/library/debian:12",
         "linux/arm64"),
        ("pkg:docker/bitnami/redis@7", "docker.io/bitnami/redis:7", None),
        ("pkg:docker/ghcr.io/acme/base@v1", "ghcr.io/acme/base:v1", None),
        ("pkg:docker/localhost%3A5000/base@1", "localhost:5000/base:1", None),
        ("pkg:docker/127.0.0.1:5000/base@1", "127.0.0.1:5000/base:1", None),
        (f"pkg:docker/debian@12?digest={BASE}", f"docker.io/library/debian:12@{BASE}", None),
        (f"pkg:docker/debian?digest={BASE}", f"docker.io/library/debian@{BASE}", None),
        (f"pkg:docker/debian@{BASE}", f"docker.io/library/debian@{BASE}", None),
        (f"pkg:docker/acme/base@{BASE}?repository_url=gcr.io", f"gcr.io/acme/base@{BASE}", None),
        (f"pkg:oci/debian@sha256%3A{'b' * 64}?repository_url=docker.io/library/debian&tag=12",
         f"docker.io/library/debian:12@{BASE}", None),
        ("pkg:docker/debian", "docker.io/library/debian", None),
        ("PKG:Docker/debian@12#part", "docker.io/library/debian:12", None),
    ],
)  # fmt: skip
def test_package_urls_of_images_are_read(uri: str, image: str, platform: str | None) -> None:
    found = read_purl(uri)
    assert found is not None
    assert str(found[0]) == image
    assert found[1] == platform


@pytest.mark.parametrize(
    "uri",
    [
        "", "pkg:", "pkg:docker", "pkg:docker/", "pkg:docker/@12", "pkg:npm/left-pad@1",
        "https://git.example/acme/app.git", "docker-image://debian:12", "pkg:docker/UPPER@12",
        "pkg:docker/debian@no tag", "pkg:docker/a%00b@1", "pkg:docker/%2e%2e/etc@1",
        "pkg:docker/debian@" + "x" * 200, "pkg:docker/" + "a/" * 300 + "b",
    ],
)  # fmt: skip
def test_other_things_are_no_images(uri: str) -> None:
    assert read_purl(uri) is None


@given(st.text() | st.text().map("pkg:docker/{}".format) | st.text().map("pkg:oci/x?{}".format))
def test_no_uri_does_harm(uri: str) -> None:
    read_purl(uri)


def test_a_digest_that_is_none_leaves_the_name() -> None:
    said = statement(SUBJECT, [{"uri": PURL, "digest": {"sha256": "../../etc/passwd"}}])
    assert read(said) == ["docker.io/library/debian:12"]


def test_entries_that_are_no_images_are_passed_over() -> None:
    odd: list[Any] = [
        None,
        1,
        "text",
        [],
        {},
        {"uri": 1},
        {"uri": "https://x.test"},
        material(PURL),
    ]
    assert read(statement(SUBJECT, odd)) == ["docker.io/library/debian:12"]


@pytest.mark.parametrize(
    "document",
    [
        {"predicateType": SBOM, "predicate": {"materials": [material(PURL)]}},
        {"predicate": {"materials": [material(PURL)]}},
        {"predicateType": V1},
        {"predicateType": V1, "predicate": {}},
        {"predicateType": 1},
        statement(SUBJECT, []),
    ],
)
def test_what_lists_no_images_is_nothing(document: object) -> None:
    assert read(document) == []


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (b"", "no valid JSON"),
        (b"[]", "no JSON object"),
        (b"\xff", "UTF-8"),
        (b"[" * 100_000, "nested|valid JSON"),
        (b'{"predicateType":"https://slsa.dev/provenance/v1","predicateType":"x"}', "twice"),
        ({"predicateType": V1, "predicate": []}, "no object"),
        ({"predicateType": V1, "subject": {}}, "no list"),
        ({"predicateType": V1, "predicate": {"materials": {}}}, "no list"),
        ({"predicateType": V1, "predicate": {"buildDefinition": "x"}}, "no object"),
        (statement(SUBJECT, [{"uri": PURL, "digest": "x"}]), "no object"),
        (statement(BASE, [material(PURL)]), "another image"),
        (statement(SUBJECT, [material(PURL)] * (MAX_MATERIALS + 1)), "more than"),
    ],
)
def test_broken_statements_are_refused(document: object, words: str) -> None:
    with pytest.raises(RegistryError, match=words) as caught:
        read(document)
    assert caught.value.failure is Failure.REFUSED


scalars = st.none() | st.booleans() | st.integers() | st.text() | st.just(PURL) | st.just(V1)
keys = st.sampled_from(
    ["predicateType", "subject", "predicate", "materials", "buildDefinition", "uri", "digest",
     "resolvedDependencies", "sha256"]
)  # fmt: skip
documents = st.recursive(
    scalars, lambda below: st.lists(below) | st.dictionaries(keys, below), max_leaves=20
)


@given(st.dictionaries(keys, documents).map(lambda one: {**one, "predicateType": V1}))
def test_any_statement_is_read_or_refused(document: dict[str, Any]) -> None:
    with suppress(RegistryError):
        for image in read(document):
            assert "@sha256:" in image or "@" not in image


def asked(simulator: Simulator, digest: str) -> list[str]:
    with asking(simulator) as client:
        found = client.provenance(reference(f"{NAME}/app@{digest}"), "linux/amd64")
    return [str(one.reference) for one in found]


def test_a_statement_about_another_manifest_is_not_read(simulator: Simulator, host: Host) -> None:
    image, other = (host.content.manifest("app", seed=seed) for seed in "ab")
    said = statement(other.digest, [material(PURL)])
    index = json.loads(
        host.content.repository("app")
        .manifests[attested.push_attested(host.content, "app:1", image.descriptor(), said)]
        .body
    )
    index["manifests"][1]["annotations"]["vnd.docker.reference.digest"] = other.digest
    assert asked(simulator, host.content.keep("app", index).digest) == []


def test_a_statement_that_is_about_another_image_is_refused(
    simulator: Simulator, host: Host
) -> None:
    image = host.content.manifest("app")
    said = statement(BASE, [material(PURL)])
    index = attested.push_attested(host.content, "app:1", image.descriptor(), said)
    with pytest.raises(RegistryError, match="another image"):
        asked(simulator, index)


def test_a_large_statement_is_not_fetched(simulator: Simulator, host: Host) -> None:
    image = host.content.manifest("app")
    index = attested.push_attested(
        host.content, "app:1", image.descriptor(), b" " * (MAX_STATEMENT + 1)
    )
    before = host.count()
    with pytest.raises(RegistryError, match="larger than"):
        asked(simulator, index)
    assert [one.kind for one in host.log[before:]] == ["manifest"] * (host.count() - before)


def test_only_so_many_attestations_are_read(simulator: Simulator, host: Host) -> None:
    image = host.content.manifest("app")
    said = [statement(image.digest, [material(f"pkg:docker/x{n}@1")]) for n in range(9)]
    listed: list[dict[str, Any]] = [image.descriptor(platform=AMD64)]
    for one in said:
        digest = attested.push_attested(host.content, "app:1", image.descriptor(), one)
        body = json.loads(host.content.repository("app").manifests[digest].body)
        listed.append(body["manifests"][1])
    index = host.content.index("app", listed)
    assert len(asked(simulator, index.digest)) == MAX_ATTESTATIONS


def test_an_attestation_that_is_an_index_is_refused(simulator: Simulator, host: Host) -> None:
    image = host.content.manifest("app")
    inner = host.content.index("app", [])
    index = host.content.index(
        "app",
        [
            image.descriptor(platform=AMD64),
            inner.descriptor(
                annotations={
                    "vnd.docker.reference.type": "attestation-manifest",
                    "vnd.docker.reference.digest": image.digest,
                }
            ),
        ],
    )
    with pytest.raises(RegistryError, match="no attestation"):
        asked(simulator, index.digest)


def test_content_that_is_another_is_refused(simulator: Simulator, host: Host) -> None:
    image = host.content.manifest("app")
    said = statement(image.digest, [material(PURL)])
    index = attested.push_attested(host.content, "app:1", image.descriptor(), said)
    own = attested.digest_of(json.dumps(said).encode())
    blobs = host.content.repository("app").blobs
    blobs[own] = blobs[own].replace(b"debian", b"debiam")
    with pytest.raises(RegistryError, match="does not have the digest"):
        asked(simulator, index)
