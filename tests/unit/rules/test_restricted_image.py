from __future__ import annotations

from dataclasses import replace

import pytest

from basekeeper.rules.restricted_image import RULE
from basekeeper.values.finding import Category, Severity
from basekeeper.values.use import Role
from tests.unit.rules.making import found, judgement, subject

RESTRICTED = judgement(category=Category.RESTRICTED, reason="official images only")


def test_catches_an_image_of_the_category_restricted() -> None:
    (one,) = found(RULE, subject("node:24", judged=RESTRICTED), severity=Severity.NOTE)
    assert one.message == "restricted by policy: official images only"
    assert one.severity is Severity.NOTE
    assert one.remedy == "prefer a preferred or permitted image"


def test_names_a_replacement() -> None:
    judged = judgement(category=Category.RESTRICTED, suggestion="node:24-alpine")
    (one,) = found(RULE, subject("node:24", judged=judged))
    assert one.remedy == "use node:24-alpine instead"


@pytest.mark.parametrize("category", [Category.PREFERRED, Category.PERMITTED, Category.PROHIBITED])
def test_does_not_catch_other_categories(category: Category) -> None:
    assert found(RULE, subject("x:1", judged=judgement(category=category))) == []


def test_does_not_catch_the_empty_base() -> None:
    assert found(RULE, subject("scratch", judged=RESTRICTED)) == []


def test_stays_a_note_in_a_stage_that_nothing_needs() -> None:
    (one,) = found(
        RULE, subject("node:24", judged=RESTRICTED, role=Role.UNUSED), severity=Severity.NOTE
    )
    assert one.severity is Severity.NOTE


@pytest.mark.parametrize(
    ("role", "runtime", "remedy"),
    [
        (Role.FINAL, "gcr.io/x", "ship on gcr.io/x, and build in an earlier stage"),
        (Role.FINAL, None, "prefer a preferred or permitted image"),
        (Role.BUILD, "gcr.io/x", "build in it, but ship on a preferred or permitted image"),
        (Role.UNUSED, None, "build in it, but ship on a preferred or permitted image"),
    ],
)
def test_says_what_to_ship_on(role: Role, runtime: str | None, remedy: str) -> None:
    seen = replace(subject("node:24", judged=RESTRICTED, role=role), runtime=runtime)
    (one,) = found(RULE, seen)
    assert one.remedy == remedy
