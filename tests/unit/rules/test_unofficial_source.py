from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from basekeeper.rules.unofficial_source import RULE
from basekeeper.values.finding import Category
from basekeeper.values.use import Role, Via
from tests.unit.rules.making import NO, found, judgement, subject

STRANGER = judgement(
    category=Category.PROHIBITED, reason="no entry allows it", quality={"official_source": NO}
)


@pytest.mark.parametrize("via", list(Via))
@pytest.mark.parametrize("role", list(Role))
def test_catches_through_every_door_in_every_stage(via: Via, role: Role) -> None:
    (one,) = found(RULE, subject("evil/x:1", judged=STRANGER, via=via, role=role))
    assert one.message == "evil/x:1 is prohibited: no entry allows it"
    assert not one.unknown
    assert one.evidence[0] == "it is not so (a list, data of 2026-08-22)"


@pytest.mark.parametrize(
    ("text", "judged"),
    [
        ("alpine:3.23", judgement()),
        ("node:24", judgement(category=Category.RESTRICTED)),
        ("node:20", judgement(category=Category.PROHIBITED, explicit=True)),
        ("$X", judgement(category=Category.PROHIBITED, category_known=False)),
        ("Node:20", judgement(category=Category.PROHIBITED)),
        ("scratch", judgement()),
    ],
)
def test_does_not_catch(text: str, judged: Any) -> None:
    assert found(RULE, subject(text, judged=judged)) == []


def test_is_unknown_where_the_publisher_could_not_be_verified() -> None:
    judged = judgement(category=Category.PROHIBITED, category_known=False, reason="could not")
    (one,) = found(RULE, subject("acme/x:1", judged=judged))
    assert one.unknown


@pytest.mark.parametrize(
    ("judged", "via", "remedy"),
    [
        (STRANGER, Via.FROM, "image = 'docker.io/evil/x'"),
        (judgement(category=Category.PROHIBITED, suggestion="nginx:1"), Via.FROM, "use nginx:1"),
        (STRANGER, Via.SYNTAX, "docker/dockerfile"),
    ],
)
def test_says_what_to_do(judged: Any, via: Via, remedy: str) -> None:
    (one,) = found(RULE, subject("evil/x:1", judged=judged, via=via))
    assert remedy in one.remedy


def test_falls_back_to_the_reason_where_no_answer_is_given() -> None:
    judged = replace(judgement(category=Category.PROHIBITED, reason="because"), quality={})
    (one,) = found(RULE, subject("evil/x:1", judged=judged))
    assert one.evidence == ("because",)
