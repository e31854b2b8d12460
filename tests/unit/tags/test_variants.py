from __future__ import annotations

from datetime import date

import pytest

from basekeeper.lifecycle.taglist import TagList
from basekeeper.tags.variants import (
    SmallerVariant,
    knows_variants,
    smaller_variant,
    system_behind,
)

REPOSITORY = "library/app"


def tag_list(*lines: str) -> TagList:
    return TagList(f"docker.io/{REPOSITORY}", "list", date(2026, 8, 21), lines)


APP = tag_list(
    "3.12.14-trixie 3.12-trixie 3.12.14 3.12",
    "3.12.14-slim-trixie 3.12-slim-trixie 3.12.14-slim 3.12-slim",
    "3.12.14-bookworm 3.12-bookworm",
    "3.12.14-slim-bookworm 3.12-slim-bookworm",
    "3.12.14-alpine3.24 3.12-alpine3.24 3.12.14-alpine 3.12-alpine",
    "3.12.14-fpm 3.12-fpm",
    "3.12.14-fpm-alpine 3.12-fpm-alpine",
    "3.12.14-apache 3.12-apache",
    "3.14.1-rc1-noble 3.14-rc",
    "3.13.1-resolute 3.13-resolute",
    "3.13.1-alpine 3.13-alpine",
    "4.0-noble 4.0 latest",
    "4.0-noble-chiseled",
    "4.0-noble-chiseled-slim",
    "bookworm-20260803",
    "bookworm-20260803-slim",
)


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("3.12", SmallerVariant("3.12-slim", None, listed=True)),
        ("3.12.14", SmallerVariant("3.12.14-slim", None, listed=True)),
        ("3.12-bookworm", SmallerVariant("3.12-slim-bookworm", None, listed=True)),
        ("3.12-fpm", SmallerVariant("3.12-fpm-alpine", "alpine-linux", listed=True)),
        ("3.12-apache", None),
        ("3.13-resolute", SmallerVariant("3.13-alpine", "alpine-linux", listed=True)),
        ("4.0", SmallerVariant("4.0-noble-chiseled", None, listed=True)),
        ("4.0-noble", SmallerVariant("4.0-noble-chiseled", None, listed=True)),
        ("latest", SmallerVariant("4.0-noble-chiseled", None, listed=True)),
        ("3.12.1", SmallerVariant("3.12.1-slim", None, listed=False)),
        ("3.12.1-bookworm", SmallerVariant("3.12.1-slim-bookworm", None, listed=False)),
        ("3.11", SmallerVariant("3.11-slim", None, listed=False)),
        ("3.11-buster", None),
        ("5.1-noble", SmallerVariant("5.1-noble-chiseled", None, listed=False)),
        (
            "bookworm-20240904",
            SmallerVariant("bookworm-20240904-slim", None, listed=False),
        ),
    ],
)
def test_offers_the_nearest_smaller_variant(tag: str, expected: SmallerVariant | None) -> None:
    assert smaller_variant(APP, REPOSITORY, tag) == expected


def test_a_stand_in_of_another_line_offers_no_system_release_of_its_own() -> None:
    tags = tag_list("10.0-noble 10.0", "10.0-noble-chiseled", "10.0-alpine3.24 10.0-alpine")
    assert smaller_variant(tags, REPOSITORY, "6.0") == SmallerVariant(
        "6.0-alpine", "alpine-linux", listed=False
    )


def test_a_precise_version_of_a_listed_line_keeps_its_system() -> None:
    tags = tag_list("10.0.11-noble 10.0-noble 10.0.11 10.0", "10.0-noble-chiseled")
    assert smaller_variant(tags, REPOSITORY, "10.0.3") == SmallerVariant(
        "10.0.3-noble-chiseled", None, listed=False
    )


def test_keeps_a_leading_v() -> None:
    tags = tag_list("v3.5.1 3.5.1 v3.5", "v3.5.1-alpine 3.5.1-alpine v3.5-alpine")
    assert smaller_variant(tags, REPOSITORY, "v3.5.0") == SmallerVariant(
        "v3.5.0-alpine", "alpine-linux", listed=False
    )


@pytest.mark.parametrize(
    ("tag", "known"),
    [("3.12", True), ("3.12.1", True), ("3.11", True), ("3.11-buster", False), ("beta", False)],
)
def test_knows_which_tags_it_can_speak_about(tag: str, *, known: bool) -> None:
    assert knows_variants(APP, REPOSITORY, tag) is known


def test_tells_the_system_behind_a_tag() -> None:
    system = system_behind(APP, REPOSITORY, "3.12-slim")
    assert system is not None
    assert (system.product, system.release) == ("debian", "13")
    assert system_behind(APP, REPOSITORY, "3.12-fpm") is None
    assert system_behind(APP, REPOSITORY, "missing") is None
