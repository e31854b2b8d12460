"""What is built was written by strangers: it reaches nothing, takes no more than it may, and ends.

Each of these builds tries something; what it must not reach lies beside it and is looked at after.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from basekeeper.builders.buildah import Buildah
from basekeeper.values.building import Failure
from tests.contract.builder_kinds import LIMITS, builder_images, yard
from tests.contract.test_builders import built, failed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.contract.builder_kinds import Yard

__all__ = ["builder_images", "yard"]

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to set the trap")


def running(marker: str) -> list[str]:
    """Command lines of this machine's processes that hold a text."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = place.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if marker in words:
            found.append(words)
    return found


@contextmanager
def listener() -> Iterator[tuple[int, list[object]]]:
    """A port of this machine's loopback, and who came."""
    came: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        ended = threading.Event()

        def serve() -> None:
            while not ended.is_set():
                try:
                    connection, address = server.accept()
                except TimeoutError:
                    continue
                came.append(address)
                connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1], came
        finally:
            ended.set()
            thread.join()


def test_a_build_that_hangs_is_ended_with_all_that_it_started(yard: Yard) -> None:
    text = "FROM debian:11\nRUN sleep 98761 & (sleep 98761 &) ; echo begun; sleep 98761\n"
    found = failed(yard.build(text, limits=replace(LIMITS, seconds=8)))
    assert found.failure is Failure.LIMIT
    assert found.reason == "time: more than 8 seconds"
    assert "begun" in found.log.tail
    assert found.seconds < 30
    assert running("sleep 98761") == []


def test_what_a_build_leaves_running_is_ended(yard: Yard) -> None:
    text = "FROM debian:11\nRUN (trap '' HUP TERM; sleep 98762 >/dev/null 2>&1) & echo left\n"
    assert "left" in built(yard.build(text)).log.tail
    assert running("sleep 98762") == []


def test_a_build_that_breeds_processes_is_held(yard: Yard) -> None:
    text = "FROM debian:11\nRUN f() { f | f & }; f; sleep 98763\n"
    limits = replace(LIMITS, seconds=12, processes=150)
    assert failed(yard.build(text, limits=limits)).failure in {Failure.LIMIT, Failure.BUILD}
    assert running("f() {") == []


def test_a_build_that_fills_the_memory_is_ended(yard: Yard) -> None:
    text = "FROM debian:11\nRUN dd if=/dev/zero of=/dev/null bs=900M count=100000\n"
    found = failed(yard.build(text, limits=replace(LIMITS, memory_bytes=500 * 1024**2)))
    assert found.failure is Failure.LIMIT
    assert "memory" in found.reason


def test_a_build_that_fills_the_disk_is_ended(yard: Yard) -> None:
    text = (
        "FROM debian:11\nRUN for i in $(seq 100); do dd if=/dev/zero of=/f$i bs=1M count=40; done;"
        " sleep 98764\n"
    )
    found = failed(yard.build(text, limits=replace(LIMITS, disk_bytes=400 * 1024**2)))
    assert found.failure is Failure.LIMIT
    assert "disk" in found.reason


@AS_ROOT
@pytest.mark.parametrize("size", ["1m", "20m", "80m"])
def test_a_disk_that_is_full_is_a_limit(yard: Yard, size: str) -> None:
    small = yard.folder / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(small)]
    subprocess.run(mount, check=True, capture_output=True)
    try:
        yard.file("Dockerfile", "FROM debian:11\nRUN dd if=/dev/zero of=/f bs=1M count=200\n")
        builder = Buildah(str(yard.program), small)
        limits = replace(LIMITS, spare_bytes=0)
        found = failed(builder.build(yard.request(limits=limits)))
        assert found.failure is Failure.LIMIT
        assert "space" in found.reason
        assert list(small.iterdir()) == []
    finally:
        subprocess.run(["umount", str(small)], check=True)
    assert not (yard.folder / "out").exists()


def test_a_build_that_says_too_much_is_ended(yard: Yard) -> None:
    found = failed(
        yard.build("FROM debian:11\nRUN yes\n", limits=replace(LIMITS, output_bytes=100_000))
    )
    assert found.failure is Failure.LIMIT
    assert found.log.size == 100_000
    assert len(found.log.tail) <= 8_000


def test_nothing_of_our_environment_is_seen(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "HTTPS_PROXY", "BUILDAH_FORMAT"):
        monkeypatch.setenv(name, "of-ours-alone")
    text = "FROM debian:11\nRUN env; cat /proc/*/environ; cat /proc/*/cmdline; echo whole\n"
    found = built(yard.build(text))
    assert "whole" in found.log.tail
    assert "of-ours-alone" not in found.log.tail
    assert "of-ours-alone" not in repr(found)


def test_secret_build_arguments_are_in_no_log_and_on_no_command_line(yard: Yard) -> None:
    secret = "s3cret-by-its-name"  # noqa: S105  # that is what it must look like
    seen: list[str] = []
    ended = threading.Event()

    def look() -> None:
        while not ended.is_set():
            seen.extend(running(secret))
            time.sleep(0.02)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        text = "FROM debian:11\nARG NPM_TOKEN\nARG OTHER\nRUN echo $NPM_TOKEN; sleep 1; exit 1\n"
        found = failed(yard.build(text, args={"NPM_TOKEN": secret, "OTHER": "plain"}))
    finally:
        ended.set()
        thread.join()
    assert "[secret]" in found.log.tail
    assert secret not in repr(found)
    # A shell that a build starts itself is given what the file has it say; we say nothing.
    assert [words for words in seen if "buildah" in words and "build " in words] == []


@pytest.mark.parametrize("network", [False, True])
def test_the_network_is_reached_only_where_that_was_asked_for(yard: Yard, *, network: bool) -> None:
    with listener() as (port, came):
        text = (
            f"FROM debian:11\nRUN bash -c 'echo > /dev/tcp/127.0.0.1/{port}' && echo reached"
            " || echo not reached\n"
        )
        found = built(yard.build(text, network=network))
        time.sleep(0.3)
    assert bool(came) is network
    assert ("no network" in found.isolation.kind) is not network


@pytest.mark.parametrize(
    "instruction",
    [
        "RUN cat {outside}",
        "RUN --mount=type=bind,source=/,target=/h cat /h{outside}",
        "RUN --mount=type=bind,source=/../../../..,target=/h cat /h{outside}",
        "RUN --mount=type=bind,source=link,target=/h cat /h/outside",
        "RUN --mount=type=bind,source={folder},target=/h cat /h/outside",
        "RUN --mount=type=secret,id=s,target=/h,required=true cat /h",
        "COPY {outside} /h\nRUN cat /h",
        "COPY ../outside /h\nRUN cat /h",
        "COPY link/outside /h\nRUN cat /h",
        "ADD file://{outside} /h\nRUN cat /h",
        "RUN cat /proc/1/root{outside} /proc/*/root{outside} /proc/*/cwd/../outside",
        "RUN cp /etc/passwd /x; chroot /proc/1/root cat {outside}",
        "RUN mknod /d b 254 0 && head -c 10 /d && echo outside-of-all",
        "COPY hosts /h\nRUN cat /h && grep root /h",
    ],
)
def test_files_of_this_machine_are_not_reached(yard: Yard, instruction: str) -> None:
    outside = yard.folder / "outside"
    outside.write_text("outside-of-all")
    outside.chmod(0o644)
    for folder in (yard.folder, *yard.folder.parents):
        if folder.stat().st_uid == os.geteuid() and len(folder.parts) > 2:
            folder.chmod(folder.stat().st_mode | 0o111)
    (yard.context / "link").symlink_to("..")
    (yard.context / "hosts").symlink_to("/etc/shadow")
    line = instruction.format(outside=outside, folder=yard.folder)
    yard.build(f"FROM debian:11\n{line}; true\n")
    found = yard.build(f"FROM debian:11\n{line}\n", output="again")
    assert "outside-of-all" not in found.log.tail.replace("echo outside-of-all", "")
    failed(found)


@pytest.mark.parametrize("kind", ["fifo", "socket", pytest.param("device", marks=AS_ROOT)])
def test_what_is_no_file_is_refused_without_opening_it(yard: Yard, kind: str) -> None:
    trap = yard.context / "folder" / "trap"
    trap.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        if kind == "fifo":
            os.mkfifo(trap)
        elif kind == "device":
            os.mknod(trap, 0o600 | 0o020000, os.makedev(1, 5))
        else:
            with contextlib.chdir(trap.parent):  # its whole path may be too long for a socket
                server.bind("trap")
        found = failed(yard.build("FROM debian:11\nCOPY . /c\n"))
    assert found.failure is Failure.INPUT
    assert "folder/trap" in found.reason


def test_a_tree_that_is_too_large_is_refused(yard: Yard) -> None:
    for number in range(30):
        yard.file(f"many/{number}", "x")
    found = failed(yard.build("FROM debian:11\n", limits=replace(LIMITS, context_files=20)))
    assert "more than 20 files" in found.reason
    huge = yard.file("huge")
    os.truncate(huge, 2 * LIMITS.disk_bytes)
    assert "is larger" in failed(yard.build("FROM debian:11\n")).reason


@pytest.mark.slow
def test_twenty_thousand_files_can_be_built(yard: Yard) -> None:
    for folder in range(20):
        (yard.context / str(folder)).mkdir()
        for number in range(1000):
            (yard.context / str(folder) / str(number)).touch()
    text = "FROM debian:11\nCOPY . /c\nRUN ls /c/19 | wc -l\n"
    assert "1000" in built(yard.build(text, limits=replace(LIMITS, seconds=400))).log.tail


def test_folders_without_end_are_removed(yard: Yard) -> None:
    deep = "/".join(["d"] * 1500)
    text = f"FROM debian:11\nRUN mkdir -p /{deep[:3000]} && echo made; exit 1\n"
    assert "made" in failed(yard.build(text)).log.tail


KILLED = """\
import sys
from pathlib import Path
from basekeeper.builders.buildah import Buildah
from basekeeper.values.building import BuildRequest, BuildLimits
from basekeeper.values.scanning import LayoutImage
program, rooms, context, layout, digest = sys.argv[1:]
image = LayoutImage(path=Path(layout), digest=digest, platform="linux/amd64")
Buildah(program, Path(rooms)).build(
    BuildRequest(
        context=Path(context), dockerfile="Dockerfile", output=Path(rooms, "..", "out"),
        images={"docker.io/library/debian:11": image}, limits=BuildLimits(spare_bytes=0),
    )
)
"""


def test_nothing_outlives_us_when_we_are_killed(yard: Yard) -> None:
    yard.file("Dockerfile", "FROM debian:11\nRUN sleep 98765\n")
    image = yard.images["small"]
    words = [str(yard.program), str(yard.directory), str(yard.context), str(image.path)]
    victim = subprocess.Popen([sys.executable, "-c", KILLED, *words, image.digest])
    try:
        _wait_until(lambda: bool(running("sleep 98765")))
    finally:
        victim.send_signal(signal.SIGKILL)
        victim.wait()
    _wait_until(lambda: not running("sleep 98765"))
    (left,) = yard.directory.iterdir()
    built(yard.build("FROM debian:11\n"))
    assert left.exists(), "too young to be told from one that is being made"
    os.utime(left, (1, 1))
    built(yard.build("FROM debian:11\n", output="again"))
    assert not left.exists()


def _wait_until(holds: object) -> None:
    assert callable(holds)
    deadline = time.monotonic() + 40
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)
