"""What is particular to git remotes as a forge: what people, servers and strangers do to them."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from basekeeper import process
from basekeeper.deadlines.reading import read_moments
from basekeeper.errors import ForgeError, ForgeFailure, LedgerError
from basekeeper.forge.git import books, branches, changes, commits, mirror
from basekeeper.forge.git.adapter import Recording
from basekeeper.forge.git.books import NOTES
from basekeeper.forge.git.commits import Person
from basekeeper.forge.git.mirror import Mirror
from basekeeper.forge.git.opening import open_git
from basekeeper.ledger.location import read_location
from basekeeper.ledger.opening import open_ledger
from basekeeper.values.event import Event, EventKind
from basekeeper.values.forge import (
    ChangeState,
    CommitRequest,
    CommitStatus,
    DispatchRequest,
    Done,
    FileChange,
    Label,
    MergeMethod,
    MergeState,
    RepositoryRef,
    StatusReport,
)
from tests.contract.forge_git_places import KEEPER, git_bench, git_ledger_bench
from tests.contract.forge_places import BRANCH, FILES, commit, proposal, propose
from tests.contract.ledger_places import git

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.contract.forge_git_places import GitBench

ROOT = Path(__file__).parents[2]
SQUASH = MergeMethod.SQUASH


@pytest.fixture
def web(tmp_path: Path) -> Iterator[GitBench]:
    """A remote behind smart HTTP, with its records beside its branches."""
    with git_bench(tmp_path / "web") as made:
        yield made


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[GitBench]:
    """A remote on the disk, with its records in a ledger."""
    with git_ledger_bench(tmp_path / "disk") as made:
        yield made


@pytest.fixture(params=["notes", "ledger"])
def either(request: pytest.FixtureRequest) -> GitBench:
    """Both."""
    found: GitBench = request.getfixturevalue("web" if request.param == "notes" else "bench")
    return found


def failure(act: Callable[[], object]) -> ForgeError:
    """Do something that fails."""
    with pytest.raises(ForgeError) as caught:
        act()
    return caught.value


def refuse(bench: GitBench, ref: str) -> None:
    """Let a hook of the server take nothing for a ref."""
    hook = bench.remote / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f'#!/bin/sh\n[ "$1" != {ref} ] || {{ echo "no bots here" >&2; exit 1; }}\n')
    hook.chmod(0o755)


def by_hand(bench: GitBench, *arguments: str) -> None:
    """Let a person work in a clone, at the default branch."""
    work = bench.place / "hand"
    if not work.exists():
        git(bench.place, "clone", "-q", f"file://{bench.remote}", str(work))
    git(work, "fetch", "-q", "origin")
    git(work, "checkout", "-q", "-B", "main", "origin/main")
    git(work, *arguments)
    git(work, "push", "-q", "origin", "main")


def edit(bench: GitBench, path: str, mode: str | None = None) -> CommitRequest:
    """A commit that writes one file."""
    changed = {path: FileChange(data=b"ours\n", mode=mode)}
    return CommitRequest(base=bench.base(), files=changed, message="ours")


# what cannot be done


@pytest.mark.parametrize(
    "act",
    [
        lambda f, ref, oid: f.checks(ref, oid, "main"),
        lambda f, ref, oid: f.set_status(
            ref, oid, StatusReport(context="basekeeper", state=CommitStatus.SUCCESS)
        ),
        lambda f, ref, oid: f.enable_auto_merge(ref, 1, oid, SQUASH),
        lambda f, ref, oid: f.request_reviewers(ref, 1, ["bob"]),
        lambda f, ref, oid: f.dispatch(
            ref, DispatchRequest(workflow="a.yml", branch="main"), now=None
        ),
        lambda f, ref, oid: f.variable(ref, "A"),
    ],
)
def test_what_a_remote_has_not_is_unsupported_and_never_faked(
    bench: GitBench, act: Callable[..., object]
) -> None:
    error = failure(lambda: act(bench.forge(), bench.ref, bench.base()))

    assert error.failure is ForgeFailure.UNSUPPORTED
    assert error.hint


def test_capabilities_claim_nothing_that_a_remote_has_not(bench: GitBench) -> None:
    can = bench.forge().capabilities()

    assert can.login == "keeper"
    assert not any((can.auto_merge, can.merge_queue, can.statuses, can.dispatch, can.reviewers))
    assert not bench.forge().ensure_label(bench.ref, Label("any"))


def test_a_fleet_that_nobody_named_cannot_be_listed(tmp_path: Path, bench: GitBench) -> None:
    forge = open_git(str(tmp_path), bench.clock)

    assert failure(lambda: [*forge.repositories("acme")]).failure is ForgeFailure.UNSUPPORTED


# servers


def test_a_login_that_is_wrong_is_said_without_the_token(web: GitBench) -> None:
    environ = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull}
    forge = open_git(web.url, web.clock, token="wr0ng-t0ken", environ=environ)  # noqa: S106

    error = failure(lambda: forge.repository(web.ref))
    forge.close()

    assert error.failure is ForgeFailure.AUTH
    assert "wr0ng" not in f"{error.message}{error.hint}"


def test_a_remote_that_may_only_be_read_is_told_and_not_written(web: GitBench) -> None:
    git(web.remote, "config", "http.receivepack", "false")
    forge = web.forge()

    info = forge.repository(web.ref)
    error = failure(lambda: forge.ensure_branch(web.ref, BRANCH, commit(web), None))

    assert (info.permission, info.is_writable) == ("read", False)
    assert (error.failure, error.needs) == (ForgeFailure.PERMISSION, "push")
    assert "push" in (error.hint or "")


def test_a_server_that_is_gone_may_be_there_the_next_time(web: GitBench) -> None:
    web.interrupt(-1, "before")
    assert failure(lambda: web.forge().repository(web.ref)).failure is ForgeFailure.TRANSIENT


def test_no_token_is_on_a_command_line(web: GitBench, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def watched(argv: list[str], **more: Any) -> Any:
        seen.extend(argv)
        return run(argv, **more)

    run = process.run
    monkeypatch.setattr(mirror, "run", watched)
    propose(web, web.forge())

    header = "a2VlcGVyOnMzY3IzdA=="  # of user and password
    assert seen
    assert not any("s3cr3t" in one or header in one for one in seen)


def test_a_branch_that_a_hook_refuses_is_a_matter_of_permission(web: GitBench) -> None:
    refuse(web, f"refs/heads/{BRANCH}")

    error = failure(lambda: web.forge().ensure_branch(web.ref, BRANCH, commit(web), None))

    assert error.failure is ForgeFailure.PERMISSION
    assert "hook declined" in error.message


def test_a_protected_base_is_not_merged_into_and_stays_open(either: GitBench) -> None:
    forge = either.forge()
    found = propose(either, forge)
    refuse(either, "refs/heads/main")

    outcome = forge.merge(either.ref, found.number, found.head, SQUASH)
    (after,) = forge.find_change_requests(either.ref, BRANCH)

    assert outcome.state is MergeState.REFUSED
    assert "declined" in outcome.reason
    assert after.state is ChangeState.OPEN


@pytest.mark.parametrize("method", list(MergeMethod))
def test_a_base_that_moves_between_look_and_push_is_merged_into_anew(
    bench: GitBench, monkeypatch: pytest.MonkeyPatch, method: MergeMethod
) -> None:
    forge = bench.forge()
    found = propose(bench, forge)
    raced: list[str] = []

    def racing(self: Mirror, ref: str, made: str | None, expected: str | None) -> None:
        if ref == "refs/heads/main" and not raced:
            raced.append(bench.person_pushes("main", {"late": b"x"}))
        push(self, ref, made, expected)

    push = Mirror.push
    monkeypatch.setattr(Mirror, "push", racing)
    outcome = forge.merge(bench.ref, found.number, found.head, method)

    assert outcome.state is MergeState.MERGED
    content = bench.content("main")
    assert (content["late"][1], content["Dockerfile"][1]) == (b"x", b"FROM alpine:3.22\n")
    assert raced[0] in git(bench.remote, "rev-list", "main").splitlines()


def test_a_branch_that_moves_between_look_and_push_is_left_alone(
    bench: GitBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    forge = bench.forge()
    first = forge.ensure_branch(bench.ref, BRANCH, commit(bench), None)
    raced: list[str] = []

    def racing(self: Mirror, ref: str, made: str | None, expected: str | None) -> None:
        raced.append(bench.person_pushes(BRANCH, {"mine": b"x"}))
        push(self, ref, made, expected)

    push = Mirror.push
    monkeypatch.setattr(Mirror, "push", racing)
    newer = commit(bench, b"FROM alpine:3.23\n")
    error = failure(lambda: forge.ensure_branch(bench.ref, BRANCH, newer, first.head))

    assert error.failure is ForgeFailure.CONFLICT
    assert bench.head(BRANCH) == raced[0]


def test_an_ssh_remote_is_spoken_to_by_the_users_own_ssh(tmp_path: Path, bench: GitBench) -> None:
    ssh = tmp_path / "ssh"
    ssh.write_text('#!/bin/sh\nfor last; do :; done\nexec sh -c "$last"\n')
    ssh.chmod(0o755)
    environ = {"PATH": os.environ["PATH"], "GIT_SSH_COMMAND": str(ssh)}
    place = f"git@git.example:{bench.remote.parent.parent}"
    forge = open_git(place, bench.clock, person=KEEPER, environ=environ)

    found = propose(bench, forge)
    outcome = forge.merge(bench.ref, found.number, found.head, SQUASH)
    forge.close()

    assert outcome.state is MergeState.MERGED
    assert found.url.startswith("git.example:")


def test_a_server_of_the_old_protocol_that_leaves_nothing_out_serves(bench: GitBench) -> None:
    git(bench.remote, "config", "uploadpack.allowFilter", "false")
    environ = {
        "PATH": os.environ["PATH"], "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "protocol.version", "GIT_CONFIG_VALUE_0": "0",
    }  # fmt: skip
    forge = open_git(bench.url, bench.clock, person=KEEPER, environ=environ)

    found = propose(bench, forge)
    tree = forge.tree(bench.ref, bench.base())
    oids = {one.path: one.oid for one in tree.entries}
    outcome = forge.merge(bench.ref, found.number, found.head, MergeMethod.MERGE)

    assert forge.file(bench.ref, oids["Dockerfile"]) == FILES["Dockerfile"]
    assert outcome.state is MergeState.MERGED
    forge.close()


# kinds of repositories


@pytest.mark.parametrize("method", list(MergeMethod))
def test_a_repository_with_sha256_is_like_any_other(
    bench: GitBench, tmp_path: Path, method: MergeMethod
) -> None:
    ref = RepositoryRef("acme", "long")
    remote, work = tmp_path / "git" / "acme" / "long.git", tmp_path / "long"
    remote.mkdir(parents=True)
    git(remote, "init", "-q", "--bare", "-b", "main", "--object-format=sha256")
    git(tmp_path, "init", "-q", "--object-format=sha256", str(work))
    git(work, "remote", "add", "origin", f"file://{remote}")
    (work / "Dockerfile").write_bytes(FILES["Dockerfile"])
    git(work, "add", "--all")
    git(work, "commit", "-qm", "files")
    git(work, "push", "-q", "origin", "HEAD:refs/heads/main")
    bench.ref, bench.remote = ref, remote
    forge = open_git(f"file://{tmp_path / 'git'}", bench.clock, person=KEEPER)

    found = propose(bench, forge)
    outcome = forge.merge(ref, found.number, found.head, method)
    forge.close()

    assert len(found.head) == 64
    assert (outcome.state, outcome.commit) == (MergeState.MERGED, bench.base())


def test_an_empty_repository_is_told_as_one(bench: GitBench) -> None:
    ref = RepositoryRef("acme", "empty")
    remote = bench.remote.parent / "empty.git"
    remote.mkdir()
    git(remote, "init", "-q", "--bare")
    forge = bench.forge()

    info = forge.repository(ref)

    assert (info.default_branch, info.head, info.is_empty) == (None, None, True)
    assert forge.find_change_requests(ref, BRANCH) == ()
    assert forge.branch(ref, BRANCH, "main") is None
    error = failure(lambda: forge.ensure_change_request(ref, proposal()))
    assert error.failure is ForgeFailure.CONFLICT


def test_a_base_that_is_gone_is_a_conflict(either: GitBench) -> None:
    forge = either.forge()
    found = propose(either, forge)
    wanted = commit(either)
    git(either.remote, "branch", "-m", "main", "trunk")
    trunk = either.head("trunk") or ""

    other = replace(proposal("alpine 3.23"), branch="basekeeper/new")
    forge.ensure_branch(either.ref, other.branch, replace(wanted, base=trunk), None)
    again = failure(lambda: forge.ensure_change_request(either.ref, other))
    outcome = forge.merge(either.ref, found.number, found.head, SQUASH)
    state = forge.branch(either.ref, BRANCH, "main")

    assert again.failure is ForgeFailure.CONFLICT
    assert "'main'" in again.message
    assert (outcome.state, outcome.reason) == (MergeState.REFUSED, "there is no branch 'main'")
    assert state is not None
    assert not state.is_ours


def test_a_long_past_is_fetched_only_as_far_as_it_is_needed(
    bench: GitBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    forge = bench.forge()
    made = forge.ensure_branch(bench.ref, BRANCH, commit(bench), None)
    below = bench.base()
    for number in range(9):
        bench.person_pushes("main", {"count": b"%d" % number})
    monkeypatch.setattr(branches, "DEPTHS", (2, 4, None))
    fetched = []

    def watched(self: Mirror, wanted: list[str], depth: int | None, **more: Any) -> None:
        fetched.append(depth)
        fetch(self, wanted, depth, **more)

    fetch = Mirror.fetch
    monkeypatch.setattr(Mirror, "fetch", watched)
    state = bench.forge().branch(bench.ref, BRANCH, "main")

    assert fetched == [2, 4, None]
    assert state is not None
    assert (state.head, state.base, state.ahead, state.behind, state.is_ours) == (
        made.head, below, 1, 9, True,
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(12))
def test_any_past_is_compared_as_if_all_of_it_were_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    rng = random.Random(seed)  # noqa: S311  # no secret
    remote = tmp_path / "remote.git"
    remote.mkdir()
    git(remote, "init", "-q", "--bare")
    count = rng.randint(4, 24)
    git(remote, "fast-import", "--quiet", input="".join(past(rng, count)))
    oids = [git(remote, "rev-parse", f"b{number}") for number in range(count)]
    monkeypatch.setattr(branches, "DEPTHS", (1, 2, 4, None))
    ours = Mirror("any", f"file://{remote}", {"PATH": os.environ["PATH"]})

    for head, base in [rng.sample(oids, 2) for _ in range(4)]:
        found = branches.relate(ours, head, base)
        ahead = git(remote, "rev-list", head, f"^{base}").split()
        behind = len(git(remote, "rev-list", base, f"^{head}").split())
        meetings = common(remote, head, base)
        assert set(found.ahead) == set(ahead)
        assert found.meeting in meetings
        assert found.behind == behind or found.behind > behind > 0
    ours.close()


def common(remote: Path, head: str, base: str) -> list[str | None]:
    """Return the best commits that two have in common."""
    argv = ["git", "merge-base", "--all", head, base]
    done = subprocess.run(argv, cwd=remote, capture_output=True, text=True, check=False)
    return [*done.stdout.split()] or [None]


def past(rng: random.Random, count: int) -> Iterator[str]:
    """Yield commits on branches `b0`, `b1` … for `git fast-import`, some without a parent."""
    for number in range(count):
        yield f"commit refs/heads/b{number}\nmark :{number + 1}\n"
        yield f"committer A <a@b> {1000 + rng.randint(0, 50)} +0000\ndata 1\nx\n"
        if number and rng.random() > 0.05:
            lowest, wanted = max(0, number - 6), rng.choice([1, 1, 1, 2, 2])
            above = sorted({rng.randrange(lowest, number) for _ in range(wanted)})
            words = ["from", *["merge"] * len(above)]
            yield "".join(f"{w} :{one + 1}\n" for w, one in zip(words, above, strict=False))
        yield "deleteall\n"


def test_files_that_nobody_reads_are_not_fetched(bench: GitBench) -> None:
    forge = bench.forge()
    forge.tree(bench.ref, bench.base())

    with forge._at(bench.ref) as place:
        argv = ["rev-list", "--objects", "--all", "--missing=print"]
        missing = place.mirror.told(argv).decode().count("?")

    assert missing == len(FILES)


@pytest.mark.parametrize(
    ("where", "name", "act"),
    [
        (commits, "MAX_ENTRIES", lambda f, b: f.ensure_branch(b.ref, BRANCH, commit(b), None)),
        (commits, "MAX_FILE_BYTES", lambda f, b: f.file(
            b.ref, next(one.oid for one in f.tree(b.ref, b.base()).entries if one.is_file)
        )),
        (commits, "MAX_COMMIT_BYTES", lambda f, b: f.ensure_branch(b.ref, BRANCH, commit(b), None)),
        (mirror, "MAX_KEPT_BYTES", lambda f, b: f.tree(b.ref, b.base())),
    ],
)  # fmt: skip
def test_what_is_too_large_is_refused_by_its_limit(
    bench: GitBench, monkeypatch: pytest.MonkeyPatch, where: Any, name: str, act: Any
) -> None:
    monkeypatch.setattr(where, name, 1)

    error = failure(lambda: act(bench.forge(), bench))

    assert error.failure is ForgeFailure.REFUSED
    assert bench.head(BRANCH) is None


def test_a_tree_that_is_too_large_says_that_something_is_missing(
    bench: GitBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commits, "MAX_ENTRIES", 2)

    tree = bench.forge().tree(bench.ref, bench.base())

    assert (len(tree.entries), tree.is_complete) == (2, False)


# strangers


@pytest.mark.parametrize(
    "name",
    ["", "-f", "a..b", "a\nb", "a b", "refs:heads", "a/", "/a", "a//b", ".a", "a.lock", "@",
     "a@{1}", "a*", "a^b", "a\\b", "x" * 300],
)  # fmt: skip
def test_a_name_that_no_branch_can_have_is_never_given_to_git(bench: GitBench, name: str) -> None:
    forge = bench.forge()

    error = failure(lambda: forge.ensure_branch(bench.ref, name, commit(bench), None))

    assert error.failure is ForgeFailure.CONFLICT
    assert forge.branch(bench.ref, name, "main") is None
    assert set(bench.refs()) == {"refs/heads/main"}


@pytest.mark.parametrize("oid", ["", "HEAD", "-h", "main", "a" * 39, "--upload-pack=touch x"])
def test_what_is_no_object_is_never_given_to_git(bench: GitBench, oid: str) -> None:
    forge = bench.forge()
    wanted = CommitRequest(base=oid, files={}, message="x")

    for act in (
        lambda: forge.tree(bench.ref, oid),
        lambda: forge.file(bench.ref, oid),
        lambda: forge.ensure_branch(bench.ref, BRANCH, wanted, None),
    ):
        assert failure(act).failure is ForgeFailure.REFUSED


@pytest.mark.parametrize(
    "path",
    ["", ".", "..", "../x", "a/../x", "/etc/passwd", "a//b", "a/", ".git/config", "a/.GIT/hooks/x",
     "a\0b", "./a"],
)  # fmt: skip
def test_a_path_that_leaves_the_tree_is_never_written(bench: GitBench, path: str) -> None:
    error = failure(lambda: bench.forge().ensure_branch(bench.ref, BRANCH, edit(bench, path), None))

    assert error.failure is ForgeFailure.REFUSED
    assert bench.head(BRANCH) is None


@pytest.mark.parametrize("path", ["a\nb", "a\tb", '"q"', "é", "\udcff", "-x", ":(top)x", "a b/c"])
def test_a_path_with_odd_signs_is_written_as_it_is(bench: GitBench, path: str) -> None:
    forge = bench.forge()
    head = forge.ensure_branch(bench.ref, BRANCH, edit(bench, path), None).head

    entries = forge.tree(bench.ref, head or "").entries

    assert path in {one.path for one in entries}
    assert len([one for one in entries if one.is_file]) == 4


@pytest.mark.parametrize(
    ("mode", "where", "path", "kind"),
    [
        ("120000", "link", "link", "a symbolic link"),
        ("120000", "link", "link/Dockerfile", "a symbolic link"),
        ("160000", "module", "module", "a submodule"),
        ("160000", "module", "module/Dockerfile", "a submodule"),
        ("100644", "file", "file/Dockerfile", "a file"),
        ("100644", "directory/file", "directory", "a directory"),
    ],
)
def test_only_plain_files_are_ever_replaced(
    bench: GitBench, mode: str, where: str, path: str, kind: str
) -> None:
    work = bench.place / "work"
    oid = bench.base() if mode == "160000" else git(work, "rev-parse", "HEAD:Dockerfile")
    git(work, "update-index", "--add", "--cacheinfo", f"{mode},{oid},{where}")
    git(work, "commit", "-qm", "by a person")
    git(work, "push", "-q", "origin", "HEAD:refs/heads/main")

    forge = bench.forge()
    for wanted in (edit(bench, path), edit(bench, path, "100755")):
        error = failure(partial(forge.ensure_branch, bench.ref, BRANCH, wanted, None))
        assert error.failure is ForgeFailure.CONFLICT
        assert kind in error.message
    assert bench.head(BRANCH) is None


def test_a_mode_that_makes_a_link_is_never_written(bench: GitBench) -> None:
    wanted = edit(bench, "new", "120000")

    error = failure(lambda: bench.forge().ensure_branch(bench.ref, BRANCH, wanted, None))

    assert error.failure is ForgeFailure.REFUSED


@pytest.mark.parametrize("name", ["..", ".git", "."])
def test_a_tree_that_was_made_to_escape_is_data_and_is_not_edited(
    bench: GitBench, name: str
) -> None:
    oid = git(bench.remote, "rev-parse", "main:Dockerfile")
    row = b"100644 %s\0%s" % (name.encode(), bytes.fromhex(oid))
    argv = ["git", "hash-object", "-t", "tree", "-w", "--stdin", "--literally"]
    made = subprocess.run(argv, cwd=bench.remote, input=row, capture_output=True, check=True)
    bad = git(bench.remote, "commit-tree", made.stdout.decode().strip(), "-m", "bad")
    git(bench.remote, "update-ref", "refs/heads/main", bad)
    forge = bench.forge()

    (entry,) = forge.tree(bench.ref, bad).entries
    error = failure(lambda: forge.ensure_branch(bench.ref, BRANCH, commit(bench), None))

    assert entry.path == name
    assert error.failure is not ForgeFailure.CONFLICT
    assert bench.head(BRANCH) is None


def test_a_commit_in_our_name_without_our_mark_is_foreign(bench: GitBench) -> None:
    forge = bench.forge()
    forge.ensure_branch(bench.ref, BRANCH, commit(bench), None)
    work = bench.place / "work"
    git(work, "fetch", "-q", "origin", BRANCH)
    git(work, "checkout", "-q", "FETCH_HEAD")
    by = ["-c", f"user.email={KEEPER.email}", "-c", f"user.name={KEEPER.name}"]
    git(work, *by, "commit", "-q", "--allow-empty", "-m", "as if ours")
    git(work, "push", "-q", "origin", f"HEAD:refs/heads/{BRANCH}")

    state = forge.branch(bench.ref, BRANCH, "main")

    assert state is not None
    assert state.foreign == (bench.head(BRANCH),)


def test_a_branch_without_a_common_past_is_foreign(bench: GitBench) -> None:
    work = bench.place / "work"
    git(work, "checkout", "-q", "--orphan", "other")
    git(work, "commit", "-qm", "another beginning")
    git(work, "push", "-q", "origin", f"HEAD:refs/heads/{BRANCH}")

    state = bench.forge().branch(bench.ref, BRANCH, "main")

    assert state is not None
    assert not state.is_ours


@pytest.mark.parametrize(
    "data",
    [b"no record\n", b"[" * 100_000, b"\xff\n", b'{"number":1}\n', b"{}\n" * 3,
     b'{"act":"closed","at":"2026-11-26T12:00:00+00:00","by":"","key":"x","number":1,"said":{}}\n'],
)  # fmt: skip
def test_records_that_somebody_broke_are_refused_with_the_remedy(
    web: GitBench, data: bytes
) -> None:
    propose(web, web.forge())
    before = web.refs()[NOTES]
    work = web.place / "work"
    git(work, "fetch", "-q", f"file://{web.remote}", NOTES)
    git(work, "checkout", "-q", "FETCH_HEAD")
    (work / "changes" / "000001.jsonl").write_bytes(data)
    git(work, "commit", "-qam", "broken")
    git(work, "push", "-q", f"file://{web.remote}", f"HEAD:{NOTES}")

    error = failure(lambda: web.forge().ensure_change_request(web.ref, proposal("other")))

    assert web.refs()[NOTES] != before
    assert error.failure is ForgeFailure.REFUSED


# people


@pytest.mark.parametrize("how", [["--no-ff"], ["--ff-only"]])
def test_what_a_person_merges_by_hand_is_merged(either: GitBench, how: list[str]) -> None:
    forge = either.forge()
    found = propose(either, forge)
    by_hand(either, "merge", "-q", *how, f"origin/{BRANCH}")

    (seen,) = forge.find_change_requests(either.ref, BRANCH)
    told = forge.ensure_change_request(either.ref, proposal())
    outcome = either.forge().merge(either.ref, found.number, found.head, SQUASH)

    assert (seen.state, told.done) == (ChangeState.MERGED, Done.MERGED)
    assert seen.merged_at is not None
    assert outcome.state is MergeState.MERGED
    assert outcome.commit == either.base()


def test_what_a_person_merged_and_tidied_up_is_still_merged(either: GitBench) -> None:
    forge = either.forge()
    propose(either, forge)
    by_hand(either, "merge", "-q", "--no-ff", f"origin/{BRANCH}")
    git(either.remote, "branch", "-q", "-D", BRANCH)

    assert either.forge().ensure_change_request(either.ref, proposal()).done is Done.MERGED


def test_a_branch_that_a_person_removed_is_declined_for_its_key(either: GitBench) -> None:
    forge = either.forge()
    propose(either, forge)
    git(either.remote, "branch", "-q", "-D", BRANCH)

    (seen,) = forge.find_change_requests(either.ref, BRANCH)
    declined = forge.ensure_change_request(either.ref, proposal())
    forge.ensure_branch(either.ref, BRANCH, commit(either), None)
    again = either.forge().ensure_change_request(either.ref, proposal())
    other = either.forge().ensure_change_request(either.ref, proposal("alpine 3.23"))

    assert (seen.state, seen.closed_by) == (ChangeState.CLOSED, None)
    assert (declined.done, again.done, other.done) == (Done.DECLINED, Done.DECLINED, Done.CREATED)


def test_a_change_request_of_somebody_else_is_left_alone(either: GitBench) -> None:
    other = either.forge(person=Person("bob", "bob@example.org"))
    other.ensure_branch(either.ref, BRANCH, commit(either), None)
    other.ensure_change_request(either.ref, proposal())

    error = failure(lambda: either.forge().ensure_change_request(either.ref, proposal("mine")))
    (seen,) = either.forge().find_change_requests(either.ref, BRANCH)

    assert error.failure is ForgeFailure.CONFLICT
    assert (seen.is_ours, seen.key, seen.author) == (False, None, "bob")


def test_a_persons_commit_on_our_branch_is_merged_with_it_once_it_was_judged(
    either: GitBench,
) -> None:
    forge = either.forge()
    found = propose(either, forge)
    head = either.person_pushes(BRANCH, {"mine": b"work"})

    outcome = forge.merge(either.ref, found.number, head, SQUASH)

    assert outcome.state is MergeState.MERGED
    assert either.content("main")["mine"][1] == b"work"
    assert either.forge().merge(either.ref, found.number, head, SQUASH) == outcome


def test_several_commits_are_not_put_on_top_of_a_base_that_moved(bench: GitBench) -> None:
    forge = bench.forge()
    found = propose(bench, forge)
    head = bench.person_pushes(BRANCH, {"mine": b"work"})
    bench.person_pushes("main", {"other": b"x"})

    outcome = forge.merge(bench.ref, found.number, head, MergeMethod.REBASE)

    assert outcome.state is MergeState.REFUSED
    assert "single commit" in outcome.reason


# two at once, and records


def test_two_monitors_at_once_make_one_change_request(either: GitBench) -> None:
    forges = [either.forge(), either.forge()]
    forges[0].ensure_branch(either.ref, BRANCH, commit(either), None)
    told, gate = [], threading.Barrier(2)

    def work(forge: Any) -> None:
        gate.wait(10)
        told.append(forge.ensure_change_request(either.ref, proposal()).change.number)

    threads = [threading.Thread(target=work, args=(one,)) for one in forges]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)

    assert told == [1, 1]
    assert either.counts()["changes"] == 1


def test_who_is_never_first_gives_up(web: GitBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("basekeeper.forge.git.books.NotesBook.add", lambda *_: False)
    monkeypatch.setattr(changes, "ATTEMPTS", 2)
    web.forge().ensure_branch(web.ref, BRANCH, commit(web), None)

    error = failure(lambda: web.forge().ensure_change_request(web.ref, proposal()))

    assert error.failure is ForgeFailure.CONFLICT


def test_records_in_the_ledger_are_sound_and_no_matter_of_deadlines(bench: GitBench) -> None:
    forge = bench.forge()
    found = propose(bench, forge)
    forge.merge(bench.ref, found.number, found.head, SQUASH)
    ledger = bench._ledger
    assert ledger is not None

    events = [*ledger.events(kinds=(EventKind.PROPOSAL_NOTED,))]

    assert [(one.subject, one.evidence["act"]) for one in events] == [
        ("acme/shop#proposal=1", "opened"), ("acme/shop#proposal=1", "commented"),
        ("acme/shop#proposal=1", "merged"),
    ]  # fmt: skip
    assert read_moments(events) == ((), ())
    assert ledger.verify().is_sound


def test_a_text_longer_than_a_record_takes_is_cut(either: GitBench) -> None:
    forge = either.forge()
    forge.ensure_branch(either.ref, BRANCH, commit(either), None)
    long = proposal(body="\N{PILE OF POO}\0" * 40_000)

    made = forge.ensure_change_request(either.ref, long)
    again = either.forge().ensure_change_request(either.ref, long)

    assert made.change.body.endswith("takes)")
    assert again.done is Done.UNCHANGED


def test_what_is_known_costs_no_request(web: GitBench) -> None:
    from basekeeper.cache.memory import MemoryCache

    cache, files = MemoryCache(), list[bytes]()
    for _ in range(2):
        web._faults.log.clear()
        forge = web.forge(cache=cache)
        tree = forge.tree(web.ref, web.base())
        files = [forge.file(web.ref, one.oid) for one in tree.entries if one.is_file]

    assert set(files) == set(FILES.values())
    assert web._faults.log == []


def test_nothing_stays_on_the_disk(tmp_path: Path, web: GitBench, monkeypatch: Any) -> None:
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    forge = web.forge()
    forge.tree(web.ref, web.base())

    assert [one.stat().st_mode & 0o77 for one in place.iterdir()] == [0]
    forge.close()
    assert list(place.iterdir()) == []
    assert failure(lambda: forge.tree(web.ref, web.base())).failure is ForgeFailure.REFUSED


@pytest.mark.parametrize("head", ["refs/heads/gone", "detached"])
def test_a_head_that_names_no_branch_is_not_taken_for_an_empty_repository(
    bench: GitBench, head: str
) -> None:
    if head == "detached":
        (bench.remote / "HEAD").write_text(f"{bench.base()}\n")
    else:
        git(bench.remote, "symbolic-ref", "HEAD", head)

    error = failure(lambda: bench.forge().repository(bench.ref))

    assert error.failure is ForgeFailure.CONFLICT
    assert "symbolic-ref" in (error.hint or "")


def test_a_token_is_not_sent_on_to_another_server(web: GitBench, tmp_path: Path) -> None:
    seen: list[str] = []
    with redirecting(web.url, seen) as url:
        environ = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull}
        forge = open_git(url, web.clock, token="t0ken", environ=environ)  # noqa: S106
        web._faults.log.clear()
        error = failure(lambda: forge.repository(web.ref))
        forge.close()

    assert seen
    assert web._faults.log == []
    assert error.failure in {ForgeFailure.REFUSED, ForgeFailure.TRANSIENT}


@contextmanager
def redirecting(to: str, seen: list[str]) -> Iterator[str]:
    """Serve nothing but redirects to another server."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            self.send_response(302)
            self.send_header("Location", to + self.path)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def test_a_change_request_that_is_not_there_is_not_found(either: GitBench) -> None:
    forge = either.forge()
    for act in (
        lambda: forge.close_change_request(either.ref, 7),
        lambda: forge.comment_once(either.ref, 7, "a", "b"),
        lambda: forge.merge(either.ref, 7, either.base(), SQUASH),
    ):
        assert failure(act).failure is ForgeFailure.NOT_FOUND


def test_records_that_were_removed_are_not_there_any_more(web: GitBench) -> None:
    forge = web.forge()
    found = propose(web, forge)
    assert forge.comment_once(web.ref, found.number, "one more", "word")
    git(web.remote, "update-ref", "-d", NOTES)

    error = failure(lambda: forge.close_change_request(web.ref, found.number))

    assert error.failure is ForgeFailure.NOT_FOUND


def test_a_draft_is_not_merged(bench: GitBench) -> None:
    forge = bench.forge()
    forge.ensure_branch(bench.ref, BRANCH, commit(bench), None)
    draft = replace(proposal(), is_draft=True)
    found = forge.ensure_change_request(bench.ref, draft).change

    outcome = forge.merge(bench.ref, found.number, found.head, SQUASH)

    assert found.is_draft
    assert (outcome.state, outcome.reason) == (MergeState.REFUSED, "it is a draft")


def test_labels_of_others_stay_and_lacking_ones_are_added(either: GitBench) -> None:
    forge = either.forge()
    propose(either, forge)
    more = replace(proposal(), labels=("docker", "security"))

    done = forge.ensure_change_request(either.ref, more)

    assert done.done is Done.UPDATED
    assert done.change.labels == ("docker", "base image", "security")


@pytest.mark.parametrize("method", [MergeMethod.MERGE, SQUASH])
def test_the_commit_of_a_merge_says_what_it_merged(bench: GitBench, method: MergeMethod) -> None:
    forge = bench.forge()
    found = propose(bench, forge)

    forge.merge(bench.ref, found.number, found.head, method)

    text = git(bench.remote, "log", "-1", "--format=%an <%ae>%n%P%n%B", "main")
    assert text.startswith("keeper <keeper@example.org>\n")
    assert found.head in text
    assert ("Update alpine" if method is MergeMethod.MERGE else "alpine 3.22") in text


KILLED = """
import os, signal, sys
from pathlib import Path
from basekeeper.forge.git import mirror
from basekeeper.forge.git.opening import open_git
from tests.contract.forge_git_places import KEEPER, Clock
from tests.contract.forge_places import REF, BRANCH, propose
from basekeeper.values.forge import MergeMethod

when, kind, url, pushes = int(sys.argv[1]), sys.argv[2], sys.argv[3], 0
run = mirror.run

def killed(argv, **more):
    global pushes
    pushes += argv[1] == "push"
    is_end = argv[1] == "push" and pushes == when
    if is_end and kind == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    done = run(argv, **more)
    if is_end:
        os.kill(os.getpid(), signal.SIGKILL)
    return done

class Bench:
    ref = REF
    def base(self):
        return forge.repository(REF).head

mirror.run = killed
forge = open_git(url, Clock(), person=KEEPER)
found = propose(Bench(), forge)
forge.merge(REF, found.number, found.head, MergeMethod.SQUASH)
forge.close()
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["before", "after"])
def test_killed_at_any_push_and_run_again_there_is_one_of_everything(
    tmp_path: Path, kind: str
) -> None:
    kills = 0
    while True:
        with git_bench(tmp_path / f"{kills}") as bench:
            url = f"file://{bench.remote.parent.parent}"
            argv = [sys.executable, "-c", KILLED, str(kills + 1), kind, url]
            environ = {**os.environ, "TMPDIR": str(bench.place), "GIT_CONFIG_GLOBAL": os.devnull}
            ended = subprocess.run(
                argv, env=environ, cwd=ROOT, capture_output=True, check=False, timeout=60
            )
            forge = bench.forge()
            found = forge.find_change_requests(bench.ref, BRANCH)
            if not any(one.state is ChangeState.MERGED for one in found):
                one = propose(bench, forge)
                outcome = forge.merge(bench.ref, one.number, one.head, SQUASH)
                assert outcome.state is MergeState.MERGED
            assert bench.counts() == bench.made, kills
            assert len(git(bench.remote, "rev-list", "main").splitlines()) == 3
        if ended.returncode == 0:
            break
        assert ended.returncode == -signal.SIGKILL, ended.stderr
        kills += 1
    assert kills >= 5


@pytest.mark.parametrize("kind", ["sqlite", "branch"])
def test_of_two_monitors_with_ledgers_of_their_own_one_is_first(
    bench: GitBench, tmp_path: Path, kind: str
) -> None:
    text = f"sqlite:{tmp_path / 'shared.sqlite'}"
    if kind == "branch":
        git(tmp_path, "init", "-q", "--bare", "state.git")
        text = f"branch:basekeeper-ledger@file://{tmp_path / 'state.git'}"
    opened = [open_ledger(read_location(text), clock=bench.clock) for _ in range(2)]
    forges = [
        open_git(bench.url, bench.clock, person=KEEPER, recording=Recording(one, str))
        for one in opened
    ]
    forges[0].ensure_branch(bench.ref, BRANCH, commit(bench), None)

    told = [one.ensure_change_request(bench.ref, proposal()) for one in forges]
    said = [one.comment_once(bench.ref, 1, "hello", "a word") for one in forges]
    ends = [one.close_change_request(bench.ref, 1) for one in forges]

    assert [(one.done, one.change.number) for one in told] == [
        (Done.CREATED, 1), (Done.UNCHANGED, 1),
    ]  # fmt: skip
    assert (said, ends) == ([True, False], [True, False])
    assert forges[1].ensure_change_request(bench.ref, proposal()).done is Done.DECLINED
    for one in (*forges, *opened):
        one.close()


def test_a_ledger_that_is_gone_is_said_and_nothing_is_made_twice(
    bench: GitBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    forge = bench.forge()
    forge.ensure_branch(bench.ref, BRANCH, commit(bench), None)
    assert bench._ledger is not None

    def gone(*_: object, **__: object) -> int:
        raise LedgerError("the ledger is gone", hint="bring it back")

    with monkeypatch.context() as broken:
        broken.setattr(type(bench._ledger), "append", gone)
        error = failure(lambda: forge.ensure_change_request(bench.ref, proposal()))
    with monkeypatch.context() as broken:
        broken.setattr(type(bench._ledger), "events", gone)
        unread = failure(lambda: forge.find_change_requests(bench.ref, BRANCH))

    assert error.failure is unread.failure is ForgeFailure.TRANSIENT
    assert error.hint == "bring it back"
    assert forge.ensure_change_request(bench.ref, proposal()).change.number == 1


# answers that are lost, and what is gone


@pytest.mark.parametrize("is_done", [True, False])
@pytest.mark.parametrize("lost", range(1, 6))
def test_a_lost_answer_is_looked_up_and_the_rest_is_done(
    web: GitBench, monkeypatch: pytest.MonkeyPatch, lost: int, *, is_done: bool
) -> None:
    pushes = 0

    def losing(self: Mirror, ref: str, made: str | None, expected: str | None) -> None:
        nonlocal pushes
        pushes += 1
        if pushes != lost or is_done:
            push(self, ref, made, expected)
        if pushes == lost:
            raise ForgeError("hung up", ForgeFailure.TRANSIENT)

    push = Mirror.push
    monkeypatch.setattr(Mirror, "push", losing)

    def work() -> MergeState:
        forge = web.forge()
        found = propose(web, forge)
        return forge.merge(web.ref, found.number, found.head, SQUASH).state

    if is_done:
        assert work() is MergeState.MERGED
    else:
        assert failure(work).failure is ForgeFailure.TRANSIENT
        seen = web.forge().find_change_requests(web.ref, BRANCH)
        if not any(one.state is ChangeState.MERGED for one in seen):
            assert work() is MergeState.MERGED
    assert web.counts() == web.made


def test_a_lost_answer_to_a_removal_is_looked_up(
    bench: GitBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    forge = bench.forge()
    head = forge.ensure_branch(bench.ref, BRANCH, commit(bench), None).head or ""

    def losing(*arguments: Any) -> None:
        push(*arguments)
        raise ForgeError("hung up", ForgeFailure.TRANSIENT)

    push = Mirror.push
    monkeypatch.setattr(Mirror, "push", losing)

    assert forge.delete_branch(bench.ref, BRANCH, head)
    assert bench.head(BRANCH) is None


def test_a_branch_that_was_removed_and_swept_away_is_closed(either: GitBench) -> None:
    propose(either, either.forge())
    git(either.remote, "branch", "-q", "-D", BRANCH)
    git(either.remote, "gc", "-q", "--prune=now")

    (found,) = either.forge().find_change_requests(either.ref, BRANCH)

    assert found.state is ChangeState.CLOSED


def test_a_branch_that_was_set_back_has_nothing_to_merge(bench: GitBench) -> None:
    forge = bench.forge()
    found = propose(bench, forge)
    git(bench.remote, "update-ref", f"refs/heads/{BRANCH}", bench.base())

    other = forge.ensure_change_request(bench.ref, proposal(body="another reason"))
    (seen,) = forge.find_change_requests(bench.ref, BRANCH)
    outcome = forge.merge(bench.ref, found.number, bench.base(), SQUASH)

    assert (other.done, seen.state) == (Done.UPDATED, ChangeState.OPEN)
    assert (outcome.state, outcome.reason) == (MergeState.REFUSED, "its base has it already")


def test_a_branch_without_a_common_past_is_not_merged(bench: GitBench) -> None:
    forge = bench.forge()
    found = propose(bench, forge)
    work = bench.place / "work"
    git(work, "checkout", "-q", "--orphan", "other")
    git(work, "commit", "-qm", "another beginning")
    git(work, "push", "-q", "-f", "origin", f"HEAD:refs/heads/{BRANCH}")
    head = bench.head(BRANCH) or ""

    outcome = forge.merge(bench.ref, found.number, head, SQUASH)

    assert outcome.state is MergeState.REFUSED
    assert "in common" in outcome.reason


def test_an_old_git_says_that_it_cannot_merge(
    bench: GitBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    forge = bench.forge()
    found = propose(bench, forge)
    bench.person_pushes("main", {"other": b"x"})

    def old(self: Mirror, arguments: Sequence[str], **more: Any) -> process.Completed:
        if arguments[0] == "merge-tree":
            return process.Completed(129, b"", b"usage: git merge-tree <base-tree> <branch1>")
        return run(self, arguments, **more)

    run = Mirror.git
    monkeypatch.setattr(Mirror, "git", old)
    (seen,) = forge.find_change_requests(bench.ref, BRANCH)
    error = failure(lambda: forge.merge(bench.ref, found.number, found.head, SQUASH))

    assert seen.mergeable is None
    assert error.failure is ForgeFailure.UNSUPPORTED
    assert "git 2.38" in error.message


def test_an_object_that_is_no_file_or_not_there_is_not_found(bench: GitBench) -> None:
    forge = bench.forge()
    tree = git(bench.remote, "rev-parse", "main^{tree}")

    for oid in (tree, "1" * 40):
        error = failure(partial(forge.file, bench.ref, oid))
        assert error.failure in {ForgeFailure.NOT_FOUND, ForgeFailure.TRANSIENT}


def test_no_room_for_our_repository_is_said(
    bench: GitBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))

    error = failure(lambda: bench.forge().repository(bench.ref))

    assert error.failure is ForgeFailure.REFUSED
    assert "no room" in error.message


def test_a_remote_that_changes_its_hash_is_refused(tmp_path: Path) -> None:
    remote = tmp_path / "remote.git"
    for kind in ("sha1", "sha256"):
        place = tmp_path / kind
        git(tmp_path, "init", "-q", "-b", "main", f"--object-format={kind}", str(place))
        git(place, "commit", "-q", "--allow-empty", "-m", "first")
    remote.symlink_to(tmp_path / "sha256" / ".git")
    ours = Mirror("any", f"file://{remote}", {"PATH": os.environ["PATH"]})
    ours.refs()
    remote.unlink()
    remote.symlink_to(tmp_path / "sha1" / ".git")

    error = failure(ours.refs)
    ours.close()

    assert error.failure is ForgeFailure.REFUSED


def test_an_event_of_the_ledger_that_is_no_record_is_refused(bench: GitBench) -> None:
    assert bench._ledger is not None
    event = Event(
        kind=EventKind.PROPOSAL_NOTED, subject="acme/shop#proposal=one", key="opened",
        at=bench.clock(), source="somebody", evidence={"act": "opened", "by": "x"},
    )  # fmt: skip
    bench._ledger.append([event])

    error = failure(lambda: bench.forge().find_change_requests(bench.ref, BRANCH))

    assert error.failure is ForgeFailure.REFUSED


def test_records_of_more_than_their_limit_are_refused(
    web: GitBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    propose(web, web.forge())
    monkeypatch.setattr(books, "MAX_BOOK_BYTES", 10)

    error = failure(lambda: web.forge().find_change_requests(web.ref, BRANCH))

    assert error.failure is ForgeFailure.REFUSED


def test_a_change_request_goes_to_another_base_only_where_that_lacks_something(
    either: GitBench,
) -> None:
    forge = either.forge()
    propose(either, forge)
    for name, commit_ in (("stable", either.base()), ("done", either.head(BRANCH) or "")):
        git(either.remote, "branch", name, commit_)

    error = failure(
        lambda: forge.ensure_change_request(either.ref, replace(proposal(), base="done"))
    )
    moved = forge.ensure_change_request(either.ref, replace(proposal(), base="stable"))

    assert error.failure is ForgeFailure.CONFLICT
    assert (moved.done, moved.change.base) == (Done.UPDATED, "stable")
    assert either.counts()["changes"] == 1
