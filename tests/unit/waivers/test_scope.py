from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from basekeeper.values.finding import Finding, Severity
from basekeeper.waivers import WaiverIndex, path_matches
from tests.unit.waivers.making import waiver

if TYPE_CHECKING:
    from basekeeper.values.waiver import Waiver

FINDING = Finding(
    rule="end-of-life",
    severity=Severity.ERROR,
    message="old",
    remedy="move",
    path="legacy/app/Dockerfile",
    line=5,
    end_line=5,
    image="node:18",
)


def covers(one: Waiver, finding: Finding) -> bool:
    return WaiverIndex([one]).covering(finding) == [one]


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ({"paths": ("**",)}, True),
        ({"paths": ("legacy/**",)}, True),
        ({"paths": ("other/**", "legacy/app/Dockerfile")}, True),
        ({"paths": ("other/**",)}, False),
        ({"images": ("node",)}, True),
        ({"images": ("node:18",)}, True),
        ({"images": ("node:20",)}, False),
        ({"images": ("docker.io/library/*",)}, True),
        ({"images": ("python", "node")}, True),
        ({"paths": ("legacy/**",), "images": ("python",)}, False),
        ({"paths": ("other/**",), "images": ("node",)}, False),
        ({"paths": ("**",), "rules": ("floating-tag",)}, False),
        ({"source": "legacy/app/Dockerfile", "target_line": 5}, True),
        ({"source": "legacy/app/Dockerfile", "target_line": 6}, False),
        ({"source": "Dockerfile", "target_line": 5}, False),
    ],
)
def test_covers_rules_files_and_images(scope: dict[str, Any], *, expected: bool) -> None:
    assert covers(waiver(**scope), FINDING) is expected


def test_names_waivers_of_the_file_before_those_of_comments() -> None:
    inline = waiver(source=FINDING.path, target_line=FINDING.line)
    wide, other = waiver(paths=("**",)), waiver(paths=("other/**",))
    index = WaiverIndex([inline, wide, other])
    assert index.covering(FINDING) == [wide, inline]
    assert index.covering(replace(FINDING, line=9)) == [wide]
    assert index.covering(replace(FINDING, rule="floating-tag")) == []


@pytest.mark.parametrize(
    ("image", "pattern", "expected"),
    [
        (None, "node", False),
        ("$BASE", "node", False),
        ("$BASE", "**", False),
        ("scratch", "scratch", True),
        ("scratch", "**", False),
        ("node:18", "scratch", False),
        ("node@sha256:" + "a" * 64, "node:18", False),
    ],
)
def test_images_match_by_reference(image: str | None, pattern: str, *, expected: bool) -> None:
    assert covers(waiver(images=(pattern,)), replace(FINDING, image=image)) is expected


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("**", "a/b/c", True),
        ("**/Dockerfile", "Dockerfile", True),
        ("**/Dockerfile", "a/b/Dockerfile", True),
        ("**/Dockerfile", "a/b/Dockerfile.x", False),
        ("a/**/c", "a/c", True),
        ("a/**/c", "a/b/b/c", True),
        ("a/**", "a/b", True),
        ("a/", "a/b/c", True),
        ("a/", "ab/c", False),
        ("*", "a", True),
        ("*", "a/b", False),
        ("*.Dockerfile", "web.Dockerfile", True),
        ("Dockerfile.?", "Dockerfile.a", True),
        ("Dockerfile.?", "Dockerfile.", False),
        ("a.b", "aXb", False),
        ("[a]", "a", False),
        ("compose.yaml", "compose.yaml#services.web", True),
        ("compose.yaml#services.*", "compose.yaml#services.web", True),
        ("compose.yaml#services.db", "compose.yaml#services.web", False),
    ],
)
def test_matches_paths(pattern: str, path: str, *, expected: bool) -> None:
    assert path_matches(pattern, path) is expected


def test_hostile_patterns_cost_little() -> None:
    assert not path_matches("**/a/" * 200 + "x", "a/" * 400 + "y")
    assert not path_matches("*a" * 200 + "x", "a" * 2000)
