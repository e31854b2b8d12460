from __future__ import annotations

from typing import Any

import pytest

from basekeeper.rules.not_minimal import RULE
from tests.unit.rules.making import NO, UNKNOWN, found, judgement, subject


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("python:3.14", "use python:3.14-slim,"),
        ("registry.example:5000/lib/python:3.14@sha256:" + "a" * 64,
         "use registry.example:5000/lib/python:3.14-slim,"),
    ],
)  # fmt: skip
def test_catches_and_names_the_smaller_variant(text: str, remedy: str) -> None:
    judged = judgement(quality={"minimal_size": NO}, minimal_alternative="3.14-slim")
    (one,) = found(RULE, subject(text, judged=judged))
    shown = text[:-52] + "…" if "@" in text else text
    assert one.message == f"{shown} is not minimal: it is not so"
    assert one.remedy.startswith(remedy)
    assert one.confidence == "medium"


@pytest.mark.parametrize(
    "judged",
    [
        judgement(minimal_alternative="3.14-slim"),
        judgement(quality={"minimal_size": UNKNOWN}, minimal_alternative="3.14-slim"),
        judgement(quality={"minimal_size": NO}),
    ],
)
def test_does_not_catch(judged: Any) -> None:
    assert found(RULE, subject("python:3.14", judged=judged)) == []


def test_does_not_look_below_non_production_paths() -> None:
    judged = judgement(quality={"minimal_size": NO}, minimal_alternative="3.14-slim")
    at = subject("python:3.14", judged=judged, production=False)
    assert found(RULE, at, non_production=False) == []
    assert found(RULE, at, non_production=True) != []
