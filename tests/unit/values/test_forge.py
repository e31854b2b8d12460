from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from basekeeper.values.forge import (
    ChangeProposal,
    Check,
    Checks,
    CheckState,
    CommitRequest,
    RepositoryRef,
    Verdict,
    is_branch,
    is_marked,
    is_oid,
)
from basekeeper.values.verdicts import GRACE, judge

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def checks(*states: CheckState, missing: tuple[str, ...] = ()) -> Checks:
    told = tuple(
        Check(name=f"c{index}", source="status", state=state, word="")
        for index, state in enumerate(states)
    )
    return Checks(commit="a" * 40, checks=told, missing=missing)


P, G, B = CheckState.PENDING, CheckState.GOOD, CheckState.BAD


@pytest.mark.parametrize(
    ("found", "early", "late"),
    [
        (checks(), Verdict.WAITING, Verdict.NONE),
        (checks(G), Verdict.GOOD, Verdict.GOOD),
        (checks(G, P), Verdict.WAITING, Verdict.WAITING),
        (checks(G, B, P), Verdict.BAD, Verdict.BAD),
        (checks(G, missing=("x",)), Verdict.WAITING, Verdict.NONE),
        (checks(B, missing=("x",)), Verdict.BAD, Verdict.BAD),
        (checks(missing=("x",)), Verdict.WAITING, Verdict.NONE),
    ],
)
def test_all_checks_are_judged_together(found: Checks, early: Verdict, late: Verdict) -> None:
    just_before = NOW - GRACE + timedelta(seconds=1)
    assert judge(found, since=just_before, now=NOW) is early
    assert judge(found, since=NOW - GRACE, now=NOW) is late


@pytest.mark.parametrize("text", ["a/b", "acme/shop.git", "group/sub/name", "A-b_c/x"])
def test_a_repository_is_read_and_written(text: str) -> None:
    assert str(RepositoryRef.parse(text)) == text


@pytest.mark.parametrize(
    "text", ["", "a", "/b", "a/", "a/..", "./b", "a/b c", "a/b?c", "a//b", "a/%2e"]
)
def test_what_is_no_repository_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no repository"):
        RepositoryRef.parse(text)


@pytest.mark.parametrize("text", ["a", "basekeeper/alpine-1a", "ü", "a.b/c"])
def test_names_of_branches(text: str) -> None:
    assert is_branch(text)


@pytest.mark.parametrize(
    "text", ["", "-a", "a..b", "a b", "a/", "/a", "a//b", ".a", "a/.b", "a.lock", "a.", "@",
             "a@{b", "a~1", "a^", "a:b", "a?b", "a*", "a[", "a\\b", "a\x7f", "x" * 201],
)  # fmt: skip
def test_what_no_branch_is_called(text: str) -> None:
    assert not is_branch(text)


def test_what_names_an_object() -> None:
    assert is_oid("a" * 40)
    assert is_oid("0" * 64)
    assert not any(map(is_oid, ["A" * 40, "a" * 39, "a" * 41, 1, None, ""]))


def test_a_commit_of_ours_says_for_which_branch_it_is() -> None:
    made = CommitRequest(base="a" * 40, files={}, message="x\n\nbody\n", trailers={"A": "b"})
    text = made.text("basekeeper/x")
    assert text == "x\n\nbody\n\nA: b\nBasekeeper-Branch: basekeeper/x"
    assert is_marked(text, "basekeeper/x")
    assert not is_marked(text, "basekeeper/y")
    assert not is_marked(text, "basekeeper/")


def test_a_proposal_is_another_one_when_it_says_something_else() -> None:
    first = ChangeProposal(key="k", branch="b", base="m", title="t", body="x")
    moved = ChangeProposal(key="k", branch="b", base="m", title="tx", body="")
    assert first.digest != moved.digest
