"""Edits of Dockerfiles: which bytes change, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from basekeeper.discover import discover
from basekeeper.edit import Ground, edit
from basekeeper.values.settings import DiscoverSettings
from tests.unit.editing import (
    DIGEST,
    OTHER,
    MemoryTree,
    change_to,
    edited,
    one,
    reasons,
    tree_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from basekeeper.values.use import Survey

N20, N22 = "node:20", "node:22"


@pytest.mark.parametrize(
    ("before", "old", "new", "after"),
    [
        ("FROM node:20\n", N20, N22, "FROM node:22\n"),
        ("FROM node:20", N20, N22, "FROM node:22"),
        ("from\tnode:20  as  x\r\nRUN y\r\n", N20, N22, "from\tnode:22  as  x\r\nRUN y\r\n"),
        ("\ufeffFROM node:20\n", N20, N22, "\ufeffFROM node:22\n"),
        ('FROM "node:20" AS a\n', N20, N22, 'FROM "node:22" AS a\n'),
        ("FROM 'node':\"20\"\n", N20, N22, "FROM 'node':\"22\"\n"),
        ("FROM docker.io/library/node:20\n", N20, N22, "FROM docker.io/library/node:22\n"),
        ("FROM index.docker.io/node:20\n", N20, N22, "FROM index.docker.io/node:22\n"),
        ("ARG V=20\nFROM node:$V\n", N20, N22, "ARG V=22\nFROM node:$V\n"),
        ("ARG V='20'\nFROM node:${V}\n", N20, N22, "ARG V='22'\nFROM node:${V}\n"),
        ("ARG V=19\nARG V=20\nFROM node:$V\n", N20, N22, "ARG V=19\nARG V=22\nFROM node:$V\n"),
        ("ARG I=node:20\nFROM $I\n", N20, N22, "ARG I=node:22\nFROM $I\n"),
        ("ARG R=ghcr.io/a\nFROM $R/b:1\n", "ghcr.io/a/b:1", "ghcr.io/a/b:2",
         "ARG R=ghcr.io/a\nFROM $R/b:2\n"),
        ("ARG A=3.18 B=3.18\nFROM x:${A}-alpine${B}\n", "x:3.18-alpine3.18", "x:3.18-alpine3.19",
         "ARG A=3.18 B=3.19\nFROM x:${A}-alpine${B}\n"),
        ("ARG A=3.18 B=3.18\nFROM x:${A}-alpine${B}\n", "x:3.18-alpine3.18", "x:3.19-alpine3.19",
         "ARG A=3.19 B=3.19\nFROM x:${A}-alpine${B}\n"),
        ("ARG M=12\nFROM python:3.$M\n", "python:3.12", "python:3.13",
         "ARG M=13\nFROM python:3.$M\n"),
        ("ARG V=20\nFROM node:$V-alpine\n", "node:20-alpine", "node:20.1-alpine",
         "ARG V=20.1\nFROM node:$V-alpine\n"),
        ("ARG V=20\nARG T=$V-slim\nFROM node:$T\n", "node:20-slim", "node:22-slim",
         "ARG V=22\nARG T=$V-slim\nFROM node:$T\n"),
        ("ARG T=20\nARG T=$T-slim\nFROM node:$T\n", "node:20-slim", "node:22-slim",
         "ARG T=22\nARG T=$T-slim\nFROM node:$T\n"),
        ("FROM node:${V:-20}-slim\n", "node:20-slim", "node:22-slim", "FROM node:${V:-22}-slim\n"),
        ("ARG V\nFROM node:${V-20}\n", N20, N22, "ARG V\nFROM node:${V-22}\n"),
        ("ARG V=20\nFROM node:${V:-18}\n", N20, N22, "ARG V=22\nFROM node:${V:-18}\n"),
        ("ARG R=\nFROM ${R:+$R/}node:20\n", N20, N22, "ARG R=\nFROM ${R:+$R/}node:22\n"),
        ("FROM ${R:-docker.io}/node:20$S\n", N20, N22, "FROM ${R:-docker.io}/node:22$S\n"),
        ("FROM nod\\\ne:20\n", N20, N22, "FROM nod\\\ne:22\n"),
        ("FROM node:2\\\n# why\n\n0 AS x\n", N20, "node:31", "FROM node:31\\\n# why\n\n AS x\n"),
        ("# escape=`\nFROM node:`\r\n20\r\n", N20, N22, "# escape=`\nFROM node:`\r\n22\r\n"),
        ("FROM a\nCOPY --from=node:20 x y\n", N20, N22, "FROM a\nCOPY --from=node:22 x y\n"),
        ("FROM a\nRUN --mount=type=bind,from=node:20,target=/x y\n", N20, N22,
         "FROM a\nRUN --mount=type=bind,from=node:22,target=/x y\n"),
        ('FROM a\nRUN --mount="type=bind,from=node:20" y\n', N20, N22,
         'FROM a\nRUN --mount="type=bind,from=node:22" y\n'),
        ("FROM a\nONBUILD COPY --from=node:20 x y\n", N20, N22,
         "FROM a\nONBUILD COPY --from=node:22 x y\n"),
        ("# syntax=docker/dockerfile:1.6\nFROM a\n", "docker/dockerfile:1.6",
         "docker/dockerfile:1.7", "# syntax=docker/dockerfile:1.7\nFROM a\n"),
        ("FROM a\nRUN <<E\nFROM node:20\nE\nFROM node:20\n", N20, N22,
         "FROM a\nRUN <<E\nFROM node:20\nE\nFROM node:22\n"),
        (f"FROM node:20@{DIGEST}\n", f"node:20@{DIGEST}", f"node:22@{OTHER}",
         f"FROM node:22@{OTHER}\n"),
        (f"ARG T=20 D={DIGEST}\nFROM node:$T@$D\n", f"node:20@{DIGEST}", f"node:22@{OTHER}",
         f"ARG T=22 D={OTHER}\nFROM node:$T@$D\n"),
        (f"ARG D={'a' * 64}\nFROM node:20@sha256:$D\n", f"node:20@{DIGEST}", f"node:20@{OTHER}",
         f"ARG D={'b' * 64}\nFROM node:20@sha256:$D\n"),
        ("FROM node:20\n", N20, f"node:20@{DIGEST}", f"FROM node:20@{DIGEST}\n"),
        ("ARG V=20\nFROM node:$V\n", N20, f"node:20@{DIGEST}",
         f"ARG V=20@{DIGEST}\nFROM node:$V\n"),
        ("ARG V=20\nFROM node:$V-slim\n", "node:20-slim", f"node:20-slim@{DIGEST}",
         f"ARG V=20\nFROM node:$V-slim@{DIGEST}\n"),
        ("FROM node\n", "node", N22, "FROM node:22\n"),
        ("FROM node:latest\n", "node:latest", N22, "FROM node:22\n"),
        ("FROM gcr.io/distroless/nodejs22-debian12:nonroot\n",
         "gcr.io/distroless/nodejs22-debian12:nonroot",
         "gcr.io/distroless/nodejs22-debian13:nonroot",
         "FROM gcr.io/distroless/nodejs22-debian13:nonroot\n"),
        ("FROM openjdk:17\n", "openjdk:17", "eclipse-temurin:17", "FROM eclipse-temurin:17\n"),
        ("FROM docker.io/library/openjdk:17\n", "openjdk:17", "eclipse-temurin:17",
         "FROM docker.io/library/eclipse-temurin:17\n"),
        ("FROM docker.io/bitnami/x:1\n", "bitnami/x:1", "ghcr.io/a/x:1", "FROM ghcr.io/a/x:1\n"),
    ],
)  # fmt: skip
def test_only_the_bytes_that_supply_the_reference_change(
    before: str, old: str, new: str, after: str
) -> None:
    assert one(before, (old, new)) == after.encode()


def test_latin_1_around_a_reference_stays() -> None:
    data = b"# caf\xe9\nFROM node:20\nRUN echo \xff\xfe\n"
    assert one(data, (N20, N22)) == data.replace(b"20", b"22")


def test_the_same_image_moves_in_every_file() -> None:
    plan = edited({"a/Dockerfile": "FROM node:20\n", "b/Dockerfile": "ARG V=20\nFROM node:$V\n"},
                  (N20, N22))  # fmt: skip
    assert [(file.path, file.after) for file in plan.files] == [
        ("a/Dockerfile", b"FROM node:22\n"), ("b/Dockerfile", b"ARG V=22\nFROM node:$V\n"),
    ]  # fmt: skip


def test_edits_say_their_line_and_change() -> None:
    plan = edited({"Dockerfile": "# x\nARG V=20\nFROM node:$V\nFROM node:20\n"}, (N20, N22))
    (file,) = plan.files
    assert [(each.line, each.new) for each in file.edits] == [(2, b"22"), (4, b"22")]
    assert {str(each.change.to) for each in file.edits} == {"docker.io/library/node:22"}


def test_an_arg_that_feeds_two_images_with_one_value_moves_both() -> None:
    data = "ARG V=3.18\nFROM alpine:$V AS a\nFROM x/y:$V\n"
    after = one(data, ("alpine:3.18", "alpine:3.19"), ("x/y:3.18", "x/y:3.19"))
    assert after == data.replace("3.18", "3.19").encode()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("FROM alpine:3.18\n", f"FROM alpine:3.19@{DIGEST}\n"),
        ("ARG V=3.18\nFROM alpine:$V AS a\nFROM alpine:$V\n",
         f"ARG V=3.19@{DIGEST}\nFROM alpine:$V AS a\nFROM alpine:$V\n"),
        ("ARG I=alpine:3.18\nFROM $I AS a\nFROM $I\n",
         f"ARG I=alpine:3.19@{DIGEST}\nFROM $I AS a\nFROM $I\n"),
    ],
)  # fmt: skip
def test_a_tag_and_the_digest_put_behind_it_belong_together(data: str, expected: str) -> None:
    assert one(data, ("alpine:3.18", f"alpine:3.19@{DIGEST}")) == expected.encode()


def test_expressions_of_a_bake_file_that_use_the_variable_are_mentioned() -> None:
    bake = (
        'variable "V" {\n  default = "20"\n}\n# V is for node\n'
        'variable "SHORT" {\n  default = regex_replace(V, "-.*", "")\n}\n'
        'target "a" {\n  args = {\n    V = V\n    W = "${V}"\n  }\n'
        '  tags = ["x:${V}", "y:${V2}"]\n}\n'
    )
    plan = edited({"Dockerfile": "ARG V\nFROM node:$V\n", "docker-bake.hcl": bake}, (N20, N22))
    (file,) = plan.files
    assert file.after == bake.replace('"20"', '"22"').encode()
    assert file.notes == ("V is also used in lines 6, 13 of docker-bake.hcl",)


def test_a_value_beside_the_variables_of_a_bake_file_mentions_none() -> None:
    bake = 'variable "X" {\n}\ntarget "a" {\n  args = { V = "20" }\n  tags = ["x:${X}"]\n}\n'
    plan = edited({"Dockerfile": "ARG V\nFROM node:$V\n", "docker-bake.hcl": bake}, (N20, N22))
    assert [(file.path, file.notes) for file in plan.files] == [("docker-bake.hcl", ())]


def test_other_uses_of_an_arg_are_mentioned() -> None:
    plan = edited({"Dockerfile": "ARG V=20\nFROM node:$V\nARG V\nLABEL v=${V}\nRUN echo $V $VX\n"
                                 "RUN echo $VX\n"}, (N20, N22))  # fmt: skip
    assert plan.files[0].notes == ("V is also used in lines 4, 5 of Dockerfile",)


@pytest.mark.parametrize(
    ("data", "changes", "words"),
    [
        ("ARG V=20\nFROM node:$V\nFROM x/y:$V\n", [(N20, N22)], "line 3 of Dockerfile"),
        ("ARG V=20\nFROM node:$V\nFROM x/y:$V\n", [(N20, N22), ("x/y:20", "x/y:21")],
         "V also makes"),
        ("ARG V=20-slim\nFROM node:${V%-slim}\n", [(N20, N22)], "the expansion '${V%-slim}' hides"),
        ("ARG V=20\nFROM node:${V:+22}\n", [(N22, "node:24")], "hides"),
        ("ARG A=2 B=0\nFROM node:$A$B\n", [(N20, "node:31")], "put together of A and B"),
        ("FROM node:\\2\\0\n", [(N20, N22)], "written with an escape"),
        ("FROM a:1-$TARGETARCH\n", [("a:1-amd64", "a:1-arm64")], "TARGETARCH"),
        ("ARG N=node\nFROM $N:20\nCOPY --from=$N x y\n", [("node:20", "golang:20")],
         "line 3 of Dockerfile"),
    ],
)  # fmt: skip
def test_what_cannot_be_edited_is_refused(
    data: str, changes: list[tuple[str, str]], words: str
) -> None:
    plan = edited({"Dockerfile": data}, *changes)
    assert not plan.files
    assert len(plan.refused) == len(changes)
    assert all(words in reason for reason in reasons(plan)) or words in reasons(plan)[0]


def test_a_value_from_the_settings_is_refused_with_the_remedy() -> None:
    settings = DiscoverSettings(build_args={"V": "20"})
    plan = edited({"Dockerfile": "ARG V=18\nFROM node:$V\n"}, (N20, N22), settings=settings)
    assert "command line or the settings" in reasons(plan)[0]
    assert "--build-arg V=" in (plan.refused[0].hint or "")


def test_the_rest_is_edited_where_one_use_is_refused() -> None:
    files = {"a/Dockerfile": "FROM node:20\n", "b/Dockerfile": "ARG V=20-x\nFROM node:${V%-x}\n"}
    plan = edited(files, (N20, N22))
    assert [file.path for file in plan.files] == ["a/Dockerfile"]
    assert [each.use.path for each in plan.refused] == ["b/Dockerfile"]


def test_a_change_is_whole_where_that_is_asked_for() -> None:
    files = {"a/Dockerfile": "FROM node:20\nFROM go:1\n",
             "b/Dockerfile": "ARG V=20-x\nFROM node:${V%-x}\n"}  # fmt: skip
    plan = edited(files, (N20, N22), ("go:1", "go:2"), whole=True)
    assert [file.after for file in plan.files] == [b"FROM node:20\nFROM go:2\n"]
    assert "b/Dockerfile:2 cannot be edited" in reasons(plan)[0]


def test_a_template_is_not_edited() -> None:
    plan = edited({"Dockerfile.template": "FROM node:20\nRUN {{ x }}\n{{ y }}\n"}, (N20, N22))
    assert not plan.files
    assert "template" in reasons(plan)[0]


def test_a_file_that_was_not_named_is_not_edited() -> None:
    files = {"Dockerfile": "ARG V\nFROM node:$V\n",
             "compose.yaml": "services: {a: {build: {context: ., args: {V: '20'}}}}\n"}  # fmt: skip
    plan = edited(files, (N20, N22), may_edit=lambda path: path == "Dockerfile")
    assert not plan.files
    assert reasons(plan) == [("the value of V stands in compose.yaml, which is not among the files"
                             " named")]  # fmt: skip


def test_an_edit_of_what_names_no_image_is_refused() -> None:
    content = tree_of({"Dockerfile": "FROM node:20\nFROM $NONE\n"})
    survey = discover(MemoryTree(content), DiscoverSettings())
    change = change_to(survey, N20, N22)
    opaque = next(use for use in survey.uses if use.reference is None)
    change = replace(change, standing=replace(change.standing, uses=(opaque,)))
    plan = edit([change], Ground(survey=survey, read=content.get, again=lambda _: survey))
    assert not plan.files
    assert reasons(plan) == ["the variable NONE is not set"]


@pytest.mark.parametrize(
    ("after", "words"),
    [
        ({"Dockerfile": "FROM node:22\n", "b/Dockerfile": "FROM alpine:3.20\n"}, "alpine:3.20"),
        ({"Dockerfile": "FROM node:22\n", "b/Dockerfile": "FROM node:22\n"}, "b/Dockerfile"),
        ({"Dockerfile": "FROM node:22\n"}, "b/Dockerfile"),
        ({"Dockerfile": "FROM node:20\n", "b/Dockerfile": "FROM alpine:3.19\n"}, "its bytes"),
        (
            {"Dockerfile": "FROM node:22\n", "b/Dockerfile": "FROM alpine:3.19\nRUN <<E\n"},
            "would be built otherwise",
        ),
        (
            {
                "Dockerfile": "FROM node:22\n",
                "b/Dockerfile": "FROM alpine:3.19\n",
                "compose.yaml": "a: [",
            },
            "compose.yaml could not be read",
        ),
    ],
)
def test_what_the_second_reading_does_not_prove_is_refused(
    after: dict[str, str | bytes], words: str
) -> None:
    content = tree_of({"Dockerfile": "FROM node:20\n", "b/Dockerfile": "FROM alpine:3.19\n"})
    survey = discover(MemoryTree(content), DiscoverSettings())
    other = discover(MemoryTree(tree_of(after)), DiscoverSettings())
    ground = Ground(survey=survey, read=content.get, again=lambda new: other if new else survey)
    plan = edit([change_to(survey, N20, N22)], ground)
    assert not plan.files
    assert words in reasons(plan)[0]


@pytest.mark.parametrize(
    "since",
    [
        {"new/Dockerfile": b"FROM alpine:3.20\n"},
        {"b/Dockerfile": b"FROM alpine:3.20\n"},
        {"b/Dockerfile": b"# a line more\nFROM alpine:3.19\n"},
        {"compose.yaml": b"a: ["},
    ],
)
def test_a_tree_that_changes_meanwhile_asks_for_another_run(since: dict[str, bytes]) -> None:
    content = tree_of({"Dockerfile": "FROM node:20\n", "b/Dockerfile": "FROM alpine:3.19\n"})
    survey = discover(MemoryTree(content), DiscoverSettings())
    ground = Ground(
        survey=survey,
        read=content.get,
        again=lambda new: discover(MemoryTree({**content, **since, **new}), DiscoverSettings()),
    )
    (refused,) = edit([change_to(survey, N20, N22)], ground).refused
    assert refused.reason == f"{next(iter(since))} changed since it was read"
    assert refused.hint == "run again"


def test_a_file_that_changes_while_it_is_proven_is_edited_as_it_was_proven() -> None:
    content = tree_of({"Dockerfile": "FROM node:20\n"})
    survey = discover(MemoryTree(content), DiscoverSettings())

    def again(new: Mapping[str, bytes]) -> Survey:
        found = discover(MemoryTree({**content, **new}), DiscoverSettings())
        content["Dockerfile"] = b"# a line more\nFROM node:20\n"
        return found

    plan = edit([change_to(survey, N20, N22)], Ground(survey=survey, read=content.get, again=again))
    (file,) = plan.files
    assert (file.before, file.after) == (b"FROM node:20\n", b"FROM node:22\n")


def test_a_file_that_cannot_be_read_again_is_refused() -> None:
    content = tree_of({"Dockerfile": "FROM node:20\n"})
    survey = discover(MemoryTree(content), DiscoverSettings())
    ground = Ground(survey=survey, read=lambda _: None, again=lambda _: survey)
    assert reasons(edit([change_to(survey, N20, N22)], ground)) == ["'Dockerfile' cannot be read"]


def test_a_chain_of_variables_without_end_is_refused() -> None:
    lines = [f"ARG A{at}=$A{at - 1}" for at in range(1, 60)]
    data = "\n".join(["ARG A0=20", *lines, "FROM node:$A59", ""])
    assert reasons(edited({"Dockerfile": data}, (N20, N22))) == [
        "its variables are nested too deeply"
    ]
