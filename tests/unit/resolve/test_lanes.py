from __future__ import annotations

import threading
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from basekeeper.resolve import lanes
from basekeeper.resolve.lanes import MAX_THREADS, PER_HOST, Lanes

if TYPE_CHECKING:
    from collections.abc import Callable


def ours() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("registry-")]


def noted(into: list[int]) -> Callable[[int], int]:
    def work(job: int) -> int:
        into.append(job)
        return job

    return work


def test_all_work_is_done_once() -> None:
    jobs = {f"host{number}": list(range(number)) for number in range(50)}
    found = list(Lanes(jobs, lambda job: job).results())
    assert sorted(found) == sorted(job for pieces in jobs.values() for job in pieces)
    assert ours() == []


def test_nothing_to_do_starts_no_thread() -> None:
    assert list(Lanes[int, int]({}, lambda job: job).results()) == []
    assert list(Lanes[int, int]({"host": []}, lambda job: job).results()) == []


def test_work_of_a_host_starts_in_order() -> None:
    started: list[int] = []
    list(Lanes({"host": list(range(40))}, noted(started)).results())
    assert sorted(started) == list(range(40))
    assert started.index(0) < PER_HOST


def test_hosts_and_threads_are_bounded() -> None:
    busy: Counter[str] = Counter()
    most: Counter[str] = Counter()
    lock = threading.Lock()
    threads = 0

    def work(job: str) -> str:
        nonlocal threads
        with lock:
            busy[job] += 1
            most[job] = max(most[job], busy[job])
            threads = max(threads, len(ours()))
        time.sleep(0.001)
        with lock:
            busy[job] -= 1
        return job

    jobs = {f"host{number}": [f"host{number}"] * 6 for number in range(100)}
    assert len(list(Lanes(jobs, work).results())) == 600
    assert max(most.values()) <= PER_HOST
    assert threads <= MAX_THREADS


def test_a_slow_host_does_not_hold_up_another() -> None:
    gate = threading.Event()
    seen = []

    def work(job: str) -> str:
        if job == "slow":
            gate.wait(10)
        return job

    for result in Lanes({"a": ["slow"] * 8, "b": ["quick"] * 8}, work).results():
        seen.append(result)
        if seen.count("quick") == 8:
            gate.set()
    assert seen[:8] == ["quick"] * 8


def test_what_work_raises_is_raised_and_ends_all_threads() -> None:
    def work(job: int) -> int:
        if job == 3:
            raise ZeroDivisionError
        return job

    with pytest.raises(ZeroDivisionError):
        list(Lanes({"host": list(range(1000))}, work).results())
    assert ours() == []


def test_leaving_early_aborts_what_hangs() -> None:
    woken = threading.Event()

    def work(job: int) -> int:
        if job:
            woken.wait(60)
        return job

    results = Lanes({"host": [0, 1, 1, 1]}, work, abort=woken.set).results()
    assert next(results) == 0
    results.close()
    assert woken.is_set()
    assert ours() == []


def test_time_that_is_over_ends_the_round() -> None:
    woken = threading.Event()
    start = time.monotonic()
    round_ = Lanes({"host": [1, 2]}, lambda _job: woken.wait(60), abort=woken.set)
    assert list(round_.results(seconds=0.1)) == []
    assert time.monotonic() - start < 5
    assert ours() == []


def test_a_thread_that_cannot_be_woken_is_left_alone_soon(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lanes, "PATIENCE", 0.05)
    gate = threading.Event()
    start = time.monotonic()
    assert list(Lanes({"host": [1]}, lambda _job: gate.wait(60)).results(seconds=0.05)) == []
    assert time.monotonic() - start < 5
    stuck = [thread for thread in threading.enumerate() if thread.name == "registry-0"]
    assert [thread.daemon for thread in stuck] == [True]
    gate.set()
    stuck[0].join(5)


def test_results_wait_for_a_slow_consumer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "MAX_WAITING", 2)
    done: list[int] = []
    results = Lanes({"host": list(range(100))}, noted(done)).results()
    next(results)
    time.sleep(0.3)
    assert len(done) <= 1 + 2 + PER_HOST
    assert len(list(results)) == 99
