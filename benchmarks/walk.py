"""Discovery on a large tree, beside a plain walk with a regular expression.

    python benchmarks/walk.py [files] [dockerfiles]

Builds a tree in a temporary folder (100,000 files, 10,000 of them Dockerfiles, unless told
otherwise), then runs each reader in a process of its own, on one core, three times in turn:
`os.walk` with a regular expression on names and FROM lines, listing alone, and the whole survey.
Prints files a second, peak memory and the ratio to the peer; all figures are of one run.
"""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 3
FILES_A_FOLDER = 50
PEER = "os.walk + regex"
NAME = re.compile(r"(?i)(?:docker|container)file(?:[._-].+)?$|.+\.(?:docker|container)file$")
FROM = re.compile(rb"(?im)^[ \t]*FROM[ \t]+(?:--platform=\S+[ \t]+)?(\S+)")

DOCKERFILE = """\
# syntax=docker/dockerfile:1
ARG GO_VERSION=1.2{number}
FROM golang:${{GO_VERSION}}-alpine AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/root/.cache go build -o /out/app{unique} ./...

FROM alpine:3.2{number}
RUN apk add --no-cache ca-certificates tzdata
COPY --from=build /out/app{unique} /usr/bin/app
USER 65532
ENTRYPOINT ["/usr/bin/app"]
"""


def make_tree(root: Path, files: int, dockerfiles: int) -> None:
    """Lay out a repository: every tenth file a Dockerfile, an ignored folder among the others."""
    every = max(1, files // dockerfiles)
    for number in range(files):
        folder = root / f"team{number // 5000}" / f"service{number // FILES_A_FOLDER}"
        if number % FILES_A_FOLDER == 0:
            folder.mkdir(parents=True)
        if number % every == 0 and number // every < dockerfiles:
            text = DOCKERFILE.format(number=number % 3, unique=number)
            (folder / f"Dockerfile.part{number}").write_text(text)
        else:
            (folder / f"source{number}.py").write_text("print()\n")
    (root / ".gitignore").write_text("*.log\nnode_modules/\n")
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    subprocess.run(["git", "add", "."], cwd=root, check=True)


def peer(root: str) -> int:
    """Find FROM lines as a short script would."""
    count = 0
    for folder, _, names in os.walk(root):
        for name in names:
            if NAME.match(name):
                count += len(FROM.findall(Path(folder, name).read_bytes()))
    return count


def listing(root: str) -> int:
    """List the tree and say which files describe builds."""
    from basekeeper.trees.names import kind_of  # noqa: PLC0415  # measured with its import
    from basekeeper.trees.working import WorkingTree  # noqa: PLC0415

    with WorkingTree(root) as tree:
        return sum(isinstance(path, str) and kind_of(path) is not None for path in tree.files())


def survey(root: str) -> int:
    """Run the whole of discovery."""
    from basekeeper.discover import discover  # noqa: PLC0415  # measured with its import
    from basekeeper.trees.working import WorkingTree  # noqa: PLC0415
    from basekeeper.values.settings import DiscoverSettings  # noqa: PLC0415

    with WorkingTree(root) as tree:
        return len(discover(tree, DiscoverSettings()).uses)


READERS = {PEER: peer, "basekeeper: list": listing, "basekeeper: survey": survey}


def measure(name: str, root: str) -> None:
    """Run one reader; print seconds, peak memory in KiB and what it counted."""
    start = time.perf_counter()
    count = READERS[name](root)
    seconds = time.perf_counter() - start
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, count)


def main(files: int, dockerfiles: int) -> None:
    """Build the tree and print the table."""
    with tempfile.TemporaryDirectory(prefix="basekeeper-walk-") as folder:
        root = Path(folder)
        make_tree(root, files, dockerfiles)
        best: dict[str, tuple[float, int, int]] = {}
        for _ in range(ROUNDS):
            for name in READERS:
                argv = [sys.executable, __file__, "--measure", name, folder]
                done = subprocess.run(argv, check=True, capture_output=True, text=True)
                words = done.stdout.split()
                found = (float(words[0]), int(words[1]), int(words[2]))
                best[name] = min(found, best.get(name, found))
        print(f"{files} files, {dockerfiles} Dockerfiles; best of {ROUNDS}, one process each")
        print(f"{'reader':<20} {'seconds':>8} {'files/s':>9} {'MiB':>6} {'found':>7} {'ratio':>6}")
        for name, (seconds, memory, count) in best.items():
            print(
                f"{name:<20} {seconds:>8.2f} {files / seconds:>9.0f} {memory / 1024:>6.0f}"
                f" {count:>7} {seconds / best[PEER][0]:>6.2f}"
            )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(*sys.argv[2:4])
    else:
        numbers = [int(word) for word in sys.argv[1:3]]
        main(*(numbers + [100_000, 10_000][len(numbers) :]))
