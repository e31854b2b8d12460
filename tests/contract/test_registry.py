"""`ports.Registry` as our client implements it, on simulated and real registries alike."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from basekeeper.cache.memory import MemoryCache
from basekeeper.errors import Failure, RegistryError
from basekeeper.lifecycle.replaced import END_OF_LIFE
from basekeeper.values.facts import read_os_release
from tests.contract.registry_client import NOW, Opened, open_place, reference
from tests.contract.registry_places import PLACES
from tests.fakes.realregistry.filling import ATTACHED_TO, FILLED, LIFECYCLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.contract.registry_places import Place

everywhere = pytest.mark.parametrize("place", PLACES, indirect=True)
with_login = pytest.mark.parametrize(
    "place", [one for one in PLACES if str(one.id).endswith(("basic", "token"))], indirect=True
)
with_tokens = pytest.mark.parametrize(
    "place", [one for one in PLACES if str(one.id).endswith("token")], indirect=True
)


@pytest.fixture
def opened(place: Place) -> Iterator[Opened]:
    with open_place(place) as found:
        yield found


def digest(place: Place, image: str) -> str:
    found: str = place.images[image]["digest"]
    return found


@everywhere
def test_a_tag_points_to_the_digest_of_its_image(place: Place, opened: Opened) -> None:
    for repository, tags in FILLED.items():
        for tag, name in tags.items():
            pointer = opened.client.point(reference(place, f"{repository}:{tag}"))
            image = place.images[name]
            assert pointer.digest == image["digest"]
            assert pointer.media_type == image["mediaType"]
            assert pointer.size == image["size"]


@everywhere
def test_only_heads_are_sent_to_see_that_nothing_changed(place: Place, opened: Opened) -> None:
    for tag in FILLED["library/debian"]:
        opened.client.point(reference(place, f"library/debian:{tag}"))
    asked = [line for line in opened.sent if "/manifests/" in line]
    assert all(line.startswith("HEAD ") for line in asked)
    refused = 1 if place.login else 0
    assert len(asked) == len(FILLED["library/debian"]) + refused


@with_tokens
def test_one_token_serves_for_a_repository(place: Place, opened: Opened) -> None:
    for tag in FILLED["library/debian"]:
        opened.client.point(reference(place, f"library/debian:{tag}"))
    assert sum(line.startswith("GET /token") for line in opened.sent) == 1


@everywhere
def test_all_tags_are_listed_without_those_of_signatures(place: Place, opened: Opened) -> None:
    for repository, tags in FILLED.items():
        listed = opened.client.tags(reference(place, repository))
        assert listed.complete
        assert {facts.tag for facts in listed.tags} == set(tags)


@everywhere
def test_an_index_tells_its_platforms_and_leaves_attestations_out(
    place: Place, opened: Opened
) -> None:
    for name in ("debian-12", "debian-13"):
        index = json.loads(place.blob(digest(place, name)))
        image = opened.client.image(reference(place, f"library/debian@{digest(place, name)}"))
        assert image.is_index
        assert dict(image.platforms) == {
            "linux/amd64": index["manifests"][0]["digest"],
            "linux/arm64": index["manifests"][1]["digest"],
        }


@everywhere
def test_a_single_manifest_tells_its_config_and_layers(place: Place, opened: Opened) -> None:
    found = digest(place, "app-on-12")
    manifest = json.loads(place.blob(found))
    image = opened.client.image(reference(place, f"acme/hello@{found}"))
    assert not image.is_index
    assert dict(image.platforms) == {"linux/amd64": found}
    assert image.config == manifest["config"]["digest"]
    assert image.layers == tuple(layer["digest"] for layer in manifest["layers"])
    assert image.size == sum(layer["size"] for layer in manifest["layers"])
    assert image.annotations["org.opencontainers.image.base.digest"] == digest(place, "debian-12")


@everywhere
@pytest.mark.parametrize("platform", ["linux/amd64", "linux/arm64", "linux/arm64/v8"])
@pytest.mark.parametrize(
    ("repository", "name"), [("library/debian", "debian-13"), ("docker/debian", "debian-12-docker")]
)
def test_a_config_is_read_for_one_platform(
    place: Place, opened: Opened, platform: str, repository: str, name: str
) -> None:
    image = reference(place, f"{repository}@{digest(place, name)}")
    config = opened.client.config(image, platform)
    assert config.platform == platform.removesuffix("/v8")
    said = json.loads(place.blob(config.digest))
    assert config.diff_ids == tuple(said["rootfs"]["diff_ids"])
    assert config.labels["org.opencontainers.image.version"].startswith(name[7:9])
    assert config.command == ("bash",)
    assert config.created is not None


@everywhere
def test_a_program_stands_on_the_layers_of_its_base(place: Place, opened: Opened) -> None:
    base = reference(place, f"library/debian@{digest(place, 'debian-12')}")
    program = reference(place, f"acme/hello@{digest(place, 'app-on-12')}")
    below = opened.client.config(base, "linux/amd64").diff_ids
    above = opened.client.config(program, "linux/amd64").diff_ids
    assert above[: len(below)] == below
    assert len(above) > len(below)


@everywhere
def test_the_system_is_read_out_of_the_layers(place: Place, opened: Opened) -> None:
    images = {"11": "debian-11", "12": "debian-12", "13": "debian-13"}
    held = {f"library/debian@{digest(place, name)}": release for release, name in images.items()}
    held[f"acme/hello@{digest(place, 'app-on-12')}"] = "12"
    held[f"docker/debian@{digest(place, 'debian-12-docker')}"] = "12"
    for name, release in held.items():
        text = opened.client.os_release(reference(place, name), "linux/amd64")
        assert text is not None
        assert read_os_release(text)["ID"] == "debian"
        assert read_os_release(text)["VERSION_ID"] == release


@everywhere
def test_a_platform_that_is_missing_is_told(place: Place, opened: Opened) -> None:
    image = reference(place, f"library/debian@{digest(place, 'debian-12')}")
    with pytest.raises(RegistryError, match="linux/s390x") as caught:
        opened.client.config(image, "linux/s390x")
    assert caught.value.failure is Failure.UNSUPPORTED


@everywhere
def test_referrers_are_found_without_the_interface_for_them(place: Place, opened: Opened) -> None:
    repository, image = ATTACHED_TO
    subject = reference(place, f"{repository}@{digest(place, image)}")
    (found,) = opened.client.referrers(subject, LIFECYCLE)
    assert found.artifact_type == LIFECYCLE
    assert found.annotations[END_OF_LIFE] == "2026-11-10"
    assert opened.client.referrers(subject, "application/vnd.example") == ()


@everywhere
def test_nothing_refers_to_most_images(place: Place, opened: Opened) -> None:
    subject = reference(place, f"library/debian@{digest(place, 'debian-11')}")
    assert opened.client.referrers(subject, LIFECYCLE) == ()


@everywhere
@pytest.mark.parametrize("name", ["library/debian:no-such-tag", "library/no-such:1"])
def test_a_tag_that_is_not_there_is_not_found(place: Place, opened: Opened, name: str) -> None:
    with pytest.raises(RegistryError) as caught:
        opened.client.point(reference(place, name))
    assert caught.value.failure is Failure.NOT_FOUND


@everywhere
def test_a_digest_that_is_not_there_is_not_found(place: Place, opened: Opened) -> None:
    with pytest.raises(RegistryError) as caught:
        opened.client.image(reference(place, f"library/debian@sha256:{'0' * 64}"))
    assert caught.value.failure is Failure.NOT_FOUND


@everywhere
def test_tags_of_a_repository_that_is_not_there_are_not_found(place: Place, opened: Opened) -> None:
    with pytest.raises(RegistryError) as caught:
        opened.client.tags(reference(place, "library/no-such"))
    assert caught.value.failure is Failure.NOT_FOUND


@with_login
def test_what_is_private_is_read_with_a_login(place: Place, opened: Opened) -> None:
    pointer = opened.client.point(reference(place, "private/hello:1.0.0"))
    assert pointer.digest == digest(place, "app-on-12")


@with_login
def test_a_wrong_password_is_denied_and_sent_no_more_than_needed(place: Place) -> None:
    with (
        open_place(place, login=("tester", "wrong")) as opened,
        pytest.raises(RegistryError) as caught,
    ):
        opened.client.point(reference(place, "private/hello:1.0.0"))
    assert caught.value.failure is Failure.DENIED
    assert "wrong" not in f"{caught.value} {caught.value.hint}"
    assert len(opened.sent) <= 3


@with_tokens
def test_the_public_is_read_without_a_login_and_the_private_is_not(place: Place) -> None:
    with open_place(replace(place, login=None)) as opened:
        opened.client.point(reference(place, "acme/hello:1.0.0"))
        with pytest.raises(RegistryError) as caught:
            opened.client.point(reference(place, "private/hello:1.0.0"))
    assert caught.value.failure is Failure.NOT_FOUND


@everywhere
def test_content_is_asked_for_once_for_ever(place: Place) -> None:
    cache = MemoryCache()
    image = reference(place, f"library/debian@{digest(place, 'debian-12')}")
    with open_place(place, cache=cache) as first:
        once = first.client.config(image, "linux/arm64")
    with open_place(place, cache=cache, now=NOW + timedelta(days=400)) as second:
        assert second.client.config(image, "linux/arm64") == once
        assert second.client.image(image).is_index
    assert second.sent == []


@everywhere
def test_a_pointer_is_believed_for_minutes_and_then_asked_for_by_one_head(place: Place) -> None:
    cache = MemoryCache()
    image = reference(place, "acme/hello:latest")
    with open_place(place, cache=cache) as first:
        first.client.point(image)
    with open_place(place, cache=cache, now=NOW + timedelta(minutes=5)) as second:
        second.client.point(image)
    assert second.sent == []
    with open_place(place, cache=cache, now=NOW + timedelta(hours=1)) as third:
        third.client.point(image)
    assert len([line for line in third.sent if line.startswith("HEAD ")]) <= 2
    assert not [line for line in third.sent if line.startswith("GET /v2/")]


@everywhere
def test_equal_questions_at_the_same_time_are_asked_once(place: Place, opened: Opened) -> None:
    image = reference(place, f"library/debian@{digest(place, 'debian-13')}")
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda _: opened.client.config(image, "linux/amd64"), range(32)))
    assert len({one.digest for one in found}) == 1
    fetched = [line for line in opened.sent if line.startswith("GET /v2/")]
    assert len(set(fetched)) + (1 if place.login else 0) == len(fetched)


@everywhere
def test_another_system_under_the_same_tag_is_seen(place: Place) -> None:
    """Debian 12 becomes Debian 13 behind a tag, as `stable` did."""
    name = f"drifting/{place.setup}"
    seen = []
    for number, image in enumerate(("debian-12", "debian-13")):
        place.target.push(place.layout, name, "stable", place.images[image])
        with open_place(place, now=NOW + timedelta(days=number)) as opened:
            pointer = opened.client.point(reference(place, f"{name}:stable"))
            inside = reference(place, f"{name}@{pointer.digest}")
            config = opened.client.config(inside, "linux/amd64")
            text = opened.client.os_release(inside, "linux/amd64")
        labelled = config.labels["org.opencontainers.image.version"].partition(".")[0]
        seen.append((labelled, read_os_release(text or "")["VERSION_ID"]))
    assert seen == [("12", "12"), ("13", "13")]
