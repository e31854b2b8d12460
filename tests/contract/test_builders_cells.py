"""Cells themselves, without a builder: what is seen in them, and how they end."""

from __future__ import annotations

import ctypes
import os
import platform
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from basekeeper.builders.cell import SCRIPT, Cells, Ended, empty_folder
from basekeeper.builders.failing import NoImage
from basekeeper.builders.identities import choose_identities
from basekeeper.builders.workspace import Workspace
from basekeeper.values.building import BuildLimits, Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LIMITS = BuildLimits(seconds=60, spare_bytes=0)
SHELL = "/bin/sh"


def unusable() -> str | None:
    """Why no cell can be made here."""
    if sys.platform != "linux":
        return "cells need Linux"
    try:
        identities = choose_identities()
    except NoImage as error:
        return error.reason
    made = subprocess.run(["unshare", "-U", "true"], check=False, capture_output=True)
    return None if made.returncode == 0 and identities.users else "no user namespaces"


pytestmark = pytest.mark.skipif(unusable() is not None, reason=str(unusable()))


@pytest.fixture
def space(tmp_path: Path) -> Iterator[Workspace]:
    identities = choose_identities()
    with Workspace(
        tmp_path, lambda folder: empty_folder(folder, identities), owner=identities.owner
    ) as made:
        yield made
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("basekeeper")] == []


@pytest.fixture
def run(space: Workspace) -> Callable[..., Ended]:
    def run(script: str, limits: BuildLimits = LIMITS, **rest: object) -> Ended:
        cells = Cells(space.open, choose_identities(), limits, program=SHELL, ended=None)
        environment = {"PATH": "/usr/bin:/bin"}
        return cells.run([SHELL, "-c", script], environment, **rest)  # type: ignore[arg-type]

    return run


@pytest.mark.parametrize(
    ("script", "status", "output"),
    [
        ("echo out; echo err >&2", 0, b"out\nerr\n"),
        ("exit 7", 7, b""),
        ("kill -9 $$", 137, b""),
        ("kill -XFSZ $$", 153, b""),
        ("kill -USR1 $$", 138, b""),
        ("kill -USR2 1; kill -KILL 1; kill -TERM 1; kill -USR1 1; echo still", 0, b"still\n"),
        ("id -u; id -g", 0, b"0\n0\n"),
        ("cat", 0, b""),
        ("cat /proc/1/environ | wc -c", 0, None),
        ("trap", 0, b""),
        ("ls /home /root 2>/dev/null | wc -l", 0, b"0\n"),
        ("touch /usr/x || echo no", 0, None),
        ("cat /etc/shadow || echo none", 0, None),
        ("hostname", 0, b"cell\n"),
        ("echo file > file; cat file; pwd >/dev/null", 0, b"file\n"),
        ("ls /proc | grep -c '^[0-9]'", 0, None),
    ],
)
def test_a_program_runs_and_ends(
    run: Callable[..., Ended], script: str, status: int, output: bytes | None
) -> None:
    found = run(script)
    assert found.passed is None
    assert found.status == status
    assert output is None or found.output == output


def test_only_the_folder_and_the_system_are_seen(run: Callable[..., Ended], tmp_path: Path) -> None:
    seen = run("ls /; echo; cat /proc/mounts; echo; ls /dev").output.decode()
    top, mounts, devices = seen.split("\n\n")
    allowed = {"bin", "dev", "etc", "lib", "lib32", "lib64", "libx32", "proc", "run", "sbin", "sys"}
    assert set(top.split()) <= allowed | {"tmp", "usr", "var"}
    places = [line.split()[1] for line in mounts.splitlines()]
    ours = [place for place in places if place.startswith(str(tmp_path))]
    assert len(ours) == 1
    known = ("/", "/usr", "/bin", "/sbin", "/lib", "/dev/", "/proc", *ours)
    assert [place for place in places if not place.startswith(known)] == []
    assert set(devices.split()) <= {
        "fd", "full", "null", "random", "shm", "stderr", "stdin", "stdout", "tty", "urandom",
        "zero",
    }  # fmt: skip


def test_only_its_own_processes_are_seen(run: Callable[..., Ended]) -> None:
    assert run("ps -e -o pid= | wc -l").output.strip() <= b"5"


def test_no_interface_but_a_loopback_of_its_own_is_seen(run: Callable[..., Ended]) -> None:
    found = run("cat /proc/net/dev").output.decode()
    assert [line.split(":")[0].strip() for line in found.splitlines() if ":" in line] == ["lo"]


def test_what_is_written_belongs_to_nobody_here(
    run: Callable[..., Ended], space: Workspace
) -> None:
    run("touch file; chown 7 file")
    owner = (space.open / "file").stat().st_uid
    assert owner not in (0, 7, os.geteuid())


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the number of a system call")
def test_our_keys_are_not_seen(run: Callable[..., Ended]) -> None:
    libc = ctypes.CDLL(None)
    added = libc.syscall(248, b"user", b"key-of-ours", b"secret", 6, -3)
    if added < 0:
        pytest.skip("no keys can be kept here")
    try:
        assert "key-of-ours" in Path("/proc/keys").read_text(encoding="utf-8")
        assert b"key-of-ours" not in run("cat /proc/keys").output
    finally:
        libc.syscall(250, 9, added, -3)


@pytest.mark.parametrize(
    ("script", "limits", "passed"),
    [
        ("sleep 50", replace(LIMITS, seconds=3), "time: more than 3 seconds"),
        ("yes", replace(LIMITS, output_bytes=1000), "output: more than 1000 bytes"),
        (
            "for i in 1 2 3 4; do head -c 9000000 /dev/zero > $i; done; sleep 50",
            replace(LIMITS, disk_bytes=20_000_000),
            "disk",
        ),
        (
            "dd if=/dev/zero bs=300M count=1000 of=/dev/null",
            replace(LIMITS, memory_bytes=200_000_000),
            "memory",
        ),
        ("sleep 50", replace(LIMITS, spare_bytes=2**62), "disk"),
    ],
)
def test_limits_end_a_cell(
    run: Callable[..., Ended], script: str, limits: BuildLimits, passed: str
) -> None:
    begun = time.monotonic()
    found = run(script, limits)
    assert found.passed is not None
    assert found.passed.startswith(passed)
    assert time.monotonic() - begun < 30


def test_no_program_is_begun_once_the_time_is_over(space: Workspace) -> None:
    cells = Cells(
        space.open, choose_identities(), replace(LIMITS, seconds=1), program=SHELL, ended=None
    )
    time.sleep(0.3)
    assert cells.run([SHELL, "-c", "touch begun"], {}).passed == "time: more than 1 seconds"
    assert not (space.open / "begun").exists()


@pytest.mark.parametrize("program", ["/missing", "relative", "/usr/bin/\0"])
def test_a_program_that_cannot_be_run_is_as_in_a_shell(space: Workspace, program: str) -> None:
    cells = Cells(space.open, choose_identities(), LIMITS, program=SHELL, ended=None)
    found = cells.run([program], {})
    assert found.status == 127
    assert b"cannot run" in found.output


def test_a_folder_that_is_gone_makes_no_cell(tmp_path: Path) -> None:
    cells = Cells(tmp_path / "gone", choose_identities(), LIMITS, program=SHELL, ended=None)
    with pytest.raises(NoImage, match="no cell could be made") as caught:
        cells.run([SHELL], {})
    assert caught.value.failure is Failure.BUILDER
    assert "user namespaces" in (caught.value.hint or "")


def test_folders_are_emptied_whatever_is_in_them(
    run: Callable[..., Ended], space: Workspace
) -> None:
    run(
        "mkdir -p a/b closed $(printf 'd/%.0s' $(seq 1500)); touch a/f closed/f; ln -s / a/l;"
        " chmod 0 closed; chown -R 7 a; mkfifo p"
    )
    empty_folder(space.open, choose_identities())
    assert list(space.open.iterdir()) == []


def test_the_script_stands_alone() -> None:
    imports = [
        line for line in SCRIPT.read_text(encoding="utf-8").splitlines()
        if line.startswith(("import ", "from "))
    ]  # fmt: skip
    assert not any("basekeeper" in line for line in imports)
