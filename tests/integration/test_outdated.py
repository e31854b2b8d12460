"""`outdated`, run as a user would, against simulated registries."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing
from datetime import UTC, datetime
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from basekeeper.ledger.location import read_location
from basekeeper.ledger.sql import open_ledger
from basekeeper.lifecycle.replaced import END_OF_LIFE, LIFECYCLE
from basekeeper.values.event import Event, EventKind
from tests.fakes.registry import Simulator, faults
from tests.integration.program import NOW, SNAPSHOTS, run
from tests.integration.registries import World, debian

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fakes.registry import Host

SCHEMA = json.loads(
    (files("basekeeper.render") / "schemas" / "outdated.schema.json").read_text(encoding="utf-8")
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with Simulator() as simulator:
        yield World(simulator, tmp_path)


def outdated(world: World, *arguments: str) -> Any:
    return run(world.root, "outdated", *arguments, **world.environ)


def found(world: World, *arguments: str) -> dict[str, Any]:
    outcome = outdated(world, "-f", "json", *arguments)
    assert outcome.code == 0, outcome.err
    return {image["image"]: image for image in outcome.json["images"]}


def old_repository(world: World) -> None:
    """A repository with one of everything."""
    for tag, days in (
        ("20.11-bookworm-slim", 700),
        ("20.19-bookworm-slim", 300),
        ("24.11-bookworm-slim", 20),
        ("24.11-trixie-slim", 20),
        ("26.1-bookworm-slim", 1),
    ):
        world.push(f"node:{tag}", days)
    drifted = world.push("python:3.13", 200, config=debian("bookworm"))
    world.push("python:3.13", 10, config=debian("trixie"))
    pinned = world.push("golang:1.26-alpine", 40)
    world.push("golang:1.26-alpine", 10)
    world.push("alpine:3.22", 50)
    world.push("acme/tool:1", 50)
    world.file(
        "Dockerfile",
        f"FROM golang:1.26-alpine@{pinned.digest} AS build",
        f"FROM python:3.13@{drifted.digest} AS tools",
        "FROM node:20.11-bookworm-slim",
        "COPY --from=build /x /x",
        "COPY --from=tools /x /y",
        "COPY --from=alpine /x /z",
        "COPY --from=acme/tool:1 /x /t",
    )
    world.file("api/Dockerfile", "FROM node:20.11-bookworm-slim", "COPY --from=alpine:3.22 / /")
    world.file("web/Dockerfile", "FROM node:18-gone")
    world.push("alpine:latest", 50)


def test_tells_what_each_image_can_be_moved_to(world: World) -> None:
    old_repository(world)
    images = found(world)
    node = images["node:20.11-bookworm-slim"]
    assert node["status"] == "outdated"
    assert node["steps"] == ["minor", "major"]
    assert node["choices"]["major"]["tag"] == "24.11-bookworm-slim"
    assert node["choices"]["major"]["waiting"] == "26.1-bookworm-slim"
    assert node["support"]["until"] == "2026-04-30"
    assert [use["path"] for use in node["uses"]] == ["Dockerfile", "api/Dockerfile"]
    assert images["alpine:3.22"]["status"] == "current"
    assert images["alpine"]["points_to"].startswith("sha256:")


def test_a_pinned_digest_that_is_old_is_refreshed_unless_the_system_changed(world: World) -> None:
    old_repository(world)
    images = found(world)
    by_name = {name.partition("@")[0]: image for name, image in images.items()}
    assert by_name["golang:1.26-alpine"]["steps"] == ["digest"]
    python = by_name["python:3.13"]
    assert python["steps"] == ["os"]
    assert python["current"]["os_release"] == "debian 12"
    assert {"kind": "os-drift", "text": python["moves"][0]["reason"].split(";")[0]} in (
        python["notes"]
    )


def test_what_is_not_told_is_never_up_to_date(world: World) -> None:
    old_repository(world)
    gone = found(world)["node:18-gone"]
    assert gone["status"] == "unknown"
    assert "not found" in gone["unknown"][0]["reason"]
    assert "vanished" in {note["kind"] for note in gone["notes"]}


@pytest.mark.parametrize("arguments", [(), ("--verbose",), ("--kind", "digest")])
def test_text_is_as_it_was(world: World, arguments: tuple[str, ...]) -> None:
    old_repository(world)
    text = outdated(world, *arguments).out
    name = "-".join(["outdated", *(one.strip("-") for one in arguments)])
    snapshot = SNAPSHOTS / f"{name}.txt"
    assert text == snapshot.read_text(encoding="utf-8")
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("written", ["text", "json", "sarif", "junit", "markdown", "github"])
def test_every_format_names_the_image_and_its_next_version(world: World, written: str) -> None:
    old_repository(world)
    outcome = outdated(world, "-f", written)
    assert outcome.code == 0
    assert "node:20.11-bookworm-slim" in outcome.out
    assert "24.11-bookworm-slim" in outcome.out
    assert outdated(world, "-f", written).out == outcome.out


def test_json_has_the_published_shape(world: World) -> None:
    old_repository(world)
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(outdated(world, "-f", "json").json)
    world.hub.add(faults.limited(retry_after="3600"))
    world.drop_cache()
    limited = outdated(world, "-f", "json").json
    Draft202012Validator(SCHEMA).validate(limited)
    assert limited["troubles"][0]["failure"] == "limited"


@pytest.mark.parametrize(
    ("lines", "arguments", "code"),
    [
        (["FROM node:20.11-bookworm-slim"], [], 1),
        (["FROM node:20.11-bookworm-slim"], ["--kind", "patch"], 0),
        (["FROM alpine:3.22"], [], 0),
        (["FROM node:18-gone"], [], 3),
        (["FROM node:18-gone", "FROM node:20.11-bookworm-slim"], [], 1),
        (["FROM scratch"], [], 0),
        (["FROM alpine:3.22", "FROM node:18-gone"], ["--image", "alpine"], 0),
    ],
)
def test_exit_code_tells_when_asked(
    world: World, lines: list[str], arguments: list[str], code: int
) -> None:
    old_repository(world)
    world.file("one/Dockerfile", *lines)
    assert outdated(world, "one", *arguments).code == 0
    assert outdated(world, "one", "--exit-code", *arguments).code == code


def test_a_registry_that_is_down_is_told_once_and_decides_nothing(world: World) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{closed.getsockname()[1]}"
    world.reach(docker=address, api=address)
    for number in range(60):
        world.file(f"{number}/Dockerfile", f"FROM node:{number}")
    start = time.monotonic()
    outcome = outdated(world, "--exit-code")
    assert outcome.code == 3
    assert time.monotonic() - start < 20
    assert outcome.out.count("docker.io: not reachable (60 images)") == 1
    assert "60 images in 60 places: 60 unknown" in outcome.out


def test_offline_only_the_cache_answers(world: World) -> None:
    old_repository(world)
    before = found(world)
    world.forget()
    offline = found(world, "--offline")
    gone = "node:18-gone"  # that there is none is not kept
    assert offline[gone]["status"] == before[gone]["status"] == "unknown"
    assert offline | {gone: None} == before | {gone: None}
    world.drop_cache()
    outcome = outdated(world, "--offline", "--exit-code")
    assert outcome.code == 0
    assert "not in the cache" in outcome.out
    assert "only the cache answered" in outcome.out
    assert "without --offline" in outcome.out
    assert world.hub.log == world.api.log == []


def test_without_a_cache_everything_is_asked_again_and_nothing_is_kept(world: World) -> None:
    world.push("alpine:3.22", 50)
    world.file("Dockerfile", "FROM alpine:3.22")
    found(world, "--no-cache")
    assert not (world.root.parent / ".cache").exists()
    asked = len(world.hub.log)
    found(world, "--no-cache")
    assert len(world.hub.log) == 2 * asked


def test_cost_depends_on_distinct_images_alone(world: World) -> None:
    names = [f"image{number}" for number in range(12)]
    for name in names:
        world.push(f"{name}:1.0", 50)
    world.hub.require_tokens()
    lines = [f"FROM {name}:1.0" for name in names]
    world.file("Dockerfile", *lines)
    found(world)
    once = (len(world.hub.log), len(world.api.log))
    for number in range(600):
        world.file(f"repository{number // 3}/{number % 3}/Dockerfile", lines[number % 12])
    world.drop_cache()
    world.forget()
    assert len(found(world)) == 12
    assert (len(world.hub.log), len(world.api.log)) == once
    assert world.hub.count("token") <= 12
    assert world.hub.count("manifest", "HEAD") <= 12 + 1  # the first one is asked for a token
    assert world.hub.count("manifest", "GET") == world.hub.count("blob") == 0
    assert world.api.count("api") == 12
    world.forget()
    found(world)
    assert world.hub.log == world.api.log == []  # within the tag's minutes


def test_a_refresh_of_digests_reads_no_list(world: World) -> None:
    old_repository(world)
    found(world, "--kind", "digest")
    assert world.api.log == []
    assert world.hub.count("tags") == 0


def test_images_are_chosen_by_pattern(world: World) -> None:
    old_repository(world)
    assert set(found(world, "--image", "acme/*", "--image", "alpine")) == {
        "acme/tool:1",
        "alpine",
        "alpine:3.22",
    }
    missing = outdated(world, "--image", "alpine", "--image", "alpnie")
    assert missing.out.count("no image here matches") == 1
    assert "no image here matches 'alpnie'" in missing.out
    wrong = outdated(world, "--image", "a//b")
    assert wrong.code == 2
    assert "'a//b' has an empty part" in wrong.err


def microsoft(world: World) -> Host:
    """Microsoft's registry behind a mirror, with one image that the tree uses."""
    host = world.simulator.host("mcr.microsoft.com", referrers=True)
    with world.settings.open("a") as settings:
        settings.write(f'[registry."mcr.microsoft.com"]\nmirror = "http://{host.address}"\n')
        settings.write(f'[registry."{host.address}"]\nprivate = true\nhttp = true\n')
    image = host.content.image("dotnet/sdk", "10.0", "linux/amd64")
    host.content.attach("dotnet/sdk", image, LIFECYCLE, {END_OF_LIFE: "2026-11-10"})
    world.file("Dockerfile", "FROM mcr.microsoft.com/dotnet/sdk:10.0")
    return host


def test_a_digest_that_its_publisher_replaced_is_told(world: World) -> None:
    host = microsoft(world)
    (image,) = found(world).values()
    note = "this digest is replaced as of 2026-11-10, which is not the end of its product"
    assert image["current"]["replaced_on"] == "2026-11-10"
    assert image["notes"] == [{"kind": "replaced", "text": note}]
    for written in ("text", "markdown"):
        assert "replaced as of 2026-11-10" in " ".join(outdated(world, "-f", written).out.split())
    assert host.count("referrers") == 1
    assert run(world.root, "update", **world.environ).code == 0
    assert host.count("referrers") == 1


def test_that_a_notice_cannot_be_read_is_told_and_decides_nothing(world: World) -> None:
    host = microsoft(world)
    before = outdated(world, "--exit-code").code
    world.drop_cache()
    host.add(faults.limited(status=403, kinds=("referrers",)))
    outcome = outdated(world, "--exit-code", "-f", "json")
    assert outcome.code == before != 3
    (image,) = outcome.json["images"]
    assert image["current"]["replaced_on"] is None
    assert [note["kind"] for note in image["notes"]] == ["replaced-unknown"]
    assert outcome.json["troubles"] == image["unknown"] == []


def test_neither_database_nor_template_library_is_loaded(world: World) -> None:
    old_repository(world)
    code = (
        "import sys; from basekeeper.cli.main import main; code = main(sys.argv[1:]);"
        "loaded = {'sqlalchemy', 'alembic', 'jinja2', 'rich'} & set(sys.modules);"
        "print(code, sorted(loaded), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "outdated", "--now", NOW],
        cwd=world.root,
        env=world.whole_environ,
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert done.stderr.decode().splitlines()[-1] == "0 []"


def test_first_sights_are_read_from_a_ledger_and_never_written(
    world: World, tmp_path: Path
) -> None:
    old_repository(world)
    golang = ("--kind", "digest", "--image", "golang")
    (before,) = found(world, *golang).values()
    assert before["choices"]["digest"]["value"] == "unknown"  # nobody tells its age
    path = tmp_path / "ledger.sqlite"
    sights = [
        Event(
            kind=EventKind.FIRST_SEEN,
            subject="docker.io/library/golang",
            key=f"1.26-alpine@{before['points_to']}",
            at=datetime(2026, 11, 1, tzinfo=UTC),
            source="docker.io",
            evidence={},
        )
    ]
    now = datetime(2026, 11, 2, tzinfo=UTC)
    with closing(open_ledger(read_location(f"sqlite:{path}"), clock=lambda: now)) as ledger:
        ledger.append(sights)
    content = path.read_bytes()
    environ = {**world.environ, "BASEKEEPER_LEDGER": f"sqlite:{path}"}
    outcome = run(world.root, "outdated", "-f", "json", *golang, **environ)
    (after,) = outcome.json["images"]
    assert after["steps"] == ["digest"]
    assert after["choices"]["digest"]["age_seconds"] == 22 * 86_400 + 8 * 3600
    assert path.read_bytes() == content


def test_a_ledger_that_is_not_there_ends_the_run(world: World, tmp_path: Path) -> None:
    world.file("Dockerfile", "FROM alpine:3.22")
    environ = {**world.environ, "BASEKEEPER_LEDGER": f"sqlite:{tmp_path / 'none'}"}
    outcome = run(world.root, "outdated", **environ)
    assert outcome.code == 3
    assert "ledger" in outcome.err


@pytest.mark.parametrize("verb", ["outdated", "check"])
def test_an_interruption_ends_everything_soon(world: World, verb: str) -> None:
    """A server that takes connections and never answers, and a user who loses patience."""
    asked = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        held: list[socket.socket] = []

        def hold() -> None:
            while True:
                try:
                    held.append(server.accept()[0])
                except OSError:
                    return
                asked.set()

        threading.Thread(target=hold, daemon=True).start()
        address = f"127.0.0.1:{server.getsockname()[1]}"
        world.reach(docker=address, api=address)
        for number in range(20):
            digest = f"{number:064x}"
            world.file(f"{number}/Dockerfile", f"FROM node:{number}@sha256:{digest}")
        with subprocess.Popen(
            [sys.executable, "-m", "basekeeper", verb],
            cwd=world.root,
            env=world.whole_environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            assert asked.wait(20)
            time.sleep(0.3)
            start = time.monotonic()
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=20)
            assert time.monotonic() - start < 5
        assert (process.returncode, out, err.strip()) == (130, b"", b"interrupted")
        for connection in held:
            connection.close()
