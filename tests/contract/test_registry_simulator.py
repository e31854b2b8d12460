"""The simulator as a program of its own, as benchmarks start it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING
from urllib.request import urlopen

from tests.contract.registry_places import ACCEPT

if TYPE_CHECKING:
    from collections.abc import Iterator


ROOT = Path(__file__).parents[2]


@contextmanager
def program(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a simulator; gives its process and address."""
    command = [sys.executable, "-m", "tests.fakes.registry", "--port", "0", *arguments]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
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


def test_it_counts_what_is_asked_at_the_same_time() -> None:
    with program("--repositories", "2", "--tags", "10") as (process, address):
        askers = [Thread(target=heads, args=(address, 100)) for _ in range(4)]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join()
        assert say(process, "log") == {"manifest HEAD": 400}


def test_it_counts_and_forgets() -> None:
    with program("--tags", "3", "--repositories", "2") as (process, address):
        heads(address, 2)
        assert say(process, "log") == {"manifest HEAD": 2}
        assert say(process, "clear") == {}
        assert say(process, "log") == {}


def test_it_holds_what_a_file_says(tmp_path: Path) -> None:
    images = [{"tags": ["1.0.2"]}, {"tags": ["1.0.2", "1"], "pushed": "2026-11-02T00:00:00Z"}]
    content = tmp_path / "content.json"
    content.write_text(json.dumps({"bench/1": images, "empty": []}))
    with program("--content", str(content)) as (process, address):
        heads(address, 1)
        with urlopen(f"http://{address}/v2/bench/1/tags/list") as answer:
            assert json.load(answer)["tags"] == ["1", "1.0.2"]
        assert say(process, "log") == {"manifest HEAD": 1, "tags GET": 1}


def test_the_demonstration_asks_its_own_registry_and_leaves_nothing(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    program = Path(sys.executable).with_name("basekeeper")
    environ = {**os.environ, "TMPDIR": str(tmp_path), "HTTPS_PROXY": "http://127.0.0.1:9"}
    command = ["bash", str(root / "tools" / "demo.sh"), str(program)]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    assert "python:3.13-slim → python:3.14-slim  minor, 2 places" in done.stdout
    assert "not reachable" not in done.stdout
    assert list(tmp_path.iterdir()) == []
