"""`scan` tells what published images stand on: real images, real Trivy, a real ledger."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.ledger_places import clone, text_of
from tests.fakes.derived import push_derived
from tests.fakes.provisioned import provisioned
from tests.fakes.realregistry.fixtures import image_layout, real_registries
from tests.integration.program import run
from tests.integration.test_story import START, World

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.realregistry.running import RealRegistries

__all__ = ["clone", "image_layout", "real_registries"]

pytestmark = [pytest.mark.component("scanner"), pytest.mark.slow]


@pytest.fixture
def world(
    request: pytest.FixtureRequest,
    clone: Path,
    real_registries: RealRegistries,
    image_layout: Path,
) -> World:
    ledger = text_of("sqlite", request, clone.parent)
    found = World(clone, ledger, real_registries, provisioned("scanner"), image_layout)
    found.advisories(START, fixed=True)
    return found


def bases(told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Tell the base of each published image by the last part of its name."""
    return {
        one["reference"]["repository"].rpartition("/")[2]: one["base"]
        for one in told["further"]
        if one["part"] == "published"
    }


def test_a_published_image_stands_on_what_its_dockerfile_names(world: World) -> None:
    found = bases(world.scan(START))["shop"]
    assert (found["method"], found["confidence"], found["proven"]) == ("dockerfile", "high", True)
    (base,) = found["candidates"]
    assert base["reference"]["repository"] == f"{world.name}/base"
    assert base["layers"] == 1
    text = world.run("scan", START).out
    assert f"stands on {world.address}/{world.name}/base:11-slim (layer proof)" in text
    shown = run(world.root, "scan", "-f", "markdown", "--now", START.isoformat(), **world.environ)
    assert "(layer proof)" in shown.out.replace("&#40;", "(").replace("&#41;", ")")


def test_a_base_that_the_tag_no_longer_names_is_proven_by_what_the_ledger_knows(
    world: World,
) -> None:
    world.scan(START)
    world.base("debian-12")
    later = START + timedelta(days=1)
    world.advisories(later, fixed=True)
    found = bases(world.scan(later))["shop"]
    assert (found["proven"], found["contradicting"]) == (True, [])
    assert "the Dockerfile named it before" in found["reasons"]


def test_another_base_than_any_that_is_known_is_not_identified(world: World) -> None:
    push_derived(world.pusher, world.layout, "debian-13", f"{world.name}/shop:stable", "on another")
    found = bases(world.scan(START))["shop"]
    assert found["proven"] is False
    assert found["confidence"] == "low"
    assert found["contradicting"] == ["layers"]


def test_the_ledger_keeps_how_a_base_was_told(world: World) -> None:
    world.scan(START)
    path = world.environ["BASEKEEPER_LEDGER"].removeprefix("sqlite:")
    with closing(sqlite3.connect(path)) as ledger:
        query = "SELECT evidence FROM basekeeper_event WHERE kind = 'released'"
        said = [json.loads(row[0]) for row in ledger.execute(query)]
    assert [one["base_proof"] for one in said] == ["layers", "layers"]
    assert {one["base_method"] for one in said} == {"dockerfile"}
    assert {one["base_confidence"] for one in said} == {"high"}
