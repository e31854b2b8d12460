from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from basekeeper.cache.memory import MemoryCache
from basekeeper.errors import Failure, RegistryError
from basekeeper.registry.client import RegistryLimits
from basekeeper.registry.listing import (
    Collected,
    ListLimits,
    is_tag,
    next_link,
    pack,
    same_path,
    unpack,
)
from basekeeper.tags.updates import TagFacts
from tests.fakes.registry import Answer, Dialect, Simulator, faults
from tests.unit.registry.asking import NOW, asking, reference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from basekeeper.tags.updates import TagList
    from tests.fakes.registry import Fault, Host

NAME = "registry.test"
APP = f"{NAME}/team/app"
DIGEST = f"sha256:{'0' * 64}"
LIST = "/v2/team/app/tags/list"


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


def filled(host: Host, tags: Sequence[str], repository: str = "team/app") -> Sequence[str]:
    digest = host.content.image(repository, tags[0], "linux/amd64").digest
    host.content.tag_many(repository, tags, digest)
    return tags


def names(found: TagList) -> list[str]:
    return sorted(facts.tag for facts in found.tags)


def numbered(count: int) -> list[str]:
    return [f"1.{number}" for number in range(count)]


def listed(simulator: Simulator, image: str = APP, **limits: Any) -> TagList:
    chosen = RegistryLimits(lists=ListLimits(**limits))
    with asking(simulator, limits=chosen) as client:
        return client.tags(reference(image))


@pytest.mark.parametrize(
    ("dialect", "requests"),
    [
        (Dialect.DEBIAN, 1),
        (Dialect.DISTRIBUTION, 3),
        (Dialect.HUB, 3),
        (Dialect.GHCR, 3),
        (Dialect.ECR, 3),
        (Dialect.HARBOR, 21),
        (Dialect.ARTIFACTORY, 3),
        (Dialect.QUAY, 42),
    ],
)
def test_every_dialect_is_read_to_the_end(
    simulator: Simulator, dialect: Dialect, requests: int
) -> None:
    host = simulator.host(NAME, dialect=dialect)
    tags = filled(host, numbered(2100))
    found = listed(simulator)
    assert found.complete, found.problem
    assert names(found) == sorted(tags)
    assert host.count("tags") == requests


def test_a_full_list_without_a_link_is_asked_for_its_rest(simulator: Simulator) -> None:
    host = simulator.host(NAME, dialect=Dialect.DEBIAN)
    filled(host, numbered(1000))
    found = listed(simulator)
    assert found.complete
    assert len(found.tags) == 1000
    assert [one.target for one in host.log] == [f"{LIST}?n=1000", f"{LIST}?n=1000&last=1.999"]


@pytest.mark.parametrize("body", [{"name": "team/app", "tags": None}, {"tags": []}, {}])
def test_no_tags_are_a_complete_list(simulator: Simulator, body: object) -> None:
    host = simulator.host(NAME)
    filled(host, ["1"])
    host.add(faults.tags_body(body))
    found = listed(simulator)
    assert (found.tags, found.problem) == ((), None)


def test_short_pages_and_tags_that_come_twice_are_merged(simulator: Simulator) -> None:
    host = simulator.host(NAME)
    filled(host, ["3", "1", "2", "5", "4"])
    host.add(faults.tags_again("1", "5"), faults.short_pages(2))
    found = listed(simulator)
    assert found.complete
    assert names(found) == ["1", "2", "3", "4", "5"]
    assert len(found.tags) == 5


@pytest.mark.parametrize(
    "name",
    [
        "a\x1b[31mred",
        "1\n::error::boo",
        "::error::boo",
        "-1",
        "a" * 129,
        "ünicode",
        "",
        "sha256-" + "0" * 64,
        "sha256-" + "0" * 64 + ".sig",
        "1.att",
        "1.sbom",
        "1.sig",
    ],
)
def test_what_is_no_tag_of_an_image_is_left_out(simulator: Simulator, name: str) -> None:
    host = simulator.host(NAME)
    filled(host, ["1"])
    host.add(faults.tags_body({"tags": ["1", name, "2"]}))
    found = listed(simulator)
    assert (names(found), found.problem) == (["1", "2"], None)
    assert not is_tag(name)


def test_a_tag_that_is_no_text_is_refused(simulator: Simulator) -> None:
    host = simulator.host(NAME)
    filled(host, ["1"])
    host.add(faults.tags_body({"tags": ["1", 2]}))
    with pytest.raises(RegistryError, match="no text") as caught:
        listed(simulator)
    assert caught.value.failure is Failure.REFUSED


@pytest.mark.parametrize(
    ("link", "problem"),
    [
        ("http://evil.test/v2/team/app/tags/list?last=1", "elsewhere"),
        ("//evil.test/v2/team/app/tags/list?last=1", "elsewhere"),
        ("https://{address}/v2/team/app/tags/list?last=1", "elsewhere"),
        ("http://user@{address}/v2/team/app/tags/list?last=1", "elsewhere"),
        ("http://{address}:1/v2/team/app/tags/list?last=1", "elsewhere"),
        ("/v2/other/app/tags/list?last=1", "elsewhere"),
        ("/v2/team/app/../../etc?last=1", "elsewhere"),
        ("/v2/team/app/tags/list?last=%0a\x7f", "elsewhere"),
        ("{self}", "read already"),
    ],
)
def test_a_link_to_elsewhere_or_to_itself_makes_the_list_incomplete(
    simulator: Simulator, link: str, problem: str
) -> None:
    host = simulator.host(NAME)
    filled(host, ["1", "2"])
    host.add(faults.link(link.replace("{address}", host.address)))
    found = listed(simulator)
    assert problem in (found.problem or "")
    assert names(found) == ["1", "2"]
    assert host.count() == 1


@pytest.mark.parametrize("link", ["{path}?last=1", "?last=1", "list?last=1"])
def test_a_relative_link_is_followed(simulator: Simulator, link: str) -> None:
    host = simulator.host(NAME)
    filled(host, ["1", "2"])
    host.add(faults.link(link, times=1))
    found = listed(simulator)
    assert found.complete, found.problem
    assert [one.target for one in host.log] == [f"{LIST}?n=1000", f"{LIST}?last=1"]


@pytest.mark.parametrize(
    ("limits", "count", "problem"),
    [
        ({"tags": 100}, 101, "after 100 tags"),
        ({"tags": 100}, 100, None),
        ({"tags": 1500}, 2500, "after 1500 tags"),
        ({"pages": 2}, 2001, "after 2 pages"),
        ({"pages": 2}, 2000, None),
        ({"seconds": 0}, 1001, "after 0 s"),
    ],
)
def test_a_list_beyond_a_limit_is_cut_and_incomplete(
    simulator: Simulator, limits: dict[str, Any], count: int, problem: str | None
) -> None:
    host = simulator.host(NAME, dialect=Dialect.DISTRIBUTION)
    filled(host, numbered(count))
    found = listed(simulator, APP, **limits)
    assert found.problem == (None if problem is None else f"the list was cut off {problem}")
    assert len(found.tags) <= limits.get("tags", 100_000)


def test_more_than_a_hundred_thousand_tags_are_cut(simulator: Simulator) -> None:
    host = simulator.host(NAME)
    filled(host, numbered(100_001))
    found = listed(simulator)
    assert len(found.tags) == 100_000
    assert not found.complete


@pytest.mark.parametrize("status", [504, 405])
def test_a_list_that_is_too_large_for_a_page_is_asked_for_in_smaller_ones(
    simulator: Simulator, status: int
) -> None:
    host = simulator.host(NAME, dialect=Dialect.DISTRIBUTION)
    tags = filled(host, numbered(150))
    host.add(faults.too_slow_unpaged(status))
    found = listed(simulator)
    assert found.complete
    assert names(found) == sorted(tags)


def test_a_further_page_that_fails_leaves_the_list_incomplete(simulator: Simulator) -> None:
    host = simulator.host(NAME, dialect=Dialect.DISTRIBUTION)
    filled(host, numbered(1001))
    host.add(faults.limited(status=500, skip=1))
    found = listed(simulator)
    assert "status 500" in (found.problem or "")
    assert len(found.tags) == 1000


def test_a_limit_reached_between_pages_leaves_the_list_incomplete(simulator: Simulator) -> None:
    host = simulator.host(NAME, dialect=Dialect.DISTRIBUTION)
    filled(host, numbered(1001))
    host.add(faults.limited(retry_after="3600", skip=1))
    found = listed(simulator)
    assert "rate limit" in (found.problem or "")
    assert len(found.tags) == 1000


def test_a_next_page_without_a_prefix_that_names_no_tag_makes_the_list_incomplete(
    simulator: Simulator,
) -> None:
    host = simulator.host(NAME)
    filled(host, ["1"])
    host.add(faults.link("/v2/app/tags/list?n=1000"))
    assert "not named" in (listed(simulator).problem or "")


def test_a_missing_repository_is_not_an_empty_list(simulator: Simulator) -> None:
    simulator.host(NAME)
    with pytest.raises(RegistryError, match="team/app") as caught:
        listed(simulator)
    assert caught.value.failure is Failure.NOT_FOUND


@pytest.mark.parametrize("name", ["gcr.io", "eu.gcr.io", "europe-docker.pkg.dev"])
def test_google_tells_digests_and_times_of_all_tags_in_one_request(
    simulator: Simulator, name: str
) -> None:
    host = simulator.host(name, dialect=Dialect.GCR)
    digest = host.content.image("team/app", "1", "linux/amd64").digest
    host.content.tag_many("team/app", numbered(1500), digest)
    found = listed(simulator, f"{name}/team/app")
    assert found.complete
    assert len(found.tags) == 1501
    assert {facts.digest for facts in found.tags} == {digest}
    assert all(facts.pushed is not None for facts in found.tags)
    assert host.count() == 1


def test_google_is_asked_in_pages_where_everything_takes_too_long(simulator: Simulator) -> None:
    host = simulator.host("gcr.io", dialect=Dialect.GCR)
    filled(host, numbered(10))
    host.add(faults.too_slow_unpaged(largest=1000))
    assert listed(simulator, "gcr.io/team/app").complete
    assert host.log[-1].target == f"{LIST}?n=1000"


def test_a_list_is_believed_for_minutes_and_then_revalidated(simulator: Simulator) -> None:
    host = simulator.host(NAME)
    filled(host, ["1"])
    cache = MemoryCache()
    host.documents[LIST] = Answer(
        body=json.dumps({"tags": ["1", "2"]}).encode(), headers=(("Etag", '"one"'),)
    )
    with asking(simulator, cache=cache) as client:
        client.tags(reference(APP))
    with asking(simulator, cache=cache, now=NOW + timedelta(minutes=9)) as client:
        assert names(client.tags(reference(APP))) == ["1", "2"]
    assert host.count() == 1
    host.documents[LIST] = Answer(304)
    with asking(simulator, cache=cache, now=NOW + timedelta(minutes=11)) as client:
        assert names(client.tags(reference(APP))) == ["1", "2"]
    assert host.log[-1].headers["if-none-match"] == '"one"'
    host.documents[LIST] = Answer(body=b'{"tags": ["3"]}')
    with asking(simulator, cache=cache, now=NOW + timedelta(minutes=30)) as client:
        assert names(client.tags(reference(APP))) == ["3"]


def test_an_incomplete_list_is_not_kept(simulator: Simulator) -> None:
    host = simulator.host(NAME)
    filled(host, ["1"])
    cache = MemoryCache()
    host.add(faults.link("http://evil.test/", times=1))
    with asking(simulator, cache=cache) as client:
        assert not client.tags(reference(APP)).complete
        assert client.tags(reference(APP)).complete


def test_a_list_that_is_too_long_is_not_read_to_the_limit_again_within_minutes(
    simulator: Simulator,
) -> None:
    host = simulator.host(NAME, dialect=Dialect.DISTRIBUTION)
    filled(host, numbered(2500))
    cache, limits = MemoryCache(), RegistryLimits(lists=ListLimits(tags=1500))
    found = []
    for minutes in (0, 9, 11):
        now = NOW + timedelta(minutes=minutes)
        with asking(simulator, cache=cache, limits=limits, now=now) as client:
            found.append((client.tags(reference(APP)).problem, host.count()))
    problem = "the list was cut off after 1500 tags"
    assert found == [(problem, 2), (problem, 2), (problem, 4)]


# Docker Hub and Quay


@pytest.fixture
def hub(simulator: Simulator) -> Host:
    api = simulator.host("hub.docker.com")
    registry = simulator.host("docker.io", dialect=Dialect.HUB)
    registry.content = api.content
    return api


def pushed(host: Host, tag: str, minute: int, repository: str = "library/alpine") -> str:
    image = host.content.image(repository, tag, "linux/amd64", "linux/arm64/v8")
    host.content.tag(repository, tag, image.digest, NOW - timedelta(days=1, minutes=-minute))
    return image.digest


def test_docker_hub_tells_digests_times_and_platforms(simulator: Simulator, hub: Host) -> None:
    digest = pushed(hub, "3", 1)
    found = listed(simulator, "alpine")
    assert found.tags == (
        TagFacts(
            "3", digest, NOW - timedelta(days=1, minutes=-1),
            platforms=("linux/amd64", "linux/arm64"),
        ),
    )  # fmt: skip
    assert found.complete
    assert "authorization" not in hub.log[0].headers
    assert not simulator.hosts["docker.io"].log


def test_docker_hub_is_read_only_as_far_as_there_is_something_new(
    simulator: Simulator, hub: Host
) -> None:
    cache = MemoryCache()
    for minute in range(250):
        pushed(hub, f"1.{minute}", minute)
    with asking(simulator, cache=cache) as client:
        assert len(client.tags(reference("alpine")).tags) == 250
    assert hub.count() == 3
    pushed(hub, "2", 300)
    with asking(simulator, cache=cache, now=NOW + timedelta(hours=1)) as client:
        assert len(client.tags(reference("alpine")).tags) == 251
    assert hub.count() == 5


def test_docker_hub_is_read_whole_where_a_tag_vanished(simulator: Simulator, hub: Host) -> None:
    cache = MemoryCache()
    for minute in range(250):
        pushed(hub, f"1.{minute}", minute)
    with asking(simulator, cache=cache) as client:
        client.tags(reference("alpine"))
    del hub.content.repositories["library/alpine"].tags["1.7"]
    with asking(simulator, cache=cache, now=NOW + timedelta(hours=1)) as client:
        found = client.tags(reference("alpine"))
    assert "1.7" not in names(found)
    assert len(found.tags) == 249


@pytest.mark.parametrize(
    "fault",
    [
        lambda: faults.limited(retry_after="1000000000", kinds=("api",)),
        lambda: faults.limited(headers=(("X-Retry-After", "4000000000"),), kinds=("api",)),
        lambda: faults.limited(status=403, kinds=("api",)),
        lambda: faults.body(b"<html>", "api"),
        lambda: faults.next_page("https://evil.test/v2/x"),
    ],
)
def test_the_registry_is_asked_where_docker_hub_does_not_tell(
    simulator: Simulator, hub: Host, fault: Callable[[], Fault]
) -> None:
    pushed(hub, "3", 1)
    hub.add(fault())
    found = listed(simulator, "alpine")
    assert (names(found), found.complete) == (["3"], True)
    assert simulator.hosts["docker.io"].count("tags") == 1


@pytest.mark.parametrize(
    ("image", "badge", "expected"),
    [
        ("alpine", None, (True, None, None)),
        ("grafana/grafana", "verified_publisher", (False, True, None)),
        ("grafana/grafana", "open_source", (False, False, None)),
        ("grafana/grafana", "", (False, False, None)),
        ("grafana/grafana", None, (False, False, None)),
    ],
)
def test_docker_hub_tells_who_stands_behind_a_repository(
    simulator: Simulator, hub: Host, image: str, badge: str | None, expected: object
) -> None:
    if badge is not None:
        hub.badges["grafana"] = badge
    pushed(hub, "3", 1, reference(image).repository)
    with asking(simulator) as client:
        found = client.publisher(reference(image))
        assert client.publisher(reference(image)) == found
    assert (found.official, found.verified, found.archived) == expected
    assert (found.source, found.as_of) == (hub.address, NOW)
    assert len({one.target for one in hub.log}) == len(hub.log)


@pytest.mark.parametrize(
    ("told", "archived"),
    [
        ({}, None),
        ({"status": 1, "status_description": "active"}, None),
        ({"status_description": "archived"}, True),
        ({"is_archived": True}, True),
        ({"is_archived": False, "status_description": "active"}, False),
        ({"is_archived": "yes"}, None),
    ],
)
def test_what_is_not_told_of_an_end_is_unknown(
    simulator: Simulator, hub: Host, told: object, *, archived: bool | None
) -> None:
    path = "/v2/namespaces/library/repositories/alpine"
    hub.documents[path] = Answer(body=json.dumps(told).encode())
    with asking(simulator) as client:
        assert client.publisher(reference("alpine")).archived is archived


@pytest.mark.parametrize(
    ("told", "verified"),
    [
        ({"badge": None}, False),
        ({"badge": 7}, False),
        ({"type": "User"}, False),
        ({"type": "Organization"}, None),
        ({}, None),
        (None, None),
    ],
)
def test_an_owner_whose_badge_is_not_told_is_unknown(
    simulator: Simulator, hub: Host, told: object, *, verified: bool | None
) -> None:
    pushed(hub, "3", 1, "grafana/grafana")
    hub.documents["/v2/orgs/grafana/"] = (
        Answer(404) if told is None else Answer(body=json.dumps(told).encode())
    )
    with asking(simulator) as client:
        assert client.publisher(reference("grafana/grafana")).verified is verified


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_repository_is_asked_for_by_its_older_path_too(
    simulator: Simulator, hub: Host, status: int
) -> None:
    pushed(hub, "3", 1)
    hub.documents["/v2/namespaces/library/repositories/alpine"] = Answer(status)
    with asking(simulator) as client:
        assert client.publisher(reference("alpine")).official is True
    assert hub.log[-1].target == "/v2/repositories/library/alpine/"


def test_a_list_of_docker_hub_is_asked_for_by_its_older_path_too(
    simulator: Simulator, hub: Host
) -> None:
    for minute in range(101):
        pushed(hub, f"1.{minute}", minute)
    hub.documents["/v2/namespaces/library/repositories/alpine/tags"] = Answer(401)
    found = listed(simulator, "alpine")
    assert all(facts.digest is not None for facts in found.tags)
    assert len(found.tags) == 101
    assert not simulator.hosts["docker.io"].log


def test_a_limit_is_not_asked_around(simulator: Simulator, hub: Host) -> None:
    hub.add(faults.limited(retry_after="3600"))
    with asking(simulator) as client, pytest.raises(RegistryError) as caught:
        client.publisher(reference("alpine"))
    assert caught.value.failure is Failure.LIMITED
    assert hub.count() == 1


def test_an_owner_that_cannot_be_asked_is_an_error(simulator: Simulator, hub: Host) -> None:
    pushed(hub, "3", 1, "grafana/grafana")
    hub.documents["/v2/orgs/grafana/"] = Answer(403)
    with asking(simulator) as client, pytest.raises(RegistryError) as caught:
        client.publisher(reference("grafana/grafana"))
    assert caught.value.failure is Failure.DENIED


def test_a_name_that_docker_hub_cannot_have_is_asked_of_the_registry_alone(
    simulator: Simulator, hub: Host
) -> None:
    registry = simulator.hosts["docker.io"]
    filled(registry, ["1"], "a/b/c")
    assert names(listed(simulator, "docker.io/a/b/c")) == ["1"]
    with asking(simulator) as client, pytest.raises(RegistryError, match="two parts"):
        client.publisher(reference("docker.io/a/b/c"))
    assert not hub.log


def test_pages_of_docker_hub_that_repeat_are_not_read_for_ever(
    simulator: Simulator, hub: Host
) -> None:
    pushed(hub, "3", 1)
    hub.add(faults.next_page(f"{hub.url}/v2/repositories/library/alpine/tags?page=1"))
    found = listed(simulator, "alpine")
    assert (names(found), found.complete) == (["3"], True)
    assert hub.count() == 2


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"name": "1"}, TagFacts("1")),
        ({"name": "1", "digest": None, "images": None}, TagFacts("1")),
        ({"name": "1", "digest": "x", "last_updated": "x", "images": []}, TagFacts("1")),
        ({"name": "1", "last_updated": NOW.isoformat()}, TagFacts("1", pushed=NOW)),
        (
            {"name": "1", "images": [{"os": "unknown", "architecture": "unknown"}, 7,
             {"os": "windows", "architecture": "amd64", "os_version": "10.0.1"}]},
            TagFacts("1", platforms=("windows/amd64:10.0.1",)),
        ),
        ({"name": 7}, None),
        ("odd", None),
    ],
)  # fmt: skip
def test_a_row_of_docker_hub_is_read_as_far_as_it_tells(
    simulator: Simulator, hub: Host, row: object, expected: TagFacts | None
) -> None:
    hub.documents["/v2/namespaces/library/repositories/alpine/tags"] = Answer(
        body=json.dumps({"count": 1, "next": None, "results": [row]}).encode()
    )
    assert listed(simulator, "alpine").tags == (() if expected is None else (expected,))


def test_an_unknown_publisher_is_an_error_not_a_no(simulator: Simulator, hub: Host) -> None:
    with asking(simulator) as client, pytest.raises(RegistryError) as caught:
        client.publisher(reference("nobody/nothing"))
    assert caught.value.failure is Failure.NOT_FOUND


def test_quay_tells_digests_and_times(simulator: Simulator) -> None:
    host = simulator.host("quay.io", dialect=Dialect.QUAY)
    for minute in range(100):
        pushed(host, f"1.{minute}", minute, "team/app")
    digest = pushed(host, "1.100", 100, "team/app")
    found = listed(simulator, "quay.io/team/app")
    assert found.complete
    assert len(found.tags) == 101
    last = next(facts for facts in found.tags if facts.tag == "1.100")
    assert (last.digest, last.pushed) == (digest, NOW - timedelta(days=1, minutes=-100))
    assert host.count("tags") == 0


def test_quay_is_asked_as_a_registry_where_its_own_list_is_refused(simulator: Simulator) -> None:
    host = simulator.host("quay.io", dialect=Dialect.QUAY)
    filled(host, numbered(60))
    host.add(faults.limited(status=401, kinds=("api",)))
    found = listed(simulator, "quay.io/team/app")
    assert found.complete
    assert len(found.tags) == 60
    assert host.count("tags") == 2


def test_a_long_list_of_quay_is_cut_too(simulator: Simulator) -> None:
    host = simulator.host("quay.io", dialect=Dialect.QUAY)
    filled(host, numbered(250))
    found = listed(simulator, "quay.io/team/app", tags=100)
    assert found.problem == "the list was cut off after 100 tags"
    assert len(found.tags) == 100
    assert host.count() == 2


@pytest.mark.parametrize("body", [b"<html>", b'{"tags": {}}', b'{"tags": [], "has_additional": 7}'])
def test_quay_is_asked_as_a_registry_where_its_own_list_makes_no_sense(
    simulator: Simulator, body: bytes
) -> None:
    host = simulator.host("quay.io", dialect=Dialect.QUAY)
    filled(host, ["1"])
    host.documents["/api/v1/repository/team/app/tag/"] = Answer(body=body)
    assert names(listed(simulator, "quay.io/team/app")) == ["1"]


def test_a_long_list_of_docker_hub_is_cut_too(simulator: Simulator, hub: Host) -> None:
    filled(hub, numbered(250), "library/alpine")
    found = listed(simulator, "alpine", pages=2)
    assert found.problem == "the list was cut off after 2 pages"
    assert len(found.tags) == 200
    assert not simulator.hosts["docker.io"].log


def test_what_makes_no_sense_in_googles_map_is_left_out(simulator: Simulator) -> None:
    host = simulator.host("gcr.io", dialect=Dialect.GCR)
    filled(host, ["1"])
    digest = host.content.repository("team/app").tags["1"]
    entries = {digest: {"tag": ["1", 7], "timeUploadedMs": "x"}, "odd": {"tag": ["2"]}, DIGEST: 7}
    host.add(faults.tags_body({"tags": ["1"], "manifest": entries}))
    assert listed(simulator, "gcr.io/team/app").tags == (TagFacts("1", digest),)


@pytest.mark.parametrize(
    "data",
    [
        b"[1]",
        b"[" * 100_000,
        b'["yes", null, null, "hub", null]',
        b"[false, null, null, 7, null]",
    ],
)
def test_a_garbled_publisher_in_the_cache_is_asked_for_again(
    simulator: Simulator, hub: Host, data: bytes
) -> None:
    cache = MemoryCache()
    pushed(hub, "3", 1)
    key = f"publisher {hub.url}/library/alpine"
    cache.keep_answer(key, data, now=NOW)
    with asking(simulator, cache=cache) as client:
        assert client.publisher(reference("alpine")).official is True


def test_quays_history_is_not_taken_for_tags(simulator: Simulator) -> None:
    host = simulator.host("quay.io", dialect=Dialect.QUAY)
    past, future = NOW.timestamp() - 10, NOW.timestamp() + 10
    rows = [
        {"name": "now"},
        {"name": "gone", "end_ts": int(past)},
        {"name": "ending", "end_ts": int(future), "last_modified": "Mon, 05 Feb 2024 14:41:02"},
        {"name": 7},
        "odd",
    ]  # fmt: skip
    host.documents["/api/v1/repository/team/app/tag/"] = Answer(
        body=json.dumps({"tags": rows, "has_additional": False}).encode()
    )
    found = listed(simulator, "quay.io/team/app")
    assert names(found) == ["ending", "now"]


# The parts


@pytest.mark.parametrize(
    ("header", "link"),
    [
        ("", None),
        ("</a>", None),
        ('</a>; rel="next"', "/a"),
        ("</a>; rel=next", "/a"),
        ('</a>; REL = "next"; title="x"', "/a"),
        ('</a>; rel="prev", </b>; rel="next"', "/b"),
        ('</a,b>; title="x, y"; rel="next"', "/a,b"),
        ('</a>; rel="nextish"', None),
        ("</a; rel=next", None),
        ("<" * 50_000, None),
        ("</a>; rel=next, </b>; rel=prev", "/a"),
    ],
)
def test_the_next_link_is_found(header: str, link: str | None) -> None:
    assert next_link(header) == link


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("/v2/a/tags/list?last=x", "/v2/a/tags/list?last=x"),
        ("https://r.test/v2/a/tags/list?last=x", "/v2/a/tags/list?last=x"),
        ("https://R.test:443/v2/a/tags/list?last=x#f", "/v2/a/tags/list?last=x"),
        ("https://r.test:444/v2/a/tags/list?last=x", None),
        ("https://r.test:bad/v2/a/tags/list?last=x", None),
        ("https://[r.test/v2/a/tags/list", None),
        ("http://r.test/v2/a/tags/list?last=x", None),
        ("javascript:alert(1)", None),
    ],
)
def test_only_a_link_to_the_same_list_is_followed(link: str, target: str | None) -> None:
    assert same_path("https://r.test/v2/a/tags/list", link, ("/v2/a/tags/list",)) == target


@given(
    st.text()
    | st.from_regex(
        r"(https?:)?(//)?(r\.test|evil\.test|@|:|443)*/?(v2|a|tags|list|\.\.|%2e|/)*(\?.*)?"
    )
)
def test_no_link_leads_elsewhere(link: str) -> None:
    target = same_path("https://r.test/v2/a/tags/list", link, ("/v2/a/tags/list",))
    assert target is None or re.fullmatch(r"/v2/a/tags/list\?[!-~]*", target)


def test_a_list_survives_the_cache() -> None:
    found = Collected(ListLimits())
    found.etag = '"x"'
    found.add(TagFacts("1", "sha256:" + "0" * 64, NOW, platforms=("linux/amd64",)))
    found.add(TagFacts("2"))
    read = unpack(pack(found), ListLimits())
    assert read is not None
    assert (read.facts, read.etag) == (found.facts, '"x"')


@pytest.mark.parametrize(
    "data",
    [
        None,
        b"",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b'{"etag": null, "tags": [1]}',
        b'{"etag": 1, "tags": []}',
        b'{"etag": null, "problem": 1, "tags": []}',
        b'{"etag": null, "tags": [[1, null, null, null]]}',
        b'{"etag": null, "tags": [[[], null, null, null]]}',
        b'{"etag": null, "tags": [["1", 1.5, null, null]]}',
        b'{"etag": null, "tags": [["1", "sha256:0", null, null]]}',
        b'{"etag": null, "tags": [["1", null, "now", null]]}',
        b'{"etag": null, "tags": [["1", null, 1e300, null]]}',
        b'{"etag": null, "tags": [["1", null, null, "linux/amd64"]]}',
        b'{"etag": null, "tags": [["1", null, null, [1]]]}',
        b'{"etag": null, "tags": [["1", null, null, null, null]]}',
    ],
)
def test_what_the_cache_garbled_was_never_kept(data: bytes | None) -> None:
    assert unpack(data, ListLimits()) is None
