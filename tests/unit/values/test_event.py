from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from basekeeper.values.event import Event, EventKind

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
EVENT = Event(
    kind=EventKind.FIRST_SEEN,
    subject="docker.io/library/node",
    key="24@sha256:" + "0" * 64,
    at=NOW,
    source="docker.io",
    evidence={},
)


def test_id_never_changes() -> None:
    assert EVENT.id == "5add23085ef1e0a68b41b591232c4997658d31ef96d52b7198c4cb9fe09000da"


@pytest.mark.parametrize(
    "change", [{"at": NOW + timedelta(1)}, {"source": "x"}, {"evidence": {"a": "b"}}]
)
def test_same_fact_has_the_same_id(change: dict[str, object]) -> None:
    assert replace(EVENT, **change).id == EVENT.id  # type: ignore[arg-type]


@given(st.text(), st.text(), st.text(), st.text())
def test_different_facts_have_different_ids(one: str, two: str, three: str, four: str) -> None:
    first = replace(EVENT, subject=one, key=two)
    second = replace(EVENT, subject=three, key=four)
    assert (first.id == second.id) == ((one, two) == (three, four))
