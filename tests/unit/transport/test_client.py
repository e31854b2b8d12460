from __future__ import annotations

import gzip
import socket
import subprocess
import sys
import traceback
import zlib
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from basekeeper.errors import NetworkError, TransportError
from basekeeper.transport.addresses import resolve_host
from basekeeper.transport.client import MAX_ERROR_BYTES, Limits, Transport
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
    assert not response.redirected


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

    @pytest.mark.parametrize("answer", [Answer(status=503), Answer(hang_up=True)])
    def test_can_be_switched_off_for_one_request(self, server: Loopback, answer: Answer) -> None:
        server.put("/x", answer, Answer(b"ok"))
        server.put("/y", answer, Answer(b"ok"))
        pauses: list[float] = []
        with transport(server, pauses=pauses) as client:
            for ask in (client.get, client.head):
                with suppress(TransportError):
                    ask(f"{server.url}/{'x' if ask == client.get else 'y'}", retries=0)
        assert server.paths == ["/x", "/y"]
        assert pauses == []

    def test_a_broken_connection_is_repeated(self, server: Loopback) -> None:
        server.put("/x", Answer(hang_up=True), Answer(b"ok"))
        with transport(server) as client:
            assert client.get(f"{server.url}/x").body == b"ok"

    def test_a_truncated_body_is_an_error_after_all_attempts(self, server: Loopback) -> None:
        server.put("/x", Answer(b"half", length=100))
        with (
            transport(server) as client,
            pytest.raises(NetworkError, match=r"127\.0\.0\.1.*peer closed connection"),
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

    def test_a_body_that_says_it_is_above_the_limit_is_not_read(self, server: Loopback) -> None:
        server.put("/x", Answer(b"", length=1001))
        with (
            transport(server) as client,
            pytest.raises(TransportError, match="larger than 1000 bytes"),
        ):
            client.get(f"{server.url}/x")
        assert len(server.requests) == 1

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

    @pytest.mark.parametrize("status", [200, 204, 304, 401])
    @pytest.mark.parametrize("coding", ["gzip", "deflate"])
    def test_an_empty_body_is_empty_in_any_coding(
        self, server: Loopback, status: int, coding: str
    ) -> None:
        server.put("/x", Answer(status=status, headers={"Content-Encoding": coding}))
        with transport(server, limits=Limits(retries=0)) as client:
            response = client.get(f"{server.url}/x")
        assert (response.status, response.body) == (status, b"")

    def test_a_failure_whose_body_cannot_be_read_is_still_that_failure(
        self, server: Loopback
    ) -> None:
        headers = {"Content-Encoding": "br", "Retry-After": "7"}
        server.put("/x", Answer(b"x", 429, headers))
        with transport(server, limits=Limits(retries=0)) as client:
            response = client.get(f"{server.url}/x")
        assert (response.status, response.body) == (429, b"")
        assert response.headers["retry-after"] == "7"

    def test_what_follows_a_compressed_body_is_not_read(self, server: Loopback) -> None:
        body = gzip.compress(b"whole") + b"x" * 100
        answer = Answer(body, headers={"Content-Encoding": "gzip"}, length=10**6)
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
        assert response.redirected
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

    @pytest.mark.parametrize(
        ("target", "match"),
        [
            ("https://inside.example/", "inside.example: refused, '10.0.0.7' is a private address"),
            ("https://169.254.169.254/latest", "'169.254.169.254' is a reserved address"),
            ("https://[::1]/", "'::1' is a private address"),
            ("https://[::ffff:10.0.0.1]/", "'::ffff:.*' is a reserved address"),
            ("https://2130706433/", "'127.0.0.1' is a private address"),
            ("https://localhost/", "'127.0.0.1' is a private address"),
        ],
    )
    def test_into_a_private_network_are_refused(
        self, server: Loopback, target: str, match: str
    ) -> None:
        server.put("/a", Answer(status=302, headers={"Location": target}))
        addresses = {"inside.example": ("10.0.0.7",)}
        with (
            transport(server, resolve=lambda host: addresses.get(host) or resolve_host(host)) as c,
            pytest.raises(TransportError, match=match),
        ):
            c.get(f"{server.url}/a")

    def test_that_end_in_a_refusal_say_that_they_were_redirected(self, server: Loopback) -> None:
        with serve() as other:
            other.put("/b", Answer(b"who?", 401, {"WWW-Authenticate": "Basic realm=x"}))
            server.put("/a", Answer(status=307, headers={"Location": f"{other.url}/b"}))
            with Transport(SMALL, allow_http=(server.host, other.host)) as client:
                response = client.get(f"{server.url}/a", headers={"Authorization": "Basic eA=="})
            assert (response.status, response.redirected) == (401, True)
            assert response.url == f"{other.url}/b"
            assert len(other.requests) == 1
            assert "authorization" not in other.requests[0][2]


class TestPost:
    def test_sends_a_body_and_reads_the_answer(self, server: Loopback) -> None:
        server.put("/token", Answer(b"{}", 200))
        with transport(server) as client:
            response = client.post(
                f"{server.url}/token", b"a=b", "application/x-www-form-urlencoded"
            )
        assert (response.status, response.body) == (200, b"{}")
        assert server.bodies == [b"a=b"]
        assert server.requests[0][0] == "POST"
        assert server.requests[0][2]["content-type"] == "application/x-www-form-urlencoded"

    def test_an_empty_body_has_a_length(self, server: Loopback) -> None:
        server.put("/token", Answer(b"{}"))
        with transport(server) as client:
            client.post(f"{server.url}/token", b"", "text/plain")
        assert server.requests[0][2]["content-length"] == "0"

    def test_a_body_larger_than_any_buffer_arrives_whole(self, server: Loopback) -> None:
        server.put("/token", Answer(b"{}"))
        body = bytes(range(256)) * 65_536
        with transport(server) as client:
            assert client.post(f"{server.url}/token", body, "text/plain").status == 200
        assert server.bodies == [body]

    @pytest.mark.parametrize("status", [301, 302, 307, 308])
    def test_is_never_redirected(self, server: Loopback, status: int) -> None:
        server.put("/token", Answer(status=status, headers={"Location": "/elsewhere"}))
        with transport(server) as client:
            assert client.post(f"{server.url}/token", b"secret", "text/plain").status == status
        assert server.paths == ["/token"]

    @pytest.mark.parametrize("answer", [Answer(status=503), Answer(hang_up=True)])
    def test_is_never_repeated(self, server: Loopback, answer: Answer) -> None:
        server.put("/token", answer)
        server.put("/x", Answer(b"ok"))
        with transport(server) as client, suppress(TransportError):
            client.get(f"{server.url}/x")  # so that there is a connection that could be stale
            client.post(f"{server.url}/token", b"secret", "text/plain")
        assert server.paths == ["/x", "/token"]

    def test_is_bounded(self, server: Loopback) -> None:
        server.put("/token", Answer(b"x" * 11))
        with transport(server) as client, pytest.raises(TransportError, match="larger than 10"):
            client.post(f"{server.url}/token", b"", "text/plain", max_bytes=10)

    def test_needs_https_too(self) -> None:
        with Transport() as client, pytest.raises(TransportError, match="http is not allowed"):
            client.post("http://example.org/", b"", "text/plain")


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
        ("https://[::1", "cannot be read"),
        ("https://example.org:99999/", r"https://example\.org:99999/: .* invalid host or port"),
        ("https://example.org:+5/", "invalid host or port"),
        ("https://user:s3cret@example.org:99999/", "a user or a password"),
        ("https://.ab/", "invalid host or port"),
        ("https://a..b/", "invalid host or port"),
        ("https://[::1]example.org/", "invalid host or port|cannot be read"),
        ("https://example.org[::1]/", "invalid host or port|cannot be read"),
        ("https://[1.2.3.4]/", "invalid host or port|cannot be read"),
        ("https://[1:2]/", "invalid host or port|cannot be read"),
        ("https://:443/", "invalid host or port"),
        ("https://example.org/\x01", "non-printable"),
        ("https://example.org/a b", "non-printable"),
        ("https://b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example/", "non-ASCII"),
        ("https://user:x@example.org/", "a user or a password"),
        ("https://exa mple.org/", "non-printable"),
        ("https://exa%6dple.org/", "invalid host or port"),
        ("https://example..org/", "invalid host or port"),
        ("https://[fe80::1%25eth0]/", "invalid host or port"),
        ("https://example.org:0/", "invalid host or port"),
        ("https://" + "a" * 64 + ".org/", "invalid host or port"),
        ("https://10.0.0.1/", "'10.0.0.1' is a private address"),
        ("https://127.1/", "'127.0.0.1' is a private address"),
        ("https://localhost/", "private address"),
        ("https://localhost./", "private address"),
    ],
)
def test_refuses_all_but_https_to_public_hosts_for_good(url: str, match: str) -> None:
    with Transport(environ={}) as client, pytest.raises(TransportError, match=match) as caught:
        client.get(url)
    assert not isinstance(caught.value, NetworkError)
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("before", ["", "user:s3cret@"])
def test_errors_show_no_secret_of_a_url(server: Loopback, before: str) -> None:
    server.put("/x", Answer(hang_up=True))
    url = f"http://{before}{server.host}/x?token=s3cret"
    with transport(server) as client, pytest.raises(TransportError, match="127") as caught:
        client.get(url)
    assert "s3cret" not in caught.value.message


@pytest.mark.parametrize("value", ["s3cret\n", "s3cret\r\nX-Other: 1", "s3cret\0"])
def test_a_credential_that_cannot_be_sent_is_an_error_that_does_not_show_it(
    server: Loopback, value: str
) -> None:
    with transport(server) as client, pytest.raises(TransportError, match="header") as caught:
        client.get(f"{server.url}/x", headers={"Authorization": value})
    assert server.requests == []
    shown = "".join(traceback.format_exception(caught.value))
    assert value not in shown
    assert "Illegal header value" not in shown


@pytest.mark.parametrize(("name", "value"), [("Ä", "1"), ("X-A", "\udcff"), ("a b", "1")])
def test_a_header_that_cannot_be_sent_is_an_error(server: Loopback, name: str, value: str) -> None:
    with transport(server) as client, pytest.raises(TransportError, match="cannot be sent"):
        client.get(f"{server.url}/x", headers={name: value})


def test_neither_ssl_nor_h11_is_loaded_for_plain_answers_over_plain_http(server: Loopback) -> None:
    server.put("/x", Answer(b""))
    code = (
        "import sys; from basekeeper.transport.client import Transport\n"
        f"Transport(allow_http=({server.host!r},)).get('{server.url}/x')\n"
        "heavy = {'ssl', 'h11', 'anyio', 'email', 'http.client', 'logging'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout == "[]\n"
