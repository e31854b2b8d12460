"""Asking git about a repository without obeying that repository.

git runs with a directory of its own that borrows only inert parts of the real one: index,
objects, references, excludes. The configuration of the scanned repository, its hooks, filters,
file system monitor and attributes are never read; nor are those of the user, so that the answer
is the same on every machine.
"""

from __future__ import annotations

import os
import re
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from basekeeper.folders import PrivateFolder
from basekeeper.process import find_program
from basekeeper.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_SMALL_FILE_BYTES: Final = 65_536
"""Read of a `.git` file, `HEAD`, `commondir` or `config`; real ones have less than a few kB."""

GIT_HINT: Final = "install git (Debian, Ubuntu: apt-get install git)"

_OBJECT_FORMAT: Final = re.compile(rb"(?im)^[ \t]*objectformat[ \t]*=[ \t]*\"?sha256\b")
_REF_FORMAT: Final = re.compile(rb"(?im)^[ \t]*refstorage[ \t]*=[ \t]*\"?reftable\b")
_BORROWED: Final = ("packed-refs", "logs", "shallow", "reftable")


@dataclass(frozen=True, slots=True)
class Repository:
    """Where the parts of a git repository lie."""

    top: Path
    """The directory that holds `.git`."""
    git_dir: Path
    """Holds `HEAD` and `index` of this work tree."""
    common_dir: Path
    """Holds objects and references; the same as `git_dir` except in a linked work tree."""


@dataclass(frozen=True, slots=True)
class Shadow:
    """A git directory of our own, in place for as long as `shadow` is entered."""

    git: str
    """Absolute path of the program."""
    directory: Path
    top: Path

    @property
    def env(self) -> dict[str, str]:
        """The whole environment of git."""
        return {
            "PATH": os.defpath,
            "LC_ALL": "C",
            "HOME": str(self.directory),
            "GIT_DIR": str(self.directory),
            "GIT_WORK_TREE": str(self.top),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_ALLOW_PROTOCOL": "none",
        }


def find_repository(start: Path) -> Repository | None:
    """Return the repository that a directory lies in; None where there is none."""
    for directory in (start, *start.parents):
        git_dir = _git_dir(directory / ".git")
        if git_dir is not None and (git_dir / "HEAD").is_file():
            return Repository(directory, git_dir, _common_dir(git_dir))
    return None


@contextmanager
def shadow(
    top: Path, repository: Repository | None, *, with_index: bool = True
) -> Iterator[Shadow]:
    """Make a git directory beside nothing, for `top` as the work tree.

    Args:
        top: The work tree.
        repository: Whose index, objects, references and excludes to borrow; None: an empty one.
        with_index: False to leave the index out.

    Raises:
        ProgramMissing: git is not installed.
    """
    git = find_program("git", hint=GIT_HINT)
    with PrivateFolder("git") as folder:  # holds only links and small files
        _furnish(folder.path, repository, with_index=with_index)
        yield Shadow(git, folder.path, top)


def _furnish(directory: Path, repository: Repository | None, *, with_index: bool) -> None:
    """Fill our git directory."""
    (directory / "info").mkdir()
    config = b"[core]\n\trepositoryformatversion = 1\n\tbare = false\n[extensions]\n\tnoop = true\n"
    head = b"ref: refs/heads/none\n"
    if repository is None:
        (directory / "objects").mkdir()
        (directory / "refs").mkdir()
    else:
        theirs = _small(repository.common_dir / "config")
        config += b"\tobjectformat = sha256\n" if _OBJECT_FORMAT.search(theirs) else b""
        config += b"\trefstorage = reftable\n" if _REF_FORMAT.search(theirs) else b""
        head = _small(repository.git_dir / "HEAD") or head
        _borrow(directory, repository, with_index=with_index)
    (directory / "config").write_bytes(config)
    (directory / "HEAD").write_bytes(head)


def _borrow(directory: Path, repository: Repository, *, with_index: bool) -> None:
    """Link the inert parts of a repository into our git directory."""
    common, own = repository.common_dir, repository.git_dir
    for name in ("objects", "refs"):
        (directory / name).symlink_to(common / name)
    for name in _BORROWED:
        if (common / name).exists():
            (directory / name).symlink_to(common / name)
    if (common / "info" / "exclude").is_file():
        (directory / "info" / "exclude").symlink_to(common / "info" / "exclude")
    if (own / "info" / "sparse-checkout").is_file():
        (directory / "info" / "sparse-checkout").symlink_to(own / "info" / "sparse-checkout")
    for name in ("FETCH_HEAD", "ORIG_HEAD", "MERGE_HEAD"):
        if (own / name).is_file():
            (directory / name).symlink_to(own / name)
    if with_index and (own / "index").is_file():
        (directory / "index").symlink_to(own / "index")
        for part in own.glob("sharedindex.*"):
            (directory / part.name).symlink_to(part)


def _git_dir(dot_git: Path) -> Path | None:
    """Follow `.git`: a directory, or a file that names one."""
    try:
        if dot_git.is_dir():
            return dot_git
        if not dot_git.is_file():
            return None
    except OSError:
        return None
    text = _small(dot_git)
    if not text.startswith(b"gitdir:"):
        return None
    return dot_git.parent / os.fsdecode(text[7:].strip().replace(b"\0", b""))


def _common_dir(git_dir: Path) -> Path:
    """Follow `commondir` of a linked work tree."""
    text = _small(git_dir / "commondir").strip().replace(b"\0", b"")
    return git_dir / os.fsdecode(text) if text else git_dir


def _small(path: Path) -> bytes:
    """Read the start of a regular file; empty where it cannot be read."""
    with suppress(OSError):
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        try:
            if stat.S_ISREG(os.fstat(file).st_mode):
                return os.read(file, MAX_SMALL_FILE_BYTES)
        finally:
            os.close(file)
    return b""
