from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from basekeeper.lifecycle.catalogue import Catalogue
from basekeeper.tags.describe import ImageDescription, describe_image
from basekeeper.values.facts import NO_FACTS, Facts
from basekeeper.values.finding import AxisState, Truth
from basekeeper.values.reference import parse_reference

NOW = datetime(2026, 11, 23, 21, tzinfo=UTC)
DIGEST = "@sha256:" + "a" * 64
YES, NO, UNKNOWN = Truth.YES, Truth.NO, Truth.UNKNOWN


def described(text: str, facts: Facts = NO_FACTS, now: datetime = NOW) -> ImageDescription:
    return describe_image(parse_reference(text), Catalogue.bundled(), facts, now=now)


def state(text: str, product: str, facts: Facts = NO_FACTS, now: datetime = NOW) -> AxisState:
    found = [one for one in described(text, facts, now).axes if one.product == product]
    assert len(found) == 1, described(text, facts, now).axes
    return found[0]


@pytest.mark.parametrize(
    ("text", "product", "axis", "cycle", "answers"),
    [
        ("node:20", "nodejs", "application", "20", (NO, NO)),
        ("node:22.11.0", "nodejs", "application", "22", (YES, NO)),
        ("node:24", "nodejs", "application", "24", (YES, NO)),
        ("node:26", "nodejs", "application", "26", (YES, YES)),
        ("node:25", "nodejs", "application", "25", (NO, NO)),
        ("node:lts", "nodejs", "application", "26", (YES, YES)),
        ("node:iron-slim", "nodejs", "application", "20", (NO, NO)),
        ("node:lts-krypton", "nodejs", "application", "24", (YES, NO)),
        ("python:3.10", "python", "application", "3.10", (NO, NO)),
        ("python:3.12-slim", "python", "application", "3.12", (YES, NO)),
        ("node:0.10", "nodejs", "application", "0.10", (NO, NO)),
        ("nginx:1.17", "nginx", "application", "1.17", (NO, NO)),
        ("openjdk:8-jre", "openjdk-builds-from-oracle", "application", "8", (NO, NO)),
        ("python:3", "python", "application", "3.14", (YES, YES)),
        ("python:slim", "python", "application", "3.14", (YES, YES)),
        ("python:3.15", "python", "application", "3.15", (UNKNOWN, UNKNOWN)),
        ("postgres:14", "postgresql", "application", "14", (NO, NO)),
        ("postgres:16.4", "postgresql", "application", "16", (YES, NO)),
        ("postgres:9.6.24", "postgresql", "application", "9.6", (NO, NO)),
        ("elixir:1.16-erlang-25.0-alpine", "erlang", "application", "25", (NO, NO)),
        ("php:8.3-fpm", "php", "application", "8.3", (YES, NO)),
        ("nginx:1.30", "nginx", "application", "1.30", (YES, YES)),
        ("nginx:1.31", "nginx", "application", "1.31", (YES, YES)),
        ("nginx:stable", "nginx", "application", "1.30", (YES, YES)),
        ("nginx:1.29", "nginx", "application", "1.29", (NO, NO)),
        ("redis:7", "redis", "application", "7.4", (YES, NO)),
        ("mysql:8", "mysql", "application", "8.4", (YES, NO)),
        ("eclipse-temurin:21-jre", "eclipse-temurin", "application", "21", (YES, NO)),
        ("eclipse-temurin:8u452-b09-jdk", "eclipse-temurin", "application", "8", (YES, NO)),
        ("mcr.microsoft.com/dotnet/aspnet:8.0", "dotnet", "application", "8", (NO, NO)),
        ("mcr.microsoft.com/dotnet/aspnet:9.0", "dotnet", "application", "9", (NO, NO)),
        ("mcr.microsoft.com/dotnet/aspnet:10.0", "dotnet", "application", "10", (YES, YES)),
        ("maven:3.9-eclipse-temurin-17", "eclipse-temurin", "application", "17", (YES, NO)),
        ("wordpress:6.4-php8.1-apache", "php", "application", "8.1", (NO, NO)),
        ("pgvector/pgvector:pg16", "postgresql", "application", "16", (YES, NO)),
        ("public.ecr.aws/lambda/python:3.12", "python", "application", "3.12", (YES, NO)),
        ("registry.access.redhat.com/ubi9/nodejs-20", "nodejs", "application", "20", (NO, NO)),
        ("registry.access.redhat.com/ubi9/nodejs-20", "rhel", "os", "9", (YES, NO)),
        ("registry.access.redhat.com/ubi9/ubi-minimal:9.4-1194", "rhel", "os", "9", (YES, NO)),
        ("debian:12", "debian", "os", "12", (YES, NO)),
        ("debian:bookworm-20240904-slim", "debian", "os", "12", (YES, NO)),
        ("debian:11", "debian", "os", "11", (NO, NO)),
        ("debian:stable-slim", "debian", "os", "13", (YES, YES)),
        ("debian:oldstable", "debian", "os", "12", (YES, NO)),
        ("debian", "debian", "os", "13", (YES, YES)),
        ("debian:forky", "debian", "os", "14", (UNKNOWN, UNKNOWN)),
        ("alpine:3.21", "alpine-linux", "os", "3.21", (NO, NO)),
        ("alpine:3.20.3", "alpine-linux", "os", "3.20", (NO, NO)),
        ("alpine:3", "alpine-linux", "os", "3.24", (YES, YES)),
        ("ubuntu:24.04", "ubuntu", "os", "24.04", (YES, NO)),
        ("ubuntu:noble", "ubuntu", "os", "24.04", (YES, NO)),
        ("ubuntu:25.10", "ubuntu", "os", "25.10", (NO, NO)),
        ("ubuntu:26.10", "ubuntu", "os", "26.10", (YES, NO)),
        ("ubuntu:latest", "ubuntu", "os", "26.04", (YES, YES)),
        ("redis:7-alpine", "alpine-linux", "os", "3.21", (NO, NO)),
        ("rust:1-slim-bullseye", "debian", "os", "11", (NO, NO)),
        ("python:3.12-slim", "debian", "os", "13", (YES, YES)),
        (
            "mcr.microsoft.com/windows/nanoserver:ltsc2022",
            "windows-server",
            "os",
            "2022",
            (YES, NO),
        ),
        (f"gcr.io/distroless/nodejs22-debian12{DIGEST}", "nodejs", "application", "22", (YES, NO)),
        ("gcr.io/distroless/nodejs22-debian12", "debian", "os", "12", (YES, NO)),
        (
            "gcr.io/distroless/nodejs22-debian12",
            "distroless-nodejs",
            "generation",
            "debian12",
            (NO, NO),
        ),
        (
            "gcr.io/distroless/static-debian13:nonroot",
            "distroless",
            "generation",
            "debian13",
            (YES, YES),
        ),
        ("gcr.io/distroless/static", "distroless", "generation", "debian13", (YES, YES)),
        ("gcr.io/distroless/static", "debian", "os", "13", (YES, YES)),
        ("gcr.io/distroless/nodejs:18", "nodejs", "application", "18", (NO, NO)),
        ("centos:7", "centos", "os", "7", (NO, NO)),
        ("arm64v8/alpine:3.20", "alpine-linux", "os", "3.20", (NO, NO)),
    ],
)
def test_places_each_version_in_its_calendar(
    text: str, product: str, axis: str, cycle: str, answers: tuple[Truth, Truth]
) -> None:
    found = state(text, product)
    assert (found.axis, found.cycle) == (axis, cycle)
    assert (found.supported.value, found.current.value) == answers, found


def test_a_state_carries_its_dates_and_sources() -> None:
    found = state("node:24", "nodejs")
    assert found.end_of_life == date(2028, 4, 30)
    assert (found.newest, found.newest_since) == ("26", date(2026, 10, 28))
    assert found.supported.source == "endoflife.date"
    assert found.supported.as_of == date(2026, 8, 22)
    assert state("debian:12", "debian").supported.source == "distro-info-data"


@pytest.mark.parametrize(
    ("text", "product", "named"),
    [
        ("node:24", "nodejs", True),
        ("node:24", "debian", False),
        ("node:24-bookworm-slim", "debian", True),
        ("node:24-alpine", "alpine-linux", False),
        ("node:24-alpine3.24", "alpine-linux", True),
        ("debian", "debian", True),  # whoever uses it can name another release
        ("buildpack-deps:24.04", "ubuntu", True),
        ("gcr.io/distroless/static", "debian", False),
        ("gcr.io/distroless/static-debian12", "debian", True),
    ],
)
def test_a_state_tells_whether_the_name_says_the_version(
    text: str, product: str, *, named: bool
) -> None:
    assert state(text, product).named is named


def test_a_list_answer_says_what_the_tag_stood_for_and_when() -> None:
    reason = state("python:3", "python").supported.reason
    assert "3 was 3.14.7 on 2026-08-21" in reason


@pytest.mark.parametrize(
    ("text", "product", "cycle", "because"),
    [
        ("node:lts", "debian", "13", "26 was on it on 2026-08-21"),
        ("node:lts-alpine", "alpine-linux", "3.24", "26-alpine was on it on 2026-08-21"),
    ],
)
def test_the_system_behind_a_moved_channel_is_that_of_its_line(
    text: str, product: str, cycle: str, because: str
) -> None:
    found = state(text, product)
    assert found.cycle == cycle
    assert because in found.supported.reason


def test_the_system_behind_a_channel_that_did_not_move_is_told() -> None:
    before = datetime(2026, 9, 1, tzinfo=UTC)
    assert state("node:lts", "nodejs", now=before).cycle == "24"
    assert state("node:lts", "debian", now=before).cycle == "12"


@pytest.mark.parametrize(
    ("text", "undetermined"),
    [
        ("node:20", ("os: the tag '20' names no operating system",)),
        ("python:3.9-alpine", ("os: the tag '3.9-alpine' names no release of alpine-linux",)),
        (
            "grafana/loki:2.9",
            (
                "application: no calendar for docker.io/grafana/loki",
                "os: the tag '2.9' names no operating system",
            ),
        ),
        (
            f"node{DIGEST}",
            (
                "application: a digest names no version of Node.js",
                "os: a digest names no operating system",
            ),
        ),
        (
            "jenkins/jenkins:jdk21",
            (
                "application: the tag 'jdk21' names no version of Jenkins",
                "os: the tag 'jdk21' names no operating system",
            ),
        ),
        (
            "gcr.io/distroless/python3-debian13",
            ("application: python 3 names no line of Python",),
        ),
        ("alpine:edge", ("os: the tag 'edge' names no release of Alpine Linux",)),
        (f"alpine{DIGEST}", ("os: a digest names no release of Alpine Linux",)),
        ("busybox:1.36", ("application: no calendar for docker.io/library/busybox",)),
    ],
)
def test_says_what_could_not_be_told(text: str, undetermined: tuple[str, ...]) -> None:
    assert described(text).undetermined == undetermined


class TestFacts:
    def test_os_release_beats_the_tag(self) -> None:
        facts = Facts(os_release={"ID": "alpine", "VERSION_ID": "3.18.4"})
        found = described(f"alpine:3.24{DIGEST}", facts)
        assert [(one.axis, one.cycle) for one in found.axes] == [("os", "3.18")]
        assert found.axes[0].supported.value is NO
        assert found.confidence == "high"

    def test_a_resolved_version_beats_the_tag(self) -> None:
        assert state("node:22", "nodejs", Facts(resolved_version="20.1.0")).cycle == "20"
        assert state("alpine:3.24", "alpine-linux", Facts(resolved_version="3.18")).cycle == "3.18"

    def test_a_digest_without_facts_lowers_the_confidence(self) -> None:
        assert described(f"alpine:3.24{DIGEST}").confidence == "medium"
        assert described("alpine:3.24").confidence == "high"

    def test_the_base_name_label_tells_the_system(self) -> None:
        label = {"org.opencontainers.image.base.name": "debian:bullseye-slim"}
        assert state("node:20", "debian", Facts(labels=label)).cycle == "11"

    @pytest.mark.parametrize("base", ["Not A Reference", "node:22", ""])
    def test_a_label_that_names_no_system_is_passed_over(self, base: str) -> None:
        found = described("node:20", Facts(labels={"org.opencontainers.image.base.name": base}))
        assert found.undetermined == ("os: the tag '20' names no operating system",)

    def test_a_system_without_calendar_is_not_replaced_by_the_tag(self) -> None:
        found = described("python:3.12-slim-bookworm", Facts(os_release={"ID": "wolfi"}))
        assert [one.axis for one in found.axes] == ["application"]
        assert found.undetermined == ("os: no calendar for 'wolfi'",)

    @pytest.mark.parametrize(
        ("name", "product"),
        [("CentOS Linux", "centos"), ("CentOS Stream", "centos-stream")],
    )
    def test_tells_centos_from_its_stream(self, name: str, product: str) -> None:
        facts = Facts(os_release={"ID": "centos", "NAME": name, "VERSION_ID": "8"})
        assert state("x/y:1", product, facts).supported.value is NO

    def test_given_official_and_publisher_facts_beat_the_lists(self) -> None:
        found = described("x/y:1", Facts(official=True, verified_publisher=True))
        assert (found.official.value, found.publisher.value) == (YES, YES)
        found = described("node:22", Facts(official=False))
        assert (found.official.value, found.official.source) == (NO, "given facts")


@pytest.mark.parametrize(
    ("text", "is_small", "minimal", "alternative", "moves_to"),
    [
        ("python:3.12", False, NO, "3.12-slim", None),
        ("python:3.12-slim", True, YES, None, None),
        ("golang:1.22", False, NO, "1.22-alpine", "alpine-linux"),
        ("ubuntu:24.04", False, YES, None, None),
        ("mysql:8.4", False, YES, None, None),
        ("debian:12", False, NO, "12-slim", None),
        ("gcr.io/distroless/static-debian12", True, YES, None, None),
        ("busybox:1.36", True, YES, None, None),
        ("alpine:3.24", True, YES, None, None),
        ("registry.access.redhat.com/ubi9/ubi-minimal:9.4", True, YES, None, None),
        ("mcr.microsoft.com/dotnet/aspnet:8.0", True, YES, None, None),
        ("mcr.microsoft.com/dotnet/aspnet:10.0", False, NO, "10.0-noble-chiseled", None),
        ("grafana/loki:2.9", False, UNKNOWN, None, None),
        ("wordpress:6.4-php8.1-apache", False, UNKNOWN, None, None),
        (f"python{DIGEST}", False, UNKNOWN, None, None),
        ("mcr.microsoft.com/windows/nanoserver:ltsc2022", True, YES, None, None),
    ],
)
def test_tells_minimal_variants_and_smaller_ones(
    text: str, *, is_small: bool, minimal: Truth, alternative: str | None, moves_to: str | None
) -> None:
    found = described(text)
    assert found.is_minimal_variant is is_small
    assert found.minimal.value is minimal
    assert (found.minimal_alternative, found.minimal_moves_to) == (alternative, moves_to)


def test_a_move_to_another_system_is_said() -> None:
    assert described("golang:1.27").minimal.reason == (
        "1.27-alpine is smaller (it moves to alpine-linux)"
    )


@pytest.mark.parametrize(
    ("text", "floating"),
    [
        ("node", True),
        ("node:latest", True),
        ("node:lts", True),
        ("node:alpine", True),
        ("rust:slim-bookworm", True),
        ("debian:stable-slim", True),
        ("foo/bar:edge", True),
        ("gcr.io/distroless/static:nonroot", True),
        (f"node:latest{DIGEST}", False),
        (f"node{DIGEST}", False),
        ("python:3.12", False),
        ("python:3", False),
        ("node:lts-krypton", False),
        ("debian:bookworm-slim", False),
        ("buildpack-deps:bookworm", False),
        ("pgvector/pgvector:pg16", False),
        ("alpine:20260805", False),
        ("foo/bar:3f2a9bc", False),
        ("foo/bar:my-feature", False),
        ("gcr.io/distroless/static-debian12:nonroot", False),
    ],
)
def test_floating_means_that_neither_tag_nor_digest_names_a_version(
    text: str, *, floating: bool
) -> None:
    assert described(text).floating is floating


@pytest.mark.parametrize(
    ("text", "lts"),
    [
        ("ubuntu:24.04", YES),
        ("ubuntu:26.10", NO),
        ("ubuntu:latest", YES),
        ("node:24", YES),
        ("python:3.12", NO),
        ("grafana/loki:2.9", UNKNOWN),
        ("python:3.15", UNKNOWN),
    ],
)
def test_tells_lts_lines(text: str, lts: Truth) -> None:
    assert described(text).is_lts.value is lts


def test_an_ended_repository_gets_an_axis_and_a_successor() -> None:
    found = described("openjdk:17-jdk-slim")
    ended = found.axes[-1]
    assert (ended.axis, ended.product) == ("generation", "docker.io/library/openjdk")
    assert ended.supported.value is NO
    assert ended.end_of_life == date(2022, 7, 31)
    assert found.suggestion == "eclipse-temurin"


def test_a_repository_had_not_ended_before_its_day() -> None:
    before = datetime(2022, 7, 1, tzinfo=UTC)
    assert [one.axis for one in described("openjdk:17-slim", now=before).axes] == ["application"]


def test_listed_tags_of_a_deprecated_repository_are_still_alive() -> None:
    found = described("openjdk:28-ea")
    assert "generation" not in [one.axis for one in found.axes]
    assert found.suggestion == "eclipse-temurin"


@pytest.mark.parametrize(
    ("text", "listed"),
    [
        ("node:22", YES),
        ("node:20", NO),
        ("foo/bar:1", UNKNOWN),
        ("mcr.microsoft.com/dotnet/sdk:10.0-noble-arm64v8", UNKNOWN),
        (f"node{DIGEST}", UNKNOWN),
    ],
)
def test_tells_whether_a_tag_is_built_today(text: str, listed: Truth) -> None:
    assert described(text).listed.value is listed


def test_keeps_the_words_of_a_tag() -> None:
    found = described("gcr.io/distroless/static-debian12:debug-nonroot")
    assert found.variants == ("debug", "nonroot")
    assert found.is_debug
    assert not described("python:3.12-slim").is_debug
    assert described("python:3.12").product == "python"
    assert described("foo/bar:1").product is None
