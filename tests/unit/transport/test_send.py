from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from basekeeper.errors import NetworkError, TransportError
from basekeeper.transport.client import Transport
from tests.fakes.loopback import Answer, read_head, serve, serve_raw

if TYPE_CHECKING:
    import socket


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT"])
def test_a_body_is_sent_with_its_length_even_where_it_is_empty(method: str) -> None:
    heads: list[bytes] = []

    def talk(sock: socket.socket) -> None:
        heads.append(read_head(sock))
        sock.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    with serve_raw(talk) as server, Transport(allow_http=[server.host], environ={}) as transport:
        for body in (b"{}", b""):
            headers = {"content-type": "application/json"}
            answer = transport.send(method, f"{server.url}/x", body, headers=headers)
            assert answer.status == 204
    assert heads[0].startswith(f"{method} /x HTTP/1.1\r\n".encode())
    assert b"Content-Length: 2\r\n" in heads[0]
    assert b"Content-Length: 0\r\n" in heads[1]


@pytest.mark.parametrize("method", ["DELETE", "GET"])
def test_without_a_body_no_length_is_sent(method: str) -> None:
    heads: list[bytes] = []

    def talk(sock: socket.socket) -> None:
        heads.append(read_head(sock))
        sock.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    with serve_raw(talk) as server, Transport(allow_http=[server.host], environ={}) as transport:
        assert transport.send(method, f"{server.url}/x").status == 204
    assert b"content-length" not in heads[0].lower()


@pytest.mark.parametrize("status", [301, 307, 429, 502, 503])
def test_it_is_sent_once_whatever_is_answered(status: int) -> None:
    with serve() as server, Transport(allow_http=[server.host], environ={}) as transport:
        server.put("/x", Answer(b"", status, {"Location": "/y"}))
        found = transport.send("GET", f"{server.url}/x")
        assert (found.status, found.headers["location"]) == (status, "/y")
        assert server.paths == ["/x"]


def test_a_change_is_not_repeated_when_the_connection_breaks() -> None:
    with serve() as server, Transport(allow_http=[server.host], environ={}) as transport:
        server.put("/a", Answer(b"ok"))
        server.put("/x", Answer(hang_up=True))
        transport.send("GET", f"{server.url}/a")  # leaves a connection that may be used again
        with pytest.raises(NetworkError):
            transport.send("POST", f"{server.url}/x", b"{}")
        assert server.paths == ["/a", "/x"]


def test_an_answer_that_is_too_large_is_refused() -> None:
    with serve() as server, Transport(allow_http=[server.host], environ={}) as transport:
        server.put("/x", Answer(b"x" * 100))
        with pytest.raises(TransportError, match="larger than 10 bytes"):
            transport.send("GET", f"{server.url}/x", max_bytes=10)
