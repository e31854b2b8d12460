"""Resolves many tags of one registry on this machine, beside a loop over plain sockets.

    python -m benchmarks.resolve [--tags 10000] [--rounds 3]

The registry is Debian's `docker-registry` on the loopback interface; it has to share the machine's
processors with whoever asks it. Each tag is an image of its own and is asked for with one HEAD
request. The readers take turns, each in a process of its own:

- floor: as many sockets as we have places for one host, HEAD requests written by hand, nothing
  read of the answer but its end;
- resolve: the step of `outdated` and `check`, without and with an empty cache;
- resolve, known: again with the cache of the run before, so that nothing is asked.

Prints tags a second of the fastest round, the reader's own processor time for each (least of all
rounds: it tells more where others use the machine), the requests in the registry's own log, how far
the memory grew (peak over what was there before the first question), and the threads at most and
at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.outdated import CONFIG, EMPTY_LAYER, LAYER, MANIFEST, Filler
from tests.fakes.realregistry.running import run_registry
from tools import components

REPOSITORY = "bench/app"
PLACES = 4
"""As many questions at a time as we ask one host."""
NO_CACHE = "-"


@dataclass(frozen=True)
class Run:
    """What one reader took for all tags."""

    seconds: float
    processor: float
    """Seconds of processor time, the system's for this process included."""
    grown: float
    """Megabytes at the peak over those before the first question."""
    threads: int
    """At most, this one included."""
    left: int
    """At the end, this one included."""


def fill(address: str, tags: int) -> None:
    """Put one image under each tag, each with a digest of its own."""
    filler = Filler(address)
    body = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers"}})
    parts = {
        kind: (filler.blob(REPOSITORY, data), len(data))
        for kind, data in ((CONFIG, body.encode()), (LAYER, EMPTY_LAYER))
    }
    described: dict[str, Any] = {
        kind: {"mediaType": kind, "digest": digest, "size": size}
        for kind, (digest, size) in parts.items()
    }
    for number in range(tags):
        manifest = {
            "schemaVersion": 2, "mediaType": MANIFEST, "annotations": {"number": str(number)},
            "config": described[CONFIG], "layers": [described[LAYER]],
        }  # fmt: skip
        filler.manifest(REPOSITORY, f"1.{number}", json.dumps(manifest).encode())


def memory(key: str) -> float:
    """Return this process's memory in megabytes: `VmRSS` now, `VmHWM` at most so far."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split(f"{key}:")[1].split()[0]) / 1024


def floor(address: str, tags: int, _cache: str) -> Run:
    """Ask over plain sockets, each in a thread."""
    host, _, port = address.partition(":")

    def ask(first: int) -> None:
        with socket.create_connection((host, int(port))) as connection:
            for number in range(first, tags, PLACES):
                path = f"/v2/{REPOSITORY}/manifests/1.{number}"
                head = f"HEAD {path} HTTP/1.1\r\nHost: {address}\r\nAccept: {MANIFEST}\r\n\r\n"
                connection.sendall(head.encode())
                answer = b""
                while not answer.endswith(b"\r\n\r\n"):
                    answer += connection.recv(65_536)
                assert answer.startswith(b"HTTP/1.1 200 "), answer  # noqa: S101

    before = memory("VmRSS")
    start, used = time.perf_counter(), time.process_time()
    threads = [threading.Thread(target=ask, args=(first,)) for first in range(PLACES)]
    for thread in threads:
        thread.start()
    most = threading.active_count()
    for thread in threads:
        thread.join()
    seconds, used = time.perf_counter() - start, time.process_time() - used
    return Run(seconds, used, memory("VmHWM") - before, most, threading.active_count())


def resolve_all(address: str, tags: int, cache: str) -> Run:
    """Ask as `outdated` does."""
    from basekeeper import parse_reference, wiring  # noqa: PLC0415  # not part of the floor
    from basekeeper.config.settings import Settings  # noqa: PLC0415
    from basekeeper.resolve.resolver import resolve  # noqa: PLC0415
    from basekeeper.values.image import Pointer  # noqa: PLC0415
    from basekeeper.values.resolution import Question  # noqa: PLC0415
    from basekeeper.values.settings import HostSettings, RegistrySettings  # noqa: PLC0415

    if cache != NO_CACHE:
        os.environ["BASEKEEPER_CACHE_DIR"] = cache
    host = HostSettings(http=True, private=True)
    settings = Settings(registry=RegistrySettings({address: host}))
    questions = [
        Question(reference=parse_reference(name), platforms=("linux/amd64",), pointer=True)
        for name in (f"{address}/{REPOSITORY}:1.{number}" for number in range(tags))
    ]
    most = 0

    def watch(_done: int, _total: int) -> None:
        nonlocal most
        most = max(most, threading.active_count())

    before = memory("VmRSS")
    start, used = time.perf_counter(), time.process_time()
    with wiring.open_registry(
        settings, now=datetime.fromtimestamp(time.time(), UTC), use_cache=cache != NO_CACHE
    ) as registry:
        found = resolve(questions, registry, asking=watch).by_image
    seconds, used = time.perf_counter() - start, time.process_time() - used
    digests = {one.pointer.digest for one in found.values() if isinstance(one.pointer, Pointer)}
    assert len(digests) == tags, f"{len(digests)} of {tags} tags were resolved"  # noqa: S101
    return Run(seconds, used, memory("VmHWM") - before, most, threading.active_count())


READERS = {"floor": floor, "resolve": resolve_all}


def measured(name: str, address: str, tags: int, cache: str) -> Run:
    """Run a reader in a process of its own."""
    argv = [
        sys.executable,
        "-m",
        "benchmarks.resolve",
        "--measure",
        name,
        address,
        str(tags),
        cache,
    ]
    done = subprocess.run(argv, check=True, capture_output=True, text=True)
    return Run(**json.loads(done.stdout))


def compare(address: str, tags: int, rounds: int, log: Path, work: Path) -> None:
    """Let the readers take turns, and print the table."""
    best: dict[str, Run] = {}
    processor: dict[str, float] = {}
    asked: dict[str, int] = {}
    for turn in range(rounds):
        cache = str(work / f"cache-{turn}")
        plan = (
            ("floor", "floor", NO_CACHE),
            ("resolve, no cache", "resolve", NO_CACHE),
            ("resolve, empty cache", "resolve", cache),
            ("resolve, known", "resolve", cache),
        )
        for title, name, place in plan:
            before = len(log.read_bytes().splitlines())
            run = measured(name, address, tags, place)
            asked[title] = len(log.read_bytes().splitlines()) - before
            processor[title] = min(run.processor, processor.get(title, run.processor))
            if title not in best or run.seconds < best[title].seconds:
                best[title] = run
    print(f"{tags} tags, fastest of {rounds} rounds, {os.cpu_count()} processors\n")
    print(
        "| Reader | tags/s | of the floor | processor | requests | memory grown"
        " | threads most / left |"
    )
    print("|---|---|---|---|---|---|---|")
    for title, run in best.items():
        print(
            f"| {title} | {tags / run.seconds:.0f} | {best['floor'].seconds / run.seconds:.2f} "
            f"| {processor[title] / tags * 1e6:.0f} µs | {asked[title]} | {run.grown:.1f} MB "
            f"| {run.threads} / {run.left} |"
        )


def main(given: argparse.Namespace) -> None:
    program = components.provision("registry")
    if isinstance(program, components.Missing):
        sys.exit(program.reason)
    with tempfile.TemporaryDirectory(prefix="basekeeper-resolve-") as name:
        work = Path(name)
        config: dict[str, Any] = {
            "version": "0.1",
            "storage": {"filesystem": {"rootdirectory": str(work / "content")}},
            "http": {},
            "log": {"level": "error", "accesslog": {"disabled": False}},
        }
        with run_registry(program, config, work) as address:
            fill(address, given.tags)
            compare(address, given.tags, given.rounds, work / "log", work)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        _, _, reader, at, count, place = sys.argv
        print(json.dumps(asdict(READERS[reader](at, int(count), place))))
    else:
        parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
        parser.add_argument("--tags", type=int, default=10_000)
        parser.add_argument("--rounds", type=int, default=3)
        main(parser.parse_args())
