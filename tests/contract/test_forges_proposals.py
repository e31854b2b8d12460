"""What is decided about proposals, carried out on every forge: it always comes to the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from basekeeper.errors import ForgeError
from basekeeper.propose import decide
from basekeeper.values.deciding import DecisionKind, Earlier, Setting, Usage
from basekeeper.values.forge import ChangeState
from tests.contract.forge_git_places import git_bench, git_ledger_bench
from tests.contract.forge_places import Bench, github_bench
from tests.unit.propose.made import NOW, OPEN, candidate, change, deadline, look, wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from basekeeper.ports import Forge
    from basekeeper.values.deciding import Decision
    from basekeeper.values.forge import ChangeRequest
    from basekeeper.values.proposal import Wanted

BENCHES: Mapping[str, Callable[[Path], AbstractContextManager[Bench]]] = {
    "github": github_bench,
    "git": git_bench,
    "git-ledger": git_ledger_bench,
}


@pytest.fixture(params=list(BENCHES))
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    with BENCHES[request.param](tmp_path / "forge") as made:
        yield made


def to(tag: str) -> list[Wanted]:
    """One image of the repository becomes another; a deadline urges, so that no limit counts."""
    of = change("alpine:3.21", f"alpine:{tag}", "minor", "Dockerfile")
    return wanted(candidate(of, look()), deadlines=[deadline()])


BRANCH = to("3.22")[0].group.identity.branch(OPEN.branch_prefix)


def cycle(bench: Bench, forge: Forge, found: list[Wanted]) -> list[DecisionKind]:
    """Observe, decide and carry out once."""
    requests = forge.find_change_requests(bench.ref, BRANCH)
    setting = Setting(
        now=NOW,
        base="main",
        login=forge.capabilities().login,
        earlier={
            BRANCH: Earlier(requests=requests, branch=forge.branch(bench.ref, BRANCH, "main"))
        },
        open_requests=tuple(one for one in requests if one.state is ChangeState.OPEN),
        usage=Usage(),
    )
    decisions = decide(found, OPEN, setting).decisions
    for decision in decisions:
        carry_out(bench, forge, decision)
    return [one.kind for one in decisions]


def carry_out(bench: Bench, forge: Forge, decision: Decision) -> None:
    proposal = decision.proposal
    if decision.kind is DecisionKind.CLOSE:
        if decision.number is not None:
            forge.close_change_request(bench.ref, decision.number)
        if decision.head is not None:
            forge.delete_branch(bench.ref, decision.branch, decision.head)
    if proposal is None:
        return
    if decision.kind.writes_branch:
        commit = proposal.commit(bench.base())
        forge.ensure_branch(bench.ref, proposal.branch, commit, decision.head)
    if decision.kind.writes_text:
        forge.ensure_change_request(bench.ref, proposal.request(decision.generation))


def requests(bench: Bench) -> tuple[ChangeRequest, ...]:
    return bench.forge().find_change_requests(bench.ref, BRANCH)


def test_it_is_opened_once_and_moves_on_in_its_place(bench: Bench) -> None:
    forge = bench.forge()

    assert cycle(bench, forge, to("3.22")) == [DecisionKind.OPEN]
    assert cycle(bench, bench.forge(), to("3.22")) == [DecisionKind.LEAVE]
    assert bench.content(BRANCH)["Dockerfile"][1] == b"FROM alpine:3.22\n"
    assert cycle(bench, bench.forge(), to("3.23")) == [DecisionKind.UPDATE]
    assert cycle(bench, bench.forge(), to("3.23")) == [DecisionKind.LEAVE]
    assert bench.content(BRANCH)["Dockerfile"][1] == b"FROM alpine:3.23\n"
    (one,) = requests(bench)
    assert one.title == "chore(deps): update alpine from 3.21 to 3.23"


def test_a_branch_with_a_commit_of_a_person_is_left(bench: Bench) -> None:
    cycle(bench, bench.forge(), to("3.22"))
    head = bench.person_pushes(BRANCH, {"mine": b"x"})

    assert cycle(bench, bench.forge(), to("3.23")) == [DecisionKind.LEAVE]
    assert bench.head(BRANCH) == head


def test_what_a_person_closed_stays_closed_until_something_newer_is_there(bench: Bench) -> None:
    cycle(bench, bench.forge(), to("3.22"))
    bench.person_closes(1)

    assert cycle(bench, bench.forge(), to("3.22")) == [DecisionKind.DECLINED]
    assert cycle(bench, bench.forge(), to("3.23")) == [DecisionKind.OPEN]
    assert cycle(bench, bench.forge(), to("3.23")) == [DecisionKind.LEAVE]
    assert sorted(one.state.value for one in requests(bench)) == ["closed", "open"]


def test_what_was_merged_and_undone_is_not_proposed_again(bench: Bench) -> None:
    cycle(bench, bench.forge(), to("3.22"))
    bench.person_merges(1)
    bench.person_pushes("main", {"Dockerfile": b"FROM alpine:3.21\n"})

    assert cycle(bench, bench.forge(), to("3.22")) == [DecisionKind.DECLINED]
    assert cycle(bench, bench.forge(), to("3.23")) == [DecisionKind.OPEN]


def test_what_nothing_asks_for_is_closed_and_can_be_proposed_again(bench: Bench) -> None:
    cycle(bench, bench.forge(), to("3.22"))

    assert cycle(bench, bench.forge(), []) == [DecisionKind.CLOSE]
    assert bench.head(BRANCH) is None
    assert cycle(bench, bench.forge(), []) == []
    assert cycle(bench, bench.forge(), to("3.22")) == [DecisionKind.OPEN]
    assert cycle(bench, bench.forge(), to("3.22")) == [DecisionKind.LEAVE]


def test_a_text_that_a_person_wrote_to_stays_while_nothing_changed(bench: Bench) -> None:
    cycle(bench, bench.forge(), to("3.22"))
    edited = f"by hand\n{bench.body(1)}"
    bench.person_edits(1, edited)

    assert cycle(bench, bench.forge(), to("3.22")) == [DecisionKind.LEAVE]
    assert bench.body(1) == edited


@pytest.mark.parametrize("bench", ["github", "git"], indirect=True)
@pytest.mark.parametrize("kind", ["before", "after"])
def test_interrupted_at_any_request_it_comes_to_the_same(bench: Bench, kind: str) -> None:
    assert bench.sends_requests
    kills = 0
    for tag in ("3.22", "3.23"):  # it is opened, then brought up to date
        for after in range(60):
            bench.interrupt(after, kind)
            try:
                cycle(bench, bench.forge(), to(tag))
            except ForgeError:
                kills += 1
            else:
                break
            finally:
                bench.restore()
        assert cycle(bench, bench.forge(), to(tag)) == [DecisionKind.LEAVE]
        (one,) = requests(bench)
        assert one.state is ChangeState.OPEN
        assert bench.content(BRANCH)["Dockerfile"][1] == f"FROM alpine:{tag}\n".encode()
    assert kills > 0
