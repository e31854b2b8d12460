"""Kills a process that records at every write, in every form of the ledger: nothing is lost,
nothing is there twice, and what was half done is done by the next run.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from basekeeper.ledger.location import read_location
from basekeeper.ledger.opening import open_ledger
from tests.contract.ledger_places import LATER, LEDGERS, notice, sight, text_of

if TYPE_CHECKING:
    from basekeeper.ledger.location import Location

ROOT = Path(__file__).parents[2]
EVENTS = 4
SYSTEM_CALLS = ("pwrite64", "fdatasync", "ftruncate", "unlink")
STRIDES = {"pwrite64": 5, "fdatasync": 2}
"""Of calls that are many, every fifth or second: each turn starts a program twice."""

RECORDER = """
import os, signal, sys
from basekeeper.ledger import git
from tests.contract.test_ledger_crashes import record_all

when, writes = int(sys.argv[1]), 0

def write(*_, **__):
    global writes
    writes += 1
    if writes == when:
        os.kill(os.getpid(), signal.SIGKILL)

def watched(*arguments, run=git.run, **more):
    write()
    return run(*arguments, **more)

text = sys.stdin.readline().strip()
if text.startswith("branch:"):
    git.run = watched
else:
    from sqlalchemy import event
    from sqlalchemy.engine import Engine
    for name in ("before_cursor_execute", "commit"):
        event.listen(Engine, name, write)
record_all(text)
write()
"""


def record_all(text: str) -> None:
    """Record events and notices, send the notices, and say after each step that it is done."""
    with contextlib.closing(open_ledger(read_location(text), clock=lambda: LATER)) as ledger:
        for start in range(0, EVENTS, 2):
            ledger.append([sight(start), sight(start + 1)], [notice(start)])
            print("wrote", start, flush=True)  # noqa: T201  # its caller reads it
        for claim in ledger.claim(limit=9, lease=timedelta(0)):
            ledger.settle(claim)


def record(text: str, when: int, *before: str) -> subprocess.CompletedProcess[str]:
    """Do it in a process that kills itself at one of its writes (0: at none)."""
    return subprocess.run(
        [*before, sys.executable, "-c", RECORDER, str(when)],
        input=text + "\n", capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


@pytest.fixture(autouse=True)
def _own_temporary_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have what a killed process leaves behind where it is removed with the test."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))


@pytest.fixture(params=LEDGERS)
def text(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return text_of(request.param, request, tmp_path)


@pytest.mark.slow
def test_recorder_killed_at_every_write_in_turn_loses_and_doubles_nothing(
    request: pytest.FixtureRequest, location: Location, text: str
) -> None:
    when, done = 1, False
    while not done:
        place = Fresh(request, text)
        outcome = record(place.text, when)
        done = outcome.returncode == 0
        assert done or outcome.returncode == -signal.SIGKILL, outcome.stderr
        check_after(place.text, outcome.stdout)
        finish(place.text)
        place.remove()
        when += 1
    assert when > 20


class Fresh:
    """A new ledger for each turn, of the form of a text."""

    number = 0

    def __init__(self, request: pytest.FixtureRequest, text: str) -> None:
        Fresh.number += 1
        self.text = text
        if text.startswith("sqlite:"):
            self.text = f"{text}-{Fresh.number}"
        elif text.startswith("postgresql:"):
            self.text = request.getfixturevalue("postgres").create()
        else:
            self.text = f"{text}-{Fresh.number}"

    def remove(self) -> None:
        """Make room."""
        if self.text.startswith("sqlite:"):
            shutil.rmtree(self.text.removeprefix("sqlite:"), ignore_errors=True)


def check_after(text: str, said: str) -> None:
    """Hold what is there to what was told before the kill."""
    told = 2 * said.count("wrote")
    with contextlib.closing(open_ledger(read_location(text), clock=lambda: LATER)) as ledger:
        events = list(ledger.events())
        assert told <= len(events) <= told + 2
        assert len(events) % 2 == 0
        assert events == [sight(number) for number in range(len(events))]
        assert ledger.verify().is_sound


def finish(text: str) -> None:
    """Run it again, undisturbed: then all is there once, and nothing is left to send."""
    record_all(text)
    with contextlib.closing(open_ledger(read_location(text), clock=lambda: LATER)) as ledger:
        assert list(ledger.events()) == [sight(number) for number in range(EVENTS)]
        assert ledger.claim(limit=9, lease=timedelta(0)) == ()
        assert ledger.verify().is_sound
        assert ledger.append([], [notice(number) for number in range(0, EVENTS, 2)]) == 0
        assert ledger.claim(limit=9, lease=timedelta(0)) == ()


@pytest.mark.slow
@pytest.mark.component("tracer")
@pytest.mark.parametrize("call", SYSTEM_CALLS)
def test_sqlite_killed_at_system_calls_that_write_loses_and_doubles_nothing(
    tmp_path: Path, call: str, component: Path
) -> None:
    when = 1
    while when < 200:
        text = f"sqlite:{tmp_path}/{when}.sqlite"
        inject = f"inject={call}:signal=KILL:when={when}"
        options = ["-qq", "-f", "-o", os.devnull]
        outcome = record(text, 0, str(component), *options, "-e", f"trace={call}", "-e", inject)
        assert Path(text.removeprefix("sqlite:")).exists(), outcome.stderr
        check_after(text, outcome.stdout)
        if outcome.returncode == 0:
            break
        assert outcome.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL), outcome.stderr
        finish(text)
        when += STRIDES.get(call, 1)
    assert when < 200
    assert when > 5 or call in {"ftruncate", "unlink"}


FULL = """
import random, resource, sys
from basekeeper.errors import LedgerError
from basekeeper.ledger.location import read_location
from basekeeper.ledger.opening import open_ledger
from tests.contract.ledger_places import LATER, sight

ledger = open_ledger(read_location(sys.argv[1]), clock=lambda: LATER)
ledger.append([sight()])
_, most = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, most))
try:
    ledger.append(sight(n, evidence={"x": random.randbytes(20_000).hex()}) for n in range(99))
except LedgerError as error:
    print("refused", error.hint is not None)
print(len(list(ledger.events())))
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
print(ledger.append([sight(2)]), ledger.verify().is_sound)
"""


@pytest.mark.parametrize("text", ["sqlite", "branch"], indirect=True)
def test_full_disk_is_told_of_and_loses_nothing(text: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, text], capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("refused True\n1\n1 True\n", "")
