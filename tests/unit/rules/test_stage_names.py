from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from basekeeper.rules import stage_names
from basekeeper.rules.stage_names import MAX_COMPARISONS, MAX_NAME_CHARS, StageNames, edits
from basekeeper.values.use import SourceFile


def names(*stages: str | None) -> StageNames:
    build = SimpleNamespace(stages=[SimpleNamespace(name=name) for name in stages])
    plans = cast("Any", (SimpleNamespace(build=build),))
    return StageNames(
        SourceFile(path="Dockerfile", kind="dockerfile", production=True, plans=plans)
    )


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("build", "build", 0),
        ("biuld", "build", 1),
        ("buld", "build", 1),
        ("builds", "build", 1),
        ("guild", "build", 1),
        ("abcd", "badc", 2),
        ("abcdef", "uvwxyz", None),
        ("a", "abcdef", None),
    ],
)
def test_counts_edits(first: str, second: str, expected: int | None) -> None:
    assert edits(first, second, 3) == expected


def test_very_long_names_are_not_compared() -> None:
    long = "a" * (MAX_NAME_CHARS + 1)
    assert names(long).closest(long) is None
    assert names(long).closest("abcdef") is None


def test_a_name_is_compared_once() -> None:
    asked = names("build")
    assert [asked.closest("biuld") for _ in range(MAX_COMPARISONS + 1)][-1] == "build"
    assert asked.closest("buidl") == "build"


def test_comparing_letter_by_letter_ends_for_files_with_very_many_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stage_names, "MAX_COMPARISONS", 1)
    asked = names("build")
    assert asked.closest("biuld") == "build"
    assert asked.closest("buidl") is None
    assert asked.closest("build") == "build"
