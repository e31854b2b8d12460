"""The lists of tags and further facts of single registries, each played by a simulated host."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from basekeeper.cache.memory import MemoryCache
from basekeeper.values.reference import parse_reference
from tests.contract.registry_client import NOW, Opened, open_client
from tests.fakes.realregistry.filling import LIFECYCLE
from tests.fakes.registry import Dialect, Host, Simulator, Tokens, faults

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.tags.updates import TagList

TAGS = tuple(f"{major}.{minor}" for major in range(30) for minor in range(50))
"""More than one page of 1000."""
PUSHED = datetime(2026, 10, 1, tzinfo=UTC)
SPEAKS = {"docker.io": "registry-1.docker.io"}
"""Registries that are spoken to under another name."""


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator() as found:
        yield found


def filled(simulator: Simulator, name: str, repository: str, dialect: Dialect) -> Host:
    """Start a host with many tags, each pushed a minute after the one before."""
    host = simulator.host(name, dialect=dialect)
    digest = host.content.image(repository, TAGS[0]).digest
    for number, tag in enumerate(TAGS):
        host.content.tag(repository, tag, digest, PUSHED + timedelta(minutes=number))
    return host


@contextmanager
def asking(*hosts: Host, **more: Any) -> Iterator[Opened]:
    """Open a client for which hosts play the registries after which they are named."""
    routes = {f"https://{SPEAKS.get(host.name, host.name)}": host.url for host in hosts}
    with open_client({}, routes=routes, **more) as opened:
        yield opened


def names(listed: TagList) -> set[str]:
    return {facts.tag for facts in listed.tags}


@pytest.mark.parametrize(
    ("image", "dialect", "requests"),
    [
        ("mcr.microsoft.com/dotnet/runtime", Dialect.DISTRIBUTION, 2),
        ("ghcr.io/owner/app", Dialect.GHCR, 2),
        ("public.ecr.aws/owner/app", Dialect.ECR, 2),
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com/app", Dialect.ECR, 2),
        ("harbor.corp.test/project/app", Dialect.HARBOR, 15),
        ("art.corp.test/virtual/app", Dialect.ARTIFACTORY, 2),
        ("registry.gitlab.com/group/app", Dialect.DEBIAN, 1),
        ("europe-docker.pkg.dev/project/app", Dialect.GCR, 1),
        ("gcr.io/project/app", Dialect.GCR, 1),
    ],
)
def test_all_tags_are_read_in_as_few_pages_as_can_be(
    simulator: Simulator, image: str, dialect: Dialect, requests: int
) -> None:
    wanted = parse_reference(image)
    host = filled(simulator, wanted.registry, wanted.repository, dialect)
    with asking(host) as opened:
        listed = opened.client.tags(wanted)
    assert (names(listed), listed.problem) == (set(TAGS), None)
    assert host.count("tags") == requests


@pytest.mark.parametrize("image", ["gcr.io/distroless/static", "us-docker.pkg.dev/p/r/app"])
def test_google_tells_digests_and_times_of_all_tags_at_once(
    simulator: Simulator, image: str
) -> None:
    wanted = parse_reference(image)
    host = simulator.host(wanted.registry, dialect=Dialect.GCR)
    made = host.content.image(wanted.repository, "latest", pushed=PUSHED)
    with asking(host) as opened:
        (facts,) = opened.client.tags(wanted).tags
    assert (facts.tag, facts.digest, facts.pushed) == ("latest", made.digest, PUSHED)
    assert host.count() == 1


@pytest.fixture
def hub(simulator: Simulator) -> tuple[Host, Host]:
    """Docker Hub's own interface and its registry, with the same content."""
    registry = filled(simulator, "docker.io", "library/app", Dialect.HUB)
    api = simulator.host(
        "hub.docker.com", content=registry.content, public="https://hub.docker.com"
    )
    return api, registry


def test_docker_hub_tells_digests_and_times_in_pages_of_100(hub: tuple[Host, Host]) -> None:
    api, registry = hub
    with asking(api, registry) as opened:
        listed = opened.client.tags(parse_reference("app"))
    assert (names(listed), listed.problem) == (set(TAGS), None)
    assert all(facts.digest and facts.pushed for facts in listed.tags)
    assert (api.count(), registry.count()) == (15, 0)


def test_docker_hub_is_read_no_further_than_what_is_known(hub: tuple[Host, Host]) -> None:
    api, registry = hub
    cache = MemoryCache()
    with asking(api, registry, cache=cache) as opened:
        opened.client.tags(parse_reference("app"))
    registry.content.image("library/app", "new", pushed=NOW)
    api.log.clear()
    with asking(api, registry, cache=cache, now=NOW + timedelta(hours=1)) as opened:
        assert names(opened.client.tags(parse_reference("app"))) == {*TAGS, "new"}
    assert api.count() <= 2


def test_docker_hubs_registry_is_asked_where_its_interface_fails(hub: tuple[Host, Host]) -> None:
    api, registry = hub
    api.add(faults.limited(retry_after="1000000"))
    with asking(api, registry) as opened:
        listed = opened.client.tags(parse_reference("app"))
    assert (names(listed), listed.problem) == (set(TAGS), None)
    assert (api.count(), registry.count("tags")) == (1, 2)


@pytest.mark.parametrize(
    ("badge", "is_verified"),
    [("verified_publisher", "yes"), ("", "no"), ("open_source", "no"), (None, "no")],
)
def test_docker_hub_tells_who_publishes(
    simulator: Simulator, badge: str | None, is_verified: str
) -> None:
    api = simulator.host("hub.docker.com")
    api.content.image("owner/app", "1")
    if badge is not None:
        api.badges["owner"] = badge
    with asking(api) as opened:
        told = opened.client.publisher(parse_reference("owner/app"))
    assert (told.official, told.source) == (False, "hub.docker.com")
    assert told.verified is (is_verified == "yes")


def test_quay_tells_digests_and_times(simulator: Simulator) -> None:
    host = filled(simulator, "quay.io", "owner/app", Dialect.QUAY)
    with asking(host) as opened:
        listed = opened.client.tags(parse_reference("quay.io/owner/app"))
    assert (names(listed), listed.problem) == (set(TAGS), None)
    assert all(facts.digest and facts.pushed for facts in listed.tags)
    assert (host.count("api"), host.count("tags")) == (15, 0)


def test_quays_registry_is_asked_where_its_interface_refuses(simulator: Simulator) -> None:
    host = filled(simulator, "quay.io", "owner/app", Dialect.QUAY)
    host.add(faults.limited(status=401, kinds=("api",)))
    with asking(host) as opened:
        listed = opened.client.tags(parse_reference("quay.io/owner/app"))
    assert (names(listed), listed.problem) == (set(TAGS), None)
    assert host.count("tags") == 30


def test_one_token_of_ghcr_serves_for_all_repositories(simulator: Simulator) -> None:
    host = simulator.host("ghcr.io", dialect=Dialect.GHCR, public="https://ghcr.io")
    host.require_tokens(Tokens(bound=False))
    for number in range(5):
        host.content.image(f"owner/app{number}", "1")
    with asking(host) as opened:
        for number in range(5):
            opened.client.point(parse_reference(f"ghcr.io/owner/app{number}:1"))
    assert host.count("token") == 1


def test_a_list_that_did_not_change_is_not_sent_again(simulator: Simulator) -> None:
    host = simulator.host("registry.corp.test")
    host.content.image("app", "1")
    host.add(faults.list_etags())
    cache = MemoryCache()
    wanted = parse_reference("registry.corp.test/app")
    for hours in range(3):
        with asking(host, cache=cache, now=NOW + timedelta(hours=hours)) as opened:
            assert names(opened.client.tags(wanted)) == {"1"}
    assert [asked.status for asked in host.asked("tags")] == [200, 304, 304]


@pytest.mark.parametrize("way", ["interface", "tag"])
def test_referrers_by_interface_or_by_tag(simulator: Simulator, way: str) -> None:
    host = simulator.host("mcr.microsoft.com", referrers=way == "interface")
    subject = host.content.image("dotnet/runtime", "8.0")
    ends = {"vnd.microsoft.artifact.lifecycle.end-of-life.date": "2026-11-10"}
    fallback = way == "tag"
    made = host.content.attach("dotnet/runtime", subject, LIFECYCLE, ends, fallback=fallback)
    host.content.attach("dotnet/runtime", subject, "application/vnd.other", fallback=fallback)
    wanted = parse_reference(f"mcr.microsoft.com/dotnet/runtime@{subject.digest}")
    with asking(host) as opened:
        (found,) = opened.client.referrers(wanted, LIFECYCLE)
    assert (found.digest, dict(found.annotations)) == (made.digest, ends)
