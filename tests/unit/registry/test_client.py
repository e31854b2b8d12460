from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from basekeeper.cache.memory import MemoryCache
from basekeeper.errors import Failure, RegistryError
from basekeeper.registry.contents import MAX_READ
from basekeeper.registry.manifests import ACCEPT
from basekeeper.values.image import INDEX_TYPES, MANIFEST_TYPES
from tests.fakes.registry import Answer, Simulator, digest_of, faults, scenarios
from tests.unit.registry.asking import NOW, asking, reference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.fakes.registry import Fault, Host

NAME = "registry.test"
APP = f"{NAME}/team/app"
INDEX = "application/vnd.oci.image.index.v1+json"
IMAGE = "application/vnd.oci.image.manifest.v1+json"


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture
def host(simulator: Simulator) -> Host:
    return simulator.host(NAME)


# Pointers


def test_a_tag_is_asked_for_with_one_head_that_accepts_all_four_types(
    simulator: Simulator, host: Host
) -> None:
    image = host.content.image("team/app", "1", "linux/amd64", "linux/arm64/v8")
    with asking(simulator) as client:
        found = client.point(reference(f"{APP}:1"))
    assert (found.digest, found.media_type) == (image.digest, image.media_type)
    assert found.size == len(image.body)
    assert [one.method for one in host.log] == ["HEAD"]
    assert host.log[0].headers["accept"] == ACCEPT
    assert set(ACCEPT.split(", ")) == INDEX_TYPES | MANIFEST_TYPES


def test_no_tag_means_latest(simulator: Simulator, host: Host) -> None:
    image = host.content.image("team/app", "latest", "linux/amd64")
    with asking(simulator) as client:
        assert client.point(reference(APP)).digest == image.digest


@pytest.mark.parametrize(
    "fault",
    [
        faults.head_without_digest,
        faults.head_malformed_digest,
        faults.head_refused,
        lambda: faults.head_refused(404),
        lambda: faults.head_refused(501),
    ],
)
def test_one_get_follows_a_head_that_does_not_tell_the_digest(
    simulator: Simulator, host: Host, fault: Callable[[], Fault]
) -> None:
    image = host.content.image("team/app", "1", "linux/amd64")
    host.add(fault())
    with asking(simulator) as client:
        found = client.point(reference(f"{APP}:1"))
    assert found.digest == digest_of(image.body)
    assert [one.method for one in host.log] == ["HEAD", "GET"]


def test_no_get_follows_a_head_that_was_refused_for_a_limit(
    simulator: Simulator, host: Host
) -> None:
    host.content.image("team/app", "1", "linux/amd64")
    host.add(faults.limited())
    with asking(simulator) as client, pytest.raises(RegistryError) as caught:
        client.point(reference(f"{APP}:1"))
    assert caught.value.failure is Failure.LIMITED
    assert {one.method for one in host.log} == {"HEAD"}


def test_a_digest_in_a_header_that_is_not_that_of_the_content_is_found_out(
    simulator: Simulator, host: Host
) -> None:
    image = host.content.image("team/app", "1", "linux/amd64")
    other = host.content.image("team/app", "2", "linux/arm64").digest
    found = host.content.repository("team/app").manifests
    found[other] = image
    with asking(simulator) as client, pytest.raises(RegistryError, match="digest") as caught:
        client.image(reference(f"{APP}@{other}"))
    assert caught.value.failure is Failure.REFUSED


def test_a_content_type_with_parameters_is_read(simulator: Simulator, host: Host) -> None:
    image = host.content.image("team/app", "1", "linux/amd64")
    host.add(faults.content_type("{type}; charset=utf-8"))
    with asking(simulator) as client:
        assert client.point(reference(f"{APP}:1")).media_type == image.media_type
        client.image(reference(f"{APP}@{image.digest}"))


@pytest.mark.parametrize("scenario", [scenarios.schema_1, scenarios.unknown_type])
def test_what_is_no_image_of_today_is_not_supported(
    simulator: Simulator, host: Host, scenario: Callable[..., Any]
) -> None:
    scenario(host.content, "team/app", "1")
    host.add(faults.head_without_digest())
    with asking(simulator) as client, pytest.raises(RegistryError) as caught:
        client.point(reference(f"{APP}:1"))
    assert caught.value.failure in {Failure.UNSUPPORTED, Failure.NOT_FOUND}


@pytest.mark.parametrize(
    ("status", "failure"),
    [(404, Failure.NOT_FOUND), (403, Failure.DENIED), (418, Failure.UNSUPPORTED),
     (500, Failure.UNREACHABLE), (408, Failure.UNREACHABLE)],
)  # fmt: skip
def test_a_status_becomes_a_kind_of_failure(
    simulator: Simulator, host: Host, status: int, failure: Failure
) -> None:
    body = json.dumps({"errors": [{"code": "ODD", "message": "so \x1b[1mit is"}]}).encode()
    host.documents["/v2/team/app/manifests/1"] = Answer(status, body)
    with asking(simulator) as client, pytest.raises(RegistryError, match="team/app:1") as caught:
        client.point(reference(f"{APP}:1"))
    assert caught.value.failure is failure
    assert "\x1b" not in caught.value.message


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"errors": [{"code": "DENIED", "message": "by \\u001b[1mrule"}]}', "(DENIED: by "),
        (b'{"errors": [{"code": "DENIED"}]}', "(DENIED)"),
        (b'{"errors": []}', "denied"),
        (b'{"errors": ["odd"]}', "denied"),
        (b'{"errors": [{}]}', "denied"),
        (b"<html>", "denied"),
    ],
)
def test_what_a_registry_says_of_its_refusal_is_shown_clean(
    simulator: Simulator, host: Host, body: bytes, told: str
) -> None:
    image = host.content.image("team/app", "1", "linux/amd64")
    host.documents[f"/v2/team/app/manifests/{image.digest}"] = Answer(403, body)
    with asking(simulator) as client, pytest.raises(RegistryError) as caught:
        client.image(reference(f"{APP}@{image.digest}"))
    assert told in caught.value.message
    assert "\x1b" not in caught.value.message


@pytest.mark.parametrize(
    ("header", "modified"),
    [
        ("Thu, 26 Nov 2026 12:00:00 GMT", NOW),
        ("Thu, 26 Nov 2026 13:00:00 +0100", NOW),
        ("soon", None),
        ("Thu, 99 Nov 2026 12:00:00 GMT", None),
        (None, None),
    ],
)
def test_a_registry_may_tell_when_a_tag_was_stored(
    simulator: Simulator, host: Host, header: str | None, modified: datetime | None
) -> None:
    image = host.content.image("team/app", "1", "linux/amd64")
    headers = [("Docker-Content-Digest", image.digest)]
    if header is not None:
        headers.append(("Last-Modified", header))
    host.documents["/v2/team/app/manifests/1"] = Answer(headers=tuple(headers))
    with asking(simulator) as client:
        found = client.point(reference(f"{APP}:1"))
        assert client.point(reference(f"{APP}:1")) == found
    assert (found.digest, found.media_type, found.modified) == (image.digest, None, modified)
    assert host.count() == 1


@pytest.mark.parametrize(
    "data",
    [
        b"garbled",
        b"[" * 100_000,
        b'[7, "application/json", 1, null]',
        b'["sha256:%b", [], 1, null]' % (b"0" * 64),
        b'["sha256:%b", null, "1", null]' % (b"0" * 64),
    ],
)
def test_an_answer_that_the_cache_garbled_is_asked_for_again(
    simulator: Simulator, host: Host, data: bytes
) -> None:
    class Garbled(MemoryCache):
        def answer(self, key: str, *, now: datetime, max_age: timedelta) -> bytes | None:
            return data

    image = host.content.image("team/app", "1", "linux/amd64")
    with asking(simulator, cache=Garbled()) as client:
        assert client.point(reference(f"{APP}:1")).digest == image.digest
        assert [facts.tag for facts in client.tags(reference(APP)).tags] == ["1"]


def test_a_tag_is_believed_for_minutes(simulator: Simulator, host: Host) -> None:
    cache = MemoryCache()
    first = host.content.image("team/app", "1", "linux/amd64").digest
    with asking(simulator, cache=cache) as client:
        client.point(reference(f"{APP}:1"))
    second = host.content.image("team/app", "1", "linux/arm64").digest
    with asking(simulator, cache=cache, now=NOW + timedelta(minutes=9)) as client:
        assert client.point(reference(f"{APP}:1")).digest == first
    assert host.count() == 1
    with asking(simulator, cache=cache, now=NOW + timedelta(minutes=11)) as client:
        assert client.point(reference(f"{APP}:1")).digest == second


# Images and configs


def test_an_index_tells_its_platforms_and_a_manifest_its_config(
    simulator: Simulator, host: Host
) -> None:
    index = host.content.image("team/app", "1", "linux/amd64", "linux/arm64/v8")
    with asking(simulator) as client:
        found = client.image(reference(f"{APP}@{index.digest}"))
        assert list(found.platforms) == ["linux/amd64", "linux/arm64"]
        assert found.is_index
        alone = client.image(reference(f"{APP}@{found.platforms['linux/arm64']}"))
        assert alone.platforms == {"linux/arm64": found.platforms["linux/arm64"]}
        assert not alone.is_index
        config = client.config(reference(f"{APP}@{index.digest}"), "linux/arm64/v8")
    assert config.digest == alone.config
    assert config.platform == "linux/arm64"
    assert config.size == alone.size


def test_what_a_digest_names_is_fetched_once_for_ever(simulator: Simulator, host: Host) -> None:
    cache = MemoryCache()
    index = host.content.image("team/app", "1", "linux/amd64")
    for day in range(2):
        with asking(simulator, cache=cache, now=NOW + timedelta(days=day)) as client:
            client.image(reference(f"{APP}@{index.digest}"))
            client.config(reference(f"{APP}@{index.digest}"), "linux/amd64")
    asked = [one.target for one in host.log]
    assert len(asked) == len(set(asked))


def test_a_platform_that_is_missing_is_named_with_those_that_are_there(
    simulator: Simulator, host: Host
) -> None:
    index = host.content.image("team/app", "1", "linux/amd64", "linux/arm64")
    with asking(simulator) as client:
        whole = client.image(reference(f"{APP}@{index.digest}"))
        for digest in (index.digest, whole.platforms["linux/amd64"]):
            with pytest.raises(RegistryError, match=r"s390x.*linux/amd64") as caught:
                client.config(reference(f"{APP}@{digest}"), "linux/s390x")
            assert caught.value.failure is Failure.UNSUPPORTED


def test_a_platform_that_the_index_does_not_tell_is_read_from_the_config(
    simulator: Simulator, host: Host
) -> None:
    index, manifest = scenarios.untold_platform(host.content, "team/app", "1")
    with asking(simulator) as client:
        found = client.image(reference(f"{APP}@{index.digest}"))
    assert found.platforms == {"linux/arm64": manifest.digest}


def test_of_two_manifests_for_one_platform_the_first_counts(
    simulator: Simulator, host: Host
) -> None:
    index, first = scenarios.twice_the_platform(host.content, "team/app", "1")
    with asking(simulator) as client:
        found = client.image(reference(f"{APP}@{index.digest}"))
    assert found.platforms == {"linux/amd64": first.digest}


def test_an_entry_without_a_platform_that_is_no_image_is_left_out(
    simulator: Simulator, host: Host
) -> None:
    content = host.content
    image = content.manifest("team/app", seed="image")
    chart = content.attach("team/app", image, "application/vnd.cncf.helm.chart")
    index = content.index("team/app", [image.descriptor(), chart.descriptor()])
    with asking(simulator) as client:
        found = client.image(reference(f"{APP}@{index.digest}"))
        assert list(found.platforms.values()) == [image.digest]
        with pytest.raises(RegistryError, match=r"no container image.*helm") as caught:
            client.image(reference(f"{APP}@{chart.digest}"))
    assert caught.value.failure is Failure.UNSUPPORTED


def test_only_so_many_platforms_are_looked_up(simulator: Simulator, host: Host) -> None:
    one = host.content.manifest("team/app").descriptor()
    index = host.content.index("team/app", [one] * (MAX_READ + 1))
    with asking(simulator) as client, pytest.raises(RegistryError, match="tell no platform"):
        client.image(reference(f"{APP}@{index.digest}"))
    assert host.count() == 3


@pytest.mark.parametrize(
    ("announced", "is_index"), [(INDEX, False), (IMAGE, True)], ids=["manifest", "index"]
)
def test_an_entry_of_another_kind_than_announced_is_refused(
    simulator: Simulator, host: Host, announced: str, *, is_index: bool
) -> None:
    content = host.content
    child = content.index("team/app", []) if is_index else content.manifest("team/app")
    entry = {**child.descriptor(), "mediaType": announced}
    index = content.index("team/app", [entry])
    with asking(simulator) as client, pytest.raises(RegistryError, match="announced") as caught:
        client.image(reference(f"{APP}@{index.digest}"))
    assert caught.value.failure is Failure.REFUSED


@pytest.mark.parametrize("scenario", [scenarios.only_attestations, scenarios.empty_index])
def test_an_index_without_any_image_says_so(
    simulator: Simulator, host: Host, scenario: Callable[..., Any]
) -> None:
    index = scenario(host.content, "team/app", "1")
    with asking(simulator) as client, pytest.raises(RegistryError, match="no image") as caught:
        client.image(reference(f"{APP}@{index.digest}"))
    assert caught.value.failure is Failure.UNSUPPORTED


@pytest.mark.parametrize(("depth", "is_read"), [(0, True), (1, True), (2, True), (3, False)])
def test_indexes_are_read_three_deep(
    simulator: Simulator, host: Host, depth: int, *, is_read: bool
) -> None:
    index = scenarios.nested(host.content, "team/app", "1", depth)
    with asking(simulator) as client:
        if is_read:
            assert list(client.image(reference(f"{APP}@{index.digest}")).platforms) == [
                "linux/amd64"
            ]
            return
        with pytest.raises(RegistryError, match="nested") as caught:
            client.image(reference(f"{APP}@{index.digest}"))
        assert caught.value.failure is Failure.REFUSED


@pytest.mark.parametrize(
    "fault",
    [
        faults.huge,
        faults.gzip_bomb,
        lambda: faults.body(b"{}"),
        lambda: faults.content_type("text/html"),
    ],
)
def test_a_body_that_is_not_what_was_asked_for_is_refused(
    simulator: Simulator, host: Host, fault: Callable[[], Fault]
) -> None:
    image = host.content.image("team/app", "1", "linux/amd64")
    host.add(fault())
    with asking(simulator) as client:
        for _ in range(2):
            with pytest.raises(RegistryError) as caught:
                client.image(reference(f"{APP}@{image.digest}"))
            assert caught.value.failure in {Failure.REFUSED, Failure.UNSUPPORTED}


def test_a_config_that_was_exchanged_is_refused(simulator: Simulator, host: Host) -> None:
    image = host.content.image("team/app", "1", "linux/amd64")
    host.add(faults.body(b"{}", "blob"))
    with asking(simulator) as client, pytest.raises(RegistryError, match="announced") as caught:
        client.config(reference(f"{APP}@{image.digest}"), "linux/amd64")
    assert caught.value.failure is Failure.REFUSED


def test_a_truncated_body_is_asked_for_again(simulator: Simulator, host: Host) -> None:
    image = host.content.image("team/app", "1", "linux/amd64")
    host.add(faults.truncated(times=1))
    with asking(simulator) as client:
        client.image(reference(f"{APP}@{image.digest}"))


def test_a_digest_is_needed(simulator: Simulator, host: Host) -> None:
    with asking(simulator) as client, pytest.raises(RegistryError, match="no digest"):
        client.image(reference(f"{APP}:1"))


# Referrers, publishers, warnings


@pytest.mark.parametrize("has_api", [True, False])
def test_referrers_of_one_type_are_listed(
    simulator: Simulator, host: Host, *, has_api: bool
) -> None:
    host.referrers = has_api
    image = host.content.image("team/app", "1", "linux/amd64")
    with asking(simulator) as client:
        assert client.referrers(reference(f"{APP}@{image.digest}"), "text/x") == ()


def test_only_docker_hub_tells_of_publishers(simulator: Simulator, host: Host) -> None:
    with asking(simulator) as client:
        found = client.publisher(reference(f"{APP}:1"))
    assert (found.official, found.verified, found.source) == (None, None, NAME)
    assert not host.log


def test_a_mirror_of_docker_hub_tells_only_what_the_name_shows(simulator: Simulator) -> None:
    mirror = simulator.host("docker.io")
    with asking(simulator) as client:
        assert client.publisher(reference("alpine")).official is True
        assert client.publisher(reference("team/app")).official is False
        assert client.publisher(reference("team/app")).verified is None
    assert not mirror.log


def test_warnings_of_registries_are_kept_once_and_clean(simulator: Simulator, host: Host) -> None:
    image = host.content.image("team/app", "1", "linux/amd64")
    said = '299 - "goes \x07away \\"soon\\"", 199 - "hidden"'
    host.documents[f"/v2/team/app/manifests/{image.digest}"] = Answer(
        body=image.body, headers=(("Content-Type", image.media_type), ("Warning", said))
    )
    host.documents["/v2/team/app/manifests/1"] = Answer(
        headers=(("Docker-Content-Digest", image.digest), ("Warning", said))
    )
    with asking(simulator) as client:
        client.point(reference(f"{APP}:1"))
        client.image(reference(f"{APP}@{image.digest}"))
        assert client.warnings == (f'{NAME}: goes away "soon"',)
        assert client.notices() == client.warnings


def test_the_cost_depends_on_distinct_images_alone(simulator: Simulator, host: Host) -> None:
    host.require_tokens()
    images = [f"team/app{number}" for number in range(12)]
    for image in images:
        host.content.image(image, "1", "linux/amd64", "linux/arm64")

    def ask(number: int) -> tuple[str, int]:
        image = reference(f"{NAME}/{images[number % 12]}:1")
        digest = client.point(image).digest
        pinned = image.with_digest(digest)
        client.image(pinned)
        client.config(pinned, "linux/amd64")
        return digest, len(client.tags(image).tags)

    with asking(simulator) as client, ThreadPoolExecutor(8) as threads:
        found = set(threads.map(ask, range(600)))
    assert len(found) == 12
    assert host.count("manifest", "HEAD") <= 12 + 1  # the first teaches how the host is asked
    assert host.count("tags") == 12
    assert host.count("token") == 12
    assert (host.count("manifest", "GET"), host.count("blob")) == (24, 12)
