"""The library interface as its users see it: names, attributes, types, and what they mean."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

import basekeeper

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 23, tzinfo=UTC)
DIGEST = "sha256:" + "0123456789abcdef" * 4

DOCKERFILE = f"""\
# syntax=docker/dockerfile:1
ARG BASE=python:3.13-slim
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
RUN --mount=from=acme/tools:2,target=/t true
FROM ${{BASE}} AS Runtime
COPY --from=build /app /app
COPY --from=nginx:1.30@{DIGEST} /etc /etc
ONBUILD COPY --from=busybox:1.37 /bin /bin
FROM runtime AS extra
FROM $MISSING AS never
""".encode()

USED = """
from datetime import datetime

import basekeeper

reference: basekeeper.Reference = basekeeper.parse_reference("a")
reveal_type(reference.registry)
reveal_type(reference.repository)
reveal_type(reference.tag)
reveal_type(reference.digest)
reveal_type(reference.text)
reveal_type(reference.familiar)
document: basekeeper.Dockerfile = basekeeper.parse_dockerfile(b"")
build: basekeeper.Build = document.resolve(build_args={"A": "b"}, target=None, platform="p")
for stage in build.stages:
    reveal_type(stage.index)
    reveal_type(stage.name)
    reveal_type(stage.base)
    reveal_type(stage.base_is_stage)
    reveal_type(stage.base_stage)
    reveal_type(stage.platform)
    reveal_type(stage.line)
for image in build.images:
    reveal_type(image.reference_text)
    reveal_type(image.via)
    reveal_type(image.line)
    reveal_type(image.span)
    reveal_type(image.supplied_by)
    reveal_type(image.onbuild)
reveal_type(build.final_stage)
reveal_type(build.final_chain)
reveal_type(build.reachable)
reveal_type(build.unresolved)
reveal_type(build.unset_vars)
reveal_type(build.rejected)
policy: basekeeper.Policy = basekeeper.load_policy()
now = datetime.now()
by_text: basekeeper.Judgement = policy.judge("a", now=now)
by_reference = policy.judge(reference, {"stage": "final", "official": True}, now=now)
by_facts = policy.judge(reference, basekeeper.Facts(labels={"a": "b"}), now=now)
reveal_type(by_reference.category)
reveal_type(by_reference.quality["supported"])
reveal_type(by_reference.quality["supported"].value)
reveal_type(by_reference.quality["supported"].reason)
seen = basekeeper.TagFacts("1.1", digest=None, pushed=now, os_release="debian 12")
rules = basekeeper.UpdateRules(allowed="<2")
updates: basekeeper.Updates = basekeeper.choose_updates("a", "1", ["1.2", seen], now, rules=rules)
for choice in (*updates.choices, updates.digest, updates.patch, updates.minor, *updates.moves):
    reveal_type(choice.value)
    reveal_type(choice.tag)
    reveal_type(choice.reason)
reveal_type(updates.flags)
"""


@pytest.mark.parametrize(
    ("text", "parts", "canonical"),
    [
        ("node", ("docker.io", "library/node", None, None), "docker.io/library/node"),
        (
            f"ghcr.io:443/a/b:1@{DIGEST}",
            ("ghcr.io:443", "a/b", "1", DIGEST),
            f"ghcr.io:443/a/b:1@{DIGEST}",
        ),
    ],
)
def test_reference_has_its_parts(text: str, parts: tuple[str | None, ...], canonical: str) -> None:
    reference = basekeeper.parse_reference(text)
    found = (reference.registry, reference.repository, reference.tag, reference.digest)
    assert found == parts
    assert (reference.text, reference.familiar, str(reference)) == (text, text, canonical)


def test_invalid_reference_says_what_and_where() -> None:
    with pytest.raises(basekeeper.InvalidReference, match="at character 6") as caught:
        basekeeper.parse_reference("node:!")
    assert isinstance(caught.value, basekeeper.Error)
    assert (caught.value.text, caught.value.position) == ("node:!", 5)


def test_build_has_its_stages() -> None:
    build = basekeeper.parse_dockerfile(DOCKERFILE).resolve()
    assert [
        (one.index, one.name, one.base, one.base_is_stage, one.base_stage, one.platform, one.line)
        for one in build.stages[:3]
    ] == [
        (0, "build", "golang:1.26", False, None, "linux/amd64", 3),
        (1, "runtime", "python:3.13-slim", False, None, None, 5),
        (2, "extra", "runtime", True, 1, None, 9),
    ]


def test_build_has_every_image_with_its_door_and_bytes() -> None:
    build = basekeeper.parse_dockerfile(DOCKERFILE).resolve(target="extra")
    found = [
        (
            image.reference_text,
            image.via,
            image.line,
            DOCKERFILE[image.span.start : image.span.end].decode(),
            [supplied.name for supplied in image.supplied_by],
            image.onbuild,
        )
        for image in build.images
    ]
    nginx = f"nginx:1.30@{DIGEST}"
    assert found == [
        ("docker/dockerfile:1", "syntax", 1, "docker/dockerfile:1", [], False),
        ("golang:1.26", "FROM", 3, "golang:1.26", [], False),
        ("acme/tools:2", "RUN --mount", 4, "acme/tools:2", [], False),
        ("python:3.13-slim", "FROM", 5, "${BASE}", ["BASE"], False),
        (nginx, "COPY --from", 7, nginx, [], False),
        ("busybox:1.37", "COPY --from", 8, "busybox:1.37", [], False),
        ("$MISSING", "FROM", 10, "$MISSING", [], False),
    ]
    assert DOCKERFILE[build.images[3].supplied_by[0].span.start :].startswith(b"python:3.13-slim")


def test_build_has_its_final_chain() -> None:
    build = basekeeper.parse_dockerfile(DOCKERFILE).resolve(target="EXTRA")
    assert build.final_stage is not None
    assert build.final_stage.name == "extra"
    assert (build.final_chain, build.reachable) == ((2, 1), frozenset({0, 1, 2}))


def test_build_tells_what_is_unknown_and_what_is_refused() -> None:
    document = basekeeper.parse_dockerfile(DOCKERFILE)
    build = document.resolve()
    assert [image.reference_text for image in build.unresolved] == ["$MISSING"]
    assert build.unset_vars == ("MISSING",)
    assert build.rejected == "line 10: the variable MISSING is not set"
    assert basekeeper.parse_dockerfile(b"FROM a\n").resolve().rejected is None


def test_arguments_and_platform_of_a_build_count() -> None:
    build = basekeeper.parse_dockerfile(
        b"ARG TARGETARCH\nARG BASE=a:1\nFROM ${BASE} AS x\nFROM y/$TARGETARCH:1\n"
    ).resolve(build_args={"BASE": "b:2"}, platform="linux/arm64")
    assert [image.reference_text for image in build.images] == ["b:2", "y/arm64:1"]


@pytest.mark.parametrize("data", [b"", b"\x00\xff", b"FROM", b"# nothing\n", b"RUN x\nFROM a:!\n"])
def test_file_content_never_raises(data: bytes) -> None:
    build = basekeeper.parse_dockerfile(data).resolve()
    assert build.final_stage is None or build.stages
    assert build.rejected is None or build.rejected


def test_policy_judges_by_name_alone() -> None:
    judgement = basekeeper.load_policy().judge("python:3.10", now=NOW)
    assert judgement.category == "restricted"
    assert {name: answer.value for name, answer in judgement.quality.items()} == {
        "official_source": "yes",
        "current_version": "no",
        "supported": "no",
        "minimal_size": "no",
    }
    assert all(answer.reason for answer in judgement.quality.values())


@pytest.mark.parametrize(
    ("image", "facts"),
    [
        ("acme/x:nice", {"os_release": {"ID": "debian", "VERSION_ID": "10"}, "stage": "final"}),
        ("node:latest", {"resolved_version": "18.1.0", "stage": "build"}),
    ],
)
def test_fact_beats_what_a_tag_leaves_open(image: str, facts: dict[str, object]) -> None:
    policy = basekeeper.load_policy()
    assert policy.judge(image, now=NOW).quality["supported"].value != "no"
    assert policy.judge(image, facts, now=NOW).quality["supported"].value == "no"


@pytest.mark.parametrize(("verified", "category"), [(True, "restricted"), (False, "prohibited")])
def test_publisher_that_is_told_decides(verified: bool, category: str) -> None:  # noqa: FBT001
    facts = basekeeper.Facts(verified_publisher=verified)
    judgement = basekeeper.load_policy().judge("somebody/tool:1", facts, now=NOW)
    assert (judgement.category, judgement.category_known) == (category, True)


def test_every_fact_may_be_unknown() -> None:
    nothing = dict.fromkeys(
        ("stage", "official", "verified_publisher", "resolved_version", "os_release", "labels")
    )
    policy = basekeeper.load_policy()
    assert policy.judge("node:22", nothing, now=NOW) == policy.judge("node:22", now=NOW)


def test_fact_that_is_none_is_refused() -> None:
    with pytest.raises(basekeeper.Error, match="unknown fact 'offical'"):
        basekeeper.load_policy().judge("node", {"offical": True}, now=NOW)


def test_policy_comes_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text('[[policy.permitted]]\nimage = "example.com/**"\nrationale = "ours"\n')
    policy = basekeeper.load_policy(path)
    assert policy.judge("example.com/a:1", now=NOW).category == "permitted"


def test_missing_policy_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(basekeeper.Error, match="cannot be read"):
        basekeeper.load_policy(tmp_path / "none.toml")


def test_types_reach_the_user_whole(tmp_path: Path) -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "Typing :: Typed" in settings["project"]["classifiers"]
    assert (ROOT / "src" / "basekeeper" / "py.typed").is_file()
    script = tmp_path / "uses.py"
    script.write_text(USED)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", f"--cache-dir={tmp_path}", str(script)],
        cwd=tmp_path,
        env={"MYPYPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    revealed = [line for line in done.stdout.splitlines() if "Revealed type" in line]
    assert (done.returncode, len(revealed)) == (0, USED.count("reveal_type("))
    assert not [line for line in revealed if "Any" in line]


def test_updates_are_chosen_one_for_each_size() -> None:
    seen = basekeeper.TagFacts("3.12.11-slim", first_seen=NOW)
    updates = basekeeper.choose_updates(
        "python", "3.12.4-slim", ["3.12.4-slim", seen, "3.14.2-slim", "3.15.0rc1-slim"], NOW
    )
    assert {one.kind: one.tag for one in updates.choices} == {
        "digest": None,
        "patch": "3.12.11-slim",
        "minor": "3.14.2-slim",
        "major": None,
    }
    assert all(one.reason for one in updates.choices)
    assert (dict(updates.flags), updates.moves) == ({}, ())
