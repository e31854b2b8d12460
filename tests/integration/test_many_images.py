"""Ten thousand images: memory and threads do not grow with them."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.fakes.registry import Simulator
from tests.integration.registries import World

if TYPE_CHECKING:
    from pathlib import Path

COUNT = 10_000
MAX_GROWTH_MIB = 64

ASK = """
import json, sys, threading
from datetime import UTC, datetime
from basekeeper import wiring
from basekeeper.policy.load import load_config
from basekeeper.resolve import resolve
from basekeeper.values.image import Pointer
from basekeeper.values.reference import parse_reference
from basekeeper.values.resolution import Question

def memory():
    with open("/proc/self/status") as status:
        return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) // 1024

def ask(number):
    reference = parse_reference(f"big:1.{number // 100}.{number % 100}")
    return Question(reference=reference, platforms=("linux/amd64",), pointer=True)

threads = set()
asked = [ask(number) for number in range(int(sys.argv[1]))]
config = wiring.with_registries(load_config("."), has_operator=False)
now = datetime(2026, 11, 23, tzinfo=UTC)
with wiring.open_registry(config.settings, now=now) as registry:
    resolve(asked[:10], registry)
    before = memory()
    found = resolve(
        asked, registry, asking=lambda done, total: threads.add(threading.active_count())
    )
told = sum(isinstance(one.pointer, Pointer) for one in found.by_image.values())
print(json.dumps([told, memory() - before, max(threads), threading.active_count()]))
"""


@pytest.mark.slow
def test_memory_and_threads_do_not_grow_with_images(tmp_path: Path) -> None:
    with Simulator() as simulator:
        world = World(simulator, tmp_path)
        image = world.push("big:1", 50)
        tags = [f"1.{number // 100}.{number % 100}" for number in range(COUNT)]
        world.hub.content.tag_many("library/big", tags, image.digest)
        done = subprocess.run(
            [sys.executable, "-c", ASK, str(COUNT)],
            cwd=world.root,
            env=world.whole_environ,
            capture_output=True,
            check=True,
            timeout=300,
        )
        heads = world.hub.count("manifest", "HEAD")
    told, growth, most, left = json.loads(done.stdout)
    assert told == COUNT
    assert heads == COUNT
    assert growth < MAX_GROWTH_MIB
    assert most <= 4 + 1
    assert left == 1
