"""The simulator as a program of its own, as benchmarks start it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from tests.contract.registry_places import ACCEPT

if TYPE_CHECKING:
    from collections.abc import Iterator

FLOOR = 2000
"""HEADs a second that benchmarks of 1000 resolutions a second need at the least."""


@contextmanager
def program(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a simulator; gives its process and address."""
    command = [sys.executable, "-m", "tests.fakes.registry", "--port", "0", *arguments]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())["address"]
    assert process.returncode == 0


def say(process: subprocess.Popen[str], command: str) -> dict[str, int]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{command}\n")
    process.stdin.flush()
    found: dict[str, int] = json.loads(process.stdout.readline())
    return found


def heads(address: str, count: int) -> None:
    """Send HEADs one after the other over one connection."""
    name, _, port = address.partition(":")
    question = (
        f"HEAD /v2/bench/1/manifests/1.0.2 HTTP/1.1\r\nHost: {address}\r\nAccept: {ACCEPT}\r\n\r\n"
    ).encode()
    with socket.create_connection((name, int(port)), timeout=10) as connection:
        for _ in range(count):
            connection.sendall(question)
            answer = b""
            while b"\r\n\r\n" not in answer:
                answer += connection.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200 ")


@pytest.mark.slow
def test_it_answers_more_heads_than_benchmarks_ask() -> None:
    with program("--repositories", "2", "--tags", "10") as (process, address):
        askers = [Thread(target=heads, args=(address, 1000)) for _ in range(4)]
        started = time.monotonic()
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join()
        rate = 4000 / (time.monotonic() - started)
        assert say(process, "log") == {"manifest HEAD": 4000}
    assert rate > FLOOR


def test_it_counts_and_forgets() -> None:
    with program("--tags", "3", "--repositories", "2") as (process, address):
        heads(address, 2)
        assert say(process, "log") == {"manifest HEAD": 2}
        assert say(process, "clear") == {}
        assert say(process, "log") == {}
