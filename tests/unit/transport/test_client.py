from __future__ import annotations

import gzip
import socket
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from basekeeper.errors import TransportError
from basekeeper.transport.client import MAX_ERROR_BYTES, Limits, Transport, retry_after
from tests.fakes.loopback import Answer, Loopback, serve

if TYPE_CHECKING:
    from collections.abc import Iterator

SMALL = Limits(timeout=5, max_bytes=1000, retries=2, redirects=3)


@contextmanager
def transport(
    server: Loopback, *, limits: Limits = SMALL, pauses: list[float] | None = None, **more: object
) -> Iterator[Transport]:
    pauses = [] if pauses is None else pauses
    with Transport(
        limits,
        allow_http=(server.host,),
        sleep=pauses.append,
        **more,  # type: ignore[arg-type]
    ) as client:
        yield client


def test_gets_a_body_with_status_and_headers(server: Loopback) -> None:
    server.put("/x", Answer(b"hello", 200, {"X-One": "1"}))
    with transport(server) as client:
        response = client.get(f"{server.url}/x")
    assert (response.status, response.body, response.is_success) == (200, b"hello", True)
    assert response.headers["x-one"] == "1"
    assert response.url == f"{server.url}/x"


def test_sends_who_we_are_and_asks_for_an_uncompressed_body(server: Loopback) -> None:
    server.put("/x", Answer(b""))
    with Transport(SMALL, allow_http=(server.host,), user_agent="basekeeper/1") as client:
        client.get(f"{server.url}/x", headers={"Accept": "text/plain"})
    _, _, sent = server.requests[0]
    assert sent["user-agent"] == "basekeeper/1"
    assert sent["accept-encoding"] == "identity"
    assert sent["accept"] == "text/plain"


def test_head_asks_for_headers_alone(server: Loopback) -> None:
    server.put("/x", Answer(b"hello", 200, {"Content-Encoding": "gzip"}))
    with transport(server) as client:
        response = client.head(f"{server.url}/x")
    assert (response.status, response.body) == (200, b"")
    assert server.requests[0][0] == "HEAD"


@pytest.mark.parametrize("status", [401, 404, 429, 500])
def test_a_final_status_is_a_value_and_not_repeated(server: Loopback, status: int) -> None:
    server.put("/x", Answer(b"no", status))
    pauses: list[float] = []
    with transport(server, pauses=pauses) as client:
        response = client.get(f"{server.url}/x")
    assert (response.status, response.body, response.is_success) == (status, b"no", False)
    assert (len(server.requests), pauses) == (1, [])


class TestRepeating:
    def test_a_passing_failure_is_repeated_with_growing_pauses(self, server: Loopback) -> None:
        server.put("/x", Answer(status=502), Answer(status=503), Answer(b"at last"))
        pauses: list[float] = []
        with transport(server, pauses=pauses) as client:
            response = client.get(f"{server.url}/x")
        assert response.body == b"at last"
        assert pauses == [0.5, 1.0]

    def test_a_lasting_failure_is_a_value_in_the_end(self, server: Loopback) -> None:
        server.put("/x", Answer(b"down", 504))
        with transport(server) as client:
            assert client.get(f"{server.url}/x").status == 504
        assert len(server.requests) == 3

    def test_a_server_may_ask_for_more_time_but_not_for_ever(self, server: Loopback) -> None:
        server.put(
            "/x",
            Answer(status=503, headers={"Retry-After": "7"}),
            Answer(status=503, headers={"Retry-After": "1000000000"}),
            Answer(b"ok"),
        )
        pauses: list[float] = []
        with transport(server, pauses=pauses) as client:
            client.get(f"{server.url}/x")
        assert pauses == [7.0, 60.0]

    def test_a_broken_connection_is_repeated(self, server: Loopback) -> None:
        server.put("/x", Answer(hang_up=True), Answer(b"ok"))
        with transport(server) as client:
            assert client.get(f"{server.url}/x").body == b"ok"

    def test_a_truncated_body_is_an_error_after_all_attempts(self, server: Loopback) -> None:
        server.put("/x", Answer(b"half", length=100))
        with (
            transport(server) as client,
            pytest.raises(TransportError, match=r"127\.0\.0\.1.*peer closed connection"),
        ):
            client.get(f"{server.url}/x")
        assert len(server.requests) == 3

    def test_a_refused_connection_is_an_error_with_a_hint(self) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            host = f"127.0.0.1:{taken.getsockname()[1]}"
            with (
                Transport(SMALL, allow_http=(host,), sleep=lambda _: None) as client,
                pytest.raises(TransportError, match="refused") as caught,
            ):
                client.get(f"http://{host}/x")
        assert caught.value.hint is not None

    def test_silence_is_an_error(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            host = f"127.0.0.1:{silent.getsockname()[1]}"
            limits = Limits(timeout=0.05, retries=0)
            with (
                Transport(limits, allow_http=(host,)) as client,
                pytest.raises(TransportError, match="no answer in time"),
            ):
                client.get(f"http://{host}/x")


class TestSize:
    def test_a_body_above_the_limit_is_an_error(self, server: Loopback) -> None:
        server.put("/x", Answer(b"x" * 10_000))
        with (
            transport(server) as client,
            pytest.raises(TransportError, match="larger than 1000 bytes"),
        ):
            client.get(f"{server.url}/x")

    def test_the_limit_itself_is_allowed_and_can_be_set_for_one_request(
        self, server: Loopback
    ) -> None:
        server.put("/x", Answer(b"x" * 2000))
        with transport(server) as client:
            assert len(client.get(f"{server.url}/x", max_bytes=2000).body) == 2000

    def test_the_body_of_a_failure_is_cut(self, server: Loopback) -> None:
        server.put("/x", Answer(b"x" * (MAX_ERROR_BYTES + 5), 404))
        with transport(server, limits=Limits()) as client:
            assert len(client.get(f"{server.url}/x").body) == MAX_ERROR_BYTES

    @pytest.mark.parametrize(
        ("coding", "body"),
        [("gzip", gzip.compress(b"hello", mtime=0)), ("deflate", zlib.compress(b"hello"))],
    )
    def test_a_compressed_body_is_unpacked(
        self, server: Loopback, coding: str, body: bytes
    ) -> None:
        server.put("/x", Answer(body, headers={"Content-Encoding": coding}))
        with transport(server) as client:
            assert client.get(f"{server.url}/x").body == b"hello"

    @pytest.mark.parametrize(
        ("coding", "body", "match"),
        [
            ("gzip", gzip.compress(b"x" * 10_000_000, mtime=0), "larger than 1000 bytes"),
            ("gzip", b"no gzip at all", "the compressed answer is broken"),
            ("gzip", gzip.compress(b"hello", mtime=0)[:-9], "the compressed answer ends too early"),
            ("br", b"x", "unknown content coding 'br'"),
        ],
    )
    def test_a_hostile_compressed_body_is_an_error(
        self, server: Loopback, coding: str, body: bytes, match: str
    ) -> None:
        server.put("/x", Answer(body, headers={"Content-Encoding": coding}))
        with (
            transport(server, limits=Limits(max_bytes=1000, retries=0)) as client,
            pytest.raises(TransportError, match=match),
        ):
            client.get(f"{server.url}/x")

    def test_what_follows_a_compressed_body_is_not_read(self, server: Loopback) -> None:
        body = gzip.compress(b"whole") + b"x" * 100
        answer = Answer(body, headers={"Content-Encoding": "gzip"}, length=10**9)
        server.put("/x", answer)
        with transport(server, limits=Limits(retries=0)) as client:
            assert client.get(f"{server.url}/x").body == b"whole"

    def test_a_body_that_takes_too_long_is_an_error(self, server: Loopback) -> None:
        server.put("/x", Answer(b"hello"))
        with (
            transport(server, limits=Limits(total=-1.0)) as client,
            pytest.raises(TransportError, match="no complete answer in -1 s"),
        ):
            client.get(f"{server.url}/x")


class TestRedirects:
    def test_are_followed_within_the_origin_with_all_headers(self, server: Loopback) -> None:
        server.put("/a", Answer(status=302, headers={"Location": "/b"}))
        server.put("/b", Answer(b"there"))
        with transport(server) as client:
            response = client.get(f"{server.url}/a", headers={"Authorization": "Bearer s3cret"})
        assert (response.body, response.url) == (b"there", f"{server.url}/b")
        assert server.requests[1][2]["authorization"] == "Bearer s3cret"

    def test_take_no_secrets_to_another_origin(self, server: Loopback) -> None:
        with serve() as other:
            other.put("/b", Answer(b"there"))
            server.put("/a", Answer(status=307, headers={"Location": f"{other.url}/b"}))
            with Transport(SMALL, allow_http=(server.host, other.host)) as client:
                client.get(
                    f"{server.url}/a",
                    headers={"Authorization": "Bearer s3cret", "X-Token": "s", "Accept": "a/b"},
                )
            sent = other.requests[0][2]
        assert "authorization" not in sent
        assert "x-token" not in sent
        assert sent["accept"] == "a/b"

    def test_end_somewhere(self, server: Loopback) -> None:
        server.put("/a", Answer(status=302, headers={"Location": "/a"}))
        with (
            transport(server) as client,
            pytest.raises(TransportError, match="more than 3 redirects"),
        ):
            client.get(f"{server.url}/a")
        assert len(server.requests) == 4

    def test_to_a_host_without_leave_for_plain_http_are_refused(self, server: Loopback) -> None:
        server.put("/a", Answer(status=302, headers={"Location": "http://evil.example/"}))
        with (
            transport(server) as client,
            pytest.raises(TransportError, match="http is not allowed, expected https"),
        ):
            client.get(f"{server.url}/a")

    def test_from_a_public_host_into_a_private_network_are_refused(self, server: Loopback) -> None:
        server.put("/a", Answer(status=302, headers={"Location": "https://inside.example/"}))
        addresses = {"127.0.0.1": ("8.8.8.8",), "inside.example": ("10.0.0.7",)}
        with (
            transport(server, resolve=lambda host: addresses[host]) as client,
            pytest.raises(TransportError, match="refused redirect to a private address"),
        ):
            client.get(f"{server.url}/a")


def test_keeps_no_cookies(server: Loopback) -> None:
    server.put("/x", Answer(headers={"Set-Cookie": "id=1; Path=/"}))
    with transport(server) as client:
        client.get(f"{server.url}/x")
        client.get(f"{server.url}/x")
    assert "cookie" not in server.requests[1][2]


@pytest.mark.parametrize(
    ("url", "match"),
    [
        ("http://example.org/", "http is not allowed, expected https"),
        ("ftp://example.org/", "ftp is not allowed"),
        ("file:///etc/passwd", "the URL names no host"),
        ("example.org", "the URL names no host"),
        ("https://[::1", "invalid URL"),
        ("https://example.org:99999/", "invalid URL"),
        ("https://example.org/\x01", "non-printable"),
    ],
)
def test_refuses_all_but_https(url: str, match: str) -> None:
    with Transport() as client, pytest.raises(TransportError, match=match):
        client.get(url)


def test_errors_show_no_secret(server: Loopback) -> None:
    server.put("/x", Answer(hang_up=True))
    url = f"http://user:s3cret@{server.host}/x?token=s3cret"
    with transport(server) as client, pytest.raises(TransportError, match="127") as caught:
        client.get(url)
    assert "s3cret" not in caught.value.message


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "23.722us"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "9" * 5000}, 999_999_999.0),
        (
            {
                "retry-after": "Wed, 21 Oct 2026 07:28:30 GMT",
                "date": "Wed, 21 Oct 2026 07:28:00 GMT",
            },
            30.0,
        ),
        (
            {
                "retry-after": "Wed, 21 Oct 2020 07:28:30 GMT",
                "date": "Wed, 21 Oct 2026 07:28:00 GMT",
            },
            0.0,
        ),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT"}, None),
    ],
)
def test_reads_how_long_a_server_asks_to_wait(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after(headers) == seconds
