from __future__ import annotations

import threading
import time
from ipaddress import ip_address

import pytest

from basekeeper.errors import TransportError
from basekeeper.transport.addresses import (
    MAX_ADDRESSES,
    MAX_KEPT,
    Reach,
    Resolver,
    check_addresses,
    check_unresolved,
    literal,
    reach,
    resolve_host,
)
from basekeeper.transport.deadline import Deadline


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("8.8.8.8", Reach.PUBLIC),
        ("172.15.255.255", Reach.PUBLIC),
        ("172.32.0.0", Reach.PUBLIC),
        ("2606:2800:220:1::1", Reach.PUBLIC),
        ("64:ff9b::808:808", Reach.PUBLIC),
        ("10.1.2.3", Reach.PRIVATE),
        ("100.64.0.1", Reach.PRIVATE),
        ("127.0.0.1", Reach.PRIVATE),
        ("127.255.255.254", Reach.PRIVATE),
        ("172.16.0.1", Reach.PRIVATE),
        ("192.168.1.1", Reach.PRIVATE),
        ("192.0.2.1", Reach.PRIVATE),
        ("198.18.0.1", Reach.PRIVATE),
        ("::1", Reach.PRIVATE),
        ("fc00::1", Reach.PRIVATE),
        ("fd12:3456::1", Reach.PRIVATE),
        ("2001:db8::1", Reach.PRIVATE),
        ("0.0.0.0", Reach.NEVER),  # noqa: S104  # judged, not bound to
        ("0.1.2.3", Reach.NEVER),
        ("169.254.169.254", Reach.NEVER),
        ("168.63.129.16", Reach.NEVER),
        ("100.100.100.200", Reach.NEVER),
        ("224.0.0.1", Reach.NEVER),
        ("240.0.0.1", Reach.NEVER),
        ("255.255.255.255", Reach.NEVER),
        ("::", Reach.NEVER),
        ("::7f00:1", Reach.NEVER),
        ("::ffff:127.0.0.1", Reach.NEVER),
        ("::ffff:8.8.8.8", Reach.NEVER),
        ("::ffff:0:127.0.0.1", Reach.NEVER),
        ("64:ff9b::7f00:1", Reach.NEVER),
        ("64:ff9b::a9fe:a9fe", Reach.NEVER),
        ("64:ff9b:1::808:808", Reach.NEVER),
        ("2002:7f00:1::1", Reach.NEVER),
        ("2001:0:7f00:1::1", Reach.NEVER),
        ("fd00:ec2::254", Reach.NEVER),
        ("fe80::1", Reach.NEVER),
        ("fec0::1", Reach.NEVER),
        ("ff02::1", Reach.NEVER),
        ("5f00::1", Reach.NEVER),
        ("4000::1", Reach.NEVER),
    ],
)
def test_tells_whose_an_address_is(address: str, expected: Reach) -> None:
    assert reach(ip_address(address)) is expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("0x7f000001", "127.0.0.1"),
        ("0177.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("a.example", None),
        ("1.2.3.4.5", None),
        ("256.0.0.1", None),
        ("::g", None),
    ],
)
def test_knows_every_spelling_of_an_address(host: str, expected: str | None) -> None:
    assert literal(host) == (expected and ip_address(expected))


@pytest.mark.parametrize(
    ("addresses", "private", "is_refused"),
    [
        (("8.8.8.8",), False, False),
        (("8.8.8.8", "2606:2800:220:1::1"), False, False),
        (("8.8.8.8", "10.0.0.1"), False, True),
        (("10.0.0.1",), True, False),
        (("8.8.8.8", "10.0.0.1"), True, False),
        (("169.254.169.254",), True, True),
        (("8.8.8.8", "::ffff:10.0.0.1"), True, True),
        (("fe80::1%eth0",), True, True),
        (("nonsense",), True, True),
    ],
)
def test_one_address_that_is_not_permitted_refuses_the_host(
    addresses: tuple[str, ...], *, private: bool, is_refused: bool
) -> None:
    if not is_refused:
        check_addresses("a.example", addresses, private=private)
        return
    with pytest.raises(TransportError, match=r"a\.example: refused") as caught:
        check_addresses("a.example", addresses, private=private)
    assert (caught.value.hint is None) == private


@pytest.mark.parametrize(
    ("host", "is_refused"),
    [
        ("a.example", False),
        ("8.8.8.8", False),
        ("10.0.0.1", True),
        ("0xa9fea9fe", True),
        ("::1", True),
        ("localhost", True),
        ("registry.localhost", True),
        ("notlocalhost", False),
    ],
)
def test_what_a_proxy_looks_up_is_judged_as_far_as_can_be(host: str, *, is_refused: bool) -> None:
    if is_refused:
        with pytest.raises(TransportError, match="refused"):
            check_unresolved(host, private=False)
    else:
        check_unresolved(host, private=False)


def test_resolves_literal_addresses_and_gives_none_for_nonsense() -> None:
    assert resolve_host("127.0.0.1") == ("127.0.0.1",)
    assert resolve_host("x" * 300) == ()


class TestResolver:
    def test_asks_once_for_many_connections(self) -> None:
        asked: list[str] = []

        def resolve(host: str) -> tuple[str, ...]:
            asked.append(host)
            return ("8.8.8.8",)

        resolver = Resolver(resolve, threading.Event())
        for _ in range(3):
            assert resolver.addresses("a.example", Deadline(5, 5)) == ("8.8.8.8",)
        assert asked == ["a.example"]

    def test_keeps_a_bounded_number_of_hosts(self) -> None:
        resolver = Resolver(lambda _: ("8.8.8.8",), threading.Event())
        for number in range(MAX_KEPT + 1):
            resolver.addresses(f"{number}.example", Deadline(5, 5))
        assert len(resolver._kept) <= MAX_KEPT

    def test_a_name_without_an_address_is_an_error(self) -> None:
        with pytest.raises(OSError, match=r"the name a\.example has no address"):
            Resolver(lambda _: (), threading.Event()).addresses("a.example", Deadline(5, 5))

    def test_too_many_addresses_are_an_error(self) -> None:
        many = tuple(f"8.8.{number}.8" for number in range(MAX_ADDRESSES + 1))
        with pytest.raises(TransportError, match="has 65 addresses"):
            Resolver(lambda _: many, threading.Event()).addresses("a.example", Deadline(5, 5))

    def test_a_silent_name_server_costs_no_more_than_the_timeout(self) -> None:
        never = threading.Event()
        resolver = Resolver(lambda _: ("8.8.8.8",) * never.wait(10), threading.Event())
        begin = time.monotonic()
        with pytest.raises(TimeoutError):
            resolver.addresses("a.example", Deadline(5, 0.1))
        assert time.monotonic() - begin < 4
        never.set()
