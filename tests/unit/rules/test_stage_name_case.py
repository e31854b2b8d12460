from __future__ import annotations

import pytest

from basekeeper.rules.stage_name_case import RULE
from tests.unit.rules.making import found_in


def test_catches_a_base_in_another_case() -> None:
    text = "FROM golang AS Build\nFROM Build\n"
    (one,) = found_in(RULE, text)
    assert (one.line, one.image) == (2, "Build")
    assert one.remedy == "write build, here and where it is defined"
    assert one.span is not None
    assert text[slice(*one.span)] == "Build"


def test_an_inline_document_has_no_bytes_of_its_own() -> None:
    (one,) = found_in(RULE, "FROM a AS b\nFROM B\n", kind="compose", first_line=5)
    assert (one.line, one.span) == (6, None)


@pytest.mark.parametrize(
    "text",
    [
        "FROM golang AS Build\nFROM build\n",
        "FROM golang AS build\nFROM alpine\nCOPY --from=BUILD /a /a\n",
        "FROM golang\n",
    ],
)
def test_does_not_catch(text: str) -> None:
    assert found_in(RULE, text) == []
