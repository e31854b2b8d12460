from __future__ import annotations

import pytest

from basekeeper.lifecycle.catalogue import Catalogue
from basekeeper.tags.axes import PartKind, split_name, split_tag
from basekeeper.tags.words import DEBIAN_CODENAMES, UBUNTU_CODENAMES


@pytest.mark.parametrize(
    ("repository", "tag", "application", "os", "variants"),
    [
        ("library/python", "3.12-slim", "3.12", None, ("slim",)),
        ("library/python", "3.12-slim-bookworm", "3.12", ("debian", "12"), ("slim",)),
        ("library/node", "22-alpine3.20", "22", ("alpine", "3.20"), ()),
        ("library/node", "22-alpine", "22", ("alpine", None), ()),
        ("library/eclipse-temurin", "21.0.5_11-jre", "21.0.5_11", None, ("jre",)),
        ("library/eclipse-temurin", "8-jdk-alpine-3.24", "8", ("alpine", "3.24"), ("jdk",)),
        ("dotnet/aspnet", "8.0-bookworm-slim", "8.0", ("debian", "12"), ("slim",)),
        ("dotnet/aspnet", "9.0-noble-chiseled", "9.0", ("ubuntu", "24.04"), ("chiseled",)),
        ("dotnet/sdk", "10.0.400-azurelinux3.0", "10.0.400", ("azurelinux", "3.0"), ()),
        ("library/openjdk", "8u452-b09-jdk-alpine", "8u452-b09", ("alpine", None), ("jdk",)),
        ("library/php", "8.6.0beta1-cli-trixie", "8.6.0beta1", ("debian", "13"), ("cli",)),
        ("library/amazoncorretto", "8u504-al2023", "8u504", ("al", "2023"), ()),
        ("x/y", "v1.2.3", "v1.2.3", None, ()),
        ("x/y", "1.0-nanoserver-1809", "1.0", ("nanoserver", "2019"), ()),
        ("x/y", "1.0-windowsservercore-ltsc2022", "1.0", ("windowsservercore", "2022"), ()),
        ("x/y", "1.24-3.1736", "1.24-3.1736", None, ()),
        ("x/y", "28-ea-11-jdk-slim", "28-ea-11", None, ("jdk", "slim")),
        ("x/y", "ubuntu-22.04", None, ("ubuntu", "22.04"), ()),
        ("x/y", "ubuntu2204", None, ("ubuntu", "22.04"), ()),
        ("x/y", "ubuntu22", None, ("ubuntu", "22.04"), ()),
        ("library/debian", "12.5", None, ("debian", "12.5"), ()),
        ("library/debian", "bookworm-slim", None, ("debian", "12"), ("slim",)),
        ("library/centos", "centos7", None, ("centos", "7"), ()),
        ("centos/centos", "stream9", None, ("stream", "9"), ()),
        ("ubi9", "9.4-1194.1", None, ("ubi", "9.4"), ()),
        ("ubi9/ubi-minimal", "9.4-1194", None, ("ubi", "9.4"), ()),
        ("opensuse/leap", "15.6", None, ("leap", "15.6"), ()),
        ("opensuse/archive", "15.3", None, ("opensuse", "15.3"), ()),
        ("windows/nanoserver", "ltsc2022", None, ("ltsc", "2022"), ()),
    ],
)
def test_splits_the_tags_of_real_publishers(
    repository: str,
    tag: str,
    application: str | None,
    os: tuple[str, str | None] | None,
    variants: tuple[str, ...],
) -> None:
    axes = split_tag(repository, tag)
    assert (None if axes.application is None else axes.application.text) == application
    assert (None if axes.os is None else (axes.os.family, axes.os.release)) == os
    assert axes.variants == variants
    assert str(axes) == tag


@pytest.mark.parametrize(
    ("tag", "runtimes"),
    [
        ("3.9-eclipse-temurin-17-alpine", [("eclipse-temurin", "17")]),
        ("3-jdk-11", [("jdk", "11")]),
        ("6.4-php8.2-fpm-alpine", [("php", "8.2")]),
        ("1.16-erlang-25.0-alpine", [("erlang", "25.0")]),
        ("4.1.2-scala2.13-java21", [("scala", "2.13"), ("java", "21")]),
        ("2.3.0-scala_2.12-java17", [("scala", "2.12"), ("java", "17")]),
        ("lts-jdk17", [("jdk", "17")]),
        ("pg16", [("pg", "16")]),
        ("21-jdk", []),
        ("12.4.1-cudnn-devel-ubuntu22.04", []),
        ("3.9-jdk-20240904", []),
    ],
)
def test_finds_second_products(tag: str, runtimes: list[tuple[str, str]]) -> None:
    axes = split_tag("x/y", tag)
    assert [(one.name, one.version) for one in axes.runtimes] == runtimes
    assert str(axes) == tag


@pytest.mark.parametrize(
    ("tag", "date", "arch", "commit", "channel"),
    [
        ("20240904", "20240904", None, None, None),
        ("bookworm-20240904-slim", "20240904", None, None, None),
        ("20240904.1", "20240904.1", None, None, None),
        ("1.2-arm64v8", None, "arm64v8", None, None),
        ("3f2a9bc", None, None, "3f2a9bc", None),
        ("lts-alpine", None, None, None, "lts"),
        ("latest", None, None, None, "latest"),
        ("1.2-dev", None, None, None, None),
        ("20241399", None, None, None, None),
        ("abcdefa", None, None, None, None),
    ],
)
def test_finds_dates_architectures_commits_and_channels(
    tag: str, date: str | None, arch: str | None, commit: str | None, channel: str | None
) -> None:
    axes = split_tag("x/y", tag)
    assert (axes.date, axes.arch, axes.commit, axes.channel) == (date, arch, commit, channel)


def test_a_bare_beta_build_is_no_part_of_a_version() -> None:
    axes = split_tag("x/y", "1.2-b09")
    assert axes.application is not None
    assert axes.application.text == "1.2"
    assert axes.variants == ("b09",)


@pytest.mark.parametrize(
    ("name", "runtimes", "os"),
    [
        ("distroless/nodejs22-debian12", [("nodejs", "22")], ("debian", "12")),
        ("distroless/static-debian12", [], ("debian", "12")),
        ("distroless/python3-debian12", [("python", "3")], ("debian", "12")),
        ("ubi9/python-312", [("python", "3.12")], ("ubi", "9")),
        ("ubi9/nodejs-20", [("nodejs", "20")], ("ubi", "9")),
        ("library/node", [], None),
        ("oracle/serverjre", [], None),
        ("library/debian", [], None),
        ("latest/20240904", [], None),
    ],
)
def test_reads_versions_in_repository_names(
    name: str, runtimes: list[tuple[str, str]], os: tuple[str, str] | None
) -> None:
    axes = split_name(name)
    assert [(one.name, one.version) for one in axes.runtimes] == runtimes
    assert (None if axes.os is None else (axes.os.family, axes.os.release)) == os
    assert axes.application is None
    assert str(axes) == name


def test_every_character_belongs_to_exactly_one_part() -> None:
    axes = split_tag("library/maven", "3.9-eclipse-temurin-17-alpine")
    assert [(part.kind, part.text) for part in axes.parts] == [
        (PartKind.VERSION, "3.9"),
        (PartKind.SEPARATOR, "-"),
        (PartKind.RUNTIME, "eclipse-temurin-17"),
        (PartKind.SEPARATOR, "-"),
        (PartKind.OS, "alpine"),
    ]


def test_text_longer_than_any_tag_stays_one_word() -> None:
    axes = split_tag("x/y", "3.12-" * 60)
    assert [part.kind for part in axes.parts] == [PartKind.WORD]
    assert str(axes) == "3.12-" * 60


@pytest.mark.parametrize(
    ("product", "names"), [("debian", DEBIAN_CODENAMES), ("ubuntu", UBUNTU_CODENAMES)]
)
def test_the_codename_tables_agree_with_the_calendars(product: str, names: dict[str, str]) -> None:
    calendar = Catalogue.bundled().product(product)
    assert calendar is not None
    for release in calendar.releases[:8]:
        assert release.codename is not None
        assert names[release.codename.lower().split(" ")[0]] == release.cycle
