"""Measures how fast the Dockerfiles below a folder are read, on one core, side by side.

    python benchmarks/parse.py FOLDER [ROUNDS]

- ours: parse, then resolve stages and images with spans, suppliers and reachability;
- ours, refusals too: the same, and whether the builder would refuse the file or the build;
- binding: the PyPI package `dockerfile`, BuildKit's own parser in Go (parse only);
- dockerfile-parse: its `structure` (parse only).

The readers take turns, file by file, so that whatever else the machine does falls on all of them;
of each reader and file the fastest round counts. Then the peak memory of ours on a generated file
of 10 MB, as a multiple of its size.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

import dockerfile
from dockerfile_parse import DockerfileParser

from basekeeper.dockerfile.parser import parse_dockerfile

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 5
BIG_FILE_BYTES = 10_000_000
STAGE = b"""FROM debian:12-slim AS stage%d
ARG VERSION=1.2.3
ENV PATH=/opt/tool/bin:$PATH LANG=C.UTF-8
RUN apt-get update && \\
    apt-get install --yes --no-install-recommends ca-certificates curl && \\
    rm -rf /var/lib/apt/lists/*
COPY --from=golang:1.25 /usr/local/go /usr/local/go
COPY . /src
RUN <<EOF
set -eu
make -C /src build
EOF
WORKDIR /src
CMD ["/src/bin/server", "--port", "8080"]

"""


def ours(data: bytes) -> object:
    build = parse_dockerfile(data).resolve()
    return build.stages, build.images


def ours_with_refusals(data: bytes) -> object:
    build = parse_dockerfile(data).resolve()
    return build.stages, build.images, build.rejected


def binding(data: bytes) -> object:
    try:
        return dockerfile.parse_string(data.decode())
    except (dockerfile.GoParseError, UnicodeDecodeError):
        return None


def dockerfile_parse(data: bytes) -> object:
    try:
        return DockerfileParser(fileobj=io.BytesIO(data)).structure
    except UnicodeDecodeError:
        return None


READERS: dict[str, Callable[[bytes], object]] = {
    "ours": ours,
    "ours, refusals too": ours_with_refusals,
    "binding": binding,
    "dockerfile-parse": dockerfile_parse,
}


def measure(files: list[bytes], rounds: int) -> dict[str, float]:
    """Return the seconds that each reader takes for all files."""
    best = {name: [float("inf")] * len(files) for name in READERS}
    for _ in range(rounds):
        for at, data in enumerate(files):
            for name, read in READERS.items():
                start = time.perf_counter()
                read(data)
                spent = time.perf_counter() - start
                best[name][at] = min(best[name][at], spent)
    return {name: sum(times) for name, times in best.items()}


def big_file() -> bytes:
    count = BIG_FILE_BYTES // len(STAGE)
    return b"".join(STAGE % number for number in range(count))


def print_memory() -> None:
    """Print the peak memory of reading the big file; run in a process of its own."""
    data = big_file()
    start = time.perf_counter()
    ours(data)
    seconds = time.perf_counter() - start
    tracemalloc.start()
    ours(data)
    peak = tracemalloc.get_traced_memory()[1] + len(data)
    size = len(data)
    print(f"{size / 1e6:.1f} MB: {seconds:.2f} s, peak {peak / size:.1f} times the file's size")


def main(folder: Path, rounds: int) -> None:
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    files = [path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()]
    print(f"{len(files)} files, {sum(map(len, files)) / 1e6:.1f} MB, {rounds} rounds, one core")
    times = measure(files, rounds)
    for name, seconds in times.items():
        speed, ratio = len(files) / seconds, times["binding"] / seconds
        print(f"{name:20} {speed:8.0f} files/s {ratio:6.2f} times the binding")
    subprocess.run([sys.executable, __file__, "--memory"], check=True)


if __name__ == "__main__":
    if sys.argv[1:] == ["--memory"]:
        print_memory()
    elif len(sys.argv) in {2, 3}:
        main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS)  # noqa: PLR2004
    else:
        sys.exit(__doc__)
