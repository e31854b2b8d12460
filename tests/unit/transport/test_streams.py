from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from basekeeper.errors import Error, NetworkError, TransportError
from basekeeper.transport.client import Limits, Transport
from tests.fakes.loopback import Answer, read_head, serve, serve_raw

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from tests.fakes.loopback import Loopback

BODY = bytes(range(256)) * 4096
SMALL = Limits(timeout=5, total=10, max_bytes=10, retries=1, redirects=2)


class Bodies:
    """What was passed on: one body for each time that one began."""

    def __init__(self) -> None:
        self.found: list[bytes] = []
        self.longest = 0

    def begin(self) -> Callable[[bytes], object]:
        self.found.append(b"")
        return self.take

    def take(self, piece: bytes) -> None:
        self.found[-1] += piece
        self.longest = max(self.longest, len(piece))


def transport(server: Loopback) -> Transport:
    return Transport(SMALL, allow_http=(server.host,), sleep=lambda _: None, environ={})


def test_a_body_is_passed_on_in_pieces_and_not_kept(server: Loopback) -> None:
    server.put("/x", Answer(BODY))
    bodies = Bodies()
    with transport(server) as client:
        answer = client.stream(f"{server.url}/x", bodies.begin, max_bytes=len(BODY))
    assert (answer.status, answer.body, bodies.found) == (200, b"", [BODY])
    assert bodies.longest < 256 * 1024


def test_a_body_is_passed_on_as_it_was_transferred(server: Loopback) -> None:
    packed = gzip.compress(BODY)
    server.put("/x", Answer(packed, 200, {"Content-Encoding": "gzip"}))
    bodies = Bodies()
    with transport(server) as client:
        client.stream(f"{server.url}/x", bodies.begin, max_bytes=len(packed))
    assert bodies.found == [packed]


def test_a_failure_is_an_answer_like_any_other(server: Loopback) -> None:
    server.put("/x", Answer(b"no", 404))
    bodies = Bodies()
    with transport(server) as client:
        answer = client.stream(f"{server.url}/x", bodies.begin, max_bytes=5)
    assert (answer.status, answer.body, bodies.found) == (404, b"no", [])


def test_a_redirect_is_followed_without_credentials(server: Loopback) -> None:
    with serve() as other:
        other.put("/y", Answer(b"there"))
        server.put("/x", Answer(b"", 307, {"Location": f"{other.url}/y"}))
        bodies = Bodies()
        with Transport(SMALL, allow_http=(server.host, other.host), environ={}) as client:
            headers = {"Authorization": "Bearer secret"}
            client.stream(f"{server.url}/x", bodies.begin, headers=headers, max_bytes=5)
        assert bodies.found == [b"there"]
        assert "authorization" not in other.requests[0][2]


def test_a_body_that_says_that_it_is_above_the_limit_is_not_read(server: Loopback) -> None:
    server.put("/x", Answer(BODY))
    bodies = Bodies()
    with transport(server) as client, pytest.raises(TransportError, match="larger than 99 bytes"):
        client.stream(f"{server.url}/x", bodies.begin, max_bytes=99)
    assert bodies.found == []


def test_a_body_that_turns_out_above_the_limit_is_refused() -> None:
    def talk(sock: socket.socket) -> None:
        read_head(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + BODY)

    bodies = Bodies()
    with (
        serve_raw(talk) as server,
        Transport(SMALL, allow_http=(server.host,), environ={}) as client,
        pytest.raises(TransportError, match="larger than 99 bytes"),
    ):
        client.stream(f"{server.url}/x", bodies.begin, max_bytes=99)
    assert sum(map(len, bodies.found)) <= 99


def test_a_body_that_breaks_off_begins_anew(server: Loopback) -> None:
    server.put("/x", Answer(b"half", length=9), Answer(b"the whole"))
    bodies = Bodies()
    with transport(server) as client:
        client.stream(f"{server.url}/x", bodies.begin, max_bytes=9)
    assert bodies.found == [b"half", b"the whole"]


def test_a_body_that_always_breaks_off_is_a_failure_of_the_network(server: Loopback) -> None:
    server.put("/x", Answer(b"half", length=9))
    with transport(server) as client, pytest.raises(NetworkError):
        client.stream(f"{server.url}/x", Bodies().begin, max_bytes=9)


def test_whoever_takes_a_body_may_refuse_it_and_the_next_request_is_whole(
    server: Loopback,
) -> None:
    server.put("/x", Answer(BODY))
    server.put("/y", Answer(b"fine"))

    def refuse(_piece: bytes) -> None:
        raise Error("enough")

    with transport(server) as client:
        with pytest.raises(Error, match="enough"):
            client.stream(f"{server.url}/x", lambda: refuse, max_bytes=len(BODY))
        assert client.get(f"{server.url}/y").body == b"fine"


def test_what_is_sent_has_arrived_as_soon_as_the_status_says_so(server: Loopback) -> None:
    server.put("/x", Answer(b"ok", 200, length=1000))
    bodies = Bodies()
    with transport(server) as client, pytest.raises(NetworkError):
        client.post(
            f"{server.url}/x", b"sent", "text/plain", max_bytes=len(BODY), begin=bodies.begin
        )
    assert bodies.found == [b"ok"]
    assert server.bodies == [b"sent"]
