"""Stages, images, and what a target needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from basekeeper.dockerfile.parser import parse_dockerfile
from basekeeper.values.use import Via

if TYPE_CHECKING:
    from basekeeper.dockerfile.model import Build


def build(text: str, **request: object) -> Build:
    return parse_dockerfile(text.encode()).resolve(**request)  # type: ignore[arg-type]


def images(text: str, **request: object) -> list[str]:
    return [use.reference_text for use in build(text, **request).images]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM a\nFROM b AS x\n", ["a", "b"]),
        ("FROM a AS b\nFROM b\n", ["a"]),
        ("FROM a AS scratch\nFROM scratch\n", ["a"]),
        ("FROM alpine AS alpine\n", ["alpine"]),
        ("FROM b\nFROM a AS b\n", ["b", "a"]),
        ("FROM SCRATCH\nFROM scratch:latest\n", ["SCRATCH", "scratch:latest"]),
        ("FROM a AS x\nFROM b AS x\nFROM x\n", ["a", "b"]),
        ("ARG V=1\nFROM a:$V\n", ["a:1"]),
        ("ARG V=1 W=$V.2\nFROM a:$W\n", ["a:1.2"]),
        ("ARG V=1\nARG V\nFROM a:$V\n", ["a:1"]),
        ("ARG V='$W'\nARG W=x\nFROM $V\n", ["$W"]),
        ("FROM a\nARG V=1\nFROM b:$V\n", ["a", "b:"]),
        ('FROM "a":"b"\n', ["a:b"]),
        ("FROM a\\$b\n", ["a$b"]),
        ("FROM a\nCOPY --from=b x y\nCOPY --from=0 x y\n", ["a", "b"]),
        ("FROM a AS s\nFROM b\nCOPY --from=S x y\n", ["a", "b"]),
        ("FROM a AS s\nFROM b\nRUN --mount=type=bind,from=s,target=/x y\n", ["a", "b"]),
        ("FROM a\nFROM b\nRUN --mount=from=0,target=/x y\n", ["a", "b", "0"]),
        ('FROM a\nRUN --mount="type=cache,from=c" --mount=FROM=d,target=/x y\n', ["a", "c", "d"]),
        ('FROM a\nRUN --mount=type=tmpfs,"from=c" y\n', ["a", "c"]),
        ("FROM a\nADD --from=b x y\n", ["a"]),
        ("FROM a\nRUN <<E\nFROM b\nE\n", ["a"]),
        ("FROM\nFROM a b\nFROM c # d\n", ["", "a", "c"]),
        ("FROM a\nCOPY \\\n --from=b x y\n", ["a", "b"]),
        ("FROM a\nRUN \\\n # c\n --mount=from=c,target=/x y\n", ["a", "c"]),
    ],
)  # fmt: skip
def test_images(text: str, expected: list[str]) -> None:
    assert images(text) == expected


def test_a_stage_says_what_it_stands_on() -> None:
    found = build("FROM --platform=$BUILDPLATFORM a AS One\nFROM one\nFROM $X AS 1x\n")
    assert [
        (s.index, s.name, s.base, s.base_is_stage, s.base_stage, s.platform, s.line)
        for s in found.stages
    ] == [
        (0, "one", "a", False, None, "linux/amd64", 1),
        (1, None, "one", True, 0, None, 2),
        (2, "1x", "$X", False, None, None, 3),
    ]


def test_a_stage_named_in_another_case_is_the_stage_with_a_note() -> None:
    found = build("FROM a AS Build\nFROM Build\n")
    assert found.stages[1].base_stage == 0
    assert found.images[1].note == "stage-name-case"
    assert found.images[1].is_stage
    assert found.final_chain == (1, 0)
    assert found.rejected is not None


@pytest.mark.parametrize("text", ["FROM scratch\n", "FROM a\nCOPY --from=scratch x y\n"])
def test_scratch_is_listed_as_such(text: str) -> None:
    assert build(text).images[-1].scratch


def test_every_use_has_its_bytes_and_its_door() -> None:
    text = (
        "# syntax=docker/dockerfile:1 x\nFROM 'a' AS s\nCOPY --from=\"b\" x y\n"
        "RUN --mount=type=bind,from=c,target=/x \\\n y\nONBUILD COPY --from=d x y\n"
    )
    data = text.encode()
    found = parse_dockerfile(data).resolve().images
    assert [
        (u.via, u.raw, u.reference_text, u.line, u.end_line, u.stage, u.onbuild) for u in found
    ] == [
        (Via.SYNTAX, "docker/dockerfile:1", "docker/dockerfile:1", 1, 1, None, False),
        (Via.FROM, "'a'", "a", 2, 2, 0, False),
        (Via.COPY_FROM, '"b"', "b", 3, 3, 0, False),
        (Via.RUN_MOUNT, "c", "c", 4, 5, 0, False),
        (Via.COPY_FROM, "d", "d", 6, 6, 0, True),
    ]
    assert [data[slice(*u.span)].decode() for u in found] == [u.raw for u in found]


def test_a_trigger_that_this_build_runs_is_an_ordinary_use() -> None:
    text = (
        "FROM a AS x\nONBUILD COPY --from=g / /\nONBUILD COPY --from=x / /\nFROM x AS y\nFROM b\n"
    )
    assert not build(text, target="y").images[1].onbuild
    assert build(text).images[1].onbuild


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("#!/bin/sh\n# syntax=a\nFROM b", "a"),
        ("// syntax=a\nFROM b", "a"),
        ('{"syntax": "a"}', "a"),
        (" # syntax=a\nFROM b", None),
        ("\ufeff# syntax=a\nFROM b", "a"),
        ("# escape=`\n# Syntax = a b\nFROM b", "a"),
        ("# x\n# syntax=a\nFROM b", None),
        ("# check=a\n# check=b\n# syntax=a\nFROM b", None),
        ('{"syntax": 1}', None),
        ("{nothing", None),
        ("# syntax=\nFROM b", None),
        ("#!", None),
    ],
)
def test_the_frontend_is_found_by_rules_of_its_own(text: str, found: str | None) -> None:
    uses = [use.reference_text for use in build(text).images if use.via is Via.SYNTAX]
    assert uses == ([] if found is None else [found])


def test_an_argument_overrides_the_frontend() -> None:
    (use, _) = build("FROM a", build_args={"BUILDKIT_SYNTAX": "x/y z"}).images
    assert (use.via, use.reference_text, use.arguments) == (Via.SYNTAX, "x/y", ("BUILDKIT_SYNTAX",))


def test_suppliers_of_a_reference_are_all_defaults_nearest_first() -> None:
    text = "ARG TAG=1\nARG E=\nARG \\\n IMAGE='a:'$TAG$E\nFROM $IMAGE\n"
    data = text.encode()
    (use,) = parse_dockerfile(data).resolve().images
    assert use.reference_text == "a:1"
    assert [(s.name, s.line, data[slice(*s.span)]) for s in use.supplied_by] == [
        ("IMAGE", 3, b"'a:'$TAG$E"),
        ("TAG", 1, b"1"),
    ]


def test_a_build_argument_supplies_instead_of_the_default() -> None:
    (use,) = build("ARG A=x\nFROM $A\n", build_args={"A": "y", "B": "z"}).images
    assert (use.reference_text, use.supplied_by, use.arguments) == ("y", (), ("A",))


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        ({}, "linux/amd64 linux amd64  linux default"),
        ({"platform": "linux/arm/v7"}, "linux/arm/v7 linux arm v7 linux default"),
        ({"platform": "linux/arm64/v8"}, "linux/arm64/v8 linux arm64 v8 linux default"),
        ({"platform": "aarch64"}, "linux/arm64 linux arm64  linux default"),
        ({"platform": "windows(1)/amd64"}, "windows(1)/amd64 windows amd64  linux default"),
        ({"platform": "no/such/plat/form"}, "linux/amd64 linux amd64  linux default"),
        ({"build_args": {"TARGETOS": "x", "TARGETSTAGE": "y"}}, "linux/amd64 x amd64  linux y"),
    ],
)  # fmt: skip
def test_variables_of_the_platform(request_: dict[str, object], text: str) -> None:
    line = "FROM $TARGETPLATFORM|$TARGETOS|$TARGETARCH|$TARGETVARIANT|$BUILDOS|$TARGETSTAGE\n"
    assert images(line, **request_) == [text.replace(" ", "|")]


def test_a_global_arg_wins_over_the_platform() -> None:
    assert images("ARG TARGETARCH=x\nFROM a:$TARGETARCH") == ["a:x"]


def test_the_target_decides_the_chain_and_what_is_needed() -> None:
    text = (
        "FROM a AS base\nFROM base AS tools\nFROM c AS unused\nFROM base AS final\n"
        "COPY --from=tools x y\nFROM final AS last\n"
    )
    found = build(text)
    assert found.final_stage is not None
    assert found.final_stage.name == "last"
    assert found.final_chain == (4, 3, 0)
    assert found.reachable == {0, 1, 3, 4}
    other = build(text, target="UNUSED")
    assert (other.final_chain, set(other.reachable)) == ((2,), {2})
    none = build(text, target="2")
    assert (none.final_stage, none.final_chain, none.reachable) == (None, (), frozenset())
    assert none.rejected == "line 1: there is no stage '2'"
    assert none.rejected_line == 1


def test_a_variable_in_a_source_is_unresolved_with_a_guess() -> None:
    text = "ARG X=g\nARG Y=h\nFROM a AS s\nARG X\nCOPY --from=$X x y\n"
    text += "RUN --mount=from=${Y}:1,target=/x y\nARG Z=s\nCOPY --from=$Z x y\nCOPY --from=$Q x y\n"
    found = build(text)
    assert [(u.reference_text, u.raw, u.is_stage) for u in found.unresolved] == [
        ("g", "$X", False),
        ("h:1", "${Y}:1", False),
        ("s", "$Z", True),
        ("$Q", "$Q", False),
    ]
    assert [s.name for s in found.unresolved[0].supplied_by] == ["X"]
    assert found.rejected is not None


@pytest.mark.parametrize(
    ("text", "problem", "unset"),
    [
        ("FROM $X", "variable X is not set", ("X",)),
        ("FROM a:$X", "variable X is not set", ("X",)),
        ("FROM a$X", None, ("X",)),
        ("ARG X\nFROM ${X:-a}", None, ()),
        ("FROM ''", "empty", ()),
        ("FROM ${X:?no}", "X: no", ()),
        ("FROM ${X!}", "operator '!'", ()),
        ("ARG X='a\nFROM $X", "default of ARG X: a single quote", ()),
        ("FROM " + "${a:-" * 101 + "b" + "}" * 101, "nested deeper than 100", ()),
        ("FROM $A" + "x" * 65_536, "longer than 65536", ()),
    ],
)
def test_what_cannot_be_resolved_says_why(
    text: str, problem: str | None, unset: tuple[str, ...]
) -> None:
    found = build(text)
    assert found.unset_vars == unset
    if problem is None:
        assert found.unresolved == ()
    else:
        assert problem in str(found.unresolved[0].problem)


def test_one_bad_reference_loses_no_other() -> None:
    assert images("FROM ${\nFROM b\nCOPY --from=c x y\nBOGUS\n") == ["${", "b", "c"]


def test_a_named_context_stands_in_for_a_stage_or_an_image() -> None:
    text = "FROM a AS s\nFROM alpine\nCOPY --from=s x y\nCOPY --from=b:latest x y\n"
    contexts = {"s": "docker-image://x", "docker.io/library/alpine": "dir", "b": "target:t"}
    found = build(text, contexts=contexts)
    assert found.stages[0].replaced_by == "docker-image://x"
    assert [use.replaced_by for use in found.images] == ["docker-image://x", "dir", "target:t"]


def test_instructions_and_copies_of_a_stage() -> None:
    text = "FROM a AS s\nRUN x\nFROM b\nCOPY --from=s /x /y /z/\nCOPY . <<E /q\nE\n"
    text += 'COPY ["a b", "c"]\nCOPY --from=i p q\nONBUILD COPY --from=j p q\nCOPY\n'
    found = build(text)
    assert [each.name for each in found.instructions_of(0)] == ["RUN"]
    assert found.from_of(1).line == 3
    assert [
        (c.sources, c.destination, c.source_text, c.source_stage, c.image is not None)
        for c in found.copies_of(1)
    ] == [
        (("/x", "/y"), "/z/", "s", 0, False),
        ((".",), "/q", None, None, False),
        (("a b",), "c", None, None, False),
        (("p",), "q", "i", None, True),
        ((), "", None, None, False),
    ]
    with pytest.raises(IndexError, match="range"):
        found.instructions_of(7)
