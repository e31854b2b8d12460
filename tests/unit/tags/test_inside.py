from __future__ import annotations

from typing import Any

import pytest

from basekeeper.tags.inside import of_file, os_release, version
from basekeeper.values.facts import read_os_release
from basekeeper.values.image import ImageConfig

LABEL = "org.opencontainers.image."
DEBUERREOTYPE = "# debian.sh --arch 'amd64' out/ 'bookworm' '@1728864000'"
MINIROOTFS = "ADD alpine-minirootfs-3.20.3-x86_64.tar.gz / # buildkit"


def config(
    labels: dict[str, str] | None = None, history: tuple[str, ...] = (), **env: str
) -> ImageConfig:
    return ImageConfig(
        digest="", manifest="", platform="linux/amd64", labels=labels or {}, env=env,
        history=history,
    )  # fmt: skip


def official(name: str, tag: str) -> dict[str, str]:
    return {f"{LABEL}url": f"https://hub.docker.com/_/{name}", f"{LABEL}version": tag}


def base(name: str, **more: str) -> dict[str, str]:
    return {f"{LABEL}base.name": name, **more}


@pytest.mark.parametrize(
    ("inside", "said"),
    [
        (config(base("debian:bookworm-slim")), "debian 12"),
        (config(base("docker.io/library/alpine:3.22")), "alpine 3.22"),
        (config(base("public.ecr.aws/docker/library/ubuntu:noble")), "ubuntu 24.04"),
        (config(base("registry.access.redhat.com/ubi9/ubi:9.4")), "rhel 9.4"),
        (config(official("python", "3.12.7-slim-bookworm")), "debian 12"),
        (config(base("scratch", **official("debian", "trixie"))), "debian 13"),
        (config(base("scratch", **official("alpine", "3.20"))), "alpine 3.20"),
        (
            config({f"{LABEL}ref.name": "ubuntu", f"{LABEL}version": "24.04"}),
            "ubuntu 24.04",
        ),
        (
            config({"com.redhat.component": "x", "name": "ubi9/ubi-minimal", "version": "9.5"}),
            "rhel 9.5",
        ),
        (config({"com.redhat.component": "x", "name": "ubi8"}), "rhel 8"),
        (config({"com.redhat.component": "x", "name": "ubi9", "version": "20"}), "rhel 9"),
        (config(OS_FLAVOUR="debian-12"), "debian 12"),
        (config(history=("ARG X", DEBUERREOTYPE)), "debian 12"),
        (config(history=(MINIROOTFS,)), "alpine 3.20"),
        (config(base("${BASE}"), history=(MINIROOTFS,)), "alpine 3.20"),
        (config(base("python:3.12"), history=(DEBUERREOTYPE,)), "debian 12"),
    ],
)
def test_system_is_told(inside: ImageConfig, said: str) -> None:
    assert os_release(inside) == said
    assert read_os_release(said)["ID"] == said.split(maxsplit=1)[0]


@pytest.mark.parametrize(
    "inside",
    [
        config(),
        config(base("python:3.12")),
        config(base("debian")),
        config(base("not a reference")),
        config({f"{LABEL}ref.name": "ubuntu", f"{LABEL}version": "1.4.2"}),
        config({f"{LABEL}version": "bookworm"}),
        config({f"{LABEL}url": "https://evil.test/_/debian", f"{LABEL}version": "bookworm"}),
        config({"name": "ubi9", "version": "9.4"}),
        config({"com.redhat.component": "x", "name": "ubi٩"}),
        config(OS_FLAVOUR="debian-sid"),
        config(history=("# debian.sh --arch 'amd64' out/ 'nosuch' '@1728864000'",)),
        config(history=("ADD file:abc in /", "CMD bash")),
        config(history=("x" * 5000 + MINIROOTFS,)),
    ],
)
def test_what_is_not_told_stays_unknown(inside: ImageConfig) -> None:
    assert os_release(inside) is None


@pytest.mark.parametrize(
    ("product", "repository", "inside", "said"),
    [
        ("python", "library/python", config(PYTHON_VERSION="3.12.7"), "3.12.7"),
        ("nodejs", "library/node", config(NODE_VERSION="22.4.1"), "22.4.1"),
        ("eclipse-temurin", "library/eclipse-temurin", config(JAVA_VERSION="jdk-21.0.4+7"),
         "21.0.4"),
        ("eclipse-temurin", "library/eclipse-temurin", config(JAVA_VERSION="jdk8u422-b05"),
         "8"),
        ("postgresql", "library/postgres", config(PG_VERSION="16.4-1.pgdg120+1"), "16.4"),
        ("mariadb", "library/mariadb", config(MARIADB_VERSION="1:10.11.6+maria~ubu2204"),
         "10.11.6"),
        ("dotnet", "dotnet/sdk", config(DOTNET_SDK_VERSION="8.0.404", DOTNET_VERSION="8.0.11"),
         "8.0.404"),
        ("dotnet", "dotnet/aspnet", config(DOTNET_VERSION="8.0.11"), "8.0.11"),
        ("nginx", "library/nginx", config(official("nginx", "1.27.2-bookworm")), "1.27.2"),
        ("debian", "library/debian", config(official("debian", "bookworm-slim")), "12"),
        ("ubuntu", "library/ubuntu", config(official("ubuntu", "noble")), "24.04"),
        (None, "acme/tool", config(PYTHON_VERSION="3.12.7"), None),
        ("python", "library/python", config(PYTHON_VERSION="main"), None),
        ("python", "library/python", config(), None),
        ("redis", "library/redis", config(official("debian", "bookworm")), None),
        ("nodejs", "acme/node", config({f"{LABEL}version": "3"}), None),
    ],
)  # fmt: skip
def test_version_is_told_by_the_products_own_variable_or_label(
    product: str | None, repository: str, inside: ImageConfig, said: str | None
) -> None:
    assert version(inside, product, repository) == said


@pytest.mark.parametrize("text", ["jdk-" * 1000, "1." * 5000, "9" * 5000, "'" * 5000])
def test_hostile_text_is_read_quickly(text: str) -> None:
    hostile: dict[str, Any] = dict.fromkeys(
        (f"{LABEL}base.name", f"{LABEL}version", f"{LABEL}url", "name", "version"), text
    )
    inside = config({**hostile, "com.redhat.component": ""}, (text,) * 100, OS_FLAVOUR=text)
    assert os_release(inside) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('PRETTY_NAME="Debian GNU/Linux 12"\nVERSION_ID="12"\nID=debian\n', "debian 12"),
        ("ID=alpine\nVERSION_ID=3.22.1\n", "alpine 3.22.1"),
        ('ID="rhel"\nVERSION_ID="9.4"\n', "rhel 9.4"),
        ("ID=debian\nVERSION_CODENAME=forky\n", "debian 14"),
        ("ID=debian\n", "debian"),
        ("ID=arch\nBUILD_ID=rolling\n", "arch"),
        ('ID="opensuse-tumbleweed"\nVERSION_ID="20261101"\n', "opensuse-tumbleweed"),
        ("ID=x\x1b[31m\nVERSION_ID=1\n", None),
        ('ID=debian\nVERSION_ID="12 \x1b[2J"\n', None),
        ("ID=debian\nVERSION_ID=" + "1" * 100, None),
        ("nothing of use", None),
        ("", None),
    ],
)
def test_system_is_told_by_its_file(text: str, said: str | None) -> None:
    assert of_file(text) == said
