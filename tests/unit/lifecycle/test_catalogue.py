from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from basekeeper.errors import InputError
from basekeeper.lifecycle.catalogue import (
    CALENDARS,
    OFFICIAL,
    PUBLISHERS,
    STALE_AFTER,
    Catalogue,
    Source,
)
from basekeeper.lifecycle.datafile import BUNDLED
from basekeeper.values.finding import Truth
from basekeeper.values.reference import parse_reference

if TYPE_CHECKING:
    from pathlib import Path

YES, NO, UNKNOWN = Truth.YES, Truth.NO, Truth.UNKNOWN


def bundled_content(name: str) -> dict[str, Any]:
    content = json.loads((BUNDLED / name).read_text())
    assert isinstance(content, dict)
    return content


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue.bundled()


@pytest.mark.parametrize(
    ("text", "official"),
    [
        ("python:3.12", YES),
        ("docker.io/library/alpine", YES),
        ("arm64v8/alpine", YES),
        ("public.ecr.aws/docker/library/node:22", YES),
        ("mirror.gcr.io/library/node", YES),
        ("centos:7", NO),
        ("pyhton:3.12", NO),
        ("library.example.org/library/python", NO),
        ("docker.io/acme/python", NO),
        ("ghcr.io/library/python", NO),
        ("quay.io/docker.io/library/python", NO),
    ],
)
def test_official_means_in_library_and_on_the_list(
    catalogue: Catalogue, text: str, official: Truth
) -> None:
    answer = catalogue.is_official(parse_reference(text))
    assert answer.value is official
    assert (answer.source, answer.as_of) == ("docker-library/official-images", date(2026, 8, 21))


@pytest.mark.parametrize(
    ("text", "verified"),
    [
        ("gcr.io/distroless/static", YES),
        ("gcr.io/distroless-evil/static", NO),
        ("mcr.microsoft.com/dotnet/sdk:8.0", YES),
        ("mcr.microsoft.com.evil.example/dotnet/sdk", NO),
        ("registry.access.redhat.com/ubi9", YES),
        ("hashicorp/vault:1.15", YES),
        ("grafana/grafana", YES),
        ("bitnami/redis", NO),
        ("fluent/fluent-bit", NO),
        ("distroless/static", UNKNOWN),
        ("acme/tool", UNKNOWN),
        ("public.ecr.aws/lambda/python:3.12", YES),
        ("public.ecr.aws/acme/tool", UNKNOWN),
        ("ghcr.io/acme/tool", NO),
        ("quay.io/keycloak/keycloak", NO),
        ("registry.corp.example:5000/base/java", NO),
        ("python:3.12", NO),
    ],
)
def test_publishers_are_known_by_whole_parts_of_their_namespace(
    catalogue: Catalogue, text: str, verified: Truth
) -> None:
    assert catalogue.publisher(parse_reference(text)).value is verified


def test_an_unknown_publisher_says_that_it_could_not_be_verified(catalogue: Catalogue) -> None:
    answer = catalogue.publisher(parse_reference("acme/tool"))
    assert answer.reason == "the publisher status of docker.io/acme is not in the bundled list"


@pytest.mark.parametrize(
    ("text", "product"),
    [
        ("node:22", "nodejs"),
        ("public.ecr.aws/lambda/nodejs:22", "nodejs"),
        ("gcr.io/distroless/nodejs22-debian12", "distroless-nodejs"),
        ("gcr.io/distroless/base-nossl-debian12", "distroless"),
        ("almalinux/9-base:9", "almalinux"),
        ("registry.access.redhat.com/ubi9/ubi-micro", "rhel"),
        ("bitnami/node:20", "nodejs"),
        ("ghcr.io/acme/node", None),
    ],
)
def test_finds_the_product_of_a_repository(
    catalogue: Catalogue, text: str, product: str | None
) -> None:
    found = catalogue.product_for(parse_reference(text))
    assert (None if found is None else found.name) == product


def test_an_unknown_product_is_none(catalogue: Catalogue) -> None:
    assert catalogue.product("no-such-thing") is None


def test_lists_the_tags_of_official_and_vendor_repositories(catalogue: Catalogue) -> None:
    python = catalogue.tags_of(parse_reference("python"))
    assert python is not None
    assert "3.12-slim" in python
    assert "3.12-slim-trixie" in python.aliases("3.12-slim")
    assert "3.8" not in python
    assert "" not in python
    dotnet = catalogue.tags_of(parse_reference("mcr.microsoft.com/dotnet/aspnet"))
    assert dotnet is not None
    assert "8.0-bookworm-slim" in dotnet.aliases("8.0")
    assert catalogue.tags_of(parse_reference("ghcr.io/acme/tool")) is None
    assert catalogue.tags_of(parse_reference("no-such-official-image")) is None


def test_a_shared_tag_belongs_to_the_linux_image(catalogue: Catalogue) -> None:
    golang = catalogue.tags_of(parse_reference("golang"))
    assert golang is not None
    assert "1.27-trixie" in golang.aliases("1.27")


@pytest.mark.parametrize(
    ("text", "replacement"),
    [
        ("openjdk:17", "eclipse-temurin"),
        ("bitnami/redis:7", "a Docker Official Image of the same product"),
        ("k8s.gcr.io/pause:3.5", "registry.k8s.io/pause"),
        ("mcr.microsoft.com/dotnet/core/aspnet:3.1", "mcr.microsoft.com/dotnet/aspnet"),
    ],
)
def test_names_what_replaces_a_repository(
    catalogue: Catalogue, text: str, replacement: str
) -> None:
    found = catalogue.replacement(parse_reference(text))
    assert found is not None
    assert found.replacement == replacement
    assert found.source.startswith("https://")


def test_a_living_repository_has_no_replacement(catalogue: Catalogue) -> None:
    assert catalogue.replacement(parse_reference("node:22")) is None
    assert catalogue.replacement(parse_reference("bitnamix/node")) is None


class TestAge:
    def test_every_source_has_a_licence_a_day_and_entries(self, catalogue: Catalogue) -> None:
        assert {source.name for source in catalogue.sources} >= {
            "endoflife.date",
            "distro-info-data",
            "docker-library/official-images",
        }
        for source in catalogue.sources:
            assert source.licence
            assert source.count > 0
        assert catalogue.as_of["endoflife.date"] == date(2026, 8, 22)

    def test_old_data_says_so_once(self, catalogue: Catalogue) -> None:
        (notice,) = catalogue.stale(datetime(2026, 11, 23, tzinfo=UTC))
        assert notice == (
            "facts are up to 212 days old: "
            "`basekeeper data info` lists them, `basekeeper data update` renews them"
        )

    def test_fresh_data_says_nothing(self, catalogue: Catalogue) -> None:
        assert catalogue.stale(datetime(2026, 5, 1, tzinfo=UTC)) == ()

    def test_the_limit_itself_is_not_old(self) -> None:
        day = date(2026, 8, 22)
        source = Source("s", "", "MIT", day, 1)
        limit = datetime.combine(day, datetime.min.time(), UTC) + STALE_AFTER
        assert not source.is_stale(limit)
        assert source.is_stale(limit + timedelta(days=1))

    def test_a_clock_before_the_data_gives_no_negative_age(self) -> None:
        source = Source("s", "", "MIT", date(2026, 8, 22), 1)
        assert source.age(datetime(2020, 1, 1, tzinfo=UTC)) == timedelta(0)


class TestDataDirectory:
    def test_newer_files_win(self, tmp_path: Path) -> None:
        content = bundled_content(OFFICIAL) | {"as_of": "2026-11-01"}
        content["repositories"] = {"brandnew": ["1 latest"]}
        (tmp_path / OFFICIAL).write_text(json.dumps(content))
        catalogue = Catalogue.load(tmp_path)
        assert catalogue.is_official(parse_reference("brandnew")).value is YES
        assert catalogue.is_official(parse_reference("node")).value is NO
        assert catalogue.product("nodejs") is not None

    def test_older_files_lose(self, tmp_path: Path) -> None:
        content = bundled_content(OFFICIAL) | {"as_of": "2026-01-01", "repositories": {}}
        (tmp_path / OFFICIAL).write_text(json.dumps(content))
        catalogue = Catalogue.load(tmp_path)
        assert catalogue.is_official(parse_reference("node")).value is YES

    def test_a_missing_directory_means_the_bundled_files(self, tmp_path: Path) -> None:
        catalogue = Catalogue.load(tmp_path / "none")
        assert catalogue.as_of == Catalogue.bundled().as_of
        assert Catalogue.load(None).product_names == Catalogue.bundled().product_names

    @pytest.mark.parametrize(
        ("name", "change", "match"),
        [
            (OFFICIAL, {"as_of": "yesterday"}, "as_of: expected a day such as 2026-04-30"),
            (OFFICIAL, {"schema": 2}, "expected an object of schema 1"),
            (
                OFFICIAL,
                {"as_of": "2026-11-01", "repositories": None},
                "official-images.json: lacks 'repositories'",
            ),
            (PUBLISHERS, {"as_of": "2026-11-01", "namespaces": 3}, "lacks 'namespaces'"),
            (CALENDARS, {"sources": {}}, "sources: expected at least one"),
            (CALENDARS, {"sources": {"x": 1}}, "x: expected an object"),
            (CALENDARS, {"sources": []}, "sources: expected an object"),
        ],
    )
    def test_a_broken_file_is_an_error(
        self, tmp_path: Path, name: str, change: dict[str, Any], match: str
    ) -> None:
        (tmp_path / name).write_text(json.dumps(bundled_content(name) | change))
        with pytest.raises(InputError, match=match):
            Catalogue.load(tmp_path)

    def test_a_product_that_is_no_object_is_an_error(self, tmp_path: Path) -> None:
        content = bundled_content(CALENDARS)
        content["sources"]["endoflife.date"]["as_of"] = "2026-11-01"
        content["products"]["nodejs"] = 3
        (tmp_path / CALENDARS).write_text(json.dumps(content))
        with pytest.raises(InputError, match=r"products\.nodejs: expected an object"):
            Catalogue.load(tmp_path)

    def test_a_status_that_is_not_understood_verifies_nobody(self, tmp_path: Path) -> None:
        content = bundled_content(PUBLISHERS) | {"as_of": "2026-11-01"}
        content["namespaces"] = [
            {"namespace": "docker.io/acme", "status": "super", "as_of": "2026-11-01"}
        ]
        (tmp_path / PUBLISHERS).write_text(json.dumps(content))
        answer = Catalogue.load(tmp_path).publisher(parse_reference("acme/tool"))
        assert answer.value is UNKNOWN
        assert "'super'" in answer.reason


def test_every_bundled_product_reads_and_has_a_source(catalogue: Catalogue) -> None:
    for name in catalogue.product_names:
        product = catalogue.product(name)
        assert product is not None
        assert product.source in catalogue.as_of
        assert product.axis in ("application", "os", "generation")
        for line in product.releases:
            assert line.end_of_life is None or line.released is None or line.ended is False
            if line.released is not None and line.supported_until is not None:
                assert line.released <= line.supported_until, (name, line.cycle)


def test_a_repository_is_at_most_one_product(catalogue: Catalogue) -> None:
    images = [
        image
        for name in catalogue.product_names
        for image in bundled_content(CALENDARS)["products"][name]["images"]
    ]
    assert len(images) == len(set(images))
