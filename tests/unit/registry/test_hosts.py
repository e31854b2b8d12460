from __future__ import annotations

import pytest

from basekeeper.registry.hosts import (
    HUB_API,
    Host,
    find_host,
    registrable_domain,
    transport_options,
)
from basekeeper.transport.options import HostOptions
from basekeeper.values.settings import HostSettings, RegistrySettings


def _host(name: str, **tables: HostSettings) -> Host:
    hosts = {key.replace("_", "."): table for key, table in tables.items()}
    return find_host(name, RegistrySettings(hosts))


def test_an_unnamed_registry_is_reached_by_https_under_its_own_name() -> None:
    host = _host("registry.example:5000")
    assert host.base_url == "https://registry.example:5000"
    assert host.credentials_of == "registry.example:5000"
    assert (host.http, host.private, host.anonymous, host.is_mirror) == (False,) * 4
    assert host.hub_api is None
    assert host.repository("a/b") == "a/b"


def test_docker_hub_is_spoken_to_at_its_own_host() -> None:
    host = _host("docker.io")
    assert host.base_url == "https://registry-1.docker.io"
    assert host.address == "registry-1.docker.io"
    assert host.credentials_of == "docker.io"
    assert host.hub_api == HUB_API


def test_settings_are_found_whatever_the_case_of_the_name() -> None:
    host = _host("Registry.Example", registry_example=HostSettings(http=True, private=True))
    assert host.base_url == "http://registry.example"
    assert host.private


@pytest.mark.parametrize(
    ("mirror", "base_url", "prefix"),
    [
        ("mirror.example", "https://mirror.example", ""),
        ("mirror.example/", "https://mirror.example", ""),
        ("https://Mirror.example/hub", "https://mirror.example", "hub/"),
        ("http://mirror.example:5000/a/b/", "http://mirror.example:5000", "a/b/"),
    ],
)
def test_a_mirror_is_asked_in_the_place_of_the_registry(
    mirror: str, base_url: str, prefix: str
) -> None:
    host = _host("docker.io", docker_io=HostSettings(mirror=mirror))
    assert host.base_url == base_url
    assert host.name == "docker.io"
    assert host.is_mirror
    assert host.hub_api is None
    assert host.repository("library/alpine") == f"{prefix}library/alpine"


def test_a_mirror_goes_by_its_own_table() -> None:
    host = _host(
        "docker.io",
        docker_io=HostSettings(mirror="mirror.example/hub", hub_api="http://hub.example/"),
        mirror_example=HostSettings(
            http=True, private=True, ca="/ca.pem", concurrency=2, token_hosts=("t.example",)
        ),
    )
    assert host.base_url == "http://mirror.example"
    assert (host.private, host.ca, host.concurrency) == (True, "/ca.pem", 2)
    assert host.credentials_of == "mirror.example"
    assert host.token_hosts == {"t.example"}
    assert host.hub_api == "http://hub.example"


@pytest.mark.parametrize("name", ["docker.io", "mirror.example"])
def test_whoever_a_scanned_repository_tells_how_to_reach_gets_no_credentials(name: str) -> None:
    tables = {
        "docker_io": HostSettings(mirror="mirror.example", by_repository=name == "docker.io"),
        "mirror_example": HostSettings(private=True, by_repository=name == "mirror.example"),
    }
    assert _host("docker.io", **tables).anonymous


REALMS = [
    # registry, realm, trusted with credentials
    ("registry.example", "https://registry.example/token", True),
    ("registry.example", "https://registry.example:8443/token", True),
    ("registry.example:5000", "https://REGISTRY.example/token", True),
    ("registry.acme.example", "https://gitlab.acme.example/jwt/auth", True),
    ("registry.acme.example", "https://acme.example/token", True),
    ("acme.example", "https://a.b.acme.example/token", True),
    ("registry.acme.example", "https://registry.evil.example/token", False),
    ("acme.example", "https://evilacme.example/token", False),
    ("registry.acme.co.uk", "https://auth.acme.co.uk/token", True),
    ("registry.acme.co.uk", "https://auth.evil.co.uk/token", False),
    ("acme.tokyo.jp", "https://evil.tokyo.jp/token", False),
    ("acme.govt.nz", "https://evil.govt.nz/token", False),
    ("acme.github.io", "https://evil.github.io/token", False),
    ("acme.uk.com", "https://evil.uk.com/token", False),
    ("acme.azurecr.io", "https://evil.azurecr.io/token", False),
    ("acme.azurecr.io", "https://acme.azurecr.io/oauth2/token", True),
    ("1.dkr.ecr.eu-west-1.amazonaws.com", "https://s3.eu-west-1.amazonaws.com/t", False),
    ("docker.io", "https://auth.docker.io/token", True),
    ("lscr.io", "https://ghcr.io/token", True),
    ("lscr.io", "https://ghcr.io.evil.example/token", False),
    ("ghcr.io", "https://lscr.io/token", False),
    ("quay.io", "https://auth.docker.io/token", False),
    ("10.0.0.1:5000", "https://10.0.0.1/token", True),
    ("10.0.0.1:5000", "https://10.0.0.2/token", False),
    ("[::1]:5000", "https://[::1]/token", True),
    ("[::1]:5000", "https://[::2]/token", False),
    ("registry.corp", "https://auth.corp/token", False),
    ("localhost:5000", "https://evil/token", False),
]


@pytest.mark.parametrize(("registry", "realm", "expected"), REALMS)
def test_credentials_go_only_where_the_rule_says(
    registry: str, realm: str, *, expected: bool
) -> None:
    host = _host(registry)
    assert host.is_permitted(realm)
    assert host.trusts(realm) is expected


@pytest.mark.parametrize(
    ("token_host", "realm", "expected"),
    [
        ("auth.other", "https://auth.other/token", True),
        ("auth.other", "https://auth.other:8443/token", True),
        ("auth.other:8443", "https://auth.other:8443/token", True),
        ("auth.other:8443", "https://auth.other/token", False),
        ("auth.other", "https://x.auth.other/token", False),
    ],
)
def test_token_hosts_of_the_settings_are_trusted(
    token_host: str, realm: str, *, expected: bool
) -> None:
    said = HostSettings(token_hosts=(token_host,))
    assert _host("registry.example", registry_example=said).trusts(realm) is expected


def test_token_hosts_of_a_registry_without_tls_may_be_without_tls() -> None:
    said = HostSettings(http=True, token_hosts=("auth.other:5001",))
    host = _host("registry.example", registry_example=said)
    assert host.trusts("http://auth.other:5001/token")
    assert host.trusts("http://registry.example:5001/token")
    assert not host.trusts("http://x.registry.example/token")


@pytest.mark.parametrize(
    ("realm", "over_https", "over_http"),
    [
        ("https://auth.example/token", True, True),
        ("http://auth.example/token", False, True),
        ("http://registry.example/token", False, True),
        ("ftp://auth.example/token", False, False),
        ("https:///token", False, False),
        ("https://user:password@auth.example/token", False, False),
        ("https://auth.example:99999/token", False, False),
        ("https://[auth.example/token", False, False),
        ("/token", False, False),
        ("", False, False),
    ],
)
def test_realms_are_asked_by_https_or_as_the_registry_itself(
    realm: str, *, over_https: bool, over_http: bool
) -> None:
    assert _host("registry.example").is_permitted(realm) is over_https
    plain = _host("registry.example", registry_example=HostSettings(http=True))
    assert plain.is_permitted(realm) is over_http


@pytest.mark.parametrize(
    ("registry", "realm", "expected"),
    [
        ("evil.example", "https://registry.corp/token", True),
        ("evil.example", "https://REGISTRY.corp.:8443/token", True),
        ("evil.example", "https://auth.corp/token", True),
        ("evil.example", "https://[fd00::1]/token", True),
        ("evil.example", "https://auth.example/token", False),
        ("registry.corp:5000", "https://auth.corp/token", False),
        ("registry.corp:5000", "https://other.corp/token", False),
        ("other.corp", "https://registry.corp/token", False),
        ("friend.example", "https://auth.corp/token", False),
        ("www.acme.example", "https://auth.acme.example/token", False),
    ],
)
def test_a_realm_of_a_public_registry_never_leads_into_a_private_network(
    registry: str, realm: str, *, expected: bool
) -> None:
    settings = RegistrySettings(
        {
            "registry.corp:5000": HostSettings(private=True, token_hosts=("auth.corp:8443",)),
            "other.corp": HostSettings(private=True),
            "[fd00::1]:5000": HostSettings(private=True),
            "auth.acme.example": HostSettings(private=True),
            "friend.example": HostSettings(token_hosts=("auth.corp",)),
        }
    )
    host = find_host(registry, settings)
    assert host.is_permitted(realm)
    assert host.leads_inside(realm) is expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("example.com", "example.com"),
        ("a.b.Example.COM.", "example.com"),
        ("a.example.co.uk", "example.co.uk"),
        ("co.uk", None),
        ("gouv.fr", None),
        ("a.gouv.fr", "a.gouv.fr"),
        ("gcr.io", None),
        ("localhost", None),
        ("a..example", ["a", ".example"][1] and None),
        ("1.2.3.4", None),
        ("x.127.1", None),
        ("x.0x7f000001", None),
        ("[::1]", None),
        ("::1", None),
        ("github.io", None),
        ("a.github.io", None),
        ("notgithub.io", "notgithub.io"),
    ],
)
def test_tells_the_registrable_domain_on_the_safe_side(host: str, expected: str | None) -> None:
    assert registrable_domain(host) == expected


PRIVATE = HostOptions(private=True, ca_file="/ca")


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        ({}, {}),
        (
            {"registry.example": HostSettings(private=True, ca="/ca")},
            {"registry.example:443": PRIVATE},
        ),
        (
            {"registry.example": HostSettings(http=True)},
            {
                "registry.example:80": HostOptions(plain_http=True),
                "registry.example:443": HostOptions(),
            },
        ),
        (
            {"[::1]:5000": HostSettings(http=True, private=True)},
            {
                "[::1]:5000": HostOptions(plain_http=True, private=True),
                "[::1]:443": HostOptions(private=True),
            },
        ),
        (
            {
                "a.example:5000": HostSettings(
                    private=True, ca="/ca", token_hosts=("t.example", "u.example")
                ),
                "u.example": HostSettings(),
            },
            {
                "a.example:5000": PRIVATE,
                "a.example:443": PRIVATE,
                "t.example": PRIVATE,
                "u.example": PRIVATE,
                "u.example:443": HostOptions(),
            },
        ),
        (
            {
                "docker.io": HostSettings(
                    mirror="http://m.example:5000/x", hub_api="http://h.example"
                ),
                "m.example:5000": HostSettings(private=True),
            },
            {
                "m.example:5000": HostOptions(plain_http=True, private=True),
                "m.example:443": HostOptions(private=True),
                "h.example:80": HostOptions(plain_http=True),
            },
        ),
    ],
)
def test_tells_the_transport_what_the_settings_permit(
    hosts: dict[str, HostSettings], expected: dict[str, HostOptions]
) -> None:
    found = transport_options(RegistrySettings(hosts))
    assert {name: found[name] for name in expected} == expected
    assert not any(options.plain_http for name, options in found.items() if name not in expected)
    assert not any(options.private for name, options in found.items() if name not in expected)


def test_settings_of_docker_hub_are_those_of_the_host_that_speaks_for_it() -> None:
    said = RegistrySettings({"docker.io": HostSettings(ca="/ca")})
    assert transport_options(said)["registry-1.docker.io:443"] == HostOptions(ca_file="/ca")


@pytest.mark.parametrize("registry", ["[1:2]", "[:]:5000", "r.example:99999"])
def test_a_registry_that_is_no_host_still_has_an_address(registry: str) -> None:
    assert _host(registry).address == registry
