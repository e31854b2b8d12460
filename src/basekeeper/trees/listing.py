"""Listing the files of a working tree: git says what is ignored; without git, a plain walk."""

from __future__ import annotations

import os
import re
from collections import deque
from typing import TYPE_CHECKING, Final

from basekeeper.process import Child, Limits, ProcessError, ProgramMissing
from basekeeper.trees.shadow import GIT_HINT, find_repository, shadow
from basekeeper.values.use import Skipped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from basekeeper.trees.shadow import Repository

PLAIN_WALK_EXCLUDES: Final = frozenset({".git", ".hg", ".svn", "node_modules", "__pycache__"})
"""Directories that a walk without git does not enter, for want of a `.gitignore`."""

MAX_NESTING: Final = 16
"""Repositories inside repositories that are followed, when they are followed at all."""

MAX_DIRECTORY_DEPTH: Final = 256
"""Directories below directories that a plain walk enters."""

GIT_LIMITS: Final = Limits(timeout=120.0, max_output_bytes=1024 * 1024)
"""Seconds without any answer (a slow disk, a huge index), and bytes of one entry."""

_CLOSED_DIRECTORY: Final = re.compile(rb"warning: could not open directory '(.*?)/?': (.*)")
_TRACKED: Final = re.compile(rb"([0-7]{6}) [0-9a-f]+ [0-3]\t(.*)", re.DOTALL)
_GITLINK: Final = b"160000"


class _Unusable(Exception):  # noqa: N818  # never leaves this module
    """git could not answer, and said why."""


def list_with_git(root: Path, *, follow_nested: bool, depth: int = 0) -> Iterator[str | Skipped]:
    """Yield the files below a root that git tracks, or neither tracks nor ignores.

    Outside any repository `.gitignore` files hold all the same. Other repositories below the
    root, submodules included, are named as skipped unless `follow_nested`. A repository whose
    index cannot be read is listed without it, and says so.

    Raises:
        ProgramMissing: git is not installed.
    """
    repository = find_repository(root)
    nested: list[str] = []
    try:
        count = 0
        for found in _ask(root, repository, nested, with_index=True):
            count += 1
            yield found
        if count == 0 and repository is not None and repository.top != root:
            # The user named a directory that the repository around it ignores: read it anyway.
            yield from _ask(root, None, nested, with_index=False)
    except _Unusable as problem:
        hint = "run `git status` there to see what is wrong"
        yield Skipped(".git", None, f"git cannot read the repository: {problem}", hint, fatal=False)
        yield from _without_index(root, nested)
    for path in nested:
        yield from _nested(root, path, follow=follow_nested, depth=depth)


def _without_index(root: Path, nested: list[str]) -> Iterator[str | Skipped]:
    """List by `.gitignore` alone, and plainly where even that fails."""
    try:
        yield from _ask(root, None, nested, with_index=False)
    except _Unusable:
        yield from walk_plainly(root)


def _nested(root: Path, path: str, *, follow: bool, depth: int) -> Iterator[str | Skipped]:
    """Yield what a repository below the root holds, or that it was left out."""
    inner = root / path
    if inner.is_symlink() or not inner.is_dir() or not any(inner.iterdir()):
        return
    if not follow or depth >= MAX_NESTING:
        yield Skipped(
            path,
            None,
            "is another repository (a submodule or a nested clone)",
            "survey it by itself, or let discovery follow submodules",
            fatal=False,
        )
        return
    for found in list_with_git(inner, follow_nested=True, depth=depth + 1):
        if isinstance(found, str):
            yield f"{path}/{found}"
        else:
            yield Skipped(f"{path}/{found.path}", None, found.reason, found.hint, found.fatal)


def _ask(
    root: Path, repository: Repository | None, nested: list[str], *, with_index: bool
) -> Iterator[str | Skipped]:
    """Stream `git ls-files`; other repositories are appended to `nested`.

    Raises:
        _Unusable: git ended with an error; nothing was yielded before.
    """
    top = repository.top if repository is not None else root
    with shadow(top, repository, with_index=with_index) as place:
        argv = [
            place.git,
            "ls-files",
            "-z",
            "--stage",
            "--cached",
            "--others",
            "--exclude-standard",
        ]
        try:
            with Child(argv, cwd=root, env=place.env, limits=GIT_LIMITS) as git:
                last = ""
                for record in git.records(b"\0"):
                    path = _path(record, nested)
                    if path is not None and path != last:
                        last = path
                        yield path
                if git.wait() != 0:
                    raise _Unusable(_first_line(git.stderr))
                yield from _closed_directories(git.stderr)
        except ProcessError as error:
            raise _Unusable(error.message) from error


def _path(record: bytes, nested: list[str]) -> str | None:
    """Return the path of one entry, or None and remember it where it is a repository."""
    tracked = _TRACKED.fullmatch(record)
    path = os.fsdecode(tracked[2] if tracked else record)
    if path.endswith("/"):
        nested.append(path[:-1])
        return None
    if tracked is not None and tracked[1] == _GITLINK:
        nested.append(path)
        return None
    return path


def _closed_directories(stderr: bytes) -> Iterator[Skipped]:
    """Read from git's warnings which directories it could not enter."""
    for line in stderr.splitlines():
        match = _CLOSED_DIRECTORY.fullmatch(line)
        if match is not None:
            yield _closed(os.fsdecode(match[1]), match[2].decode("utf-8", "replace"))


def _first_line(stderr: bytes) -> str:
    lines = stderr.decode("utf-8", "replace").splitlines()
    return lines[0][:200].removeprefix("fatal: ") if lines else "it gave no reason"


def _closed(path: str, reason: str) -> Skipped:
    return Skipped(
        path,
        None,
        f"is a directory that cannot be read: {reason}",
        "give this user the right to read it, or exclude it",
    )


def walk_plainly(root: Path) -> Iterator[str | Skipped]:
    """Yield every file below a root, ignored or not; links to directories are not entered."""
    waiting = deque([("", 0)])
    while waiting:
        prefix, depth = waiting.popleft()
        try:
            with os.scandir(root / prefix) as entries:
                for entry in entries:
                    path = prefix + entry.name
                    if not entry.is_dir(follow_symlinks=False):
                        yield path
                    elif entry.name not in PLAIN_WALK_EXCLUDES and depth < MAX_DIRECTORY_DEPTH:
                        waiting.append((path + "/", depth + 1))
        except OSError as error:
            yield _closed(prefix.rstrip("/") or ".", error.strerror or str(error))


def list_files(
    root: Path, *, respect_gitignore: bool, follow_nested: bool
) -> Iterator[str | Skipped]:
    """Yield every file below a root that is to be looked at, and what kept the walk out of places.

    Without git, or where `.gitignore` is not to be respected, everything is walked except
    version control, `node_modules` and byte code.
    """
    if not respect_gitignore:
        yield from walk_plainly(root)
        return
    try:
        yield from list_with_git(root, follow_nested=follow_nested)
    except ProgramMissing:
        reason = "git is not installed: ignored files are read as well"
        yield Skipped(".gitignore", None, reason, GIT_HINT, fatal=False)
        yield from walk_plainly(root)
