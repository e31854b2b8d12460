from __future__ import annotations

import pytest

from basekeeper.errors import TransportError
from basekeeper.transport.redirects import headers_for, next_url, origin, resolve_host

ADDRESSES = {
    "a.example": ("93.184.216.34",),
    "b.example": ("93.184.216.35", "2606:2800:220:1::1"),
    "inside.example": ("93.184.216.34", "10.1.2.3"),
    "local.example": ("192.168.1.1",),
    "other-local.example": ("172.16.0.1",),
    "link.example": ("fe80::1%eth0",),
    "metadata.example": ("169.254.169.254",),
    "unknown.example": (),
}


def target(url: str, location: str | None) -> str:
    return next_url(
        url, location, allow_http=("plain.example", "b.example:8080"), resolve=ADDRESSES.__getitem__
    )


@pytest.mark.parametrize(
    ("url", "location", "expected"),
    [
        ("https://a.example/x/y", "z", "https://a.example/x/z"),
        ("https://a.example/x", "/z?q=1", "https://a.example/z?q=1"),
        ("https://a.example/x", "https://b.example/", "https://b.example/"),
        ("https://a.example/x", "//b.example/z", "https://b.example/z"),
        ("https://local.example/", "https://other-local.example/", "https://other-local.example/"),
        ("https://local.example/", "https://a.example/", "https://a.example/"),
        ("https://a.example/", "https://unknown.example/", "https://unknown.example/"),
    ],
)
def test_follows_to_places_of_the_same_kind(url: str, location: str, expected: str) -> None:
    assert target(url, location) == expected


@pytest.mark.parametrize(
    ("url", "location", "match"),
    [
        ("https://a.example/", None, "redirect without a target"),
        ("https://a.example/", "", "redirect without a target"),
        ("https://a.example/", "http://plain.example/", "refused redirect from https to http"),
        ("https://a.example/", "ftp://b.example/", "refused redirect from https to ftp"),
        ("https://a.example/", "https://inside.example/", "private address"),
        ("https://a.example/", "https://local.example/", "private address"),
        ("https://a.example/", "https://metadata.example/", "private address"),
        ("https://a.example/", "https://link.example/", "private address"),
        ("https://a.example/", "https://[", "redirect to an invalid URL"),
        ("http://plain.example/", "http://b.example/", "http is not allowed"),
    ],
)
def test_refuses_downgrades_and_ways_inside(url: str, location: str | None, match: str) -> None:
    with pytest.raises(TransportError, match=match):
        target(url, location)


def test_a_host_may_be_allowed_with_its_port_alone() -> None:
    addresses = {"plain.example": ("93.184.216.34",), "b.example": ("93.184.216.35",)}
    assert (
        next_url(
            "http://plain.example/",
            "http://b.example:8080/",
            allow_http=("plain.example", "b.example:8080"),
            resolve=addresses.__getitem__,
        )
        == "http://b.example:8080/"
    )


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://A.example/x", ("https", "a.example", 443)),
        ("http://a.example:8080", ("http", "a.example", 8080)),
        ("https://[::1]:5000/", ("https", "::1", 5000)),
    ],
)
def test_an_origin_fills_in_the_port(url: str, expected: tuple[str, str, int]) -> None:
    assert origin(url) == expected


def test_headers_stay_within_an_origin() -> None:
    headers = {"Authorization": "x", "Accept": "a/b", "Private-Token": "y"}
    same = headers_for("https://a.example/x", "https://a.example:443/y", headers)
    assert same == headers
    for other in ("https://b.example/", "https://a.example:444/", "http://a.example/"):
        assert headers_for("https://a.example/x", other, headers) == {"Accept": "a/b"}


def test_resolves_literal_addresses_and_gives_none_for_nonsense() -> None:
    assert resolve_host("127.0.0.1") == ("127.0.0.1",)
    assert resolve_host("x" * 300) == ()
