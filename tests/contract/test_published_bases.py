"""What real images were built on, told by real layers, annotations and provenance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from basekeeper.pipeline.identifying import KnownBase, PublishedAs, identify_published
from basekeeper.resolve import resolve
from basekeeper.values.bases import Clue, Confidence, Identified, Method
from basekeeper.values.image import Unknown
from basekeeper.values.resolution import Question
from basekeeper.values.settings import HostSettings
from tests.contract.registry_client import Opened, host_settings, open_client, reference
from tests.contract.registry_places import PLACES
from tests.fakes import attested
from tests.fakes.attested import material, statement
from tests.fakes.derived import push_derived

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.pipeline.identifying import Found
    from tests.contract.registry_places import Place

anonymous = pytest.mark.parametrize(
    "place", [one for one in PLACES if str(one.id).endswith("anonymous")], indirect=True
)
AMD64 = "linux/amd64"


@pytest.fixture
def opened(place: Place) -> Iterator[Opened]:
    """Open a client for which the registry is Docker Hub too."""
    hub = HostSettings(mirror=f"{'http' if place.authority is None else 'https'}://{place.address}")
    with open_client({place.address: host_settings(place), "docker.io": hub}) as found:
        yield found


def known(place: Place, opened: Opened, name: str, image: str) -> KnownBase:
    """Know a base as the tree names it."""
    digest = place.images[image]["digest"]
    named = reference(place, name)
    config = opened.client.config(named.with_digest(digest), AMD64)
    clue = Clue(
        method=Method.DOCKERFILE,
        reference=named,
        digests=(digest, config.manifest),
        diff_ids=config.diff_ids,
    )
    return KnownBase(AMD64, clue)


def found_of(place: Place, opened: Opened, name: str, *bases: KnownBase) -> Found:
    asked = Question(
        reference=reference(place, name), platforms=(AMD64,), pointer=True, inside=True
    )
    told = resolve([asked], opened.client).by_image[str(asked.reference)]
    assert told.current is not None
    image = PublishedAs("shop", asked.reference, told.current, AMD64, bases)
    before = len(opened.sent)
    found = identify_published([image], opened.client)["shop", AMD64]
    opened.sent[:] = opened.sent[before:]
    return found


def base_of(found: Found) -> Identified:
    assert isinstance(found.base, Identified), found.base
    return found.base


@anonymous
def test_layers_prove_what_the_dockerfile_names_and_nobody_is_asked(
    place: Place, opened: Opened
) -> None:
    here = known(place, opened, "library/debian:12-slim", "debian-12")
    found = found_of(place, opened, "acme/hello:1.0.0", here)
    base = base_of(found)
    assert base.method is Method.DOCKERFILE
    assert base.confidence is Confidence.HIGH
    assert base.agreeing == (Method.ANNOTATION, Method.LAYERS)
    assert base.base.layers == 1
    assert [one.digest for one in found.layers] == [place.images["debian-12"]["digest"]]
    assert opened.sent == []


@anonymous
@pytest.mark.parametrize(("image", "number"), [("1.0.0", "12"), ("1.1.0", "13")])
def test_what_annotations_name_is_proven_by_its_layers(
    place: Place, opened: Opened, image: str, number: str
) -> None:
    found = found_of(place, opened, f"acme/hello:{image}")
    base = base_of(found)
    assert base.method is Method.ANNOTATION
    assert base.confidence is Confidence.HIGH
    assert base.agreeing == (Method.LAYERS,)
    assert base.base.reference.familiar == f"debian:{number}"
    assert base.base.digest == place.images[f"debian-{number}"]["digest"]
    (layers,) = found.layers
    config = opened.client.config(layers.reference.with_digest(layers.digest), AMD64)
    assert layers.diff_ids == config.diff_ids


@anonymous
def test_a_dockerfile_that_moved_on_is_contradicted(place: Place, opened: Opened) -> None:
    now = known(place, opened, "library/debian:13-slim", "debian-13")
    found = found_of(place, opened, "acme/hello:1.0.0", now)
    base = base_of(found)
    assert base.base.reference.familiar == "debian:12"
    assert base.contradicting == (Method.DOCKERFILE,)
    digests = [one.digest for one in found.layers]
    assert digests == [place.images[name]["digest"] for name in ("debian-12", "debian-13")]


@anonymous
@pytest.mark.parametrize("kind", [attested.V1, attested.V02])
def test_of_all_images_that_provenance_lists_layers_tell_the_base(
    place: Place, opened: Opened, kind: str
) -> None:
    name = "acme/attested"
    digest = push_derived(place.target, place.layout, "debian-12", f"{name}:plain", "attested")
    raw = opened.client.point(reference(place, f"{name}:plain"))
    image = {"mediaType": raw.media_type, "digest": digest, "size": raw.size}
    address = place.address.replace(":", "%3A")
    said = statement(
        digest,
        [
            material("pkg:docker/docker/dockerfile@1", attested.digest_of(b"frontend")),
            material(
                f"pkg:docker/{address}/library/debian@13-slim?platform=linux%2Famd64",
                place.images["debian-13"]["digest"],
            ),
            material(
                f"pkg:docker/{address}/library/debian@12-slim?platform=linux%2Famd64",
                place.images["debian-12"]["digest"],
            ),
            material("pkg:docker/no/such@1?platform=linux%2Famd64", attested.digest_of(b"none")),
        ],
        kind=kind,
    )
    attested.push_attested(place.target, f"{name}:{kind.rpartition('/')[2]}", image, said)
    found = found_of(place, opened, f"{name}:{kind.rpartition('/')[2]}")
    base = base_of(found)
    assert base.method is Method.PROVENANCE
    assert base.agreeing == (Method.LAYERS,)
    assert base.confidence is Confidence.HIGH
    assert str(base.base.reference) == f"{place.address}/library/debian:12-slim"


@anonymous
def test_without_any_word_of_a_base_it_is_not_identified(place: Place, opened: Opened) -> None:
    push_derived(place.target, place.layout, "debian-12", "acme/silent:1", "silent")
    found = found_of(place, opened, "acme/silent:1")
    assert isinstance(found.base, Unknown)
    assert found.base.reason == "nothing tells what it was built on"
    assert found.layers == ()
