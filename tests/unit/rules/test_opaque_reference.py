from __future__ import annotations

import pytest

from basekeeper.rules.opaque_reference import RULE
from basekeeper.values.finding import Category, Severity
from basekeeper.values.use import Via
from tests.unit.rules.making import found, judgement, subject, template

UNRESOLVED = judgement(category=Category.PROHIBITED, category_known=False)


@pytest.mark.parametrize(
    ("text", "via", "remedy"),
    [
        ("$BASE", Via.FROM, "give BASE by a default (ARG)"),
        ("${REPO}/x:${TAG}", Via.FROM, "give REPO and TAG by a default"),
        ("${BASE}", Via.FROM, "[discover.build_args]"),
        ("${BASE}", Via.FROM, "or with --build-arg"),
        ("$BASE", Via.COPY_FROM, "without variables"),
        ("$BASE", Via.RUN_MOUNT, "without variables"),
        ("${", Via.FROM, "write the image out"),
    ],
)
def test_catches_and_says_where_to_give_the_value(text: str, via: Via, remedy: str) -> None:
    (one,) = found(RULE, subject(text, judged=UNRESOLVED, via=via))
    assert one.unknown
    assert one.severity is Severity.ERROR
    assert "X is not set" in one.message
    assert remedy in one.remedy


@pytest.mark.parametrize("text", ["alpine:3.23", "scratch", "Node:20"])
def test_does_not_catch(text: str) -> None:
    assert found(RULE, subject(text)) == []


def test_is_a_note_in_a_template() -> None:
    (one,) = found(RULE, subject("$BASE", judged=UNRESOLVED, file=template()))
    assert one.severity is Severity.NOTE
    assert one.remedy == "check the files that are made from this template"
