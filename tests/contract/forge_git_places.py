"""Git remotes as a forge: real repositories, behind git's own smart HTTP, or on the disk."""

from __future__ import annotations

import os
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from basekeeper.forge.git.adapter import Recording
from basekeeper.forge.git.commits import Person
from basekeeper.forge.git.facts import Act
from basekeeper.forge.git.opening import open_git
from basekeeper.ledger.location import read_location
from basekeeper.ledger.opening import open_ledger
from basekeeper.values.forge import MergeMethod
from tests.contract.forge_places import FILES, REF
from tests.contract.ledger_places import git
from tests.fakes.githttp import PASSWORD, USER, Faults, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from basekeeper.forge.git.adapter import GitRemotes
    from basekeeper.forge.git.facts import Kept
    from basekeeper.ports import Cache, Ledger

START: Final = datetime(2026, 11, 26, 12, tzinfo=UTC)
KEEPER: Final = Person("keeper", "keeper@example.org")
ALICE: Final = Person("alice", "alice@example.org")


class Clock:
    """A clock that goes on by a second each time somebody looks."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


class GitBench:
    """A remote with one repository."""

    ref = REF
    kills = 5

    def __init__(
        self, place: Path, url: str, faults: Faults | None, ledger: Ledger | None = None
    ) -> None:
        self.name = "git" if ledger is None else "git-ledger"
        self.sends_requests = faults is not None
        self.made = {"changes": 1, "comments": 1, "branches": 2}
        self.place, self.url, self.clock = place, url, Clock()
        self.remote = place / "remotes" / REF.owner / f"{REF.name}.git"
        self._faults = faults or Faults()
        self._ledger = ledger
        self._work = place / "work"
        self._opened: list[GitRemotes] = []
        self._make()

    def forge(self, *, person: Person = KEEPER, cache: Cache | None = None) -> GitRemotes:
        """Return a new client."""
        by_web = self.url.startswith("http")
        made = open_git(
            self.url, self.clock, person=person, token=PASSWORD if by_web else None, user=USER,
            recording=None if self._ledger is None else Recording(self._ledger, str),
            known=[self.ref], cache=cache,
            environ={"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull},
        )  # fmt: skip
        self._opened.append(made)
        return made

    def close(self) -> None:
        """End all clients."""
        for one in self._opened:
            one.close()

    def base(self) -> str:
        return self.head("main") or ""

    def head(self, branch: str) -> str | None:
        return self.refs().get(f"refs/heads/{branch}")

    def refs(self) -> dict[str, str]:
        """Return all refs of the remote."""
        said = git(self.remote, "for-each-ref", "--format=%(refname) %(objectname)")
        return dict(line.split(" ", 1) for line in said.splitlines())

    def content(self, branch: str) -> dict[str, tuple[str, bytes]]:
        found = {}
        for line in git(self.remote, "ls-tree", "-r", branch).splitlines():
            head, _, path = line.partition("\t")
            mode, _, oid = head.split(" ")
            found[path] = (mode, self.blob(oid))
        return found

    def blob(self, oid: str) -> bytes:
        """Read a file of the remote."""
        import subprocess

        argv = ["git", "cat-file", "blob", oid]
        return subprocess.run(argv, cwd=self.remote, check=True, capture_output=True).stdout

    def person_pushes(self, branch: str, files: dict[str, bytes]) -> str:
        git(self._work, "fetch", "-q", "origin", branch if self.head(branch) else "main")
        git(self._work, "checkout", "-q", "--detach", "FETCH_HEAD")
        for path, data in files.items():
            (self._work / path).parent.mkdir(parents=True, exist_ok=True)
            (self._work / path).write_bytes(data)
        git(self._work, "add", "--all")
        git(self._work, "commit", "-qm", "by a person")
        git(self._work, "push", "-q", "origin", f"HEAD:refs/heads/{branch}")
        return git(self._work, "rev-parse", "HEAD")

    def person_closes(self, number: int) -> None:
        assert self.forge(person=ALICE).close_change_request(self.ref, number)

    def person_merges(self, number: int) -> None:
        self.forge(person=ALICE).merge(
            self.ref, number, self.head(self.kept()[number].branch) or "", MergeMethod.MERGE
        )

    def person_edits(self, number: int, body: str) -> None:
        with self.forge(person=ALICE)._at(self.ref) as place:
            seen, one = place.changes.one(number)
            key, said = f"revision {one.revision + 1}", {**one.said(), "body": body}
            assert place.changes.note(seen, number, Act.UPDATED, key, said)

    def body(self, number: int) -> str:
        return self.kept()[number].body

    def kept(self) -> dict[int, Kept]:
        """Return what was recorded."""
        with self.forge()._at(self.ref) as place:
            return dict(place.changes.look().kept)

    def counts(self) -> dict[str, int]:
        kept = self.kept().values()
        return {
            "changes": len(kept),
            "comments": sum(len(one.comments) for one in kept),
            "branches": sum(name.startswith("refs/heads/") for name in self.refs()),
        }

    def interrupt(self, after: int, kind: str) -> None:
        self._faults.log.clear()
        self._faults.after, self._faults.kind = after, kind

    def restore(self) -> int:
        self._faults.after = None
        return len(self._faults.log)

    def _make(self) -> None:
        """Make the repository with a past of two commits."""
        self.remote.mkdir(parents=True)
        git(self.remote, "init", "-q", "--bare", "-b", "main")
        git(self.remote, "config", "uploadpack.allowFilter", "true")
        git(self.place, "clone", "-q", f"file://{self.remote}", str(self._work))
        for path, data in FILES.items():
            (self._work / path).parent.mkdir(exist_ok=True)
            (self._work / path).write_bytes(data)
        git(self._work, "add", "--all")
        git(self._work, "commit", "-qm", "files")
        (self._work / "build.sh").chmod(0o755)
        git(self._work, "commit", "-qam", "a mode")
        git(self._work, "push", "-q", "origin", "HEAD:refs/heads/main")


@contextmanager
def git_bench(place: Path) -> Iterator[GitBench]:
    """Serve a repository over HTTP, with its records beside its branches."""
    place.mkdir(parents=True)
    faults = Faults()
    with serving(place / "remotes", faults=faults) as url, closed(
        lambda: GitBench(place, url, faults)
    ) as bench:  # fmt: skip
        yield bench


@contextmanager
def git_ledger_bench(place: Path) -> Iterator[GitBench]:
    """Have a repository on the disk, and its records in a ledger."""
    place.mkdir(parents=True)
    clock = Clock()
    location = read_location(f"sqlite:{place / 'ledger.sqlite'}")
    with closing(open_ledger(location, clock=clock)) as ledger, closed(
        lambda: GitBench(place, f"file://{place / 'remotes'}", None, ledger)
    ) as bench:  # fmt: skip
        yield bench


@contextmanager
def closed(make: Callable[[], GitBench]) -> Iterator[GitBench]:
    """Make a bench and close it at the end."""
    bench = make()
    try:
        yield bench
    finally:
        bench.close()
