from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from basekeeper.rules.end_of_life import RULE
from basekeeper.values.finding import Severity
from basekeeper.values.use import Role, Span, Supplier
from tests.unit.rules.making import NO, UNKNOWN, YES, axis, found, judgement, subject

DEAD = axis(NO, NO, cycle="18", end_of_life=date(2025, 4, 30))
DEAD_OS = axis(
    NO, NO, axis="os", title="Debian", cycle="11", end_of_life=date(2026, 8, 31), newest="13"
)


def test_names_product_line_day_and_newest_line() -> None:
    (one,) = found(RULE, subject("node:18", judged=judgement(axes=(DEAD,))))
    assert one.message == (
        "node:18 is past its end of life: Node.js 18, support ended on 2025-04-30"
    )
    assert one.remedy == "move to Node.js 24"
    assert one.evidence == ("Node.js 18: it is not so (a list, data of 2026-08-22)",)


def test_names_every_axis_in_one_finding() -> None:
    (one,) = found(RULE, subject("node:18", judged=judgement(axes=(DEAD, DEAD_OS))))
    assert "Node.js 18" in one.message
    assert "Debian 11" in one.message
    assert one.remedy == "move to Node.js 24 on Debian 13"


def test_one_dead_axis_of_several_is_enough() -> None:
    judged = judgement(axes=(axis(), DEAD_OS))
    (one,) = found(RULE, subject("node:22-bullseye", judged=judged))
    assert "Node.js" not in one.message


def test_gives_the_reason_where_the_day_is_not_known() -> None:
    ended = axis(NO, NO, cycle="5", end_of_life=None, newest=None)
    (one,) = found(RULE, subject("x:5", judged=judgement(axes=(ended,))))
    assert one.message.endswith("Node.js 5, it is not so")
    assert one.remedy == "move to a supported line"


def test_names_what_replaces_an_image_that_its_publisher_ended() -> None:
    judged = judgement(axes=(DEAD,), suggestion="eclipse-temurin")
    (one,) = found(RULE, subject("openjdk:8", judged=judged))
    assert one.remedy == "use eclipse-temurin instead"


def test_names_the_image_to_move_to_where_one_is_listed() -> None:
    judged = judgement(axes=(DEAD,), next_reference="node:26-slim")
    (one,) = found(RULE, subject("node:18-slim", judged=judged))
    assert one.remedy == "move to node:26-slim"


@pytest.mark.parametrize(
    ("suggestion", "remedy"), [(None, "move to a supported line"), ("a:1", "use a:1 instead")]
)
def test_catches_an_image_that_is_unsupported_without_an_axis(
    suggestion: str | None, remedy: str
) -> None:
    judged = judgement(quality={"supported": NO}, suggestion=suggestion)
    (one,) = found(RULE, subject("openjdk:8", judged=judged))
    assert one.remedy == remedy


@pytest.mark.parametrize(
    "judged",
    [
        judgement(axes=(axis(),)),
        judgement(axes=(axis(UNKNOWN, UNKNOWN),), quality={"supported": UNKNOWN}),
        judgement(axes=(axis(YES, NO),)),
        judgement(),
    ],
)
def test_does_not_catch(judged: Any) -> None:
    assert found(RULE, subject("node:22", judged=judged)) == []


def test_is_a_warning_in_a_stage_that_nothing_needs() -> None:
    (one,) = found(RULE, subject("node:18", judged=judgement(axes=(DEAD,)), role=Role.UNUSED))
    assert one.severity is Severity.WARNING


def test_names_the_argument_that_supplied_the_reference() -> None:
    suppliers = (
        Supplier("VERSION", "Dockerfile", 1, Span(4, 6)),
        Supplier("OTHER", "", 0, None),
    )
    (one,) = found(
        RULE,
        subject("node:18", judged=judgement(axes=(DEAD,)), supplied_by=suppliers, onbuild=True),
    )
    assert one.evidence[1:] == (
        "supplied by VERSION in Dockerfile, line 1",
        "supplied by the build argument OTHER",
        "taken by whoever builds on this image (ONBUILD)",
    )
