"""Marks: what is written is read again, and nobody can end or pause a deadline with one."""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from basekeeper.markers import (
    MAX_PLAIN_BYTES,
    STARTING,
    Mark,
    contradictions,
    read_marks,
    recovered,
    write_mark,
)
from basekeeper.values.event import Event, EventKind, Head

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
CHAIN = "git.example/acme/shop"
PLAIN = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
TEXT = st.text(PLAIN, min_size=1, max_size=30)
"""What a ledger can keep."""


def fact(number: int = 1, kind: EventKind = EventKind.DETECTED, **more: Any) -> Event:
    given: dict[str, Any] = {
        "kind": kind,
        "subject": f"docker.io/library/debian#vulnerability=CVE-2026-{number:05}",
        "key": "sha256:1",
        "at": NOW - timedelta(days=number),
        "source": "trivy",
        "evidence": {"severity": "critical", "note": "--> <!-- x"},
    }
    return Event(**(given | more))


def mark(*facts: Event, **more: Any) -> Mark:
    given: dict[str, Any] = {
        "repository": CHAIN,
        "head": Head(CHAIN, 12, "a" * 64),
        "facts": facts,
    } | more
    return Mark(**given)


def told(*row: object) -> dict[str, object]:
    return {"repository": "r", "head": None, "left_out": 0, "facts": [row]}


def forged(said: object) -> str:
    packed = base64.b64encode(zlib.compress(json.dumps(said).encode())).decode()
    return f"<!-- basekeeper:1:{packed} -->"


def test_mark_is_read_as_it_was_written_wherever_it_stands() -> None:
    first, second = mark(fact(1), fact(2)), mark(head=None)
    text = f"# Title\n{write_mark(first)}\n<p>{write_mark(second)}</p>"
    found = read_marks(text)
    assert found.marks == (first, second)
    assert found.problems == ()


@given(st.lists(st.tuples(TEXT, TEXT, TEXT, st.dictionaries(TEXT, TEXT, max_size=3)), max_size=5))
def test_any_text_survives(rows: list[tuple[str, str, str, dict[str, str]]]) -> None:
    facts = tuple(
        fact(subject=f"a{subject}", key=key, source=source, evidence=evidence)
        for subject, key, source, evidence in rows
    )
    written = write_mark(mark(*facts))
    assert written.count("-->") == 1
    assert read_marks(written).marks == (mark(*facts),)


def test_what_finds_no_room_is_left_out_from_the_end_and_counted() -> None:
    facts = tuple(fact(number, evidence={"x": f"{number * 7919:x}"}) for number in range(1, 2000))
    written = write_mark(mark(*facts), max_chars=5000)
    (found,) = read_marks(written).marks
    assert len(written) <= 5000
    assert found.facts == facts[: len(found.facts)]
    assert len(found.facts) + found.left_out == len(facts)
    assert len(found.facts) > 100


@pytest.mark.parametrize("kind", sorted(set(EventKind) - STARTING))
def test_nothing_that_ends_or_pauses_a_deadline_is_written_or_believed(kind: EventKind) -> None:
    assert read_marks(write_mark(mark(fact(kind=kind)))).marks == (mark(),)
    found = read_marks(forged(told(kind.value, "a#b", "k", NOW.isoformat(), "s", {})))
    assert found.marks == ()
    assert "no mark may tell" in found.problems[0]


def test_nothing_stands_on_no_image_because_a_mark_says_so() -> None:
    ended = fact(kind=EventKind.BASED_ON, key="none", evidence={})
    assert read_marks(write_mark(mark(ended))).marks == (mark(),)
    said = told("based-on", "a#product=p", "none", NOW.isoformat(), "s", {})
    assert "would end its deadlines" in read_marks(forged(said)).problems[0]


@pytest.mark.parametrize(
    "said",
    [
        {}, [], None, 1, {"repository": "", "facts": [], "left_out": 0},
        {"repository": "r", "facts": [1], "left_out": 0},
        {"repository": "r", "facts": [], "left_out": 0, "head": "x"},
        {"repository": "r", "facts": [], "left_out": 0, "head": 7},
        told("detected", "a", "b", "2026-01-01", "s", {}),
        told("detected", "a", "b", "soon", "s", {}),
        told("detected", "", "b", NOW.isoformat(), "s", {}),
        told("detected", "a", "b", NOW.isoformat(), "s", {"x": 1}),
        told("nothing", "a", "b", NOW.isoformat(), "s", {}),
    ],
)  # fmt: skip
def test_forged_mark_is_a_problem_and_hides_no_other(said: object) -> None:
    good = write_mark(mark(fact()))
    found = read_marks(forged(said) + good)
    assert found.marks == (mark(fact()),)
    assert len(found.problems) == 1


@pytest.mark.parametrize(
    "text",
    [
        "<!-- basekeeper:2:AAAA -->",
        "<!-- basekeeper:1:AAAA -->",
        "<!-- basekeeper:1:A -->",
        "<!-- basekeeper:1:" + base64.b64encode(zlib.compress(b"\xff")).decode() + " -->",
        "<!-- basekeeper:1:" + base64.b64encode(zlib.compress(b"[" * 100_000)).decode() + " -->",
        "<!-- basekeeper:1:"
        + base64.b64encode(zlib.compress(b" " * (MAX_PLAIN_BYTES + 1))).decode()
        + " -->",
        write_mark(mark(fact()))[:-40] + " -->",
    ],
)
def test_damaged_mark_is_a_problem(text: str) -> None:
    found = read_marks(text)
    assert found.marks == ()
    assert len(found.problems) == 1


def test_text_without_marks_has_none() -> None:
    assert read_marks("<!-- basekeeper -->  <!-- other:1:AAAA -->").marks == ()


def test_recovered_facts_are_provisional_and_the_earliest_of_each_counts() -> None:
    late, early = fact(1), replace(fact(1), at=NOW - timedelta(days=9))
    future = fact(3, at=NOW + timedelta(days=1))
    found = recovered([mark(late, future), mark(early)], NOW)
    assert [one.at for one in found] == [early.at]
    assert found[0].id == early.id
    assert found[0].source == "mark"
    assert found[0].evidence["provisional"] == "yes"


def test_earlier_fact_of_a_mark_contradicts_what_is_recorded() -> None:
    early = replace(fact(1), at=NOW - timedelta(days=9))
    (event,) = contradictions([early, fact(2)], [fact(1)], NOW)
    assert event.kind is EventKind.CONTRADICTED
    assert event.evidence == {
        "recorded": fact(1).at.isoformat(),
        "marked": early.at.isoformat(),
    }
    assert contradictions([fact(1)], [fact(1)], NOW) == ()
