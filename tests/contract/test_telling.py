"""Telling the outside, from deadlines to a receiver that checks signatures, on every ledger."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from basekeeper.config.notifying import ChannelSettings
from basekeeper.config.settings import Settings
from basekeeper.config.storage import StorageSettings
from basekeeper.deadlines.evaluate import evaluate
from basekeeper.deadlines.identity import Scope
from basekeeper.errors import LedgerError
from basekeeper.ledger.location import read_location
from basekeeper.ledger.opening import open_ledger
from basekeeper.pipeline.telling import (
    FIRST_PAUSE,
    LEASE,
    LONGEST_ASKED,
    LONGEST_PAUSE,
    MAX_AGE,
    MAX_ATTEMPTS,
    MIN_ATTEMPTS,
    OLD_NEWS,
    announce,
    pause_after,
    tell,
)
from basekeeper.policy.windows import Urgency
from basekeeper.values.event import EventKind, Notice
from basekeeper.values.notifying import Audience, Delivery, Later, Message, Refused, Sent
from basekeeper.wiring.notifying import audiences, open_channels
from tests.contract.ledger_places import LEDGERS, text_of
from tests.fakes.loopback import Answer, Loopback, serve
from tests.unit.deadlines.making import PRODUCT, SCOPE, at, detected, fix, terms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.deadlines.model import Deadline
    from basekeeper.ledger.location import Location
    from basekeeper.ports import Ledger

ROOT = Path(__file__).parents[2]
HERE = "github.com/acme/shop"
KEY = b"0123456789abcdef01234567"
SECRET = "whsec_" + base64.b64encode(KEY).decode()
TEAM = Audience(name="team")
DOWN = [Later("no answer")] * 2
"""For one run, which tries twice."""


class Clock:
    """Tells the time that a test says, in hours after the origin of its deadlines."""

    def __init__(self, hours: float = 1) -> None:
        self.hours = hours

    def __call__(self) -> datetime:
        return at(self.hours)

    def on(self, time: timedelta) -> None:
        self.sleep(time.total_seconds())

    def sleep(self, seconds: float) -> None:
        self.hours += seconds / 3600


class Ear:
    """A channel that keeps what it is told, and answers what a test says."""

    def __init__(self, name: str = "team", *answers: Delivery) -> None:
        self.name = name
        self.heard: list[Message] = []
        self._answers = list(answers)

    def send(self, message: Message, *, now: datetime) -> Delivery:
        assert now >= message.at
        self.heard.append(message)
        return self._answers.pop(0) if self._answers else Sent()


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's settings; what a killed process leaves behind goes with the test."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))


@pytest.fixture(params=LEDGERS)
def text(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return text_of(request.param, request, tmp_path)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(location: Location, clock: Clock) -> Iterator[Ledger]:
    with contextlib.closing(open_ledger(location, clock=clock)) as opened:
        yield opened


@pytest.fixture
def receiver() -> Iterator[Loopback]:
    with serve() as loopback:
        loopback.put("/hook", Answer())
        yield loopback


def given(hours: float, names: tuple[str, ...] = ("CVE-2026-1",)) -> tuple[Deadline, ...]:
    story = []
    for name in names:
        story.append(detected(0, Urgency.HIGH, scope=replace(SCOPE, vulnerability=name)))
        story.append(replace(fix(0), scope=Scope(vulnerability=name)))
    return evaluate(story, terms(hours))


def told(ledger: Ledger, clock: Clock, *channels: Ear) -> list[tuple[int, int, int, int]]:
    """Send, and count what was sent, what is to be tried again, given up, and left."""
    found = tell(ledger, channels, repository=HERE, clock=clock, sleep=clock.sleep)
    assert [one.name for one in found] == [one.name for one in channels]
    return [(one.sent, len(one.later), len(one.given_up), one.left) for one in found]


def queue(ledger: Ledger, clock: Clock, *channels: str, names: tuple[str, ...] = ("CVE-1",)) -> int:
    wanted = [Audience(name=name) for name in channels or ("team",)]
    return announce(ledger, given(clock.hours, names), wanted, repository=HERE, now=clock())


def test_what_is_new_is_told_once_on_each_channel(ledger: Ledger, clock: Clock) -> None:
    assert queue(ledger, clock, "team", "hook") == 2
    assert queue(ledger, clock, "team", "hook") == 0
    team, hook = Ear("team"), Ear("hook")
    assert told(ledger, clock, team, hook) == [(1, 0, 0, 0)] * 2
    assert told(ledger, clock, team, hook) == [(0, 0, 0, 0)] * 2
    (first,), (second,) = team.heard, hook.heard
    assert first.id != second.id
    assert (first.topic, first.product, first.attempt, first.at) == ("found", PRODUCT, 1, at(1))
    assert [one["vulnerability"] for one in first.items] == ["CVE-1"]
    clock.hours = 24 * 7
    assert queue(ledger, clock, "team") == 1
    told(ledger, clock, team)
    assert [one.topic for one in team.heard] == ["found", "100%"]
    assert ledger.verify().is_sound


def test_three_hundred_findings_make_one_message(ledger: Ledger, clock: Clock) -> None:
    assert queue(ledger, clock, names=tuple(f"CVE-{number}" for number in range(300))) == 1
    team = Ear()
    told(ledger, clock, team)
    assert len(team.heard[0].items) == 300


def test_of_two_runs_at_once_no_step_is_told_twice(location: Location, clock: Clock) -> None:
    sets = [("CVE-1", "CVE-2"), ("CVE-2", "CVE-3"), ("CVE-1", "CVE-3", "CVE-4")]
    with contextlib.ExitStack() as stack:
        others = [
            stack.enter_context(contextlib.closing(open_ledger(location, clock=clock)))
            for _ in sets
        ]
        threads = [
            threading.Thread(target=queue, args=(other, clock), kwargs={"names": names})
            for other, names in zip(others, sets, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    with contextlib.closing(open_ledger(location, clock=clock)) as fresh:
        team = Ear()
        told(fresh, clock, team)
        heard = [one["vulnerability"] for message in team.heard for one in message.items]
        assert sorted(heard) == ["CVE-1", "CVE-2", "CVE-3", "CVE-4"]
        assert told(fresh, clock, Ear()) == [(0, 0, 0, 0)]


def test_a_notice_whose_steps_others_tell_is_settled_unsent(ledger: Ledger, clock: Clock) -> None:
    queue(ledger, clock)
    body = next(iter(ledger.claim(limit=1, lease=timedelta(0)))).notice.body
    ledger.append([], [Notice(id="lost", subject=HERE, channel="team", body=body)])
    team = Ear()
    assert told(ledger, clock, team) == [(1, 0, 0, 0)]
    assert [one.id for one in team.heard] != ["lost"]
    clock.on(LEASE * 2)
    assert ledger.claim(limit=9, lease=LEASE) == ()


def test_notices_of_other_repositories_and_channels_are_left_alone(
    ledger: Ledger, clock: Clock
) -> None:
    announce(ledger, given(1), [TEAM], repository="github.com/acme/other", now=clock())
    queue(ledger, clock, "hook")
    assert told(ledger, clock, Ear()) == [(0, 0, 0, 0)]
    assert [one.attempt for one in ledger.claim(limit=9, lease=LEASE)] == [1, 1]


def test_a_broken_channel_keeps_no_other_from_being_told(ledger: Ledger, clock: Clock) -> None:
    queue(ledger, clock, "bad", "good")
    bad, good = Ear("bad", *DOWN), Ear("good")
    assert told(ledger, clock, bad, good) == [(0, 1, 0, 0), (1, 0, 0, 0)]


def test_what_failed_is_tried_again_with_the_same_id(ledger: Ledger, clock: Clock) -> None:
    queue(ledger, clock)
    team = Ear("team", Later("answered with status 503", 7200.0), *DOWN)
    (first,) = tell(ledger, [team], repository=HERE, clock=clock, sleep=clock.sleep)
    assert first.later[0].retry_at == clock() + timedelta(hours=2)
    clock.on(timedelta(hours=1.9))
    assert told(ledger, clock, team) == [(0, 0, 0, 0)]
    clock.on(timedelta(hours=0.2))
    assert told(ledger, clock, team) == [(0, 1, 0, 0)]
    clock.on(FIRST_PAUSE * 4)
    assert told(ledger, clock, team) == [(1, 0, 0, 0)]
    assert [(one.attempt, one.may_repeat) for one in team.heard] == [
        (1, False), (2, True), (3, True), (4, True),
    ]  # fmt: skip
    assert [replace(one, attempt=1) for one in team.heard] == [team.heard[0]] * 4


def test_while_the_receiver_is_down_one_notice_is_tried_and_the_others_wait(
    ledger: Ledger, clock: Clock
) -> None:
    queue(ledger, clock)
    clock.hours = 90
    queue(ledger, clock, names=("CVE-1", "CVE-2"))
    down = Ear("team", *DOWN)
    assert told(ledger, clock, down) == [(0, 1, 0, 0)]
    assert [one.attempt for one in down.heard] == [1, 2]
    up = Ear()
    assert told(ledger, clock, up)[0][0] >= 1
    assert {one.attempt for one in up.heard} == {1}


def test_what_breaks_in_between_is_given_back(ledger: Ledger, clock: Clock) -> None:
    for hours in (1, 90, 140, 170):
        clock.hours = hours
        queue(ledger, clock)
    flaky = Ear("team", DOWN[0], Sent(), DOWN[0])
    assert told(ledger, clock, flaky) == [(1, 1, 0, 2)]
    clock.on(FIRST_PAUSE)
    assert told(ledger, clock, Ear()) == [(3, 0, 0, 0)]


def test_a_moment_s_failure_delays_nothing(ledger: Ledger, clock: Clock) -> None:
    queue(ledger, clock)
    busy = Ear("team", Later("answered with status 429", 5.0))
    assert told(ledger, clock, busy) == [(1, 0, 0, 0)]
    assert [one.attempt for one in busy.heard] == [1, 2]
    assert clock() - at(1) == timedelta(seconds=5)


def test_what_is_refused_is_given_up_and_an_event_says_so(ledger: Ledger, clock: Clock) -> None:
    queue(ledger, clock)
    gone = Ear("team", Refused("answered with status 410: channel_is_archived"))
    (found,) = tell(ledger, [gone], repository=HERE, clock=clock)
    assert [(one.reason, one.retry_at) for one in found.given_up] == [
        ("answered with status 410: channel_is_archived", None)
    ]
    (event,) = ledger.events(kinds=[EventKind.UNDELIVERED])
    assert (event.subject, event.key) == (HERE, gone.heard[0].id)
    assert event.evidence == {
        "channel": "team",
        "reason": "answered with status 410: channel_is_archived",
        "attempts": "1",
    }
    clock.on(timedelta(days=9))
    assert told(ledger, clock, Ear()) == [(0, 0, 0, 0)]
    assert queue(ledger, Clock(1)) == 0


@pytest.mark.parametrize("text", ["sqlite"], indirect=True)
@pytest.mark.parametrize("every", [timedelta(hours=7), timedelta(days=1), timedelta(weeks=1)])
def test_a_receiver_that_stays_away_is_given_up_after_days(
    ledger: Ledger, clock: Clock, every: timedelta
) -> None:
    queue(ledger, clock)
    begin, attempts = clock(), 0
    while not list(ledger.events(kinds=[EventKind.UNDELIVERED])):
        told(ledger, clock, Ear("team", *DOWN))
        attempts += 1
        clock.on(every)
        assert attempts < MAX_ATTEMPTS / 2
    assert attempts >= MIN_ATTEMPTS / 2
    assert clock() - begin >= MAX_AGE
    assert ledger.claim(limit=9, lease=LEASE) == ()


@pytest.mark.parametrize("text", ["sqlite"], indirect=True)
def test_what_is_a_month_old_is_no_news(ledger: Ledger, clock: Clock) -> None:
    queue(ledger, clock)
    clock.on(OLD_NEWS + timedelta(hours=1))
    team = Ear()
    assert told(ledger, clock, team) == [(0, 0, 1, 0)]
    assert team.heard == []


@pytest.mark.parametrize("text", ["sqlite"], indirect=True)
def test_time_is_bounded(ledger: Ledger, clock: Clock) -> None:
    for hours in (1, 90, 140, 170):
        clock.hours = hours
        queue(ledger, clock)
    seconds = iter(range(0, 10_000, 10))
    (found,) = tell(ledger, [Ear()], repository=HERE, clock=clock, timer=lambda: next(seconds))
    assert (found.sent, found.left) == (2, 2)
    assert told(ledger, clock, Ear()) == [(2, 0, 0, 0)]


@pytest.mark.parametrize(
    ("attempt", "asked", "pause"),
    [
        (1, None, FIRST_PAUSE),
        (2, None, FIRST_PAUSE * 2),
        (5, None, FIRST_PAUSE * 16),
        (20, None, LONGEST_PAUSE),
        (10**9, None, LONGEST_PAUSE),
        (1, 5.0, FIRST_PAUSE),
        (1, 3600.0, timedelta(hours=1)),
        (1, 31 * 86400.0, LONGEST_ASKED),
    ],
)
def test_pauses_grow(attempt: int, asked: float | None, pause: timedelta) -> None:
    assert pause_after(attempt, Later("x", asked)) == pause


def settings(url: str) -> tuple[Settings, dict[str, str]]:
    """What an operator configures: a channel of Slack and a signed one."""
    hook = ChannelSettings(
        audience=Audience(name="hook"), kind="webhook", url_env="HOOK", secret_env=("NEW", "OLD")
    )
    team = ChannelSettings(audience=TEAM, kind="slack", url_env="SLACK")
    environ = {"HOOK": f"{url}/hook", "NEW": SECRET, "OLD": SECRET, "SLACK": f"{url}/slack"}
    return Settings(storage=StorageSettings(notify=(hook, team))), environ


def verified(receiver: Loopback, now: datetime) -> list[dict[str, Any]]:
    """Check every request to the hook as the specification says; return what they said."""
    found = []
    bodies = iter(receiver.bodies)
    for _, path, headers in receiver.requests:
        body = next(bodies)
        if path != "/hook":
            continue
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        good = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"].split(" ") == [f"v1,{good}"] * 2
        assert int(headers["webhook-timestamp"]) in {int(at(1).timestamp()), int(now.timestamp())}
        said = json.loads(body)
        assert said["id"] == headers["webhook-id"]
        found.append(said)
    return found


def test_a_real_receiver_checks_the_signature(
    ledger: Ledger, clock: Clock, receiver: Loopback
) -> None:
    given_settings, environ = settings(receiver.url)
    receiver.put("/slack", Answer(b"ok"))
    wanted = audiences(given_settings)
    assert announce(ledger, given(1), wanted, repository=HERE, now=clock()) == 2
    with open_channels(given_settings, environ) as channels:
        found = tell(ledger, channels, repository=HERE, clock=clock)
    assert [(one.name, one.sent) for one in found] == [("hook", 1), ("team", 1)]
    (said,) = verified(receiver, clock())
    assert (said["type"], said["attempt"]) == ("basekeeper.deadline.found", 1)
    assert said["data"]["items"][0]["vulnerability"] == "CVE-2026-1"
    texts = [f"{event}" for event in ledger.events()]
    assert not [one for one in texts if "/hook" in one or "/slack" in one or SECRET in one]


SENDER = """
import os, signal, sys
from tests.contract.test_telling import HERE, Clock, given, settings
from basekeeper.ledger.location import read_location
from basekeeper.ledger.opening import open_ledger
from basekeeper.pipeline.telling import announce, tell
from basekeeper.wiring.notifying import audiences, open_channels

when, url = sys.argv[1:]
text, clock = sys.stdin.readline().strip(), Clock()
given_settings, environ = settings(url)
ledger = open_ledger(read_location(text), clock=clock)

def killed(method, *, before):
    def run(*arguments, **more):
        if before:
            os.kill(os.getpid(), signal.SIGKILL)
        found = method(*arguments, **more)
        os.kill(os.getpid(), signal.SIGKILL)
    return run

step, _, name = when.partition(" ")
if name in ("append", "claim", "settle"):
    setattr(ledger, name, killed(getattr(ledger, name), before=step == "before"))
announce(ledger, given(1), audiences(given_settings), repository=HERE, now=clock())
with open_channels(given_settings, environ) as channels:
    tell(ledger, channels, repository=HERE, clock=clock)
"""


@pytest.mark.parametrize(
    ("when", "attempts"),
    [
        ("before append", [1]),
        ("after append", [1]),
        ("before claim", [1]),
        ("after claim", [2]),
        ("before settle", [1, 2]),
        ("after settle", [1]),
    ],
)
def test_wherever_a_run_is_killed_all_is_told_and_what_may_repeat_says_so(
    text: str, clock: Clock, receiver: Loopback, when: str, attempts: list[int]
) -> None:
    receiver.put("/slack", Answer(b"ok"))
    done = subprocess.run(
        [sys.executable, "-c", SENDER, when, receiver.url], input=text + "\n", text=True,
        capture_output=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr
    clock.on(LEASE)
    given_settings, environ = settings(receiver.url)
    with contextlib.closing(open_ledger(read_location(text), clock=clock)) as ledger:
        again = given(clock.hours)
        announce(ledger, again, audiences(given_settings), repository=HERE, now=clock())
        with open_channels(given_settings, environ) as channels:
            tell(ledger, channels, repository=HERE, clock=clock)
            assert sum(one.sent for one in tell(
                ledger, channels, repository=HERE, clock=clock)) == 0  # fmt: skip
        assert ledger.verify().is_sound
    said = verified(receiver, clock())
    assert [(one["attempt"], one["may_repeat"]) for one in said] == [
        (number, number > 1) for number in attempts
    ]
    assert len({(one["id"], json.dumps(one["data"])) for one in said}) == 1
    assert [path for _, path, _ in receiver.requests].count("/slack") == 1


def test_a_channel_without_its_secrets_waits_and_others_are_told(
    ledger: Ledger, clock: Clock, receiver: Loopback
) -> None:
    given_settings, environ = settings(receiver.url)
    del environ["SLACK"]
    announce(ledger, given(1), audiences(given_settings), repository=HERE, now=clock())
    with open_channels(given_settings, environ) as channels:
        found = tell(ledger, channels, repository=HERE, clock=clock)
    assert [one.sent for one in found] == [1, 0]
    assert found[1].later[0].reason == "environment variable SLACK is not set"
    receiver.put("/slack", Answer(b"ok"))
    clock.on(FIRST_PAUSE)
    with open_channels(given_settings, environ | {"SLACK": f"{receiver.url}/slack"}) as channels:
        found = tell(ledger, channels, repository=HERE, clock=clock)
    assert [one.sent for one in found] == [0, 1]


@pytest.mark.parametrize("text", ["sqlite"], indirect=True)
def test_a_ledger_for_reading_queues_nothing(ledger: Ledger, location: Location) -> None:
    assert list(ledger.events()) == []
    with contextlib.closing(open_ledger(location, clock=None)) as reader:
        with pytest.raises(LedgerError, match="open for reading alone"):
            queue(reader, Clock())
        with pytest.raises(LedgerError, match="open for reading alone"):
            tell(reader, [Ear()], repository=HERE, clock=Clock())
