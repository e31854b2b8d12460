"""Files made to cost time or memory: most would take minutes if reading were not linear."""

from __future__ import annotations

import pytest

from basekeeper.dockerfile.parser import parse_dockerfile

MANY = 20_000


STAGES = b"".join(b"FROM a AS s%d\n" % n for n in range(MANY))
CHAIN = b"".join(b"FROM s%d AS s%d\n" % (n, n + 1) for n in range(MANY))
ARGS = b"".join(b"ARG A%d=$A%d\n" % (n + 1, n) for n in range(MANY))


@pytest.mark.parametrize(
    ("data", "stages", "images"),
    [
        (b"FROM a\nRUN x \\\n" + b"  y && \\\n" * MANY * 5 + b" z\n", 1, 1),
        (STAGES, MANY, MANY),
        (b"FROM a AS s0\n" + CHAIN, MANY + 1, 1),
        (b"ARG A0=x\n" + ARGS + b"FROM $A9\n", 1, 1),
        (b"ARG A=" + b"x" * 60_000 + b"\n" + b"ARG B=$A\n" * MANY + b"FROM $B\n", 1, 1),
        (b"FROM " + b"${a:-" * MANY + b"\n", 1, 1),
        ((b"FROM " + b"$" * 6_000 + b"\n") * 20, 20, 20),
        (b"ARG A=" + b"a" * 60_000 + b"\n" + b"FROM ${A//a?a?a?b/x}\n" * 100, 100, 100),
        (b"FROM a\n" + b"RUN x <<Z\n" * MANY, 1, 1),
        (b"FROM a\nRUN " + b"[" * 60_000, 1, 1),
        (b"{" * MANY, 0, 0),
        (b"# escape=" + b" a " * MANY, 0, 0),
        (b"FROM a" + b" " * MANY + b"\t\r" * MANY, 1, 1),
        (b"FROM a AS s\n" + b"COPY --from=s a b\n" * MANY, 1, 1),
        (b"FROM a\nRUN " + b"--mount=from=b " * MANY + b"x", 1, MANY + 1),
        (b"FROM a\nCOPY " + b"--x='\\ \"" * MANY, 1, 1),
    ],
    ids=range(16),
)  # fmt: skip
def test_hostile_files_are_read_to_the_end(data: bytes, stages: int, images: int) -> None:
    build = parse_dockerfile(data).resolve()
    assert len(build.stages) == stages
    assert len(build.images) == images
    assert build.rejected is None or build.rejected_line is not None


def test_lines_far_apart_are_numbered_right() -> None:
    document = parse_dockerfile(b"FROM a\n" + b"# c\n" * 40_000 + b"RUN x\n")
    assert [each.line for each in reversed(document.instructions)] == [40_002, 1]
    assert [each.line for each in document.instructions] == [1, 40_002]


def test_suppliers_are_listed_up_to_a_limit() -> None:
    data = b"ARG A0=x\n" + b"".join(b"ARG A%d=$A%d\n" % (n + 1, n) for n in range(300))
    (use,) = parse_dockerfile(data + b"FROM $A300\n").resolve().images
    assert use.reference_text == "x"
    assert len(use.supplied_by) == 100
