from __future__ import annotations

import pytest

from basekeeper.rules.broad_copy import RULE
from tests.unit.rules.making import found_in

START = "FROM alpine AS b\nRUN x\nFROM alpine\n"


@pytest.mark.parametrize(
    "copy",
    [
        "COPY --from=b / /",
        "COPY --from=b /* /",
        "COPY --from=b . /",
        "COPY --from=0 /usr /usr",
        "COPY --from=b /usr/local/ /usr/local/",
        "COPY --from=b /root /root",
        "COPY --from=b /root/.cache /root/.cache",
        "COPY --from=b /root/.m2 /root/.m2",
        "COPY --from=b /home/app/.npm /x",
        "COPY --from=b /go /go",
        "COPY --from=b /app /root/.cargo /x/",
        'COPY --chown=1:1 --from=b ["/usr", "/usr"]',
        "COPY --from=other/image:1 /usr/local /usr/local",
        "ENV D=/usr/local\nCOPY --from=b $D $D",
    ],
)  # fmt: skip
def test_catches(copy: str) -> None:
    assert len(found_in(RULE, f"{START}{copy}\n")) == 1


@pytest.mark.parametrize(
    "copy",
    [
        "COPY --from=b /usr/local/bin/app /usr/local/bin/app",
        "COPY --from=b /usr/local/bundle /usr/local/bundle",
        "COPY --from=b /app /",
        "COPY --from=b /home/app /home/app",
        "COPY --from=b --exclude=bin /usr /usr",
        "COPY / /",
        "COPY . .",
        "RUN cp -r / /x",
        "ONBUILD COPY --from=b / /",
    ],
)
def test_does_not_catch(copy: str) -> None:
    assert found_in(RULE, f"{START}{copy}\n") == []


def test_does_not_look_at_build_stages() -> None:
    text = "FROM a AS b\nFROM c AS d\nCOPY --from=b / /\nFROM alpine\nCOPY --from=d /x /x\n"
    assert found_in(RULE, text) == []


def test_a_root_that_was_built_from_nothing_holds_nothing_by_accident() -> None:
    text = "FROM scratch AS b\nADD root.tar /\nFROM scratch\nCOPY --from=b / /\n"
    assert found_in(RULE, text) == []


@pytest.mark.parametrize(
    ("stage", "what", "confidence"),
    [
        ("FROM golang AS b\n", ", which holds golang", "high"),
        ("FROM alpine AS b\nRUN apk add gcc\n", ", which holds gcc", "high"),
        ("FROM alpine AS a\nRUN apk add gcc\nFROM a AS b\n", ", which holds gcc", "high"),
        ("FROM alpine AS b\nRUN x\n", "", "medium"),
        ("FROM alpine AS b\n", "", "low"),
    ],
)
def test_says_what_comes_along(stage: str, what: str, confidence: str) -> None:
    (one,) = found_in(RULE, f"{stage}FROM alpine\nCOPY --from=b /usr /usr\n")
    assert one.message == f"copies all of /usr from b{what}"
    assert one.confidence == confidence


def test_a_number_beyond_the_stages_is_no_stage() -> None:
    (one,) = found_in(RULE, START + "COPY --from=9 /usr /usr\n")
    assert one.confidence == "low"


def test_copies_from_two_stages_are_two_problems() -> None:
    head = "FROM golang AS a\nFROM golang AS b\nFROM alpine:3.23\n"
    first, second = (found_in(RULE, f"{head}COPY --from={stage} /usr /usr\n") for stage in "ab")
    assert first[0].fingerprint != second[0].fingerprint
