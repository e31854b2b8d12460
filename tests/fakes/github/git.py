"""A bare repository, by the plumbing of git itself."""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path


class GitError(Exception):
    """git refused."""


class Person(NamedTuple):
    """Author or committer."""

    name: str
    email: str


class Commit(NamedTuple):
    """One commit."""

    oid: str
    tree: str
    parents: tuple[str, ...]
    author: Person
    committer: Person
    message: str


class Row(NamedTuple):
    """One entry of a tree."""

    mode: str
    kind: str
    oid: str
    size: int | None
    path: str


@dataclass(frozen=True)
class Bare:
    """A bare repository in a directory."""

    path: Path

    @classmethod
    def init(cls, path: Path, branch: str = "main") -> Bare:
        """Make one."""
        made = cls(path)
        path.mkdir(parents=True)
        made.run("init", "-q", "--bare", "--initial-branch", branch, ".")
        return made

    def run(
        self, *words: str, given: bytes = b"", environment: Mapping[str, str] | None = None
    ) -> str:
        """Run git; what it refuses is a `GitError`."""
        return self.raw(*words, given=given, environment=environment).decode().rstrip("\n")

    def raw(
        self, *words: str, given: bytes = b"", environment: Mapping[str, str] | None = None
    ) -> bytes:
        """Run git, and return what it writes."""
        done = subprocess.run(
            ["git", *words], cwd=self.path, input=given, capture_output=True, check=False,
            env={"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull,
                 "GIT_CONFIG_NOSYSTEM": "1", **(environment or {})},
        )  # fmt: skip
        if done.returncode:
            raise GitError(done.stderr.decode())
        return done.stdout

    def blob(self, data: bytes) -> str:
        """Write a file."""
        return self.run("hash-object", "-w", "--stdin", given=data)

    def content(self, oid: str) -> bytes:
        """Read a file."""
        return self.raw("cat-file", "blob", oid)

    def kind(self, oid: str) -> str | None:
        """Tell what an object is; None where it is not there."""
        try:
            return self.run("cat-file", "-t", oid)
        except GitError:
            return None

    def tree(self, base: str | None, rows: list[tuple[str, str, str | None]]) -> str:
        """Write a tree: mode, path and oid (None: removed) over another tree."""
        with tempfile.TemporaryDirectory() as place:
            index = {"GIT_INDEX_FILE": f"{place}/index"}
            if base is not None:
                self.run("read-tree", base, environment=index)
            zero = "0" * 40
            lines = [f"{mode if oid else 0} {oid or zero}\t{where}\n" for mode, where, oid in rows]
            given = "".join(lines).encode()
            self.run("update-index", "--index-info", given=given, environment=index)
            return self.run("write-tree", environment=index)

    def commit(  # noqa: PLR0913, PLR0917
        self,
        tree: str,
        parents: tuple[str, ...],
        message: str,
        author: Person,
        committer: Person,
        at: datetime,
    ) -> str:
        """Write a commit."""
        when = f"{int(at.timestamp())} +0000"
        environment = {
            "GIT_AUTHOR_NAME": author.name, "GIT_AUTHOR_EMAIL": author.email,
            "GIT_AUTHOR_DATE": when, "GIT_COMMITTER_NAME": committer.name,
            "GIT_COMMITTER_EMAIL": committer.email, "GIT_COMMITTER_DATE": when,
        }  # fmt: skip
        words = [word for parent in parents for word in ("-p", parent)]
        return self.run(
            "commit-tree", tree, *words, given=message.encode(), environment=environment
        )

    def read_commit(self, oid: str) -> Commit:
        """Read a commit."""
        form = "%H%x00%T%x00%P%x00%an%x00%ae%x00%cn%x00%ce%x00%B"
        found = self.run("show", "-s", f"--format={form}", oid).split("\0")
        oid, tree, parents, name, email, own, mail, message = found
        return Commit(
            oid, tree, tuple(parents.split()), Person(name, email), Person(own, mail),
            message.rstrip("\n"),
        )  # fmt: skip

    def ref(self, name: str) -> str | None:
        """Read a ref (`refs/heads/main`); None where there is none."""
        try:
            return self.run("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        except GitError:
            return None

    def refs(self, prefix: str) -> dict[str, str]:
        """List refs whose names begin so."""
        found = self.run("for-each-ref", "--format=%(refname) %(objectname)")
        pairs = [line.split(" ") for line in found.splitlines()]
        return {name: oid for name, oid in pairs if name.startswith(prefix)}

    def point(self, name: str, after: str | None, before: str | None = None) -> None:
        """Let a ref be at a commit (None: remove it), if it is where it should be (zeros: not)."""
        old = [] if before is None else [before]
        if after is None:
            self.run("update-ref", "-d", name, *old)
        else:
            self.run("update-ref", name, after, *old)

    def rows(self, tree: str, *, recursive: bool) -> list[Row]:
        """List a tree."""
        words = ["-r", "-t"] if recursive else []
        found = []
        for line in self.run("ls-tree", "-l", "-z", *words, tree).split("\0"):
            if line:
                head, _, where = line.partition("\t")
                mode, kind, oid, size = head.split()
                found.append(Row(mode, kind, oid, None if size == "-" else int(size), where))
        return found

    def merge_base(self, one: str, other: str) -> str | None:
        """Find the newest commit that two share."""
        try:
            return self.run("merge-base", one, other)
        except GitError:
            return None

    def between(self, below: str, above: str) -> list[str]:
        """List commits that are in one and not in the other, the oldest first."""
        return self.run("rev-list", "--reverse", f"{below}..{above}").split()

    def merged_tree(self, base: str, head: str) -> str | None:
        """Merge two commits; None where they conflict."""
        try:
            return self.run("merge-tree", "--write-tree", base, head)
        except GitError:
            return None

    def rebased(self, base: str, head: str, committer: Person) -> str:
        """Put the commits of one on top of another."""
        with tempfile.TemporaryDirectory() as place:
            self.run("worktree", "add", "-q", "--detach", f"{place}/w", base)
            who = {"GIT_COMMITTER_NAME": committer.name, "GIT_COMMITTER_EMAIL": committer.email}
            self.run("-C", f"{place}/w", "cherry-pick", *self.between(base, head), environment=who)
            tip = self.run("-C", f"{place}/w", "rev-parse", "HEAD")
            self.run("worktree", "remove", "--force", f"{place}/w")
        return tip
