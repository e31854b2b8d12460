from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from basekeeper.discover import discover
from basekeeper.values.platforms import BuiltPlatforms, find_platform, plain_platform
from basekeeper.values.settings import DiscoverSettings
from basekeeper.wiring import open_tree

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("wanted", "present", "expected"),
    [
        ("linux/amd64", "linux/arm64 linux/amd64", "linux/amd64"),
        ("linux/arm64/v8", "linux/amd64 linux/arm64", "linux/arm64"),
        ("linux/amd64/v3", "linux/amd64 linux/amd64/v2", "linux/amd64/v2"),
        ("linux/amd64/v3", "linux/amd64", "linux/amd64"),
        ("linux/amd64", "linux/amd64/v2", None),
        ("linux/arm", "linux/arm/v5 linux/arm/v7", "linux/arm/v7"),
        ("linux/arm/v6", "linux/arm/v5 linux/arm/v7", "linux/arm/v5"),
        ("linux/arm/v7", "linux/arm64", None),
        (
            "windows/amd64",
            "windows/amd64:10.0.20348.1 windows/amd64:10.0.17763.1",
            "windows/amd64:10.0.20348.1",
        ),
        ("windows/amd64:10.0.17763.1", "windows/amd64:10.0.17763.1", "windows/amd64:10.0.17763.1"),
        ("linux/s390x", "", None),
        ("nonsense", "linux/amd64", None),
        ("linux/arm64/v" + "9" * 5000, "linux/arm64", "linux/arm64"),
        ("linux/arm/v\u00b2", "linux/arm/v6", "linux/arm/v6"),
    ],
)
def test_platform_that_a_builder_takes(wanted: str, present: str, expected: str | None) -> None:
    assert find_platform(wanted, present.split()) == expected


def test_the_usual_variant_is_not_written() -> None:
    assert plain_platform("linux/arm64/v8") == "linux/arm64"
    assert plain_platform("linux/arm/v7") == "linux/arm/v7"


@pytest.mark.parametrize(
    ("dockerfile", "compose", "expected"),
    [
        ("FROM alpine", "", ("linux/s390x",)),
        ("FROM alpine", "[linux/amd64, linux/arm64/v8]", ("linux/amd64", "linux/arm64")),
        ("FROM --platform=linux/arm64/v8 alpine", "[linux/amd64]", ("linux/arm64",)),
        ("FROM --platform=$BUILDPLATFORM alpine", "[linux/arm64]", ("linux/amd64",)),
        (
            "FROM alpine\nARG TARGETARCH\nRUN echo $TARGETARCH",
            "[linux/arm64, linux/amd64]",
            ("linux/amd64", "linux/arm64"),
        ),
    ],
)
def test_platforms_that_a_tree_builds(
    tmp_path: Path, dockerfile: str, compose: str, expected: tuple[str, ...]
) -> None:
    (tmp_path / "Dockerfile").write_text(f"{dockerfile}\n", encoding="utf-8")
    if compose:
        build = f"services: {{web: {{build: {{context: ., platforms: {compose}}}}}}}\n"
        (tmp_path / "compose.yaml").write_text(build, encoding="utf-8")
    settings = DiscoverSettings(platforms=("linux/s390x",))
    survey = discover(open_tree(tmp_path, settings), settings)
    built = BuiltPlatforms(survey, settings.platforms)
    assert [tuple(sorted(built.of(use))) for use in survey.uses] == [expected]
