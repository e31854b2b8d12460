"""Source packages are named in the words that each scanner reads; nothing else is changed."""

from __future__ import annotations

from typing import Any

import pytest

from basekeeper.scanners.sources import for_grype, for_trivy

PREFIX = "aquasecurity:trivy:"


def listed(purl: str | None, **told: str) -> dict[str, Any]:
    properties = [{"name": PREFIX + name, "value": value} for name, value in told.items()]
    return {"x": 1, "components": [{"name": "a", "purl": purl, "properties": properties}]}


DEB, RPM, APK = "pkg:deb/debian/a@1?arch=amd64", "pkg:rpm/redhat/a@1", "pkg:apk/alpine/a@1"
PAIRS = [
    (DEB, {"SrcName": "s"}, "&upstream=s"),
    (DEB, {"SrcName": "s", "SrcVersion": "1+b"}, "&upstream=s%401%2Bb"),
    (DEB, {"SrcName": "s", "SrcVersion": "1-2", "SrcEpoch": "3"}, "&upstream=s%403%3A1-2"),
    (RPM, {"SrcName": "s-t", "SrcVersion": "1-2.el9"}, "?upstream=s-t-1-2.el9.src.rpm"),
    (APK, {"SrcName": "s"}, "?upstream=s"),
]


@pytest.mark.parametrize(("purl", "told", "upstream"), PAIRS)
def test_sources_are_named_for_either(purl: str, told: dict[str, str], upstream: str) -> None:
    (ours,) = for_grype(listed(purl, **told))["components"]
    assert ours["purl"] == purl + upstream
    found = for_trivy(listed(purl + upstream))
    (theirs,) = found["components"]
    assert theirs["properties"] == listed(purl, **told)["components"][0]["properties"]
    assert found["x"] == 1


def test_a_release_that_stands_apart_is_put_together() -> None:
    told = {"SrcName": "s", "SrcVersion": "1", "SrcRelease": "2"}
    (one,) = for_grype(listed(DEB, **told))["components"]
    assert one["purl"].endswith("upstream=s%401-2")


@pytest.mark.parametrize(
    ("purl", "told"),
    [
        (None, {"SrcName": "s"}),
        ("pkg:pypi/a@1?upstream=s", {"SrcName": "s"}),
        (DEB, {}),
        (f"{DEB}&upstream=t", {"SrcName": "s"}),
        (f"{RPM}?upstream=unreadable", {}),
    ],
)
def test_what_is_named_or_has_no_source_stays(purl: str | None, told: dict[str, str]) -> None:
    document = listed(purl, **told)
    assert for_grype(document) == for_trivy(document) == document
