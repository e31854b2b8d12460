"""What every forge must do, whatever it is; see `ports.Forge`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from basekeeper.errors import ForgeError, ForgeFailure
from basekeeper.values.forge import (
    ChangeState,
    CommitRequest,
    CommitStatus,
    Done,
    FileChange,
    Label,
    MergeMethod,
    MergeState,
    RepositoryRef,
    StatusReport,
)
from tests.contract.forge_git_places import git_bench, git_ledger_bench
from tests.contract.forge_places import (
    BRANCH,
    FILES,
    Bench,
    commit,
    github_bench,
    interrupted,
    proposal,
    propose,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from basekeeper.values.forge import ChangeRequest

BENCHES: Mapping[str, Callable[[Path], AbstractContextManager[Bench]]] = {
    "github": github_bench,
    "git": git_bench,
    "git-ledger": git_ledger_bench,
}


SENDING = ["github", "git"]
"""The third works on files of this machine; its kills are those of processes, in its own tests."""


@pytest.fixture(params=list(BENCHES))
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    with BENCHES[request.param](tmp_path / "forge") as made:
        yield made


def test_a_repository_is_told_with_where_it_stands(bench: Bench) -> None:
    found = bench.forge().repository(bench.ref)

    assert (found.ref, found.default_branch, found.head) == (bench.ref, "main", bench.base())
    assert found.is_writable
    assert not found.is_empty


def test_a_repository_that_is_missing_is_not_found(bench: Bench) -> None:
    with pytest.raises(ForgeError) as caught:
        bench.forge().repository(RepositoryRef("acme", "nothing"))
    assert caught.value.failure is ForgeFailure.NOT_FOUND


def test_a_fleet_is_told_with_where_each_stands(bench: Bench) -> None:
    found = {one.ref: one.head for one in bench.forge().repositories("acme")}

    assert found == {bench.ref: bench.base()}


def test_a_tree_lists_files_with_modes_and_files_are_read_by_oid(bench: Bench) -> None:
    forge = bench.forge()

    tree = forge.tree(bench.ref, bench.base())

    assert tree.is_complete
    files = {one.path: one for one in tree.entries if one.is_file}
    assert {path: one.mode for path, one in files.items()} == {
        "Dockerfile": "100644", "build.sh": "100755", "docs/logo.bin": "100644",
    }  # fmt: skip
    assert {path: forge.file(bench.ref, one.oid) for path, one in files.items()} == FILES


def test_a_branch_that_is_missing_is_none(bench: Bench) -> None:
    assert bench.forge().branch(bench.ref, BRANCH, "main") is None


def test_a_branch_is_made_of_one_commit_on_its_base_and_is_ours(bench: Bench) -> None:
    forge = bench.forge()
    made = forge.ensure_branch(bench.ref, BRANCH, commit(bench), None)

    state = forge.branch(bench.ref, BRANCH, "main")

    assert made.done is Done.CREATED
    assert state is not None
    assert (state.head, state.base, state.ahead, state.behind) == (made.head, bench.base(), 1, 0)
    assert state.is_ours
    assert bench.content(BRANCH)["Dockerfile"] == ("100644", b"FROM alpine:3.22\n")


def test_modes_are_kept_and_bytes_are_written_as_they_are(bench: Bench) -> None:
    changes = {
        "build.sh": FileChange(data=b"#!/bin/bash\n"),
        "docs/logo.bin": FileChange(data=b"\x80\x81"),
        "new": FileChange(data=b"new", mode="100755"),
        "Dockerfile": FileChange(data=None),
        "missing": FileChange(data=None),
    }
    wanted = CommitRequest(base=bench.base(), files=changes, message="many")

    bench.forge().ensure_branch(bench.ref, BRANCH, wanted, None)

    assert bench.content(BRANCH) == {
        "build.sh": ("100755", b"#!/bin/bash\n"), "docs/logo.bin": ("100644", b"\x80\x81"),
        "new": ("100755", b"new"),
    }  # fmt: skip


def test_the_same_commit_is_written_once(bench: Bench) -> None:
    first = bench.forge().ensure_branch(bench.ref, BRANCH, commit(bench), None)

    for expected in (first.head, None):  # also where the answer to the first was lost
        again = bench.forge().ensure_branch(bench.ref, BRANCH, commit(bench), expected)
        assert (again.done, again.head) == (Done.UNCHANGED, first.head)


def test_what_the_base_has_already_makes_no_commit(bench: Bench) -> None:
    wanted = commit(bench, FILES["Dockerfile"])

    assert bench.forge().ensure_branch(bench.ref, BRANCH, wanted, None).done is Done.EMPTY
    assert bench.head(BRANCH) is None


def test_a_newer_content_takes_the_place_of_the_older(bench: Bench) -> None:
    forge = bench.forge()
    first = forge.ensure_branch(bench.ref, BRANCH, commit(bench), None)
    newer = commit(bench, b"FROM alpine:3.23\n")

    second = forge.ensure_branch(bench.ref, BRANCH, newer, first.head)

    assert second.done is Done.UPDATED
    state = forge.branch(bench.ref, BRANCH, "main")
    assert state is not None
    assert (state.head, state.ahead) == (second.head, 1)


def test_a_branch_is_made_anew_on_a_base_that_moved(bench: Bench) -> None:
    forge = bench.forge()
    first = forge.ensure_branch(bench.ref, BRANCH, commit(bench), None)
    bench.person_pushes("main", {"other": b"x"})

    second = bench.forge().ensure_branch(bench.ref, BRANCH, commit(bench), first.head)

    state = forge.branch(bench.ref, BRANCH, "main")
    assert second.done is Done.UPDATED
    assert state is not None
    assert (state.ahead, state.behind, state.is_ours) == (1, 0, True)
    assert "other" in bench.content(BRANCH)


def test_a_foreign_commit_is_seen_and_never_overwritten(bench: Bench) -> None:
    forge = bench.forge()
    forge.ensure_branch(bench.ref, BRANCH, commit(bench), None)
    pushed = bench.person_pushes(BRANCH, {"mine": b"work"})

    state = forge.branch(bench.ref, BRANCH, "main")
    assert state is not None
    assert (state.is_ours, state.foreign, state.ahead) == (False, (pushed,), 2)
    for expected in (pushed, None):
        with pytest.raises(ForgeError) as caught:
            bench.forge().ensure_branch(
                bench.ref, BRANCH, commit(bench, b"FROM alpine:3.23\n"), expected
            )
        assert caught.value.failure is ForgeFailure.CONFLICT
        assert bench.head(BRANCH) == pushed


def test_a_branch_that_is_not_what_was_expected_is_left_alone(bench: Bench) -> None:
    forge = bench.forge()
    first = forge.ensure_branch(bench.ref, BRANCH, commit(bench), None)
    newer = forge.ensure_branch(bench.ref, BRANCH, commit(bench, b"FROM alpine:3.23\n"), first.head)

    with pytest.raises(ForgeError, match=r"is \w+ now") as caught:
        forge.ensure_branch(bench.ref, BRANCH, commit(bench, b"FROM alpine:9\n"), first.head)

    assert caught.value.failure is ForgeFailure.CONFLICT
    assert bench.head(BRANCH) == newer.head


@pytest.mark.parametrize("other", ["basekeeper", f"{BRANCH}/more"])
def test_a_branch_that_stands_in_the_way_is_named(bench: Bench, other: str) -> None:
    bench.person_pushes(other, {"a": b"a"})

    with pytest.raises(ForgeError, match=repr(other)) as caught:
        bench.forge().ensure_branch(bench.ref, BRANCH, commit(bench), None)

    assert caught.value.failure is ForgeFailure.CONFLICT


def test_a_branch_is_removed_once_and_only_as_it_was_expected(bench: Bench) -> None:
    forge = bench.forge()
    head = forge.ensure_branch(bench.ref, BRANCH, commit(bench), None).head
    assert head is not None

    with pytest.raises(ForgeError):
        forge.delete_branch(bench.ref, BRANCH, bench.base())
    assert forge.delete_branch(bench.ref, BRANCH, head)
    assert not forge.delete_branch(bench.ref, BRANCH, head)
    assert bench.head(BRANCH) is None


def test_a_proposal_made_again_and_again_is_one(bench: Bench) -> None:
    first = propose(bench, bench.forge())
    counts = bench.counts()

    again = propose(bench, bench.forge())

    assert again.number == first.number
    assert bench.counts() == counts
    assert counts == bench.made


def test_a_change_request_is_found_with_what_it_says(bench: Bench) -> None:
    made = propose(bench, bench.forge())

    (found,) = bench.forge().find_change_requests(bench.ref, BRANCH)

    assert (found.number, found.state, found.head) == (made.number, ChangeState.OPEN, made.head)
    assert (found.key, found.title, found.base) == ("alpine 3.22", "Update alpine", "main")
    assert found.is_ours
    assert found.mergeable
    assert set(found.labels) == {"docker", "base image"}
    assert found.body.startswith("why and what")


def test_a_change_request_is_written_again_only_where_it_says_something_else(bench: Bench) -> None:
    forge = bench.forge()
    number = propose(bench, forge).number
    bench.person_edits(number, "note of a person\n\n" + bench.body(number))

    same = forge.ensure_change_request(bench.ref, proposal())
    assert same.done is Done.UNCHANGED
    assert bench.body(number).startswith("note of a person")

    other = forge.ensure_change_request(bench.ref, proposal(body="another reason"))
    assert (other.done, other.change.number) == (Done.UPDATED, number)
    assert bench.body(number).startswith("another reason")


def test_a_mark_in_foreign_text_is_not_taken_for_ours(bench: Bench) -> None:
    forge = bench.forge()
    number = propose(bench, forge).number
    other = bench.body(number)
    forge.ensure_change_request(bench.ref, proposal("alpine 3.23", body=f"quoted: {other}"))

    (found,) = forge.find_change_requests(bench.ref, BRANCH)

    assert found.key == "alpine 3.23"


def test_what_a_person_closed_stays_closed_for_its_key(bench: Bench) -> None:
    forge = bench.forge()
    number = propose(bench, forge).number
    bench.person_closes(number)

    declined = forge.ensure_change_request(bench.ref, proposal())
    (found,) = forge.find_change_requests(bench.ref, BRANCH)

    assert (declined.done, declined.change.number) == (Done.DECLINED, number)
    assert (found.state, found.closed_by) == (ChangeState.CLOSED, "alice")
    assert bench.counts()["changes"] == 1


def test_another_key_may_be_proposed_after_one_was_closed(bench: Bench) -> None:
    forge = bench.forge()
    number = propose(bench, forge).number
    bench.person_closes(number)

    made = forge.ensure_change_request(bench.ref, proposal("alpine 3.23"))

    assert made.done is Done.CREATED
    assert [one.state for one in forge.find_change_requests(bench.ref, BRANCH)] == [
        ChangeState.OPEN, ChangeState.CLOSED,
    ]  # fmt: skip


def test_what_was_merged_is_told_and_not_proposed_again(bench: Bench) -> None:
    forge = bench.forge()
    number = propose(bench, forge).number
    bench.person_merges(number)

    found = forge.ensure_change_request(bench.ref, proposal())

    assert (found.done, found.change.state) == (Done.MERGED, ChangeState.MERGED)
    assert found.change.merged_at is not None


def test_a_branch_without_anything_new_is_not_proposed(bench: Bench) -> None:
    bench.person_pushes("main", {"a": b"a"})
    forge = bench.forge()
    head = forge.ensure_branch(bench.ref, BRANCH, commit(bench), None).head
    assert head is not None
    forge.delete_branch(bench.ref, BRANCH, head)

    with pytest.raises(ForgeError) as caught:
        forge.ensure_change_request(bench.ref, proposal())

    assert caught.value.failure is ForgeFailure.CONFLICT


def test_a_change_request_is_closed_once(bench: Bench) -> None:
    forge = bench.forge()
    number = propose(bench, forge).number

    assert forge.close_change_request(bench.ref, number)
    assert not forge.close_change_request(bench.ref, number)
    (found,) = forge.find_change_requests(bench.ref, BRANCH)
    assert found.state is ChangeState.CLOSED


def test_a_label_that_is_there_stays_as_it_is(bench: Bench) -> None:
    forge = bench.forge()
    if "labels" not in bench.made:
        assert not forge.ensure_label(bench.ref, Label("docker", "ff0000", "theirs"))
        return

    assert forge.ensure_label(bench.ref, Label("docker", "ff0000", "theirs"))
    assert not forge.ensure_label(bench.ref, Label("docker", "00ff00", "ours"))
    assert bench.counts()["labels"] == 1


def test_a_comment_is_made_once_for_each_key(bench: Bench) -> None:
    forge = bench.forge()
    number = propose(bench, forge).number

    assert not forge.comment_once(bench.ref, number, "hello", "another text")
    assert forge.comment_once(bench.ref, number, "other", "a word")
    assert bench.counts()["comments"] == 2


def test_a_status_is_set_again_only_where_it_says_something_else(bench: Bench) -> None:
    forge, head = bench.forge(), bench.base()
    good = StatusReport(context="basekeeper", state=CommitStatus.SUCCESS, description="fine")
    if "statuses" not in bench.made:
        with pytest.raises(ForgeError) as lacking:
            forge.set_status(bench.ref, head, good)
        assert lacking.value.failure is ForgeFailure.UNSUPPORTED
        return
    bad = StatusReport(context="basekeeper", state=CommitStatus.FAILURE, description="no")

    told = [forge.set_status(bench.ref, head, one) for one in (good, good, bad, bad, good)]

    assert told == [True, False, True, False, True]
    assert bench.forge().checks(bench.ref, head, "main").checks == ()


def test_a_status_of_another_name_is_never_set(bench: Bench) -> None:
    report = StatusReport(context="ci/build", state=CommitStatus.SUCCESS)
    refusal = ValueError if "statuses" in bench.made else ForgeError
    with pytest.raises(refusal):
        bench.forge().set_status(bench.ref, bench.base(), report)


@pytest.mark.parametrize("method", list(MergeMethod))
def test_a_merge_is_told_with_its_instant_and_is_done_once(
    bench: Bench, method: MergeMethod
) -> None:
    forge = bench.forge()
    found = propose(bench, forge)

    first = forge.merge(bench.ref, found.number, found.head, method)
    again = bench.forge().merge(bench.ref, found.number, found.head, method)

    assert first.state is MergeState.MERGED
    assert first.merged_at is not None
    assert first == again
    assert bench.content("main")["Dockerfile"][1] == b"FROM alpine:3.22\n"
    assert first.commit == bench.base()


def test_another_head_than_the_judged_one_is_not_merged(bench: Bench) -> None:
    forge = bench.forge()
    found = propose(bench, forge)
    bench.person_pushes(BRANCH, {"late": b"x"})

    outcome = forge.merge(bench.ref, found.number, found.head, MergeMethod.SQUASH)

    assert (outcome.state, outcome.merged_at) == (MergeState.MOVED, None)
    assert bench.content("main")["Dockerfile"][1] == FILES["Dockerfile"]


def test_what_conflicts_is_refused_and_not_called_merged(bench: Bench) -> None:
    forge = bench.forge()
    found = propose(bench, forge)
    bench.person_pushes("main", {"Dockerfile": b"FROM debian\n"})

    outcome = forge.merge(bench.ref, found.number, found.head, MergeMethod.SQUASH)
    (after,) = forge.find_change_requests(bench.ref, BRANCH)

    assert (outcome.state, outcome.merged_at) == (MergeState.REFUSED, None)
    assert (after.state, after.mergeable) == (ChangeState.OPEN, False)


def test_what_is_closed_is_not_merged(bench: Bench) -> None:
    forge = bench.forge()
    found = propose(bench, forge)
    bench.person_closes(found.number)

    outcome = forge.merge(bench.ref, found.number, found.head, MergeMethod.SQUASH)

    assert outcome.state is MergeState.REFUSED


@pytest.mark.slow
@pytest.mark.parametrize("bench", SENDING, indirect=True)
@pytest.mark.parametrize("kind", ["before", "after"])
def test_killed_between_any_two_requests_and_run_again_nothing_is_there_twice(
    bench: Bench, kind: str, tmp_path: Path
) -> None:
    assert bench.sends_requests
    kills = 0
    while True:
        with BENCHES[bench.name](tmp_path / f"{kills}") as fresh:
            fresh.interrupt(kills, kind)
            is_done = interrupted(fresh, fresh.forge())
            fresh.restore()
            found = propose_or_merged(fresh)
            counts = fresh.counts()
            assert counts == fresh.made, kills
            assert found.state is ChangeState.MERGED
            assert fresh.content("main")["Dockerfile"][1] == b"FROM alpine:3.22\n"
        if is_done:
            break
        kills += 1
    assert kills > bench.kills


def propose_or_merged(bench: Bench) -> ChangeRequest:
    """Run again until the end, as a new run would: what is merged already is not proposed."""
    forge = bench.forge()
    listed = forge.find_change_requests(bench.ref, BRANCH)
    if not any(one.state is ChangeState.MERGED for one in listed):
        found = propose(bench, forge)
        outcome = forge.merge(bench.ref, found.number, found.head, MergeMethod.SQUASH)
        assert outcome.state is MergeState.MERGED
    (found,) = forge.find_change_requests(bench.ref, BRANCH)
    return found
