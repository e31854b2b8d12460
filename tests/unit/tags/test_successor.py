from __future__ import annotations

from datetime import UTC, datetime

import pytest

from basekeeper.lifecycle.catalogue import Catalogue
from basekeeper.tags.describe import describe_image
from basekeeper.values.reference import parse_reference

NOW = datetime(2026, 11, 23, 21, tzinfo=UTC)
DIGEST = "@sha256:" + "a" * 64


def successor(text: str, now: datetime = NOW) -> str | None:
    found = describe_image(parse_reference(text), Catalogue.bundled(), now=now).successor
    return None if found is None else found.text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("python:3.10-slim", "python:3.14-slim"),
        ("python:3.9", "python:3.14"),
        ("python:2", "python:3"),
        ("node:20", "node:26"),
        ("node:18-alpine", "node:26-alpine"),
        ("node:25-slim", "node:26-slim"),
        ("php:8.1-fpm-alpine", "php:8.5-fpm-alpine"),
        ("postgres:9.6", "postgres:18"),
        ("golang:1.25", "golang:1.27"),
        ("nginx:1.29", "nginx:1.30"),
        ("mysql:8.0", "mysql:9.7"),
        ("alpine:3.18", "alpine:3.24"),
        ("ubuntu:20.04", "ubuntu:26.04"),
        ("ubuntu:25.10", "ubuntu:26.04"),
        ("ubuntu:focal", "ubuntu:resolute"),
        ("debian:buster-slim", "debian:trixie-slim"),
        ("debian:11", "debian:13"),
        ("fedora:41", "fedora:44"),
        ("mcr.microsoft.com/dotnet/sdk:8.0", "mcr.microsoft.com/dotnet/sdk:10.0"),
        (
            "mcr.microsoft.com/dotnet/aspnet:6.0-alpine",
            "mcr.microsoft.com/dotnet/aspnet:10.0-alpine",
        ),
    ],
)
def test_an_ended_line_leads_to_the_newest_of_the_same_variant(text: str, expected: str) -> None:
    assert successor(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("python:3.10-bookworm", "python:3.14-bookworm"),
        ("node:24-alpine3.20", "node:24-alpine3.24"),
        ("python:3.13-slim-bullseye", "python:3.13-slim-trixie"),
        ("node:18-bullseye", "node:26-trixie"),
        ("redis:7.4-alpine", "redis:8.10-alpine"),
    ],
)
def test_what_still_has_support_is_kept_where_such_an_image_exists(
    text: str, expected: str
) -> None:
    assert successor(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("node:24", "node:26"),
        ("python:3.12-bookworm", "python:3.14-trixie"),
        ("eclipse-temurin:21-jre", "eclipse-temurin:25-jre"),
        ("maven:3.9-eclipse-temurin-17", "maven:3.9-eclipse-temurin-25"),
        ("debian:12-slim", "debian:13-slim"),
        ("python:3.14-bookworm", "python:3.14-trixie"),
        ("gcr.io/distroless/nodejs24-debian13", "gcr.io/distroless/nodejs26-debian13"),
    ],
)
def test_a_line_that_is_behind_leads_to_the_newest(text: str, expected: str) -> None:
    assert successor(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gcr.io/distroless/nodejs22-debian12", "gcr.io/distroless/nodejs22-debian13"),
        (
            "gcr.io/distroless/nodejs20-debian12:nonroot",
            "gcr.io/distroless/nodejs26-debian13:nonroot",
        ),
        (
            f"gcr.io/distroless/static-debian11:debug{DIGEST}",
            "gcr.io/distroless/static-debian13:debug",
        ),
        ("gcr.io/distroless/base-nossl-debian12", "gcr.io/distroless/base-nossl-debian13"),
        ("gcr.io/distroless/java11-debian11", "gcr.io/distroless/java25-debian13"),
    ],
)
def test_a_dead_generation_leads_to_another_repository(text: str, expected: str) -> None:
    assert successor(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"python:3.10-slim{DIGEST}", "python:3.14-slim"),
        ("docker.io/library/python:3.10", "docker.io/library/python:3.14"),
        ("mirror.gcr.io/library/python:3.10", "mirror.gcr.io/library/python:3.14"),
        ("arm64v8/python:3.10", "arm64v8/python:3.14"),
    ],
)
def test_keeps_the_name_as_written_and_no_digest(text: str, expected: str) -> None:
    assert successor(text) == expected


def test_a_full_version_leads_to_a_full_version() -> None:
    found = successor("python:3.10.4-slim")
    assert found is not None
    assert found.startswith("python:3.14.")
    assert found.endswith("-slim")
    assert (successor("debian:bullseye-20230109-slim") or "").startswith("debian:trixie-2026")


@pytest.mark.parametrize(
    "text",
    [
        "node:26",
        "python:3.14-slim",
        "nginx:1.31",
        "node",
        "node:lts",
        f"node{DIGEST}",
        "alpine:3.99",
        "openjdk:8",  # its publisher names another repository
        "foo/bar:1",
        "quay.io/keycloak/keycloak:20",  # no list of its tags
        "python:3.10-no-such-variant",
        "gcr.io/distroless/static",
        "mysql:9.7",  # all its tags are on the same Oracle Linux, which is behind
    ],
)
def test_names_none_where_nothing_is_behind_or_no_list_has_one(text: str) -> None:
    assert successor(text) is None


def test_never_leads_back_from_what_is_newer_than_the_newest_lts_line() -> None:
    before = datetime(2026, 10, 1, tzinfo=UTC)
    assert successor("node:26", before) is None
    assert successor("ubuntu:26.10") is None


def test_never_leads_to_a_line_that_is_not_out_yet_or_a_prerelease() -> None:
    before = datetime(2026, 10, 1, tzinfo=UTC)
    assert successor("node:20-slim", before) == "node:24-slim"


BEFORE_NODE_26 = datetime(2026, 9, 15, tzinfo=UTC)
"""A day on which Node 24 is the newest LTS line, whose bare tags stand on Debian 12."""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("node:24-slim", "node:24-trixie-slim"),
        ("node:24", "node:24-trixie"),
        ("node:24-alpine", None),  # its system is current
        ("node:slim", None),  # names no version that could be kept
        ("mcr.microsoft.com/dotnet/aspnet:10.0", "mcr.microsoft.com/dotnet/aspnet:10.0-resolute"),
        ("eclipse-temurin:25-nanoserver", "eclipse-temurin:25-nanoserver-ltsc2025"),
    ],
)
def test_a_system_that_the_publisher_picked_leads_to_a_tag_that_names_a_newer(
    text: str, expected: str | None
) -> None:
    assert successor(text, BEFORE_NODE_26) == expected
