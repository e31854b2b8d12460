from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from basekeeper.rules.unofficial_source import RULE
from basekeeper.values.finding import Category
from basekeeper.values.use import Role, Via
from tests.unit.rules.making import NO, UNKNOWN, found, judgement, subject

STRANGER = judgement(
    category=Category.PROHIBITED, reason="no entry allows it", quality={"official_source": NO}
)

SUGGESTED = judgement(category=Category.PROHIBITED, suggestion="nginx:1")


@pytest.mark.parametrize("via", list(Via))
@pytest.mark.parametrize("role", list(Role))
def test_catches_through_every_door_in_every_stage(via: Via, role: Role) -> None:
    (one,) = found(RULE, subject("evil/x:1", judged=STRANGER, via=via, role=role))
    assert one.message == "docker.io/evil/x comes from no source that the policy names"
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
    judged = judgement(
        category=Category.PROHIBITED, category_known=False, quality={"official_source": UNKNOWN}
    )
    (one,) = found(RULE, subject("acme/x:1", judged=judged))
    assert one.unknown
    assert one.message == "could not verify who publishes docker.io/acme/x"
    assert one.evidence == ("nobody knows", "as the policy says")


def test_says_which_other_condition_could_not_be_told() -> None:
    judged = judgement(
        category=Category.PROHIBITED,
        category_known=False,
        reason="could not verify: a digest does not tell whether it is slim",
    )
    (one,) = found(RULE, subject("debian@sha256:" + "a" * 64, judged=judged))
    assert one.unknown
    assert one.message == (
        "could not verify debian@sha256:aaaaaaaaaaaa…: a digest does not tell whether it is slim"
    )


def test_says_that_an_image_below_library_is_not_official() -> None:
    (one,) = found(RULE, subject("biuld", judged=STRANGER))
    assert one.message == "docker.io/library/biuld is not an official image"


def test_an_official_image_may_be_outside_what_a_policy_names() -> None:
    (one,) = found(RULE, subject("redis:8", judged=judgement(category=Category.PROHIBITED)))
    assert one.message == "docker.io/library/redis comes from no source that the policy names"


PERMIT = "use an official image, or approve it: [[policy.permitted]] image = "


@pytest.mark.parametrize(
    ("text", "judged", "via", "remedy"),
    [
        ("evil/x:1", STRANGER, Via.FROM, PERMIT + '"docker.io/evil/*"'),
        ("ghcr.io/a/b/c", STRANGER, Via.COPY_FROM, PERMIT + '"ghcr.io/a/b/*"'),
        ("registry.example.com/x", STRANGER, Via.FROM, PERMIT + '"registry.example.com/x"'),
        ("biuld", STRANGER, Via.FROM, "use an official image"),
        ("biuld", STRANGER, Via.COPY_FROM, "name a stage, a context that a Compose or bake file "),
        ("evil/x", SUGGESTED, Via.FROM, "use nginx:1 instead"),
        ("evil/x", STRANGER, Via.SYNTAX, 'in [policy]: frontends = ["docker.io/evil/x"]'),
    ],
)
def test_says_what_to_do(text: str, judged: Any, via: Via, remedy: str) -> None:
    (one,) = found(RULE, subject(text, judged=judged, via=via))
    assert remedy in one.remedy


def test_falls_back_to_the_reason_where_no_answer_is_given() -> None:
    judged = replace(judgement(category=Category.PROHIBITED, reason="because"), quality={})
    (one,) = found(RULE, subject("evil/x:1", judged=judged))
    assert one.evidence == ("because",)


def test_gives_as_evidence_what_is_not_said_already() -> None:
    said = judgement(
        category=Category.PROHIBITED, reason="no: it is not so", quality={"official_source": NO}
    )
    bare = replace(said, quality={})
    for judged, evidence in (
        (said, ("it is not so (a list, data of 2026-08-22)",)),
        (bare, ("no: it is not so",)),
    ):
        (one,) = found(RULE, subject("evil/x:1", judged=judged))
        assert one.evidence == evidence
