from __future__ import annotations

import threading
import time as real
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from basekeeper.errors import Failure, NetworkError, RegistryError, TransportError
from basekeeper.registry.flights import Flights
from basekeeper.registry.keyring import Keyring
from basekeeper.registry.paced import PacedRequests
from basekeeper.registry.pacing import (
    COOL_DOWN,
    MAX_FAILURES,
    MAX_SLOW,
    MAX_UNMET,
    SLOW_SECONDS,
    Pacer,
    Patience,
    places_for,
    usual_places,
)
from basekeeper.transport.client import Response
from basekeeper.values.settings import HostSettings, RegistrySettings
from tests.unit.registry.asking import NOWHERE, Time

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
WAIT = 10
"""Seconds after which a test that hangs fails."""


def answer(status: int = 200, headers: Mapping[str, str] | None = None, body: str = "") -> Response:
    return Response(status, headers or {}, body.encode(), "https://r.test/")


def unreachable() -> TransportError:
    reason = "connection refused"
    return NetworkError(f"https://r.test/v2/: {reason}", hint="check it", reason=reason)


class Server:
    """Gives one answer after the other, the last one for ever, and counts."""

    def __init__(self, *answers: Response | Exception) -> None:
        self.answers = list(answers)
        self.asked = 0

    def __call__(self) -> Response:
        self.asked += 1
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(found, Exception):
            raise found
        return found


@pytest.fixture
def time() -> Time:
    return Time()


def pacer_of(time: Time, **more: object) -> Pacer:
    return Pacer(NOW, clock=time.clock, sleep=time.sleep, jitter=lambda: 1.0, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "first",
    [answer(408), answer(429), answer(499), answer(500), answer(502), answer(503), answer(504),
     answer(522), unreachable()],
)  # fmt: skip
def test_what_may_pass_is_asked_again(time: Time, first: Response | Exception) -> None:
    server = Server(first, answer())
    assert pacer_of(time).send("r.test", server).status == 200
    assert server.asked == 2
    assert len(time.pauses) == 1


@pytest.mark.parametrize("status", [200, 304, 400, 401, 403, 404, 405, 501])
def test_what_will_not_pass_is_asked_once(time: Time, status: int) -> None:
    server = Server(answer(status))
    assert pacer_of(time).send("r.test", server).status == status
    assert (server.asked, time.pauses) == (1, [])


@pytest.mark.parametrize(
    "error", [TransportError("refused redirect"), RegistryError("no", Failure.REFUSED)]
)
def test_what_was_refused_by_a_rule_is_asked_once(time: Time, error: TransportError) -> None:
    server = Server(error)
    with pytest.raises(TransportError) as caught:
        pacer_of(time).send("r.test", server)
    assert caught.value is error
    assert server.asked == 1


@pytest.mark.parametrize(
    ("headers", "body", "low", "high"),
    [
        ({"retry-after": "0"}, "", 0.1, 0.2),
        ({"retry-after": "3"}, "", 3, 3.5),
        ({"retry-after": "Thu, 26 Nov 2026 12:00:05 GMT"}, "", 4.5, 6),
        ({"retry-after": "Thu, 26 Nov 2020 12:00:05 GMT"}, "", 0.1, 0.2),
        ({"x-retry-after": str(int(NOW.timestamp()) + 5)}, "", 4.5, 6),
        ({}, "retry-after: 23.722µs, allowed: 44000/minute", 0.1, 0.2),
        ({}, "slow down", 0.25, 0.51),
    ],
)
def test_a_host_is_given_the_time_that_it_asks_for(
    time: Time, headers: dict[str, str], body: str, low: float, high: float
) -> None:
    pacer_of(time).send("r.test", Server(answer(429, headers, body), answer()))
    assert len(time.pauses) == 1
    assert low <= time.pauses[0] <= high


@pytest.mark.parametrize(
    "headers",
    [
        {"retry-after": "61"},
        {"retry-after": "1000000000"},
        {"retry-after": "Thu, 26 Nov 2026 13:00:00 GMT"},
        {"x-retry-after": str(int(NOW.timestamp()) + 3600)},
    ],
)
def test_a_host_that_asks_for_too_much_is_not_asked_again_and_others_go_on(
    time: Time, headers: dict[str, str]
) -> None:
    pacer, server = pacer_of(time), Server(answer(429, headers))
    for _ in range(3):
        with pytest.raises(RegistryError, match=r"r\.test.*not asked again") as caught:
            pacer.send("r.test", server)
        assert caught.value.failure is Failure.LIMITED
        assert caught.value.hint is not None
    assert (server.asked, time.pauses) == (1, [])
    assert pacer.send("other.test", Server(answer())).status == 200


def test_a_host_that_refuses_every_try_is_not_asked_again(time: Time) -> None:
    pacer, server = pacer_of(time), Server(answer(429))
    for _ in range(3):
        with pytest.raises(RegistryError) as caught:
            pacer.send("r.test", server)
        assert caught.value.failure is Failure.LIMITED
    assert server.asked == Patience().tries
    assert time.pauses == sorted(time.pauses)


def test_a_host_in_trouble_is_not_one_that_limits(time: Time) -> None:
    pacer, server = pacer_of(time), Server(answer(503, {"retry-after": "3600"}))
    with pytest.raises(RegistryError) as caught:
        pacer.send("r.test", server)
    assert caught.value.failure is Failure.UNREACHABLE


def test_the_last_answer_of_a_host_in_trouble_is_a_value(time: Time) -> None:
    pacer, server = pacer_of(time), Server(answer(500))
    assert pacer.send("r.test", server).status == 500
    assert server.asked == 5
    assert pacer.send("r.test", Server(answer())).status == 200


def test_a_gateway_that_waited_in_vain_is_asked_only_twice(time: Time) -> None:
    server = Server(answer(504))
    assert pacer_of(time).send("r.test", server).status == 504
    assert server.asked == 2


def test_no_try_starts_after_the_budget(time: Time) -> None:
    server = Server(answer(503, {"retry-after": "50"}))
    assert pacer_of(time).send("r.test", server).status == 503
    assert server.asked == 3
    assert sum(time.pauses) < Patience().budget


def test_connections_that_fail_in_a_row_close_a_host_for_a_while(time: Time) -> None:
    pacer, server = pacer_of(time), Server(unreachable())
    pacer.send("r.test", Server(answer()))
    for _ in range(4):
        with pytest.raises(RegistryError) as caught:
            pacer.send("r.test", server)
        assert caught.value.failure is Failure.UNREACHABLE
    assert server.asked == MAX_FAILURES
    assert pacer.send("other.test", Server(answer())).status == 200
    time.pauses.append(COOL_DOWN)
    assert pacer.send("r.test", Server(answer())).status == 200
    with pytest.raises(RegistryError, match="connection refused"):
        pacer.send("r.test", server)


def test_a_host_that_never_answered_is_left_alone_sooner_and_says_why(time: Time) -> None:
    pacer, server = pacer_of(time), Server(unreachable())
    for _ in range(4):
        with pytest.raises(RegistryError) as caught:
            pacer.send("r.test", server)
        assert caught.value.message == "r.test: connection refused"
        assert (caught.value.failure, caught.value.hint) == (Failure.UNREACHABLE, "check it")
    assert server.asked == MAX_UNMET
    assert sum(time.pauses) < 2


def test_a_host_that_is_closed_says_how_the_row_of_failures_began(time: Time) -> None:
    later = NetworkError("https://r.test/: reset", reason="reset")
    pacer = pacer_of(time, patience=Patience(tries=1))
    for error in (unreachable(), later, later):
        with pytest.raises(RegistryError):
            pacer.send("r.test", Server(error))
    with pytest.raises(RegistryError, match=r"^r\.test: connection refused$"):
        pacer.send("r.test", Server(later))


def test_any_answer_ends_a_row_of_failed_connections(time: Time) -> None:
    pacer = pacer_of(time)
    for _ in range(MAX_FAILURES):
        assert pacer.send("r.test", Server(unreachable(), answer(404))).status == 404


def test_who_fails_makes_all_wait_who_ask_that_host(time: Time) -> None:
    pacer = pacer_of(time, patience=Patience(tries=1))
    pacer.send("r.test", Server(answer(500)))
    pacer.send("other.test", Server(answer()))
    assert time.pauses == []
    pacer.send("r.test", Server(answer()))
    assert len(time.pauses) == 1


@pytest.mark.parametrize(("host", "places"), [("r.test", 4), ("ghcr.io", 1), ("lscr.io", 1)])
def test_a_host_is_asked_so_many_questions_at_a_time(host: str, places: int) -> None:
    assert usual_places(host) == places
    pacer, lock, under_way, most = Pacer(NOW), threading.Lock(), 0, 0

    def request() -> Response:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        real.sleep(0.005)
        with lock:
            under_way -= 1
        return answer()

    with ThreadPoolExecutor(12) as threads:
        list(threads.map(lambda _: pacer.send(host, request), range(40)))
    assert most == places


@pytest.mark.parametrize(
    ("address", "environ", "places"),
    [
        ("r.test", {}, 4),
        ("ghcr.io", {}, 1),
        ("ghcr.io", {"TOKEN": "secret"}, 4),
        ("slow.test:5000", {}, 2),
        ("mirror.test", {}, 7),
        ("docker.test", {}, 4),
    ],
)
def test_settings_and_logins_tell_how_much_a_host_is_asked(
    address: str, environ: dict[str, str], places: int
) -> None:
    hosts = {
        "slow.test:5000": HostSettings(concurrency=2),
        "docker.test": HostSettings(mirror="mirror.test/x"),
        "mirror.test": HostSettings(concurrency=7),
    }
    if environ:
        hosts["ghcr.io"] = HostSettings(token_env="TOKEN")  # noqa: S106  # a name
    settings = RegistrySettings(hosts)
    keyring = Keyring(settings, environ, NOWHERE)
    assert places_for(settings, keyring)(address) == places


def test_a_post_that_is_refused_for_a_limit_is_a_value(time: Time) -> None:
    pacer, server = pacer_of(time), Server(answer(429), answer())
    assert pacer.send("r.test", server, repeat=False).status == 429
    assert pacer.send("r.test", server, repeat=False).status == 200
    assert len(time.pauses) == 1


def test_a_place_is_given_back_whatever_happens() -> None:
    pacer = Pacer(NOW, places=lambda _: 1)

    def request() -> Response:
        raise KeyboardInterrupt

    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            pacer.send("r.test", request)
    assert pacer.send("r.test", Server(answer())).status == 200


def test_stopping_wakes_who_sleeps_and_who_waits_for_a_place() -> None:
    pacer = Pacer(NOW, places=lambda _: 1)
    begun, go = threading.Event(), threading.Event()

    def slow() -> Response:
        begun.set()
        go.wait(WAIT)
        return answer()

    with ThreadPoolExecutor(3) as threads:
        sleeping = threads.submit(
            pacer.send, "sleepy.test", Server(answer(503, {"retry-after": "59"}))
        )
        holding = threads.submit(pacer.send, "r.test", slow)
        assert begun.wait(WAIT)
        waiting = threads.submit(pacer.send, "r.test", Server(answer()))
        real.sleep(0.05)
        started = real.monotonic()
        pacer.stop()
        for one in (sleeping, waiting):
            with pytest.raises(RegistryError, match="ended"):
                one.result(WAIT)
        assert real.monotonic() - started < 5
        go.set()
        assert holding.result(WAIT).status == 200
    with pytest.raises(RegistryError, match="ended"):
        pacer.send("new.test", Server(answer()))


def test_requests_are_paced_by_their_host_and_a_post_is_sent_once(time: Time) -> None:
    sent: list[tuple[str, str]] = []

    class Sender:
        def get(self, url: str, **_: object) -> Response:
            sent.append(("get", url))
            return answer(500 if len(sent) == 1 else 200)

        def head(self, url: str, **_: object) -> Response:
            sent.append(("head", url))
            return answer()

        def stream(self, url: str, begin: object, **_: object) -> Response:
            sent.append(("stream", url))
            return answer()

        def post(self, url: str, body: bytes, content_type: str, **_: object) -> Response:
            sent.append(("post", url))
            return answer(503)

    requests = PacedRequests(Sender(), pacer_of(time))
    assert requests.get("https://r.test:5000/v2/").status == 200
    assert requests.head("https://r.test:5000/v2/").status == 200
    assert requests.stream("https://r.test:5000/v2/", lambda: print, max_bytes=1).status == 200
    assert requests.post("https://auth.test/token", b"", "text/plain").status == 503
    assert [method for method, _ in sent] == ["get", "get", "head", "stream", "post"]
    assert len(time.pauses) == 1


# Flights


def together(flights: Flights, count: int, work: Callable[[], object]) -> list[object]:
    """Ask the same at the same time; a failure is a result."""
    ready = threading.Barrier(count)

    def ask(_: int) -> object:
        ready.wait(WAIT)
        try:
            return flights.once("key", work)
        except BaseException as error:  # noqa: BLE001  # to be looked at
            return error

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(ask, range(count)))


def test_equal_questions_at_the_same_time_are_asked_once() -> None:
    asked: list[int] = []

    def work() -> int:
        asked.append(1)
        real.sleep(0.1)
        return len(asked)

    flights = Flights()
    assert together(flights, 8, work) == [1] * 8
    assert flights.once("key", work) == 2


@pytest.mark.parametrize(
    "error", [RegistryError("no", Failure.DENIED, hint="so"), ValueError("bug")]
)
def test_a_failure_is_shared(error: Exception) -> None:
    asked: list[int] = []

    def work() -> int:
        asked.append(1)
        real.sleep(0.1)
        raise error

    found = together(Flights(), 8, work)
    assert len(asked) == 1
    assert {(type(one), str(one)) for one in found} == {(type(error), str(error))}
    if isinstance(error, RegistryError):
        assert len({id(one) for one in found}) == 8


def test_an_interrupted_question_keeps_nobody_waiting() -> None:
    def work() -> int:
        real.sleep(0.1)
        raise KeyboardInterrupt

    found = together(Flights(), 4, work)
    assert sum(isinstance(one, KeyboardInterrupt) for one in found) == 1
    assert sum(isinstance(one, RegistryError) for one in found) == 3


def test_work_that_asks_for_itself_does_not_wait_for_itself() -> None:
    flights = Flights()
    assert flights.once("key", lambda: flights.once("key", lambda: 7)) == 7


def test_a_host_whose_answers_are_slow_too_often_is_not_asked_again(time: Time) -> None:
    pacer, server = pacer_of(time), Server(answer())

    def slow() -> Response:
        time.sleep(SLOW_SECONDS + 1)
        return server()

    for _ in range(MAX_SLOW):
        assert pacer.send("r.test", slow).status == 200
    with pytest.raises(RegistryError, match="answers took more than 30 s each") as caught:
        pacer.send("r.test", slow)
    assert caught.value.failure is Failure.UNREACHABLE
    assert pacer.send("other.test", Server(answer())).status == 200
    assert server.asked == MAX_SLOW


def test_a_layer_may_take_its_time(time: Time) -> None:
    pacer, server = pacer_of(time), Server(answer())

    def slow() -> Response:
        time.sleep(SLOW_SECONDS + 1)
        return server()

    for _ in range(MAX_SLOW + 1):
        assert pacer.send("r.test", slow, is_long=True).status == 200
