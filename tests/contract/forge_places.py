"""Forges under one contract: each with a bench that looks at it and changes it as others would."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Protocol

from basekeeper.cache.memory import MemoryCache
from basekeeper.errors import ForgeError
from basekeeper.forge.github.opening import open_github
from basekeeper.forge.pacing import Pace, Pacer
from basekeeper.transport.client import HostOptions, Limits, Transport
from basekeeper.values.forge import (
    ChangeProposal,
    CommitRequest,
    CommitStatus,
    FileChange,
    Label,
    MergeMethod,
    RepositoryRef,
    StatusReport,
)
from tests.fakes.github import Fault, GitHubServer, Repository, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from basekeeper.forge.github.adapter import GitHub
    from basekeeper.ports import Cache, Forge
    from basekeeper.values.forge import ChangeRequest

NOW: Final = datetime(2026, 11, 26, 12, tzinfo=UTC)
TOKEN: Final = "ghp_0123456789abcdefghijABCDEFGHIJ012345"  # noqa: S105  # of the simulator
REF: Final = RepositoryRef("acme", "shop")
BRANCH: Final = "basekeeper/alpine-1a2b3c"
FILES: Final = {
    "Dockerfile": b"FROM alpine:3.21\n",
    "build.sh": b"#!/bin/sh\n",
    "docs/logo.bin": b"\xff\xfe\x00logo",
}
PATIENT: Final = Pace(gap=0.0, content_a_minute=10**6, content_an_hour=10**6, points_a_minute=10**6)
"""No pauses of our own."""


class Ticking:
    """A clock that only goes on while somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.seconds

    def sleep(self, wait: float) -> None:
        self.slept.append(wait)
        self.seconds += wait


class Bench(Protocol):
    """One forge with one repository, and everybody else who works there."""

    name: str
    """Its key among the benches of the suite."""
    ref: RepositoryRef
    sends_requests: bool
    """Whether it can be interrupted between two requests."""
    kills: int
    """How often a proposal and its merge can be interrupted at least."""
    made: dict[str, int]
    """What `counts` tells once something was proposed."""

    def forge(self) -> Forge:
        """Return a client that knows nothing yet, as a new run has it."""
        ...

    def base(self) -> str:
        """Tell where the default branch is."""
        ...

    def head(self, branch: str) -> str | None:
        """Tell where a branch is."""
        ...

    def content(self, branch: str) -> dict[str, tuple[str, bytes]]:
        """Return mode and content of each file of a branch."""
        ...

    def person_pushes(self, branch: str, files: dict[str, bytes]) -> str:
        """Let a person add a commit to a branch."""
        ...

    def person_closes(self, number: int) -> None:
        """Let a person close a change request."""
        ...

    def person_merges(self, number: int) -> None:
        """Let a person merge a change request."""
        ...

    def person_edits(self, number: int, body: str) -> None:
        """Let a person write another text."""
        ...

    def body(self, number: int) -> str:
        """Return the text of a change request."""
        ...

    def counts(self) -> dict[str, int]:
        """Count what there is: change requests, comments, labels, statuses, branches."""
        ...

    def interrupt(self, after: int, kind: str) -> None:
        """Let requests fail after so many (of pushes): `before` they are done or `after`."""
        ...

    def restore(self) -> int:
        """Let requests succeed again, and tell how many there were."""
        ...


class GitHubBench:
    """A simulated GitHub."""

    name = "github"
    ref = REF
    sends_requests = True
    kills = 20

    def __init__(self, server: GitHubServer) -> None:
        self.made = {"changes": 1, "comments": 1, "labels": 2, "statuses": 1, "branches": 2}
        self.server = server
        self.world = server.world
        self.keeper = self.world.user("keeper", token=TOKEN)
        self.alice = self.world.user("alice", token="alices")  # noqa: S106  # of the simulator
        rights = {"keeper": "write", "alice": "admin", "bob": "write"}
        self.world.user("bob")
        self.repository: Repository = self.world.repository(str(REF), FILES, rights=rights)
        tree = self.repository.git.tree(
            self.base(), [("100755", "build.sh", self.repository.git.blob(FILES["build.sh"]))]
        )
        person = self.alice.person
        made = self.repository.git.commit(
            tree, (self.base(),), "a mode", person, person, self.world.tick()
        )
        self.repository.git.point("refs/heads/main", made)
        self.clock = Ticking()
        self._opened: list[GitHub] = []

    def forge(self, *, cache: Cache | None = None, pace: Pace = PATIENT) -> GitHub:
        """Return a new client."""
        address = self.server.url.removeprefix("http://")
        transport = Transport(
            Limits(retries=0, timeout=20.0),
            hosts={address: HostOptions(plain_http=True, private=True)}, environ={},
        )  # fmt: skip
        pacer = Pacer(NOW, pace=pace, clock=self.clock, sleep=self.clock.sleep, jitter=lambda: 0.5)
        made = open_github(
            transport, TOKEN, NOW, url=self.server.url, cache=cache or MemoryCache(), pacer=pacer
        )
        self._opened.append(made)
        return made

    def close(self) -> None:
        """End all clients."""
        for one in self._opened:
            one.close()

    def base(self) -> str:
        return self.head("main") or ""

    def head(self, branch: str) -> str | None:
        return self.repository.branch(branch)

    def content(self, branch: str) -> dict[str, tuple[str, bytes]]:
        git, head = self.repository.git, self.head(branch)
        assert head is not None
        rows = [row for row in git.rows(head, recursive=True) if row.kind == "blob"]
        return {row.path: (row.mode, git.content(row.oid)) for row in rows}

    def person_pushes(self, branch: str, files: dict[str, bytes]) -> str:
        return self.world.push(self.repository, branch, files, self.alice)

    def person_closes(self, number: int) -> None:
        self.world.close(self.repository, self.repository.pulls[number], self.alice)

    def person_merges(self, number: int) -> None:
        self.world.merge(self.repository, self.repository.pulls[number], "merge")

    def person_edits(self, number: int, body: str) -> None:
        self.repository.pulls[number].body = body

    def body(self, number: int) -> str:
        return self.repository.pulls[number].body

    def counts(self) -> dict[str, int]:
        pulls = self.repository.pulls.values()
        return {
            "changes": len(pulls),
            "comments": sum(len(one.comments) for one in pulls),
            "labels": len(self.repository.labels),
            "statuses": sum(map(len, self.repository.statuses.values())),
            "branches": len(self.repository.git.refs("refs/heads/")),
        }

    def interrupt(self, after: int, kind: str) -> None:
        self.server.log.clear()
        self.server.faults[:] = [Fault(skip=after, times=None, hang_up=kind)]

    def restore(self) -> int:
        self.server.faults.clear()
        return len(self.server.log)


@contextmanager
def github_bench(place: Path) -> Iterator[GitHubBench]:
    """Run a simulated GitHub until the block ends."""
    with serving(place) as server:
        bench = GitHubBench(server)
        try:
            yield bench
        finally:
            bench.close()


def commit(
    bench: Bench, data: bytes = b"FROM alpine:3.22\n", message: str = "alpine 3.22"
) -> CommitRequest:
    """The commit that is proposed."""
    return CommitRequest(
        base=bench.base(), files={"Dockerfile": FileChange(data=data)}, message=message
    )


def proposal(key: str = "alpine 3.22", body: str = "why and what") -> ChangeProposal:
    """The change request that is proposed."""
    return ChangeProposal(
        key=key, branch=BRANCH, base="main", title="Update alpine", body=body,
        labels=("docker", "base image"),
    )  # fmt: skip


def propose(bench: Bench, forge: Forge) -> ChangeRequest:
    """Do everything that a proposal takes, as often as one likes: what `propose` will do."""
    ref, wanted, can = bench.ref, commit(bench), forge.capabilities()
    present = forge.branch(ref, BRANCH, "main")
    expected = None if present is None else present.head
    written = forge.ensure_branch(ref, BRANCH, wanted, expected)
    assert written.head is not None
    for name in ("docker", "base image"):
        forge.ensure_label(ref, Label(name))
    found = forge.ensure_change_request(ref, proposal()).change
    forge.comment_once(ref, found.number, "hello", "a word")
    if can.reviewers:
        forge.request_reviewers(ref, found.number, ["bob"])
    if can.statuses:
        word = CommitStatus.SUCCESS
        status = StatusReport(context="basekeeper/scan", state=word, description="fine")
        forge.set_status(ref, written.head, status)
    return found


def interrupted(bench: Bench, forge: Forge) -> bool:
    """Try the same; False where it was interrupted."""
    try:
        found = propose(bench, forge)
        forge.merge(bench.ref, found.number, found.head, MergeMethod.SQUASH)
    except ForgeError:
        return False
    return True
