from __future__ import annotations

import pytest

from basekeeper.rules.refused_dockerfile import RULE
from tests.unit.rules.making import found_in


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("FORM alpine\n", 1, "unknown instruction FORM (is FROM meant?)"),
        ("FROM alpine\nFOO x\n", 2, "unknown instruction FOO"),
        ("FROM alpine\nRUN <<EOF\nx\n", 2, "is not ended"),
        ("FROM alpine AS a\nCOPY --from=a /x /y\n", 2, ""),
    ],
)
def test_catches(text: str, line: int, message: str) -> None:
    (one,) = found_in(RULE, text)
    assert one.line == line
    assert one.message.startswith("the builder would refuse this file: ")
    assert "line" not in one.message.split(": ")[1]
    assert message in one.message


def test_catches_a_target_that_does_not_exist() -> None:
    (one,) = found_in(RULE, "FROM alpine\n", target="nowhere")
    assert "nowhere" in one.message


@pytest.mark.parametrize(
    "text",
    [
        "FROM alpine\n",
        "ARG X\nFROM $X\n",
        "FROM Alpine:1\n",
        "FROM a AS b\nFROM B\n",
        "ARG V=${o:iV}\nFROM x:$V\n",
    ],
)
def test_does_not_catch_what_other_rules_say(text: str) -> None:
    assert found_in(RULE, text) == []


def test_does_not_catch_templates() -> None:
    assert found_in(RULE, "FORM alpine\n", template="a fragment") == []


def test_two_reasons_are_two_problems() -> None:
    (first,), (second,) = (found_in(RULE, f"FROM alpine\n{word} x\n") for word in ("FOO", "BAR"))
    assert first.fingerprint != second.fingerprint
