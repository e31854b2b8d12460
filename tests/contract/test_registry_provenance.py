"""`ports.Registry.provenance` on simulated and real registries alike, beside real images."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.registry_client import Opened, open_place, reference
from tests.contract.registry_places import PLACES
from tests.fakes import attested
from tests.fakes.attested import V02, V1, material, statement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.contract.registry_places import Place

everywhere = pytest.mark.parametrize("place", PLACES, indirect=True)
both_versions = pytest.mark.parametrize("kind", [V1, V02])

NAME = "acme/built"


@pytest.fixture
def opened(place: Place) -> Iterator[Opened]:
    with open_place(place) as found:
        yield found


def pushed(place: Place, tag: str) -> dict[str, Any]:
    """Push a program that stands on Debian 12; return its descriptor."""
    image = place.images["app-on-12"]
    place.target.push(place.layout, NAME, tag, image)
    return image


def used(place: Place) -> list[dict[str, Any]]:
    base = place.images["debian-12"]["digest"]
    return [
        material("pkg:docker/docker/dockerfile@1", attested.digest_of(b"frontend")),
        material("pkg:docker/golang@1.26?platform=linux%2Famd64", attested.digest_of(b"go")),
        material("pkg:docker/debian@12-slim?platform=linux%2Famd64", base),
        material("https://git.example/acme/hello.git", None),
    ]


@everywhere
@both_versions
def test_provenance_in_the_index_lists_all_images_that_the_build_used(
    place: Place, opened: Opened, kind: str
) -> None:
    image = pushed(place, "1")
    said = statement(image["digest"], used(place), kind=kind)
    index = attested.push_attested(place.target, f"{NAME}:in-index", image, said)
    found = opened.client.provenance(reference(place, f"{NAME}@{index}"), "linux/amd64")
    assert [one.reference.familiar.partition("@")[0] for one in found] == [
        "docker/dockerfile:1",
        "golang:1.26",
        "debian:12-slim",
    ]
    assert found[2].reference.digest == place.images["debian-12"]["digest"]
    assert [one.platform for one in found] == [None, "linux/amd64", "linux/amd64"]
    assert {one.statement for one in found} == {kind}


@everywhere
def test_provenance_that_refers_to_the_image_is_found_too(place: Place, opened: Opened) -> None:
    image = pushed(place, "2")
    attested.attach_provenance(
        place.target, NAME, image, statement(image["digest"], used(place)[2:])
    )
    asked = reference(place, f"{NAME}@{image['digest']}")
    (found,) = opened.client.provenance(asked, "linux/amd64")
    assert found.reference.tag == "12-slim"
    assert found.reference.digest == place.images["debian-12"]["digest"]


@everywhere
def test_most_images_have_none(place: Place, opened: Opened) -> None:
    debian = place.images["debian-12"]["digest"]
    asked = reference(place, f"library/debian@{debian}")
    assert opened.client.provenance(asked, "linux/amd64") == ()


@everywhere
def test_provenance_that_lists_nothing_is_nothing(place: Place, opened: Opened) -> None:
    index = json.loads(place.blob(place.images["debian-13"]["digest"]))
    assert len(index["manifests"]) == 4, "an attestation for each platform"
    asked = reference(place, f"library/debian@{place.images['debian-13']['digest']}")
    assert opened.client.provenance(asked, "linux/arm64") == ()


@everywhere
def test_what_was_read_once_is_not_fetched_again(place: Place, opened: Opened) -> None:
    image = pushed(place, "3")
    said = statement(image["digest"], used(place))
    index = attested.push_attested(place.target, f"{NAME}:again", image, said)
    asked = reference(place, f"{NAME}@{index}")
    first = opened.client.provenance(asked, "linux/amd64")
    sent = len(opened.sent)
    assert opened.client.provenance(asked, "linux/amd64") == first
    assert len(opened.sent) == sent
