"""What is sent to GitHub, and what the simulator answers, as GitHub describes both."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from basekeeper.errors import ForgeError
from basekeeper.forge.github import branches, checks, merging, reading
from basekeeper.forge.github.adapter import VIEWER
from basekeeper.values.forge import (
    CommitRequest,
    DispatchRequest,
    FileChange,
    MergeMethod,
    MergeState,
    RepositoryRef,
)
from tests.contract.forge_described import Description, graphql_problems
from tests.contract.forge_places import (
    BRANCH,
    NOW,
    GitHubBench,
    commit,
    github_bench,
    proposal,
    propose,
)
from tests.fakes.github import rest
from tests.fakes.github.server import GRAPHQL

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.component("github-description"), pytest.mark.slow]

WORKFLOW = b"""
name: release
on:
  workflow_dispatch:
    inputs:
      reason: {required: true}
"""


def everything(bench: GitHubBench) -> None:
    """Have each request made that the adapter can make, as far as one world lets it."""
    ref, forge, here = bench.ref, bench.forge(), bench.repository
    forge.capabilities()
    list(forge.repositories("acme"))
    bench.world.push(here, "main", {".github/workflows/release.yml": WORKFLOW}, bench.alice)
    here.ruled["main"] = ["build"]
    here.protected["main"] = ["lint"]
    here.variables["LIMIT"] = "3"
    here.teams.add("platform")
    changes = {"Dockerfile": FileChange(data=b"\xff"), "build.sh": FileChange(data=None)}
    wanted = CommitRequest(base=bench.base(), files=changes, message="all")
    forge.ensure_branch(ref, "other", wanted, None)
    tree = forge.tree(ref, bench.base())
    forge.file(ref, next(one.oid for one in tree.entries if one.is_file))
    found = propose(bench, forge)
    propose(bench, bench.forge())
    forge.request_reviewers(ref, found.number, ["acme/platform", "nobody", "keeper"])
    bench.world.report(here, found.head, "build", "queued", app="ci")
    bench.world.report(here, found.head, "lint", "pending")
    forge.checks(ref, found.head, "main", found.number)
    forge.enable_auto_merge(ref, found.number, found.head, MergeMethod.SQUASH)
    forge.find_change_requests(ref, BRANCH)
    forge.dispatch(ref, DispatchRequest(workflow="release.yml", branch="main",
                                        inputs={"reason": "x"}), now=NOW)  # fmt: skip
    bench.world.run_details = "ignored"
    forge.dispatch(ref, DispatchRequest(workflow="release.yml", branch="main",
                                        inputs={"reason": "y"}), now=NOW)  # fmt: skip
    forge.variable(ref, "LIMIT")
    forge.variable(ref, "NOTHING")
    bench.world.report(here, found.head, "build", "success", app="ci")
    bench.world.report(here, found.head, "lint", "success")
    assert forge.merge(ref, found.number, found.head, MergeMethod.SQUASH).state is MergeState.MERGED
    forge.ensure_branch(ref, BRANCH, commit(bench, b"FROM alpine:3.23\n"), bench.head(BRANCH))
    merged_in_every_way(bench)
    without_swap(bench)


def merged_in_every_way(bench: GitHubBench) -> None:
    """Have merges refused, done and queued."""
    forge, ref, here = bench.forge(), bench.ref, bench.repository
    second = forge.ensure_change_request(ref, proposal("3.23")).change
    for method, rules in ((MergeMethod.SQUASH, ["build"]), (MergeMethod.REBASE, [])):
        here.ruled["main"], here.protected["main"] = rules, rules
        forge.merge(ref, second.number, second.head, method)
    here.queue = True
    forge.ensure_branch(ref, BRANCH, commit(bench, b"FROM alpine:3.24\n"), bench.head(BRANCH))
    second = forge.ensure_change_request(ref, proposal("3.24")).change
    forge.merge(ref, second.number, second.head, MergeMethod.SQUASH)
    forge.close_change_request(ref, second.number)
    forge.find_change_requests(ref, BRANCH)


def without_swap(bench: GitHubBench) -> None:
    """Make the requests of a server that cannot compare and swap, and those that fail."""
    bench.world.updates_refs = False
    bench.world.knows_queues = False
    forge, ref = bench.forge(), bench.ref
    first = forge.ensure_branch(ref, "old", commit(bench, b"1"), None)
    second = forge.ensure_branch(ref, "old", commit(bench, b"2"), first.head)
    assert second.head is not None
    forge.delete_branch(ref, "old", second.head)
    bench.person_pushes("in", {"a": b"a"})
    with pytest.raises(ForgeError):
        forge.ensure_branch(ref, "in/the/way", commit(bench, b"3"), None)
    bench.person_pushes("over/the/way", {"a": b"a"})
    with pytest.raises(ForgeError):
        forge.ensure_branch(ref, "over/the", commit(bench, b"3"), None)
    with pytest.raises(ForgeError):
        forge.repository(RepositoryRef("acme", "nothing"))
    forge.merge(ref, 1, first.head or "", MergeMethod.MERGE)
    bench.world.rename(bench.repository, "acme/store")
    forge.branch(ref, "main", "main")


def test_every_exchange_is_as_described(component: Path, tmp_path: Path) -> None:
    description = Description(component)
    with github_bench(tmp_path / "forge") as bench:
        everything(bench)
        log = bench.server.log
    plain = [one for one in log if one.template != GRAPHQL and one.status != 304]
    problems = {problem for one in plain for problem in description.problems(one)}
    assert not problems, "\n".join(sorted(problems))
    asked = {(one.method, one.template) for one in plain}
    served = {(one.method, one.template) for one in rest.ROUTES}
    assert served - asked == {("GET", "/repos/{owner}/{repo}")}


def test_every_query_fits_the_schema_with_its_variables_and_its_data(
    component: Path, tmp_path: Path
) -> None:
    with github_bench(tmp_path / "forge") as bench:
        everything(bench)
        asked = [one for one in bench.server.log if one.template == GRAPHQL]
    assert graphql_problems(component, asked) == []
    known = {VIEWER, reading.ONE, reading.ALL, merging.STAND, merging.STAND_WITHOUT_QUEUE,
             merging.ENABLE, merging.ENQUEUE, branches.UPDATE, checks.REQUIRED}  # fmt: skip
    assert {one.said["query"] for one in asked} == known


def test_what_is_not_described_is_noticed(component: Path, tmp_path: Path) -> None:
    with github_bench(tmp_path / "forge") as bench:
        propose(bench, bench.forge())
        made = next(one for one in bench.server.log if one.path.endswith("/pulls")
                    and one.method == "POST")  # fmt: skip
        asked = next(one for one in bench.server.log if one.template == GRAPHQL)
    description = Description(component)
    changed = json.loads(json.dumps(made.answered)) | {"invented": 1}
    made.answered.update(changed)
    assert any("invented" in problem for problem in description.problems(made))
    asked.answered["data"] = {"viewer": {"login": None}}
    asked.said["query"] = asked.said["query"].replace("login", "logins")
    assert graphql_problems(component, [asked]) != []
