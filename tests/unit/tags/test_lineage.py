"""What stays of an image over its releases."""

from __future__ import annotations

import pytest

from basekeeper.tags.lineage import lineage

HUB = "docker.io/library"


@pytest.mark.parametrize(
    ("name", "tags", "words"),
    [
        (f"{HUB}/python", "3.12 3.13.1 3 latest 3.12-bookworm trixie 3.14.0rc1", ""),
        (f"{HUB}/python", "3.12-slim slim 3.13.2-slim-bookworm slim-trixie", ":slim"),
        (f"{HUB}/python", "3.12-alpine 3.13-alpine3.21 alpine", ":alpine"),
        (f"{HUB}/debian", "12 bookworm 12.9 bookworm-20250113 stable latest", ""),
        (f"{HUB}/debian", "12-slim bookworm-slim bookworm-20250113-slim", ":slim"),
        (f"{HUB}/ubuntu", "24.04 noble noble-20250127 latest rolling", ""),
        (f"{HUB}/alpine", "3.21 3.21.2 edge latest 20250108", ""),
        (f"{HUB}/node", "22-slim iron-slim jod-slim lts-slim 22.1.0-bookworm-slim", ":slim"),
        (f"{HUB}/nginx", "1.27-alpine-perl mainline-alpine3.20-perl", ":alpine-perl"),
        (f"{HUB}/wordpress", "6.5-php8.2-fpm-alpine php8.3-fpm-alpine", ":alpine-fpm-php"),
        (f"{HUB}/eclipse-temurin", "21-jre 17.0.9_9-jre-noble 21-jre-jammy", ":jre"),
        (f"{HUB}/eclipse-temurin", "21-jre-ubi9-minimal", ":jre-minimal-ubi"),
        (f"{HUB}/maven", "3.9-eclipse-temurin-21-alpine", ":alpine-eclipse-temurin"),
        (
            "mcr.microsoft.com/dotnet/aspnet",
            "8.0-jammy-chiseled 9.0-noble-chiseled-amd64",
            ":chiseled",
        ),
        ("mcr.microsoft.com/dotnet/sdk", "8.0-nanoserver-ltsc2022", ":nanoserver"),
        ("gcr.io/distroless/nodejs22-debian12", "nonroot", ":nonroot"),
        ("docker.io/bitnami/redis", "7.2-debian-12-r3 7.4.1-debian-12-r0", ""),
        ("ghcr.io/acme/shop", "3f9c21e sha256x7 deadbeef 2026-03-02 v1.2.3", ""),
    ],
)
def test_releases_of_one_variant_are_one_lineage(name: str, tags: str, words: str) -> None:
    assert {lineage(name, tag) for tag in tags.split()} == {name + words}


def test_a_digest_alone_tells_no_variant() -> None:
    assert lineage(f"{HUB}/python", None) == f"{HUB}/python"


def test_other_variants_are_other_lineages() -> None:
    tags = "3.12 3.12-slim 3.12-alpine 3.12-windowsservercore-ltsc2022"
    assert len({lineage(f"{HUB}/python", tag) for tag in tags.split()}) == 4
