from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from basekeeper.errors import ForgeError, ForgeFailure
from basekeeper.forge.pacing import Pace, Pacer, Setback

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.seconds = 50.0

    def __call__(self) -> float:
        return self.seconds

    def sleep(self, wait: float) -> None:
        assert wait > 0
        self.seconds += wait


def pacer(clock: Clock, pace: Pace | None = None) -> Pacer:
    return Pacer(NOW, pace=pace, clock=clock, sleep=clock.sleep, jitter=lambda: 1.0)


def limited(wait: float | None, *, is_secondary: bool = False) -> Setback:
    error = ForgeError("x: limit", ForgeFailure.LIMITED)
    return Setback(error, wait, is_secondary=is_secondary)


def change(made: Pacer, *, makes_content: bool = False) -> None:
    with made.change(makes_content=makes_content):
        pass


def ask(made: Pacer) -> None:
    with made.question():
        pass


def test_changes_are_a_second_apart_and_questions_are_not() -> None:
    clock = Clock()
    made = pacer(clock)
    for _ in range(3):
        ask(made)
        change(made)
    assert clock.seconds == pytest.approx(52.0)


@given(st.lists(st.sampled_from(["question", "change", "content"]), min_size=1, max_size=300))
def test_no_window_is_ever_overdrawn(steps: list[str]) -> None:
    clock = Clock()
    pace = Pace(gap=0.25, content_a_minute=7, content_an_hour=40, points_a_minute=40, longest=4000)
    made = pacer(clock, pace)
    log: list[tuple[float, str]] = []
    for step in steps:
        if step == "question":
            ask(made)
        else:
            change(made, makes_content=step == "content")
        log.append((clock.seconds, step))

    def spent(length: float, cost: Callable[[str], int]) -> int:
        return max(
            sum(cost(step) for at, step in log if end - length < at <= end) for end, _ in log
        )

    assert spent(60, lambda step: 1 if step == "question" else 5) <= 40
    assert spent(60, lambda step: int(step == "content")) <= 7
    assert spent(3600, lambda step: int(step == "content")) <= 40


def test_a_limit_of_our_own_that_takes_too_long_is_told() -> None:
    clock = Clock()
    made = pacer(clock, Pace(content_an_hour=2))
    change(made, makes_content=True)
    change(made, makes_content=True)
    with pytest.raises(ForgeError) as caught:
        change(made, makes_content=True)
    assert caught.value.failure is ForgeFailure.LIMITED
    assert caught.value.until is not None
    assert caught.value.until > NOW + timedelta(minutes=59)
    change(made)  # what makes no content goes on


def test_a_short_limit_is_waited_for_by_everybody() -> None:
    clock = Clock()
    made = pacer(clock)
    assert made.hold(limited(30.0), tries=1, is_change=False)
    ask(made)
    assert clock.seconds == pytest.approx(80.0)


def test_a_long_limit_is_told_until_it_ends() -> None:
    clock = Clock()
    made = pacer(clock)
    made.hold(limited(500.0), tries=1, is_change=False)
    with pytest.raises(ForgeError, match="before its limit ends") as caught:
        ask(made)
    assert caught.value.until == NOW + timedelta(seconds=500)
    clock.seconds += 420  # what is left is short
    ask(made)
    assert clock.seconds == pytest.approx(550.0)


def test_a_secondary_limit_ends_all_changes_and_grows_where_it_names_no_time() -> None:
    clock = Clock()
    made = pacer(clock)
    first = limited(None, is_secondary=True)
    assert not made.hold(first, tries=1, is_change=True)
    assert first.error.until == NOW + timedelta(seconds=60)
    with pytest.raises(ForgeError, match="nothing more is changed"):
        change(made)
    ask(made)
    second = limited(None, is_secondary=True)
    made.hold(second, tries=1, is_change=False)
    assert second.error.until == NOW + timedelta(seconds=60 + 120)


def test_a_question_is_repeated_so_often_and_a_change_never() -> None:
    clock = Clock()
    made = pacer(clock)
    broken = Setback(ForgeError("x", ForgeFailure.TRANSIENT), None)
    told = [made.hold(broken, tries=tries, is_change=False) for tries in range(1, 5)]
    assert told == [True, True, True, False]
    assert clock.seconds == pytest.approx(50 + 1 + 2 + 4)
    assert not made.hold(broken, tries=1, is_change=True)


def test_what_a_broken_server_asks_for_is_waited() -> None:
    clock = Clock()
    made = pacer(clock)
    made.hold(Setback(ForgeError("x", ForgeFailure.TRANSIENT), 20.0), tries=1, is_change=False)
    assert clock.seconds == pytest.approx(70.0)


@pytest.mark.parametrize(
    "failure", sorted(set(ForgeFailure) - {ForgeFailure.LIMITED, ForgeFailure.TRANSIENT})
)
def test_what_will_not_pass_is_not_repeated(failure: ForgeFailure) -> None:
    made = pacer(Clock())
    assert not made.hold(Setback(ForgeError("x", failure)), tries=1, is_change=False)


def test_whoever_waits_is_woken_at_the_end() -> None:
    made = Pacer(NOW, pace=Pace(gap=600.0))
    change(made)
    errors: list[ForgeError] = []

    def waits() -> None:
        try:
            change(made)
        except ForgeError as error:
            errors.append(error)

    thread = threading.Thread(target=waits)
    thread.start()
    made.stop()
    thread.join(5)
    assert not thread.is_alive()
    assert [one.failure for one in errors] == [ForgeFailure.TRANSIENT]
    with pytest.raises(ForgeError):
        ask(made)
