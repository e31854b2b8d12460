from __future__ import annotations

import socket
import threading
from base64 import b64encode
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from basekeeper.errors import NetworkError, TransportError
from basekeeper.transport.client import HostOptions, Limits, Transport
from basekeeper.transport.proxies import Proxies
from basekeeper.transport.urls import Origin
from tests.fakes.loopback import Answer, read_head, serve, serve_raw
from tests.fakes.registry.certificates import make_certificates
from tests.unit.transport.test_trust import server_context

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROXY = "http://proxy.example:3128"
LIMITS = Limits(timeout=5, retries=1)


def found(environ: dict[str, str], scheme: str, host: str, port: int = 443) -> str | None:
    proxy = Proxies(environ).find(Origin(scheme, host, port))
    return None if proxy is None else f"{proxy.host}:{proxy.port}"


@pytest.mark.parametrize(
    ("environ", "scheme", "expected"),
    [
        ({}, "https", None),
        ({"HTTPS_PROXY": PROXY}, "https", "proxy.example:3128"),
        ({"https_proxy": PROXY, "HTTPS_PROXY": "http://other"}, "https", "proxy.example:3128"),
        ({"HTTPS_PROXY": "proxy.example:3128"}, "https", "proxy.example:3128"),
        ({"HTTPS_PROXY": "http://proxy.example"}, "https", "proxy.example:80"),
        ({"HTTPS_PROXY": PROXY}, "http", None),
        ({"HTTP_PROXY": PROXY}, "http", "proxy.example:3128"),
        ({"HTTP_PROXY": PROXY}, "https", None),
        ({"ALL_PROXY": PROXY}, "https", "proxy.example:3128"),
        ({"HTTP_PROXY": PROXY, "REQUEST_METHOD": "GET"}, "http", None),
        ({"http_proxy": PROXY, "REQUEST_METHOD": "GET"}, "http", "proxy.example:3128"),
        ({"HTTPS_PROXY": " "}, "https", None),
    ],
)
def test_the_environment_names_proxies(
    environ: dict[str, str], scheme: str, expected: str | None
) -> None:
    assert found(environ, scheme, "a.example") == expected


@pytest.mark.parametrize(
    ("without", "host", "is_direct"),
    [
        ("", "a.example", False),
        ("*", "a.example", True),
        ("a.example", "a.example", True),
        ("A.Example", "a.example", True),
        ("a.example", "x.a.example", True),
        (".a.example", "x.a.example", True),
        ("*.a.example", "x.a.example", True),
        ("a.example", "nota.example", False),
        ("b.example, a.example", "a.example", True),
        ("b.example a.example", "a.example", True),
        ("a.example:443", "a.example", True),
        ("a.example:444", "a.example", False),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.1.2.3", "10.1.2.3", True),
        ("a.example", "10.1.2.3", False),
        ("fd00::/8", "fd00::1", True),
        ("[fd00::1]", "fd00::1", True),
        (".", "a.example", False),
        ("", "localhost", True),
        ("", "x.localhost", True),
        ("", "127.0.0.1", True),
        ("", "::1", True),
    ],
)
def test_some_hosts_are_asked_directly(without: str, host: str, *, is_direct: bool) -> None:
    environ = {"HTTPS_PROXY": PROXY, "NO_PROXY": without}
    assert (found(environ, "https", host) is None) == is_direct


@pytest.mark.parametrize(
    "url", ["https://s3cret@proxy.example", "socks5://s3cret", "http://[s3cret", "http://:1s3cret"]
)
def test_a_proxy_that_cannot_be_used_is_an_error_that_does_not_show_it(url: str) -> None:
    with pytest.raises(TransportError, match="proxy") as caught:
        found({"HTTPS_PROXY": url}, "https", "a.example")
    assert "s3cret" not in caught.value.message + (caught.value.hint or "")


def test_a_proxy_shows_no_password() -> None:
    proxy = Proxies({"HTTPS_PROXY": "http://u:s3cret@p:1"}).find(Origin("https", "a", 443))
    shown = b64encode(b"u:s3cret").decode()
    assert "s3cret" not in repr(proxy)
    assert shown not in repr(proxy)


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("u:p", b"u:p"),
        ("u", b"u:"),
        ("u:a%3Ab%40", b"u:a:b@"),
        ("u:%FF", b"u:\xff"),
        ("u:\udcff", b"u:\xff"),
        ("u:\N{LATIN SMALL LETTER E WITH ACUTE}", b"u:\xc3\xa9"),
        ("u:%0D%0AX: y", b"u:\r\nX: y"),
    ],
)
def test_a_proxy_is_told_user_and_password_byte_by_byte(written: str, sent: bytes) -> None:
    proxy = Proxies({"HTTPS_PROXY": f"http://{written}@p:1"}).find(Origin("https", "a", 443))
    assert proxy is not None
    assert proxy.headers == [(b"Proxy-Authorization", b"Basic " + b64encode(sent))]


def relay(to_port: int, heads: list[bytes], status: bytes = b"200 OK") -> Callable[..., None]:
    """Make a proxy for tunnels that leads everywhere to one port."""

    def talk(sock: socket.socket) -> None:
        heads.append(read_head(sock))
        sock.sendall(b"HTTP/1.1 " + status + b"\r\n\r\n")
        with socket.create_connection(("127.0.0.1", to_port)) as other:
            thread = threading.Thread(target=pump, args=(other, sock), daemon=True)
            thread.start()
            pump(sock, other)
            thread.join()

    return talk


def pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def test_a_tunnel_leads_to_the_host_by_name_and_tls_is_spoken_with_it(tmp_path: Path) -> None:
    made = make_certificates(tmp_path / "certificates")
    heads: list[bytes] = []
    with serve(server_context(made)) as secure:
        secure.put("/x", Answer(b"hello"))
        with (
            serve_raw(relay(secure.port, heads)) as proxy,
            Transport(
                LIMITS,
                hosts={"a.example": HostOptions(verify_tls=False)},
                environ={"HTTPS_PROXY": f"http://us%65r:s3cret@{proxy.host}"},
            ) as client,
        ):
            for _ in range(2):
                answer = client.get("https://a.example/x", headers={"Authorization": "own"})
                assert answer.body == b"hello"
    expected = b"Proxy-Authorization: Basic " + b64encode(b"user:s3cret") + b"\r\n"
    assert len(heads) == 1
    assert heads[0].startswith(b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n")
    assert expected in heads[0]
    assert b"own" not in heads[0]
    assert "proxy-authorization" not in secure.requests[0][2]


def test_the_certificate_behind_a_tunnel_is_checked(tmp_path: Path) -> None:
    made = make_certificates(tmp_path / "certificates")
    with (
        serve(server_context(made)) as secure,
        serve_raw(relay(secure.port, [])) as proxy,
        Transport(LIMITS, environ={"HTTPS_PROXY": proxy.url}) as client,
        pytest.raises(TransportError, match=r"a\.example: .*certificate"),
    ):
        client.get("https://a.example/x")


def test_plain_requests_are_forwarded() -> None:
    heads: list[bytes] = []

    def talk(sock: socket.socket) -> None:
        heads.append(read_head(sock))
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    with serve_raw(talk) as proxy:
        hosts = {"a.example": HostOptions(plain_http=True)}
        environ = {"HTTP_PROXY": f"http://u:p@{proxy.host}"}
        with Transport(LIMITS, hosts=hosts, environ=environ) as client:
            assert client.get("http://a.example/x?q").body == b"ok"
    assert heads[0].startswith(b"GET http://a.example/x?q HTTP/1.1\r\nHost: a.example\r\n")
    assert b"\r\nProxy-Authorization: Basic dTpw\r\n" in heads[0]


@pytest.mark.parametrize(
    ("status", "connections"),
    [(b"407 Proxy Authentication Required", 1), (b"403 Forbidden", 1), (b"502 Bad Gateway", 2)],
)
def test_a_refusing_proxy_is_an_error(status: bytes, connections: int) -> None:
    with serve_raw(relay(1, [], status)) as proxy:
        with (
            Transport(LIMITS, environ={"HTTPS_PROXY": proxy.url}, sleep=lambda _: None) as client,
            pytest.raises(TransportError, match=r"a\.example: the proxy .* status"),
        ):
            client.get("https://a.example/x")
        assert proxy.connections == connections


@pytest.mark.parametrize("url", ["https://a.example/x", "http://a.example/x"])
def test_a_proxy_that_is_not_there_is_named(url: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        hosts = {"a.example": HostOptions(plain_http=True)}
        with (
            Transport(Limits(retries=0), hosts=hosts, environ={"ALL_PROXY": address}) as client,
            pytest.raises(NetworkError) as caught,
        ):
            client.get(url)
    assert caught.value.reason == f"the proxy '{address}' cannot be reached: connection refused"


@pytest.mark.parametrize("host", ["10.0.0.1", "169.254.169.254", "0x0a000001", "[fd00::1]"])
def test_addresses_are_judged_before_a_proxy_is_asked(host: str) -> None:
    with serve_raw(relay(1, [])) as proxy:
        with (
            Transport(LIMITS, environ={"HTTPS_PROXY": proxy.url}) as client,
            pytest.raises(TransportError, match="refused"),
        ):
            client.get(f"https://{host}/x")
        assert proxy.connections == 0


def test_a_proxy_that_talks_on_after_its_answer_is_an_error() -> None:
    def talk(sock: socket.socket) -> None:
        read_head(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\n\r\nforged")

    with serve_raw(talk) as proxy:
        with (
            Transport(Limits(retries=0), environ={"HTTPS_PROXY": proxy.url}) as client,
            pytest.raises(TransportError, match="more than its answer"),
        ):
            client.get("https://a.example/x")
        assert client._sockets._open == set()
