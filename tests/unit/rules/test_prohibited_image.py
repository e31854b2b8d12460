from __future__ import annotations

from typing import Any

import pytest

from basekeeper.rules.prohibited_image import RULE
from basekeeper.values.finding import Category, Severity
from basekeeper.values.use import Role
from tests.unit.rules.making import found, judgement, subject, template

BANNED = judgement(category=Category.PROHIBITED, explicit=True, reason="too old")


@pytest.mark.parametrize(
    ("text", "judged"),
    [
        ("node:20-buster", BANNED),
        ("Node:20", None),
        ("node:20@sha256:123", None),
        ("-x", None),
    ],
)
def test_catches(text: str, judged: Any) -> None:
    assert [one.rule for one in found(RULE, subject(text, judged=judged))] == ["prohibited-image"]


@pytest.mark.parametrize(
    ("text", "judged"),
    [
        ("alpine:3.23", None),
        ("scratch", None),
        ("evil/x:1", judgement(category=Category.PROHIBITED)),
        ("$BASE", judgement(category=Category.PROHIBITED, category_known=False)),
    ],
)
def test_does_not_catch(text: str, judged: Any) -> None:
    assert found(RULE, subject(text, judged=judged)) == []


def test_names_the_replacement_and_the_entry() -> None:
    judged = judgement(
        category=Category.PROHIBITED, explicit=True, reason="too old", suggestion="node:24-slim",
        clause="policy.prohibited[0]",
    )  # fmt: skip
    (one,) = found(RULE, subject("node:20", judged=judged))
    assert one.message == "the policy prohibits node:20: too old"
    assert one.remedy == "use node:24-slim instead"
    assert one.evidence == ("decided by policy.prohibited[0]",)
    assert one.category is Category.PROHIBITED


def test_says_what_is_wrong_with_an_invalid_reference() -> None:
    (one,) = found(RULE, subject("Node:20"))
    assert "'Node:20' is no valid image reference" in one.message
    assert "[registry[:port]/]repository" in one.remedy


def test_counts_in_full_in_a_stage_that_nothing_needs() -> None:
    (one,) = found(RULE, subject("node:20", judged=BANNED, role=Role.UNUSED))
    assert one.severity is Severity.ERROR
    assert "no known build needs it" in one.evidence


def test_is_a_note_in_a_template() -> None:
    (one,) = found(RULE, subject("node:20", judged=BANNED, file=template()))
    assert one.severity is Severity.NOTE
