"""CI files and scripts: builds as far as they are literal."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

from basekeeper.readers.ci import read_ci
from basekeeper.readers.shell import find_builds, without_workspace

if TYPE_CHECKING:
    from basekeeper.readers.spec import BuildSpec


def builds(text: str, path: str = ".github/workflows/ci.yml") -> list[BuildSpec]:
    return list(read_ci(textwrap.dedent(text).encode(), path).builds)


def seen(spec: BuildSpec) -> tuple[str | None, str | None, dict[str, str]]:
    return spec.dockerfile, spec.target, {key: text.value for key, text in spec.args.items()}


def test_a_build_push_step_with_everything() -> None:
    (spec,) = builds("""
        jobs:
          publish:
            steps:
              - uses: actions/checkout@v4
              - name: Build
                uses: docker/build-push-action@v6
                with:
                  context: ./api
                  file: docker/Dockerfile
                  target: release
                  platforms: linux/amd64, linux/arm64,${{ matrix.x }}
                  build-args: |
                    VERSION=1.2
                    COMMIT=${{ github.sha }}
                    EMPTY=
                  build-contexts: |
                    base=docker-image://alpine:3.22
                    other=${{ inputs.other }}
        """)
    assert seen(spec) == ("docker/Dockerfile", "release", {"VERSION": "1.2", "EMPTY": ""})
    assert spec.platforms == ("linux/amd64", "linux/arm64")
    assert [(each.name, each.image) for each in spec.contexts] == [("base", "alpine:3.22")]
    assert (spec.name, spec.place.line) == (".github/workflows/ci.yml: publish", 6)


STEPS = [
    ("", "Dockerfile"),
    ("context: sub", "sub/Dockerfile"),
    ("context: '{{defaultContext}}:sub'", "sub/Dockerfile"),
    ("context: '${{ github.workspace }}/sub'", "sub/Dockerfile"),
    ("file: ${{ matrix.file }}", None),
    ("context: ${{ matrix.dir }}", None),
    ("{context: '${{ matrix.dir }}', file: x/Dockerfile}", "x/Dockerfile"),
    ("context: https://github.com/a/b.git", None),
    ("context: ../out", None),
    ("file: /abs/Dockerfile", None),
]


@pytest.mark.parametrize(("inputs", "expected"), STEPS)
def test_the_dockerfile_of_a_step(inputs: str, expected: str | None) -> None:
    inputs = inputs if inputs.startswith("{") else f"{{{inputs}}}"
    found = builds(
        f"jobs: {{a: {{steps: [{{uses: docker/build-push-action@v6, with: {inputs}}}]}}}}"
    )
    assert [spec.dockerfile for spec in found] == ([] if expected is None else [expected])


def test_scripts_of_steps_run_where_they_say() -> None:
    found = builds("""
        defaults: {run: {working-directory: top}}
        jobs:
          one:
            steps:
              - run: docker build .
              - run: |
                  echo start
                  docker build -f a.Dockerfile \\
                    --target x .
                working-directory: sub
              - run: docker build .
                working-directory: ${{ matrix.dir }}
          two:
            defaults: {run: {working-directory: other}}
            steps: [{run: docker build .}]
        """)
    assert [(spec.name.partition(": ")[2], spec.dockerfile, spec.place.line) for spec in found] == [
        ("one", "top/Dockerfile", 6),
        ("one #2", "sub/a.Dockerfile", 9),
        ("two", "other/Dockerfile", 16),
    ]


def test_a_composite_action_is_read() -> None:
    (spec,) = builds("runs: {steps: [{run: docker build .}]}", ".github/actions/x/action.yml")
    assert spec.dockerfile == "Dockerfile"


def test_a_nested_copy_of_a_repository_has_its_own_root() -> None:
    (spec,) = builds("jobs: {a: {steps: [{run: docker build .}]}}", "copy/.github/workflows/ci.yml")
    assert spec.dockerfile == "copy/Dockerfile"


def test_gitlab_scripts_are_read_in_order() -> None:
    found = builds(
        """
        build:
          before_script: [echo hello]
          script:
            - cd api
            - [docker build -t x ., "docker build --target t -f $CI_PROJECT_DIR/D ."]
            - |
              docker build --build-arg A=1 --build-arg B=$B $UNKNOWN_TAIL
              docker build --build-arg A=1 --build-arg B=$B --build-arg=C=3 .
        kaniko:
          script:
            - >-
              /kaniko/executor --context $CI_PROJECT_DIR/web --target prod --cache=true
              --dockerfile $CI_PROJECT_DIR/web/Dockerfile
        image: x
        """,
        ".gitlab-ci.yml",
    )  # fmt: skip
    assert [seen(spec) for spec in found] == [
        ("api/Dockerfile", None, {}),
        ("api/D", "t", {}),
        ("api/Dockerfile", None, {"A": "1", "C": "3"}),
        ("web/Dockerfile", "prod", {}),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "jobs: [",
        "docker build: [x",
        "jobs: {a: {steps: text}} # docker build",
        "- docker build",
    ],
)
def test_files_without_builds_and_broken_ones_yield_none(text: str) -> None:
    assert builds(text) == []


COMMANDS = [
    ("docker build .", [(".", None, None, {})]),
    ("docker buildx build --push -t a:b --target=x -fD dir", [("dir", "D", "x", {})]),
    ("docker image build dir", [("dir", None, None, {})]),
    ("podman build --build-arg A='b c' -f 'my file' .", [(".", "my file", None, {"A": "b c"})]),
    ("buildah bud --layers --platform linux/arm64 x", [("x", None, None, {})]),
    ("sudo DOCKER=1 docker build .", []),
    ("X=1 sudo docker build .", [(".", None, None, {})]),
    ("echo docker build .", []),
    ("docker run build", []),
    ("# docker build .", []),
    (
        "make && docker build a; docker build b || true",
        [("a", None, None, {}), ("b", None, None, {})],
    ),
    ("docker build -t x\n", [(None, None, None, {})]),
    ("docker build - < Dockerfile", [("Dockerfile", None, None, {})]),
    ('docker build "a\\"b" \\\n  --target t', [('a\\"b', None, "t", {})]),
    ("docker build --target $T --build-arg A=$B --build-arg C .", [(".", None, None, {})]),
    ("docker build --secret id=x --cache-from y .", [(".", None, None, {})]),
    ("docker build --build-context n=docker-image://a .", [(".", None, None, {})]),
    ("/usr/bin/docker build .", [(".", None, None, {})]),
    ("docker build a 'open", [("a", None, None, {})]),
    ("", []),
]


@pytest.mark.parametrize(("script", "expected"), COMMANDS)
def test_commands(script: str, expected: list[object]) -> None:
    found = [(each.context, each.file, each.target, each.args) for each in find_builds(script)]
    if "<" in script or "open" in script:
        found = [(found[0][0] and found[0][0].rpartition(" ")[2], *found[0][1:])] if found else []
        assert len(found) == len(expected)
    else:
        assert found == expected


DIRECTORIES = [
    ("cd a && docker build .", "a"),
    ("cd a\ncd ../b\ndocker build .", "b"),
    ("cd $GITHUB_WORKSPACE/x; docker build .", "x"),
    ("cd $DIR; docker build .", None),
    ("cd /abs; docker build .", None),
    ("cd ~/x; docker build .", None),
    ("cd $DIR; cd x; docker build .", None),
    ("cd; docker build .", "."),
]


@pytest.mark.parametrize(("script", "expected"), DIRECTORIES)
def test_directories(script: str, expected: str | None) -> None:
    (found,) = find_builds(script)
    assert found.directory == expected


@pytest.mark.parametrize(
    "script", ["docker build $X", "docker build -f $X .", "docker build `pwd`"]
)
def test_what_only_the_run_knows(script: str) -> None:
    (found,) = find_builds(script)
    assert found.unknown


WORKSPACES = [
    ("${{ github.workspace }}/a", "a"), ("$GITHUB_WORKSPACE", "."), ("${CI_PROJECT_DIR}/a", "a"),
    ("$PWD/a", "a"), ("$(pwd)/a", "a"), ("$PWDX/a", "$PWDX/a"), ("a/$PWD", "a/$PWD"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), WORKSPACES)
def test_without_workspace(text: str, expected: str) -> None:
    assert without_workspace(text) == expected


def test_a_build_from_standard_input_says_nothing() -> None:
    assert builds("jobs: {a: {steps: [{run: docker build -f - .}, {run: docker build -}]}}") == []
