"""What is done about a proposal, row by row: what people did counts, and nothing is done twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from basekeeper.config.proposals import parse_window
from basekeeper.values.deciding import DecisionKind, Earlier, Usage
from basekeeper.values.forge import BranchState, ChangeState
from basekeeper.values.image import Unknown
from basekeeper.values.proposal import HOLD_LABEL, REBASE_LABEL, RECREATE_LABEL
from tests.fakes.memory_forge import US, Killed, MemoryForge
from tests.unit.propose.desk import asked, cycle
from tests.unit.propose.made import (
    HOUR,
    NEWER,
    NOW,
    OLD,
    OPEN,
    YOUNG,
    candidate,
    change,
    deadline,
    look,
    wanted,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from basekeeper.values.deciding import Decided
    from basekeeper.values.proposal import Candidate

OPENED, UPDATED, REBASED = DecisionKind.OPEN, DecisionKind.UPDATE, DecisionKind.REBASE
LEFT, WAITS, DECLINED = DecisionKind.LEAVE, DecisionKind.WAIT, DecisionKind.DECLINED
REWRITTEN, CLOSED, REPORTED = DecisionKind.REWRITE, DecisionKind.CLOSE, DecisionKind.REPORT


def newer() -> Candidate:
    """The same image with a newer target."""
    to = change(new=f"node:20.20-slim@{NEWER}", digest=NEWER)
    return candidate(to, look(digests=(OLD, NEWER)))


def other(name: str = "python") -> Candidate:
    """Another image."""
    return candidate(change(f"{name}:3.13.1-slim@{OLD}", f"{name}:3.13.2-slim@{OLD[:-1]}b"), look())


def kinds(decided: Decided) -> list[DecisionKind]:
    return [one.kind for one in decided.decisions]


def opened() -> MemoryForge:
    forge = MemoryForge()
    assert kinds(cycle(forge, candidate())) == [OPENED]
    return forge


def close(by: str | None, **more: Any) -> Callable[[MemoryForge], None]:
    def act(forge: MemoryForge) -> None:
        forge.edit(1, state=ChangeState.CLOSED, closed_by=by, **more)
        del forge.branches[next(iter(forge.branches))]

    return act


def merge(forge: MemoryForge) -> None:
    forge.edit(1, state=ChangeState.MERGED, merged_at=NOW)
    forge.branches.clear()


def behind(forge: MemoryForge) -> None:
    forge.base += 1


def conflict(forge: MemoryForge) -> None:
    behind(forge)
    forge.edit(1, mergeable=False)


def push(forge: MemoryForge) -> None:
    forge.push(next(iter(forge.branches)))


def push_alone(forge: MemoryForge) -> None:
    push(forge)
    forge.requests.clear()


def edit(**more: Any) -> Callable[[MemoryForge], None]:
    return lambda forge: forge.edit(1, **more)


def all_of(*acts: Callable[[MemoryForge], None]) -> Callable[[MemoryForge], None]:
    def act(forge: MemoryForge) -> None:
        for one in acts:
            one(forge)

    return act


LABELS = ("dependencies", REBASE_LABEL)
ROWS: list[tuple[str, Callable[[MemoryForge], None], DecisionKind, DecisionKind]] = [
    # what happened, by what, what is done of the same target, what of a newer one
    ("nothing", lambda _: None, LEFT, UPDATED),
    ("closed by a person", close("ann"), DECLINED, OPENED),
    ("closed by nobody known", close(None), DECLINED, OPENED),
    ("closed by us", close(US), OPENED, OPENED),
    ("closed, without its mark", close("ann", body="gone"), DECLINED, OPENED),
    ("closed, to be made again", close("ann", labels=(RECREATE_LABEL,)), OPENED, OPENED),
    ("merged, and undone", merge, DECLINED, OPENED),
    ("base moved", behind, LEFT, UPDATED),
    ("conflicts", conflict, REBASED, UPDATED),
    ("conflicts on the present base", edit(mergeable=False), LEFT, UPDATED),
    ("conflicts, not told yet", edit(mergeable=None), LEFT, UPDATED),
    (
        "to be rebased",
        all_of(behind, edit(labels=("dependencies", REBASE_LABEL))),
        REBASED,
        UPDATED,
    ),
    ("merges by itself, behind", all_of(behind, edit(auto_merge=True)), REBASED, UPDATED),
    ("foreign commit", push, LEFT, LEFT),
    ("foreign commit, conflicts", all_of(push, conflict), LEFT, LEFT),
    ("foreign commit, no proposal", push_alone, LEFT, LEFT),
    ("by somebody else", edit(is_ours=False), LEFT, LEFT),
    ("held", edit(labels=(HOLD_LABEL,)), LEFT, LEFT),
    ("other base", edit(base="release"), LEFT, LEFT),
    ("in the queue", all_of(conflict, edit(in_queue=True)), LEFT, LEFT),
    ("text was rewritten", edit(body="mine"), UPDATED, UPDATED),
    ("label was removed", edit(labels=()), REWRITTEN, UPDATED),
    ("branch is gone", lambda forge: forge.branches.clear(), UPDATED, UPDATED),
    ("proposal is gone", lambda forge: forge.requests.clear(), OPENED, OPENED),
]


@pytest.mark.parametrize(("name", "act", "same", "changed"), ROWS, ids=[row[0] for row in ROWS])
def test_what_happened_meanwhile_decides(
    name: str, act: Callable[[MemoryForge], None], same: DecisionKind, changed: DecisionKind
) -> None:
    for wish, expected in ((candidate(), same), (newer(), changed)):
        forge = opened()
        act(forge)
        assert kinds(cycle(forge, wish)) == [expected], name
        again = kinds(cycle(forge, wish))
        assert again == [DECLINED if expected is DECLINED else LEFT], name
        assert len(forge.open_requests) <= 1


def test_a_foreign_commit_is_answered_once() -> None:
    forge = opened()
    push(forge)
    (decision,) = cycle(forge, newer()).decisions
    assert decision.comment is not None
    assert "not ours" in decision.comment
    assert decision.number == 1


def test_a_newer_target_that_was_declined_does_not_replace_the_open_one() -> None:
    forge = MemoryForge()
    cycle(forge, newer())
    close("ann")(forge)
    assert kinds(cycle(forge, candidate())) == [OPENED]
    (decision,) = cycle(forge, newer()).decisions
    assert decision.kind is LEFT
    assert "declined" in decision.reason


def test_where_the_queue_is_not_known_nothing_is_pushed() -> None:
    forge = opened()
    all_of(conflict, edit(in_queue=None))(forge)
    assert kinds(cycle(forge, newer(), has_queue=True)) == [LEFT]
    assert kinds(cycle(forge, newer())) == [UPDATED]


def test_a_base_that_takes_only_current_branches_has_them_rebased() -> None:
    forge = opened()
    behind(forge)
    assert kinds(cycle(forge, candidate(), needs_current=True)) == [REBASED]
    assert kinds(cycle(forge, candidate(), needs_current=True)) == [LEFT]


def test_new_findings_rewrite_the_text_and_leave_the_branch() -> None:
    forge = opened()
    head = forge.branches[forge.requests[0].branch].head
    worse = candidate(None, look(after=look().before))
    assert kinds(cycle(forge, worse)) == [REWRITTEN]
    assert forge.branches[forge.requests[0].branch].head == head
    assert kinds(cycle(forge, worse)) == [LEFT]


@pytest.mark.parametrize(
    "earlier",
    [
        None,
        Earlier(requests=Unknown("the forge does not answer")),
        Earlier(branch=Unknown("the forge does not answer")),
    ],
)
def test_what_the_forge_does_not_say_is_waited_for(earlier: Earlier | None) -> None:
    found = wanted(candidate(), deadlines=[deadline()])
    branch = found[0].group.identity.branch("basekeeper")
    known = {} if earlier is None else {branch: earlier}
    (decision,) = asked(found, MemoryForge(), earlier=known).decisions
    assert decision.kind is WAITS


def test_unless_the_operator_says_otherwise_all_is_only_reported() -> None:
    forge = MemoryForge()
    rules = replace(OPEN, mode="report")
    decided = cycle(forge, candidate(), deadlines=[deadline()], rules=rules)
    assert kinds(decided) == [REPORTED]
    assert forge.writes == 0


def test_what_is_too_young_waits_until_it_is_not() -> None:
    forge = MemoryForge()
    (decision,) = cycle(forge, candidate(waiting=YOUNG)).decisions
    assert (decision.kind, decision.until) == (WAITS, YOUNG.until)
    assert "younger" in decision.reason
    assert forge.writes == 0


def test_an_open_one_stays_while_what_is_newer_is_too_young() -> None:
    forge = opened()
    young = replace(newer(), waiting=YOUNG)
    assert kinds(cycle(forge, candidate(), young)) == [LEFT]
    assert kinds(cycle(forge, young)) == [LEFT]
    assert forge.requests[0].state is ChangeState.OPEN


def test_a_deadline_beats_the_waiting_time_and_stays_when_it_ends() -> None:
    forge = MemoryForge()
    young = replace(candidate(), waiting=YOUNG)
    (decision,) = cycle(forge, young, deadlines=[deadline()]).decisions
    assert (decision.kind, decision.due) == (OPENED, NOW + 24 * HOUR)
    assert kinds(cycle(forge, young, deadlines=[deadline()])) == [LEFT]
    # waived meanwhile: the text says so, but nothing goes back to what is older
    assert kinds(cycle(forge, young)) == [REWRITTEN]


LIMITS: list[tuple[dict[str, Any], Usage, timedelta | None]] = [
    ({"max_open": 2}, Usage(open_here=2), None),
    ({"max_open_fleet": 7}, Usage(open_fleet=7), None),
    ({"max_per_run": 3}, Usage(written=3), None),
    ({"max_open": 0}, Usage(), None),
    ({"max_per_hour": 0}, Usage(), None),
    (
        {"max_per_hour": 2},
        Usage(opened=(NOW - HOUR / 2, NOW - HOUR / 4, NOW - 2 * HOUR)),
        HOUR / 2,
    ),
    ({"schedules": ((parse_window("mon-fri 22:00-06:00"),),)}, Usage(), 10 * HOUR),
    ({"schedules": ((parse_window("sat 08:30-09:00"),),)}, Usage(), timedelta(days=2, hours=20.5)),
    (
        {"schedules": ((parse_window("mon-fri 06:00-09:00"),), (parse_window("fri 08:00-24:00"),))},
        Usage(),
        timedelta(hours=44),
    ),
    (
        {"schedules": ((parse_window("mon 06:00-09:00"),), (parse_window("tue 06:00-09:00"),))},
        Usage(),
        None,
    ),
]


@pytest.mark.parametrize(("limits", "usage", "wait"), LIMITS)
def test_limits_and_windows_hold_all_but_what_is_urgent(
    limits: dict[str, Any], usage: Usage, wait: timedelta | None
) -> None:
    rules = replace(OPEN, **limits)
    forge = MemoryForge()
    (decision,) = asked(wanted(candidate(), rules=rules), forge, rules, usage=usage).decisions
    assert decision.kind is WAITS
    assert decision.until == (None if wait is None else NOW + wait)
    (urgent,) = asked(
        wanted(candidate(), deadlines=[deadline()], rules=rules), forge, rules, usage=usage
    ).decisions
    assert urgent.kind is OPENED


def test_limits_count_what_this_run_opens_and_what_is_due_first_goes_first() -> None:
    rules = replace(OPEN, max_open=1)
    decided = cycle(
        MemoryForge(), other("alpine"), candidate(), deadlines=[deadline()], rules=rules
    )
    assert [one.kind for one in decided.decisions] == [OPENED, WAITS]
    assert decided.decisions[0].due is not None
    assert decided.usage.open_here == decided.usage.open_fleet == decided.usage.written == 1


def test_an_update_takes_no_room_among_open_ones_but_of_the_run() -> None:
    forge = opened()
    full = Usage(open_here=10, open_fleet=200, opened=(NOW,) * 4)
    assert kinds(asked_newer(forge, full)) == [UPDATED]
    assert kinds(asked_newer(forge, replace(full, written=50))) == [WAITS]


def asked_newer(forge: MemoryForge, usage: Usage) -> Decided:
    return asked(wanted(newer()), forge, usage=usage)


def test_what_is_not_wanted_any_more_is_closed() -> None:
    forge = opened()
    (decision,) = cycle(forge).decisions
    assert (decision.kind, decision.number) == (CLOSED, 1)
    assert forge.open_requests == ()
    assert forge.branches == {}
    assert cycle(forge).decisions == ()
    # the same is wanted again: we closed it ourselves, so it is no decline
    assert kinds(cycle(forge, candidate())) == [OPENED]
    assert forge.requests[-1].key == f"{forge.requests[0].key}#2"
    assert kinds(cycle(forge, candidate())) == [LEFT]


@pytest.mark.parametrize(
    ("act", "more"),
    [
        (lambda _: None, {"unresolved": frozenset({"docker.io/library/node:20.11-slim"})}),
        (lambda _: None, {"earlier": {}}),
        (push, {}),
        (edit(labels=(HOLD_LABEL,)), {}),
        (edit(body="no mark"), {}),
        (edit(in_queue=True), {}),
        (lambda _: None, {"base": "trunk"}),
    ],
)
def test_where_anything_is_unknown_or_a_person_has_a_hand_in_it_nothing_is_closed(
    act: Callable[[MemoryForge], None], more: dict[str, Any]
) -> None:
    forge = opened()
    act(forge)
    (decision,) = cycle(forge, **more).decisions
    assert decision.kind is LEFT
    assert len(forge.open_requests) == 1


@pytest.mark.parametrize(
    ("act", "is_deleted"),
    [
        (lambda forge: forge.requests.clear(), True),
        (edit(state=ChangeState.CLOSED, closed_by=US), True),
        (edit(state=ChangeState.MERGED, merged_at=NOW), True),
        (edit(state=ChangeState.CLOSED, closed_by="ann"), False),
        (edit(state=ChangeState.CLOSED, closed_by=None), False),
        (push_alone, False),
    ],
)
def test_branches_that_are_left_over_are_deleted_unless_a_person_may_want_them(
    act: Callable[[MemoryForge], None],
    is_deleted: bool,  # noqa: FBT001
) -> None:
    forge = opened()
    act(forge)
    decided = cycle(forge)
    assert kinds(decided) == ([CLOSED] if is_deleted else [])
    assert bool(forge.branches) is not is_deleted
    assert cycle(forge).decisions == ()


def test_a_branch_of_another_name_or_of_which_too_little_is_known_is_not_deleted() -> None:
    forge = opened()
    forge.requests.clear()
    (branch,) = forge.branches
    known = forge.earlier(branch)
    assert isinstance(known.branch, BranchState)
    for name, earlier in (
        ("feature/x", known),
        (branch, replace(known, requests=Unknown("no answer"))),
        (branch, replace(known, branch=Unknown("no answer"))),
        (branch, replace(known, branch=replace(known.branch, ahead=0))),
    ):
        assert asked([], forge, earlier={name: earlier}).decisions == ()


def test_what_cannot_be_listed_is_not_closed() -> None:
    forge = opened()
    assert cycle(forge, open_requests=Unknown("the forge does not answer")).decisions == ()


def test_another_grouping_supersedes_once_the_other_is_open() -> None:
    forge = opened()
    together = replace(OPEN, group_by="repository")
    full = replace(together, max_open=1)
    decided = cycle(forge, candidate(), other(), rules=full)
    assert kinds(decided) == [WAITS, LEFT]
    assert "not open" in decided.decisions[1].reason
    decided = cycle(forge, candidate(), other(), rules=together)
    assert kinds(decided) == [OPENED, CLOSED]
    assert "superseded by basekeeper/repository-" in decided.decisions[1].reason
    assert kinds(cycle(forge, candidate(), other(), rules=together)) == [LEFT]


def test_branches_of_others_are_nobodys_strays() -> None:
    forge = opened()
    forge.edit(1, branch="feature/x")
    forge.branches.clear()
    assert cycle(forge).decisions == ()


def test_a_branch_that_is_not_ours_is_left_although_no_commit_is_named() -> None:
    forge = opened()
    branch = forge.requests[0].branch
    state = BranchState(name=branch, head="1" * 40, base="0", is_ours=False)
    known = {branch: Earlier(requests=forge.open_requests, branch=state)}
    (decision,) = asked(wanted(newer()), forge, earlier=known).decisions
    assert decision.kind is LEFT


def story(forge: MemoryForge, step: int) -> None:
    """One cycle of a life: proposals come, move on, urge, are put together, conflict, end."""
    first, second, third = candidate(), other(), other("ruby")
    wishes: list[tuple[tuple[Candidate, ...], dict[str, Any]]] = [
        ((first, second, third), {}),
        ((newer(), second), {}),
        ((replace(newer(), waiting=YOUNG), second, third), {"deadlines": [deadline()]}),
        ((first, second), {"rules": replace(OPEN, group_by="repository")}),
        ((first, second, third), {"rules": replace(OPEN, group_by="repository")}),
        ((third,), {}),
        ((), {}),
    ]
    found, more = wishes[step]
    cycle(forge, *found, **more)


STEPS = 7


def seen(forge: MemoryForge) -> object:
    return [
        sorted((one.branch, one.state, one.key, one.title, one.body) for one in forge.requests),
        sorted((name, one.on, sorted(one.commit.files)) for name, one in forge.branches.items()),
    ]


def test_killed_between_any_two_writes_it_comes_to_the_same() -> None:
    kills = 0
    whole = MemoryForge()
    for step in range(STEPS):
        story(whole, step)
        story(whole, step)
        for left in range(30):
            forge = MemoryForge()
            for earlier in range(step):
                story(forge, earlier)
                story(forge, earlier)
            forge.left = left
            try:
                story(forge, step)
            except Killed:
                kills += 1
            else:
                break
            forge.left = None
            story(forge, step)
            story(forge, step)
            assert seen(forge) == seen(whole), (step, left)
    assert kills == 19
