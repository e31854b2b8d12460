from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from basekeeper.ledger.chain import FIELDS, GENESIS, MAX_STEP, Checker, End, Link, chain_of, link
from basekeeper.ledger.lines import Entry, read_line, write_line
from basekeeper.ledger.rows import row_of
from basekeeper.values.event import EventKind, Head, corrected
from tests.contract.ledger_places import NODE, sight

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)


def made(count: int) -> list[tuple[Link, dict[str, Any]]]:
    """A sound chain."""
    end, found = End(), []
    for number in range(count):
        row = row_of(sight(number), 1_000 + number)
        linked = link(row, end)
        end = End(linked.position, linked.hash, row["recorded"])
        found.append((linked, row))
    return found


def broken_at(places: list[tuple[Link, dict[str, Any] | None]], head: Link) -> list[int]:
    checker = Checker()
    for seq, (linked, row) in enumerate(places, 1):
        checker.see(linked, row, seq)
    found = checker.finish([Head(head.chain, head.position, head.hash.hex())])
    return [one.position for one in found.breaks]


def test_hash_is_what_the_documentation_says() -> None:
    ((linked, row),) = made(1)
    parts = [b"basekeeper ledger 1", NODE.encode(), b"1", bytes(32), row["id"]]
    parts += [str(row[name]).encode() for name in FIELDS[1:]]
    text = b"".join(b"%d:%b," % (len(part), part) for part in parts)
    assert linked == Link(NODE, 1, GENESIS, sha256(text).digest())


@pytest.mark.parametrize(
    ("subject", "chain"),
    [(NODE, NODE), (f"{NODE}#slim", NODE), ("a#b#c", "a"), ("#x", "")],
)
def test_chain_is_what_stands_before_the_first_sign(subject: str, chain: str) -> None:
    assert chain_of(subject) == sight(subject=subject).chain == chain


@given(st.integers(1, 8), st.data())
def test_any_change_of_any_column_is_found_where_it_is(count: int, data: st.DataObject) -> None:
    places: list[Any] = made(count)
    at = data.draw(st.integers(0, count - 1))
    name = data.draw(st.sampled_from(FIELDS))
    linked, row = places[at]
    other = {"id": b"x" * 32, "at": row["at"] + 1, "recorded": row["recorded"] - 1}
    places[at] = (linked, row | {name: other.get(name, f"{row[name]}x")})
    assert broken_at(places, places[-1][0]) == [at + 1]


@given(st.integers(2, 8), st.data())
def test_any_removed_or_moved_event_is_found(count: int, data: st.DataObject) -> None:
    places: list[Any] = made(count)
    head = places[-1][0]
    at = data.draw(st.integers(0, count - 1))
    assert broken_at(places[:at] + places[at + 1 :], head) == [at + 1]
    order = data.draw(st.permutations(places))
    assert bool(broken_at(order, head)) == (order != places)


@given(TEXTS, TEXTS, st.dictionaries(TEXTS, TEXTS, max_size=3), st.integers(-(2**50), 2**50))
def test_line_is_read_as_it_was_written(
    key: str, source: str, evidence: dict[str, str], recorded: int
) -> None:
    event = replace(sight(), key=f"k{key}", source=f"s{source}", evidence=evidence)
    row = row_of(event, recorded)
    entry = Entry(7, row, link(row, End(3, b"h" * 32)))
    line = write_line(entry)
    assert line.count(b"\n") == 1
    assert read_line(line[:-1]) == entry


@pytest.mark.parametrize("line", [b"", b"{}", b"[]", b"1", b"null", b"\xff", b"[" * 100_000])
def test_line_of_something_else_is_no_event(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_line(line)


@pytest.mark.parametrize(
    ("before", "now", "recorded"),
    [
        (None, 5, 5), (5, 9, 9), (9, 5, 9), (MAX_STEP, 0, MAX_STEP), (MAX_STEP + 1, 0, 0),
    ],
)  # fmt: skip
def test_small_step_back_of_a_clock_is_evened_out(
    before: int | None, now: int, recorded: int
) -> None:
    row = row_of(sight(), now)
    link(row, End(1, b"x" * 32, before))
    assert row["recorded"] == recorded


def test_retraction_of_a_correction_takes_all_of_it_away() -> None:
    wrong = sight()
    right = replace(wrong, source="other", corrects=wrong.id)
    never = replace(wrong, kind=EventKind.RETRACTED, corrects=right.id)
    assert corrected([wrong, right]) == (right,)
    assert corrected([wrong, right, never]) == ()
    assert corrected([right]) == (right,)  # of which the wrong one is not among those asked for
    assert len({wrong.id, right.id, never.id}) == 3
