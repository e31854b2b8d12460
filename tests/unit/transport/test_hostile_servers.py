"""Servers that break every rule, on raw sockets."""

from __future__ import annotations

import time
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from basekeeper.errors import NetworkError, TransportError
from basekeeper.transport.client import HostOptions, Limits, Transport
from basekeeper.transport.thorough import MAX_HEAD_BYTES, MAX_INTERIM
from tests.fakes.loopback import RawServer, read_head, serve_raw

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable

PATIENT = Limits(timeout=1, total=0.3, retries=2)
"""The whole request has less time than one wait: dripping, not silence, must be what ends it."""

CALM = Limits(timeout=10, retries=2)

QUICK = 5.0


def client_of(server: RawServer, limits: Limits = PATIENT) -> Transport:
    return Transport(limits, allow_http=(server.host,), sleep=lambda _: None, environ={})


def endless(begin: bytes, piece: bytes, pause: float) -> Callable[[socket.socket], None]:
    def talk(sock: socket.socket) -> None:
        read_head(sock)
        sock.sendall(begin)
        while True:
            sock.sendall(piece)
            time.sleep(pause)

    return talk


def answer(*pieces: bytes) -> Callable[[socket.socket], None]:
    def talk(sock: socket.socket) -> None:
        while read_head(sock):
            for piece in pieces:
                sock.sendall(piece)
            if b"Content-Length" not in b"".join(pieces):
                return

    return talk


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "talk",
    [
        pytest.param(endless(b"", b"H", 0.02), id="status line"),
        pytest.param(endless(OK, b"X", 0.02), id="header"),
        pytest.param(endless(OK, b"X: 1\r\n", 0.02), id="headers"),
        pytest.param(endless(b"", b"HTTP/1.1 102 Processing\r\n\r\n", 0.05), id="interim answers"),
        pytest.param(endless(OK + b"Content-Length: 9999\r\n\r\n", b"x", 0.02), id="body"),
        pytest.param(endless(OK + b"\r\n", b"x", 0.02), id="body up to the end"),
        pytest.param(
            endless(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", 0.02), id="chunks"
        ),
        pytest.param(
            endless(OK + b"Transfer-Encoding: chunked\r\n\r\n1;", b"x", 0.02), id="extension"
        ),
        pytest.param(
            endless(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X: 1\r\n", 0.02),
            id="trailers",
        ),
    ],
)
def test_whatever_drips_ends_when_the_time_for_the_request_is_over(
    talk: Callable[[socket.socket], None],
) -> None:
    with serve_raw(talk) as server, client_of(server) as client:
        begin = time.monotonic()
        with pytest.raises(NetworkError, match=r"no complete answer in 0\.3 s"):
            client.get(f"{server.url}/x")
        assert time.monotonic() - begin < QUICK
        assert server.connections == 1


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_many_interim_answers_are_refused_at_once(method: str) -> None:
    flood = b"HTTP/1.1 102 Processing\r\n\r\n" * (MAX_INTERIM + 1)
    with (
        serve_raw(endless(b"", flood, 0)) as server,
        client_of(server, Limits(retries=0)) as client,
        pytest.raises(NetworkError, match="more than 16 interim answers"),
    ):
        (client.get if method == "GET" else client.head)(f"{server.url}/x")


def test_a_few_interim_answers_are_passed_over() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    talk = answer(early * MAX_INTERIM, OK + b"Content-Length: 2\r\n\r\nok")
    with serve_raw(talk) as server, client_of(server, CALM) as client:
        assert client.get(f"{server.url}/x").body == b"ok"


def test_chunks_of_one_byte_are_bounded_too() -> None:
    chunks = OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 2_000_000
    with serve_raw(answer(chunks)) as server, client_of(server) as client:
        begin = time.monotonic()
        with pytest.raises(NetworkError, match=r"no complete answer in 0\.3 s"):
            client.get(f"{server.url}/x")
        assert time.monotonic() - begin < QUICK


def test_the_time_is_for_all_hops_together() -> None:
    def talk(sock: socket.socket) -> None:
        read_head(sock)
        time.sleep(0.12)
        sock.sendall(b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n")

    with serve_raw(talk) as server, client_of(server) as client:
        with pytest.raises(NetworkError, match=r"no complete answer in 0\.3 s"):
            client.get(f"{server.url}/x")
        assert server.connections <= 3


def test_pauses_between_attempts_do_not_count() -> None:
    with serve_raw(answer(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")) as server:
        limits = Limits(timeout=1, total=0.8, retries=2)
        with Transport(limits, allow_http=(server.host,), sleep=lambda _: time.sleep(0.5)) as c:
            assert c.get(f"{server.url}/x").status == 503


def wait(sock: socket.socket) -> None:
    sock.recv(65536)
    sock.recv(65536)


@pytest.mark.parametrize(
    ("talk", "match"),
    [
        (wait, "no answer in time"),
        (lambda _: None, "closed the connection without an answer|reset by peer"),
        (answer(b""), "closed the connection without an answer"),
        (answer(b"HTTP/1.1 200 OK\r\nX-"), "closed"),
        (answer(b"nonsense\r\n\r\n"), "illegal status line"),
        (answer(OK + b"X" * (MAX_HEAD_BYTES + 1)), "receive buffer too long"),
        (answer(OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nx"), "[Cc]ontent-[Ll]ength"),
        (answer(OK + b"Content-Length: -1\r\n\r\n"), "[Cc]ontent-[Ll]ength"),
        (answer(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"), "illegal chunk header"),
        (answer(OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab"), "peer closed connection"),
        (answer(OK + b"Content-Length: 5\r\n\r\nab"), "no answer in time|peer closed"),
        (answer(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n"), "."),
    ],
)
def test_no_answer_or_none_of_http_is_an_error(
    talk: Callable[[socket.socket], None], match: str
) -> None:
    limits = Limits(timeout=0.2, total=2, retries=0)
    with serve_raw(talk) as server, client_of(server, limits) as client:
        with pytest.raises(NetworkError, match=match) as caught:
            client.get(f"{server.url}/x")
        assert server.host in caught.value.message
        assert len(caught.value.message) < 500


def test_a_host_may_have_a_timeout_of_its_own() -> None:
    with serve_raw(wait) as server:
        options = HostOptions(plain_http=True, private=True, timeout=0.1)
        limits = Limits(timeout=30, retries=0)
        with Transport(limits, hosts={server.host: options}, environ={}) as client:
            begin = time.monotonic()
            with pytest.raises(NetworkError, match="no answer in time"):
                client.get(f"{server.url}/x")
            assert time.monotonic() - begin < QUICK


def test_a_body_may_last_until_the_connection_ends() -> None:
    talk = answer(OK + b"\r\n", b"all", b" of it")
    with serve_raw(talk) as server, client_of(server, CALM) as client:
        assert client.get(f"{server.url}/x").body == b"all of it"


def test_an_answer_sent_before_it_was_asked_for_is_never_taken() -> None:
    honest = OK + b"Content-Length: 6\r\n\r\nhonest"
    forged = OK + b"Content-Length: 6\r\n\r\nforged"
    with serve_raw(answer(honest + forged)) as server, client_of(server, CALM) as client:
        bodies = [client.get(f"{server.url}/{number}").body for number in range(3)]
    assert bodies == [b"honest"] * 3
    assert server.connections == 3


def test_an_unasked_answer_that_comes_late_is_never_taken() -> None:
    def talk(sock: socket.socket) -> None:
        read_head(sock)
        sock.sendall(OK + b"Content-Length: 6\r\n\r\nhonest")
        time.sleep(0.05)
        sock.sendall(OK + b"Content-Length: 6\r\n\r\nforged")
        read_head(sock)

    with serve_raw(talk) as server, client_of(server, CALM) as client:
        first = client.get(f"{server.url}/1").body
        time.sleep(0.15)
        assert [first, client.get(f"{server.url}/2").body] == [b"honest", b"honest"]


def test_a_server_that_closes_as_the_next_request_comes_is_asked_anew_without_a_retry() -> None:
    def talk(sock: socket.socket) -> None:
        read_head(sock)
        sock.sendall(OK + b"Content-Length: 2\r\n\r\nok")
        read_head(sock)  # takes the second request and closes

    with serve_raw(talk) as server, client_of(server, CALM) as client:
        for number in range(3):
            assert client.get(f"{server.url}/{number}", retries=0).body == b"ok"
        assert server.connections == 3


def test_memory_stays_small_however_much_is_sent() -> None:
    def talk(sock: socket.socket) -> None:
        read_head(sock)
        sock.sendall(OK + b"\r\n")
        for _ in many():
            sock.sendall(bytes(1024 * 1024))

    def many() -> Iterable[int]:
        return range(64)

    limits = Limits(max_bytes=1_000_000, retries=0)
    with serve_raw(talk) as server, client_of(server, limits) as client:
        tracemalloc.start()
        try:
            with pytest.raises(TransportError, match="larger than 1000000 bytes"):
                client.get(f"{server.url}/x")
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 8_000_000
