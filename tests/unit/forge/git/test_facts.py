from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from basekeeper.forge.git.facts import (
    MAX_BODY,
    MAX_TEXT_BYTES,
    Act,
    Fact,
    changes_of,
    comment_key,
    fact_of,
    fitting,
    line_of,
    proposed,
)
from basekeeper.values.forge import ChangeProposal, ChangeState

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
HEAD, COMMIT = "a" * 40, "b" * 64
PROPOSAL = ChangeProposal(
    key="alpine 3.22", branch="basekeeper/alpine", base="main", title="Update", body="why",
    labels=("docker",),
)  # fmt: skip
KEPT = proposed(1, "keeper", HEAD, PROPOSAL)


def fact(act: Act, key: str = "", **more: Any) -> Fact:
    """Something that happened to change request 1."""
    said: dict[str, str] = {}
    if act in {Act.OPENED, Act.UPDATED}:
        said = KEPT.said()
    elif act is Act.MERGED:
        said = {"head": HEAD, "commit": COMMIT}
    elif act is Act.CLOSED:
        said = {"head": HEAD}
    values = {"number": 1, "act": act, "key": key or act.value, "at": NOW, "by": "keeper"}
    return Fact(**{**values, "said": said, **more})


OPENED, CLOSED, MERGED = fact(Act.OPENED), fact(Act.CLOSED), fact(Act.MERGED)


def test_what_was_opened_says_what_was_proposed() -> None:
    assert changes_of([OPENED]) == {1: KEPT}


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ([OPENED], ChangeState.OPEN),
        ([OPENED, CLOSED], ChangeState.CLOSED),
        ([OPENED, MERGED], ChangeState.MERGED),
        ([OPENED, CLOSED, MERGED], ChangeState.MERGED),
        ([OPENED, MERGED, CLOSED], ChangeState.MERGED),
    ],
)
def test_a_merge_which_can_be_seen_comes_before_a_closing(
    facts: list[Fact], state: ChangeState
) -> None:
    (found,) = changes_of(facts).values()

    assert found.state is state
    assert (found.merged_at is not None) is (state is ChangeState.MERGED)
    assert found.closed_by == ("keeper" if state is ChangeState.CLOSED else None)


def test_of_two_records_with_one_key_the_first_counts() -> None:
    other = fact(Act.OPENED, by="bob")
    updates = [fact(Act.UPDATED, "revision 2"), fact(Act.UPDATED, "revision 2")]

    (found,) = changes_of([OPENED, other, *updates]).values()

    assert (found.author, found.revision) == ("keeper", 2)


def test_who_closed_something_may_not_be_known() -> None:
    assert changes_of([OPENED, fact(Act.CLOSED, by="")])[1].closed_by is None


def test_comments_are_known_by_their_keys() -> None:
    said = fact(Act.COMMENTED, comment_key("hello"), said={"body": "a word"})

    assert changes_of([OPENED, said])[1].comments == {comment_key("hello")}


@pytest.mark.parametrize("lacking", sorted(KEPT.said()))
def test_a_record_that_lacks_something_is_refused(lacking: str) -> None:
    said = {name: text for name, text in KEPT.said().items() if name != lacking}
    with pytest.raises(ValueError, match="record"):
        changes_of([fact(Act.OPENED, said=said)])


@pytest.mark.parametrize(
    ("name", "text"),
    [("branch", "-f"), ("base", "a..b"), ("head", "HEAD"), ("labels", "{}"), ("labels", "[1]"),
     ("labels", "["), ("labels", "[" * 100_000)],
)  # fmt: skip
def test_a_record_that_says_what_cannot_be_is_refused(name: str, text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # that of JSON too
        changes_of([fact(Act.OPENED, said={**KEPT.said(), name: text})])


@pytest.mark.parametrize("act", [Act.UPDATED, Act.CLOSED, Act.MERGED, Act.COMMENTED])
def test_nothing_happens_to_what_was_never_opened(act: Act) -> None:
    with pytest.raises(ValueError, match="never opened"):
        changes_of([fact(act)])


@given(
    st.builds(
        Fact,
        number=st.integers(1, 10**6),
        act=st.sampled_from(Act),
        key=st.text(),
        at=st.datetimes(timezones=st.just(UTC)),
        by=st.text(),
        said=st.dictionaries(st.text(), st.text()),
    )
)
def test_a_record_is_read_as_it_was_written_on_one_line(one: Fact) -> None:
    line = line_of(one)

    assert line.splitlines() == [line[:-1]]
    assert fact_of(line) == one


def test_instants_are_kept_whatever_their_zone() -> None:
    east = NOW.astimezone(timezone(timedelta(hours=9)))
    assert fact_of(line_of(fact(Act.CLOSED, at=east))).at == NOW


@pytest.mark.parametrize(
    "change",
    [{"number": 0}, {"number": "1"}, {"act": "burnt"}, {"at": "now"}, {"said": {"a": 1}},
     {"at": "2026-11-26T12:00:00"}, {"by": None}],
)  # fmt: skip
def test_a_line_that_is_no_record_is_refused(change: dict[str, Any]) -> None:
    document = {**json.loads(line_of(OPENED)), **change}
    with pytest.raises(ValueError):  # noqa: PT011  # of many kinds
        fact_of(json.dumps(document))


@given(st.text(max_size=200), st.integers(0, 60_000))
def test_a_text_fits_into_a_record_and_a_short_one_stays(text: str, times: int) -> None:
    long = text * (times // max(1, len(text)))
    cut = fitting(long)

    assert len(cut) <= MAX_BODY
    assert len(json.dumps(cut)) <= MAX_TEXT_BYTES
    assert "\0" not in cut
    assert fitting(cut) == cut
    if len(long) <= 1_000:
        assert cut == long.replace("\0", "\N{REPLACEMENT CHARACTER}")
