from __future__ import annotations

import pytest

from basekeeper.tags.axes import split_tag
from basekeeper.tags.roles import has_version_tags, is_builder, is_minimal_repository

LIBRARY = "docker.io/library/"


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        (LIBRARY + "golang", "1.27-alpine"),
        (LIBRARY + "rust", "1-slim"),
        (LIBRARY + "maven", "3.9-eclipse-temurin-21"),
        (LIBRARY + "eclipse-temurin", "21"),
        (LIBRARY + "eclipse-temurin", "21-jdk-alpine"),
        (LIBRARY + "swift", "6.3"),
        (LIBRARY + "caddy", "2-builder"),
        (LIBRARY + "buildpack-deps", "bookworm"),
        ("mcr.microsoft.com/dotnet/sdk", "8.0"),
        ("mcr.microsoft.com/dotnet-buildtools/prereqs", "azurelinux-3.0-net8.0-build-amd64"),
        ("registry.access.redhat.com/ubi9/openjdk-21", "1.23"),
        ("registry.redhat.io/ubi8/openjdk-17", "latest"),
        ("ghcr.io/acme/java", "21-jdk"),
    ],
)
def test_builders(name: str, tag: str) -> None:
    assert is_builder(name, split_tag("x", tag))


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        (LIBRARY + "node", "22"),
        (LIBRARY + "python", "3.12"),
        (LIBRARY + "eclipse-temurin", "21-jre"),
        (LIBRARY + "swift", "6.3-slim"),
        (LIBRARY + "caddy", "2"),
        (LIBRARY + "buildpack-deps", "bookworm-curl"),
        (LIBRARY + "buildpack-deps", "24.04-scm"),
        ("registry.access.redhat.com/ubi9/openjdk-21-runtime", "1.23"),
        ("quay.io/somebody/ubi9/openjdk-21", "1.23"),
        ("registry.access.redhat.com/ubi9/python-312", "1"),
        ("mcr.microsoft.com/dotnet/aspnet", "8.0"),
        ("gcr.io/distroless/java21-debian13", "nonroot"),
        ("ghcr.io/acme/golang", "1.27"),
    ],
)
def test_images_that_are_no_builders(name: str, tag: str) -> None:
    assert not is_builder(name, split_tag("x", tag))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (LIBRARY + "python", True),
        ("gcr.io/distroless/nodejs22-debian12", False),
        ("cgr.dev/chainguard/python", False),
    ],
)
def test_repositories_whose_tags_name_versions(name: str, *, expected: bool) -> None:
    assert has_version_tags(name) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (LIBRARY + "alpine", True),
        (LIBRARY + "debian", False),
        ("gcr.io/distroless/cc-debian12", True),
        ("registry.access.redhat.com/ubi9/ubi-micro", True),
        ("registry.access.redhat.com/ubi9-minimal", True),
        ("mcr.microsoft.com/azurelinux/distroless/minimal", True),
        ("registry.access.redhat.com/ubi9/ubi", False),
        ("docker.io/acme/alpine-tools", False),
    ],
)
def test_repositories_whose_images_are_all_minimal(name: str, *, expected: bool) -> None:
    assert is_minimal_repository(name) is expected
