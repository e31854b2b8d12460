"""Laws of reading Dockerfiles, and a fuzzer."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from basekeeper.dockerfile.parser import parse_dockerfile
from basekeeper.values.use import Via

PARTS = (
    "FROM a|FROM $A AS b|FROM b|ARG A=x:1|ARG A|COPY --from=b x y|COPY --from=$A x y|ONBUILD "
    "|RUN x|RUN --mount=from=c,target=/x y|ENV A=b|RUN <<E|\nE\n|\n|\n|\n|\r\n| \\\n|\\|`"
    "|# escape=`\n|# c\n|# syntax=s\n|\t| |'|\"|$A|${A:-x}|${|}|=|--|E|\u00e9|\ufeff"
    "|FROM --platform=$B x|[1]"
)
TEXTS = st.lists(st.sampled_from(PARTS.split("|")), max_size=16).map("".join).map(str.encode)
ANY = st.one_of(st.binary(max_size=60), TEXTS)


@given(ANY)
def test_any_bytes_are_read_and_every_span_lies_in_them(data: bytes) -> None:
    document = parse_dockerfile(data)
    build = document.resolve(platform="linux/arm64")
    assert document.data == data
    assert build.rejected is None or build.rejected_line is not None
    assert document.rejected is None or build.rejected == document.rejected
    assert len(build.stages) >= len(build.final_chain)
    assert document.template is None or document.template
    spans = [use.span for use in build.images] + [each.span for each in document.instructions]
    spans += [word.span for each in document.instructions for word in each.words]
    spans += [flag.span for each in document.instructions for flag in each.flags]
    spans += [comment.span for comment in document.comments]
    assert all(0 <= start <= end <= len(data) for start, end in spans)


@given(ANY)
def test_instructions_and_what_lies_between_make_up_the_file(data: bytes) -> None:
    document = parse_dockerfile(data)
    rendered, position = b"", 0
    for instruction in document.instructions:
        start, end = instruction.span
        assert start >= position
        rendered += data[position:start] + data[start:end]
        position = end
    assert rendered + data[position:] == data


@given(TEXTS)
def test_replacing_a_reference_changes_only_that_reference(data: bytes) -> None:
    document = parse_dockerfile(data)
    before = document.resolve()
    if before.rejected is not None:
        return
    for at, use in enumerate(before.images):
        if use.scratch or use.via is Via.SYNTAX:
            continue
        after = parse_dockerfile(document.replace(use.span, b"new.example/image:1")).resolve()
        expected = [each.reference_text for each in before.images]
        expected[at] = "new.example/image:1"
        assert [each.reference_text for each in after.images] == expected
        assert [each.name for each in after.stages] == [each.name for each in before.stages]


SEEDS = (
    b"# syntax=docker/dockerfile:1\nARG V=3\nFROM alpine:${V:-3} AS b\nRUN x && \\\n  # c\n  y\n",
    b"# escape=`\r\nFROM a AS x\r\nCOPY --from=x c:\\ d:\\\r\nFROM x\r\n",
    b"FROM a\nRUN --mount=from=b,target=/x <<-E\n\tFROM q\n\tE\nONBUILD COPY --from=z a b\n",
    b'ARG A="a b" B=${A%% *}\nFROM --platform=$BUILDPLATFORM ${B/a/c}:1\nCMD ["x"]\nEXPOSE 80\n',
)


@pytest.mark.parametrize("seed", range(len(SEEDS)))
def test_mutated_files_never_fail_to_be_read(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 (no secret)
    for _ in range(300):
        data = bytearray(SEEDS[seed])
        for _ in range(chance.randint(1, 6)):
            at = chance.randrange(len(data))
            piece = chance.choice(SEEDS)[chance.randrange(20) :][: chance.randint(0, 9)]
            data[at : at + chance.randint(0, 5)] = chance.choice(
                (piece, bytes([chance.randrange(256)]))
            )
            data = data or bytearray(b"\\")
        document = parse_dockerfile(bytes(data))
        build = document.resolve({"V": "$"}, target=chance.choice((None, "b")))
        assert build.rejected is None or build.rejected_line is not None
        for stage in build.stages:
            build.copies_of(stage.index)
