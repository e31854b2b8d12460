"""`check` with the network: what registries tell changes judgements, what they do not is told."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from basekeeper.cli import check as cli_check
from tests.fakes.registry import Simulator, faults
from tests.integration.program import commit, run
from tests.integration.registries import World, debian

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEMA = json.loads(
    (files("basekeeper.render") / "schemas" / "report.schema.json").read_text(encoding="utf-8")
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with Simulator() as simulator:
        yield World(simulator, tmp_path)


def check(world: World, *arguments: str) -> Any:
    return run(world.root, "check", "--online", *arguments, **world.environ)


def found(world: World, *arguments: str) -> dict[str, Any]:
    outcome = check(world, "-f", "json", *arguments)
    assert outcome.code in (0, 1, 3), outcome.err
    report: dict[str, Any] = outcome.json
    Draft202012Validator(SCHEMA).validate(report)
    return report


def rules(report: dict[str, Any]) -> set[str]:
    return {finding["rule"] for finding in report["findings"]}


def unplug(world: World) -> None:
    """Let nobody answer for Docker Hub."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{closed.getsockname()[1]}"
    world.reach(docker=address, api=address)


def test_what_names_decide_is_not_asked(world: World) -> None:
    world.file("Dockerfile", "FROM node:24-bookworm-slim", "COPY --from=ghcr.io/x/y:1 /z /z")
    report = found(world)
    assert world.hub.log == world.api.log == []
    assert report["unconfigured"] == ["known vulnerabilities"]
    assert report["missing"] == []
    assert not (world.root.parent / ".cache").exists()


def test_a_verified_publisher_is_no_unofficial_source(world: World) -> None:
    world.push("acme/tool:1", 50)
    world.file("Dockerfile", "FROM acme/tool:1")
    assert "unofficial-source" in rules(found(world))
    world.drop_cache()
    world.api.badges["acme"] = "verified_publisher"
    report = found(world)
    assert "unofficial-source" not in rules(report)
    judgement = report["uses"][0]["judgement"]
    assert judgement["category"] == "restricted"
    assert judgement["quality"]["official_source"]["source"] == world.api.address
    assert judgement["quality"]["official_source"]["as_of"] == "2026-11-23"


def test_a_publisher_is_asked_once_and_kept_for_a_day(world: World) -> None:
    world.push("acme/tool:1", 50)
    for number in range(30):
        world.file(f"{number}/Dockerfile", f"FROM acme/tool:{number % 3}")
    found(world)
    assert world.api.count("api") <= 3  # the repository, the organisation, else the person
    world.forget()
    found(world)
    assert world.api.log == []


def test_a_publisher_that_cannot_be_asked_could_not_be_verified(world: World) -> None:
    world.file("Dockerfile", "FROM acme/tool:1")
    unplug(world)
    start = time.monotonic()
    outcome = check(world)
    assert outcome.code == 1
    assert time.monotonic() - start < 5
    assert "could not verify who publishes docker.io/acme/tool" in outcome.out
    assert "docker.io: not reachable, so that 1 image was judged by name alone" in " ".join(
        outcome.out.split()
    )
    assert check(world, "--allow-unknown").code == 0


def test_a_new_official_image_is_asked_about(world: World) -> None:
    world.push("brandnew:1", 5)
    world.file("Dockerfile", "FROM brandnew:1")
    report = found(world)
    assert report["uses"][0]["judgement"]["quality"]["official_source"]["value"] == "yes"
    assert "unofficial-source" not in rules(report)
    world.file("Dockerfile", "FROM neverheardof:1")
    assert "unofficial-source" in rules(found(world))


def test_the_version_behind_a_tag_without_one_is_judged(world: World) -> None:
    world.push("node:mystery", 5, config=debian("buster", NODE_VERSION="16.20.2"))
    world.file("Dockerfile", "FROM node:mystery")
    assert "end-of-life" not in rules(found(world, "--offline"))
    report = found(world)
    assert "end-of-life" in rules(report)
    ends = {axis["product"]: axis["cycle"] for axis in report["uses"][0]["judgement"]["axes"]}
    assert ends == {"nodejs": "16", "debian": "10"}


def test_a_pin_that_lies_is_told_and_judged_by_its_digest(world: World) -> None:
    old = world.push("node:16", 900, config=debian("buster", NODE_VERSION="16.20.2"))
    world.hub.content.tag("library/node", "24", old.digest)
    world.file("Dockerfile", f"FROM node:24@{old.digest}")
    report = found(world)
    assert "end-of-life" in rules(report)
    (notice,) = [text for text in report["notices"] if "not what its tag says" in text]
    assert notice.startswith("node:24@sha256:")
    assert "its digest holds version 16.20.2" in notice
    assert world.hub.count("manifest", "HEAD") == 0
    world.forget()
    found(world)
    assert world.hub.log == []


def test_contents_that_are_not_told_leave_the_run_undecided(world: World) -> None:
    world.file("Dockerfile", "FROM node:mystery")
    unplug(world)
    outcome = check(world)
    assert outcome.code == 3
    assert "not decided" in outcome.out
    assert "what is inside 1 image was not told" in outcome.out
    assert check(world, "--allow-unknown").code == 0
    assert check(world, "--offline").code == 0
    (missing,) = found(world)["missing"]
    assert missing["image"] == "docker.io/library/node:mystery"
    assert (missing["fact"], missing["gates"]) == ("contents", True)


def test_what_names_tell_already_does_not_keep_a_run_from_passing(world: World) -> None:
    world.file("Dockerfile", f"FROM node:24-bookworm-slim@sha256:{'0' * 64}")
    unplug(world)
    outcome = check(world)
    assert outcome.code == 0
    assert "judged by name alone" in outcome.out


def test_an_image_that_is_gone_is_told(world: World) -> None:
    world.push("node:24", 5)
    world.file("Dockerfile", "FROM node:mystery")
    text = " ".join(check(world).out.split())
    assert "contents of docker.io/library/node:mystery could not be told: " in text
    assert "not found" in text


def test_a_registry_that_never_answers_holds_a_check_up_only_so_long(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli_check, "MAX_ASKING_SECONDS", 0.5)
    for number in range(20):
        world.file(f"{number}/Dockerfile", f"FROM node:mystery{number}")
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        world.reach(docker=address, api=address)
        start = time.monotonic()
        outcome = check(world)
    assert time.monotonic() - start < 5
    assert outcome.code == 3
    text = " ".join(outcome.out.split())
    assert "docker.io: not reachable, so that 20 images were judged by name alone: no" in text
    assert "contents of" not in text
    assert [thread for thread in threading.enumerate() if "registry-" in thread.name] == []


def test_a_limit_of_requests_is_told_as_such(world: World) -> None:
    world.hub.add(faults.limited(retry_after="3600"))
    world.file("Dockerfile", "FROM node:mystery")
    outcome = check(world)
    assert outcome.code == 3
    assert "docker.io: rate limited" in outcome.out


@pytest.mark.parametrize("written", ["text", "json", "markdown", "sarif", "junit", "github"])
def test_every_format_tells_what_was_not_told(world: World, written: str) -> None:
    world.file("Dockerfile", "FROM node:mystery")
    unplug(world)
    assert "not reachable" in check(world, "-f", written).out


def test_the_revision_compared_with_is_judged_by_the_same_facts(world: World) -> None:
    world.push("node:mystery", 5, config=debian("buster", NODE_VERSION="16.20.2"))
    world.file("old/Dockerfile", "FROM node:mystery")
    commit(world.root, "old")
    world.file("new/Dockerfile", "FROM node:mystery AS x", "FROM node:mystery")
    report = found(world, "--since", "HEAD")
    assert {
        finding["path"] for finding in report["findings"] if finding["severity"] == "error"
    } == {"new/Dockerfile"}
    assert "end-of-life" in {finding["rule"] for finding in report["known"]}


def test_nothing_of_the_network_is_loaded_where_nothing_is_asked(world: World) -> None:
    world.file("Dockerfile", "FROM node:24-bookworm-slim")
    code = (
        "import sys; from basekeeper.cli.main import main; main(['check']);"
        "heavy = {'ssl', 'socket', 'sqlite3', 'sqlalchemy', 'basekeeper.registry.client'};"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=world.root,
        env=world.whole_environ,
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert done.stderr == b"[]\n"
