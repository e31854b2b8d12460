from __future__ import annotations

import pytest

from basekeeper.tags.version import FINAL_RANK, Version, parse_version


def parsed(text: str) -> Version:
    version = parse_version(text)
    assert version is not None, text
    return version


@pytest.mark.parametrize(
    ("text", "numbers", "build"),
    [
        ("22", (22,), ()),
        ("3.12.4", (3, 12, 4), ()),
        ("v1.2.3", (1, 2, 3), ()),
        ("21.0.5_11", (21, 0, 5), (11,)),
        ("8u452-b09", (8, 0, 452), (9,)),
        ("8u504", (8, 0, 504), ()),
        ("9.4-1194", (9, 4), (1194,)),
        ("1.24-3.1736", (1, 24), (3, 1736)),
        ("3.4.1-r2", (3, 4, 1), (2,)),
        ("1.1.1w", (1, 1, 1, 23), ()),
        ("4.0.0.RELEASE", (4, 0, 0), ()),
    ],
)
def test_reads_numbers_and_builds(
    text: str, numbers: tuple[int, ...], build: tuple[int, ...]
) -> None:
    version = parsed(text)
    assert (version.numbers, version.build) == (numbers, build)
    assert not version.is_prerelease
    assert str(version) == text


@pytest.mark.parametrize(
    ("text", "rank", "tail"),
    [
        ("3.15.0rc1", 4, (1,)),
        ("8.6.0beta1", 2, (1,)),
        ("19beta3", 2, (3,)),
        ("1.0-rc-2", 4, (2,)),
        ("11.0.0-M1", 3, (1,)),
        ("1.0.0-alpha.2", 1, (2,)),
        ("11.0.100-preview.7", 2, (7,)),
        ("28-ea", 0, ()),
        ("3.9.0b1", 2, (1,)),
        ("2.0.0.dev3", 0, (3,)),
    ],
)
def test_reads_prereleases_with_a_numeric_tail(text: str, rank: int, tail: tuple[int, ...]) -> None:
    version = parsed(text)
    assert version.is_prerelease
    assert version.prerelease == (rank, tail)


@pytest.mark.parametrize(
    "text",
    ["", "latest", "slim", "3.", ".3", "3..1", "1.2.3-slim", "v", "1.2\n", "\u0663.1", "3f2a"],
)
def test_refuses_what_is_no_version(text: str) -> None:
    assert parse_version(text) is None


def test_refuses_text_longer_than_a_tag() -> None:
    assert parse_version("1" * 129) is None


@pytest.mark.parametrize(
    ("lower", "higher"),
    [
        ("1.9", "1.10"),
        ("1.0rc2", "1.0rc10"),
        ("1.0rc10", "1.0"),
        ("1.0-alpha9", "1.0-beta1"),
        ("1.0-beta9", "1.0-M1"),
        ("1.0-M9", "1.0-rc1"),
        ("21.0.5_9", "21.0.5_11"),
        ("8u452-b08", "8u452-b09"),
        ("8u99", "8u452"),
        ("9.4-999", "9.4-1194"),
    ],
)
def test_orders_by_numbers_then_prerelease_then_build(lower: str, higher: str) -> None:
    assert parsed(lower).key < parsed(higher).key


def test_tells_precision_and_the_plain_numbers() -> None:
    version = parsed("v3.12.1-rc2")
    assert (version.precision, version.plain) == (3, "3.12.1")
    assert parsed("1.0").prerelease == (FINAL_RANK, ())


def test_plain_is_empty_for_a_hand_made_version_without_numbers() -> None:
    assert Version("x", ()).plain == ""
