"""Looks up what is newer for a folder of Dockerfiles, beside Renovate, on one loopback registry.

    python -m benchmarks.outdated RENOVATE [--files 50 500] [--rounds 3]

RENOVATE is the folder of an installation (`npm install renovate`), with a `node` that it supports
on PATH. The registry is Debian's `docker-registry`, filled with the tags of five official images,
each tag an image of its own. Every Dockerfile has two FROM lines. Both tools list tags, choose, and
pin digests; both run cold (no cache) and warm (again, at once, on the same cache). Renovate runs in
both of its regular expression modes. Medians of the rounds; requests are counted in the registry's
own log, and the peak memory is that of the process with its threads.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.fakes.realregistry.running import run_registry
from tools import components

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

REPOSITORIES = ("python", "node", "golang", "nginx", "debian")
OLDER = 3
"""How many earlier patches of each full version the registry holds too."""
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
EMPTY_LAYER = bytes.fromhex("1f8b0800000000000003030000000000000000 00".replace(" ", ""))
OFFICIAL = Path(__file__).parents[1] / "src/basekeeper/lifecycle/data/official-images.json"
_FULL = re.compile(r"(\d+\.\d+\.)(\d+)(-[a-z0-9.-]+)?")


@dataclass(frozen=True)
class Run:
    """What one run of a tool cost."""

    seconds: float
    megabytes: float
    requests: int


def tags_of(repository: str) -> list[str]:
    """Return the official tags of a repository, and the patches before each full version."""
    listed = json.loads(OFFICIAL.read_text(encoding="utf-8"))["repositories"][repository]
    tags = [tag for aliases in listed for tag in aliases.split()]
    found = dict.fromkeys(tags)
    for tag in tags:
        full = _FULL.fullmatch(tag)
        if full is not None:
            head, patch, rest = full.groups()
            for back in range(1, OLDER + 1):
                if int(patch) >= back:
                    found[f"{head}{int(patch) - back}{rest or ''}"] = None
    return list(found)


class Filler:
    """Puts images into a registry over its own protocol."""

    def __init__(self, address: str) -> None:
        self._connection = HTTPConnection(address, timeout=60)

    def fill(self, repository: str, tags: list[str]) -> None:
        """Put a small image of its own under each tag."""
        layer = self.blob(repository, EMPTY_LAYER)
        for tag in tags:
            labels = {"org.opencontainers.image.version": tag}
            config = {
                "architecture": "amd64", "os": "linux", "config": {"Labels": labels},
                "rootfs": {"type": "layers", "diff_ids": [layer]},
            }  # fmt: skip
            body = json.dumps(config).encode()
            manifest = {
                "schemaVersion": 2, "mediaType": MANIFEST,
                "config": {
                    "mediaType": CONFIG, "digest": self.blob(repository, body), "size": len(body)
                },
                "layers": [{"mediaType": LAYER, "digest": layer, "size": len(EMPTY_LAYER)}],
            }  # fmt: skip
            self.manifest(repository, tag, json.dumps(manifest).encode())

    def manifest(self, repository: str, tag: str, body: bytes) -> None:
        """Put a manifest under a tag."""
        self._ask("PUT", f"/v2/{repository}/manifests/{tag}", body, MANIFEST)

    def blob(self, repository: str, body: bytes) -> str:
        """Put a blob, and return its digest."""
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        place = self._ask("POST", f"/v2/{repository}/blobs/uploads/", b"", "")
        path = place.partition("//")[2].partition("/")[2]
        join = "&" if "?" in path else "?"
        self._ask("PUT", f"/{path}{join}digest={digest}", body, "application/octet-stream")
        return digest

    def _ask(self, method: str, path: str, body: bytes, media_type: str) -> str:
        self._connection.request(method, path, body, {"Content-Type": media_type})
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status >= 300:  # noqa: PLR2004
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:200]!r}")
        return answer.headers.get("Location", "")


def write_tree(root: Path, count: int, address: str, tags: Mapping[str, list[str]]) -> None:
    """Write a repository of Dockerfiles, each with two FROM lines."""
    versioned = {
        name: [tag for tag in found if re.match(r"\d+\.\d+", tag)] for name, found in tags.items()
    }
    for number in range(count):
        folder = root / f"services/s{number:03}"
        folder.mkdir(parents=True)
        first, second = (REPOSITORIES[(number + at) % len(REPOSITORIES)] for at in (0, 2))
        lines = [
            f"FROM {address}/{name}:{versioned[name][(number * 7) % len(versioned[name])]}{end}\n"
            for name, end in ((first, " AS build"), (second, ""))
        ]
        (folder / "Dockerfile").write_text(
            f"{lines[0]}RUN make\n{lines[1]}COPY --from=build /a /a\n"
        )
    (root / "basekeeper.toml").write_text('[updates]\npinning = "tag@digest"\n')
    (root / "renovate.json").write_text(
        json.dumps(
            {
                "extends": ["docker:pinDigests"],
                "enabledManagers": ["dockerfile"],
                "hostRules": [{"matchHost": address, "insecureRegistry": True}],
            }
        )
    )
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        identity = ["-c", "user.name=x", "-c", "user.email=x@example.com"]
        subprocess.run(["git", *identity, *command], cwd=root, check=True)


def measured(command: list[str], root: Path, environment: Mapping[str, str], log: Path) -> Run:
    """Run a command to its end and say what it cost."""
    before = len(log.read_bytes().splitlines())
    start = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command, cwd=root, env={**os.environ, **environment}, stdout=output, stderr=output
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            output.seek(0)
            raise RuntimeError(f"{command}: {output.read()[-3000:].decode()}")
    requests = len(log.read_bytes().splitlines()) - before
    return Run(seconds, usage.ru_maxrss / 1024, requests)


def ours(root: Path, address: str, work: Path) -> tuple[list[str], dict[str, str], Path]:
    """Return our command, its environment and its cache."""
    settings = work / "settings.toml"
    settings.write_text(f'[registry."{address}"]\nhttp = true\nprivate = true\n')
    cache = work / "our-cache"
    program = str(Path(sys.executable).parent / "basekeeper")
    environment = {"BASEKEEPER_SETTINGS": str(settings), "BASEKEEPER_CACHE_DIR": str(cache)}
    return [program, "outdated", "--format", "json", str(root)], environment, cache


def renovates(renovate: Path, work: Path, *, re2: bool) -> tuple[list[str], dict[str, str], Path]:
    """Return Renovate's command, its environment and its cache."""
    cache = work / "renovate-cache"
    environment = {"LOG_LEVEL": "info", "RENOVATE_CACHE_DIR": str(cache)}
    if not re2:
        environment["RENOVATE_X_IGNORE_RE2"] = "true"
    script = str(renovate / "dist" / "renovate.js")
    command = ["node", script, "--platform=local", "--dry-run=lookup"]
    return command, environment, cache


def medians(runs: list[Run]) -> Run:
    return Run(
        statistics.median(run.seconds for run in runs),
        statistics.median(run.megabytes for run in runs),
        round(statistics.median(run.requests for run in runs)),
    )


def compare(
    tools: Mapping[str, tuple[list[str], dict[str, str], Path]], root: Path, log: Path, rounds: int
) -> Iterator[tuple[str, Run, Run]]:
    """Run every tool cold and warm, in turn; give the medians of each."""
    cold: dict[str, list[Run]] = {name: [] for name in tools}
    warm: dict[str, list[Run]] = {name: [] for name in tools}
    for _ in range(rounds):
        for name, (command, environment, cache) in tools.items():
            shutil.rmtree(cache, ignore_errors=True)
            cold[name].append(measured(command, root, environment, log))
            warm[name].append(measured(command, root, environment, log))
    for name in tools:
        yield name, medians(cold[name]), medians(warm[name])


def print_table(rows: list[tuple[str, Run, Run]]) -> None:
    """Print one line a tool, with ratios to ours."""
    print(
        "| Tool | cold s | warm s | peak MB | requests cold / warm | our gain: cold, warm, memory |"
    )
    print("|---|---|---|---|---|---|")
    _, own_cold, own_warm = rows[0]
    own_memory = max(own_cold.megabytes, own_warm.megabytes)
    for name, cold, warm in rows:
        memory = max(cold.megabytes, warm.megabytes)
        gain = (
            f"{cold.seconds / own_cold.seconds:.1f}, {warm.seconds / own_warm.seconds:.1f}, "
            f"{memory / own_memory:.1f}"
        )
        print(
            f"| {name} | {cold.seconds:.2f} | {warm.seconds:.2f} | {memory:.0f} "
            f"| {cold.requests} / {warm.requests} | {gain} |"
        )


def main(given: argparse.Namespace) -> None:
    program = components.provision("registry")
    if isinstance(program, components.Missing):
        sys.exit(program.reason)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        config: dict[str, Any] = {
            "version": "0.1",
            "storage": {"filesystem": {"rootdirectory": str(work / "content")}},
            "http": {},
            "log": {"level": "error", "accesslog": {"disabled": False}},
        }
        (work / "registry").mkdir()
        with run_registry(program, config, work / "registry") as address:
            tags = {repository: tags_of(repository) for repository in REPOSITORIES}
            filler = Filler(address)
            for repository, listed in tags.items():
                filler.fill(repository, listed)
            counts = ", ".join(f"{name} {len(listed)}" for name, listed in tags.items())
            print(f"tags: {counts}")
            for count in given.files:
                root = work / f"tree-{count}"
                write_tree(root, count, address, tags)
                tools = {
                    "basekeeper outdated": ours(root, address, work),
                    "Renovate (RE2)": renovates(given.renovate, work, re2=True),
                    "Renovate (RegExp)": renovates(given.renovate, work, re2=False),
                }
                print(f"\n{count} Dockerfiles, {given.rounds} rounds:\n")
                print_table(list(compare(tools, root, work / "registry" / "log", given.rounds)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("renovate", type=Path)
    parser.add_argument("--files", type=int, nargs="+", default=[50, 500])
    parser.add_argument("--rounds", type=int, default=3)
    main(parser.parse_args())
