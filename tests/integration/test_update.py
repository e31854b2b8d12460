"""`update` as a user meets it: registries on loopback, real git and patch, a real terminal."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator

from tests.fakes.realregistry.fixtures import image_layout, real_registries
from tests.fakes.registry import Answer, Simulator
from tests.fakes.registry.faults import late
from tests.integration.program import Outcome, environment, git, run
from tests.integration.registries import World, debian
from tools import images

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fakes.realregistry.running import RealRegistries
    from tests.fakes.registry.host import Host

__all__ = ["image_layout", "real_registries"]

DOCKERFILE = b"""\
ARG NODE=20
# caf\xe9
FROM node:${NODE}-slim AS build\r
RUN echo $NODE
FROM alpine:3.20
COPY --from=build / /
"""
DEVCONTAINER = b'{\n  // c\n  "image": "alpine:3.20"\n}'

SCHEMA = json.loads(
    (files("basekeeper.render") / "schemas" / "update.schema.json").read_text("utf-8")
)


@dataclass(frozen=True)
class Place:
    """A tree, and a registry that stands in for Docker Hub."""

    root: Path
    host: Host

    def update(self, *arguments: str) -> Outcome:
        return run(self.root, "update", "--any-age", *arguments)

    def save(self, path: str, data: bytes) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)

    def content(self, path: str) -> bytes:
        return (self.root / path).read_bytes()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    root = tmp_path / "tree"
    root.mkdir()
    with Simulator() as simulator:
        host = simulator.host("docker.io")
        for tag in ("20-slim", "22-slim", "24-slim"):
            host.content.image("library/node", tag)
        for tag in ("3.20", "3.22", "3.23"):
            host.content.image("library/alpine", tag)
        settings = tmp_path / ".config" / "basekeeper" / "settings.toml"
        settings.parent.mkdir(parents=True)
        settings.write_text(
            f'[registry."docker.io"]\nmirror = "http://{host.address}"\n'
            f'[registry."{host.address}"]\nhttp = true\nprivate = true\n'
        )
        found = Place(root, host)
        found.save("Dockerfile", DOCKERFILE)
        found.save(".devcontainer/devcontainer.json", DEVCONTAINER)
        yield found


def paths_asked(place: Place) -> set[str]:
    return {one.target.partition("?")[0] for one in place.host.log}


def pinned(host: Host, repository: str, tag: str) -> bytes:
    return host.content.repository(repository).tags[tag].encode()


def test_a_diff_is_shown_and_nothing_is_written(place: Place) -> None:
    outcome = place.update()
    assert outcome.code == 1, outcome.err
    assert "-FROM alpine:3.20\n+FROM alpine:3.23\n" in outcome.out
    assert "+++ b/.devcontainer/devcontainer.json" in outcome.out
    assert "node:20-slim → 24-slim  --kind major" in outcome.out
    assert outcome.out.endswith("to update: 1 image in 2 places of 2 files\n")
    assert place.content("Dockerfile") == DOCKERFILE


@pytest.mark.parametrize("tool", [["git", "apply"], ["patch", "-p1", "-s"]])
@pytest.mark.parametrize("inside", [False, True])
def test_the_diff_applies_and_is_what_write_writes(
    place: Place,
    tool: list[str],
    inside: bool,  # noqa: FBT001
) -> None:
    place.save('odd "n\xe4me/x y.Dockerfile', b"FROM alpine:3.20")
    paths = sorted(path for path in place.root.rglob("*") if path.is_file())
    before = [path.read_bytes() for path in paths]
    above, arguments = place.root, list[str]()
    if inside:
        git(above.parent, "init", "-q")
        above, arguments = above.parent, ["tree"]
    kinds = ("--kind", "major", "--kind", "minor", "--pin-digests")
    done = subprocess.run(
        [sys.executable, "-m", "basekeeper", "update", "--any-age", *kinds, *arguments],
        cwd=above,
        env=environment(place.root.parent),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    subprocess.run(tool, cwd=above, input=done.stdout, check=True, env=environment(above))
    patched = [path.read_bytes() for path in paths]
    assert all(one != other for one, other in zip(before, patched, strict=True))
    for path, data in zip(paths, before, strict=True):
        path.write_bytes(data)
    assert place.update(*kinds, "--write").code == 0
    assert [path.read_bytes() for path in paths] == patched


@pytest.mark.parametrize("tool", [["git", "apply"], ["patch", "-p1", "-s"]])
def test_the_diff_of_a_link_is_that_of_its_file(place: Place, tool: list[str]) -> None:
    place.save("docker/base.txt", b"FROM alpine:3.20\n")
    (place.root / "api").mkdir()
    (place.root / "api" / "Dockerfile").symlink_to("../docker/base.txt")
    outcome = place.update()
    assert "\n+++ b/docker/base.txt\n" in outcome.out
    patch = outcome.out.encode("utf-8", "surrogateescape")
    subprocess.run(tool, cwd=place.root, input=patch, check=True)
    assert place.content("docker/base.txt") == b"FROM alpine:3.23\n"
    assert (place.root / "api" / "Dockerfile").is_symlink()
    place.save("docker/base.txt", b"FROM alpine:3.20\n")
    assert place.update("--write").code == 0
    assert place.content("docker/base.txt") == b"FROM alpine:3.23\n"


@pytest.mark.parametrize(("gone", "taken"), [(1, "1.9"), (2, "1.8"), (3, None)])
def test_tags_that_are_listed_but_gone_give_way_to_the_next_lower(
    place: Place, gone: int, taken: str | None
) -> None:
    place.save("Dockerfile", b"FROM acme/tool:1.7\n")
    place.save(".devcontainer/devcontainer.json", b"{}")
    for minor in range(7, 11):
        place.host.content.image("acme/tool", f"1.{minor}")
    tags = [f"1.{minor}" for minor in range(10, 10 - gone, -1)]
    lost = [f"/v2/acme/tool/manifests/{tag}" for tag in tags]
    place.host.documents |= {path: Answer(404) for path in lost}
    outcome = place.update("--write")
    assert outcome.code == 0, outcome.err
    expected = b"1.7" if taken is None else taken.encode()
    assert place.content("Dockerfile") == b"FROM acme/tool:" + expected + b"\n"
    assert set(lost) <= paths_asked(place)
    for tag in tags:
        assert f"{tag} is left out, as it could not be read" in " ".join(outcome.out.split())


def test_no_more_rounds_are_looked_up_than_there_are(place: Place) -> None:
    place.save("Dockerfile", b"FROM acme/tool:1.1\n")
    place.save(".devcontainer/devcontainer.json", b"{}")
    for minor in range(1, 9):
        place.host.content.image("acme/tool", f"1.{minor}")
    for minor in range(6, 9):
        place.host.documents[f"/v2/acme/tool/manifests/1.{minor}"] = Answer(404)
    outcome = place.update()
    assert outcome.code == 0
    assert "1.5 was not looked up" in outcome.out
    asked = [f"/v2/acme/tool/manifests/1.{minor}" in paths_asked(place) for minor in range(4, 9)]
    assert asked == [False, False, True, True, True]


def test_a_tag_whose_look_up_failed_in_passing_stays_unknown(place: Place) -> None:
    place.save("Dockerfile", b"FROM alpine:3.20\n")
    place.save(".devcontainer/devcontainer.json", b"{}")
    place.host.documents["/v2/library/alpine/manifests/3.23"] = Answer(503)
    outcome = place.update()
    assert "3.22" not in outcome.out
    assert "3.23" in outcome.out
    assert outcome.code == 3


def test_write_changes_the_bytes_of_references_alone(place: Place) -> None:
    outcome = place.update("--kind", "major", "--kind", "minor", "--write")
    assert outcome.code == 0, outcome.err
    assert place.content("Dockerfile") == DOCKERFILE.replace(b"=20", b"=24").replace(
        b"3.20", b"3.23"
    )
    assert place.content(".devcontainer/devcontainer.json") == DEVCONTAINER.replace(
        b"3.20", b"3.23"
    )
    assert "NODE is also used in line 4 of Dockerfile" in outcome.out
    assert outcome.out.endswith("written: 2 images in 3 places of 2 files\n")
    again = place.update("--kind", "major", "--kind", "minor")
    assert (again.code, again.out.splitlines()[-1]) == (0, "nothing to edit")


def test_images_and_kinds_narrow_what_changes(place: Place) -> None:
    assert place.update("--image", "node", "--kind", "patch").code == 0
    assert place.update("--image", "node", "--kind", "major", "--write").code == 0
    assert place.content("Dockerfile") == DOCKERFILE.replace(b"=20", b"=24")
    asked = place.host.asked()
    assert not [each for each in asked if "alpine" in each.target]
    assert "no image here matches 'nodejs'" in place.update("--image", "nodejs").out


def test_digests_are_pinned_and_then_move_with_the_tag(place: Place) -> None:
    place.save("Dockerfile", b"FROM alpine:3.23\n")
    assert place.update("--pin-digests", "--image", "alpine", "-w", "Dockerfile").code == 0
    old = pinned(place.host, "library/alpine", "3.23")
    assert place.content("Dockerfile") == b"FROM alpine:3.23@" + old + b"\n"
    place.host.content.image("library/alpine", "3.23", seed="new")
    assert place.update("--no-cache", "-w", "Dockerfile").code == 0
    new = pinned(place.host, "library/alpine", "3.23")
    assert new != old
    assert place.content("Dockerfile") == b"FROM alpine:3.23@" + new + b"\n"
    place.host.content.image("library/alpine", "3.24")
    assert place.update("--no-cache", "--kind", "minor", "-w", "Dockerfile").code == 0
    newest = pinned(place.host, "library/alpine", "3.24")
    assert place.content("Dockerfile") == b"FROM alpine:3.24@" + newest + b"\n"


def test_only_named_files_are_edited(place: Place) -> None:
    outcome = place.update("Dockerfile", "-w")
    assert outcome.code == 0
    assert place.content(".devcontainer/devcontainer.json") == DEVCONTAINER
    assert place.content("Dockerfile") == DOCKERFILE.replace(b"3.20", b"3.23")


def test_vendored_files_are_left_alone_unless_named(place: Place) -> None:
    place.save("vendor/x/Dockerfile", b"FROM alpine:3.20\n")
    outcome = place.update("-w")
    assert "1 place in vendored files left alone" in outcome.out
    assert place.content("vendor/x/Dockerfile") == b"FROM alpine:3.20\n"
    assert place.update("vendor", "-w").code == 0
    assert place.update("vendor/x/Dockerfile", "-w").code == 0
    assert place.content("vendor/x/Dockerfile") == b"FROM alpine:3.23\n"


def test_refused_uses_are_told_and_the_others_edited(place: Place) -> None:
    place.save("b/Dockerfile", b"ARG V=3.20-x\nFROM alpine:${V%-x}\n")
    outcome = place.update("-w")
    assert outcome.code == 0
    assert "not edited:\n  b/Dockerfile:2  alpine:3.20 → alpine:3.23" in outcome.out
    assert "the expansion '${V%-x}' hides" in outcome.out
    assert place.content("Dockerfile") == DOCKERFILE.replace(b"3.20", b"3.23")
    again = place.update()
    assert (again.code, again.out.splitlines()[-1]) == (1, "nothing to edit")


def test_strict_makes_a_change_everywhere_or_nowhere(place: Place) -> None:
    place.save("b/Dockerfile", b"ARG V=3.20-x\nFROM alpine:${V%-x}\n")
    outcome = place.update("-w", "--strict", "--kind", "minor", "--kind", "major")
    assert outcome.code == 1
    assert place.content("Dockerfile") == DOCKERFILE.replace(b"=20", b"=24")


def test_json_says_everything_and_fits_its_schema(place: Place) -> None:
    place.save("b/Dockerfile", b"ARG V=3.20-x\nFROM alpine:${V%-x}\nFROM missing:1\nFROM $NONE\n")
    outcome = place.update("--format", "json", "--kind", "minor", "--kind", "digest")
    assert outcome.code == 1, outcome.err
    found = outcome.json
    Draft202012Validator(SCHEMA).validate(found)
    assert found["summary"]["images"] == 1
    assert found["changes"][0]["to"]["tag"] == "3.23"
    assert {file["path"] for file in found["files"]} == {
        "Dockerfile", ".devcontainer/devcontainer.json",
    }  # fmt: skip
    assert [(each["path"], each["line"]) for each in found["refused"]] == [("b/Dockerfile", 2)]
    assert [each["image"] for each in found["unknown"]] == ["missing:1"]
    assert [each["text"] for each in found["left_out"]] == ["$NONE"]
    assert found["written"] is False


def test_markdown_fences_the_diff(place: Place) -> None:
    place.save("b/Dockerfile", b"# ```` \nFROM alpine:3.20\n")
    out = place.update("--format", "markdown").out
    assert out.startswith("## basekeeper: update\n\n**to update: 1 image in 3 places of 3 files**")
    assert "\n`````diff\n" in out
    assert "| <code>alpine:3.20</code> | <code>alpine:3.23</code> | minor | 3 |" in out


def test_what_could_not_be_asked_is_unknown_and_not_current(place: Place) -> None:
    place.save("Dockerfile", b"FROM missing:1\n")
    outcome = place.update("Dockerfile")
    assert outcome.code == 3
    assert "not known:\n  missing:1\n" in outcome.out
    assert outcome.out.endswith("nothing to edit, as far as is known\n")
    assert place.update("--offline", "--no-cache").code == 0


def test_offline_uses_what_is_cached(place: Place) -> None:
    place.update()
    place.host.log.clear()
    outcome = place.update("--offline", "-w")
    assert outcome.code == 0
    assert b"alpine:3.23" in place.content("Dockerfile")
    assert not place.host.log


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--interactive"], "needs a terminal"),
        (["--policy", "x.toml"], "cannot loosen the operator's policy"),
        (["--kind", "huge"], "'huge' is not one of"),
        (["--image", ":::"], "':::'"),
    ],
)
def test_wrong_usage_is_told(place: Place, arguments: list[str], words: str) -> None:
    outcome = place.update(*arguments)
    assert outcome.code == 2
    assert words in outcome.err


def test_a_read_only_file_keeps_all_from_being_written(place: Place) -> None:
    (place.root / "Dockerfile").chmod(0o444)
    outcome = place.update("-w")
    assert outcome.code == 2
    assert outcome.err.startswith("error: cannot write 'Dockerfile': it is read-only")
    assert place.content(".devcontainer/devcontainer.json") == DEVCONTAINER


def test_what_a_killed_run_left_is_removed(place: Place) -> None:
    place.save(".basekeeper-0123456789abcdef.tmp", b"FROM x\n")
    assert place.update("-w").code == 0
    assert sorted(path.name for path in place.root.iterdir()) == [".devcontainer", "Dockerfile"]


def on_a_terminal(place: Place, typed: str, *arguments: str) -> tuple[int, str]:
    """Run with a terminal in the place of all three streams; type after each question."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(place.root)
        os.execve(  # noqa: S606
            sys.executable,
            [sys.executable, "-m", "basekeeper", "update", "--any-age", *arguments],
            environment(place.root.parent, TERM="xterm", NO_COLOR="1"),
        )
    shown, answers, end = b"", list(typed), time.monotonic() + 60
    while time.monotonic() < end:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            piece = os.read(terminal, 4096)
        except OSError:
            break
        if not piece:
            break
        shown += piece
        if shown.endswith(b"]? ") and answers:
            answer = answers.pop(0)
            os.write(terminal, b"\x04" if answer == "^" else answer.encode() + b"\n")
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown.decode()


@pytest.mark.parametrize(
    ("typed", "alpine", "node"),
    [
        ("yn", True, False),
        ("ny", False, True),
        ("?xa", True, True),
        ("q", False, False),
        ("yq", True, False),
        ("^", False, False),
    ],
)
def test_interactive_asks_about_each_change(
    place: Place,
    typed: str,
    alpine: bool,  # noqa: FBT001
    node: bool,  # noqa: FBT001
) -> None:
    kinds = ("--kind", "major", "--kind", "minor")
    code, shown = on_a_terminal(place, typed, "--interactive", "--write", *kinds)
    assert code == 0, shown
    assert (b"alpine:3.23" in place.content("Dockerfile")) is alpine
    assert (b"NODE=24" in place.content("Dockerfile")) is node
    assert "change it (1 of 2) [y,n,a,q,?]?" in shown
    assert ("make this change and all that follow" in shown) is ("?" in typed)


def test_control_c_at_a_question_writes_nothing(place: Place) -> None:
    code, shown = on_a_terminal(place, "\x03", "--interactive", "--write")
    assert (code, place.content("Dockerfile")) == (130, DOCKERFILE), shown


def test_control_c_while_asking_registries_ends_soon_and_writes_nothing(place: Place) -> None:
    place.host.add(late(60))
    with subprocess.Popen(
        [sys.executable, "-m", "basekeeper", "update", "--write"],
        cwd=place.root,
        env=environment(place.root.parent),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        end = time.monotonic() + 30
        while not place.host.log and time.monotonic() < end:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        _, error = process.communicate(timeout=30)
    assert process.returncode == 130, error
    assert time.monotonic() - began < 5
    assert b"Traceback" not in error
    assert place.content("Dockerfile") == DOCKERFILE


def test_what_is_too_young_waits_unless_it_is_asked_for(tmp_path: Path) -> None:
    with Simulator() as simulator:
        world = World(simulator, tmp_path)
        world.push("alpine:3.22", 300)
        world.push("alpine:3.23", 1)
        world.file("Dockerfile", "FROM alpine:3.22")
        waiting = run(world.root, "update", "--write", **world.environ)
        assert waiting.code == 0
        assert "not taken:\n  alpine:3.22\n" in waiting.out
        assert run(world.root, "update", "--write", "--any-age", **world.environ).code == 0
    assert (world.root / "Dockerfile").read_text() == "FROM alpine:3.23\n"


def test_another_system_behind_the_same_tag_is_never_written(tmp_path: Path) -> None:
    with Simulator() as simulator:
        world = World(simulator, tmp_path)
        old = world.push("python:3.12-slim", 400, config=debian("bookworm"))
        world.push("python:3.12-slim", 100, config=debian("trixie"))
        text = f"FROM python:3.12-slim@{old.digest}"
        world.file("Dockerfile", text)
        outcome = run(world.root, "update", "--write", **world.environ)
    assert outcome.code == 0, outcome.err
    assert "another operating system behind the same tag: debian 12 → debian 13" in outcome.out
    assert (world.root / "Dockerfile").read_text() == f"{text}\n"


@pytest.mark.component("registry")
def test_a_real_registry_with_real_images(
    real_registries: RealRegistries,
    image_layout: Path,
    tmp_path: Path,
) -> None:
    held = images.named(image_layout)
    tags = {"1.0": "debian-12", "1.1": "debian-12-docker", "2.0": "debian-13"}
    for tag, name in tags.items():
        real_registries.pusher.push(image_layout, "update/base", tag, held[name])
    address = real_registries.start("anonymous").address
    settings = tmp_path / "settings.toml"
    settings.write_text(f'[registry."{address}"]\nhttp = true\nprivate = true\n')
    root = tmp_path / "tree"
    root.mkdir()
    (root / "Dockerfile").write_text(f"ARG V=1.0\nFROM {address}/update/base:$V\n")
    arguments = ("update", "--any-age", "--write", "--pin-digests", "--kind")
    environ = {"BASEKEEPER_SETTINGS": str(settings)}
    outcome = run(root, *arguments, "minor", **environ)
    assert outcome.code == 0, outcome.err
    pinned_text = f"ARG V=1.1@{held['debian-12-docker']['digest']}\n"
    assert (root / "Dockerfile").read_text() == f"{pinned_text}FROM {address}/update/base:$V\n"
    withheld = run(root, *arguments, "major", **environ)
    assert withheld.code == 0
    assert "debian 12 → debian 13" in withheld.out
    assert (root / "Dockerfile").read_text().startswith(pinned_text)
    assert run(root, *arguments, "major", "--kind", "os", **environ).code == 0
    after = (root / "Dockerfile").read_text()
    assert after.startswith(f"ARG V=2.0@{held['debian-13']['digest']}\n")


@pytest.mark.slow
def test_a_killed_write_leaves_whole_files_and_the_next_one_finishes(place: Place) -> None:
    old, new = b"FROM alpine:3.20\n" + b"# x\n" * 5000, b"FROM alpine:3.23\n" + b"# x\n" * 5000
    paths = [f"s{number}/Dockerfile" for number in range(150)]
    killed = 0
    for patience in (0.0, 0.01, 0.02, 0.05, 0.1, 0.2):
        for path in paths:
            place.save(path, old)
        with subprocess.Popen(
            [sys.executable, "-m", "basekeeper", "update", "--any-age", "--write"],
            cwd=place.root,
            env=environment(place.root.parent),
            stdout=subprocess.DEVNULL,
        ) as process:
            while process.poll() is None and not litter(place):
                time.sleep(0.001)
            time.sleep(patience)
            process.kill()
        killed += process.returncode == -signal.SIGKILL
        assert all(place.content(path) in (old, new) for path in paths)
        assert place.update("--write").code == 0
        assert all(place.content(path) == new for path in paths)
        assert not litter(place)
    assert killed


def litter(place: Place) -> list[Path]:
    return list(place.root.rglob(".basekeeper-*.tmp"))
