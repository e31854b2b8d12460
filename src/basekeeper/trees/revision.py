"""The files of a repository at one git revision, read from its objects; nothing is checked out."""

from __future__ import annotations

import os
import posixpath
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from basekeeper.errors import InputError
from basekeeper.process import Child, Limits, ProcessError, run
from basekeeper.trees.shadow import Shadow, find_repository, shadow
from basekeeper.trees.tree import MAX_FILE_BYTES, binary, is_binary, join, too_large
from basekeeper.values.use import Skipped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

MAX_LINKS: Final = 40
"""Links followed on the way to one file, as the kernel does (MAXSYMLINKS)."""

MAX_LINK_BYTES: Final = 4096
"""Longest target of a link, as in the kernel (PATH_MAX)."""

_LIMITS: Final = Limits(timeout=60.0, max_output_bytes=MAX_FILE_BYTES + 1024)
_LINK: Final = "120000"
_COMMIT: Final = "160000"


class _Entry(NamedTuple):
    mode: str
    object_id: str


class GitTree:
    """The files below a directory as a commit has them. Implements `basekeeper.trees.tree.Tree`."""

    def __init__(self, root: str | Path, ref: str) -> None:
        """Find a revision; use it in a `with` block, or close it.

        Args:
            root: A directory in a working tree; paths are relative to it.
            ref: Anything that `git rev-parse` understands as a commit.

        Raises:
            InputError: There is no such directory, it is in no repository, or it has no such
                revision.
            ProgramMissing: git is not installed.
        """
        top = Path(root)
        top = (top if top.is_dir() else top.parent).resolve()
        repository = find_repository(top)
        if repository is None:
            raise InputError(
                f"path {str(root)!r} is in no git repository, so {ref!r} cannot be looked up",
                hint="name a directory inside a clone",
            )
        self._label = f"{root} at {ref}"
        self._entries: dict[str, _Entry] | None = None
        self._prefix = os.path.relpath(top, repository.top)
        self._stack = ExitStack()
        try:
            place = shadow(repository.top, repository, with_index=False)
            self._shadow = self._stack.enter_context(place)
            self.commit = _resolve(self._shadow, ref)
            """The full id of the commit."""
        except BaseException:
            self._stack.close()
            raise
        self._children: dict[str, Child] = {}

    def __enter__(self) -> Self:
        """Return the tree."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the tree."""
        self.close()

    def close(self) -> None:
        """End git; safe to call twice."""
        self._stack.close()
        self._children.clear()

    def fork_commit(self) -> str | None:
        """Return where what is checked out left this revision: their nearest common commit.

        None where there is none, or where the clone is too shallow to tell.
        """
        place = self._shadow
        argv = [place.git, "merge-base", self.commit, "HEAD"]
        done = run(argv, cwd=place.directory, env=place.env)
        return done.stdout.decode("ascii").strip() if done.returncode == 0 else None

    @property
    def label(self) -> str:
        """The root as the user wrote it, and the revision."""
        return self._label

    def files(self) -> Iterator[str | Skipped]:
        """Yield every file of the revision; submodules are named as skipped."""
        for path, entry in self._listing().items():
            if entry.mode == _COMMIT:
                yield Skipped(
                    path, None, "is another repository (a submodule)", "survey it by itself",
                    fatal=False,
                )  # fmt: skip
            else:
                yield path

    def exists(self, path: str) -> bool:
        """Tell whether the revision holds a file or a link of that path."""
        entry = self._listing().get(path)
        return entry is not None and entry.mode != _COMMIT

    def real_path(self, path: str) -> str | Skipped:
        """Follow the links of a path, within the root."""
        done: list[str] = []
        todo = path.split("/")
        left = MAX_LINKS
        while todo:
            done.append(todo.pop(0))
            here = "/".join(done)
            entry = self._listing().get(here)
            if entry is None or entry.mode != _LINK:
                continue
            left -= 1
            target = self._object(here, entry.object_id)
            if isinstance(target, Skipped):
                return target
            if left < 0 or len(target) > MAX_LINK_BYTES:
                reason = "is a link that leads in a circle"
                return Skipped(path, None, reason, "correct or remove the link")
            followed = join("/".join(done[:-1]), os.fsdecode(target))
            if followed is None:
                return Skipped(path, None, "leads out of the tree", "survey a directory above")
            todo = [*followed.split("/"), *todo]
            done = []
        real = posixpath.normpath("/".join(done))
        if real not in self._listing():
            reason = "does not exist" if real == path else "is a link to nothing"
            return Skipped(path, None, reason)
        return real

    def read(self, path: str) -> bytes | Skipped:
        """Read a text file of at most 16 MiB; links are followed within the root."""
        real = self.real_path(path)
        if isinstance(real, Skipped):
            return real
        entry = self._listing()[real]
        if entry.mode == _COMMIT:
            return Skipped(path, None, "is not a regular file")
        data = self._object(path, entry.object_id)
        return binary(path) if isinstance(data, bytes) and is_binary(data) else data

    def _listing(self) -> dict[str, _Entry]:
        """Return every entry of the revision, asked for once."""
        if self._entries is None:
            self._entries = dict(self._list())
        return self._entries

    def _list(self) -> Iterator[tuple[str, _Entry]]:
        """Stream `git ls-tree`."""
        subject = self.commit if self._prefix == "." else f"{self.commit}:{self._prefix}"
        argv = [self._shadow.git, "ls-tree", "-r", "-z", "--full-tree", subject]
        with Child(argv, cwd=self._shadow.directory, env=self._shadow.env, limits=_LIMITS) as git:
            for record in git.records(b"\0"):
                head, _, name = record.partition(b"\t")
                mode, _, object_id = head.decode("ascii", "replace").split(" ")[:3]
                yield os.fsdecode(name), _Entry(mode, object_id)
            # A revision from before the directory was made holds nothing below it.
            if git.wait() != 0 and b"Not a valid object name" not in git.stderr:
                raise InputError(
                    f"git cannot list {self._label}: {_said(git.stderr)}",
                    hint="fetch the whole history (git fetch --unshallow)",
                )

    def _object(self, path: str, object_id: str) -> bytes | Skipped:
        """Read one object, after asking how large it is."""
        answer = (self._ask("--batch-check", object_id) or b"missing").split()
        if len(answer) != 3:  # noqa: PLR2004  # id, kind and size; else the reason
            return Skipped(
                path,
                None,
                "is missing from the clone",
                "fetch it (git fetch --refetch), or use a full clone",
            )
        size = int(answer[2])
        if size > MAX_FILE_BYTES:
            return too_large(path, size)
        self._ask("--batch", object_id)
        return self._child("--batch").read_exactly(size + 1)[:-1]

    def _ask(self, mode: str, object_id: str) -> bytes | None:
        """Send an id to `git cat-file` and return the first line of its answer."""
        child = self._child(mode)
        child.send(f"{object_id}\n".encode())
        return child.read_until(b"\n")

    def _child(self, mode: str) -> Child:
        """Return the `git cat-file` that answers in this mode, started when first needed."""
        if mode not in self._children:
            place = self._shadow
            argv = [place.git, "cat-file", mode]
            child = Child(argv, cwd=place.directory, env=place.env, limits=_LIMITS)
            self._children[mode] = self._stack.enter_context(child)
        return self._children[mode]


def _resolve(place: Shadow, ref: str) -> str:
    """Return the id of the commit that a name stands for."""
    argv = [place.git, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"]
    try:
        done = run(argv, cwd=place.directory, env=place.env)
    except ProcessError as error:  # a name with a NUL byte cannot even be handed over
        raise _unknown(ref) from error
    if done.returncode != 0:
        raise _unknown(ref)
    return done.stdout.decode("ascii").strip()


def _unknown(ref: str) -> InputError:
    return InputError(
        f"revision {ref!r} is not in this clone",
        hint="name a branch, tag or commit that exists; in CI, fetch it first (git fetch origin)",
    )


def _said(stderr: bytes) -> str:
    return stderr.decode("utf-8", "replace").strip().removeprefix("fatal: ")[:200]
