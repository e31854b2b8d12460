"""Everything that can go wrong with a registry, one test a fault, through the real client.

docs/reference/faults.md lists them all with what basekeeper does about each.
"""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from email.utils import formatdate
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import pytest

from basekeeper.errors import Failure, RegistryError
from basekeeper.values.reference import parse_reference
from basekeeper.values.settings import HostSettings
from tests.contract.registry_client import LOGIN_VARIABLES, Opened, open_client
from tests.fakes.registry import (
    Dialect,
    Fault,
    Host,
    Manifest,
    Simulator,
    Tokens,
    faults,
    scenarios,
)
from tests.fakes.registry.access import Basic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from basekeeper.values.reference import Reference
    from tests.fakes.registry.certificates import Certificates
    from tests.fakes.registry.http import Answer, Request

LOGIN = ("tester", "correct horse")
NAME = "registry.corp.test"
"""What the registry under test is called; every name resolves to the loopback interface."""
METADATA = "169.254.169.254"
OPEN = HostSettings(http=True, private=True)
PLATFORMS = ("linux/amd64", "linux/arm64/v8")


def resolve(name: str) -> tuple[str, ...]:
    """Let every name mean this machine, and every address itself."""
    try:
        ip_address(name)
    except ValueError:
        return ("127.0.0.1",)
    return (name,)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator() as found:
        yield found


@pytest.fixture
def host(simulator: Simulator) -> Host:
    """A registry without faults, with one image for two platforms."""
    found = simulator.host(NAME)
    found.content.image("app", "1", *PLATFORMS)
    return found


@pytest.fixture
def secure(simulator: Simulator, certificates: Certificates) -> Host:
    """Likewise, over TLS."""
    found = simulator.host(f"tls.{NAME}", certificates=certificates)
    found.content.image("app", "1", *PLATFORMS)
    return found


@contextmanager
def asking(
    host: Host, *others: tuple[str, HostSettings], settings: HostSettings = OPEN, **more: Any
) -> Iterator[Opened]:
    """Open a client that knows a host under its name, and more hosts by name and settings."""
    if more.get("login") is not None:
        user, password = LOGIN_VARIABLES
        settings = replace(settings, username_env=user, password_env=password)
    known = {f"{NAME}:{host.port}": settings, **dict(others)}
    with open_client(known, resolve=resolve, **more) as opened:
        yield opened


def trusting(certificates: Certificates, **more: Any) -> HostSettings:
    return HostSettings(private=True, ca=str(certificates.authority), **more)


def reference(host: Host, text: str = "app:1") -> Reference:
    return parse_reference(f"{NAME}:{host.port}/{text}")


def tagged(host: Host, tag: str = "1") -> str:
    """Return the digest that a tag of the repository `app` points to."""
    return host.content.repository("app").tags[tag]


def image(host: Host, digest: str | None = None) -> Reference:
    return reference(host, f"app@{digest or tagged(host)}")


def refused(failure: Failure, match: str | None = None) -> pytest.RaisesExc[RegistryError]:
    return pytest.raises(RegistryError, match=match, check=lambda error: error.failure is failure)


# Challenge


def knows_the_way_in(host: Host, *lines: str, login: tuple[str, str] | None = None) -> Opened:
    """Ask a registry that challenges so; the answer must be right."""
    host.add(faults.challenge(*lines))
    with asking(host, login=login) as opened:
        assert opened.client.point(reference(host)).digest == tagged(host)
    return opened


BEARER = 'Bearer realm="{realm}",service="{service}",scope="{scope}"'


def test_challenge_two_on_one_line(host: Host) -> None:
    host.require_tokens()
    knows_the_way_in(host, f'{BEARER},Basic realm="log in"')
    assert host.count("token") == 1


def test_challenge_two_header_lines(host: Host) -> None:
    host.require_tokens()
    knows_the_way_in(host, 'Basic realm="log in"', BEARER)
    assert host.count("token") == 1


def test_challenge_lower_case_scheme(host: Host) -> None:
    host.require_tokens()
    knows_the_way_in(host, 'bearer REALM="{realm}",Service="{service}",SCOPE="{scope}"')


def test_challenge_quoted_comma_and_escaped_quote(host: Host) -> None:
    host.require_tokens()
    knows_the_way_in(host, r'Bearer realm="{realm}",service="a \"quoted\", name",scope="{scope}"')
    (asked,) = host.asked("token")
    assert "service=a+%22quoted%22%2C+name" in asked.target


def test_challenge_missing_realm(host: Host) -> None:
    host.require_tokens()
    host.add(faults.challenge('Bearer service="{service}",scope="{scope}"'))
    with asking(host) as opened, refused(Failure.DENIED, "without saying how"):
        opened.client.point(reference(host))
    assert host.count("token") == 0


def test_challenge_relative_realm(host: Host) -> None:
    host.require_tokens()
    host.add(faults.challenge('Bearer realm="/token",service="{service}"'))
    with asking(host) as opened, refused(Failure.DENIED):
        opened.client.point(reference(host))
    assert host.count("token") == 0


def test_challenge_free_text_basic_realm(host: Host) -> None:
    host.access = Basic(*LOGIN)
    knows_the_way_in(host, 'Basic realm="Registry, Realm = 1; \\"ours\\"  "', login=LOGIN)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_challenge_realm_on_a_metadata_address(host: Host, scheme: str) -> None:
    host.require_tokens(realm=f"{scheme}://{METADATA}/latest/meta-data")
    started = time.monotonic()
    with asking(host, login=LOGIN) as opened, refused(Failure.REFUSED, METADATA):
        opened.client.point(reference(host))
    assert time.monotonic() - started < 2, "it was connected to"


def test_challenge_realm_on_localhost(host: Host, secure: Host) -> None:
    host.require_tokens(realm=f"https://localhost:{secure.port}/token")
    with asking(host, login=LOGIN) as opened, refused(Failure.REFUSED, "private address"):
        opened.client.point(reference(host))
    assert secure.log == []


def test_challenge_realm_on_http(host: Host, secure: Host, certificates: Certificates) -> None:
    secure.require_tokens(realm=f"http://{NAME}:{host.port}/token")
    known = (f"{NAME}:{host.port}", OPEN)
    with (
        asking(secure, known, settings=trusting(certificates), login=LOGIN) as opened,
        refused(Failure.REFUSED, "expected https"),
    ):
        opened.client.point(reference(secure))
    assert host.log == []


def test_challenge_realm_on_a_foreign_host_with_credentials_present(
    host: Host, secure: Host, certificates: Certificates
) -> None:
    foreign = f"tokens.other.test:{secure.port}"
    secure.tokens = host.require_tokens(realm=f"https://{foreign}/token")
    with asking(host, (foreign, trusting(certificates)), login=LOGIN) as opened:
        assert opened.client.point(reference(host)).digest == tagged(host)
        assert any("not sent to tokens.other.test" in text for text in opened.session.notices)
    (asked,) = secure.asked("token")
    assert "authorization" not in asked.headers


# Token


def test_token_only_under_access_token(host: Host) -> None:
    host.require_tokens(Tokens(name="access_token"))
    with asking(host) as opened:
        assert opened.client.point(reference(host)).digest == tagged(host)


def test_token_without_expires_in(host: Host) -> None:
    host.content.image("app", "2")
    host.require_tokens(Tokens(expires_in=None))
    with asking(host) as opened:
        opened.client.point(reference(host))
        opened.client.point(reference(host, "app:2"))
    assert host.count("token") == 1


def test_token_of_one_second(host: Host) -> None:
    """A life below 60 s is taken as 60: who means one second would be asked for every request."""
    host.content.image("app", "2")
    host.require_tokens(Tokens(expires_in=1))
    with asking(host) as opened:
        opened.client.point(reference(host))
        opened.client.point(reference(host, "app:2"))
    assert host.count("token") == 1


def test_token_that_ended_is_renewed(host: Host) -> None:
    tokens = host.require_tokens()
    with asking(host) as opened:
        opened.client.point(reference(host))
        tokens.issued.clear()
        assert opened.client.image(image(host)).is_index
    assert host.count("token") == 2


def test_token_with_fewer_rights_than_asked(host: Host) -> None:
    host.require_tokens(Tokens(grants=False))
    with asking(host) as opened, refused(Failure.NOT_FOUND):
        opened.client.point(reference(host))
    assert host.count("manifest") <= 3


def test_token_answered_with_a_page(host: Host) -> None:
    host.require_tokens()
    host.add(faults.token_page())
    with asking(host) as opened, refused(Failure.REFUSED, "without a usable token"):
        opened.client.point(reference(host))


def test_token_of_a_megabyte(host: Host) -> None:
    host.require_tokens()
    host.add(faults.token_flood())
    with asking(host) as opened, refused(Failure.REFUSED, "larger than"):
        opened.client.point(reference(host))


def test_token_refused_for_ever(host: Host) -> None:
    host.require_tokens()
    host.add(faults.never_satisfied())
    with asking(host) as opened, refused(Failure.NOT_FOUND):
        opened.client.point(reference(host))
    assert host.count("token") <= 2, "one token, and one renewal"
    assert host.count("manifest") <= 3


def test_token_needed_by_two_at_once(host: Host) -> None:
    for tag in range(2, 10):
        host.content.image("app", str(tag))
    host.require_tokens()
    host.add(faults.late(0.1, "token"))
    with asking(host) as opened, ThreadPoolExecutor(8) as pool:
        tags = [reference(host, f"app:{tag}") for tag in range(1, 10)]
        list(pool.map(opened.client.point, tags))
    assert host.count("token") == 1


# Redirect


def redirected(host: Host, to: str, **more: Any) -> None:
    host.add(faults.redirect(to, "manifest", **more))


def test_redirect_on_the_same_host(host: Host) -> None:
    host.access = Basic(*LOGIN)
    host.content.repositories["moved"] = host.content.repositories["app"]
    host.add(faults.redirect(f"/v2/moved/manifests/{tagged(host)}", "manifest").only("/v2/app/"))
    with asking(host, login=LOGIN) as opened:
        assert opened.client.image(image(host)).is_index
    assert "authorization" in host.log[-1].headers


@pytest.mark.parametrize("other", [NAME, "storage.other.test"])
def test_redirect_to_another_port_or_host(simulator: Simulator, host: Host, other: str) -> None:
    host.access = Basic(*LOGIN)
    storage = simulator.host("storage", content=host.content)
    host.add(faults.redirect(f"http://{other}:{storage.port}{{path}}", "blob"))
    with asking(host, (f"{other}:{storage.port}", OPEN), login=LOGIN) as opened:
        config = opened.client.config(image(host), "linux/amd64")
    assert config.platform == "linux/amd64"
    (asked,) = storage.log
    assert not {"authorization", "cookie"} & set(asked.headers)


def test_redirect_from_https_to_http(host: Host, secure: Host, certificates: Certificates) -> None:
    redirected(secure, f"http://{NAME}:{host.port}{{path}}")
    known = (f"{NAME}:{host.port}", OPEN)
    with (
        asking(secure, known, settings=trusting(certificates)) as opened,
        refused(Failure.REFUSED, "https to http"),
    ):
        opened.client.image(image(secure))
    assert host.log == []


@pytest.mark.parametrize(
    "target", ["127.0.0.1", "[::1]", METADATA, "10.1.2.3", "inside.other.test", "localhost"]
)
def test_redirect_to_a_private_address(host: Host, secure: Host, target: str) -> None:
    redirected(host, f"https://{target}:{secure.port}{{path}}")
    started = time.monotonic()
    with asking(host) as opened, refused(Failure.REFUSED, "(private|reserved) address"):
        opened.client.image(image(host))
    assert time.monotonic() - started < 2, "it was connected to"
    assert secure.log == []


def test_redirect_to_a_metadata_address_from_a_private_registry(host: Host) -> None:
    """Not even who permits private addresses means that one."""
    redirected(host, f"https://{METADATA}/latest/meta-data")
    with (
        asking(host, (METADATA, HostSettings(private=True))) as opened,
        refused(Failure.REFUSED, "reserved address"),
    ):
        opened.client.image(image(host))


def test_redirect_in_a_loop(host: Host) -> None:
    redirected(host, "{path}")
    with asking(host) as opened, refused(Failure.REFUSED, "redirects"):
        opened.client.image(image(host))
    assert host.count("manifest") <= 6


def test_redirect_to_who_asks_for_a_login(simulator: Simulator, host: Host) -> None:
    host.require_tokens(Tokens(users=dict([LOGIN])))
    storage = simulator.host("storage", content=host.content)
    storage.require_tokens()
    redirected(host, f"http://storage.other.test:{storage.port}{{path}}")
    known = (f"storage.other.test:{storage.port}", OPEN)
    with asking(host, known, login=LOGIN) as opened, refused(Failure.DENIED, "redirected"):
        opened.client.image(image(host))
    assert storage.count("token") == 0
    assert all("authorization" not in asked.headers for asked in storage.log)


# HEAD


def test_head_without_a_digest(host: Host) -> None:
    host.add(faults.head_without_digest())
    with asking(host) as opened:
        assert opened.client.point(reference(host)).digest == tagged(host)
    assert [asked.method for asked in host.asked("manifest")] == ["HEAD", "GET"]


@pytest.mark.parametrize("text", ["sha256:abc", "latest", f"SHA256:{'A' * 64}", "sha384:00"])
def test_head_with_a_malformed_digest(host: Host, text: str) -> None:
    host.add(faults.head_malformed_digest(text))
    with asking(host) as opened:
        assert opened.client.point(reference(host)).digest == tagged(host)


def test_head_with_another_digest_than_the_body(host: Host) -> None:
    """What the header names is believed to be named, and found out when it is read."""
    body = host.content.repository("app").manifests[tagged(host)]

    def serve_anyway(_host: Host, _request: Request, answer: Answer) -> Answer:
        headers = (("Content-Type", body.media_type),)
        return replace(answer, status=200, body=body.body, headers=headers)

    host.add(faults.head_other_digest())
    wrong = Fault(serve_anyway, ("manifest",)).only(faults.OTHER_DIGEST)
    host.add(wrong)
    with asking(host) as opened:
        pointer = opened.client.point(reference(host))
        assert pointer.digest == faults.OTHER_DIGEST
        with refused(Failure.REFUSED, "does not have the digest"):
            opened.client.image(image(host, pointer.digest))


@pytest.mark.parametrize("status", [404, 405, 501])
def test_head_refused_while_get_works(host: Host, status: int) -> None:
    host.add(faults.head_refused(status))
    with asking(host) as opened:
        assert opened.client.point(reference(host)).digest == tagged(host)


def test_head_limited_is_never_followed_by_get(host: Host) -> None:
    host.add(faults.limited(kinds=("manifest",), methods=("HEAD",)))
    with asking(host) as opened, refused(Failure.LIMITED):
        opened.client.point(reference(host))
    assert host.count("manifest", "GET") == 0


def test_head_with_parameters_in_its_type(host: Host) -> None:
    host.add(faults.content_type("{type}; charset=utf-8"))
    with asking(host) as opened:
        pointer = opened.client.point(reference(host))
        assert pointer.media_type == "application/vnd.oci.image.index.v1+json"
        assert opened.client.image(image(host)).is_index


def test_head_accepts_lists_and_so_gets_the_digest_of_the_list(host: Host) -> None:
    """Registries give one platform's manifest to who does not accept lists."""
    index = host.content.image("app", "docker", *PLATFORMS, docker=True)
    with asking(host) as opened:
        assert opened.client.point(reference(host, "app:docker")).digest == index.digest
    assert "manifest.list.v2+json" in host.log[-1].headers["accept"]


# Bodies


def test_body_of_five_megabytes(host: Host) -> None:
    children = json.loads(_body(host))["manifests"]
    notes = {"padding": "x" * (5 * faults.MIB)}
    big = host.content.index("app", children, annotations=notes)
    with asking(host) as opened, refused(Failure.REFUSED, "larger than"):
        opened.client.image(image(host, big.digest))


@pytest.mark.parametrize("kind", ["manifest", "blob"])
def test_body_that_unpacks_to_far_more(host: Host, kind: str) -> None:
    host.add(faults.gzip_bomb(64 * faults.MIB, kind))
    with asking(host) as opened, refused(Failure.REFUSED, "larger than"):
        opened.client.config(image(host), "linux/amd64")


@pytest.mark.parametrize("kind", ["manifest", "blob"])
def test_body_with_another_hash(host: Host, kind: str) -> None:
    host.add(faults.huge(1, kind))
    with asking(host) as opened, refused(Failure.REFUSED):
        opened.client.config(image(host), "linux/amd64")


def test_body_truncated_once_is_asked_for_again(host: Host) -> None:
    host.add(faults.truncated(times=1))
    with asking(host) as opened:
        assert opened.client.image(image(host)).is_index
    assert host.count("manifest") == 2


def test_body_truncated_always(host: Host) -> None:
    host.add(faults.truncated())
    with asking(host) as opened, refused(Failure.UNREACHABLE):
        opened.client.image(image(host))


def test_body_of_schema_1(host: Host) -> None:
    digest = scenarios.schema_1(host.content, "app", "old")
    with asking(host) as opened:
        with refused(Failure.UNSUPPORTED, "schema 1"):
            opened.client.point(reference(host, "app:old"))
        with refused(Failure.UNSUPPORTED, "schema 1"):
            opened.client.image(image(host, digest))


def test_body_index_in_an_index(host: Host) -> None:
    index = scenarios.nested(host.content, "app", "nested")
    with asking(host) as opened:
        assert list(opened.client.image(image(host, index.digest)).platforms) == ["linux/amd64"]


def test_body_index_nested_too_deep(host: Host) -> None:
    index = scenarios.nested(host.content, "app", "nested", depth=5)
    with asking(host) as opened, refused(Failure.REFUSED, "nested"):
        opened.client.image(image(host, index.digest))


def test_body_with_a_platform_twice(host: Host) -> None:
    index, first = scenarios.twice_the_platform(host.content, "app", "twice")
    with asking(host) as opened:
        found = opened.client.image(image(host, index.digest))
    assert dict(found.platforms) == {"linux/amd64": first.digest}


@pytest.mark.parametrize("make", [scenarios.only_attestations, scenarios.empty_index])
def test_body_index_without_an_image(host: Host, make: Callable[..., Manifest]) -> None:
    index = make(host.content, "app", "odd")
    with asking(host) as opened, refused(Failure.UNSUPPORTED, "names no image"):
        opened.client.image(image(host, index.digest))


def test_body_index_without_the_platform(host: Host) -> None:
    index, manifest = scenarios.untold_platform(host.content, "app", "untold")
    with asking(host) as opened:
        found = opened.client.image(image(host, index.digest))
    assert dict(found.platforms) == {"linux/arm64": manifest.digest}


def test_body_of_an_unknown_media_type(host: Host) -> None:
    digest = scenarios.unknown_type(host.content, "app", "odd")
    with asking(host) as opened:
        with refused(Failure.UNSUPPORTED, "media type"):
            opened.client.point(reference(host, "app:odd"))
        with refused(Failure.UNSUPPORTED, "media type"):
            opened.client.image(image(host, digest))


def test_body_with_duplicate_keys(host: Host) -> None:
    digest = scenarios.duplicate_keys(host.content, "app", "odd")
    with asking(host) as opened, refused(Failure.REFUSED, "twice"):
        opened.client.image(image(host, digest))


def _body(host: Host) -> bytes:
    return host.content.repository("app").manifests[tagged(host)].body


# Tags


MANY = tuple(f"1.{number // 100}.{number % 100}" for number in range(250))


@pytest.fixture
def listing(host: Host) -> Host:
    """A registry with 250 more tags, in pages of at most 100."""
    host.dialect = Dialect.HARBOR
    host.content.tag_many("app", MANY, tagged(host))
    return host


ALL = {"1", *MANY}


def listed(host: Host, **more: Any) -> tuple[list[str], str | None]:
    with asking(host, **more) as opened:
        found = opened.client.tags(reference(host, "app"))
    return [facts.tag for facts in found.tags], found.problem


def test_tags_null(host: Host) -> None:
    host.add(faults.tags_body({"name": "app", "tags": None}))
    assert listed(host) == ([], None)


def test_tags_unsorted(listing: Host) -> None:
    listing.dialect = Dialect.GHCR
    tags, problem = listed(listing)
    assert (set(tags), problem) == (ALL, None)


def test_tags_twice_on_different_pages(listing: Host) -> None:
    listing.add(faults.tags_again("1", "1.0.0", "1.2.3"))
    tags, problem = listed(listing)
    assert (set(tags), len(tags), problem) == (ALL, len(ALL), None)


def test_tags_short_page_with_link(listing: Host) -> None:
    listing.add(faults.short_pages(40))
    tags, problem = listed(listing)
    assert (set(tags), problem) == (ALL, None)
    assert listing.count("tags") == 7


def test_tags_link_to_another_host(simulator: Simulator, listing: Host) -> None:
    other = simulator.host("other", content=listing.content)
    listing.add(faults.link(f"{other.url}{{path}}?n=100&last=1.0.99"))
    tags, problem = listed(listing)
    assert problem is not None
    assert "elsewhere" in problem
    assert tags
    assert other.log == []


def test_tags_link_to_itself(listing: Host) -> None:
    listing.add(faults.link("{self}"))
    _, problem = listed(listing)
    assert problem is not None
    assert "read already" in problem
    assert listing.count("tags") == 1


def test_tags_relative_link(listing: Host) -> None:
    tags, problem = listed(listing)
    assert (set(tags), problem) == (ALL, None)
    assert listing.asked("tags")[1].target.startswith("/v2/app/tags/list?last=")


def test_tags_a_hundred_thousand_and_one(host: Host) -> None:
    host.dialect = Dialect.DISTRIBUTION
    host.content.tag_many("app", (f"{number:06}" for number in range(100_000)), tagged(host))
    tags, problem = listed(host)
    assert problem is not None
    assert "cut off" in problem
    assert len(tags) == 100_000
    assert host.count("tags") <= 101


@pytest.mark.parametrize("name", ["1.0\x1b[2J", "::error::gotcha", "a\nb", "-x", "x" * 129, ""])
def test_tags_that_are_none(host: Host, name: str) -> None:
    host.content.tag("app", name, tagged(host))
    assert listed(host) == (["1"], None)


def test_tags_too_slow_unpaged_then_paged(listing: Host) -> None:
    listing.add(faults.too_slow_unpaged())
    tags, problem = listed(listing)
    assert (set(tags), problem) == (ALL, None)


def test_tags_next_page_of_docker_hub_on_another_host(simulator: Simulator) -> None:
    hub = simulator.host("hub.docker.com")
    registry = simulator.host("docker.io", content=hub.content, dialect=Dialect.HUB)
    other = simulator.host("other", content=hub.content)
    digest = hub.content.image("library/app", "1").digest
    hub.content.tag_many("library/app", MANY, digest)
    hub.add(faults.next_page(f"{other.url}/v2/namespaces/library/repositories/app/tags?page=2"))
    routes = {"https://hub.docker.com": hub.url, "https://registry-1.docker.io": registry.url}
    with open_client({}, resolve=resolve, routes=routes) as opened:
        found = opened.client.tags(parse_reference("app"))
    assert other.log == []
    assert {facts.tag for facts in found.tags} == ALL, "the registry was asked for the rest"
    assert registry.count("tags") == 1


# Limits


AT = 1_800_000_000
"""The registry's clock."""
DATED = (("Date", formatdate(AT, usegmt=True)),)


@pytest.mark.parametrize(
    ("said", "pause"),
    [
        pytest.param({"retry_after": "0"}, 0.1, id="retry-after-0"),
        pytest.param({"retry_after": "3"}, 3.0, id="retry-after-3"),
        pytest.param(
            {"retry_after": formatdate(AT + 30, usegmt=True), "headers": DATED}, 30.0, id="date"
        ),
        pytest.param(
            {"retry_after": formatdate(AT - 30, usegmt=True), "headers": DATED}, 0.1, id="past-date"
        ),
        pytest.param(
            {"body": "retry-after: 23.722\N{MICRO SIGN}s, allowed: 44000/minute"}, 0.1, id="go"
        ),
        pytest.param(
            {"headers": (("X-Retry-After", str(AT + 20)), *DATED)}, 20.0, id="x-retry-after"
        ),
    ],
)
def test_limit_says_when_to_come_back(host: Host, said: dict[str, Any], pause: float) -> None:
    host.add(faults.limited(**said, times=1))
    with asking(host) as opened:  # by GET, as answers to HEAD have no body
        assert opened.client.image(image(host)).is_index
    (waited,) = opened.pauses
    assert waited == pytest.approx(pause, abs=0.05)
    assert host.count("manifest") == 2


def test_limit_does_not_say_when_to_come_back(host: Host) -> None:
    host.add(faults.limited(times=3))
    with asking(host) as opened:
        assert opened.client.point(reference(host)).digest == tagged(host)
    assert len(opened.pauses) == 3
    assert opened.pauses == sorted(opened.pauses)
    assert opened.pauses[-1] > opened.pauses[0] > 0


def test_limit_that_cannot_be_read(host: Host) -> None:
    host.add(faults.limited(retry_after="1e9"))
    with asking(host) as opened, refused(Failure.LIMITED):
        opened.client.point(reference(host))
    assert sum(opened.pauses) < 60


@pytest.mark.parametrize("said", ["1000000000", str(10**40)])
def test_limit_for_longer_than_our_patience(host: Host, said: str) -> None:
    host.content.image("app", "2")
    host.add(faults.limited(retry_after=said))
    with asking(host) as opened:
        for tag in ("1", "2"):
            with refused(Failure.LIMITED):
                opened.client.point(reference(host, f"app:{tag}"))
    assert opened.pauses == []
    assert host.count() == 1


def test_limit_on_every_request_opens_the_circuit_of_that_host_alone(
    simulator: Simulator, host: Host
) -> None:
    other = simulator.host("other")
    other.content.image("app", "1")
    host.add(faults.limited())
    with asking(host, (f"{NAME}:{other.port}", OPEN)) as opened:
        with refused(Failure.LIMITED):
            opened.client.point(reference(host))
        asked = host.count()
        for question in (opened.client.point, opened.client.tags):
            with refused(Failure.LIMITED):
                question(reference(host))
        assert host.count() == asked
        assert opened.client.point(reference(other)).digest == tagged(other)
