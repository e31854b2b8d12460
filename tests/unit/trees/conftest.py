"""Repositories to look at, and a user without rights."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager


class Git(Protocol):
    """Runs git."""

    def __call__(self, *argv: str, cwd: Path = ...) -> str: ...


class Write(Protocol):
    """Writes a file."""

    def __call__(self, path: str, content: str | bytes = ...) -> Path: ...


class Powerless(Protocol):
    """Takes rights away for a while."""

    def __call__(self) -> AbstractContextManager[None]: ...


NOBODY = 65534


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file below the test's directory."""

    def make(path: str, content: str | bytes = "FROM alpine\n") -> Path:
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode())
        return target

    return make


@pytest.fixture
def git(tmp_path: Path) -> Git:
    """Run git in the test's directory, with no configuration but the repository's."""
    env = {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com",
        "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.com",
    }  # fmt: skip

    def run(*argv: str, cwd: Path = tmp_path) -> str:
        done = subprocess.run(
            ["git", "-c", "protocol.file.allow=always", "-c", "init.defaultBranch=main", *argv],
            cwd=cwd, env=env, check=True, capture_output=True, text=True,
        )  # fmt: skip
        return done.stdout.strip()

    return run


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """Make a directory that every user may enter."""
    path = Path(tempfile.mkdtemp(prefix="basekeeper-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@contextmanager
def without_rights() -> Iterator[None]:
    """Be a user to whom permissions apply, also where the tests run as root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def powerless() -> Powerless:
    """Give tests `without_rights`, which cannot be imported from here."""
    return without_rights
