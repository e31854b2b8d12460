from __future__ import annotations

import pytest

from basekeeper.rules.build_tools import RULE
from tests.unit.rules.making import found_in

BUILD = "FROM golang AS b\nRUN apk add gcc\nFROM alpine\nCOPY --from=b /a /a\n"


@pytest.mark.parametrize(
    ("steps", "lines"),
    [
        ("RUN apk add gcc\n", [5]),
        ("RUN apk add gcc\nRUN apk del gcc\n", [5]),
        ("RUN apk add gcc\nRUN apk add make\n", [5, 6]),
        ("ENV D=gcc\nRUN apk add $D\n", [6]),
        ("RUN apk add curl git\n", []),
        ("RUN apk add gcc && apk del gcc\n", []),
        ("USER x\n", []),
    ],
)
def test_looks_at_the_final_stage(steps: str, lines: list[int]) -> None:
    assert [one.line for one in found_in(RULE, BUILD + steps)] == lines


def test_looks_at_every_stage_of_the_final_chain() -> None:
    text = "FROM alpine AS base\nRUN apk add gcc\nFROM base\nRUN x\n"
    (one,) = found_in(RULE, text)
    assert (one.line, one.stage) == (2, "base")


def test_leaves_single_stages_to_another_rule() -> None:
    assert found_in(RULE, "FROM alpine\nRUN apk add gcc\n") == []


@pytest.mark.parametrize(
    ("step", "confidence"),
    [
        ("RUN apk add gcc", "high"),
        ("RUN apk add libpq-dev", "medium"),
        ("RUN apk add gcc && apk del $(cat x)", "low"),
    ],
)
def test_says_how_sure_it_is(step: str, confidence: str) -> None:
    (one,) = found_in(RULE, BUILD + step)
    assert one.confidence == confidence


def test_names_the_tools() -> None:
    (one,) = found_in(RULE, BUILD + "RUN apk add curl gcc libpq-dev")
    assert one.message == "the final image keeps build tools: gcc, libpq-dev"
