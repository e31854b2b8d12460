from __future__ import annotations

import pytest

from basekeeper.config.document import read_document
from basekeeper.config.settings import Settings, parse_settings, permitted_settings
from basekeeper.config.table import Table
from basekeeper.values.settings import NON_PRODUCTION, DiscoverSettings


def _read(text: str) -> tuple[Settings, list[str]]:
    document = read_document(text.encode(), "x.toml")
    top = Table(document, document.data)
    settings = parse_settings(top)
    return settings, [str(problem) for problem in top.problems]


FULL = """\
[discover]
include = ["src/**"]
exclude = ["old"]
dockerfiles = ["build/recipe"]
non_production = ["lab/**", "!**/docs/**"]
platforms = ["linux/arm64/v8"]
follow_submodules = true
respect_gitignore = false
build_args = {NODE = "22", EMPTY = ""}
"""


def test_says_nothing_without_a_table() -> None:
    assert _read("") == (Settings(), [])


def test_reads_every_setting() -> None:
    settings, problems = _read(FULL)
    assert problems == []
    assert settings.discover == DiscoverSettings(
        include=("src/**",),
        exclude=("old",),
        dockerfiles=("build/recipe",),
        non_production=(*NON_PRODUCTION, "lab/**", "!**/docs/**"),
        platforms=("linux/arm64/v8",),
        follow_submodules=True,
        respect_gitignore=False,
        build_args={"NODE": "22", "EMPTY": ""},
    )


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("excludes = []", "x.toml:2: discover.excludes: is not known here"),
        ('exclude = "x"', "x.toml:2: discover.exclude: expected a list of texts, got text"),
        ('platforms = ["linux"]', "x.toml:2: discover.platforms[0]: 'linux' is no platform"),
        (
            'build_args = {"9x" = "1"}',
            "x.toml:2: discover.build_args.9x: is no name of an argument",
        ),
        (
            "build_args = {A = 1}",
            "x.toml:2: discover.build_args.A: expected text in quotes, got a number",
        ),
    ],
)
def test_notes_a_wrong_setting(line: str, problem: str) -> None:
    assert _read(f"[discover]\n{line}\n")[1] == [problem]


def test_a_repository_cannot_hide_files_from_an_operator() -> None:
    own, _ = _read(FULL)
    settings, notices = permitted_settings(Settings(), own, "basekeeper.toml")
    assert settings.discover == DiscoverSettings(
        dockerfiles=("build/recipe",),
        platforms=("linux/amd64", "linux/arm64/v8"),
        follow_submodules=True,
    )
    assert notices == tuple(
        f"discover.{name} of basekeeper.toml is ignored: it is the operator's to set"
        for name in ("include", "exclude", "non_production", "build_args", "respect_gitignore")
    )


def test_a_repository_cannot_choose_the_image_by_an_argument() -> None:
    operator, _ = _read('[discover]\nbuild_args = {NODE = "24"}\nplatforms = ["linux/s390x"]\n')
    own, _ = _read('[discover]\nbuild_args = {NODE = "12", X = "1"}\n')
    settings, notices = permitted_settings(operator, own, "basekeeper.toml")
    assert settings.discover.build_args == {"NODE": "24"}
    assert settings.discover.platforms == ("linux/s390x",)
    assert notices == (
        "discover.build_args of basekeeper.toml is ignored: it is the operator's to set",
    )
