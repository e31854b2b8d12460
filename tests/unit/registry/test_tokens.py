from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from basekeeper.errors import Failure, RegistryError
from basekeeper.registry.credential import Credential, Kind
from basekeeper.registry.tokens import MAX_ANSWER, MAX_TOKENS, Order, Scope, Tokens
from basekeeper.transport.client import Limits, Response, Transport
from tests.fakes.loopback import Answer, Loopback, serve

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSWORD = Credential(Kind.PASSWORD, "user", "s3cret", "place")
IDENTITY = Credential(Kind.IDENTITY, "<token>", "s3cret", "place")
SCOPE = Scope("library/alpine")


def _said(values: dict[str, object]) -> Answer:
    return Answer(json.dumps(values).encode())


def _token(text: str, **more: object) -> Answer:
    return _said({"token": text, **more})


class Issuer:
    """Somebody who issues tokens, and those who ask for them."""

    def __init__(self, server: Loopback, transport: Transport) -> None:
        self.server = server
        self.time = 1000.0
        self.tokens = Tokens(transport, clock=lambda: self.time)

    def answers(self, *answers: Answer) -> None:
        self.server.put("/token", *answers)

    def order(self, **changes: Any) -> Order:
        order = Order(self.server.url + "/token", "service", SCOPE, None)
        return order._replace(**changes)

    def get(self, **changes: Any) -> str:
        return self.tokens.get(self.order(**changes))

    @property
    def queries(self) -> list[list[tuple[str, str]]]:
        return [parse_qsl(urlsplit(path).query) for path in self.server.paths]


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with serve() as server:
        limits = Limits(timeout=5.0, retries=0)
        with Transport(limits, allow_http=[server.host], environ={}) as transport:
            yield Issuer(server, transport)


def test_asks_with_service_scope_and_client(issuer: Issuer) -> None:
    issuer.answers(_token("t"))
    assert issuer.get() == "t"
    assert issuer.queries == [
        [
            ("service", "service"),
            ("scope", "repository:library/alpine:pull"),
            ("client_id", "basekeeper"),
        ]
    ]
    assert "authorization" not in issuer.server.requests[0][2]


def test_keeps_what_the_realm_asks_for_already(issuer: Issuer) -> None:
    issuer.answers(_token("t"))
    issuer.get(realm=issuer.server.url + "/token?account=a%20b&x=#part", service="s & t")
    (path,) = issuer.server.paths
    assert path == (
        "/token?account=a%20b&x=&service=s+%26+t"
        "&scope=repository%3Alibrary%2Falpine%3Apull&client_id=basekeeper"
    )


def test_leaves_out_what_is_not_known(issuer: Issuer) -> None:
    issuer.answers(_token("t"))
    issuer.get(service="", scope=None)
    assert issuer.queries == [[("client_id", "basekeeper")]]


def test_sends_a_password_as_basic_credentials(issuer: Issuer) -> None:
    issuer.answers(_token("t"))
    issuer.get(credential=PASSWORD)
    assert issuer.server.requests[0][2]["authorization"] == PASSWORD.basic


def test_token_only_access_token(issuer: Issuer) -> None:
    issuer.answers(_said({"access_token": "t"}))
    assert issuer.get() == "t"


def test_takes_the_token_where_both_names_are_there(issuer: Issuer) -> None:
    issuer.answers(_said({"token": "one", "access_token": "two"}))
    assert issuer.get() == "one"


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ({}, 60),
        ({"expires_in": 300}, 300),
        ({"expires_in": 300.5}, 300.5),
        ({"expires_in": 1}, 60),
        ({"expires_in": 0}, 60),
        ({"expires_in": -5}, 60),
        ({"expires_in": None}, 60),
        ({"expires_in": "300"}, 60),
        ({"expires_in": float("nan")}, 60),
        ({"expires_in": float("inf")}, 86_400),
        ({"expires_in": 10**400}, 86_400),
    ],
)
def test_a_token_is_renewed_ten_seconds_before_its_end(
    issuer: Issuer, said: dict[str, Any], seconds: float
) -> None:
    issuer.answers(_token("one", **said), _token("two", **said))
    assert issuer.get() == "one"
    issuer.time += seconds - 10.01
    assert issuer.get() == "one"
    issuer.time += 0.02
    assert issuer.get() == "two"


def test_token_no_expires_in_lives_for_a_minute(issuer: Issuer) -> None:
    issuer.answers(_token("one"), _token("two"))
    issuer.get()
    issuer.time += 49.9
    assert issuer.get() == "one"


def test_token_1_s_life_is_taken_as_a_minute(issuer: Issuer) -> None:
    issuer.answers(_token("one", expires_in=1), _token("two"))
    issuer.get()
    issuer.time += 49.9
    assert issuer.get() == "one"


def test_token_fewer_rights_than_asked_is_no_error(issuer: Issuer) -> None:
    issuer.answers(_token("t", scope="", access=[]))
    assert issuer.get() == "t"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"null",
        b'"t"',
        b"\xff",
        b"[" * 60_000,
        b'{"token": 1}',
        b'{"token": ""}',
        b'{"token": ["t"]}',
        b'{"token": "a b"}',
        b'{"token": "a\\r\\nx-evil: 1"}',
        '{"token": "\N{LATIN SMALL LETTER E WITH ACUTE}"}'.encode(),
    ],
)
def test_an_answer_without_a_usable_token_is_refused(issuer: Issuer, body: bytes) -> None:
    issuer.answers(Answer(body))
    with pytest.raises(RegistryError, match="answered without a usable token") as caught:
        issuer.get()
    assert caught.value.failure is Failure.REFUSED


def test_token_200_with_html(issuer: Issuer) -> None:
    issuer.answers(Answer(b"<!doctype html><p>log in</p>", headers={"Content-Type": "text/html"}))
    with pytest.raises(RegistryError, match="without a usable token") as caught:
        issuer.get()
    assert caught.value.failure is Failure.REFUSED


def test_token_1_mib_body(issuer: Issuer) -> None:
    issuer.answers(Answer(json.dumps({"token": "t" * 1024 * 1024}).encode()))
    with pytest.raises(RegistryError, match=f"larger than {MAX_ANSWER} bytes") as caught:
        issuer.get()
    assert caught.value.failure is Failure.REFUSED


@pytest.mark.parametrize(
    ("status", "credential", "failure"),
    [
        (401, None, Failure.NOT_FOUND),
        (403, None, Failure.NOT_FOUND),
        (401, PASSWORD, Failure.DENIED),
        (403, PASSWORD, Failure.DENIED),
        (401, IDENTITY, Failure.DENIED),
        (429, None, Failure.LIMITED),
        (500, None, Failure.UNREACHABLE),
        (400, None, Failure.REFUSED),
        (404, None, Failure.REFUSED),
        (204, None, Failure.REFUSED),
    ],
)
def test_a_refusal_says_what_kind_it_is_and_no_secret(
    issuer: Issuer, status: int, credential: Credential | None, failure: Failure
) -> None:
    issuer.answers(Answer(b"s3cret", status=status))
    with pytest.raises(RegistryError) as caught:
        issuer.get(credential=credential)
    assert caught.value.failure is failure
    assert f"a token for library/alpine (status {status})" in caught.value.message
    assert "s3cret" not in str(caught.value)
    if credential is not None:
        assert "the credentials from place" in caught.value.message


def test_an_identity_token_is_exchanged_by_post(issuer: Issuer) -> None:
    issuer.answers(_said({"access_token": "t"}))
    assert issuer.get(credential=IDENTITY) == "t"
    ((method, path, headers),) = issuer.server.requests
    assert (method, path) == ("POST", "/token")
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    assert "authorization" not in headers
    assert parse_qsl(issuer.server.bodies[0].decode()) == [
        ("grant_type", "refresh_token"),
        ("service", "service"),
        ("scope", "repository:library/alpine:pull"),
        ("client_id", "basekeeper"),
        ("refresh_token", "s3cret"),
    ]


@pytest.mark.parametrize("status", [404, 405])
def test_an_identity_token_goes_by_get_where_post_is_not_known(issuer: Issuer, status: int) -> None:
    issuer.answers(Answer(status=status), _token("t"))
    assert issuer.get(credential=IDENTITY) == "t"
    assert [method for method, _, _ in issuer.server.requests] == ["POST", "GET"]
    assert issuer.server.requests[1][2]["authorization"] == IDENTITY.basic


@pytest.mark.parametrize("status", [400, 401, 500])
def test_an_identity_token_that_is_refused_is_not_sent_again(issuer: Issuer, status: int) -> None:
    issuer.answers(Answer(status=status))
    with pytest.raises(RegistryError):
        issuer.get(credential=IDENTITY)
    assert len(issuer.server.requests) == 1


def test_one_token_serves_every_equal_order(issuer: Issuer) -> None:
    issuer.answers(_token("t"))
    for _ in range(3):
        issuer.get()
    assert len(issuer.server.requests) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"service": "other"},
        {"scope": Scope("other")},
        {"scope": None},
        {"credential": PASSWORD},
    ],
)
def test_another_service_scope_or_credential_needs_another_token(
    issuer: Issuer, change: dict[str, Any]
) -> None:
    issuer.answers(_token("one"), _token("two"))
    assert issuer.get() == "one"
    assert issuer.get(**change) == "two"
    assert issuer.get() == "one"


def _slowly(issuer: Issuer, answer: Answer) -> threading.Event:
    """Answer only when the event is set."""
    go = threading.Event()

    def decide(_path: str, _headers: dict[str, str]) -> Answer:
        go.wait(5)
        return answer

    issuer.server.decide = decide
    return go


def test_token_two_tasks_needing_the_same_one_ask_once(issuer: Issuer) -> None:
    go = _slowly(issuer, _token("t"))
    with ThreadPoolExecutor(8) as pool:
        found = [pool.submit(issuer.get) for _ in range(8)]
        go.set()
        assert {future.result() for future in found} == {"t"}
    assert len(issuer.server.requests) == 1


def test_tasks_that_wait_for_a_token_share_its_refusal(issuer: Issuer) -> None:
    go = _slowly(issuer, Answer(status=403))
    ready = threading.Barrier(5)

    def ask() -> str:
        ready.wait()
        return issuer.get()

    with ThreadPoolExecutor(4) as pool:
        found = [pool.submit(ask) for _ in range(4)]
        ready.wait()
        threading.Timer(0.2, go.set).start()
        assert all(isinstance(future.exception(), RegistryError) for future in found)
    assert len(issuer.server.requests) == 1


def test_a_refused_token_is_renewed_once_for_all_who_hold_it(issuer: Issuer) -> None:
    issuer.answers(_token("one"), _token("two"), _token("three"))
    assert issuer.get() == "one"
    assert issuer.tokens.renew(issuer.order(), "one") == "two"
    assert issuer.tokens.renew(issuer.order(), "one") == "two"
    assert issuer.get() == "two"
    assert len(issuer.server.requests) == 2


class Counting:
    """Stands in for the network where there would be too much of it, or a host's name matters."""

    def __init__(self) -> None:
        self.asked = 0

    def get(self, url: str, **_: Any) -> Response:
        self.asked += 1
        return Response(200, {}, b'{"token": "t"}', url)

    def head(self, url: str, **_: Any) -> Response:
        raise NotImplementedError

    def stream(self, url: str, begin: object, **_: Any) -> Response:
        raise NotImplementedError

    def post(self, url: str, body: bytes, content_type: str, **_: Any) -> Response:
        raise NotImplementedError


def test_tokens_of_more_repositories_than_are_kept_are_asked_for_again() -> None:
    requests = Counting()
    tokens = Tokens(requests)
    order = Order("https://auth.example/token", "s", None, None)
    for number in range(MAX_TOKENS + 1):
        tokens.get(order._replace(scope=Scope(f"r/{number}")))
    tokens.get(order._replace(scope=Scope(f"r/{MAX_TOKENS}")))
    assert requests.asked == MAX_TOKENS + 1
    tokens.get(order._replace(scope=Scope("r/0")))
    assert requests.asked == MAX_TOKENS + 2


@pytest.mark.parametrize(("credential", "asked"), [(None, 1), (PASSWORD, 3)])
def test_an_anonymous_token_of_ghcr_serves_for_every_repository(
    credential: Credential | None, asked: int
) -> None:
    requests = Counting()
    tokens = Tokens(requests)
    for name in ("a/b", "c/d", "e/f"):
        tokens.get(Order("https://ghcr.io/token", "ghcr.io", Scope(name), credential))
    assert requests.asked == asked
