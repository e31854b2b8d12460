"""What can go wrong with a forge: one test for each row of docs/reference/faults.md."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from basekeeper.errors import ForgeError, ForgeFailure
from basekeeper.forge.github.opening import App, open_github
from basekeeper.forge.github.tokens import JOB_LOGIN
from basekeeper.forge.pacing import Pace, Pacer
from basekeeper.transport.client import HostOptions, Limits, Transport
from basekeeper.values.forge import (
    ChangeState,
    CheckState,
    CommitRequest,
    DispatchRequest,
    Done,
    FileChange,
    Label,
    MergeMethod,
    MergeState,
    RepositoryRef,
    TokenKind,
    Verdict,
)
from basekeeper.values.verdicts import judge
from tests.contract.forge_places import (
    BRANCH,
    NOW,
    REF,
    TOKEN,
    GitHubBench,
    commit,
    github_bench,
    proposal,
    propose,
)
from tests.fakes.github import Fault, Pull, broken, primary_limit, secondary_limit
from tests.fakes.github.server import Answer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from basekeeper.values.forge import Checks

LATER = NOW + timedelta(hours=1)
WORKFLOW = b"""
name: release
on:
  workflow_dispatch:
    inputs:
      reason: {required: true}
      kind: {type: choice, options: [patch, minor], default: patch}
      dry: {type: boolean}
"""
START = DispatchRequest(workflow="release.yml", branch="main", inputs={"reason": "bk-77aa"})


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[GitHubBench]:
    with github_bench(tmp_path / "forge") as made:
        yield made


def failing(bench: GitHubBench, **fault: Any) -> ForgeError:
    """Ask about the branch while something is wrong, and return what is said of it."""
    bench.server.add(Fault(**{"part": "/git/ref/", "times": None, **fault}))
    with pytest.raises(ForgeError) as caught:
        bench.forge().branch(REF, BRANCH, "main")
    return caught.value


def somebody_proposes(bench: GitHubBench, user: str = "keeper", body: str = "") -> None:
    number = max(bench.repository.pulls, default=0) + 1
    who = bench.world.user(user)
    bench.repository.pulls[number] = Pull(
        number, who, BRANCH, "main", "Update", body, bench.repository.id,
        head_oid=bench.head(BRANCH) or "",
    )  # fmt: skip


# Proposals


def test_forge_pull_request_was_made_meanwhile(bench: GitHubBench) -> None:
    forge = bench.forge()
    forge.ensure_branch(REF, BRANCH, commit(bench), None)
    bench.server.add(Fault("POST", "/pulls", meanwhile=lambda: somebody_proposes(bench)))

    found = forge.ensure_change_request(REF, proposal())

    assert (found.done, found.change.key) == (Done.UPDATED, "alpine 3.22")
    assert len(bench.repository.pulls) == 1


def test_forge_pull_request_of_somebody_else_is_left_alone(bench: GitHubBench) -> None:
    forge = bench.forge()
    forge.ensure_branch(REF, BRANCH, commit(bench), None)
    somebody_proposes(bench, "alice", "mine")

    with pytest.raises(ForgeError, match="is by alice, not by us") as caught:
        forge.ensure_change_request(REF, proposal())

    assert caught.value.failure is ForgeFailure.CONFLICT
    assert bench.body(1) == "mine"


def test_forge_pull_request_of_a_fork_with_the_same_branch(bench: GitHubBench) -> None:
    forge = bench.forge()
    forge.ensure_branch(REF, BRANCH, commit(bench), None)
    somebody_proposes(bench, "alice")
    bench.repository.pulls[1].head_repo = 5

    assert forge.find_change_requests(REF, BRANCH) == ()
    assert forge.ensure_change_request(REF, proposal()).done is Done.CREATED


def test_forge_closed_by_a_person(bench: GitHubBench) -> None:
    forge = bench.forge()
    bench.person_closes(propose(bench, forge).number)

    assert forge.ensure_change_request(REF, proposal()).done is Done.DECLINED
    (found,) = forge.find_change_requests(REF, BRANCH)
    assert found.closed_by == "alice"


def test_forge_merged_earlier(bench: GitHubBench) -> None:
    forge = bench.forge()
    found = propose(bench, forge)
    bench.person_merges(found.number)

    assert forge.ensure_change_request(REF, proposal()).done is Done.MERGED
    outcome = forge.merge(REF, found.number, found.head, MergeMethod.SQUASH)
    assert outcome.state is MergeState.MERGED
    assert bench.server.count("PUT") == 0


def test_forge_body_is_longer_than_it_takes(bench: GitHubBench) -> None:
    forge = bench.forge()
    forge.ensure_branch(REF, BRANCH, commit(bench), None)

    made = forge.ensure_change_request(REF, proposal(body="x" * 100_000))
    again = forge.ensure_change_request(REF, proposal(body="x" * 100_000))

    assert len(bench.body(made.change.number)) == forge.capabilities().max_body
    assert (again.done, again.change.key) == (Done.UNCHANGED, "alpine 3.22")


def test_forge_answer_to_a_proposal_is_lost(bench: GitHubBench) -> None:
    forge = bench.forge()
    forge.ensure_branch(REF, BRANCH, commit(bench), None)
    bench.server.add(Fault("POST", "/pulls", hang_up="after"))

    found = forge.ensure_change_request(REF, proposal())

    assert found.change.state is ChangeState.OPEN
    assert len(bench.repository.pulls) == 1


# Branches


@pytest.mark.parametrize("swaps", [True, False])
def test_forge_branch_moved_between_read_and_write(bench: GitHubBench, swaps: bool) -> None:  # noqa: FBT001
    bench.world.updates_refs = swaps
    forge = bench.forge()
    head = forge.ensure_branch(REF, BRANCH, commit(bench), None).head
    pushed: list[str] = []
    # Where it cannot compare and swap, the last moment at which it is noticed is the look before.
    method, part = ("POST", "Update") if swaps else ("POST", "/git/commits")
    bench.server.add(
        Fault(
            method,
            part,
            meanwhile=lambda: pushed.append(bench.person_pushes(BRANCH, {"a": b"a"})),
        )
    )

    with pytest.raises(ForgeError, match="now") as caught:
        forge.ensure_branch(REF, BRANCH, commit(bench, b"FROM alpine:3.23\n"), head)

    assert caught.value.failure is ForgeFailure.CONFLICT
    assert bench.head(BRANCH) == pushed[0]


def test_forge_branch_made_by_somebody_meanwhile(bench: GitHubBench) -> None:
    for bench.world.updates_refs, name in ((True, "one"), (False, "two")):
        bench.server.faults[:] = [
            Fault("POST", "/git/commits", meanwhile=lambda: bench.person_pushes(name, {"a": b"a"}))  # noqa: B023
        ]
        with pytest.raises(ForgeError, match="was nothing and is") as caught:
            bench.forge().ensure_branch(REF, name, commit(bench), None)
        assert caught.value.failure is ForgeFailure.CONFLICT


def test_forge_foreign_commit_on_the_branch(bench: GitHubBench) -> None:
    forge = bench.forge()
    forge.ensure_branch(REF, BRANCH, commit(bench), None)
    pushed = bench.person_pushes(BRANCH, {"a": b"a"})

    with pytest.raises(ForgeError, match="not ours") as caught:
        forge.ensure_branch(REF, BRANCH, commit(bench, b"FROM alpine:3.23\n"), pushed)

    assert (caught.value.failure, bench.head(BRANCH)) == (ForgeFailure.CONFLICT, pushed)


def test_forge_commit_of_a_person_with_our_own_token(bench: GitHubBench) -> None:
    forge = bench.forge()
    forge.ensure_branch(REF, BRANCH, commit(bench), None)
    bench.world.push(bench.repository, BRANCH, {"a": b"a"}, bench.keeper)  # without our trailer

    state = forge.branch(REF, BRANCH, "main")

    assert state is not None
    assert not state.is_ours


def test_forge_branch_was_pushed_anew_by_force(bench: GitHubBench) -> None:
    forge = bench.forge()
    forge.ensure_branch(REF, BRANCH, commit(bench), None)
    bench.repository.git.point(f"refs/heads/{BRANCH}", None)
    bench.world.push(bench.repository, BRANCH, {"a": b"a"}, bench.alice)

    state = forge.branch(REF, BRANCH, "main")

    assert state is not None
    assert not state.is_ours


def test_forge_new_tree_is_not_there_yet(bench: GitHubBench) -> None:
    document = {"message": "Tree SHA does not exist"}
    bench.server.add(Fault("POST", "/git/commits", status=422, document=document, times=2))

    assert bench.forge().ensure_branch(REF, BRANCH, commit(bench), None).done is Done.CREATED
    assert bench.clock.slept == [0.75, 1.5]
    bench.server.add(Fault("POST", "/git/commits", status=422, document=document, times=3))
    with pytest.raises(ForgeError, match="Tree SHA does not exist"):
        bench.forge().ensure_branch(REF, "other", commit(bench), None)


def test_forge_without_compare_and_swap(bench: GitHubBench) -> None:
    bench.world.updates_refs = False
    forge = bench.forge()
    first = forge.ensure_branch(REF, BRANCH, commit(bench), None)
    second = forge.ensure_branch(REF, BRANCH, commit(bench, b"FROM alpine:3.23\n"), first.head)

    assert [first.done, second.done] == [Done.CREATED, Done.UPDATED]
    assert second.head == bench.head(BRANCH)
    assert forge.delete_branch(REF, BRANCH, second.head or "")


def test_forge_answer_to_a_new_branch_is_lost(bench: GitHubBench) -> None:
    bench.server.add(Fault(part="Update", hang_up="after"))

    made = bench.forge().ensure_branch(REF, BRANCH, commit(bench), None)

    assert (made.done, made.head) == (Done.CREATED, bench.head(BRANCH))


# Repositories


def test_forge_base_was_renamed(bench: GitHubBench) -> None:
    forge = bench.forge()
    forge.ensure_branch(REF, BRANCH, commit(bench), None)
    git = bench.repository.git
    git.point("refs/heads/trunk", bench.base())
    git.run("symbolic-ref", "HEAD", "refs/heads/trunk")
    git.point("refs/heads/main", None)
    bench.repository.default_branch = "trunk"
    bench.repository.renamed_branches["main"] = "trunk"

    with pytest.raises(ForgeError, match="base") as caught:
        forge.ensure_change_request(REF, proposal())
    assert caught.value.failure is ForgeFailure.CONFLICT
    assert forge.repository(REF).default_branch == "trunk"
    head = bench.head("trunk") or ""
    assert forge.checks(REF, head, "main").checks == ()
    assert "has moved" in forge.notices()[0]


def test_forge_repository_was_renamed(bench: GitHubBench) -> None:
    bench.world.rename(bench.repository, "acme/store")
    forge = bench.forge()

    found = forge.repository(REF)
    propose(bench, forge)

    assert found.ref == RepositoryRef("acme", "store")
    assert "acme/shop is called acme/store now: correct the name" in forge.notices()
    assert len(bench.repository.pulls) == 1


def test_forge_archived_repository(bench: GitHubBench) -> None:
    bench.repository.is_archived = True
    forge = bench.forge()

    assert not forge.repository(REF).is_writable
    with pytest.raises(ForgeError, match="archived") as caught:
        forge.ensure_label(REF, Label("docker"))
    assert caught.value.failure is ForgeFailure.UNSUPPORTED


def test_forge_empty_repository(bench: GitHubBench) -> None:
    bench.world.repository("acme/empty", rights={"keeper": "write"})
    ref = RepositoryRef("acme", "empty")
    forge = bench.forge()

    found = forge.repository(ref)
    assert (found.is_empty, found.head, found.default_branch) == (True, None, None)
    with pytest.raises(ForgeError, match="empty") as caught:
        forge.branch(ref, BRANCH, "main")
    assert caught.value.failure is ForgeFailure.UNSUPPORTED


def test_forge_truncated_tree(bench: GitHubBench) -> None:
    bench.repository.truncate = 1
    forge = bench.forge()

    changes = {path: FileChange(data=b"x") for path in ("build.sh", "docs/logo.bin", "docs/new/x")}
    wanted = CommitRequest(base=bench.base(), files=changes, message="x")

    assert not forge.tree(REF, bench.base()).is_complete
    forge.ensure_branch(REF, BRANCH, wanted, None)

    modes = {path: mode for path, (mode, _) in bench.content(BRANCH).items()}
    assert modes == {
        "Dockerfile": "100644", "build.sh": "100755", "docs/logo.bin": "100644",
        "docs/new/x": "100644",
    }  # fmt: skip


def test_forge_content_has_another_oid(bench: GitHubBench) -> None:
    forge = bench.forge()
    entry = next(one for one in forge.tree(REF, bench.base()).entries if one.is_file)
    document = {"encoding": "base64", "content": "YQ==", "size": 1, "sha": entry.oid}
    bench.server.add(Fault("GET", "/git/blobs/", status=200, document=document))

    with pytest.raises(ForgeError, match="does not have that oid") as caught:
        forge.file(REF, entry.oid)
    assert caught.value.failure is ForgeFailure.REFUSED


# People, labels


def test_forge_reviewers_without_access(bench: GitHubBench) -> None:
    forge = bench.forge()
    number = propose(bench, forge).number
    bench.repository.teams.add("platform")

    refused = forge.request_reviewers(
        REF, number, ["alice", "nobody", "keeper", "acme/platform", "acme/none", "bob"]
    )

    assert refused == ("nobody", "keeper", "acme/none")
    assert bench.repository.pulls[number].reviewers == ["bob", "alice"]
    assert bench.repository.pulls[number].teams == ["platform"]


def test_forge_label_is_missing(bench: GitHubBench) -> None:
    forge = bench.forge()

    assert forge.ensure_label(REF, Label("docker"))
    made = {"docker": {"name": "Docker", "color": "0", "description": ""}}
    bench.repository.labels.clear()
    bench.server.add(
        Fault("POST", "/labels", meanwhile=lambda: bench.repository.labels.update(made))
    )
    assert not forge.ensure_label(REF, Label("docker"))
    assert bench.repository.labels == made


# Checks


def checked(bench: GitHubBench) -> Checks:
    """Propose, and read the checks of the head."""
    forge = bench.forge()
    found = propose(bench, forge)
    return bench.forge().checks(REF, found.head, "main", found.number)


def test_forge_no_checks_ever(bench: GitHubBench) -> None:
    found = checked(bench)

    assert (found.checks, found.has_required) == ((), False)
    assert judge(found, since=NOW, now=NOW) is Verdict.WAITING
    assert judge(found, since=NOW, now=LATER) is Verdict.NONE


def test_forge_required_check_never_reported(bench: GitHubBench) -> None:
    bench.repository.ruled["main"] = ["build"]
    bench.repository.protected["main"] = ["lint"]
    head = propose(bench, bench.forge()).head
    bench.world.report(bench.repository, head, "lint", "success")

    found = checked(bench)

    assert (found.missing, found.has_required) == (("build",), True)
    assert [(one.name, one.is_required) for one in found.checks] == [("lint", True)]
    assert judge(found, since=NOW, now=NOW) is Verdict.WAITING
    assert judge(found, since=NOW, now=LATER) is Verdict.NONE


def test_forge_optional_check_is_red(bench: GitHubBench) -> None:
    bench.repository.ruled["main"] = ["build"]
    head = propose(bench, bench.forge()).head
    bench.world.report(bench.repository, head, "build", "success", app="ci")
    bench.world.report(bench.repository, head, "extra", "timed_out", app="ci")
    bench.world.report(bench.repository, head, "more", "pending")

    found = checked(bench)

    assert {one.name: (one.state, one.is_required) for one in found.checks} == {
        "build": (CheckState.GOOD, True), "extra": (CheckState.BAD, False),
        "more": (CheckState.PENDING, False),
    }  # fmt: skip
    assert judge(found, since=NOW, now=NOW) is Verdict.BAD


def test_forge_checks_by_both_interfaces_and_ours_left_out(bench: GitHubBench) -> None:
    head = propose(bench, bench.forge()).head
    for name in ("a", "b", "basekeeper/forged"):
        bench.world.report(bench.repository, head, name, "success")
    bench.world.report(bench.repository, head, "a", "success", app="ci")
    bench.world.page_size = 1

    found = checked(bench)

    assert sorted((one.name, one.source) for one in found.checks) == [
        ("a", "check run"), ("a", "status"), ("b", "status"), ("basekeeper/forged", "status"),
    ]  # fmt: skip
    assert judge(found, since=NOW, now=NOW) is Verdict.GOOD


def test_forge_without_rulesets(bench: GitHubBench) -> None:
    bench.world.knows_rules = False
    bench.repository.protected["main"] = ["lint"]

    assert checked(bench).missing == ("lint",)


def test_forge_checks_may_not_be_read(bench: GitHubBench) -> None:
    head = propose(bench, bench.forge()).head
    headers = {"X-Accepted-GitHub-Permissions": "checks=read"}
    document = {"message": "Resource not accessible by integration"}
    bench.server.add(Fault("GET", "/check-runs", status=403, document=document, headers=headers))

    with pytest.raises(ForgeError, match="needed: checks=read") as caught:
        bench.forge().checks(REF, head, "main")

    assert (caught.value.failure, caught.value.needs) == (ForgeFailure.PERMISSION, "checks=read")


# Merging


def test_forge_auto_merge_has_nothing_to_wait_for(bench: GitHubBench) -> None:
    forge = bench.forge()
    found = propose(bench, forge)
    told = [forge.enable_auto_merge(REF, found.number, found.head, MergeMethod.SQUASH)]
    bench.world.report(bench.repository, found.head, "extra", "failure")
    told.append(forge.enable_auto_merge(REF, found.number, found.head, MergeMethod.SQUASH))

    assert [one.state for one in told] == [MergeState.READY, MergeState.READY]
    assert "clean status" in told[0].reason
    assert "unstable status" in told[1].reason
    assert bench.repository.pulls[found.number].merged_at is None


def test_forge_auto_merge_is_enabled_and_nothing_happens(bench: GitHubBench) -> None:
    bench.repository.ruled["main"] = ["build"]
    bench.repository.stalls = True
    forge = bench.forge()
    found = propose(bench, forge)

    first = forge.enable_auto_merge(REF, found.number, found.head, MergeMethod.SQUASH)
    bench.world.report(bench.repository, found.head, "build", "success", app="ci")
    again = forge.enable_auto_merge(REF, found.number, found.head, MergeMethod.SQUASH)
    (after,) = forge.find_change_requests(REF, BRANCH)

    assert [first.state, again.state] == [MergeState.WAITING, MergeState.WAITING]
    assert (after.state, after.merged_at, after.auto_merge) == (ChangeState.OPEN, None, True)
    merged = forge.merge(REF, found.number, found.head, MergeMethod.SQUASH)
    assert merged.state is MergeState.MERGED


def test_forge_auto_merge_is_accepted_and_not_in_force(bench: GitHubBench) -> None:
    bench.repository.ruled["main"] = ["build"]
    bench.repository.forgets_auto_merge = True
    forge = bench.forge()
    found = propose(bench, forge)

    outcome = forge.enable_auto_merge(REF, found.number, found.head, MergeMethod.SQUASH)

    assert (outcome.state, outcome.merged_at) == (MergeState.REFUSED, None)
    assert "not in force" in outcome.reason


def test_forge_auto_merge_is_not_allowed(bench: GitHubBench) -> None:
    bench.repository.ruled["main"] = ["build"]
    bench.repository.allows_auto_merge = False
    forge = bench.forge()
    found = propose(bench, forge)

    outcome = forge.enable_auto_merge(REF, found.number, found.head, MergeMethod.SQUASH)

    assert outcome.state is MergeState.REFUSED
    assert "not allowed" in outcome.reason


def test_forge_auto_merge_merges_when_what_is_required_has_passed(bench: GitHubBench) -> None:
    bench.repository.ruled["main"] = ["build"]
    forge = bench.forge()
    found = propose(bench, forge)

    waiting = forge.enable_auto_merge(REF, found.number, found.head, MergeMethod.SQUASH)
    bench.world.report(bench.repository, found.head, "build", "success", app="ci")
    merged = forge.enable_auto_merge(REF, found.number, found.head, MergeMethod.SQUASH)

    assert (waiting.state, waiting.merged_at) == (MergeState.WAITING, None)
    assert merged.state is MergeState.MERGED
    assert merged.merged_at is not None


def test_forge_with_a_merge_queue(bench: GitHubBench) -> None:
    bench.repository.ruled["main"] = ["build"]
    bench.repository.queue = True
    forge = bench.forge()
    found = propose(bench, forge)

    queued = forge.merge(REF, found.number, found.head, MergeMethod.SQUASH)
    (present,) = forge.find_change_requests(REF, BRANCH)
    again = forge.merge(REF, found.number, found.head, MergeMethod.SQUASH)
    bench.world.report(bench.repository, found.head, "build", "success", app="ci")
    merged = forge.merge(REF, found.number, found.head, MergeMethod.SQUASH)

    assert [queued.state, again.state, merged.state] == [
        MergeState.QUEUED, MergeState.QUEUED, MergeState.MERGED,
    ]  # fmt: skip
    assert present.in_queue
    assert bench.server.count(part="Enqueue") == 1


def test_forge_auto_merge_does_not_enqueue(bench: GitHubBench) -> None:
    bench.repository.queue = True
    bench.repository.forgets_auto_merge = True
    forge = bench.forge()
    found = propose(bench, forge)

    outcome = forge.enable_auto_merge(REF, found.number, found.head, MergeMethod.SQUASH)

    assert outcome.state is MergeState.QUEUED
    assert bench.server.count(part="Enqueue") == 1


def test_forge_without_merge_queues(bench: GitHubBench) -> None:
    bench.world.knows_queues = False
    forge = bench.forge()
    found = propose(bench, forge)

    (present,) = forge.find_change_requests(REF, BRANCH)

    assert present.in_queue is None
    assert not forge.capabilities().merge_queue
    merged = forge.merge(REF, found.number, found.head, MergeMethod.SQUASH)
    assert merged.state is MergeState.MERGED


def test_forge_answer_to_a_merge_is_lost(bench: GitHubBench) -> None:
    forge = bench.forge()
    found = propose(bench, forge)
    bench.server.add(Fault("PUT", "/merge", hang_up="after"))

    outcome = forge.merge(REF, found.number, found.head, MergeMethod.SQUASH)

    assert outcome.state is MergeState.MERGED


def test_forge_calls_merged_what_is_not(bench: GitHubBench) -> None:
    forge = bench.forge()
    found = propose(bench, forge)
    document = {"sha": found.head, "merged": True, "message": "merged"}
    bench.server.add(Fault("PUT", "/merge", status=200, document=document))

    outcome = forge.merge(REF, found.number, found.head, MergeMethod.SQUASH)

    assert (outcome.state, outcome.merged_at) == (MergeState.WAITING, None)


def test_forge_head_moved_while_it_was_merged(bench: GitHubBench) -> None:
    forge = bench.forge()
    found = propose(bench, forge)
    bench.server.add(
        Fault("PUT", "/merge", meanwhile=lambda: bench.person_pushes(BRANCH, {"a": b"a"}))
    )

    outcome = forge.merge(REF, found.number, found.head, MergeMethod.SQUASH)

    assert outcome.state is MergeState.MOVED


def test_forge_required_check_refuses_a_merge(bench: GitHubBench) -> None:
    bench.repository.protected["main"] = ["build"]
    forge = bench.forge()
    found = propose(bench, forge)

    outcome = forge.merge(REF, found.number, found.head, MergeMethod.SQUASH)

    assert outcome.state is MergeState.REFUSED
    assert "Required status check" in outcome.reason


# Workflows


@pytest.fixture
def released(bench: GitHubBench) -> GitHubBench:
    bench.person_pushes("main", {".github/workflows/release.yml": WORKFLOW})
    return bench


def test_forge_dispatch_answers_200_with_the_run(released: GitHubBench) -> None:
    found = released.forge().dispatch(REF, START, now=NOW)

    assert (found.run, found.is_certain) == (released.repository.dispatched[0]["id"], True)


@pytest.mark.parametrize("answer", ["ignored", "refused"])
def test_forge_dispatch_answers_204_and_the_run_is_looked_for(
    released: GitHubBench, answer: str
) -> None:
    released.world.run_details = answer
    released.world.time = NOW

    found = released.forge().dispatch(REF, START, now=NOW)

    (run,) = released.repository.dispatched
    assert (found.run, found.is_certain) == (run["id"], True)


def test_forge_dispatch_whose_run_cannot_be_told(released: GitHubBench) -> None:
    released.world.run_details = "ignored"
    released.world.time = NOW
    for run in range(2):
        released.repository.dispatched.append(
            {"id": run, "actor": released.keeper, "branch": "main", "inputs": {}, "at": LATER,
             "workflow": "release.yml", "title": f"release {START.inputs['reason']}"}
        )  # fmt: skip

    found = released.forge().dispatch(REF, START, now=NOW)

    assert (found.run, found.is_certain) == (None, False)


@pytest.mark.parametrize(
    ("inputs", "problem"),
    [
        ({}, "input 'reason' is needed"),
        ({"reason": "a", "other": "b"}, "there is no input 'other'"),
        ({"reason": "a", "kind": "major"}, "input 'kind' does not take 'major'"),
        ({"reason": "a", "dry": "yes"}, "input 'dry' does not take 'yes'"),
    ],
)
def test_forge_dispatch_with_inputs_that_are_not_taken(
    released: GitHubBench, inputs: dict[str, str], problem: str
) -> None:
    request = DispatchRequest(workflow="release.yml", branch="main", inputs=inputs)

    with pytest.raises(ForgeError, match=problem) as caught:
        released.forge().dispatch(REF, request, now=NOW)

    assert caught.value.failure is ForgeFailure.CONFLICT
    assert released.repository.dispatched == []


@pytest.mark.parametrize(
    "text", [b"on: push", b"on: [push]", b"on: {push: }", b"a: [", b"[" * 5000, b"\xff"]
)
def test_forge_workflow_that_cannot_be_dispatched(bench: GitHubBench, text: bytes) -> None:
    bench.person_pushes("main", {".github/workflows/release.yml": text})

    with pytest.raises(ForgeError, match=r"release\.yml") as caught:
        bench.forge().dispatch(REF, START, now=NOW)
    assert caught.value.failure is ForgeFailure.CONFLICT


def test_forge_workflow_is_missing(bench: GitHubBench) -> None:
    with pytest.raises(ForgeError, match="has no workflow") as caught:
        bench.forge().dispatch(REF, START, now=NOW)
    assert caught.value.failure is ForgeFailure.NOT_FOUND


def test_forge_variable_is_missing_or_may_not_be_read(bench: GitHubBench) -> None:
    forge = bench.forge()
    bench.repository.variables["LIMIT"] = "3"
    assert (forge.variable(REF, "LIMIT"), forge.variable(REF, "NOTHING")) == ("3", None)

    bench.repository.rights["keeper"] = "read"
    with pytest.raises(ForgeError, match="actions_variables=read") as caught:
        forge.variable(REF, "LIMIT")
    assert caught.value.failure is ForgeFailure.PERMISSION


# Limits


def test_forge_secondary_limit_in_the_middle_of_a_fleet(bench: GitHubBench) -> None:
    forge = bench.forge()
    bench.server.add(secondary_limit("60", method="POST", part="/labels"))

    with pytest.raises(ForgeError) as first:
        forge.ensure_label(REF, Label("a"))
    with pytest.raises(ForgeError, match="nothing more is changed in this run") as second:
        forge.ensure_label(REF, Label("b"))

    for caught in (first, second):
        assert caught.value.failure is ForgeFailure.LIMITED
        assert caught.value.until == NOW + timedelta(seconds=60)
    assert len(bench.server.changes) == 1
    assert list(forge.repositories("acme"))  # reading goes on, when the wait is over
    assert sum(bench.clock.slept) == pytest.approx(60)


def test_forge_secondary_limit_that_names_no_time(bench: GitHubBench) -> None:
    bench.server.add(secondary_limit(None, part="/git/ref/"))

    assert bench.forge().branch(REF, BRANCH, "main") is None
    assert bench.clock.slept == [60.0]


def test_forge_primary_limit_that_ends_soon_is_waited_for(bench: GitHubBench) -> None:
    reset = int(time.time()) + 30
    bench.server.add(primary_limit(reset, part="/git/ref/", times=1))

    assert bench.forge().branch(REF, BRANCH, "main") is None
    assert sum(bench.clock.slept) == pytest.approx(30, abs=1)


def test_forge_primary_limit_that_ends_late_is_told(bench: GitHubBench) -> None:
    reset = int(time.time()) + 3000
    bench.server.add(primary_limit(reset, part="/git/ref/"))
    forge = bench.forge()

    for _ in range(2):
        with pytest.raises(ForgeError) as caught:
            forge.branch(REF, BRANCH, "main")
        assert caught.value.failure is ForgeFailure.LIMITED
        assert caught.value.until == pytest.approx(
            NOW + timedelta(seconds=3000), abs=timedelta(seconds=2)
        )
    assert bench.server.count("GET") == 1
    assert bench.clock.slept == []


def test_forge_limit_told_by_graphql(bench: GitHubBench) -> None:
    errors = [{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}]
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()) + 999)}
    bench.server.add(
        Fault(part="One", status=200, document={"data": None, "errors": errors}, headers=headers)
    )

    with pytest.raises(ForgeError) as caught:
        bench.forge().repository(REF)
    assert caught.value.failure is ForgeFailure.LIMITED


# Answers


def test_forge_server_in_trouble_is_asked_again_but_changed_once(bench: GitHubBench) -> None:
    bench.server.add(
        broken(502, part="/git/ref/", times=2),
        Fault("POST", "/git/trees", status=503, body=b"<html>", times=None),
    )
    forge = bench.forge()

    assert forge.branch(REF, BRANCH, "main") is None
    with pytest.raises(ForgeError) as caught:
        forge.ensure_branch(REF, BRANCH, commit(bench), None)

    assert caught.value.failure is ForgeFailure.TRANSIENT
    assert bench.server.count("POST", "/git/trees") == 1


def test_forge_is_unreachable(bench: GitHubBench) -> None:
    error = failing(bench, hang_up="before")

    assert error.failure is ForgeFailure.TRANSIENT
    assert bench.server.count("GET") == 4


def test_forge_token_is_expired(bench: GitHubBench) -> None:
    document = {"message": f"Bad credentials {TOKEN}"}
    error = failing(bench, status=401, document=document)

    assert error.failure is ForgeFailure.AUTH
    assert "Bad credentials" in error.message
    assert TOKEN not in f"{error.message}{error.hint}"


def test_forge_permission_is_missing_and_named(bench: GitHubBench) -> None:
    bench.repository.rights["keeper"] = "read"

    with pytest.raises(ForgeError, match="needed: issues=write") as caught:
        bench.forge().ensure_label(REF, Label("a"))

    assert caught.value.failure is ForgeFailure.PERMISSION
    assert caught.value.needs == "issues=write"


def test_forge_wants_single_sign_on(bench: GitHubBench) -> None:
    headers = {"X-GitHub-SSO": "required; url=https://github.com/orgs/acme/sso?x=1"}
    error = failing(bench, status=403, document={"message": "protected by SAML"}, headers=headers)

    assert error.failure is ForgeFailure.PERMISSION
    assert "single sign-on" in (error.needs or "")


@pytest.mark.parametrize(
    "body",
    [b"<html>", b"[]", b'{"object": 1}', b'{"object": {"sha": "x"}}', b'{"a": 1, "a": 2}',
     b"[" * 100_000, b'{"object": NaN}'],
)  # fmt: skip
def test_forge_answer_that_is_none(bench: GitHubBench, body: bytes) -> None:
    error = failing(bench, status=200, body=body)

    assert error.failure is ForgeFailure.REFUSED


def test_forge_page_at_another_host(bench: GitHubBench) -> None:
    headers = {"Link": '<http://127.0.0.1:1/api/v3/x?page=2>; rel="next"'}
    bench.server.add(Fault("GET", "/pulls", status=200, document=[], headers=headers))

    with pytest.raises(ForgeError, match="another host") as caught:
        bench.forge().find_change_requests(REF, BRANCH)
    assert caught.value.failure is ForgeFailure.REFUSED


def test_forge_pages_without_end(bench: GitHubBench) -> None:
    link = f'<{bench.server.url}/api/v3/repos/acme/shop/pulls?page=2>; rel="next"'
    bench.server.add(
        Fault("GET", "/pulls", status=200, document=[], headers={"Link": link}, times=None)
    )

    with pytest.raises(ForgeError, match="more than 100 pages"):
        bench.forge().find_change_requests(REF, BRANCH)


@pytest.mark.parametrize("location", ["http://127.0.0.1:1/x", "https://[", ""])
def test_forge_redirect_to_another_host(bench: GitHubBench, location: str) -> None:
    if not location:
        error = failing(bench, status=301, headers={"Location": "/api/v3/repos/acme/shop/git/ref/"})
        assert "redirects" in error.message
    else:
        error = failing(bench, status=301, document={}, headers={"Location": location})
    assert error.failure is ForgeFailure.REFUSED


def test_forge_says_unchanged_of_what_was_never_read(bench: GitHubBench) -> None:
    assert failing(bench, status=304).failure is ForgeFailure.REFUSED


def test_forge_does_not_know_the_version(bench: GitHubBench) -> None:
    document = {"message": "1999-01-01 is not a supported version."}
    assert failing(bench, status=400, document=document).failure is ForgeFailure.UNSUPPORTED


# Tokens


def test_forge_token_of_a_job_is_told_with_its_limits(bench: GitHubBench) -> None:
    job = bench.world.user(JOB_LOGIN)
    bench.world.tokens[TOKEN] = job

    forge = bench.forge()
    found = forge.capabilities()

    assert (found.token, found.login) == (TokenKind.JOB, JOB_LOGIN)
    assert any("starts no workflows" in notice for notice in found.notices)
    assert set(found.notices) <= set(forge.notices())


def test_forge_app_whose_token_ends_is_issued_another_one(bench: GitHubBench) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )  # fmt: skip
    user = bench.world.user("keeper[bot]")
    bench.repository.rights[user.login] = "write"
    issued: list[dict[str, Any]] = []

    def issue(path: str, authorisation: str) -> Answer:
        said = jwt.decode(
            authorisation.removeprefix("Bearer "), key.public_key(), algorithms=["RS256"],
            options={"verify_exp": False, "verify_iat": False},
        )  # fmt: skip
        issued.append({"path": path, **said})
        token = f"ghs_{len(issued)}"
        bench.world.tokens[token] = user
        expires = f"{NOW + timedelta(hours=len(issued)):%Y-%m-%dT%H:%M:%SZ}"
        return Answer(201, json.dumps({"token": token, "expires_at": expires}).encode())

    bench.server.apps = issue
    address = bench.server.url.removeprefix("http://")
    transport = Transport(
        Limits(retries=0), environ={},
        hosts={address: HostOptions(plain_http=True, private=True)},
    )  # fmt: skip
    clock = bench.clock
    forge = open_github(
        transport, App("Iv1.abc", 42, pem), NOW, url=bench.server.url,
        pacer=Pacer(NOW, pace=Pace(gap=0), clock=clock, sleep=clock.sleep),
    )  # fmt: skip

    assert forge.capabilities().token is TokenKind.APP
    made = propose(bench, forge)
    clock.seconds += 3500  # it would end within five minutes
    forge.branch(REF, BRANCH, "main")
    del bench.world.tokens["ghs_2"]  # revoked
    state = forge.branch(REF, BRANCH, "main")
    forge.close()

    assert state is not None
    assert (state.is_ours, state.head) == (True, made.head)  # committed by GitHub, authored by us
    assert len(issued) == 3
    assert issued[0]["iss"] == "Iv1.abc"
    assert issued[0]["exp"] - issued[0]["iat"] == 600
    assert issued[0]["path"] == "/app/installations/42/access_tokens"
