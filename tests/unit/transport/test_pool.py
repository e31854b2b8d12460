from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from basekeeper.errors import TransportError
from basekeeper.transport import connection as connection_module
from basekeeper.transport.client import Limits, Transport
from basekeeper.transport.pool import MAX_IDLE
from basekeeper.transport.sockets import Sockets
from tests.fakes.loopback import Answer, Loopback, read_head, serve_raw

if TYPE_CHECKING:
    from tests.fakes.loopback import RawServer

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def test_requests_one_after_another_share_a_connection(server: Loopback) -> None:
    server.put("/x", Answer(b"hello"))
    server.put("/no", Answer(b"no", 404))
    with Transport(allow_http=(server.host,)) as client:
        for _ in range(3):
            client.get(f"{server.url}/x")
            client.head(f"{server.url}/x")
            client.get(f"{server.url}/no")
    assert server.connections == 1


def test_a_body_that_was_not_read_to_its_end_costs_the_connection(server: Loopback) -> None:
    server.put("/x", Answer(b"hello"))
    with Transport(allow_http=(server.host,)) as client:
        with pytest.raises(TransportError, match="larger"):
            client.get(f"{server.url}/x", max_bytes=1)
        client.get(f"{server.url}/x")
    assert server.connections == 2


def test_a_connection_that_idled_too_long_is_not_used(
    server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.put("/x", Answer(b"hello"))
    with Transport(allow_http=(server.host,)) as client:
        client.get(f"{server.url}/x")
        monkeypatch.setattr(connection_module, "KEEP_SECONDS", -1.0)
        client.get(f"{server.url}/x")
    assert server.connections == 2


def test_no_more_connections_to_a_host_than_permitted() -> None:
    lock = threading.Lock()
    now, most = 0, 0

    def talk(sock: socket.socket) -> None:
        nonlocal now, most
        while read_head(sock):
            with lock:
                now += 1
                most = max(most, now)
            time.sleep(0.01)
            with lock:
                now -= 1
            sock.sendall(OK)

    with serve_raw(talk) as server:
        limits = Limits(connections=3)
        with (
            Transport(limits, allow_http=(server.host,), environ={}) as client,
            ThreadPoolExecutor(12) as threads,
        ):
            answers = threads.map(lambda _: client.head(f"{server.url}/x").status, range(60))
            assert list(answers) == [200] * 60
        assert most == 3
        assert server.connections == 3


def test_the_wait_for_a_connection_is_bounded() -> None:
    with serve_raw(silent) as server:
        limits = Limits(connections=1, timeout=5, total=0.3, retries=0)
        with (
            Transport(limits, allow_http=(server.host,), environ={}) as client,
            ThreadPoolExecutor(3) as threads,
        ):
            begin = time.monotonic()
            asked = [threads.submit(client.get, f"{server.url}/x") for _ in range(3)]
            for one in asked:
                with pytest.raises(TransportError, match=r"no complete answer in 0\.3 s"):
                    one.result()
            assert time.monotonic() - begin < 4


def test_idle_connections_to_many_hosts_are_bounded() -> None:
    def talk(sock: socket.socket) -> None:
        while read_head(sock):
            sock.sendall(OK)

    with serve_raw(talk) as server:
        names = [f"h{number}.example:{server.port}" for number in range(MAX_IDLE + 10)]
        with Transport(allow_http=names, resolve=lambda _: ("127.0.0.1",), environ={}) as client:
            for name in names:
                client.head(f"http://{name}/")
            assert len(client._pool._idle) == MAX_IDLE
            assert len(client._sockets._open) == MAX_IDLE
            assert client._pool._lent == {}
        assert client._sockets._open == set()


def silent(sock: socket.socket) -> None:
    while sock.recv(65536):
        pass


def dripping_tls(sock: socket.socket) -> None:
    sock.recv(65536)
    sock.recv(65536)


def dripping_body(sock: socket.socket) -> None:
    read_head(sock)
    sock.sendall(b"HTTP/1.1 200 OK\r\n\r\nx")
    sock.recv(1)


class TestAbort:
    @pytest.mark.parametrize(
        ("scheme", "talk"),
        [("http", silent), ("https", dripping_tls), ("http", dripping_body)],
    )
    def test_ends_requests_of_other_threads_at_once(self, scheme: str, talk: object) -> None:
        with serve_raw(talk) as server:  # type: ignore[arg-type]
            client = client_of(server)
            with ThreadPoolExecutor(6) as threads:
                asked = [
                    threads.submit(client.get, f"{scheme}://{server.host}/x") for _ in range(6)
                ]
                wait_until(lambda: server.connections == 4)
                time.sleep(0.05)
                begin = time.monotonic()
                client.abort()
                for one in asked:
                    with pytest.raises(TransportError, match="closed by this program"):
                        one.result()
                assert time.monotonic() - begin < 4
            assert client._sockets._open == set()

    def test_ends_pauses_and_waits_for_a_name_server(self) -> None:
        busy = Answer(status=503, headers={"Retry-After": "50"})
        never = threading.Event()
        with serve_raw(silent) as server:
            client = Transport(
                Limits(timeout=30, retries=3),
                allow_http=(server.host, "slow.example"),
                resolve=lambda _: ("127.0.0.1",) * never.wait(30),
                environ={},
            )
            with ThreadPoolExecutor(2) as threads:
                asked = threads.submit(client.get, "http://slow.example/x")
                pausing = threads.submit(client._sleep, busy.status)
                time.sleep(0.1)
                begin = time.monotonic()
                client.abort()
                with pytest.raises(TransportError, match="closed by this program"):
                    asked.result()
                pausing.result()
                assert time.monotonic() - begin < 4
        never.set()

    def test_a_body_cut_by_it_is_no_whole_body(self) -> None:
        with serve_raw(dripping_body) as server:
            client = client_of(server)
            with ThreadPoolExecutor(1) as threads:
                asked = threads.submit(client.get, f"{server.url}/x")
                wait_until(lambda: server.connections == 1)
                time.sleep(0.1)
                client.abort()
                with pytest.raises(TransportError, match="closed by this program"):
                    asked.result()

    def test_every_later_request_fails(self, server: Loopback) -> None:
        with Transport(allow_http=(server.host,)) as client:
            client.abort()
            client.abort()
            with pytest.raises(TransportError, match="closed by this program"):
                client.get(f"{server.url}/x")
        assert server.connections == 0

    def test_a_socket_made_after_it_is_closed(self) -> None:
        sockets = Sockets()
        sockets.abort()
        late = socket.socket()
        with pytest.raises(TransportError, match="closed by this program"):
            sockets.add(late)
        assert late.fileno() == -1

    def test_an_unanswered_connect_is_ended_too(self) -> None:
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            port = full.getsockname()[1]
            waiting = [socket.socket() for _ in range(4)]
            for one in waiting:  # fill the queue, so that further connections get no answer
                one.setblocking(False)  # noqa: FBT003  # its own name
                one.connect_ex(("127.0.0.1", port))
            client = Transport(
                Limits(timeout=30, retries=0), allow_http=(f"127.0.0.1:{port}",), environ={}
            )
            with ThreadPoolExecutor(1) as threads:
                asked = threads.submit(client.get, f"http://127.0.0.1:{port}/x")
                time.sleep(0.2)
                begin = time.monotonic()
                client.abort()
                with pytest.raises(TransportError, match="closed by this program"):
                    asked.result()
                assert time.monotonic() - begin < 4
            for one in waiting:
                one.close()


def test_closing_lets_requests_in_use_come_to_their_end() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def talk(sock: socket.socket) -> None:
        read_head(sock)
        begun.set()
        go_on.wait(5)
        sock.sendall(OK)
        sock.recv(1)

    with serve_raw(talk) as server:
        client = client_of(server)
        with ThreadPoolExecutor(1) as threads:
            asked = threads.submit(client.get, f"{server.url}/x")
            begun.wait(5)
            client.close()
            go_on.set()
            assert asked.result().status == 200
        assert client._sockets._open == set()


def client_of(server: RawServer) -> Transport:
    limits = Limits(timeout=30, connections=4, retries=3)
    return Transport(limits, allow_http=(server.host,), environ={})


def wait_until(holds: object, seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.01)
