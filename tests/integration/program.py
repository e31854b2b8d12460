"""Runs the program as a user would, over copies of small repositories."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from basekeeper.cli.main import main

REPOS = Path(__file__).parents[1] / "data" / "repos"
SNAPSHOTS = Path(__file__).parents[1] / "data" / "snapshots"
NOW = "2026-11-23T08:00:00Z"

TIMED = {"check", "list", "explain", "outdated", "update"}
"""Verbs whose result depends on the day."""


@dataclass(frozen=True)
class Outcome:
    """What a run came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)


def copy_repo(name: str, target: Path) -> Path:
    """Copy a repository of the test data to where no other repository is around it."""
    root = target / name
    shutil.copytree(REPOS / name, root)
    return root


def environment(home: Path, **more: str) -> dict[str, str]:
    """An environment with nothing of who runs the tests."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", **more}


def run(root: Path, *arguments: str, **more: str) -> Outcome:
    """Run the program in this process, in a directory, without a terminal."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    with (
        contextlib.chdir(root),
        mock.patch.dict(os.environ, environment(root.parent, **more), clear=True),
        mock.patch.multiple(sys, stdout=out, stderr=err),
    ):
        try:
            code = main(timed(arguments))
        except SystemExit as end:  # the library's completion ends the process itself
            code = int(end.code or 0)
        out.flush()
        err.flush()
    return Outcome(
        code, *(each.buffer.getvalue().decode("utf-8", "surrogateescape") for each in (out, err))
    )


def spawn(root: Path, *arguments: str, **more: str) -> Outcome:
    """Run the program in a process of its own, in a directory, without a terminal."""
    done = subprocess.run(
        [sys.executable, "-m", "basekeeper", *timed(arguments)],
        cwd=root,
        env=environment(root.parent, **more),
        capture_output=True,
        check=False,
        timeout=60,
    )
    return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())


def timed(arguments: tuple[str, ...]) -> list[str]:
    """Fix the instant of a run whose result depends on it, and keep a check off the network.

    `--online` is no option of the program: it only asks for a check that may use the network.
    """
    given = [one for one in arguments if one != "--online"]
    if given[:1] == ["check"] and given == list(arguments) and "--offline" not in given:
        given.append("--offline")
    if arguments and arguments[0] in TIMED and "--now" not in arguments:
        given += ["--now", NOW]
    return given


def git(root: Path, *arguments: str) -> None:
    """Run git in a repository, by nobody in particular."""
    subprocess.run(
        ["git", "-c", "user.name=n", "-c", "user.email=n@example.com", *arguments],
        cwd=root,
        env=environment(root.parent, GIT_CONFIG_NOSYSTEM="1"),
        check=True,
        capture_output=True,
    )


def commit(root: Path, message: str) -> None:
    """Commit everything."""
    if not (root / ".git").exists():
        git(root, "init", "-q", "-b", "main")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", message)
