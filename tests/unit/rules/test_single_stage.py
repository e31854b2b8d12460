from __future__ import annotations

import pytest

from basekeeper.rules.chain import MAX_TOLD
from basekeeper.rules.single_stage import RULE
from basekeeper.values.finding import Severity
from tests.unit.rules.making import found_in, setting, view


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("FROM golang:1.26\nRUN go build\n", 1, "shipped on golang:1.26, an image made for"),
        ("FROM alpine\nRUN x\nRUN apk add gcc go\n", 3, "only stage keeps build tools: gcc, go"),
        ("FROM alpine\nRUN apk add gcc\nRUN apk add make\n", 2, "build tools: gcc, make"),
        ("FROM a AS x\nRUN x\nFROM alpine\nRUN apk add gcc\n", 4, "its other stages give nothing"),
        ("FROM a AS x\nFROM golang:1\nCOPY --from=b/c /d /e\n", 2, "its other stages give nothing"),
        ("FROM alpine\nRUN <<EOF\napk add gcc\nEOF\n", 2, "gcc"),
        ('FROM alpine\nRUN ["apk", "add", "gcc"]\n', 2, "gcc"),
        ("FROM alpine\nRUN apk add \\\n  # why\n  gcc \\\n  curl\n", 2, "gcc"),
    ],
)  # fmt: skip
def test_catches(text: str, line: int, message: str) -> None:
    (one,) = found_in(RULE, text)
    assert one.line == line
    assert message in one.message


@pytest.mark.parametrize(
    "text",
    [
        "FROM python:3.14-slim\nRUN pip install flask\n",
        "FROM scratch\nCOPY a /a\n",
        "FROM alpine\nRUN apk add -t .d gcc && make && apk del .d\n",
        "FROM golang AS b\nFROM alpine\nCOPY --from=b /a /a\n",
        "FROM golang\nFROM alpine\nCOPY --from=0 /a /a\n",
        "FROM golang AS b\nFROM alpine\nRUN --mount=type=bind,from=b,target=/b cp /b/a /a\n",
        "FROM golang AS b\nFROM b\nRUN x\n",
        "FROM alpine\nONBUILD RUN apk add gcc\n",
        "ARG A=b\n",
        "",
    ],
)
def test_does_not_catch(text: str) -> None:
    assert found_in(RULE, text) == []


def test_looks_at_the_target_that_is_built() -> None:
    text = "FROM golang AS dev\nRUN x\nFROM alpine AS prod\nCOPY --from=dev /a /a\n"
    assert found_in(RULE, text, target="prod") == []
    assert len(found_in(RULE, text, target="dev")) == 1


def test_follows_arguments_from_above_the_first_from() -> None:
    text = "ARG DEPS=gcc\nFROM alpine\nARG DEPS\nRUN apk add $DEPS\n"
    assert len(found_in(RULE, text)) == 1
    assert found_in(RULE, text, args={"DEPS": "curl"}) == []


def test_tells_what_is_installed_where() -> None:
    (one,) = found_in(RULE, "FROM golang\nRUN apk add gcc\n")
    assert one.evidence == ("line 2 installs gcc",)
    (one,) = found_in(RULE, "FROM alpine\nRUN apk add libpq-dev\n")
    assert one.confidence == "medium"


def test_counts_lines_from_the_start_of_the_outer_file() -> None:
    (one,) = found_in(RULE, "FROM alpine\nRUN apk add gcc\n", first_line=11, path="c.yaml#x")
    assert (one.path, one.line) == ("c.yaml#x", 12)


def test_is_a_note_in_a_template_and_silent_below_other_paths() -> None:
    text = "FROM alpine\nRUN apk add gcc\n"
    (one,) = found_in(RULE, text, template="has {{ }}")
    assert one.severity is Severity.NOTE
    elsewhere = view(text, production=False)
    assert list(RULE.findings(elsewhere, setting(non_production=False))) == []
    assert list(RULE.findings(view(text), setting(severity=None))) == []


def test_the_evidence_tells_of_the_first_few_installations() -> None:
    (one,) = found_in(RULE, "FROM alpine:3.23\n" + "RUN apk add gcc\n" * (MAX_TOLD + 1))
    assert len(one.evidence) == MAX_TOLD
