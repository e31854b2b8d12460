"""Looks again at many digests after the advisories moved, beside looking at the images anew.

    python -m benchmarks.rematch [--images 200] [--rounds 1]

The images are real Debian ones of several releases, each with a layer of its own, in Debian's
`docker-registry` on loopback; the scanner is the real Trivy with a small real database. Measured
are `basekeeper scan` of a folder that stands on all of them, first with an empty cache, then with
a newer database; and Trivy by itself, one image after the other, first with an empty cache, then
with the newer database and the cache that it filled. Medians of the rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.fakes import trivydb
from tests.fakes.derived import push_derived
from tests.fakes.provisioned import provisioned
from tests.fakes.realregistry.push import Pusher
from tests.fakes.realregistry.running import run_registry

if TYPE_CHECKING:
    from collections.abc import Iterator

BASES = ("debian-11-old", "debian-11", "debian-12", "debian-13")
NOW = "2026-11-25T12:00:00Z"
LATER = "2026-11-25T18:00:00Z"


@dataclass(frozen=True)
class Run:
    """What one pass over all images cost."""

    seconds: float
    processor: float
    fetched: int
    """Layers that the registry was asked for."""


class Bench:
    """A registry full of images, a folder that stands on them, and two databases."""

    def __init__(self, address: str, log: Path, place: Path, count: int) -> None:
        """Fill everything."""
        self.address, self.log, self.place, self.count = address, log, place, count
        self.trivy = provisioned("scanner")
        writer = provisioned("advisories")
        for name in ("first", "later"):
            content = trivydb.advisories(later=name == "later")
            updated = trivydb.UPDATED.replace(hour=0 if name == "first" else 17)
            trivydb.write_database(writer, place / name, content, updated=updated)
        pusher, layout = Pusher(address), provisioned("images")
        for number in range(count):
            base, target = BASES[number % len(BASES)], f"base:{number:03}"
            push_derived(pusher, layout, base, target, f"service {number}")
        for number in range(count):
            folder = place / "repository" / f"service-{number:03}"
            folder.mkdir(parents=True)
            (folder / "Dockerfile").write_text(f"FROM {address}/base:{number:03}\n", "utf-8")
        (place / "settings.toml").write_text(
            f'[registry."{address}"]\nprivate = true\nhttp = true\n'
            f'[scanner]\nprogram = "{self.trivy}"\ndatabase = "{place}/database"\n'
            f'[cache]\ndirectory = "{place}/cache"\n',
            "utf-8",
        )

    def database(self, name: str) -> Path:
        """Put one of the databases in its place."""
        target = self.place / "database"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(self.place / name, target)
        return target

    def ours(self, now: str) -> Run:
        """Scan the folder."""
        argv = [sys.executable, "-m", "basekeeper", "scan", "--format", "json", "--now", now]
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.place),
            "BASEKEEPER_SETTINGS": str(self.place / "settings.toml"),
        }
        with self._measured() as found:
            done = subprocess.run(
                argv, cwd=self.place / "repository", env=environ, capture_output=True, check=False
            )
        if done.returncode != 0:
            raise SystemExit(done.stderr.decode() or done.stdout.decode()[-2000:])
        assert json.loads(done.stdout)["summary"]["images"] == self.count  # noqa: S101
        return found.run()

    def theirs(self, cache: Path) -> Run:
        """Have Trivy look at each image."""
        with self._measured() as found:
            for number in range(self.count):
                argv: list[str | Path] = [
                    self.trivy, "image", "--quiet", "--format", "json", "--insecure",
                    "--skip-db-update", "--offline-scan", "--skip-version-check",
                    "--scanners", "vuln", "--cache-dir", cache,
                    f"{self.address}/base:{number:03}",
                ]  # fmt: skip
                environ = {"PATH": os.environ["PATH"], "HOME": str(self.place)}
                subprocess.run(argv, env=environ, capture_output=True, check=True)
        return found.run()

    def _measured(self) -> Measured:
        return Measured(self.log)


class Measured:
    """Measures a block."""

    def __init__(self, log: Path) -> None:
        """Prepare."""
        self._log = log

    def __enter__(self) -> Self:
        """Begin."""
        self._layers = self._fetched()
        self._processor = self._used()
        self._begun = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._seconds = time.perf_counter() - self._begun
        self._processor = self._used() - self._processor
        self._layers = self._fetched() - self._layers

    def run(self) -> Run:
        """Return what it cost."""
        return Run(self._seconds, self._processor, self._layers)

    def _used(self) -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    def _fetched(self) -> int:
        text = self._log.read_text("utf-8", "replace")
        return text.count('"GET /v2/base/blobs/')


def passes(bench: Bench, rounds: int) -> Iterator[tuple[str, Run]]:
    """Run everything, each tool on caches of its own."""
    for number in range(rounds):
        shutil.rmtree(bench.place / "cache", ignore_errors=True)
        bench.database("first")
        yield "basekeeper scan, anew", bench.ours(NOW)
        bench.database("later")
        yield "basekeeper scan, advisories moved", bench.ours(LATER)
        own = bench.place / f"trivy-{number}"
        shutil.copytree(bench.place / "first", own)
        yield "trivy image, anew", bench.theirs(own)
        shutil.rmtree(own / "db")
        shutil.copytree(bench.place / "later" / "db", own / "db")
        yield "trivy image, advisories moved", bench.theirs(own)


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        store = {"filesystem": {"rootdirectory": str(place / "store")}}
        config = {"version": 0.1, "storage": store, "http": {}, "log": {"level": "info"}}
        with run_registry(provisioned("registry"), config, place) as address:
            bench = Bench(address, place / "log", place, given.images)
            told: dict[str, list[Run]] = {}
            for name, run in passes(bench, given.rounds):
                told.setdefault(name, []).append(run)
    anew = statistics.median(one.seconds for one in told["basekeeper scan, anew"])
    print(f"{given.images} digests\n| | Seconds | Processor seconds | Layers | Ratio |")
    for name, runs in told.items():
        seconds = statistics.median(one.seconds for one in runs)
        processor = statistics.median(one.processor for one in runs)
        print(
            f"| {name} | {seconds:.1f} | {processor:.1f} | {runs[0].fetched} |"
            f" {seconds / anew:.2f} |"
        )


if __name__ == "__main__":
    main()
