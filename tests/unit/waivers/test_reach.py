"""What a waiver of vulnerabilities covers."""

from __future__ import annotations

from typing import Any

import pytest

from basekeeper.deadlines.identity import Aliases, FindingKey, Scope
from basekeeper.policy.windows import Urgency
from basekeeper.waivers import reach
from basekeeper.waivers.reach import covered, package_matches, scopes_of, within
from tests.unit.waivers.making import of_cve

CVE = "CVE-2026-1"
DEBIAN = "docker.io/library/debian:slim"
PYTHON = "docker.io/library/python:slim"
OPENSSL = "pkg:deb/debian/openssl"


def key(**changes: Any) -> FindingKey:
    good = {
        "lineage": DEBIAN,
        "vulnerability": CVE,
        "package": OPENSSL,
        "platform": "linux/amd64",
    }
    return FindingKey(**{**good, **changes})


KNOWN = (
    key(),
    key(lineage=PYTHON),
    key(package="pkg:deb/debian/zlib"),
    key(lineage="not an image"),
)


@pytest.mark.parametrize(
    ("changes", "scopes"),
    [
        ({}, [Scope(vulnerability=CVE)]),
        ({"images": ("debian",)}, [Scope(vulnerability=CVE, lineage=DEBIAN)]),
        ({"images": ("debian:slim",)}, [Scope(vulnerability=CVE, lineage=DEBIAN)]),
        ({"images": ("debian:13-slim",)}, [Scope(vulnerability=CVE, lineage=DEBIAN)]),
        ({"images": ("debian:*slim*",)}, [Scope(vulnerability=CVE, lineage=DEBIAN)]),
        ({"images": ("debian:13",)}, []),
        ({"images": ("ghcr.io/**",)}, []),
        (
            {"images": ("**",)},
            [Scope(vulnerability=CVE, lineage=DEBIAN), Scope(vulnerability=CVE, lineage=PYTHON)],
        ),
        ({"packages": ("openssl",)}, [Scope(vulnerability=CVE, package=OPENSSL)]),
        ({"packages": ("ssl",)}, []),
        ({"packages": ("pkg:deb/new",)}, [Scope(vulnerability=CVE, package="pkg:deb/new")]),
        (
            {"products": ("b", "a", "a"), "platforms": ("linux/arm64",)},
            [
                Scope(vulnerability=CVE, platform="linux/arm64", product="a"),
                Scope(vulnerability=CVE, platform="linux/arm64", product="b"),
            ],
        ),
        ({"products": ("é" * 512, "%" * 512)}, [Scope(vulnerability=CVE, product="%" * 512),
                                               Scope(vulnerability=CVE, product="é" * 512)]),
    ],
)  # fmt: skip
def test_scopes_are_the_combinations(changes: dict[str, Any], scopes: list[Scope]) -> None:
    assert list(scopes_of(of_cve(**changes), KNOWN)) == scopes


def test_scopes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "MAX_SCOPES", 2)
    assert len(scopes_of(of_cve(products=("a", "b", "c")), ())) == 2


def test_a_scope_that_no_event_could_name_is_left_out() -> None:
    product = "日" * 512
    assert scopes_of(of_cve(products=(product, "a")), ()) == (
        Scope(vulnerability=CVE, product="a"),
    )


def test_another_name_of_a_vulnerability_covers_it() -> None:
    aliases = Aliases([[CVE, "GHSA-JFHM-QCGV-XXRR"]])
    (scope,) = scopes_of(of_cve("GHSA-JFHM-QCGV-XXRR", products=("api",)), KNOWN)
    assert list(covered(scope, KNOWN, aliases)) == list(KNOWN)
    assert not list(covered(scope, KNOWN, Aliases()))


@pytest.mark.parametrize(
    ("bound", "severities", "fits"),
    [
        ("", [None], True),
        ("", [], True),
        ("high", [Urgency.HIGH, Urgency.LOW], True),
        ("high", [Urgency.CRITICAL, None], False),
        ("critical", [Urgency.EXPLOITED], False),
        ("high", [Urgency.LOW, None], None),
        ("low", [], None),
    ],
)
def test_severity_is_at_most_what_is_accepted(
    bound: str, severities: list[Urgency | None], *, fits: bool | None
) -> None:
    assert within(bound, severities) is fits


@pytest.mark.parametrize(
    ("wanted", "identity", "matches"),
    [
        ("openssl", OPENSSL, True),
        (OPENSSL, OPENSSL, True),
        ("debian/openssl", OPENSSL, False),
        ("openssl", "pkg:deb/debian/libopenssl", False),
        ("core", "npm/core", True),
    ],
)
def test_packages_match_whole(wanted: str, identity: str, *, matches: bool) -> None:
    assert package_matches(wanted, identity) is matches
