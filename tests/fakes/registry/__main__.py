"""Runs a simulated registry until its standard input ends or it is terminated.

Prints one line of JSON first: `{"url": …, "address": …, "pid": …}`. Then it answers commands, one
line of standard input each: `log` (prints the number of requests by kind and method, as JSON),
`clear` (forgets them).

    python -m tests.fakes.registry --repositories 100 --tags 100
    python -m tests.fakes.registry --content images.json

A file of content names, for each repository, its images: all tags of one digest, when it was
pushed, for which platforms, and fields of its configuration. All but the tags may be left out. A
tag that is named twice has moved to the later image:

    {"library/node": [{"tags": ["24", "24.9.0"], "pushed": "2026-11-01T00:00:00Z",
                       "platforms": ["linux/amd64", "linux/arm64/v8"], "config": {"Env": []}}]}
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.fakes.registry import faults
from tests.fakes.registry.content import PUSHED
from tests.fakes.registry.paging import Dialect
from tests.fakes.registry.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tests.fakes.registry.host import Host


def main(arguments: Sequence[str] | None = None, commands: Iterable[str] = sys.stdin) -> int:
    """Serve until the commands end."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt), Simulator() as simulator:
        host = simulator.host(options.name, port=options.port, dialect=Dialect(options.dialect))
        if options.tokens:
            host.require_tokens()
        host.add(*(faults.NAMED[name]() for name in options.fault))
        if options.content is None:
            _fill(host, options.repositories, options.tags, options.prefix)
        else:
            _load(host, json.loads(options.content.read_text("utf-8")))
        _say({"url": host.url, "address": host.address, "pid": os.getpid()})
        for command in commands:
            _obey(host, command.strip())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.registry", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="default: any that is free")
    parser.add_argument("--name", default="registry.test", help="what it plays")
    parser.add_argument("--repositories", type=int, default=1, help="how many: bench/0, bench/1 …")
    parser.add_argument("--prefix", default="bench/", help="what stands before their numbers")
    parser.add_argument("--tags", type=int, default=10, help="in each: 1.0.0, 1.0.1 …")
    parser.add_argument("--content", type=Path, help="what it holds, instead of those")
    parser.add_argument("--tokens", action="store_true", help="want bearer tokens")
    parser.add_argument("--dialect", choices=[*Dialect], default=Dialect.DISTRIBUTION)
    parser.add_argument("--fault", action="append", choices=[*faults.NAMED], default=[])
    return parser


def _fill(host: Host, repositories: int, tags: int, prefix: str) -> None:
    """Make images for two platforms; every tag has a digest of its own."""
    for number in range(repositories):
        for patch in range(tags):
            name = f"1.{patch // 100}.{patch % 100}"
            host.content.image(f"{prefix}{number}", name, "linux/amd64", "linux/arm64/v8")


def _load(host: Host, content: Mapping[str, Iterable[Mapping[str, Any]]]) -> None:
    """Make the images that a file names."""
    for repository, images in content.items():
        host.content.repository(repository)  # one without images is there too
        for one in images:
            first, *others = one["tags"]
            pushed = datetime.fromisoformat(one["pushed"]) if "pushed" in one else PUSHED
            made = host.content.image(
                repository,
                first,
                *one.get("platforms", ()),
                pushed=pushed,
                seed=f"{first} {pushed:%Y-%m-%d}",
                config=one.get("config"),
            )
            for tag in others:
                host.content.tag(repository, tag, made.digest, pushed)


def _obey(host: Host, command: str) -> None:
    if command == "log":
        counted = Counter(f"{one.kind} {one.method}" for one in tuple(host.log))
        _say(dict(sorted(counted.items())))
    elif command == "clear":
        host.log.clear()
        _say({})


def _say(value: object) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
