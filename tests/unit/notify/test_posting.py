from __future__ import annotations

import ssl
import threading
import time
from datetime import timedelta
from email.utils import formatdate
from typing import TYPE_CHECKING

import pytest

from basekeeper.notify.posting import Post
from basekeeper.notify.slack import Slack
from basekeeper.notify.webhook import Webhook
from basekeeper.transport.client import HostOptions, Limits, Transport
from basekeeper.values.notifying import Later, Refused, Sent
from tests.fakes.loopback import Answer, read_head, serve, serve_raw
from tests.fakes.registry.certificates import make_certificates
from tests.unit.notify.making import NOW, message

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from basekeeper.values.notifying import Delivery
    from tests.fakes.loopback import Loopback

SECRET = "/services/T0/B0/s3cr3tpath"  # noqa: S105  # of nobody
LIMITS = Limits(timeout=0.5, total=1.0, retries=0)


@pytest.fixture
def receiver() -> Iterator[Loopback]:
    with serve() as loopback:
        yield loopback


def posted(url: str, host: str, **said: object) -> Delivery:
    options = HostOptions(plain_http=True, private=True, **said)  # type: ignore[arg-type]  # as is
    with Transport(LIMITS, hosts={host: options}, environ={}) as transport:
        found = Slack("team", Post(transport, url)).send(message(), now=NOW)
    assert "s3cr3t" not in repr(found)
    return found


def answered(receiver: Loopback, answer: Answer) -> Delivery:
    receiver.put(SECRET, answer)
    found = posted(receiver.url + SECRET, receiver.host)
    assert len(receiver.requests) == 1
    return found


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_success_is_one(receiver: Loopback, status: int) -> None:
    assert answered(receiver, Answer(b"", status)) == Sent()
    ((method, path, headers),) = receiver.requests
    assert (method, path, headers["content-type"]) == ("POST", SECRET, "application/json")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 413, 415, 422])
def test_what_the_receiver_does_not_want_is_given_up(receiver: Loopback, status: int) -> None:
    assert answered(receiver, Answer(b"", status)) == Refused(f"answered with status {status}")


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(receiver: Loopback, status: int) -> None:
    assert answered(receiver, Answer(b"", status)) == Later(f"answered with status {status}")


@pytest.mark.parametrize(
    ("said", "after"),
    [
        ("30", 30.0),
        ("soon", None),
        ("999999999999", 31 * 86400.0),
    ],
)
def test_the_receiver_says_when(receiver: Loopback, said: str, after: float | None) -> None:
    found = answered(receiver, Answer(b"", 429, {"Retry-After": said}))
    assert found == Later("answered with status 429", after)


def test_the_receiver_says_until_when(receiver: Loopback) -> None:
    until = formatdate(time.time() + 600, usegmt=True)
    found = answered(receiver, Answer(b"", 503, {"Retry-After": until}))
    assert isinstance(found, Later)
    assert found.after == pytest.approx(600, abs=5)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(receiver: Loopback, status: int) -> None:
    found = answered(receiver, Answer(b"", status, {"Location": f"{receiver.url}/elsewhere"}))
    assert found == Refused(f"answered with status {status}: redirects are not followed")


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b"no_service", ": no_service"),
        (b"channel_is_archived\n", ": channel_is_archived"),
        (b"you posted to /services/T0/B0/s3cr3tpath", ""),
        (b"x" * 41, ""),
        (b"\x1b[31m", ""),
    ],
)
def test_of_an_answer_one_word_is_shown(receiver: Loopback, body: bytes, shown: str) -> None:
    assert answered(receiver, Answer(body, 404)) == Refused(f"answered with status 404{shown}")


@pytest.mark.parametrize(
    "answer",
    [
        Answer(b"x" * 200_000),
        Answer(b"ok", length=10**14),
        Answer(b"ok", headers={"Content-Encoding": "br"}),
        Answer(b"not gzip", headers={"Content-Encoding": "gzip"}),
    ],
)
def test_what_was_taken_has_arrived_whatever_else_is_answered(
    receiver: Loopback, answer: Answer
) -> None:
    assert answered(receiver, answer) == Sent()


def test_an_endless_answer_costs_no_more_than_its_time() -> None:
    def talk(sock: socket.socket) -> None:
        read_head(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n")
        while not server.ended.wait(0.05):
            sock.sendall(b"x")

    with serve_raw(talk) as server:
        begin = time.monotonic()
        assert posted(server.url + SECRET, server.host) == Sent()
        assert time.monotonic() - begin < 5


def hang(sock: socket.socket) -> None:
    read_head(sock)
    threading.Event().wait(3)


def reset(sock: socket.socket) -> None:
    read_head(sock)


def nonsense(sock: socket.socket) -> None:
    read_head(sock)
    sock.sendall(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")


@pytest.mark.parametrize("talk", [hang, reset, nonsense])
def test_a_receiver_that_does_not_answer_is_tried_again(
    talk: Callable[[socket.socket], None],
) -> None:
    with serve_raw(talk) as server:
        found = posted(server.url + SECRET, server.host)
        assert isinstance(found, Later)
        assert found.reason
        assert server.connections == 1


def test_nobody_listens() -> None:
    with serve() as gone:
        pass
    found = posted(gone.url + SECRET, gone.host)
    assert isinstance(found, Later)
    assert "refused" in found.reason


def test_a_host_without_permission_is_not_spoken_to() -> None:
    with Transport(LIMITS, environ={}) as transport, serve() as receiver:
        found = Slack("team", Post(transport, receiver.url + SECRET)).send(message(), now=NOW)
        assert isinstance(found, Later)
        assert "http is not allowed" in found.reason
        assert "s3cr3t" not in found.reason
        assert receiver.requests == []


def test_tls_is_checked(tmp_path: Path) -> None:
    certificates = make_certificates(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.chain, certificates.key)
    with serve(context) as receiver:
        receiver.put(SECRET, Answer())
        url = f"https://localhost:{receiver.port}{SECRET}"
        found = posted(url, f"localhost:{receiver.port}")
        assert isinstance(found, Later)
        assert "certificate" in found.reason
        assert receiver.requests == []
        known = str(certificates.authority)
        assert posted(url, f"localhost:{receiver.port}", ca_file=known) == Sent()


def test_a_key_is_in_no_representation(receiver: Loopback) -> None:
    with Transport(LIMITS, environ={}) as transport:
        hook = Webhook("hook", Post(transport, receiver.url + SECRET), [b"s3cr3t" * 5])
        assert "s3cr3t" not in repr(hook)
        assert "s3cr3t" not in repr(hook.send(message(), now=NOW + timedelta(days=1)))
