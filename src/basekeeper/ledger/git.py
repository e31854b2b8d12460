"""One branch of a remote repository, read and moved on without touching any clone.

git works in a bare repository of ours below the temporary directory: no work tree, no index, no
hook. Of the clone that the user stands in, only where its remote is and which headers are sent
there are read, since CI systems keep their tokens so; programs that its configuration names are
not. Credentials come by git's own means: the user's and the system's configuration, their
helpers, agents and variables. None is ever on a command line.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from basekeeper.errors import Error, LedgerError
from basekeeper.folders import PrivateFolder
from basekeeper.gitremote import NETWORK_SECONDS, environment, find_git, said, setting
from basekeeper.process import Limits, run
from basekeeper.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from basekeeper.process import Completed

MAX_BRANCH_BYTES: Final = 512 * 1024 * 1024
"""Most that is read of a branch: about a million events, more than fit the memory of a runner."""

LOCAL: Final = Limits(timeout=60.0, max_output_bytes=MAX_BRANCH_BYTES)
NETWORK: Final = Limits(timeout=NETWORK_SECONDS, max_output_bytes=1024 * 1024)

REMOTE: Final = "origin"
"""The remote that is used where a clone has several."""

_NEXT: Final = "refs/basekeeper/next"
_TIP: Final = "refs/basekeeper/tip"
_BORROWED: Final = re.compile(
    r"(?s)http\.(.+)\.(?:extraheader|proxy)|url\.(.+)\.(?:push)?insteadof"
)
_REMOTE_KEY: Final = re.compile(r"(?s)remote\.(.+)\.(url|pushurl)")
_NOT_LOCAL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|[^/]*:")
_NO_ROOM: Final = re.compile(r"No space left|Out of diskspace|File too large")
"""How git says that a disk is full, ours or that of the remote."""
_OBJECT_ID: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


class PushRefused(LedgerError):  # noqa: N818  # says what happened, like its siblings
    """The remote did not take a commit: somebody was first, or it may not be."""


@dataclass(frozen=True, slots=True)
class _Clone:
    """What is borrowed from the clone that the user stands in."""

    settings: tuple[tuple[str, str], ...]
    is_sha256: bool


class RemoteBranch:
    """A branch of the remote of a clone; close it to remove what was fetched."""

    def __init__(
        self, start: Path, name: str, environ: Mapping[str, str], *, url: str | None = None
    ) -> None:
        """Find the remote; nothing is fetched yet.

        Args:
            start: A directory in a clone; with `url` there need be none.
            name: Of the branch, without `refs/heads/`.
            environ: The environment of the process, of which a part is passed on.
            url: Another remote than that of the clone.

        Raises:
            LedgerError: There is no clone, or it has no remote.
            ProgramMissing: git is not installed.
        """
        self.name = name
        self._ref = f"refs/heads/{name}"
        self._at = REMOTE if url is None else "URL"
        self._git = find_git()
        self._folder = PrivateFolder("ledger")
        self._directory = self._folder.path
        self._env = environment(environ) | {"GIT_DIR": str(self._directory)}
        try:
            self._furnish(self._read_clone(start, url))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Remove our repository; safe to call twice."""
        self._folder.close()

    def tip(self) -> str | None:
        """Ask the remote which commit the branch is at; None where it has no such branch.

        Raises:
            LedgerError: It cannot be reached, or nobody may read it.
        """
        done = self._run(["ls-remote", "ledger", self._ref], limits=NETWORK)
        self._check(done, "cannot be read")
        for line in done.stdout.decode("utf-8", "replace").splitlines():
            found, _, ref = line.partition("\t")
            if ref == self._ref and _OBJECT_ID.fullmatch(found):
                return found
        return None

    def fetch(self) -> str:
        """Fetch the newest commit of the branch, without its past, and return its id.

        Raises:
            LedgerError: It cannot be fetched.
        """
        argv = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--depth=1", "ledger"]
        done = self._run([*argv, f"+{self._ref}:{_TIP}"], limits=NETWORK)
        self._check(done, "cannot be fetched")
        return self._resolve(_TIP)

    def files(self, commit: str) -> dict[str, str]:
        """List the regular files of a commit: path → id of the content."""
        done = self._run(["ls-tree", "-r", "-z", "--full-tree", commit])
        self._check(done, "cannot be listed")
        found = {}
        for record in done.stdout.split(b"\0"):
            head, _, path = record.partition(b"\t")
            mode, _, object_id = head.decode("ascii", "replace").partition(" blob ")
            if mode == "100644":
                found[os.fsdecode(path)] = object_id
        return found

    def read(self, object_ids: Iterable[str]) -> dict[str, bytes]:
        """Read contents by their ids."""
        asked = sorted(set(object_ids))
        done = self._run(["cat-file", "--batch"], stdin="".join(f"{i}\n" for i in asked).encode())
        self._check(done, "cannot be read")
        found, data, at = {}, done.stdout, 0
        while at < len(data):
            end = data.index(b"\n", at)
            name, _, size = data[at:end].decode("ascii", "replace").partition(" blob ")
            if not size.isdigit():
                raise LedgerError(f"branch {self.name!r} cannot be read: git misses a file of it")
            found[name] = data[end + 1 : end + 1 + int(size)]
            at = end + 2 + int(size)
        return found

    def commit(
        self, parent: str | None, files: Mapping[str, bytes], message: str, now: datetime
    ) -> str:
        """Make a commit that puts these files in place of a parent's, and return its id.

        Raises:
            LedgerError: It cannot be written: the disk is full, for example.
        """
        done = self._run(
            ["fast-import", "--quiet", "--force", "--date-format=raw", "--done"],
            stdin=b"".join(_import_stream(parent, files, message, int(now.timestamp()))),
        )
        self._check(done, "cannot be written")
        return self._resolve(_NEXT)

    def push(self, commit: str) -> None:
        """Move the branch on to a commit; only ever forward.

        Raises:
            PushRefused: The remote answered, and did not take it.
            LedgerError: Whether it took it cannot be told.
        """
        argv = ["push", "--porcelain", "--no-verify", "ledger", f"{commit}:{self._ref}"]
        done = self._run(argv, limits=NETWORK)
        if done.returncode == 0:
            return
        refused = [line for line in done.stdout.splitlines() if line.startswith(b"!")]
        if any(b"[remote failure]" not in line for line in refused):
            raise PushRefused(
                f"branch {self.name!r} of the remote takes no events: {said(done)}",
                hint="let the job's token write contents (GitHub: permissions: contents: write),"
                " and no rule protect the branch from it",
            )
        self._check(done, "cannot be pushed")

    def _read_clone(self, start: Path, url: str | None) -> _Clone:
        """Read what is borrowed from the clone around a directory."""
        resolved = start.resolve()
        found = (one for one in (resolved, *resolved.parents) if (one / ".git").exists())
        top = next(found, None)
        if top is None and url is not None:
            return _Clone((("remote.ledger.url", url),), is_sha256=False)
        if top is None:
            raise LedgerError(
                f"ledger branch:{self.name} needs a clone, and {str(start)!r} is in none",
                hint="run it inside a clone, or name a database",
            )
        # GIT_DIR instead of a search: a clone that another user made (containers) is read too.
        env = self._env | {"GIT_DIR": str(top / ".git")}
        argv = [self._git, "config", "--local", "--includes", "--list", "-z"]
        done = self._guarded(argv, env, top)
        self._check(done, "needs the settings of the clone, which cannot be read")
        text = done.stdout.decode("utf-8", "surrogateescape")
        pairs = [(key, value) for key, _, value in (r.partition("\n") for r in text.split("\0"))]
        borrowed = [(key, value) for key, value in pairs if _BORROWED.fullmatch(key)]
        if url is not None:
            return _Clone((("remote.ledger.url", url), *borrowed), is_sha256=False)
        is_sha256 = ("extensions.objectformat", "sha256") in pairs
        return _Clone((*self._remote(pairs, top), *borrowed), is_sha256)

    def _remote(self, pairs: Sequence[tuple[str, str]], top: Path) -> list[tuple[str, str]]:
        """Find the remote among the settings of a clone."""
        remotes: dict[str, dict[str, str]] = {}
        for key, value in pairs:
            match = _REMOTE_KEY.fullmatch(key)
            if match and value:
                remotes.setdefault(match[1], {}).setdefault(match[2], _absolute(value, top))
        named = remotes.get(REMOTE) or (next(iter(remotes.values())) if len(remotes) == 1 else {})
        if "url" not in named:
            raise LedgerError(
                f"ledger branch:{self.name} needs a remote named {REMOTE!r}, which the clone lacks",
                hint=f"git remote add {REMOTE} URL, or name a database",
            )
        return [(f"remote.ledger.{name}", value) for name, value in named.items()]

    def _furnish(self, clone: _Clone) -> None:
        """Make our repository."""
        kind = "sha256" if clone.is_sha256 else "sha1"
        argv = ["init", "--quiet", "--bare", "--template=", f"--object-format={kind}"]
        self._check(self._run([*argv, str(self._directory)]), "needs a place for its objects")
        with (self._directory / "config").open("ab") as file:
            for key, value in clone.settings:
                try:
                    file.write(setting(key, value))
                except ValueError as error:
                    raise LedgerError(f"{error} in the clone") from None

    def _resolve(self, name: str) -> str:
        done = self._run(["rev-parse", "--verify", "--quiet", "--end-of-options", name])
        self._check(done, "cannot be found again")
        return done.stdout.decode("ascii", "replace").strip()

    def _run(
        self, arguments: Sequence[str], *, stdin: bytes = b"", limits: Limits = LOCAL
    ) -> Completed:
        """Run git in our repository."""
        return self._guarded([self._git, *arguments], self._env, self._directory, stdin, limits)

    def _guarded(
        self,
        argv: Sequence[str],
        env: Mapping[str, str],
        cwd: Path,
        stdin: bytes = b"",
        limits: Limits = LOCAL,
    ) -> Completed:
        """Run a program; one of our errors for one of a process."""
        try:
            return run(argv, cwd=cwd, env=env, stdin=stdin, limits=limits)
        except Error as error:
            raise LedgerError(
                f"ledger branch:{self.name}: {error.message}", hint=error.hint
            ) from error

    def _check(self, done: Completed, what: str) -> None:
        """Raise where git failed."""
        if done.returncode == 0:
            return
        why = said(done)
        hint = f"check that it is there, and that git may use it: git ls-remote {self._at}"
        if _NO_ROOM.search(why):
            hint = "make room on the disk, or name another directory in TMPDIR, and run it again"
        raise LedgerError(f"ledger branch:{self.name} {what}: {why}", hint=hint)


def _absolute(url: str, top: Path) -> str:
    """Make a relative path absolute: git runs elsewhere."""
    return url if url.startswith("/") or _NOT_LOCAL.match(url) else str(top / url)


def _import_stream(
    parent: str | None, files: Mapping[str, bytes], message: str, seconds: int
) -> Iterable[bytes]:
    """Yield what `git fast-import` reads."""
    text = message.encode()
    yield f"commit {_NEXT}\n".encode()
    yield f"committer basekeeper <basekeeper@localhost> {max(0, seconds)} +0000\n".encode()
    yield b"data %d\n%b\n" % (len(text), text)
    if parent is not None:
        yield f"from {parent}\n".encode()
    for path, data in files.items():
        yield f"M 100644 inline {path}\ndata {len(data)}\n".encode()
        yield data
        yield b"\n"
    yield b"\ndone\n"
