from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from basekeeper.errors import TransportError
from basekeeper.transport.options import HostOptions, Hosts
from basekeeper.transport.urls import Origin, _split, split_url

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("url", "origin", "target", "authority"),
    [
        ("https://A.example/x", ("https", "a.example", 443), "/x", "a.example"),
        ("https://a.example.?q=/", ("https", "a.example", 443), "/?q=/", "a.example"),
        ("http://a.example:8080", ("http", "a.example", 8080), "/", "a.example:8080"),
        ("https://a.example/x?", ("https", "a.example", 443), "/x", "a.example"),
        ("https://a.example/x?q=/?#y", ("https", "a.example", 443), "/x?q=/?", "a.example"),
        ("https://a.example//x", ("https", "a.example", 443), "//x", "a.example"),
        ("HTTPS://a.example?", ("https", "a.example", 443), "/", "a.example"),
        ("http://a.example:443#x", ("http", "a.example", 443), "/", "a.example:443"),
        ("https://[::1]:5000/", ("https", "::1", 5000), "/", "[::1]:5000"),
        ("https://a_b.example/", ("https", "a_b.example", 443), "/", "a_b.example"),
    ],
)
def test_a_url_is_taken_apart(
    url: str, origin: tuple[str, str, int], target: str, authority: str
) -> None:
    assert split_url(url) == (origin, target)
    assert split_url(url)[0].authority == authority


def test_options_are_found_by_host_with_its_port_first() -> None:
    narrow, wide, six = (HostOptions(timeout=seconds) for seconds in (1, 2, 3))
    hosts = Hosts({"A.example:443": narrow, "a.example": wide, "[::1]:5000": six}, ("b:80",))
    assert hosts.find(Origin("https", "a.example", 443)) is narrow
    assert hosts.find(Origin("https", "a.example", 444)) is wide
    assert hosts.find(Origin("https", "::1", 5000)) is six
    assert hosts.find(Origin("http", "b", 80)) == HostOptions(plain_http=True, private=True)
    for other in ("sub.a.example", "b", "example"):
        assert hosts.find(Origin("https", other, 443)) == HostOptions()


def test_leave_for_plain_http_adds_to_the_options_of_a_host() -> None:
    hosts = Hosts({"a:5000": HostOptions(ca_file="x")}, ("A:5000",))
    expected = HostOptions(ca_file="x", plain_http=True, private=True)
    assert hosts.find(Origin("http", "a", 5000)) == expected


@given(st.text("htps:/?#@[]aA.1%&;=\\~!", max_size=25).map("http://{}".format))
def test_a_url_is_taken_apart_alike_whether_its_origin_is_known_or_not(url: str) -> None:
    def told(split: Callable[[str], tuple[Origin, str]]) -> object:
        try:
            return split(url)
        except TransportError as error:
            return error.message

    assert told(split_url) == told(split_url) == told(_split)
