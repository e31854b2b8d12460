from __future__ import annotations

import pytest

from basekeeper.errors import TransportError
from basekeeper.transport.options import HostOptions, Hosts
from basekeeper.transport.redirects import headers_for, next_url

HOSTS = Hosts(
    {
        "local.example": HostOptions(private=True),
        "other-local.example": HostOptions(private=True),
        "plain.example": HostOptions(plain_http=True),
    },
    ("b.example:8080",),
)


def target(url: str, location: str | None) -> str:
    return next_url(url, location, HOSTS)


@pytest.mark.parametrize(
    ("url", "location", "expected"),
    [
        ("https://a.example/x/y", "z", "https://a.example/x/z"),
        ("https://a.example/x", "/z?q=1", "https://a.example/z?q=1"),
        ("https://a.example/x", "https://b.example/", "https://b.example/"),
        ("https://a.example/x", "//b.example/z", "https://b.example/z"),
        (
            "https://a.example/",
            "/%2F/a b/\xc3\xbc?x=%20",
            "https://a.example/%2F/a%20b/%C3%BC?x=%20",
        ),
        ("https://a.example/", "/\x01\r\nX: 1", "https://a.example/%01%0D%0AX:%201"),
        ("https://local.example/", "https://other-local.example/", "https://other-local.example/"),
        ("https://local.example/", "https://local.example:5001/", "https://local.example:5001/"),
        ("https://local.example/", "https://a.example/", "https://a.example/"),
        ("http://plain.example/", "http://plain.example/x", "http://plain.example/x"),
        ("http://b.example:8080/", "http://b.example:8080/x", "http://b.example:8080/x"),
    ],
)
def test_follows_to_places_that_are_permitted(url: str, location: str, expected: str) -> None:
    assert target(url, location) == expected


@pytest.mark.parametrize(
    ("url", "location", "match"),
    [
        ("https://a.example/", None, "redirect without a target"),
        ("https://a.example/", "", "redirect without a target"),
        ("https://a.example/", "http://plain.example/", "refused redirect from https to http"),
        ("https://a.example/", "ftp://b.example/", "ftp is not allowed"),
        ("https://a.example/", "javascript:alert(1)", "names no host"),
        ("https://a.example/", "https://user:x@b.example/", "a user or a password"),
        ("https://a.example/", "https://local.example/", "private address"),
        ("https://a.example/", "https://LOCAL.example.:8443/", "private address"),
        ("https://a.example/", "https://[", "redirect to an invalid URL"),
        ("http://plain.example/", "http://b.example:8080/", "private address"),
    ],
)
def test_refuses_downgrades_and_ways_inside(url: str, location: str | None, match: str) -> None:
    with pytest.raises(TransportError, match=match):
        target(url, location)


def test_headers_stay_within_an_origin() -> None:
    harmless = {"Accept": "a/b", "Range": "bytes=5-"}
    headers = {"Authorization": "x", **harmless, "Private-Token": "y"}
    same = headers_for("https://a.example/x", "https://a.example:443/y", headers)
    assert same == headers
    for other in ("https://b.example/", "https://a.example:444/", "http://a.example/"):
        assert headers_for("https://a.example/x", other, headers) == harmless
