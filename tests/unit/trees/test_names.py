"""Names alone say which files describe builds."""

from __future__ import annotations

import pytest

from basekeeper.trees.names import FileKind, kind_of

D, P, C, B, V, I, N = (  # noqa: E741
    FileKind.DOCKERFILE, FileKind.PERHAPS_DOCKERFILE, FileKind.COMPOSE, FileKind.BAKE,
    FileKind.DEVCONTAINER, FileKind.CI, None,
)  # fmt: skip

KINDS = [
    ("Dockerfile", D),
    ("a/dockerfile", D),
    ("DOCKERFILE", D),
    ("Containerfile", D),
    ("Dockerfile.dev", D),
    ("Dockerfile-dev", D),
    ("Dockerfile_dev", D),
    ("Dockerfile-1.2", D),
    ("Containerfile.ubi9", D),
    ("web.Dockerfile", D),
    ("web.dockerfile", D),
    ("x.y.Containerfile", D),
    ("Dockerfile.template", D),
    ("Dockerfile.in", D),
    ("Dockerfile.js", P),
    ("dockerfile_test.go", P),
    ("Dockerfile.json", P),
    ("Dockerfile.dockerignore", N),
    ("web.Dockerfile.dockerignore", N),
    ("Dockerfile.md", N),
    ("Dockerfile.dev~", N),
    ("Dockerfiles", N),
    ("MyDockerfile", N),
    ("dockerfile/readme", N),
    ("compose.yaml", C),
    ("compose.yml", C),
    ("docker-compose.yml", C),
    ("docker-compose.override.yml", C),
    ("docker-compose-dev.yaml", C),
    ("compose.prod.yaml", C),
    ("web.compose.yml", C),
    ("test-compose.yml", C),
    ("composer.yml", N),
    ("decompose.yml", N),
    ("compose.json", N),
    ("docker-bake.hcl", B),
    ("docker-bake.json", B),
    ("docker-bake.override.hcl", B),
    ("a/docker-bake.ci.json", B),
    ("bake.hcl", B),
    ("app.bake.hcl", B),
    ("main.hcl", N),
    ("bake.json", N),
    (".devcontainer.json", V),
    (".devcontainer/devcontainer.json", V),
    (".devcontainer/python/devcontainer.json", V),
    ("sub/.devcontainer/devcontainer.json", V),
    ("devcontainer.json", N),
    ("src/devcontainer.json", N),
    (".github/workflows/ci.yml", I),
    (".gitea/workflows/ci.yaml", I),
    ("sub/.github/workflows/ci.yml", I),
    (".github/actions/build/action.yml", I),
    (".github/workflows/deep/ci.yml", N),
    (".gitlab-ci.yml", I),
    (".gitlab/ci/build.yml", I),
    ("build.gitlab-ci.yml", I),
    ("other.yml", N),
    ("README", N),
]


@pytest.mark.parametrize(("path", "kind"), KINDS)
def test_kind(path: str, kind: FileKind | None) -> None:
    assert kind_of(path) is kind
