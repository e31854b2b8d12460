"""Our reading of a Dockerfile against BuildKit's own planner, file by file."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from basekeeper.dockerfile.parser import parse_dockerfile
from basekeeper.values.reference import parse_reference
from basekeeper.values.use import Via
from tests.planner import Planner

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from basekeeper.dockerfile.build import Build

pytestmark = [pytest.mark.component("planner"), pytest.mark.xdist_group("planner")]

GENERATED_FILES = 3000


def needed_images(build: Build) -> frozenset[str]:
    """What a builder has to ask a registry for, canonical, with the tag that it would assume."""
    names = set()
    for use in build.images:
        if use.via is Via.SYNTAX or use.scratch or use.stage not in build.reachable:
            continue
        if use.onbuild or use.problem is not None:
            continue
        reference = parse_reference(use.reference_text)
        if reference.tag is None and reference.digest is None:
            reference = reference.with_tag("latest")
        names.add(str(reference))
    return frozenset(names)


@pytest.fixture(name="planner")
def running_planner(component: Path) -> Iterator[Planner]:
    with Planner(component) as planner:
        yield planner


DIGEST = "sha256:" + "a" * 64

FILES = {
    "stage wins over image": "FROM alpine AS debian\nFROM debian\n",
    "stage wins over scratch": "FROM alpine AS scratch\nFROM scratch\n",
    "latest stage of a name wins": "FROM a AS x\nFROM b AS x\nFROM x\n",
    "own name is the image": "FROM alpine AS alpine\nFROM alpine\n",
    "later stage does not count": "FROM later\nFROM alpine AS later\n",
    "copy from last definition": "FROM a AS x\nFROM b\nCOPY --from=x / /\nFROM c AS x\n",
    "copy from number": "FROM a\nFROM b\nCOPY --from=0 /x /y\n",
    "copy from number out of range": "FROM a\nCOPY --from=7 /x /y\n",
    "copy from image": "FROM a\nCOPY --from=golang:1.24 /x /y\n",
    "copy from upper case stage": "FROM a AS build\nFROM b\nCOPY --from=BUILD /x /y\n",
    "mount from image": "FROM a\nRUN --mount=type=bind,from=busybox,target=/b true\n",
    "mount from number is an image": "FROM a\nFROM b\nRUN --mount=from=0,target=/b true\n",
    "cache mount from image": "FROM a\nRUN --mount=type=cache,from=busybox,target=/b true\n",
    "secret mount from is refused": "FROM a\nRUN --mount=type=secret,from=b,id=x true\n",
    "unused stage is not pulled": "FROM a AS x\nFROM b\n",
    "argument default": "ARG V=3.20\nFROM alpine:$V\n",
    "argument of a stage is not seen": "FROM a\nARG V=1\nFROM debian:$V\n",
    "empty image is refused": "ARG V\nFROM $V\n",
    "operator default": "FROM alpine:${V:-3.19}\n",
    "operator alternative": "ARG V=1\nFROM alpine${V:+:3.19}\n",
    "operator error": "FROM alpine:${V:?missing}\n",
    "operator trim": "ARG V=v1.2.3\nFROM alpine:${V#v}\nFROM ${V%%.*}\n",
    "operator replace": "ARG V=a/b/c\nFROM ${V//\\//.}\nFROM ${V/a/x}\n",
    "platform argument": "FROM --platform=$BUILDPLATFORM alpine:$TARGETARCH\n",
    "bad platform": "FROM --platform=nonsense/a/b/c/d alpine\n",
    "escape directive": "# escape=`\nFROM `\n  alpine\n",
    "continuation": "FROM \\\n# comment\n\n  alp\\\nine\n",
    "heredoc hides FROM": "FROM a\nRUN <<EOF\nFROM b\nEOF\n",
    "heredoc with tabs": "FROM a\nRUN <<-EOF\n\tFROM b\n\tEOF\n",
    "unterminated heredoc": "FROM a\nRUN <<EOF\nFROM b\n",
    "tag and digest": f"FROM alpine:3.20@{DIGEST}\n",
    "invalid reference": "FROM Alpine/x y\n",
    "upper case repository": "FROM ALPINE\n",
    "comment after text": "FROM a # b\n",
    "no instruction": "# nothing\n\n",
    "only arguments": "ARG A=1\n",
    "instruction before FROM": "RUN true\nFROM a\n",
    "unknown flag": "FROM --frob=1 a\n",
    "unknown instruction": "FROM a\nFROB x\n",
    "quotes in FROM": 'FROM "alpine":"3.20"\n',
    "single quotes keep variables": "ARG V=1\nFROM 'alpine:$V'\n",
    "byte order mark": "\ufeffFROM alpine\n",
    "carriage returns": "FROM alpine\r\nRUN true\r\nFROM busybox\r\n",
    "shebang before directive": "#!/bin/x\n# escape=`\nFROM alpine\n",
    "repeated directive": "# escape=`\n# escape=`\nFROM alpine\n",
    "own stage": "FROM a AS x\nCOPY --from=x / /\n",
    "later stage in copy": "FROM a\nCOPY --from=y / /\nFROM b AS y\n",
    "variable in copy from": "ARG X=b\nFROM a\nCOPY --from=$X / /\n",
    "variable in mount from": "ARG X=b\nFROM a\nRUN --mount=from=$X,target=/x true\n",
    "onbuild copy": "FROM a AS x\nONBUILD COPY --from=golang / /\nFROM x\n",
    "onbuild unused": "FROM a\nONBUILD COPY --from=golang / /\n",
    "json with number": "FROM a\nRUN [1]\n",
    "stage name with digit first": "FROM a AS 1x\n",
    "stage case differs": "FROM a AS Build\nFROM Build\n",
    "scratch with tag": "FROM scratch:latest\n",
    "argument chain": "ARG A=1\nARG B=${A}.2\nARG C=alpine:$B\nFROM $C\n",
    "argument escape": "ARG A=\\$B\nFROM alpine:a$A\n",
    "value is expanded once": "ARG A='$B'\nARG B=x\nFROM alpine:${A}\n",
    "empty platform": "ARG P\nFROM --platform=$P alpine\n",
    "nested default": "FROM ${A:-${B:-alpine}}\n",
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_agrees_with_buildkit_on(name: str, planner: Planner, tmp_path: Path) -> None:
    assert_same(FILES[name].encode(), planner, tmp_path)


@pytest.mark.parametrize(
    ("text", "args", "target"),
    [
        ("ARG V=1\nFROM a:$V\n", {"V": "2"}, ""),
        ("ARG V=1\nFROM a:$V\n", {"V": ""}, ""),
        ("FROM a:x$V\n", {"V": "2"}, ""),
        ("ARG V\nFROM a:$V\n", {"V": "$X"}, ""),
        ("FROM a AS x\nFROM b AS y\nFROM c\n", {}, "Y"),
        ("FROM a AS x\nFROM b\n", {}, "none"),
        ("FROM a AS x\nFROM b\n", {}, "0"),
        ("FROM a AS x\nFROM x:$TARGETSTAGE\n", {}, "x"),
        ("ARG TARGETARCH=zz\nFROM a:$TARGETARCH\n", {}, ""),
        ("FROM a:$TARGETARCH\n", {"TARGETARCH": "mine"}, ""),
    ],
)
def test_agrees_with_buildkit_on_arguments_and_targets(
    text: str, args: Mapping[str, str], target: str, planner: Planner, tmp_path: Path
) -> None:
    assert_same(text.encode(), planner, tmp_path, args=args, target=target)


def assert_same(
    data: bytes,
    planner: Planner,
    folder: Path,
    *,
    args: Mapping[str, str] | None = None,
    target: str = "",
) -> None:
    path = folder / "Dockerfile"
    path.write_bytes(data)
    plan = planner.plan(path, args, target=target)
    build = parse_dockerfile(data).resolve(args or {}, target or None)
    ours = None if build.rejected is not None else needed_images(build)
    theirs = None if plan.error is not None else plan.images
    assert ours == theirs, f"{data!r}: BuildKit: {plan.error}; ours: {build.rejected}"


WORDS = [
    "alpine", "debian:12", "scratch", "$A", "${A}", "${B:-x}", "${B:+y}", "${A#v}", "${A%.*}",
    "${A/1/2}", '"q:1"', "'$A'", "x\\$y", "ghcr.io/o/r", "s1", "S1", "localhost:5000/x", "a\\ b",
    "${A:-${B:-z}}", "$TARGETARCH", "x${", "$$", "a/b:c_d", "UP/x", "-x", "a@b", "",
]  # fmt: skip
LINES = [
    "FROM {w}", "FROM {w} AS s1", "from {w} as S2", "FROM --platform=$TARGETPLATFORM {w}",
    "FROM --platform=linux/arm64 {w} AS s3", "FROM {w} \\\n  AS s4", "ARG A={w}", "ARG A=v1.2",
    "ARG B", "ARG B={w} A={w}", "ENV A={w}", "COPY --from=s1 /a /b", "COPY --from={w} /a /b",
    "COPY --from=0 /a /b", "COPY --from=S2 --chown=1 /a /b",
    "RUN --mount=type=bind,from={w},target=/x true",
    "RUN --mount=type=cache,from=s1,target=/x true",
    "RUN <<E\nFROM {w}\nE", "RUN <<-'E' cat\n\tFROM x\n\tE",
    "RUN true \\\n# c\n\n  && false", "ONBUILD COPY --from=busybox /a /b", "ONBUILD RUN true",
    "# comment", "  # indented", "", 'RUN ["a", "b"]', "CMD [x]", "LABEL a={w}",
    "COPY <<E /x\nFROM y\nE", "ADD a b", "USER {w}", "WORKDIR /{w}", "HEALTHCHECK NONE",
    "EXPOSE 80", 'SHELL ["a"]', "STOPSIGNAL 9", "VOLUME /x", "MAINTAINER me", "BOGUS x",
    "RUN echo $((1<<2))", "RUN cat <<<x",
]  # fmt: skip
HEADS = [
    "", "", "", "# escape=`\n", "# syntax=docker/dockerfile:1\n", "#!x\n", "\ufeff",
    "# check=skip=all\n",
]  # fmt: skip


def generated(seed: int) -> bytes:
    """A file from fragments: mostly valid, often strange; the same for the same seed."""
    chance = random.Random(seed)  # noqa: S311 (no secret)
    lines = [
        chance.choice(LINES).replace("{w}", chance.choice(WORDS))
        for _ in range(chance.randint(1, 8))
    ]
    if chance.random() < 0.8:
        lines.insert(0, "FROM " + chance.choice(WORDS[:3]))
    if chance.random() < 0.5:
        lines.insert(0, "ARG A=" + chance.choice(["v1.2", "alpine", "x/y:1"]))
    ending = chance.choice(["\n", "\n", "\n", "\r\n"])
    return (chance.choice(HEADS) + ending.join("\n".join(lines).split("\n")) + ending).encode()


@pytest.mark.slow
def test_agrees_with_buildkit_on_generated_files(planner: Planner, tmp_path: Path) -> None:
    for seed in range(GENERATED_FILES):
        assert_same(generated(seed), planner, tmp_path)
