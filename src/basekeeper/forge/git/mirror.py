"""One remote repository, and ours beside it: bare, temporary, with as little of it as is needed.

Commits come without their past and without files where the server can leave them out; git itself
then fetches a file when it is read. Everything is verified by git, as objects are named by their
hashes. Nothing is ever checked out.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.errors import Error, ForgeError, ForgeFailure
from basekeeper.forge.git.failures import failed, refused
from basekeeper.gitremote import NETWORK_SECONDS, environment, find_git, setting
from basekeeper.process import Limits, run
from basekeeper.transport.redaction import shown_url
from basekeeper.values.forge import is_branch, is_oid

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from threading import Event

    from basekeeper.process import Completed

MAX_TOLD_BYTES: Final = 4 * 1024 * 1024
"""Most that is read of what a remote tells of its branches."""

MAX_LISTED_BYTES: Final = 256 * 1024 * 1024
"""Most that is read of what git tells of our own repository: over a million files."""

MAX_KEPT_BYTES: Final = 4 * 1024 * 1024 * 1024
"""Most that our repository may hold once something was fetched."""

REMOTE: Final = "forge"
EXCHANGE: Final = Limits(timeout=NETWORK_SECONDS, max_output_bytes=MAX_TOLD_BYTES)
LOCAL: Final = Limits(timeout=NETWORK_SECONDS, max_output_bytes=MAX_LISTED_BYTES)
"""As long as an exchange, since git may fetch a file that it lacks."""

_KEPT: Final = "refs/basekeeper/at/"
_PARTIAL: Final = (
    f"[core]\n\trepositoryFormatVersion = 1\n[extensions]\n\tpartialClone = {REMOTE}\n".encode()
)
"""Files that are not here are no damage: git fetches them."""

_NOTHING: Final = "refs/basekeeper/nothing/*:refs/basekeeper/nothing/*"


class Refs(NamedTuple):
    """What a remote says of its refs."""

    default: str | None
    """Branch that HEAD stands for; None where that has no commit."""
    oids: Mapping[str, str]
    """By whole name; of those that were asked for."""

    def branch(self, name: str) -> str | None:
        """Return the commit of a branch."""
        return self.oids.get(f"refs/heads/{name}")


class PushRefused(Exception):  # noqa: N818  # says what happened
    """The remote answered, and did not take it: somebody was first, or it may not be."""

    def __init__(self, error: ForgeError, *, is_moved: bool) -> None:
        """Keep what to raise, and whether the ref was not what was expected."""
        super().__init__(error.message)
        self.error = error
        self.is_moved = is_moved


class Mirror:
    """A remote repository; close it to remove what was fetched. One thread at a time: `lock`."""

    def __init__(
        self,
        name: str,
        url: str,
        environ: Mapping[str, str],
        *,
        settings: Sequence[tuple[str, str]] = (),
        ended: Event | None = None,
    ) -> None:
        """Make our repository; the remote is not asked yet.

        Args:
            name: What messages call it.
            url: Where it is.
            environ: The environment of the process, of which a part is passed on.
            settings: More settings of git, such as a header with a token; kept in a file of ours.
            ended: Once set, whatever runs is ended.

        Raises:
            ForgeError: It cannot be made.
            ProgramMissing: git is not installed.
        """
        self.name = name
        self.shown = shown_url(url) if "://" in url else url.rpartition("@")[2]
        self.lock = RLock()
        self._settings = [(f"remote.{REMOTE}.url", url), *settings]
        self._ended = ended
        self._git = find_git()
        self._env = environment(environ)
        self._have: set[str] = set()
        self._is_sha256 = False
        self._can_push: bool | None = None
        try:
            self._place = Path(tempfile.mkdtemp(prefix="basekeeper-forge-"))
        except OSError as error:
            raise refused(f"{name}: no room for a repository: {error.strerror}") from None
        self.directory = self._place / "sha1"
        try:
            self._furnish()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Remove our repository; safe to call twice."""
        shutil.rmtree(self._place, ignore_errors=True)

    def refs(self, *names: str) -> Refs:
        """Ask the remote for its default branch and some refs, by whole names or patterns.

        Raises:
            ForgeError: It cannot be reached, or nobody may read it.
        """
        done = self.git(["ls-remote", "--symref", REMOTE, "HEAD", *names], limits=EXCHANGE)
        if done.returncode != 0:
            raise failed(f"{self.name}: {self.shown} cannot be read", done)
        default, oids = None, dict[str, str]()
        for line in done.stdout.decode("utf-8", "replace").splitlines():
            first, _, ref = line.partition("\t")
            if ref == "HEAD" and first.startswith("ref: refs/heads/"):
                default = first.removeprefix("ref: refs/heads/")
            elif is_oid(first):
                oids[ref] = first
        self._adopt(next(iter(oids.values()), ""))
        if default is not None and not is_branch(default):
            raise refused(f"{self.name}: HEAD stands for {default!r:.200}, which is no branch")
        return Refs(default if "HEAD" in oids else None, oids)

    def can_push(self) -> bool:
        """Tell whether the remote lets us begin a push, asked once; nothing is sent.

        Which branches it then takes is told by no remote beforehand.
        """
        if self._can_push is None:
            argv = ["push", "--dry-run", "--porcelain", "--no-verify", "--prune", REMOTE, _NOTHING]
            done = self.git(argv, limits=EXCHANGE)
            error = failed(f"{self.name}: {self.shown} takes nothing", done)
            denied = {ForgeFailure.AUTH, ForgeFailure.PERMISSION, ForgeFailure.NOT_FOUND}
            self._can_push = done.returncode == 0 or error.failure not in denied
        return self._can_push

    def has(self, commit: str) -> bool:
        """Tell whether a commit is here, without asking the remote."""
        return commit in self._have

    def fetch(self, commits: Iterable[str], depth: int | None, *, with_files: bool = False) -> None:
        """Fetch commits with so much of their past; None: all of it.

        Raises:
            ForgeError: They cannot be fetched, or are too much.
        """
        wanted = [f"+{one}:{_KEPT}{one}" for one in dict.fromkeys(commits)]
        if depth is not None:
            deep = [f"--depth={depth}"]
        else:
            deep = ["--unshallow"] if self.boundary() else []
        argv = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-gc"]
        few = "--no-filter" if with_files else "--filter=blob:none"
        done = self.git([*argv, few, *deep, REMOTE, *wanted], limits=EXCHANGE)
        if done.returncode != 0:
            raise failed(f"{self.name}: {self.shown} cannot be fetched", done)
        self._have |= {one.partition(":")[0][1:] for one in wanted}
        self._check_size()

    def need(self, *commits: str, with_files: bool = False) -> None:
        """Fetch those commits that are not here, without their past."""
        lacking = [one for one in commits if not self.has(one)]
        if lacking:
            self.fetch(lacking, 1, with_files=with_files)

    def boundary(self) -> frozenset[str]:
        """Return the commits whose parents were not fetched."""
        try:
            return frozenset((self.directory / "shallow").read_text("ascii").split())
        except FileNotFoundError:
            return frozenset()

    def push(self, ref: str, commit: str | None, expected: str | None) -> None:
        """Let a ref be at a commit, if it still is where it was.

        Args:
            ref: Its whole name.
            commit: None: it is removed.
            expected: What it is now; None: there is none.

        Raises:
            PushRefused: The remote did not take it.
            ForgeError: Whether it took it cannot be told.
        """
        lease = f"--force-with-lease={ref}:{expected or ''}"
        argv = ["push", "--porcelain", "--no-verify", "--no-follow-tags", lease, REMOTE]
        done = self.git([*argv, f"{commit or ''}:{ref}"], limits=EXCHANGE)
        if done.returncode == 0:
            return
        lines = [line for line in done.stdout.splitlines() if line.startswith(b"!")]
        what = f"{self.name}: {ref.removeprefix('refs/heads/')!r} cannot be pushed"
        if lines and not any(b"[remote failure]" in line for line in lines):
            is_moved = any(b"[rejected]" in line or b"ailed to " in line for line in lines)
            kind = ForgeFailure.CONFLICT if is_moved else ForgeFailure.PERMISSION
            raise PushRefused(failed(what, done, kind), is_moved=is_moved)
        raise failed(what, done)

    def git(
        self,
        arguments: Sequence[str],
        *,
        stdin: bytes = b"",
        limits: Limits = LOCAL,
        env: Mapping[str, str] | None = None,
    ) -> Completed:
        """Run git in our repository, whatever its exit status.

        Raises:
            ForgeError: It cannot be run, is too slow or says too much.
        """
        place = {"GIT_DIR": str(self.directory), "GIT_INDEX_FILE": f"{self.directory}/index"}
        argv, seen = [self._git, *arguments], {**self._env, **place, **(env or {})}
        try:
            return run(
                argv, cwd=self._place, env=seen, stdin=stdin, limits=limits, ended=self._ended
            )
        except Error as error:
            text = f"{self.name}: {error.message}"
            raise ForgeError(text, ForgeFailure.TRANSIENT, hint=error.hint) from error

    def told(
        self,
        arguments: Sequence[str],
        *,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
    ) -> bytes:
        """Run git in our repository, and return what it says.

        Raises:
            ForgeError: It failed.
        """
        done = self.git(arguments, stdin=stdin, env=env)
        if done.returncode != 0:
            raise failed(f"{self.name}: git {arguments[0]} failed", done)
        return done.stdout

    def keep(self, commit: str) -> None:
        """Note that a commit of our own making is here."""
        self._have.add(commit)

    def _adopt(self, oid: str) -> None:
        """Use the hash that the remote uses."""
        is_sha256 = len(oid) == 64  # noqa: PLR2004  # digits of SHA-256
        if not oid or is_sha256 == self._is_sha256:
            return
        if not is_sha256:
            raise refused(f"{self.name}: {self.shown} uses another hash than before")
        self._is_sha256 = True
        self.directory = self._place / "sha256"
        self._have.clear()
        self._furnish()

    def _furnish(self) -> None:
        kind = "sha256" if self._is_sha256 else "sha1"
        self.told(["init", "--quiet", "--bare", "--template=", f"--object-format={kind}"])
        pairs = [
            *self._settings,
            (f"remote.{REMOTE}.promisor", "true"),
            (f"remote.{REMOTE}.partialCloneFilter", "blob:none"),
        ]
        try:
            lines = [setting(key, value) for key, value in pairs]
        except ValueError as error:
            raise refused(f"{self.name}: {error}") from None
        try:
            with (self.directory / "config").open("ab") as file:
                file.writelines([_PARTIAL, *lines])
        except OSError as error:
            raise refused(f"{self.name}: no room for a repository: {error.strerror}") from None

    def _check_size(self) -> None:
        """Refuse what would fill the disk."""
        packs = os.scandir(self.directory / "objects" / "pack")
        with packs:
            size = sum(one.stat().st_size for one in packs)
        if size > MAX_KEPT_BYTES:
            raise refused(
                f"{self.name}: more than {MAX_KEPT_BYTES} bytes were fetched of it",
                "let the server leave out files (uploadpack.allowFilter), or leave it out",
            )
