from __future__ import annotations

import pytest

from basekeeper.values.platforms import find_platform, plain_platform


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
    ],
)
def test_platform_that_a_builder_takes(wanted: str, present: str, expected: str | None) -> None:
    assert find_platform(wanted, present.split()) == expected


def test_the_usual_variant_is_not_written() -> None:
    assert plain_platform("linux/arm64/v8") == "linux/arm64"
    assert plain_platform("linux/arm/v7") == "linux/arm/v7"
