"""Laws of proposing, over worlds that change while runs are killed at any step."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from basekeeper.propose import proposed_targets
from basekeeper.render.proposal_mark import read_proposal_mark
from basekeeper.render.proposal_markdown import MAX_BODY_BYTES
from basekeeper.tags.updates import UpdateRules
from basekeeper.values.deciding import DecisionKind, Usage
from basekeeper.values.forge import ChangeState
from basekeeper.values.proposal import HOLD_LABEL
from tests.fakes.memory_forge import Killed, MemoryForge
from tests.unit.propose.desk import asked, cycle
from tests.unit.propose.made import (
    NOW,
    OLD,
    OPEN,
    VULNERABLE,
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

LIVE = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
DONE = {
    DecisionKind.LEAVE,
    DecisionKind.WAIT,
    DecisionKind.DECLINED,
    DecisionKind.REPORT,
}
NAMES = ("node", "python", "golang", "ruby", "alpine")


@st.composite
def images(draw: Any) -> tuple[Candidate, ...]:
    """What could be changed: some images, each to some version."""
    found = []
    for name in draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=4)):
        version = draw(st.integers(2, 4))
        digest = f"sha256:{version:064}"
        drifts = draw(st.booleans()) and draw(st.booleans())
        of = change(
            f"{name}:1.1-slim@{OLD}",
            f"{name}:1.{version}-slim@{digest}",
            draw(st.sampled_from(["digest", "patch", "minor"])),
            *draw(st.lists(st.sampled_from(["a/Dockerfile", "b/Dockerfile"]), unique=True)),
            rules=UpdateRules(group=draw(st.sampled_from([None, None, "some"]))),
            digest=digest,
            os_change="debian 12 → debian 13" if drifts else None,
        )
        seen = look(digests=(OLD, digest))
        if draw(st.booleans()):
            seen = replace(seen, after=VULNERABLE)
        waiting = YOUNG if draw(st.booleans()) else None
        found.append(candidate(of, seen, waiting=waiting))
    return tuple(found)


RULES = st.builds(
    lambda *limits: replace(
        OPEN, max_open=limits[0], max_per_run=limits[1], max_per_hour=limits[2], group_by=limits[3]
    ),
    st.integers(0, 4), st.integers(1, 4), st.integers(0, 4),
    st.sampled_from(["image", "repository"]),
)  # fmt: skip


def close(forge: MemoryForge, number: int) -> None:
    forge.edit(number, state=ChangeState.CLOSED, closed_by="ann")


def merge(forge: MemoryForge, number: int) -> None:
    (one,) = [one for one in forge.requests if one.number == number]
    forge.edit(number, state=ChangeState.MERGED, merged_at=NOW)
    forge.branches.pop(one.branch, None)
    forge.base += 1


def push(forge: MemoryForge, number: int) -> None:
    (one,) = [one for one in forge.requests if one.number == number]
    if one.branch in forge.branches:
        forge.push(one.branch)


def move_base(forge: MemoryForge, number: int) -> None:
    forge.base += 1
    forge.edit(number, mergeable=False)


def hold(forge: MemoryForge, number: int) -> None:
    forge.edit(number, labels=(HOLD_LABEL,))


def clear_text(forge: MemoryForge, number: int) -> None:
    forge.edit(number, body="")


ACTS = (close, merge, push, move_base, hold, clear_text)
STEPS = st.tuples(
    images(),
    st.sampled_from(ACTS),
    st.integers(0, 3),  # which open one it happens to
    st.integers(0, 6),  # things done before the run is killed
    st.booleans(),  # whether a deadline runs
)


FEW = st.integers(0, 5)


def act(forge: MemoryForge, what: Callable[[MemoryForge, int], None], which: int) -> None:
    if forge.open_requests:
        what(forge, forge.open_requests[which % len(forge.open_requests)].number)


def state(forge: MemoryForge) -> list[tuple[object, ...]]:
    """What people see, without numbers."""
    requests = sorted(
        (one.branch, one.state, one.title, one.body, sorted(one.labels)) for one in forge.requests
    )
    branches = sorted(
        (name, sorted(one.commit.files), one.on, one.foreign)
        for name, one in forge.branches.items()
    )
    return [*requests, *branches]


def run(forge: MemoryForge, found: tuple[Candidate, ...], urged: Any, **more: Any) -> Decided:
    return cycle(forge, *found, deadlines=deadlines(urged), **more)


def deadlines(urged: Any) -> list[Any]:
    finding = deadline().finding
    return [
        deadline(hours, finding=replace(finding, lineage=f"docker.io/library/{name}:slim"))
        for hours, name in enumerate(NAMES, 1)
        if urged
    ]


@LIVE
@given(steps=st.lists(STEPS, min_size=1, max_size=4), rules=RULES)
def test_killed_anywhere_and_repeated_it_comes_to_the_same_without_a_duplicate(
    steps: list[Any], rules: Any
) -> None:
    rules = replace(rules, max_per_hour=100, max_per_run=100)  # a killed run used its limits up
    killed, whole = MemoryForge(), MemoryForge()
    for found, what, which, left, urged in steps:
        act(killed, what, which)
        act(whole, what, which)
        killed.left = left
        with suppress(Killed):
            run(killed, found, urged, rules=rules)
        killed.left = None
        for forge in (killed, whole):
            run(forge, found, urged, rules=rules)
            # a proposal that is closed makes room for another
            run(forge, found, urged, rules=rules)
            run(forge, found, urged, rules=rules)
        branches = [one.branch for one in killed.open_requests]
        assert len(branches) == len(set(branches))
        assert state(killed) == state(whole)


@LIVE
@given(steps=st.lists(STEPS, min_size=1, max_size=4), rules=RULES)
def test_what_was_done_is_not_done_again(steps: list[Any], rules: Any) -> None:
    rules = replace(rules, max_open=100, max_per_hour=100, max_per_run=100)
    forge = MemoryForge()
    for found, what, which, _, urged in steps:
        act(forge, what, which)
        run(forge, found, urged, rules=rules)
        run(
            forge, found, urged, rules=rules
        )  # what was superseded is closed once the other is open
        before = forge.writes
        decided = run(forge, found, urged, rules=rules)
        assert {one.kind for one in decided.decisions} <= DONE
        assert forge.writes == before


@LIVE
@given(found=images(), rules=RULES, urged=st.booleans(), used=st.tuples(FEW, FEW))
def test_limits_are_passed_by_what_is_urgent_alone(
    *, found: tuple[Candidate, ...], rules: Any, urged: bool, used: tuple[int, int]
) -> None:
    here, done = used
    usage = Usage(open_here=here, open_fleet=here, opened=(NOW,) * done, written=done)
    every = wanted(*found, deadlines=deadlines(urged), rules=rules)
    decided = asked(every, MemoryForge(), rules, usage=usage)
    opened, writes, lately = here, done, done
    for one in decided.decisions:
        if one.kind is DecisionKind.OPEN:
            fits = opened < rules.max_open and lately < rules.max_per_hour
            assert one.due is not None or (fits and writes < rules.max_per_run)
            opened, writes, lately = opened + 1, writes + 1, lately + 1
    assert decided.usage.open_here == opened
    assert decided.usage.written == writes


@LIVE
@given(found=images(), rules=RULES, urged=st.booleans())
def test_equal_inputs_give_equal_bytes_within_the_limit(
    *, found: tuple[Candidate, ...], rules: Any, urged: bool
) -> None:
    first = wanted(*found, deadlines=deadlines(urged), rules=rules)
    second = wanted(*reversed(found), deadlines=[*reversed(deadlines(urged))], rules=rules)
    assert [one.proposal and one.proposal.body for one in first] == [
        one.proposal and one.proposal.body for one in second
    ]
    for one in first:
        if one.proposal is not None:
            assert len(one.proposal.body.encode()) <= MAX_BODY_BYTES
            assert read_proposal_mark(one.proposal.body) == one.proposal.mark


@LIVE
@given(found=images(), urged=st.booleans())
def test_what_waits_is_taken_only_with_a_proof(
    *, found: tuple[Candidate, ...], urged: bool
) -> None:
    for one in wanted(*found, deadlines=deadlines(urged)):
        for weighed in one.group.taken:
            assert weighed.candidate.waiting is None or weighed.proofs
            assert not weighed.proofs or urged


def test_open_proposals_tell_what_they_make_of_images() -> None:
    forge = MemoryForge()
    cycle(forge, candidate())
    assert list(proposed_targets(forge.open_requests)) == ["docker.io/library/node:20.11-slim"]
