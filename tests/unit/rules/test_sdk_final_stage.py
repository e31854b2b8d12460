from __future__ import annotations

import pytest

from basekeeper.rules.sdk_final_stage import RULE
from tests.unit.rules.making import NO, UNKNOWN, found_in, judgement

LARGE = judgement(quality={"minimal_size": NO})


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("FROM maven AS b\nRUN x\nFROM maven\nCOPY --from=b /a /a\n", 3),
        ("FROM golang AS base\nFROM base\nRUN x\n", 1),
        ("FROM golang AS base\nFROM base AS b\nFROM base\nCOPY --from=b /a /a\n", 1),
    ],
)
def test_catches_an_image_made_for_building(text: str, line: int) -> None:
    (one,) = found_in(RULE, text)
    assert one.line == line
    assert "an image made for building" in one.message


def test_catches_a_large_image_without_a_smaller_tag() -> None:
    text = "FROM golang AS b\nFROM acme/big\nCOPY --from=b /a /a\n"
    (one,) = found_in(RULE, text, judged=LARGE)
    assert one.message == "the final stage stands on acme/big: it is not so"
    assert one.evidence


@pytest.mark.parametrize(
    ("text", "judged"),
    [
        ("FROM golang AS b\nFROM alpine\nCOPY --from=b /a /a\n", None),
        ("FROM golang AS b\nFROM scratch\nCOPY --from=b /a /a\n", None),
        ("FROM golang\nRUN x\n", None),
        (
            "FROM golang AS b\nFROM node\nCOPY --from=b /a /a\n",
            judgement(quality={"minimal_size": NO}, minimal_alternative="slim"),
        ),
        (
            "FROM golang AS b\nFROM node\nCOPY --from=b /a /a\n",
            judgement(quality={"minimal_size": UNKNOWN}),
        ),
    ],
)
def test_does_not_catch(text: str, judged: object) -> None:
    assert found_in(RULE, text, judged=judged) == []
